"""The sums of a cell's features on disk: a sweep that was killed goes on from them, and no picture is ever kept."""

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

SECONDS_BETWEEN = 1.0  # of two writes: so much work is lost at the most, beside the chunks under way


@dataclass(eq=False)
class MomentsFile:
    """What there is of a cell: pictures 0 to ``len(moments)`` - 1, in whole chunks.

    Attributes:
        path: .npz file that keeps the sums.
        key: what they depend on, beside the number of pictures. A file with another key is started anew.
        count, batch: how many pictures are wanted, and how many make a chunk.
        seconds: that a picture took, of each chunk.
        machine: what the last chunk was made on.
    """

    path: Path
    key: dict[str, Any]
    count: int
    batch: int
    moments: Moments
    seconds: list[float] = field(default_factory=list)
    machine: str = ""
    _keeps: bool = True  # a file of more pictures than are wanted now is left alone
    _written: float = 0.0

    @classmethod
    def read(cls, path: Path, key: dict[str, Any], count: int, batch: int, d: int) -> MomentsFile:
        """As far as the cell has come.

        Args:
            d: length of a row of features.

        Raises:
            ValueError: if the file is damaged.
        """
        key = key | {"batch": batch}
        sums = cls(path, key, count, batch, Moments.of(np.zeros((0, d))))
        if not path.exists():
            return sums
        try:
            with np.load(path, allow_pickle=False) as file:
                if json.loads(str(file["key"])) == key:
                    there = Moments(file["count"], file["total"], file["square"])
                    sums._keeps = len(there) <= count
                    if sums._keeps:
                        sums.moments = there
                        sums.seconds, sums.machine = file["seconds"].tolist(), str(file["machine"])
        except Exception as error:  # numpy, zipfile, zlib and json each have their own
            raise ValueError(f"{path} is damaged; delete it") from error
        return sums

    def left(self) -> list[range]:
        """The chunks that are not there yet; the last one may be shorter."""
        starts = range(len(self.moments), self.count, self.batch)
        return [range(start, min(start + self.batch, self.count)) for start in starts]

    def add(self, made: ChunkResult) -> None:
        """The next chunk. One that is not whole is counted, but not kept: with more pictures it would be another one."""
        whole = len(made.rows) == self.batch
        if not whole:
            self.write()
            self._keeps = False
        self.moments.add(made.rows)
        self.seconds.append(made.seconds)
        self.machine = made.machine
        if whole and time.monotonic() - self._written > SECONDS_BETWEEN:
            self.write()

    def write(self) -> None:
        """Keep what there is."""
        if not self._keeps or not len(self.moments):
            return
        m = self.moments
        arrays = {"count": m.count, "total": m.total, "square": m.square, "seconds": np.array(self.seconds)}
        write_arrays(self.path, self.key, arrays | {"machine": np.array(self.machine)})
        self._written = time.monotonic()
