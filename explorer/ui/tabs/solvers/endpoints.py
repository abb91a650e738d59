"""The API endpoint of Solvers: /solve."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.runs.cancellation import State
from explorer.ui.endpoints import Endpoint, Rows
from explorer.ui.saving import exported_file, final_result
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.solvers.exports import error_rows, solver_rows
from explorer.ui.tabs.solvers.result import SolversResult


def solutions(tab: Tab[Any], request: TabRequest[Any], state: State) -> tuple[Rows, Rows, dict[str, Any]]:
    """Return the numbers of the rows, the points of the charts, and a sheet of the rows' pictures as a file."""
    result = final_result(tab, request, state)
    assert isinstance(result, SolversResult)
    return solver_rows(result), error_rows(result), exported_file(tab, request, "sheet", result)


ROWS = (
    "One row for each solver: solver, order (theoretical), limit (calls), steps (S), nfe (network calls taken), error (rms difference "
    "of its picture to the reference, over the range of a picture), slope (measured order with the network), slope_exact (measured "
    "order on the mixture), first_jump (share of the range of the noise level that the first jump crosses); for ddim "
    "dpm_solver_1_differs (largest difference of its steps to those of DPM-Solver-1)."
)
ERRORS = "One row for each point of the charts: chart (network or the mixture), solver, nfe, error."
ENDPOINTS = (
    Endpoint(
        "solve",
        "Solve DDIM's ODE from one latent with six solvers, each with the same number of network calls.",
        ("checkpoint", "seed", "calls", "spacing", "even_lambda", "clip", "fine", "plane"),
        {
            "rows": (Rows, ROWS),
            "errors": (Rows, ERRORS),
            "sheet": (gr.FileData, "PNG: a row of predicted x_0 for each solver, with the final picture at its end."),
        },
        solutions,
    ),
)
