"""Validation of common arguments, and short representations of values for error messages."""

from __future__ import annotations

import operator
from reprlib import Repr

import numpy as np

from explorer.support.messages import LocalizedError, Message

_REPR = Repr()  # formats only the beginning of long containers
_REPR.maxlevel, _REPR.maxlist, _REPR.maxtuple, _REPR.maxdict, _REPR.maxstring, _REPR.maxlong = 3, 12, 12, 12, 60, 60


def as_int(name: str, value: object, low: int, high: int | None) -> int:
    """Return ``value`` as an int.

    Args:
        name: the argument's name, for the error message.
        value: an int (also numpy's), or a float with an integral value. A bool is refused.
        low, high: smallest and largest allowed value. ``high=None`` means no upper limit.

    Raises:
        ValueError: ``value`` is not a whole number, or is out of range. The message gives the name and the range.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise _not_an_int(name, value, low, high) from None
    if number < low or (high is not None and number > high):
        raise _not_an_int(name, value, low, high)
    return number


def _not_an_int(name: str, value: object, low: int, high: int | None) -> LocalizedError:
    if high is None:
        return LocalizedError(
            "error.at_least",
            "{name} must be a whole number of at least {low}, not {given}",
            name=name,
            low=low,
            given=shorten(value),
        )
    return LocalizedError(
        "error.whole",
        "{name} must be a whole number from {low} to {high}, not {given}",
        name=name,
        low=low,
        high=high,
        given=shorten(value),
    )


def check_eta(eta: object, name: str = "eta") -> float:
    """Return ``eta`` as a float.

    Raises:
        ValueError: ``eta`` is not a number in [0, 1].
    """
    if isinstance(eta, bool) or not isinstance(eta, (int, float, np.floating, np.integer)) or not 0 <= eta <= 1:
        raise LocalizedError(
            "error.zero_to_one", "{name} must be a number from 0 to 1, not {given}", name=name, given=shorten(eta)
        )
    return float(eta)


def shorten(value: object, limit: int = 40) -> str:
    """Return ``repr(value)`` cut to ``limit`` characters, so that error messages stay readable for any input."""
    if isinstance(value, int) and abs(value) >= 10**limit:
        return Message("error.huge", "a huge number")
    try:
        if isinstance(value, (list, tuple, dict, set, frozenset)):
            text = _REPR.repr(value)
        else:
            text = repr(value[:limit] if isinstance(value, (str, bytes)) else value)
    except ValueError:  # int.__repr__ raises for more than 4300 digits
        return Message("error.huge", "a huge number")
    return text if len(text) <= limit else text[: limit - 1] + "…"
