"""What can be saved of a tab: the entries of its Save menu, and how each one's file is made from the tab's result."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from explorer.media import exports
from explorer.ui.tab_result import TabResult

GAP = 2  # white pixels between pictures


class NothingToExport(ValueError):
    """The result has nothing of the requested kind; the message says why."""


@dataclass(frozen=True)
class ExportSource:
    """What a file is made from.

    Attributes:
        result: what the tab has computed, at the end of its run.
        view: entries of the address that only the browser uses, such as the time step on the screen.
        address: the query of the address that shows the same again; it is written into PNG files.
    """

    result: Any  # the tab's own kind of TabResult
    view: Mapping[str, str] = field(default_factory=dict)
    address: str = ""


@dataclass(frozen=True)
class ExportFormat:
    """One entry of the Save menu.

    Attributes:
        name: unique within the tab.
        label: key of its text, see :mod:`explorer.ui.localization`.
        suffix: of the file name.
        make: returns the file's bytes; None where the browser makes the file from what it has drawn.
    """

    name: str
    label: str
    suffix: str
    make: Callable[[ExportSource], bytes] | None = None


def picture_file(name: str, label: str, pixels: Callable[[ExportSource], np.ndarray]) -> ExportFormat:
    """A PNG with the settings inside; ``pixels`` returns uint8 (H, W, C)."""
    return ExportFormat(name, label, "png", lambda source: exports.png(pixels(source), source.address))


def film_files(label: str, frames: Callable[[ExportSource], np.ndarray]) -> tuple[ExportFormat, ExportFormat]:
    """A GIF and an MP4; ``frames`` returns uint8 (N, H, W, C)."""
    return (
        ExportFormat("gif", label, "gif", lambda source: exports.gif(frames(source))),
        ExportFormat("mp4", label, "mp4", lambda source: exports.mp4(frames(source))),
    )


def table_file(label: str, rows: Callable[[Any], Sequence[Mapping[str, Any]]], name: str = "csv") -> ExportFormat:
    """A CSV; ``rows`` returns a mapping for each line from the tab's result."""
    return ExportFormat(name, label, "csv", lambda source: exports.table(rows(source.result)))


CHARTS_FILE = ExportFormat("svg", "files.charts", "svg")  # made by the browser


def side_by_side(frames: np.ndarray) -> np.ndarray:
    """(N, K, H, W, C) to (N, H, ..., C): the K pictures of each frame in a row."""
    return np.stack([exports.strip(frame, GAP) for frame in frames])


__all__ = [
    "CHARTS_FILE",
    "GAP",
    "ExportFormat",
    "ExportSource",
    "NothingToExport",
    "TabResult",
    "film_files",
    "picture_file",
    "side_by_side",
    "table_file",
]
