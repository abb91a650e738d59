"""The Save menu of Paths."""

from __future__ import annotations

from typing import Any

from explorer.ui.export_formats import CHARTS_FORMAT, ExportFormat, csv_format
from explorer.ui.tabs.paths.result import PathsResult


def end_point_rows(result: PathsResult) -> list[dict[str, Any]]:
    """Return a table row for each end point of each run."""
    return [
        {"run": name, "eta": run.eta, "point": k, "x": x, "y": y}
        for name, run in result.runs.items()
        for k, (x, y) in enumerate(run.ends)
    ]


def measurement_rows(result: PathsResult) -> list[dict[str, Any]]:
    """Return a table row for each of the three runs, then one for each cell of the sweep."""
    table: list[dict[str, Any]] = []
    for name, run in result.runs.items():
        smallest, largest = run.shares
        table.append(
            {"run": name, "eta": run.eta, "steps": run.settings.steps}
            | {"length_over_distance_ode": run.straight_ode, "length_over_distance_ode_near": run.straight_near}
            | {"length_over_distance": run.straight}
            | {"least_share": smallest, "largest_share": largest, "energy_distance": run.energy}
            | {"spread_over_exact": run.mode_std}
        )
    for kind, cells in result.sweep.items():
        for S, cell in cells.items():
            measured = {"spread_over_exact": cell.end, "spread_before_last_step": cell.before}
            table.append({"run": "sweep", "eta": kind if kind == "large" else float(kind), "steps": S} | measured)
    return table


def mean_rows(result: PathsResult) -> list[dict[str, Any]]:
    """Return a table row for each component's mean. Dropped on the plane, the table is a drawing again."""
    return [{"x": x, "y": y} for x, y in result.mixture.means.tolist()]


EXPORT_FORMATS = (
    ExportFormat("picture", "files.planes", "png"),  # made by the browser
    CHARTS_FORMAT,
    csv_format("files.measures", measurement_rows),
    csv_format("files.ends", end_point_rows, "points"),
    csv_format("files.data_points", mean_rows, "data"),
)
