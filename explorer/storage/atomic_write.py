"""The one way files are written here: beside their place first, then renamed into it, so nobody ever reads half a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write_file(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``, readable by this user alone, and create the folders above it.

    Raises:
        OSError: the disk is full or read-only. Nothing is left behind then.
    """
    _write(path, lambda part: part.write_bytes(content))


def replace_file(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` produce the file under a temporary name with the same suffix, flush it to the disk, then rename it.

    The file is readable by everybody, as checkpoint files are. After a crash or a power failure either the old file or
    the new one is there.

    Raises:
        OSError: the disk is full or read-only. Whatever ``write`` raises is raised too; nothing is left behind then.
    """

    def write_and_flush(part: Path) -> None:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o644)

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
