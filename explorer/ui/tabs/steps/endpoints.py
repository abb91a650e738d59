"""The endpoints /steps, /picture and /strip."""

from __future__ import annotations

from typing import Any

import gradio as gr

from explorer.ui.endpoints import Endpoint, Rows, exported_file
from explorer.ui.saving import final_result
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.steps.result import StepsResult

FIELDS = ("checkpoint", "seed", "steps", "eta", "variance", "spacing", "clip", "noise_seed")


def numbers_of_steps(tab: Tab[Any], request: TabRequest[Any]) -> Rows:
    """One row for each step, under the names that the endpoint has always used."""
    result = final_result(tab, request)
    assert isinstance(result, StepsResult)
    rows = []
    for c, numbers in zip(result.trajectory.plan, result.trajectory.numbers, strict=True):
        levels = {"t": c.t, "t_prev": c.t_prev, "alpha_bar": c.alpha_bar, "alpha_bar_prev": c.alpha_bar_prev}
        factors = {"coefficient_x0": c.sqrt_alpha_bar_prev, "direction": c.direction_scale, "noise": c.sigma}
        rows.append(levels | factors | vars(numbers))
    return rows


def picture(tab: Tab[Any], request: TabRequest[Any]) -> dict[str, Any]:
    return exported_file(tab, request, "picture", final_result(tab, request))


def strip(tab: Tab[Any], request: TabRequest[Any]) -> dict[str, Any]:
    return exported_file(tab, request, "strip", final_result(tab, request))


ROWS = (
    "One for each step, t falling: t, t_prev, alpha_bar, alpha_bar_prev; coefficient_x0, direction, noise: the factors"
    " of the three terms; term_x0, term_direction, term_noise, x_t, x0, eps, z, x_prev: root mean squares;"
    " sum_residual, mk_residual: how far the three terms, and the form without eps, are from x_prev; clipped values."
)
ENDPOINTS = (
    Endpoint(
        "steps",
        "Run Eq. 12 of DDIM down from a latent and return the numbers of every step.",
        FIELDS,
        {"rows": (Rows, ROWS)},
        numbers_of_steps,
    ),
    Endpoint(
        "picture",
        "Run Eq. 12 of DDIM down from a latent and return the picture.",
        FIELDS,
        {"picture": (gr.FileData, "PNG of x_0 in its own pixels, the settings inside.")},
        picture,
    ),
    Endpoint(
        "strip",
        "Run Eq. 12 of DDIM down from a latent and return how the picture came about.",
        FIELDS,
        {"strip": (gr.FileData, "PNG of predicted x_0 at up to 20 of the steps, side by side, t falling.")},
        strip,
    ),
)
