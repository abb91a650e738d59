"""Rows that take long to compute, kept on disk as they come: a stopped measurement goes on with the next batch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from explorer.storage.atomic_write import replace_file

FOLDER = "evaluation"  # of a checkpoint


def resumable_rows(
    path: Path,
    key: dict[str, Any],
    count: int,
    batch: int,
    compute: Callable[[range], np.ndarray],
    progress: Callable[[int], object],
) -> tuple[np.ndarray, float]:
    """The first ``count`` rows: from ``path`` as far as they stand there, the rest from ``compute``.

    Args:
        path: .npz file that keeps the rows; replaced as a whole after every batch.
        key: what the rows depend on, beside their numbers. A file with another key is started anew.
        count, batch: how many rows, and how many in one call of ``compute``.
        compute: range of row numbers -> those rows; a row depends on its number alone.
        progress: told how many more rows there are.

    Returns:
        The rows (count, ...), and the seconds that one took: the median over the batches.

    Raises:
        ValueError: if the file is damaged.
    """
    rows, seconds = _read(path, key)
    progress(min(len(rows), count))
    for wanted in _left(len(rows), count, batch):
        start = time.perf_counter()
        more = compute(wanted)
        seconds = np.append(seconds, (time.perf_counter() - start) / len(wanted))
        rows = np.concatenate([rows, more]) if len(rows) else more
        write_arrays(path, key, {"rows": rows, "seconds": seconds})
        progress(len(wanted))
    return rows[:count], float(np.median(seconds))


def rows_left(path: Path, key: dict[str, Any], count: int, batch: int) -> list[range]:
    """For which rows :func:`compute_rows` would call ``compute``, one range a call."""
    return _left(len(_read(path, key)[0]), count, batch)


def _left(there: int, count: int, batch: int) -> list[range]:
    return [range(start, min(start + batch, count)) for start in range(there, count, batch)]


def _read(path: Path, key: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as file:
                if json.loads(str(file["key"])) == key:
                    return file["rows"], file["seconds"]
        except Exception as error:  # numpy, zipfile, zlib and json each have their own
            raise ValueError(f"{path} is damaged; delete it") from error
    return np.zeros(0), np.zeros(0)


def write_arrays(path: Path, key: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Keep ``arrays`` with their key, as a whole; git does not see the folder."""
    if not path.parent.exists():
        replace_file(path.parent / ".gitignore", lambda part: part.write_text("*\n", encoding="utf-8"))
    replace_file(path, lambda part: np.savez(part, key=np.array(json.dumps(key)), **arrays))  # type: ignore[arg-type]
