"""The frames of a run: five panels each, and all of them in one picture file."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explorer.media.convert import data_uri
from explorer.media.notebook import PANELS
from explorer.support.bounded_cache import BoundedCache
from explorer.ui.file_serving import publish_file

# Up to this size a sheet is a bitmap as it is. Half of it is noise, which hardly packs: a PNG would be a quarter smaller and
# take a fifth of the time of the whole run. Beyond, it is a JPEG of high quality without chroma subsampling.
EXACT_BYTES = 4 << 20


class Sheet:
    """Frames in reading order, filled in as they come.

    Args:
        count: how many there will be.
        height, width: of one panel.
    """

    def __init__(self, count: int, height: int, width: int) -> None:
        self.exact = count * PANELS * 3 * height * width <= EXACT_BYTES
        self.columns = max(1, min(count, math.ceil(math.sqrt(count * height / (PANELS * width)))))
        self._size = height, PANELS * width
        rows = math.ceil(count / self.columns)
        self._pixels = np.zeros((rows * height, self.columns * PANELS * width, 3), dtype=np.uint8)
        self._filled = 0

    def add(self, picture: np.ndarray) -> None:
        """The next frame."""
        height, width = self._size
        top, left = self._filled // self.columns * height, self._filled % self.columns * width
        self._pixels[top : top + height, left : left + width] = picture
        self._filled += 1

    def save(self, sheets: Sheets, key: Hashable = None) -> dict[str, Any]:
        """What was added as a file, for the page; under ``key`` it can be found again.

        Where the disk is full or cannot be written, the sheet travels inside the value instead.
        """
        rows = math.ceil(self._filled / self.columns)
        image = Image.fromarray(self._pixels[: rows * self._size[0]])
        written = io.BytesIO()
        image.save(written, "bmp" if self.exact else "jpeg", quality=95, subsampling=0)  # which a bitmap ignores
        value: dict[str, Any] = {"columns": self.columns}
        try:
            value["file"] = publish_file(written.getvalue(), "sheet.bmp" if self.exact else "sheet.jpg")
        except OSError as error:
            logging.warning("a sheet cannot be written: %s", error)
            return value | {"file": {"url": data_uri(image, "jpeg", quality=95, subsampling=0)}}
        sheets.remember(key, value)
        return value


class Sheets:
    """The last sheets that were written, by key, while their files are there: Gradio clears them away after a while."""

    def __init__(self, most: int = 32) -> None:
        self._values: BoundedCache[dict[str, Any]] = BoundedCache(most)

    def remember(self, key: Hashable, value: dict[str, Any]) -> None:
        if key is not None:
            self._values.put(key, value, 1)

    def get(self, key: Hashable) -> dict[str, Any] | None:
        """What was saved under ``key``, or None."""
        value = self._values.get(key)
        return value if value is not None and Path(value["file"]["path"]).is_file() else None


SHEETS = Sheets()
