"""The frames of a run, five panels each, all of them in one picture file."""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explorer.media.convert import PANELS, data_uri
from explorer.support.bounded_cache import BoundedCache
from explorer.ui.file_serving import publish_file

# Up to this size a sheet is an uncompressed bitmap. Half of it is noise, which hardly compresses: a PNG would be a quarter
# smaller and take a fifth of the time of the whole run. Larger sheets are JPEGs of high quality without chroma subsampling.
BITMAP_BYTES = 4 << 20


class SpriteSheet:
    """Frames in reading order, filled in as they come.

    Args:
        count: how many frames there will be.
        height, width: of one panel, in pixels.
    """

    def __init__(self, count: int, height: int, width: int) -> None:
        self.lossless = count * PANELS * 3 * height * width <= BITMAP_BYTES
        self.columns = max(1, min(count, math.ceil(math.sqrt(count * height / (PANELS * width)))))
        self._size = height, PANELS * width
        rows = math.ceil(count / self.columns)
        self._pixels = np.zeros((rows * height, self.columns * PANELS * width, 3), dtype=np.uint8)
        self._filled = 0

    def add(self, frame: np.ndarray) -> None:
        """Add the next frame, uint8 (H, 5 W, 3)."""
        height, width = self._size
        top, left = self._filled // self.columns * height, self._filled % self.columns * width
        self._pixels[top : top + height, left : left + width] = frame
        self._filled += 1

    def publish(self, key: Hashable = None) -> dict[str, Any]:
        """Write the frames as a file for the page: {columns, file}. With a ``key`` the file is found again.

        Where the disk is full or read-only, the picture travels inside the value instead.
        """
        rows = math.ceil(self._filled / self.columns)
        image = Image.fromarray(self._pixels[: rows * self._size[0]])
        buffer = io.BytesIO()
        image.save(buffer, "bmp" if self.lossless else "jpeg", quality=95, subsampling=0)  # BMP ignores the options
        value: dict[str, Any] = {"columns": self.columns}
        try:
            value["file"] = publish_file(buffer.getvalue(), "sheet.bmp" if self.lossless else "sheet.jpg")
        except OSError as error:
            logging.warning("a sprite sheet cannot be written: %s", error)
            return value | {"file": {"url": data_uri(image, "jpeg", quality=95, subsampling=0)}}
        if key is not None:
            PUBLISHED_SHEETS.put(key, value)
        return value


class PublishedSheets:
    """The sheets that were written last, by key, as long as their files exist; Gradio deletes them after a while."""

    def __init__(self, most: int = 32) -> None:
        self._values: BoundedCache[dict[str, Any]] = BoundedCache(most)

    def put(self, key: Hashable, value: dict[str, Any]) -> None:
        """Remember what :meth:`SpriteSheet.publish` returned."""
        self._values.put(key, value)

    def get(self, key: Hashable) -> dict[str, Any] | None:
        """The published sheet of ``key``, or None."""
        value = self._values.get(key)
        return value if value is not None and Path(value["file"]["path"]).is_file() else None


PUBLISHED_SHEETS = PublishedSheets()
