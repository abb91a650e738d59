"""Intermediate results of a cell of the Fréchet table: the moments of its features, from which a sweep can continue.

The pictures themselves are not stored.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from explorer.evaluation.chunks import ChunkResult
from explorer.evaluation.frechet import Moments
from explorer.evaluation.resumable import write_arrays

WRITE_INTERVAL = 1.0  # seconds; at most this much work is lost, apart from the chunks in progress


@dataclass(eq=False)
class MomentsFile:
    """The moments of pictures 0 to ``len(moments)`` - 1 of a cell, in memory and on disk.

    Attributes:
        path: the .npz file.
        key: what the features depend on, besides the number of pictures. A file with another key is replaced.
        count: number of pictures of the complete cell.
        batch: pictures per chunk.
        moments: of the features computed so far.
        seconds: per picture, one entry per chunk.
        machine: the device that computed the last chunk.
    """

    path: Path
    key: dict[str, Any]
    count: int
    batch: int
    moments: Moments
    seconds: list[float] = field(default_factory=list)
    machine: str = ""
    _writable: bool = True
    _last_write: float = 0.0

    @classmethod
    def read(cls, path: Path, key: dict[str, Any], count: int, batch: int, d: int) -> MomentsFile:
        """Read the file, or start with no pictures if it does not exist or does not apply.

        A file with more than ``count`` pictures does not apply, and is never replaced.

        Args:
            d: number of features per picture.

        Raises:
            ValueError: the file is damaged.
        """
        key = key | {"batch": batch}
        result = cls(path, key, count, batch, Moments.of(np.zeros((0, d))))
        if not path.exists():
            return result
        try:
            with np.load(path, allow_pickle=False) as file:
                if json.loads(str(file["key"])) == key:
                    stored = Moments(file["count"], file["total"], file["square"])
                    result._writable = len(stored) <= count
                    if result._writable:
                        result.moments = stored
                        result.seconds, result.machine = file["seconds"].tolist(), str(file["machine"])
        except Exception as error:  # numpy, zipfile, zlib and json raise many types
            raise ValueError(f"{path} is damaged; delete it") from error
        return result

    def remaining(self) -> list[range]:
        """Return the picture numbers of each chunk that is missing. The last chunk may be shorter."""
        starts = range(len(self.moments), self.count, self.batch)
        return [range(start, min(start + self.batch, self.count)) for start in starts]

    def add(self, result: ChunkResult) -> None:
        """Add the next chunk.

        A shorter chunk is not written to the file: its pictures were computed in a smaller batch, so they would
        differ in a cell with more pictures.
        """
        full = len(result.rows) == self.batch
        if not full:
            self.write()
            self._writable = False
        self.moments.add(result.rows)
        self.seconds.append(result.seconds)
        self.machine = result.machine
        if full and time.monotonic() - self._last_write > WRITE_INTERVAL:
            self.write()

    def write(self) -> None:
        """Write the file, unless it has more pictures, there are none, or a shorter chunk was added."""
        if not self._writable or not len(self.moments):
            return
        arrays = {
            "count": self.moments.count,
            "total": self.moments.total,
            "square": self.moments.square,
            "seconds": np.array(self.seconds),
            "machine": np.array(self.machine),
        }
        write_arrays(self.path, self.key, arrays)
        self._last_write = time.monotonic()
