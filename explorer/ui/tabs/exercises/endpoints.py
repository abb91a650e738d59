"""The API endpoint of Exercises: /slips."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.runs.cancellation import State
from explorer.ui.endpoints import Endpoint, Rows
from explorer.ui.saving import exported_file, final_result
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.exercises.exports import measurement_rows
from explorer.ui.tabs.exercises.result import ExercisesResult


def slips(tab: Tab[Any], request: TabRequest[Any], state: State) -> tuple[Rows, dict[str, Any]]:
    """Return the measurements of the rows, and a sheet of their pictures as a file."""
    result = final_result(tab, request, state)
    assert isinstance(result, ExercisesResult)
    return measurement_rows(result), exported_file(tab, request, "sheet", result)


ROWS = (
    "One row for the correct functions and for each slip: row, term (of the formula that it affects), S, eta, noise_seed,"
    " steps (of the run), difference (rms difference of the picture to the correct one; None if it is not finite),"
    " outside (fraction of its values outside of [-1.2, 1.2])."
)
ENDPOINTS = (
    Endpoint(
        "slips",
        "Sample from one latent with known slips in Eq. 12, in sigma, in the time steps or in the loop.",
        ("checkpoint", "seed", "steps", "eta", "noise_seed", "slips"),
        {
            "rows": (Rows, ROWS),
            "sheet": (gr.FileData, "PNG: a row of predicted x_0 for each run, with the final picture at its end."),
        },
        slips,
    ),
)
