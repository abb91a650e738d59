"""Atomic file writes: write a temporary file in the same folder, then rename it. Readers never see a partial file."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

RETRY_SECONDS = (0.01, 0.1, 0.5) if os.name == "nt" else ()  # elsewhere an open file can be replaced


def write_file(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, readable by the owner only. Missing parent folders are created.

    Raises:
        OSError: the disk is full or read-only. No temporary file is left behind.
    """
    _write(path, lambda temporary: temporary.write_bytes(content))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file with ``write``, readable by everybody, and flush it to the disk before the rename.

    After a crash or a power failure, either the old or the new file exists.

    Args:
        write: writes to the path it is called with, a temporary file with the suffix of ``path``.

    Raises:
        OSError: the disk is full or read-only. It and any exception of ``write`` leave no temporary file behind.
    """

    def write_and_flush(temporary: Path) -> None:
        write(temporary)
        with temporary.open("r+b") as file:  # Windows flushes only what may be written to
            os.fsync(file.fileno())
        temporary.chmod(0o644)

    _write(path, write_and_flush)


def _write(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(descriptor)
    try:
        write(Path(name))
        _rename(name, path)
    except BaseException:
        os.unlink(name)
        raise


def _rename(name: str, path: Path) -> None:
    """Rename a file. On Windows that fails while a reader has ``path`` open, so it is tried for some time."""
    for seconds in RETRY_SECONDS:
        try:
            os.replace(name, path)
            return
        except PermissionError:
            time.sleep(seconds)
    os.replace(name, path)
