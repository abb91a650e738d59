"""The public API: what programs ask of the app over HTTP, and assistants as MCP tools.

An endpoint is a tab's run: its parameters are fields of the page, with the page's names, defaults and checks, and the same
code makes its numbers and pictures. What Gradio tells of it (API page, ``view_api``, MCP schema) is read off its function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, Literal

import gradio as gr
import torch
from gradio.utils import get_function_description

from explorer.media import exports
from explorer.media.convert import to_uint8
from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import ServerBusy
from explorer.runs.failures import explain
from explorer.runs.results import generate_pictures
from explorer.schedule import Coefficients
from explorer.ui.export_formats import EXPORT_FORMATS
from explorer.ui.fields import InvalidField
from explorer.ui.file_serving import publish_file
from explorer.ui.localization import localize
from explorer.ui.saving import ExportRequest, run_again
from explorer.ui.shown import TabResult, compared
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.interpolate.tab import BATCH, Way, describe, measure, norms, plan_strips

Rows = list[dict[str, Any]]
FIELDS: dict[str, tuple[Any, str]] = {  # type and meaning of each parameter
    "checkpoint": (str, "Name of one of the app's checkpoints."),
    "seed": (int | str, "The latent x_T: a seed, or a text such as slerp(10, 29, 0.5) or encode(3, 100)."),
    "steps": (int, "S, how many steps: from 1 to the checkpoint's T. Each is one call of the network (NFE)."),
    "eta": (float, "From 0 (DDIM, no noise) to 1 (DDPM)."),
    "variance": (Literal["eta", "large"], "eta, or large for DDPM's larger variance; then eta has no effect."),
    "spacing": (Literal["linear", "quadratic", "leading"], "How the time steps tau are spread over 1..T."),
    "clip": (bool, "Clamp predicted x_0 to [-1, 1] at every step."),
    "noise_seed": (int, "Seed of the noise z that is added at every step where sigma is not 0."),
    "wrong": (bool, "Add a row whose network is told wrong time steps."),
    "others": (int, "K, from 1 to 8: how many other noise seeds DDPM is run with."),
    "way": (Literal["ends", "loop"], "ends goes from a to b; loop through the latents of loop, back to the first."),
    "a": (int | str, "The latent at the beginning of the way, as for seed."),
    "b": (int | str, "The latent at its end."),
    "loop": (str, "2 to 8 latents separated by commas, for the way loop."),
    "frames": (int, "n, pictures along the way, from 8 to 33, its ends among them."),
    "lerp": (bool, "Add a strip on the straight line between the latents."),
    "ddpm": (
        Literal["own", "shared", "off"],
        "A strip under eta = 1: a noise seed for each frame, one for all, or none.",
    ),
}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    Attributes:
        name: in its address, and of the MCP tool.
        tab: whose run it is; it has the defaults and makes the checks.
        about: what it does.
        fields: its parameters, keys of :data:`FIELDS`.
        returns: type and meaning of each value that it returns, by name.
        answer: makes these values.
    """

    name: str
    tab: Tab[Any]
    about: str
    fields: tuple[str, ...]
    returns: Mapping[str, tuple[Any, str]]
    answer: Callable[[Tab[Any], TabRequest[Any]], Any]

    def function(self) -> Callable[..., Any]:
        """The endpoint as a function that documents itself: signature, types and docstring are what Gradio shows.

        It raises ``gr.Error`` for a field that cannot be used, when too many runs wait, or when the run fails, with the page's message.
        """

        def call(*values: Any) -> Any:
            try:
                asked = self.tab.parse(dict(zip(self.fields, values, strict=True)))
                with self.tab.turns.take() as turn:
                    turn.come()
                    return self.answer(self.tab, asked)
            except (InvalidField, ServerBusy, NetworkLost, PictureError) as problem:
                raise gr.Error(str(problem).rstrip(".") + ".", print_exception=False) from None
            except Exception as error:
                raise gr.Error(localize(explain(error, (self.name, values))), print_exception=False) from None

        defaults = self.tab.defaults().fields()
        types = tuple(kind for kind, _ in self.returns.values())
        either = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [
            inspect.Parameter(name, either, default=defaults[name], annotation=FIELDS[name][0]) for name in self.fields
        ]
        call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
            parameters, return_annotation=types[0] if len(types) == 1 else GenericAlias(tuple, types)
        )
        call.__annotations__ = {name: FIELDS[name][0] for name in self.fields}
        call.__name__ = self.name
        arguments = "\n".join(f"    {name}: {FIELDS[name][1]}" for name in self.fields)
        returns = "\n".join(f"    {name}: {meaning}" for name, (_, meaning) in self.returns.items())
        call.__doc__ = f"{self.about}\n\nArgs:\n{arguments}\n\nReturns:\n{returns}"
        return call

    def add(self, demo: gr.Blocks, **queue: Any) -> None:
        """Put the endpoint into ``demo``, whose context is open; ``queue`` is for ``gr.api``."""
        function = self.function()
        gr.api(function, api_name=self.name, **queue)
        parts = list(demo.fns.values())[-1]
        meanings = get_function_description(function)[1]
        for (name, meaning), part in zip(meanings.items(), parts.inputs, strict=True):
            _tell(part, name, additional_description=meaning)
        for (name, (_, meaning)), part in zip(self.returns.items(), parts.outputs, strict=True):
            _tell(part, name, description=meaning)


def _tell(part: object, name: str, **meaning: str) -> None:
    """Give a parameter or a result, which Gradio would call 1st, 2nd, 3rd, its name and its meaning."""
    assert isinstance(part, gr.components.Component)
    part.label = name
    part.api_info().update(meaning)


def endpoints(tabs: Mapping[str, Tab[Any]]) -> list[Endpoint]:
    """All endpoints, over the tabs of the page."""
    run = ("checkpoint", "seed", "steps", "eta", "variance", "spacing", "clip", "noise_seed")
    compare = ("checkpoint", "seed", "steps", "eta", "spacing", "clip", "noise_seed", "wrong", "others")
    path = ("checkpoint", "way", "a", "b", "loop", "frames", "steps", "spacing", "clip", "lerp", "ddpm", "noise_seed")
    return [
        Endpoint(
            "steps",
            tabs["steps"],
            "Run Eq. 12 of DDIM down from a latent and return the numbers of every step.",
            run,
            {"rows": (Rows, STEPS)},
            numbers_of_steps,
        ),
        Endpoint(
            "picture",
            tabs["steps"],
            "Run Eq. 12 of DDIM down from a latent and return the picture.",
            run,
            {"picture": (gr.FileData, "PNG of x_0 in its own pixels, the settings inside.")},
            lambda tab, asked: _saved(tab, asked, "picture", _shown(tab, asked)),
        ),
        Endpoint(
            "strip",
            tabs["steps"],
            "Run Eq. 12 of DDIM down from a latent and return how the picture came about.",
            run,
            {"strip": (gr.FileData, "PNG of predicted x_0 at up to 20 of the steps, side by side, t falling.")},
            lambda tab, asked: _saved(tab, asked, "strip", _shown(tab, asked)),
        ),
        Endpoint(
            "compare",
            tabs["compare"],
            "From one latent: DDIM, your eta, DDPM, DDPM's larger variance, and a network that is told wrong time steps.",
            compare,
            {
                "rows": (Rows, COMPARE),
                "sheet": (gr.FileData, "PNG: a row of predicted x_0 for each run, the finished picture at its end."),
            },
            comparison,
        ),
        Endpoint(
            "interpolate",
            tabs["interpolate"],
            "Pictures on the way between latents: on the sphere (slerp), on the straight line (lerp), under DDPM.",
            path,
            {
                "numbers": (dict[str, Any], INTERPOLATE),
                "strips": (gr.FileData, "PNG: a row for each of numbers.strips, a picture for each position."),
            },
            interpolation,
        ),
    ]


STEPS = (
    "One for each step, t falling: t, t_prev, alpha_bar, alpha_bar_prev; coefficient_x0, direction, noise: the factors"
    " of the three terms; term_x0, term_direction, term_noise, x_t, x0, eps, z, x_prev: root mean squares;"
    " sum_residual, mk_residual: how far the three terms, and the form without eps, are from x_prev; clipped values."
)
COMPARE = (
    "One for each run: row, eta, variance, steps, noise_seed, nfe, rms_to_ddim (distance of its picture to DDIM's), grain;"
    " repeat_differs of ddim (by how much a second run differs), ddpm_formula_differs of ddpm. After them DDPM with other"
    " noise seeds and rms_to_ddpm."
)
INTERPOLATE = (
    "positions along the way; strips by name, each with latents, noise_seeds, steps, eta, nfe, smoothness (1 on a straight"
    " way, near 0 where every picture is another one), largest change, span, contrast at its ends and half-way; norms of"
    " x_T over the root of its dimension, as [position, norm], for slerp and lerp."
)


def numbers_of_steps(tab: Tab[Any], asked: TabRequest[Any]) -> Rows:
    run = _shown(tab, asked).trajectory
    plan = zip(run.plan, run.numbers, strict=True)
    return [step_numbers(c) | vars(numbers) for c, numbers in plan]


def step_numbers(c: Coefficients) -> dict[str, Any]:
    """The coefficients of a step under the names that the endpoint has always used."""
    levels = {"t": c.t, "t_prev": c.t_prev, "alpha_bar": c.alpha_bar, "alpha_bar_prev": c.alpha_bar_prev}
    return levels | {"coefficient_x0": c.sqrt_alpha_bar_prev, "direction": c.direction_scale, "noise": c.sigma}


def comparison(tab: Tab[Any], asked: TabRequest[Any]) -> tuple[Rows, dict[str, Any]]:
    shown = _shown(tab, asked)
    return compared(shown), _saved(tab, asked, "sheet", shown)


def interpolation(tab: Tab[Any], asked: TabRequest[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The strips of the Interpolate tab, without its pad."""
    checkpoint, way = tab.checkpoints[asked.query.checkpoint], Way.of(asked.options)
    strips = plan_strips(asked, way, checkpoint.schedule.T)
    made: dict[int, torch.Tensor] = {}
    for progress in generate_pictures(
        checkpoint, [w for frames in strips.values() for w in frames], tab.finished, BATCH
    ):
        tab.allow(progress.expected)
        made |= progress.ready
    n = len(way.positions)
    pictures = {name: torch.stack([made[k * n + i] for i in range(n)]) for k, name in enumerate(strips)}
    numbers = {
        "positions": way.positions,
        "strips": {
            name: describe(frames) | {"nfe": n * frames[0].settings.steps} | measure(pictures[name], way)
            for name, frames in strips.items()
        },
        "norms": norms(way, checkpoint),
    }
    wish, sheet = _wish(tab, asked, "strips"), exports.sheet([to_uint8(strip) for strip in pictures.values()])
    return numbers, publish_file(exports.png(sheet, wish.settings), wish.name)


def _shown(tab: Tab[Any], asked: TabRequest[Any]) -> TabResult:
    """What the tab shows at the end of the run."""
    shares = run_again(_wish(tab, asked, EXPORT_FORMATS[tab.name][0].name), lambda: "running")
    while True:
        try:
            next(shares)
        except StopIteration as end:
            return end.value


def _saved(tab: Tab[Any], asked: TabRequest[Any], kind: str, shown: TabResult) -> dict[str, Any]:
    """The file that Save makes under that name."""
    wish = _wish(tab, asked, kind)
    assert wish.kind.make is not None  # the browser makes charts alone
    return publish_file(wish.kind.make(shown), wish.name)


def _wish(tab: Tab[Any], asked: TabRequest[Any], kind: str) -> ExportRequest:
    return ExportRequest(tab, next(k for k in EXPORT_FORMATS[tab.name] if k.name == kind), asked, {})
