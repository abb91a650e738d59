"""Named pictures of a tab: kept as pixels, and sent to the page as a text that only grows.

Gradio sends the difference between two values, so of a text that only grows no more than the new tail travels. Each
picture is one line, ``name<tab>data uri``.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from explorer.media.convert import data_uri, signed_to_uint8, to_rgb, to_uint8

LOSSLESS_PIXELS = 96 * 96  # pictures up to this size travel as PNG, larger ones as JPEG of high quality


def base64_floats(values: np.ndarray) -> str:
    """float32 values as base64, little-endian."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


class PictureStream:
    """Pictures by name, uint8 (H, W, 3). A name that is added again gets the new picture."""

    def __init__(self) -> None:
        self._pixels: dict[str, np.ndarray] = {}
        self._unsent: list[str] = []
        self._sent = ""

    def add(self, name: str, picture: Tensor) -> None:
        """Add a picture (C, H, W) in [-1, 1]."""
        self._add(name, to_rgb(to_uint8(picture[None]))[0])

    def add_signed(self, name: str, picture: Tensor, scale: float) -> None:
        """Add a signed tensor (C, H, W) in diverging colours, from -scale to scale."""
        self._add(name, signed_to_uint8(picture[None], scale)[0])

    def _add(self, name: str, pixels: np.ndarray) -> None:
        self._pixels[name] = pixels
        self._unsent.append(name)

    def row(self, *names: str) -> np.ndarray:
        """The pictures of these names: uint8 (N, H, W, 3)."""
        return np.stack([self._pixels[name] for name in names])

    def to_page(self) -> str:
        """All pictures for the page. Only those added since the last call are encoded."""
        self._sent += "".join(f"{name}\t{_encode(self._pixels[name])}\n" for name in self._unsent)
        self._unsent = []
        return self._sent


def _encode(pixels: np.ndarray) -> str:
    image = Image.fromarray(pixels)
    options: dict[str, Any] = {"kind": "png", "compress_level": 1}
    if image.width * image.height > LOSSLESS_PIXELS:
        options = {"kind": "jpeg", "quality": 92, "subsampling": 0}
    return data_uri(image, **options)
