"""The frames of a run: five panels each, and all of them in one picture file."""

from __future__ import annotations

import itertools
import math
import tempfile
from collections import OrderedDict
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from explorer.panels import PANELS

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

    def save(self, folder: SheetFolder, key: Hashable = None) -> dict[str, Any]:
        """Write what was added as a file, for the page; under ``key`` it can be found again."""
        rows = math.ceil(self._filled / self.columns)
        image = Image.fromarray(self._pixels[: rows * self._size[0]])
        file = folder.new_file(".bmp" if self.exact else ".jpg")
        image.save(file, quality=95, subsampling=0)  # which a bitmap knows nothing of
        value = {"file": gr.FileData(path=str(file)).model_dump(), "columns": self.columns}
        folder.remember(key, file, value)
        return value


class SheetFolder:
    """A folder of its own for sheets on their way into Gradio's cache; the oldest go, and all at the end of the process."""

    def __init__(self, most: int = 32) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="explorer-sheets-")
        self._files: OrderedDict[Path, Hashable] = OrderedDict()
        self._values: dict[Hashable, dict[str, Any]] = {}
        self._numbers = itertools.count()
        self._most = most

    def new_file(self, suffix: str) -> Path:
        path = Path(self._folder.name) / f"sheet-{next(self._numbers)}{suffix}"
        self._files[path] = None
        while len(self._files) > self._most:
            oldest, key = self._files.popitem(last=False)
            oldest.unlink(missing_ok=True)
            self._values.pop(key, None)
        return path

    def remember(self, key: Hashable, file: Path, value: dict[str, Any]) -> None:
        if key is not None and file in self._files:
            self._files[file] = key
            self._values[key] = value

    def get(self, key: Hashable) -> dict[str, Any] | None:
        """What was saved under ``key``, while its file is there."""
        return self._values.get(key)


SHEETS = SheetFolder()
