"""Validators for single fields from the page, a URL or the API, and the base class of a tab's own settings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar

from explorer.support.arguments import as_int, check_eta, shorten
from explorer.support.number_text import is_blank, read_number, read_whole
from explorer.ui.localization import LocalizedMessage, localize

Check = Callable[[Any], Any]  # returns the value to use, or raises ValueError
Value = TypeVar("Value")


class InvalidField(ValueError):
    """A field has an invalid value. The message says what was expected; ``field`` is the field's name."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Options:
    """The settings that belong to one tab, in addition to the control column. A subclass defines them with defaults.

    ``checks`` maps each field to its validator.
    """

    checks: ClassVar[Mapping[str, Check]] = {}

    @classmethod
    def parse(cls: type[OptionsT], values: Mapping[str, Any]) -> OptionsT:
        """Validate the tab's fields in ``values``. Missing fields take their defaults; other keys are ignored.

        Raises:
            InvalidField: for the first invalid field.
        """
        names = [f.name for f in fields(cls)]
        return cls(**{name: check_field(name, values[name], cls.checks[name]) for name in names if name in values})

    def fields(self) -> dict[str, Any]:
        """Return the settings by field name."""
        return asdict(self)


OptionsT = TypeVar("OptionsT", bound=Options)


def check_field(field: str, value: Any, check: Callable[[Any], Value]) -> Value:
    """Return ``check(value)``.

    Raises:
        InvalidField: ``check`` raised ValueError.
    """
    try:
        return check(value)
    except ValueError as error:
        raise InvalidField(field, localize(error)) from None


def field_label(field: str) -> LocalizedMessage:
    """The name of a field in a sentence."""
    return LocalizedMessage(f"field.{field}")


def integer(field: str, low: int, high: int) -> Check:
    """Validator for an integer from ``low`` to ``high``, as a number or a text, see :mod:`explorer.support.number_text`."""

    def check(value: Any) -> int:
        if is_blank(value):
            values: dict[str, str | int | float] = {"name": field_label(field), "low": low, "high": high}
            raise ValueError(LocalizedMessage("error.empty_whole", values))
        number = read_whole(value) if isinstance(value, str) else None
        return as_int(field_label(field), value if number is None else number, low, high)

    return check


def eta_field(value: Any) -> float:
    """Validate eta, as a number or a text."""
    if is_blank(value):
        raise ValueError(LocalizedMessage("error.empty_number", {"name": field_label("eta"), "low": 0, "high": 1}))
    number = read_number(value) if isinstance(value, str) else None
    return check_eta(value if number is None else number, name=field_label("eta"))


def boolean(field: str, message: str = "error.on_or_off") -> Check:
    """Validator for a boolean; ``message`` is the key of the error message."""

    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(LocalizedMessage(message, {"name": field_label(field), "given": shorten(value)}))
        return value

    return check


def one_of(field: str, *choices: str) -> Check:
    """Validator for one of several strings."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(not_a_choice(field, choices, value))
        return value

    return check


def not_a_choice(field: str, choices: Iterable[str], value: object) -> LocalizedMessage:
    """The error message for a ``value`` that is not among ``choices``."""
    return LocalizedMessage(
        "error.one_of", {"name": field_label(field), "choices": ", ".join(choices), "given": shorten(value)}
    )
