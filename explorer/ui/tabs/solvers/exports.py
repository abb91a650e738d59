"""The Save menu of Solvers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from explorer.media import exports
from explorer.ui.export_formats import (
    CHARTS_FORMAT,
    ExportSource,
    NothingToExport,
    animation_formats,
    csv_format,
    png_format,
    side_by_side,
)
from explorer.ui.localization import LocalizedMessage, from_json
from explorer.ui.tabs.solvers.custom_solver import MINE
from explorer.ui.tabs.solvers.exact_errors import FITTED_FROM, Point, slope
from explorer.ui.tabs.solvers.result import SolversResult


def picture_rows(source: ExportSource) -> list[np.ndarray]:
    """Return the pictures of each row, uint8 (N, H, W, 3): predicted x_0 along the run, and the end."""
    result: SolversResult = source.result
    names = [*map(str, range(len(result.columns))), "end"]
    rows = [*result.plans, *([MINE] if result.custom and result.custom.difference is not None else [])]
    return [result.pictures.stack(*(f"{solver}/{name}" for name in names)) for solver in rows]


def solver_rows(result: SolversResult) -> list[dict[str, Any]]:
    """Return a table row for each solver, and one for the user's step."""
    rows = [
        {"solver": solver, "order": plan.order, "limit": result.request.options.calls}
        | {"steps": plan.steps, "nfe": plan.calls, "error": result.errors.get(solver)}
        | {"slope": slope(result.sweep.get(solver, []))}
        | {"slope_exact": slope(result.exact.get(solver, []), FITTED_FROM)}
        | {"first_jump": plan.first_jump, "dpm_solver_1_differs": result.dpm_solver_1 if solver == "ddim" else None}
        for solver, plan in result.plans.items()
    ]
    custom = result.custom
    if custom is not None:
        rows.append(
            {"solver": MINE, "limit": result.request.options.calls, "steps": result.plans["ddim"].steps}
            | {"nfe": result.plans["ddim"].calls, "error": custom.error, "slope": slope(custom.sweep)}
            | {"slope_exact": slope(custom.exact, FITTED_FROM), "eq12_differs": custom.difference}
        )
    return rows


def error_rows(result: SolversResult) -> list[dict[str, Any]]:
    """Return a table row for each point of the two charts."""
    network: dict[str, Sequence[Point]] = dict(result.sweep.items())
    exact: dict[str, Sequence[Point]] = dict(result.exact.items())
    if result.custom is not None:
        network[MINE], exact[MINE] = result.custom.sweep, result.custom.exact
    charts = (("network", network), (result.request.options.plane, exact))
    return [
        {"chart": name, "solver": solver, "nfe": calls, "error": error}
        for name, points in charts
        for solver, row in points.items()
        for calls, error in row
    ]


def measured_rows(result: SolversResult) -> list[dict[str, Any]]:
    """Return a table row for each measured cell.

    Raises:
        NothingToExport: the checkpoint has no measurements.
    """
    table, note = result.measured
    if table is None or not table.cells:
        raise NothingToExport(LocalizedMessage("file.nothing", {"why": from_json(note)}))
    return [
        {"solver": cell.solver, "limit": cell.limit, "steps": cell.steps, "nfe": cell.calls}
        | {"distance": cell.distance, "spread": cell.standard_error, "pictures": table.pictures}
        | {"frechet": cell.frechet and cell.frechet.distance}
        | {"frechet_spread": cell.frechet and cell.frechet.standard_error}
        for cell in table.cells
    ]


EXPORT_FORMATS = (
    png_format("sheet", "files.rows", lambda source: exports.sheet(picture_rows(source))),
    *animation_formats("files.rows_film", lambda source: side_by_side(np.stack(picture_rows(source), axis=1))),
    CHARTS_FORMAT,
    csv_format("files.row_numbers", solver_rows),
    csv_format("files.solver_errors", error_rows, "errors"),
    csv_format("files.distances", measured_rows, "table"),
)
