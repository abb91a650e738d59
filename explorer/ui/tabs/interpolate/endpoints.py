"""The endpoint /interpolate."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import gradio as gr

from explorer.ui.endpoints import Endpoint, exported_file
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.interpolate.result import describe

if TYPE_CHECKING:
    from explorer.ui.tabs.interpolate.tab import InterpolateTab


def interpolation(tab: InterpolateTab, request: TabRequest[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The numbers of the strips and their pictures, without the pad."""
    run = tab.run_strips(request, lambda: "running", pad={})
    result = deque(map(tab.check_calls, run), maxlen=1)[0]
    numbers = {
        "positions": result.path.positions,
        "strips": {
            name: describe(frames) | {"nfe": len(frames) * frames[0].settings.steps} | asdict(result.facts[name])
            for name, frames in result.strips.items()
        },
        "norms": result.path.norms(result.checkpoint),
    }
    return numbers, exported_file(tab, request, "strips", result)


NUMBERS = (
    "positions along the way; strips by name, each with latents, noise_seeds, steps, eta, nfe, smoothness (1 on a straight"
    " way, near 0 where every picture is another one), largest change, span, contrast at its ends and half-way; norms of"
    " x_T over the root of its dimension, as [position, norm], for slerp and lerp."
)
ENDPOINTS = (
    Endpoint(
        "interpolate",
        "Pictures on the way between latents: on the sphere (slerp), on the straight line (lerp), under DDPM.",
        ("checkpoint", "way", "a", "b", "loop", "frames", "steps", "spacing", "clip", "lerp", "ddpm", "noise_seed"),
        {
            "numbers": (dict[str, Any], NUMBERS),
            "strips": (gr.FileData, "PNG: a row for each of numbers.strips, a picture for each position."),
        },
        interpolation,
    ),
)
