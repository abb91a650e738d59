"""Pictures on their way to a stage: a text that only grows, a line for each picture, so that only its tail travels."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from explorer.media.convert import data_uri, signed_to_uint8, to_rgb, to_uint8

EXACT_PIXELS = 96 * 96  # pictures up to here travel as PNG, larger ones as JPEG of high quality
EXACT: ContextVar[bool] = ContextVar("exact", default=False)


@contextmanager
def exact() -> Iterator[None]:
    """All pictures as PNG while it lasts, whatever their size: what is saved must be what was made."""
    before = EXACT.set(True)
    try:
        yield
    finally:
        EXACT.reset(before)


def floats(values: np.ndarray) -> str:
    """float32 values as base64, little-endian."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


class PictureStream:
    """Named pictures as lines ``name<tab>data uri``. A name that comes twice has its last picture."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def add(self, name: str, picture: Tensor) -> None:
        """A picture (C, H, W) in [-1, 1]."""
        self._add(name, Image.fromarray(to_rgb(to_uint8(picture[None]))[0]))

    def add_signed(self, name: str, picture: Tensor, scale: float) -> None:
        """A signed tensor (C, H, W) in diverging colours."""
        self._add(name, Image.fromarray(signed_to_uint8(picture[None], scale)[0]))

    def _add(self, name: str, image: Image.Image) -> None:
        options: dict[str, Any] = {"kind": "png", "compress_level": 1}
        if image.width * image.height > EXACT_PIXELS and not EXACT.get():
            options = {"kind": "jpeg", "quality": 92, "subsampling": 0}
        self._lines.append(f"{name}\t{data_uri(image, **options)}\n")

    def __str__(self) -> str:
        return "".join(self._lines)


def pictures_of(text: str) -> dict[str, np.ndarray]:
    """The pictures in the text of a :class:`PictureStream`, by name: uint8 (H, W, 3)."""
    lines = (line.split("\t") for line in text.splitlines())
    return {name: np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1])))) for name, uri in lines}
