"""Checks of single fields from the page, the address or the API, and the settings that one tab has for itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, TypeVar

from explorer.support.arguments import as_int, shorten
from explorer.ui.localization import LocalizedMessage, localize

Check = Callable[[Any], Any]


Value = TypeVar("Value")


class InvalidField(ValueError):
    """A field that cannot be used; the message says what was expected, ``field`` which one it is."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Options:
    """The settings that one tab has for itself, beside the control column. A subclass names them with their defaults.

    ``checks`` holds a function for each field that returns the value to use or raises ValueError.
    """

    checks: ClassVar[Mapping[str, Check]] = {}

    @classmethod
    def parse(cls: type[OptionsT], given: Mapping[str, Any]) -> OptionsT:
        """Check the tab's fields among ``given``; those that are absent take their defaults.

        Raises:
            InvalidField: the first field that cannot be used.
        """
        names = [f.name for f in fields(cls)]
        return cls(**{name: checked(name, given[name], cls.checks[name]) for name in names if name in given})

    def fields(self) -> dict[str, Any]:
        return asdict(self)


OptionsT = TypeVar("OptionsT", bound=Options)


def checked(field: str, value: Any, check: Callable[[Any], Value]) -> Value:
    """``check(value)``, its ValueError as :class:`InvalidField` of the field."""
    try:
        return check(value)
    except ValueError as error:
        raise InvalidField(field, localize(error)) from None


def name_of(field: str) -> LocalizedMessage:
    """What a field is called in a sentence."""
    return LocalizedMessage(f"field.{field}")


def whole(field: str, low: int, high: int) -> Check:
    """The check of a whole number in low..high."""
    return lambda value: as_int(name_of(field), value, low, high)


def yes_or_no(field: str) -> Check:
    """The check of a switch."""

    def check(value: Any) -> bool:
        if not isinstance(value, bool):
            raise ValueError(LocalizedMessage("error.on_or_off", {"name": name_of(field), "given": shorten(value)}))
        return value

    return check


def true_or_false(value: Any) -> bool:
    """The check of clip, in the words of its setting."""
    if not isinstance(value, bool):
        raise ValueError(LocalizedMessage("error.true_or_false", {"name": name_of("clip"), "given": shorten(value)}))
    return value


def one_of(field: str, *choices: str) -> Check:
    """The check of a choice."""

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in choices:
            raise ValueError(not_one_of(field, choices, value))
        return value

    return check


def not_one_of(field: str, choices: Iterable[str], value: object) -> LocalizedMessage:
    """What is wrong with ``value``."""
    return LocalizedMessage(
        "error.one_of", {"name": name_of(field), "choices": ", ".join(choices), "given": shorten(value)}
    )
