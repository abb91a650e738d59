"""The Save menu of Steps."""

from __future__ import annotations

import numpy as np

from explorer.media import exports
from explorer.media.convert import to_uint8
from explorer.ui.export_formats import (
    CHARTS_FORMAT,
    ExportFormat,
    ExportSource,
    animation_formats,
    csv_format,
    png_format,
    side_by_side,
)
from explorer.ui.tabs.steps.futures_export import fork_rows, tree

STRIP_PICTURES = 20  # at most
ANIMATION_FRAMES = 120  # at most


def strip(source: ExportSource) -> np.ndarray:
    """Return predicted x_0 of up to :data:`STRIP_PICTURES` of the kept steps in a row, uint8 (H, W, C)."""
    return exports.strip(exports.run_frames(source.result.trajectory, STRIP_PICTURES)[:, 1])


def animation(source: ExportSource) -> np.ndarray:
    """Return frames with x_t and predicted x_0 side by side, uint8 (N, H, W, C)."""
    return side_by_side(exports.run_frames(source.result.trajectory, ANIMATION_FRAMES))


EXPORT_FORMATS = (
    png_format("picture", "files.picture", lambda source: to_uint8(source.result.trajectory.x_0)[0]),
    png_format("strip", "files.strip", strip),
    *animation_formats("files.run_film", animation),
    CHARTS_FORMAT,
    csv_format("files.step_numbers", lambda result: exports.run_numbers(result.trajectory)),
    png_format("futures", "files.futures", lambda source: tree(source.result)),
    csv_format("files.fork_numbers", fork_rows, "forks"),
    ExportFormat("npz", "files.trajectory", "npz", lambda source: exports.run_arrays(source.result.trajectory)),
)
