"""Serving the endpoints of all tabs, over HTTP and as MCP tools.

Gradio derives its API page, ``view_api`` and the MCP schema from the signature and docstring of each endpoint's function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import GenericAlias
from typing import Any

import gradio as gr
from gradio.utils import get_function_description

from explorer.media.uploads import PictureError
from explorer.networks.network import NetworkLost
from explorer.runs.admission import ServerBusy
from explorer.runs.cancellation import Cancelled, check_cancelled
from explorer.runs.failures import explain
from explorer.ui.client import Visitor
from explorer.ui.endpoints import PARAMETERS, Endpoint
from explorer.ui.fields import InvalidField
from explorer.ui.localization import localize
from explorer.ui.tab import Tab


def all_endpoints(tabs: Mapping[str, Tab[Any]]) -> Iterator[tuple[Endpoint, Tab[Any]]]:
    """Yield every endpoint with its tab."""
    return ((endpoint, tab) for tab in tabs.values() for endpoint in tab.endpoints)


def endpoint_function(endpoint: Endpoint, tab: Tab[Any]) -> Callable[..., Any]:
    """Return the endpoint as a function with a signature, types and a docstring.

    The function raises ``gr.Error``, with the message that the page would show, if a parameter is invalid, the queue
    is full, the run fails, or nobody listens to it any more.
    """

    def call(*values: Any) -> Any:
        values, connection = values[: len(endpoint.parameters)], values[len(endpoint.parameters) :]
        visitor, services = Visitor.of(*connection), tab.services
        state = services.listeners.state(visitor.session)
        try:
            request = tab.parse(dict(zip(endpoint.parameters, values, strict=True))).for_client(visitor.client)
            with services.admission.acquire(client=visitor.client, is_ready=False) as slot:
                services.listeners.wait_until_heard(visitor.session, state)
                check_cancelled(state)
                slot.make_ready()
                slot.wait_until_admitted(state)
                check_cancelled(state)
                return endpoint.compute(tab, request, state)
        except (InvalidField, ServerBusy, NetworkLost, PictureError) as error:
            raise gr.Error(str(error).rstrip(".") + ".", print_exception=False) from None
        except Cancelled:
            raise gr.Error("Nobody listens to this run any more.", print_exception=False) from None
        except Exception as error:
            raise gr.Error(localize(explain(error, (endpoint.name, values))), print_exception=False) from None

    call.__name__ = endpoint.name
    call.__doc__ = endpoint.docstring()
    call.__annotations__ = {name: PARAMETERS[name][0] for name in endpoint.parameters} | {"connection": gr.Request}
    call.__signature__ = _signature(endpoint, tab)  # type: ignore[attr-defined]
    return call


def _signature(endpoint: Endpoint, tab: Tab[Any]) -> inspect.Signature:
    defaults = tab.default_request().fields()
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter(name, kind, default=defaults[name], annotation=PARAMETERS[name][0])
        for name in endpoint.parameters
    ]
    parameters.append(inspect.Parameter("connection", kind, default=None, annotation=gr.Request))  # Gradio passes it
    types = tuple(returned for returned, _ in endpoint.returns.values())
    annotation = types[0] if len(types) == 1 else GenericAlias(tuple, types)
    return inspect.Signature(parameters, return_annotation=annotation)


def add_endpoint(demo: gr.Blocks, endpoint: Endpoint, tab: Tab[Any], **queue: Any) -> None:
    """Add an endpoint to ``demo``, inside its context. ``queue`` is passed to ``gr.api``."""
    function = endpoint_function(endpoint, tab)
    gr.api(function, api_name=endpoint.name, **queue)
    event = list(demo.fns.values())[-1]
    descriptions = get_function_description(function)[1]
    for name, component in zip(endpoint.parameters, event.inputs, strict=True):
        _describe(component, name, additional_description=descriptions[name])
    for (name, (_, description)), component in zip(endpoint.returns.items(), event.outputs, strict=True):
        _describe(component, name, description=description)


def _describe(component: object, name: str, **description: str) -> None:
    """Set the name and description of a parameter or returned value, which Gradio would only number."""
    assert isinstance(component, gr.components.Component)
    component.label = name
    component.api_info().update(description)
