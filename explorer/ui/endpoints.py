"""The public API: what programs ask of the app over HTTP, and assistants as MCP tools.

An endpoint is a tab's run. Its parameters are fields of the page with the page's names, defaults and checks, and the same
code makes its numbers and pictures. Gradio's API page, ``view_api`` and the MCP schema are made from its function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import GenericAlias
from typing import Any, Literal

import gradio as gr
from gradio.utils import get_function_description

from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import ServerBusy
from explorer.runs.failures import explain
from explorer.ui.fields import InvalidField
from explorer.ui.file_serving import publish_file
from explorer.ui.localization import localize
from explorer.ui.saving import ExportRequest
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tab_result import TabResult

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
    "a": (int | str, "The latent at the beginning of the path, as for seed."),
    "b": (int | str, "The latent at its end."),
    "loop": (str, "2 to 8 latents separated by commas, for the way loop."),
    "frames": (int, "n, pictures along the path, from 8 to 33, its ends among them."),
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
        about: what it does.
        fields: its parameters, keys of :data:`FIELDS`.
        returns: type and meaning of each value that it returns, by name.
        answer: computes these values.
    """

    name: str
    about: str
    fields: tuple[str, ...]
    returns: Mapping[str, tuple[Any, str]]
    answer: Callable[[Any, TabRequest[Any]], Any]

    def function(self, tab: Tab[Any]) -> Callable[..., Any]:
        """The endpoint as a function that documents itself: Gradio shows its signature, types and docstring.

        It raises ``gr.Error`` for a field that cannot be used, when too many runs wait, or when the run fails, with the
        message that the page would show.
        """

        def call(*values: Any) -> Any:
            try:
                request = tab.parse(dict(zip(self.fields, values, strict=True)))
                with tab.services.admission.acquire() as slot:
                    slot.wait_until_admitted()
                    return self.answer(tab, request)
            except (InvalidField, ServerBusy, NetworkLost, PictureError) as problem:
                raise gr.Error(str(problem).rstrip(".") + ".", print_exception=False) from None
            except Exception as error:
                raise gr.Error(localize(explain(error, (self.name, values))), print_exception=False) from None

        defaults = tab.default_request().fields()
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

    def add(self, demo: gr.Blocks, tab: Tab[Any], **queue: Any) -> None:
        """Add the endpoint to ``demo``, whose context is open; ``queue`` goes to ``gr.api``."""
        function = self.function(tab)
        gr.api(function, api_name=self.name, **queue)
        parts = list(demo.fns.values())[-1]
        meanings = get_function_description(function)[1]
        for (name, meaning), part in zip(meanings.items(), parts.inputs, strict=True):
            _describe(part, name, additional_description=meaning)
        for (name, (_, meaning)), part in zip(self.returns.items(), parts.outputs, strict=True):
            _describe(part, name, description=meaning)


def _describe(part: object, name: str, **meaning: str) -> None:
    """Give a parameter or a result its name and its meaning; Gradio would only number it."""
    assert isinstance(part, gr.components.Component)
    part.label = name
    part.api_info().update(meaning)


def all_endpoints(tabs: Mapping[str, Tab[Any]]) -> Iterator[tuple[Endpoint, Tab[Any]]]:
    """Every endpoint with the tab whose run it is."""
    return ((endpoint, tab) for tab in tabs.values() for endpoint in tab.endpoints)


def exported_file(tab: Tab[Any], request: TabRequest[Any], name: str, result: TabResult) -> dict[str, Any]:
    """The file that the entry ``name`` of the tab's Save menu makes, published for the client."""
    chosen = next(of for of in tab.export_formats if of.name == name)
    wanted = ExportRequest(tab, chosen, request, {})
    return publish_file(wanted.file_from(result), wanted.file_name)
