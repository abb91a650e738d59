"""Picture files, and simulated disk failures."""

from __future__ import annotations

import errno
import io
import json
import os
import resource
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


def file_of(picture: Image.Image | np.ndarray, kind: str = "png", **options: object) -> bytes:
    """Encode a picture, or an array uint8 (H, W, 3), as a file."""
    buffer = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def ramp(height: int, width: int) -> bytes:
    """A PNG with a horizontal colour gradient, so that it differs from its mirror image."""
    level = np.tile(np.linspace(0, 255, width), (height, 1))
    return file_of(np.stack([level, np.full_like(level, 120), level[:, ::-1]], -1).astype(np.uint8))


def edit(path: Path, **entries: object) -> None:
    """Change entries of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@contextmanager
def full_disk(room: int = 1000) -> Iterator[None]:
    """Limit file sizes to ``room`` bytes, so that writing fails midway as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only_disk() -> Iterator[None]:
    """Make creating files fail, also for root, for whom folder permissions have no effect."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "mkstemp", refuse)
        yield
