"""The API endpoints of Steps: /steps, /picture and /strip."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.runs.cancellation import State
from explorer.ui.endpoints import Endpoint, Rows
from explorer.ui.saving import exported_file, final_result
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.steps.result import StepsResult

PARAMETERS = ("checkpoint", "seed", "steps", "eta", "variance", "spacing", "clip", "noise_seed")


def step_rows(tab: Tab[Any], request: TabRequest[Any], state: State) -> Rows:
    """Return one row for each step. The column names are part of the public API."""
    result = final_result(tab, request, state)
    assert isinstance(result, StepsResult)
    rows = []
    for c, numbers in zip(result.trajectory.plan, result.trajectory.numbers, strict=True):
        levels = {"t": c.t, "t_prev": c.t_prev, "alpha_bar": c.alpha_bar, "alpha_bar_prev": c.alpha_bar_prev}
        factors = {"coefficient_x0": c.sqrt_alpha_bar_prev, "direction": c.direction_scale, "noise": c.sigma}
        rows.append(levels | factors | vars(numbers))
    return rows


def picture(tab: Tab[Any], request: TabRequest[Any], state: State) -> dict[str, Any]:
    """Return the final picture as a file."""
    return exported_file(tab, request, "picture", final_result(tab, request, state))


def strip(tab: Tab[Any], request: TabRequest[Any], state: State) -> dict[str, Any]:
    """Return the strip of predicted x_0 as a file."""
    return exported_file(tab, request, "strip", final_result(tab, request, state))


ROWS = (
    "One row for each step, t descending: t, t_prev, alpha_bar, alpha_bar_prev; coefficient_x0, direction, noise: the"
    " coefficients of the three terms; term_x0, term_direction, term_noise, x_t, x0, eps, z, x_prev: root mean squares;"
    " sum_residual, mk_residual: difference of x_prev to the sum of the three terms, and to the form without eps;"
    " clipped: number of clipped values."
)
ENDPOINTS = (
    Endpoint(
        "steps",
        "Sample from a latent with Eq. 12 of DDIM and return the numbers of every step.",
        PARAMETERS,
        {"rows": (Rows, ROWS)},
        step_rows,
    ),
    Endpoint(
        "picture",
        "Sample from a latent with Eq. 12 of DDIM and return the picture.",
        PARAMETERS,
        {"picture": (gr.FileData, "PNG of x_0 in its own resolution, with the settings in its metadata.")},
        picture,
    ),
    Endpoint(
        "strip",
        "Sample from a latent with Eq. 12 of DDIM and return a strip of predicted x_0 over the steps.",
        PARAMETERS,
        {"strip": (gr.FileData, "PNG of predicted x_0 at up to 20 steps, side by side, t descending.")},
        strip,
    ),
)
