"""What an address of the page asks for: its fields as values, with the unusable ones left at their defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import Any

from explorer.runs.latent_spec import WHOLE_NUMBER
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage, localize


def from_address(
    query: Mapping[str, str], defaults: Mapping[str, Any], check: Callable[[Mapping[str, Any]], object]
) -> tuple[dict[str, Any], str]:
    """The fields in an address, and a message about the entries that could not be used; those keep their defaults.

    Args:
        defaults: all fields with their defaults, in the order in which they are checked.
        check: raises :class:`InvalidField` for fields that cannot be used together.
    """

    def refused(fields: Mapping[str, Any]) -> InvalidField | None:
        try:
            check(fields)
        except InvalidField as problem:
            return problem
        return None

    good = {key: _from_text(query[key], default) for key, default in defaults.items() if key in query}
    problems: list[str] = []
    while good and (problem := refused(good)):  # all together: two that are swapped fit only with each other
        problems.append(localize(problem))
        bad = [problem.field] if problem.field in good else [key for key in good if refused({key: good[key]})]
        for key in bad or list(good):
            del good[key]
    message = reduce(_and_then, [*problems, LocalizedMessage("error.usual_shown")]) if problems else ""
    return {**defaults, **good}, message


def _and_then(first: str, second: str) -> str:
    return LocalizedMessage("error.two", {"first": first, "second": second})


def _from_text(text: str, default: Any) -> Any:
    """What an address says of a field, in the type of its default where it can be read as that."""
    if isinstance(default, bool):
        return {"1": True, "0": False, "true": True, "false": False}.get(text.lower(), text)
    if isinstance(default, int):
        return int(text) if WHOLE_NUMBER.fullmatch(text) else text
    if isinstance(default, float):
        try:
            return float(text)
        except ValueError:
            return text
    return text
