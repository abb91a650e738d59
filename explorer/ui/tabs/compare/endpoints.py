"""The endpoint /compare."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.ui.endpoints import Endpoint, Rows, exported_file
from explorer.ui.saving import final_result
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.compare.exports import numbers
from explorer.ui.tabs.compare.result import CompareResult


def comparison(tab: Tab[Any], request: TabRequest[Any]) -> tuple[Rows, dict[str, Any]]:
    """The numbers of the rows, and their pictures."""
    result = final_result(tab, request)
    assert isinstance(result, CompareResult)
    return numbers(result), exported_file(tab, request, "sheet", result)


ROWS = (
    "One for each run: row, eta, variance, steps, noise_seed, nfe, rms_to_ddim (distance of its picture to DDIM's), grain;"
    " repeat_differs of ddim (by how much a second run differs), ddpm_formula_differs of ddpm. After them DDPM with other"
    " noise seeds and rms_to_ddpm."
)
ENDPOINTS = (
    Endpoint(
        "compare",
        "From one latent: DDIM, your eta, DDPM, DDPM's larger variance, and a network that is told wrong time steps.",
        ("checkpoint", "seed", "steps", "eta", "spacing", "clip", "noise_seed", "wrong", "others"),
        {
            "rows": (Rows, ROWS),
            "sheet": (gr.FileData, "PNG: a row of predicted x_0 for each run, the finished picture at its end."),
        },
        comparison,
    ),
)
