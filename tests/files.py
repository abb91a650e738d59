"""Files as people bring them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image


def file_of(picture: Image.Image | np.ndarray, kind: str = "png", **options: object) -> bytes:
    """The file of a picture, or of uint8 (H, W, 3)."""
    buffer = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(buffer, kind, **options)
    return buffer.getvalue()


def ramp(height: int, width: int) -> bytes:
    """A PNG of colours that run from left to right, so that it can be told from its mirror image."""
    level = np.tile(np.linspace(0, 255, width), (height, 1))
    return file_of(np.stack([level, np.full_like(level, 120), level[:, ::-1]], -1).astype(np.uint8))


def edit(path: Path, **entries: object) -> None:
    """Change entries of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
