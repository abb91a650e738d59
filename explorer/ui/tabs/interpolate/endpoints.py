"""The API endpoint of Interpolate: /interpolate."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict
from typing import Any

import gradio as gr

from explorer.runs.cancellation import State
from explorer.ui.endpoints import Endpoint
from explorer.ui.saving import exported_file
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.interpolate.result import describe, unrelated
from explorer.ui.tabs.interpolate.strips import run_strips


def interpolation(tab: Tab[Any], request: TabRequest[Any], state: State) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the measurements of the strips, and a sheet of their pictures as a file. The pad is not run."""
    run = run_strips(request, tab.services.results, state, pad={})
    result = deque(map(tab.check_calls, run), maxlen=1)[0]
    numbers = {
        "positions": result.path.positions,
        "strips": {
            name: describe(frames) | {"nfe": len(frames) * frames[0].settings.steps} | asdict(result.facts[name])
            for name, frames in result.strips.items()
        },
        "unrelated": unrelated(result.path),
        "norms": result.path.norms(result.checkpoint),
    }
    return numbers, exported_file(tab, request, "strips", result)


NUMBERS = (
    "positions along the path; strips by name, each with latents, noise_seeds, steps, eta, nfe, path_length (perceptual path"
    " length, Karras et al. 2018, on pixels, relative to that of even changes along a straight line, so that is 1), jump"
    " (largest change over the mean change), smoothness (directness: span over the sum of all changes; 1 also for a single"
    " jump), largest change, span, contrast at its ends and half-way; unrelated, what unrelated pictures would give for"
    " path_length, jump and smoothness; norms of x_T divided by the root of its dimension, as [position, norm], for slerp"
    " and lerp."
)
ENDPOINTS = (
    Endpoint(
        "interpolate",
        "Return pictures between latents: spherical interpolation (slerp), linear interpolation (lerp), and DDPM.",
        (
            "checkpoint",
            "way",
            "a",
            "b",
            "loop",
            "frames",
            "steps",
            "spacing",
            "clip",
            "lerp",
            "ddpm",
            "noise_seed",
            "noises",
        ),
        {
            "numbers": (dict[str, Any], NUMBERS),
            "strips": (gr.FileData, "PNG: a row for each strip in numbers, a picture for each position."),
        },
        interpolation,
    ),
)
