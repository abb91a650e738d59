"""The Save menu of Consistency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.media import exports
from explorer.runs.latent_spec import to_field
from explorer.ui.export_formats import CHARTS_FORMAT, GAP, ExportSource, csv_format, png_format
from explorer.ui.tabs.consistency.result import ETAS, ConsistencyResult


def both_grids(source: ExportSource) -> np.ndarray:
    """Return the grids of DDIM and DDPM side by side, uint8 (H, W, 3): a row for each latent, a column for each S."""
    result: ConsistencyResult = source.result
    rows, columns = range(len(result.latents)), result.grid.columns
    halves = [
        exports.sheet([result.pictures.stack(*(f"{eta:.0f}/{S}/{i}" for S in columns)) for i in rows]) for eta in ETAS
    ]
    gap = np.full((len(halves[0]), 8 * GAP, 3), 255, dtype=np.uint8)
    return np.concatenate([halves[0], gap, halves[1]], axis=1)


def similarity_rows(result: ConsistencyResult) -> list[dict[str, Any]]:
    """Return a table row for each picture.

    ``similarity`` is that to the picture of the same latent with S = ``to_steps``. For this
    reference itself, with S equal to ``to_steps``, it is 1 by definition.
    """
    first = result.request.settings.noise_seeds(1)[0]
    table = []
    for eta in ETAS:
        similarities = result.grid.similarities(eta)
        for S, column in zip(result.grid.columns, similarities.columns, strict=True):
            missing = 1.0 if similarities.reference == S else None
            numbers: Sequence[float | None] = column or [missing] * len(result.latents)
            for i, (latent, value) in enumerate(zip(result.latents, numbers, strict=True)):
                cell: dict[str, Any] = {"eta": eta, "steps": S, "latent": to_field(latent), "noise_seed": first + i}
                table.append(cell | {"similarity": value, "to_steps": similarities.reference})
    return table


EXPORT_FORMATS = (
    png_format("grid", "files.grids", both_grids),
    CHARTS_FORMAT,
    csv_format("files.similarities", similarity_rows),
)
