"""What can be saved of Paths."""

from __future__ import annotations

from typing import Any

from explorer.ui.export_formats import CHARTS_FORMAT, ExportFormat, csv_format
from explorer.ui.tabs.paths.result import PathsResult


def end_points(result: PathsResult) -> list[dict[str, Any]]:
    """One line for each end point of each run."""
    return [
        {"run": name, "eta": run.eta, "point": k, "x": x, "y": y}
        for name, run in result.runs.items()
        for k, (x, y) in enumerate(run.ends)
    ]


def measures(result: PathsResult) -> list[dict[str, Any]]:
    """One line for each of the three runs, then one for each S and kind of noise of the sweep."""
    lines: list[dict[str, Any]] = []
    for name, run in result.runs.items():
        least, most = run.shares
        lines.append(
            {"run": name, "eta": run.eta, "steps": run.settings.steps}
            | {"length_over_distance_ode": run.straight_ode, "length_over_distance": run.straight}
            | {"least_share": least, "largest_share": most, "energy_distance": run.energy}
            | {"spread_over_exact": run.mode_std}
        )
    for kind, cells in result.sweep.items():
        for S, cell in cells.items():
            measured = {"spread_over_exact": cell.end, "spread_before_last_step": cell.before}
            lines.append({"run": "sweep", "eta": kind if kind == "large" else float(kind), "steps": S} | measured)
    return lines


EXPORT_FORMATS = (
    ExportFormat("picture", "files.planes", "png"),  # made by the browser
    CHARTS_FORMAT,
    csv_format("files.measures", measures),
    csv_format("files.ends", end_points, "points"),
)
