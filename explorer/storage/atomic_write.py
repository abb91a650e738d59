"""Atomic file writes: write a temporary file in the same folder, then rename it. Readers never see a partial file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


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
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)

    _write(path, write_and_flush)


def _write(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
    os.close(descriptor)
    try:
        write(Path(name))
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise
