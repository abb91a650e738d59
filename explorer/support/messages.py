"""Messages for users that are English strings and can be translated: each keeps its key and values.

The page looks up the translation by the key, see :mod:`explorer.ui.localization`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

PLACEHOLDER = re.compile(r"\{(\w+(?:\.\w+)?)\}")


class Message(str):
    """A translatable message. As a ``str`` it is the English text.

    Args:
        key: key of the translations, such as "error.at_least".
        english: template with placeholders ``{name}``.
        values: values of the placeholders: strings, numbers or other messages.
    """

    key: str
    values: Mapping[str, str | int | float]

    def __new__(cls, key: str, english: str, /, **values: str | int | float) -> Message:
        text = PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[1])), english)
        message = super().__new__(cls, text)
        message.key, message.values = key, values
        return message

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)  # pickled, as in an error from another process, it is a plain English string


class LocalizedError(ValueError):
    """An invalid input. The message says what was expected.

    Args:
        text: the message; or the key of a :class:`Message` if ``english`` is given.
        english, values: template and values of that :class:`Message`.
    """

    def __init__(self, text: str, english: str = "", /, **values: str | int | float) -> None:
        super().__init__(Message(text, english, **values) if english else text)


def message_of(error: Exception) -> str:
    """Return the text of an error: its :class:`Message` if it has one."""
    return error.args[0] if error.args and isinstance(error.args[0], Message) else str(error)
