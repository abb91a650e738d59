"""The Save menu of Forward."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.forward import diffuse
from explorer.media.convert import to_uint8
from explorer.trajectory import evenly_spaced
from explorer.ui.export_formats import (
    CHARTS_FORMAT,
    ExportSource,
    NothingToExport,
    animation_formats,
    csv_format,
    png_format,
)
from explorer.ui.localization import LocalizedMessage, from_json
from explorer.ui.tabs.forward.result import ForwardResult

ANIMATION_FRAMES = 61
DEFAULT_T = 300


def noised(result: ForwardResult, *times: int) -> np.ndarray:
    """Return x_t for each t, uint8 (N, H, W, C)."""
    schedule = result.checkpoint.schedule
    return np.concatenate([to_uint8(diffuse(result.x_0[None], result.eps[None], t, schedule)) for t in times])


def picture_at_t(source: ExportSource) -> np.ndarray:
    """Return x_t at the t on the screen, uint8 (H, W, C)."""
    text = source.view.get("t_forward", "")
    t = int(text) if text.isascii() and text.isdigit() else DEFAULT_T
    return noised(source.result, min(t, source.result.checkpoint.schedule.T))[0]


def animation(source: ExportSource) -> np.ndarray:
    """Return frames of x_t for t from 0 to T, uint8 (N, H, W, C)."""
    T = source.result.checkpoint.schedule.T
    return noised(source.result, *evenly_spaced(T + 1, ANIMATION_FRAMES))


def process_rows(result: ForwardResult) -> list[dict[str, Any]]:
    """Return a table row for each process."""
    return [
        {
            "process": name if name == "markov" else f"eta={name}",
            "mean_off_by": facts.mean,
            "variance_off_by": facts.variance,
            "largest_error_in_standard_errors": facts.largest,
            "bound_99_of_100": facts.bound,
            "correlation": facts.correlation,
            "length_over_distance": facts.straightness,
        }
        for name, facts in result.facts.items()
    ]


def loss_rows(result: ForwardResult) -> list[dict[str, Any]]:
    """Return a table of the checkpoint's loss over t.

    Raises:
        NothingToExport: the loss has not been measured.
    """
    curve, note = result.loss()
    if not curve:
        raise NothingToExport(LocalizedMessage("file.nothing", {"why": from_json(note)}))
    return [{"t": t, "mse_of_noise": mse} for t, mse in curve]


EXPORT_FORMATS = (
    png_format("picture", "files.at_t", picture_at_t),
    *animation_formats("files.noising_film", animation),
    CHARTS_FORMAT,
    csv_format("files.moments", process_rows),
    csv_format("files.loss", loss_rows, "loss"),
)
