"""A sprite sheet: all frames of a run, five panels each, in one picture file."""

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
# smaller, but its compression would take a fifth of the time of the run. Larger sheets are high-quality JPEGs without chroma
# subsampling.
MAX_BITMAP_BYTES = 4 << 20


class SpriteSheet:
    """Frames in reading order, added one by one.

    Args:
        count: maximum number of frames.
        height, width: of one panel, in pixels.
    """

    def __init__(self, count: int, height: int, width: int) -> None:
        self.lossless = count * PANELS * 3 * height * width <= MAX_BITMAP_BYTES
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
        """Write the sheet to a file.

        Args:
            key: if not None, :data:`PUBLISHED_SHEETS` remembers the file under this key.

        Returns:
            {columns, file} for the page. If the disk is full or read-only, the file is a data URI.
        """
        rows = math.ceil(self._filled / self.columns)
        image = Image.fromarray(self._pixels[: rows * self._size[0]])
        buffer = io.BytesIO()
        image.save(
            buffer, "bmp" if self.lossless else "jpeg", quality=95, subsampling=0
        )  # BMP ignores quality and subsampling
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
    """The latest published sheets by key. Gradio deletes their files after a while; such sheets are not found any more."""

    def __init__(self, max_sheets: int = 32) -> None:
        self._values: BoundedCache[dict[str, Any]] = BoundedCache(max_sheets)

    def put(self, key: Hashable, value: dict[str, Any]) -> None:
        """Keep what :meth:`SpriteSheet.publish` returned."""
        self._values.put(key, value)

    def get(self, key: Hashable) -> dict[str, Any] | None:
        """Return the sheet of ``key``, or None."""
        value = self._values.get(key)
        return value if value is not None and Path(value["file"]["path"]).is_file() else None


PUBLISHED_SHEETS = PublishedSheets()
