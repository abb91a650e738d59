"""Checks that a request names a function that exists, with as many values as it takes. Gradio answers others with status 500."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class BadCall(ValueError):
    """A request that is refused. The message says what was expected.

    Args:
        status: HTTP status of the response.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def check_call(blocks: Any, path: str, parameters: Mapping[str, str], content: Mapping[str, Any]) -> None:
    """Check what a request wants to have run.

    Args:
        blocks: the ``gr.Blocks`` of the app.
        path: the template of its path, as in :mod:`explorer.ui.security.routes`.
        parameters: of the path, by name.
        content: of its body.

    Raises:
        BadCall: there is no such function, it takes more values, or a value has the wrong type.
    """
    if path.endswith("/component_server"):
        _check_server_function(blocks, content)
        return
    if content.get("batched"):
        raise BadCall(400, "batched: no function of this app takes batches.")
    function = _function(blocks, parameters.get("api_name"), content)
    count = len(function.inputs)
    if "/call/v2/" in path:
        names = [component.label for component in function.inputs]
        if not set(content) <= set(names):
            raise BadCall(400, f"Expected only these parameters: {', '.join(names)}.")
    elif not isinstance(content.get("data"), list) or len(content["data"]) < count:
        raise BadCall(422, f"data must be a list with {count} value{'s' * (count != 1)}.")


def _function(blocks: Any, api_name: str | None, content: Mapping[str, Any]) -> Any:
    """The function that is called, by its number or else by its name."""
    number = content.get("fn_index")
    if number is not None:
        # A function without fn runs in the browser only.
        if type(number) is not int or number not in blocks.fns or blocks.fns[number].fn is None:
            raise BadCall(404, "fn_index: there is no function of this number.")
        return blocks.fns[number]
    if api_name is None:
        raise BadCall(404, "Expected fn_index, the number of a function.")
    function = next((function for function in blocks.fns.values() if function.api_name == api_name), None)
    if function is None or function.fn is None:
        raise BadCall(404, "There is no endpoint of this name.")
    return function


def _check_server_function(blocks: Any, content: Mapping[str, Any]) -> None:
    number, name = content.get("component_id"), content.get("fn_name")
    if missing := {"data", "session_hash"} - set(content):
        raise BadCall(400, f"Expected {' and '.join(sorted(missing))}.")
    if type(number) is not int or number not in blocks.blocks:
        raise BadCall(404, "component_id: there is no component of this number.")
    function = getattr(blocks.blocks[number], name, None) if isinstance(name, str) else None
    if not getattr(function, "_is_server_fn", False):
        raise BadCall(404, "fn_name: this component has no such function.")
