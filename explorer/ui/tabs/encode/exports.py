"""The Save menu of Encode."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.media import exports
from explorer.support.paper_tables import TABLE_2, TABLE_2_STEPS
from explorer.ui.export_formats import CHARTS_FORMAT, GAP, ExportSource, animation_formats, csv_format, png_format
from explorer.ui.tabs.encode.result import EncodeResult


def round_trip(source: ExportSource) -> np.ndarray:
    """Return x_0, its latent, the reconstruction and the difference (±0.25, diverging) in a row, uint8 (H, W, 3)."""
    return exports.strip(source.result.pictures.stack("x_0", "x_T", "again", "difference"), GAP)


def animation(source: ExportSource) -> np.ndarray:
    """Return the frames of the encoding and then of the sampling, uint8 (N, H, W, 3)."""
    times = source.result.times
    return source.result.pictures.stack(*(f"up/{t}" for t in times), *(f"down/{t}" for t in reversed(times[:-1])))


def error_rows(result: EncodeResult) -> list[dict[str, Any]]:
    """Return a table of this picture's errors, mean and quartiles of held-out pictures, and the paper's Table 2."""
    this_picture = [
        {"of": "this picture", "steps": S, "inversion": str(inversion), "mse": mse}
        for inversion, by_steps in result.errors.items()
        for S, mse in by_steps.items()
    ]
    held_out = [
        {"of": "mean of held-out pictures", "steps": S, "inversion": inversion, "mse": cell["mean"]}
        | {"standard_error": cell["standard_error"], "pictures": cell["pictures"]}
        for inversion, cells in result.held_out_errors()[0].items()
        for S, cell in cells.items()
    ]
    quartiles = [
        {"of": f"{name} of held-out pictures", "steps": S, "inversion": inversion, "mse": value}
        | {"pictures": cell["quartile_pictures"]}
        for inversion, cells in result.held_out_errors()[0].items()
        for S, cell in cells.items()
        for name, value in zip(("first quartile", "median", "third quartile"), cell.get("quartiles", ()), strict=False)
    ]
    paper = zip(TABLE_2_STEPS, TABLE_2, strict=True)
    return this_picture + held_out + quartiles + [{"of": "paper, CIFAR-10", "steps": S, "mse": mse} for S, mse in paper]


EXPORT_FORMATS = (
    png_format("picture", "files.trip", round_trip),
    *animation_formats("files.trip_film", animation),
    CHARTS_FORMAT,
    csv_format("files.errors", error_rows),
)
