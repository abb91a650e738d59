"""The public API: endpoints for programs over HTTP, and the same as MCP tools for assistants.

An endpoint runs a tab. Its parameters are fields of the page, with the page's names, defaults and validation, and the tab's
code computes its numbers and pictures. Gradio derives its API page, ``view_api`` and the MCP schema from the signature and
docstring of the endpoint's function.
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
PARAMETERS: dict[str, tuple[Any, str]] = {  # type and description by name
    "checkpoint": (str, "Name of one of the app's checkpoints."),
    "seed": (int | str, "The latent x_T: a seed, or a text such as slerp(10, 29, 0.5) or encode(3, 100)."),
    "steps": (int, "S, the number of steps, from 1 to the checkpoint's T. Each step is one network call (NFE)."),
    "eta": (float, "From 0 (DDIM, no noise) to 1 (DDPM)."),
    "variance": (Literal["eta", "large"], "eta, or large for DDPM's larger variance; eta then has no effect."),
    "spacing": (Literal["linear", "quadratic", "leading"], "How the time steps tau are spread over 1..T."),
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
}


@dataclass(frozen=True)
class Endpoint:
    """One endpoint of the API.

    Attributes:
        name: in its URL, and of the MCP tool.
        description: what it does.
        parameters: names in :data:`PARAMETERS`.
        returns: type and description of each returned value, by name.
        compute: computes the returned values from a tab and a validated request.
    """

    name: str
    description: str
    parameters: tuple[str, ...]
    returns: Mapping[str, tuple[Any, str]]
    compute: Callable[[Any, TabRequest[Any]], Any]

    def function(self, tab: Tab[Any]) -> Callable[..., Any]:
        """Return the endpoint as a function with a signature, types and a docstring.

        The function raises ``gr.Error``, with the message that the page would show, if a parameter is invalid, the queue
        is full, or the run fails.
        """

        def call(*values: Any) -> Any:
            try:
                request = tab.parse(dict(zip(self.parameters, values, strict=True)))
                with tab.services.admission.acquire() as slot:
                    slot.wait_until_admitted()
                    return self.compute(tab, request)
            except (InvalidField, ServerBusy, NetworkLost, PictureError) as error:
                raise gr.Error(str(error).rstrip(".") + ".", print_exception=False) from None
            except Exception as error:
                raise gr.Error(localize(explain(error, (self.name, values))), print_exception=False) from None

        call.__name__ = self.name
        call.__doc__ = self._docstring()
        call.__annotations__ = {name: PARAMETERS[name][0] for name in self.parameters}
        call.__signature__ = self._signature(tab)  # type: ignore[attr-defined]
        return call

    def _docstring(self) -> str:
        parameters = "\n".join(f"    {name}: {PARAMETERS[name][1]}" for name in self.parameters)
        returns = "\n".join(f"    {name}: {description}" for name, (_, description) in self.returns.items())
        return f"{self.description}\n\nArgs:\n{parameters}\n\nReturns:\n{returns}"

    def _signature(self, tab: Tab[Any]) -> inspect.Signature:
        defaults = tab.default_request().fields()
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameters = [
            inspect.Parameter(name, kind, default=defaults[name], annotation=PARAMETERS[name][0])
            for name in self.parameters
        ]
        types = tuple(returned for returned, _ in self.returns.values())
        annotation = types[0] if len(types) == 1 else GenericAlias(tuple, types)
        return inspect.Signature(parameters, return_annotation=annotation)

    def add(self, demo: gr.Blocks, tab: Tab[Any], **queue: Any) -> None:
        """Add the endpoint to ``demo``, inside its context. ``queue`` is passed to ``gr.api``."""
        function = self.function(tab)
        gr.api(function, api_name=self.name, **queue)
        event = list(demo.fns.values())[-1]
        descriptions = get_function_description(function)[1]
        for (name, description), component in zip(descriptions.items(), event.inputs, strict=True):
            _describe(component, name, additional_description=description)
        for (name, (_, description)), component in zip(self.returns.items(), event.outputs, strict=True):
            _describe(component, name, description=description)


def _describe(component: object, name: str, **description: str) -> None:
    """Set the name and description of a parameter or returned value, which Gradio would only number."""
    assert isinstance(component, gr.components.Component)
    component.label = name
    component.api_info().update(description)


def all_endpoints(tabs: Mapping[str, Tab[Any]]) -> Iterator[tuple[Endpoint, Tab[Any]]]:
    """Yield every endpoint with its tab."""
    return ((endpoint, tab) for tab in tabs.values() for endpoint in tab.endpoints)


def exported_file(tab: Tab[Any], request: TabRequest[Any], name: str, result: TabResult) -> dict[str, Any]:
    """Publish the file of an entry of the tab's Save menu.

    Args:
        name: of the :class:`~explorer.ui.export_formats.ExportFormat`.
        result: of the ended run of ``request``.

    Returns:
        The file as ``gr.FileData`` JSON.
    """
    export_format = next(entry for entry in tab.export_formats if entry.name == name)
    export = ExportRequest(tab, export_format, request, {})
    return publish_file(export.to_bytes(result), export.file_name)
