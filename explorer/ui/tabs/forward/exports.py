"""What can be saved of Forward."""

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

FILM_FRAMES = 61
DEFAULT_T = 300


def noised(result: ForwardResult, *times: int) -> np.ndarray:
    """x_t at each t: uint8 (N, H, W, C)."""
    schedule = result.checkpoint.schedule
    return np.concatenate([to_uint8(diffuse(result.x_0[None], result.eps[None], t, schedule)) for t in times])


def at_t(source: ExportSource) -> np.ndarray:
    """x_t at the t on the screen."""
    chosen = source.view.get("t_forward", "")
    t = int(chosen) if chosen.isascii() and chosen.isdigit() else DEFAULT_T
    return noised(source.result, min(t, source.result.checkpoint.schedule.T))[0]


def film(source: ExportSource) -> np.ndarray:
    """x_t for t from 0 to T."""
    T = source.result.checkpoint.schedule.T
    return noised(source.result, *evenly_spaced(T + 1, FILM_FRAMES))


def process_rows(result: ForwardResult) -> list[dict[str, Any]]:
    """One line for each process."""
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
    """The checkpoint's loss over t."""
    curve, note = result.loss()
    if not curve:
        raise NothingToExport(LocalizedMessage("file.nothing", {"why": from_json(note)}))
    return [{"t": t, "mse_of_noise": mse} for t, mse in curve]


EXPORT_FORMATS = (
    png_format("picture", "files.at_t", at_t),
    *animation_formats("files.noising_film", film),
    CHARTS_FORMAT,
    csv_format("files.moments", process_rows),
    csv_format("files.loss", loss_rows, "loss"),
)
