"""What the library says to people: English that still knows its parts, so that a page can say it in another language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\{(\w+)\}")


class Message(str):
    """A text made of a template and values. To everybody who takes it for a ``str`` it is English and nothing else.

    Args:
        key: its name among the texts of the page.
        english: the template, in which ``{name}`` stands for the value of that name.
        values: texts, numbers, or messages again.
    """

    key: str
    values: Mapping[str, str | int | float]

    def __new__(cls, key: str, english: str, /, **values: str | int | float) -> Message:
        text = PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[1])), english)
        message = super().__new__(cls, text)
        message.key, message.values = key, values
        return message

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # an error that goes to another process is told there in English


class LocalizedError(ValueError):
    """Something that cannot be used; the text says what was expected.

    Args:
        text: the text; or, with a template, the key of a :class:`Message`.
        english, values: as there.
    """

    def __init__(self, text: str, english: str = "", /, **values: str | int | float) -> None:
        super().__init__(Message(text, english, **values) if english else text)


def message_of(error: Exception) -> str:
    """What an error says: its :class:`Message` where it was raised with one."""
    return error.args[0] if error.args and isinstance(error.args[0], Message) else str(error)
