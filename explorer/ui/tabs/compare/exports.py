"""The Save menu of Compare."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.media import exports
from explorer.ui.export_formats import ExportSource, animation_formats, csv_format, png_format, side_by_side
from explorer.ui.tabs.compare.result import DDPM, LARGE, MINE, CompareResult


def picture_rows(source: ExportSource) -> list[np.ndarray]:
    """Return the pictures of each row, uint8 (N, H, W, 3): predicted x_0, or x_t if the page shows that, and the end."""
    result: CompareResult = source.result
    quantity = "x_t" if source.view.get("show") == "x_t" else "x0"
    return [
        result.pictures.stack(*(f"{name}/{i}/{quantity}" for i in result.moments), f"{name}/end")
        for name in result.finished_rows
    ]


def measurement_rows(result: CompareResult) -> list[dict[str, Any]]:
    """Return a table row for each row, then one for each other noise seed of DDPM."""
    settings, table = result.request.settings, []
    for name, row in result.finished_rows.items():
        facts = result.facts[name]
        variance = "large" if name == LARGE else "eta"
        table.append(
            {"row": name, "eta": row.eta, "variance": variance}
            | {"steps": settings.steps, "noise_seed": settings.noise_seed}
            | {"nfe": facts.calls, "rms_to_ddim": facts.distance, "grain": facts.grain}
            | {"repeat_differs": facts.repeat, "ddpm_formula_differs": facts.posterior}
            | ({"eq12_differs": facts.eq12} if name == MINE else {})
        )
    first = settings.noise_seeds(1)[0] + 1
    for seed, distance in enumerate(result.facts[DDPM].others, start=first):
        table.append({"row": "ddpm, other noise", "eta": 1.0, "noise_seed": seed, "rms_to_ddpm": distance})
    return table


EXPORT_FORMATS = (
    png_format("sheet", "files.rows", lambda source: exports.sheet(picture_rows(source))),
    *animation_formats("files.rows_film", lambda source: side_by_side(np.stack(picture_rows(source), axis=1))),
    csv_format("files.row_numbers", measurement_rows),
)
