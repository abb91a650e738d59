"""The Save menu of Exercises."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from explorer.exercises.gallery import gallery
from explorer.media import exports
from explorer.ui.export_formats import ExportSource, csv_format, png_format
from explorer.ui.tabs.exercises.result import ExercisesResult


def picture_rows(source: ExportSource) -> list[np.ndarray]:
    """Return the pictures of each row, uint8 (N, H, W, 3): predicted x_0 along the run, and the end."""
    result: ExercisesResult = source.result
    names = [*map(str, range(len(result.columns))), "end"]
    return [result.pictures.stack(*(f"{row}/{name}" for name in names)) for row in result.rows]


def measurement_rows(result: ExercisesResult) -> list[dict[str, Any]]:
    """Return a table row for each row of the gallery."""
    settings, slips = result.request.settings, gallery()
    shared = {"S": settings.steps, "eta": settings.eta, "noise_seed": settings.noise_seed}
    return [
        {"row": name, "term": slips[name].slip.term if name in slips else ""} | shared | asdict(result.facts[name])  # type: ignore[union-attr]
        for name in result.rows
    ]


EXPORT_FORMATS = (
    png_format("sheet", "files.rows", lambda source: exports.sheet(picture_rows(source))),
    csv_format("files.row_numbers", measurement_rows),
)
