"""Reading fields from the query string of the page's URL."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import UPLOAD_NAME
from explorer.support.number_text import read_number, read_whole
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage, localize
from explorer.ui.query import Query
from explorer.ui.tab import Tab


def from_address(
    query: Mapping[str, str], defaults: Mapping[str, Any], check: Callable[[Mapping[str, Any]], object]
) -> tuple[dict[str, Any], str]:
    """Read fields from a query string. Invalid entries take their defaults.

    Args:
        query: the query string's entries; unknown keys are ignored.
        defaults: the default of every field, in the order in which fields are checked.
        check: raises :class:`InvalidField` for fields that are invalid, alone or together.

    Returns:
        All fields, and a message about the invalid entries, empty if there are none.
    """

    def error_in(fields: Mapping[str, Any]) -> InvalidField | None:
        try:
            check(fields)
        except InvalidField as error:
            return error
        return None

    valid = {key: _from_text(query[key], default) for key, default in defaults.items() if key in query}
    messages: list[str] = []
    # Check all fields together: two corners that swap their latents are valid only as a pair.
    while valid and (error := error_in(valid)):
        messages.append(localize(error))
        invalid = [error.field] if error.field in valid else [key for key in valid if error_in({key: valid[key]})]
        for key in invalid or list(valid):
            del valid[key]
    message = reduce(_join, [*messages, LocalizedMessage("error.usual_shown")]) if messages else ""
    return {**defaults, **valid}, message


def settings_in(
    query: Mapping[str, str], selected: str, tabs: Mapping[str, Tab[Any]], checkpoints: Mapping[str, Checkpoint]
) -> tuple[dict[str, Any], str]:
    """Read all settings of the page from a query string. Invalid entries take their defaults.

    Unless the query says otherwise, clip is as in the checkpoint's scheduler, and eta as on the tab.

    Args:
        query: the query string's entries.
        selected: name of the tab in front.
        tabs, checkpoints: those of the app, by name.

    Returns:
        All fields, and a message about the invalid entries, empty if there are none.
    """

    def check(values: Mapping[str, Any]) -> None:
        for tab in tabs.values():
            tab.parse(dict(values))

    defaults = defaults_of(tabs, checkpoints) | {"eta": tabs[selected].default_eta}
    checkpoint = query.get("checkpoint", defaults["checkpoint"])
    if checkpoint in checkpoints and checkpoints[checkpoint].clips:
        defaults["clip"] = True
    fields, message = from_address(query, defaults, check)
    fields["steps"] = min(fields["steps"], checkpoints[fields["checkpoint"]].schedule.T)
    return fields, message


def defaults_of(tabs: Mapping[str, Tab[Any]], checkpoints: Mapping[str, Checkpoint]) -> dict[str, Any]:
    """Return all fields with their defaults, those of the control column first."""
    fields = Query.default({name: checkpoint.schedule.T for name, checkpoint in checkpoints.items()}).fields()
    for tab in tabs.values():
        fields |= tab.options().fields()
    return fields


def _join(first: str, second: str) -> str:
    return LocalizedMessage("error.two", {"first": first, "second": second})


def _from_text(text: str, default: Any) -> Any:
    """Convert the text of an entry to the type of the field's default; return the text itself where that fails."""
    if isinstance(default, bool):
        return {"1": True, "0": False, "true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, int) and not UPLOAD_NAME.fullmatch(text):
        number: float | None = read_whole(text)
    elif isinstance(default, float):
        number = read_number(text)
    else:
        return text
    return text if number is None else number
