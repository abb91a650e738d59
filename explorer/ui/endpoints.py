"""Declaration of the endpoints of the public API.

An endpoint runs a tab. Its parameters are fields of the page, with the page's names, defaults and validation, and the tab's
code computes its numbers and pictures. :mod:`explorer.ui.api` serves the endpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from explorer.runs.cancellation import State
from explorer.ui.query import TabRequest

Rows = list[dict[str, Any]]
PARAMETERS: dict[str, tuple[Any, str]] = {  # type and description by name
    "checkpoint": (str, "Name of one of the app's checkpoints."),
    "seed": (int | str, "The latent x_T: a seed, or a text such as slerp(10, 29, 0.5) or encode(3, 100)."),
    "steps": (int, "S, the number of steps, from 1 to the checkpoint's T. Each step is one network call (NFE)."),
    "eta": (float, "From 0 (DDIM, no noise) to 1 (DDPM)."),
    "variance": (Literal["eta", "large"], "eta, or large for DDPM's larger variance; eta then has no effect."),
    "spacing": (
        Literal["linear", "quadratic", "leading", "quadratic-ddim"],
        "How the time steps tau are spread over 1..T. linear and quadratic: the paper's, ending at T. leading: diffusers' rule, "
        "ending below T. quadratic-ddim: quadratic as in the paper's original code, ending at 1 + 0.8 T.",
    ),
    "clip": (bool, "Clamp predicted x_0 to [-1, 1] at every step."),
    "noise_seed": (int, "Seed of the noise z that is added at every step where sigma is not 0."),
    "wrong": (bool, "Add a row whose network is given wrong time steps."),
    "others": (int, "K, from 1 to 8: the number of other noise seeds for DDPM."),
    "way": (Literal["ends", "loop"], "ends: from a to b. loop: through the latents of loop and back to the first."),
    "a": (int | str, "The latent at the start of the path, as for seed."),
    "b": (int | str, "The latent at the end of the path."),
    "loop": (str, "2 to 8 latents separated by commas, used if way is loop."),
    "frames": (int, "n, the number of pictures along the path, from 8 to 33, including both ends."),
    "lerp": (bool, "Add a strip on the straight line between the latents."),
    "ddpm": (
        Literal["own", "shared", "off"],
        "Add a strip with eta = 1: own noise seed for each frame, one shared noise seed, or off.",
    ),
    "calls": (
        int,
        "N, the network calls that each solver may take, from 4 to 100. Its number of steps follows from it.",
    ),
    "even_lambda": (
        bool,
        "Take time steps that are even in lambda = log(sqrt(ab) / sqrt(1 - ab)) in place of spacing.",
    ),
    "fine": (bool, "Compare with PLMS of S = T in place of DPM-Solver++(2M) with 200 steps that are even in lambda."),
    "plane": (
        Literal["two moons", "ring", "grid", "letter"],
        "The mixture with the exact score on which the orders are measured.",
    ),
    "slips": (
        str,
        "Names of slips separated by commas, at most 8, such as ddim_step.sigma-for-direction; see explorer.exercises.gallery.",
    ),
    "noises": (bool, "Add a strip with eta = 1 on which x_T and the noise z of every step are interpolated."),
}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the API.

    Attributes:
        name: in its URL, and of the MCP tool.
        description: what it does.
        parameters: names in :data:`PARAMETERS`.
        returns: type and description of each returned value, by name.
        compute: computes the returned values from a tab, a validated request, and the state of the run, which it checks
            after every network call.
    """

    name: str
    description: str
    parameters: tuple[str, ...]
    returns: Mapping[str, tuple[Any, str]]
    compute: Callable[[Any, TabRequest[Any], State], Any]

    def docstring(self) -> str:
        """Return the docstring of the endpoint's function: description, parameters and returned values."""
        parameters = "\n".join(f"    {name}: {PARAMETERS[name][1]}" for name in self.parameters)
        returns = "\n".join(f"    {name}: {description}" for name, (_, description) in self.returns.items())
        return f"{self.description}\n\nArgs:\n{parameters}\n\nReturns:\n{returns}"
