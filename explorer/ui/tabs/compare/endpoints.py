"""The API endpoint of Compare: /compare."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.runs.cancellation import State
from explorer.ui.endpoints import Endpoint, Rows
from explorer.ui.saving import exported_file, final_result
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.compare.exports import measurement_rows
from explorer.ui.tabs.compare.result import CompareResult


def comparison(tab: Tab[Any], request: TabRequest[Any], state: State) -> tuple[Rows, dict[str, Any]]:
    """Return the measurements of the rows, and a sheet of their pictures as a file."""
    result = final_result(tab, request, state)
    assert isinstance(result, CompareResult)
    return measurement_rows(result), exported_file(tab, request, "sheet", result)


ROWS = (
    "One row for each run: row, eta, variance, steps, noise_seed, nfe, rms_to_ddim (difference of its picture to DDIM's),"
    " grain; for ddim repeat_differs (difference of a second run), for ddpm ddpm_formula_differs (difference to DDPM's own"
    " formula). Then one row for each other noise seed of DDPM, with rms_to_ddpm."
)
ENDPOINTS = (
    Endpoint(
        "compare",
        "Compare from one latent: DDIM, your eta, DDPM, DDPM's larger variance, and a network that is given wrong time steps.",
        ("checkpoint", "seed", "steps", "eta", "spacing", "clip", "noise_seed", "wrong", "others"),
        {
            "rows": (Rows, ROWS),
            "sheet": (gr.FileData, "PNG: a row of predicted x_0 for each run, with the final picture at its end."),
        },
        comparison,
    ),
)
