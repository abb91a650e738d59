"""Rows of results that are written to disk after every batch, so that an interrupted measurement continues."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from explorer.storage.atomic_write import replace_file

FOLDER = "evaluation"  # inside a checkpoint folder


def resumable_rows(
    path: Path,
    key: dict[str, Any],
    count: int,
    batch: int,
    compute: Callable[[range], np.ndarray],
    progress: Callable[[int], object],
) -> tuple[np.ndarray, float]:
    """Return the first ``count`` rows, read from ``path`` as far as possible and computed otherwise.

    Args:
        path: .npz file that stores the rows; replaced after every batch.
        key: what the rows depend on, besides their numbers. A file with another key is replaced.
        count: number of rows.
        batch: rows per call of ``compute``.
        compute: maps a range of row numbers to these rows. A row depends on its number alone.
        progress: called with the number of rows that were added.

    Returns:
        The rows (count, ...), and the seconds per row: the median over the batches.

    Raises:
        ValueError: the file is damaged.
    """
    rows, seconds = _read(path, key)
    progress(min(len(rows), count))
    for numbers in _batches(len(rows), count, batch):
        start = time.perf_counter()
        new_rows = compute(numbers)
        seconds = np.append(seconds, (time.perf_counter() - start) / len(numbers))
        rows = np.concatenate([rows, new_rows]) if len(rows) else new_rows
        write_arrays(path, key, {"rows": rows, "seconds": seconds})
        progress(len(numbers))
    return rows[:count], float(np.median(seconds))


def remaining_rows(path: Path, key: dict[str, Any], count: int, batch: int) -> list[range]:
    """Return the ranges of row numbers that :func:`resumable_rows` would compute, one per batch."""
    return _batches(len(_read(path, key)[0]), count, batch)


def _batches(start: int, stop: int, batch: int) -> list[range]:
    return [range(i, min(i + batch, stop)) for i in range(start, stop, batch)]


def _read(path: Path, key: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """The stored rows and their seconds; empty if the file does not exist or has another key."""
    if path.exists():
        try:
            with np.load(path, allow_pickle=False) as file:
                if json.loads(str(file["key"])) == key:
                    return file["rows"], file["seconds"]
        except Exception as error:  # numpy, zipfile, zlib and json raise many types
            raise ValueError(f"{path} is damaged; delete it") from error
    return np.zeros(0), np.zeros(0)


def write_arrays(path: Path, key: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """Write an .npz file of ``arrays`` and ``key``. A new folder gets a .gitignore that excludes it."""
    if not path.parent.exists():
        replace_file(path.parent / ".gitignore", lambda temporary: temporary.write_text("*\n", encoding="utf-8"))
    key_array = np.array(json.dumps(key))
    replace_file(path, lambda temporary: np.savez(temporary, key=key_array, **arrays))  # type: ignore[arg-type]
