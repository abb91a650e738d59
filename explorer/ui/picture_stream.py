"""A tab's pictures by name, kept as pixels and sent to the page as an append-only string.

Gradio sends the difference between two values of a component. A string to which lines are only appended costs no more than
the new lines. Each picture is one line, ``name<tab>data URI``, and each preview ``name<tab>data URI<tab>S/requested S``.
"""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from explorer.media.convert import data_uri, signed_to_uint8, to_rgb, to_uint8

MAX_PNG_PIXELS = 96 * 96  # larger pictures are sent as high-quality JPEG


def base64_floats(values: np.ndarray) -> str:
    """Encode values as little-endian float32 in base64."""
    return base64.b64encode(np.ascontiguousarray(values, dtype="<f4").tobytes()).decode()


class PictureStream:
    """Pictures by name, uint8 (H, W, 3). Adding a name again replaces its picture.

    Previews are sent to the page only: they are no pictures of this stream, so no file can contain one.
    """

    def __init__(self) -> None:
        self._pixels: dict[str, np.ndarray] = {}
        self._unsent: list[tuple[str, np.ndarray, str]] = []  # name, pixels, end of the line
        self._lines = ""

    def add(self, name: str, picture: Tensor) -> None:
        """Add a picture (C, H, W) in [-1, 1]."""
        self._add(name, to_rgb(to_uint8(picture[None]))[0])

    def add_signed(self, name: str, picture: Tensor, scale: float) -> None:
        """Add a signed tensor (C, H, W) with a diverging colour map from -scale to scale."""
        self._add(name, signed_to_uint8(picture[None], scale)[0])

    def add_preview(self, name: str, picture: Tensor, steps: int, requested_steps: int) -> None:
        """Show (C, H, W) in [-1, 1], made with fewer steps than requested, until the picture of this name is added."""
        self._add_preview(name, to_rgb(to_uint8(picture[None]))[0], steps, requested_steps)

    def add_signed_preview(self, name: str, picture: Tensor, scale: float, steps: int, requested_steps: int) -> None:
        """Show a signed tensor as :meth:`add_signed` does, as a preview like that of :meth:`add_preview`."""
        self._add_preview(name, signed_to_uint8(picture[None], scale)[0], steps, requested_steps)

    def _add_preview(self, name: str, pixels: np.ndarray, steps: int, requested_steps: int) -> None:
        if name not in self._pixels:
            self._unsent.append((name, pixels, f"\t{steps}/{requested_steps}"))

    def _add(self, name: str, pixels: np.ndarray) -> None:
        self._pixels[name] = pixels
        self._unsent.append((name, pixels, ""))

    def stack(self, *names: str) -> np.ndarray:
        """Return the named pictures as uint8 (N, H, W, 3).

        Raises:
            KeyError: there is no picture of a name, or only a preview.
        """
        return np.stack([self._pixels[name] for name in names])

    def to_page(self) -> str:
        """Return all pictures for the page. Only those added since the last call are encoded."""
        self._lines += "".join(f"{name}\t{picture_uri(pixels)}{end}\n" for name, pixels, end in self._unsent)
        self._unsent = []
        return self._lines


def picture_uri(pixels: np.ndarray) -> str:
    """Encode uint8 (H, W, 3) as a data URI: without loss, or a large picture as a high-quality JPEG."""
    image = Image.fromarray(pixels)
    options: dict[str, Any] = {"kind": "png", "compress_level": 1}
    if image.width * image.height > MAX_PNG_PIXELS:
        options = {"kind": "jpeg", "quality": 92, "subsampling": 0}
    return data_uri(image, **options)
