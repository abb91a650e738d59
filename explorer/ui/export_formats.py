"""The entries of a tab's Save menu: file formats, and how each is made from the tab's result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explorer.media import exports

GAP = 2  # white pixels between pictures


class NothingToExport(ValueError):
    """The result has no data for the requested file; the message says why."""


@dataclass(frozen=True)
class ExportSource:
    """What a file is made from.

    Attributes:
        result: the :class:`~explorer.ui.tab_result.TabResult` of the ended run.
        view: entries of the URL that only the browser uses, such as the time step on the screen.
        address: the query string of the URL that shows the same result; it is stored in PNG files.
    """

    result: Any  # each tab has its own subclass of TabResult
    view: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class ExportFormat:
    """One entry of the Save menu.

    Attributes:
        name: unique within the tab.
        label: key of its text, see :mod:`explorer.ui.localization`.
        suffix: of the file name.
        make: returns the file's bytes; None if the browser makes the file from what it has drawn.
    """

    name: str
    label: str
    suffix: str
    make: Callable[[ExportSource], bytes] | None = None


def png_format(name: str, label: str, pixels: Callable[[ExportSource], np.ndarray]) -> ExportFormat:
    """A PNG with the settings in its metadata; ``pixels`` returns uint8 (H, W, C)."""
    return ExportFormat(name, label, "png", lambda source: exports.png(pixels(source), source.address))


def animation_formats(label: str, frames: Callable[[ExportSource], np.ndarray]) -> tuple[ExportFormat, ExportFormat]:
    """A GIF and an MP4 of the same frames; ``frames`` returns uint8 (N, H, W, C)."""
    return (
        ExportFormat("gif", label, "gif", lambda source: exports.gif(frames(source))),
        ExportFormat("mp4", label, "mp4", lambda source: exports.mp4(frames(source))),
    )


def csv_format(label: str, rows: Callable[[Any], Sequence[Mapping[str, Any]]], name: str = "csv") -> ExportFormat:
    """A CSV table; ``rows`` returns the rows of a tab's result, each a mapping from column to value."""
    return ExportFormat(name, label, "csv", lambda source: exports.table(rows(source.result)))


CHARTS_FORMAT = ExportFormat("svg", "files.charts", "svg")  # made by the browser


def side_by_side(frames: np.ndarray) -> np.ndarray:
    """Join the K pictures of each frame in a row: (N, K, H, W, C) to (N, H, K W + gaps, C)."""
    return np.stack([exports.strip(frame, GAP) for frame in frames])
