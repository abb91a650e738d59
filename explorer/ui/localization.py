"""The words of the page in several languages: one text file each, below ``texts/``, the same keys in all.

A text is a sentence in which ``{name}`` stands for a value or for one of the symbols of ``web/say.js``; ``<b>`` is the only
markup. The page holds all texts and picks the language, so a change of language needs no run: what Python has to say it sends
as a key with values, see :class:`LocalizedMessage`. The library's own messages (:mod:`explorer.support.messages`) have their keys here too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from explorer.support.messages import Message, message_of

HERE = Path(__file__).parent
LANGUAGE_NAMES = {"en": "English", "zh": "中文", "ko": "한국어"}  # as each calls itself
LANGUAGES = tuple(LANGUAGE_NAMES)
MOST_NOTICE = 4000  # characters


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of a language of :data:`LANGUAGES` by key, such as "controls.seed"."""
    return dict(_flat(json.loads((HERE / "texts" / f"{language}.json").read_text(encoding="utf-8"))))


def _flat(branch: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in branch.items():
        if isinstance(value, str):
            yield above + name, value
        else:
            yield from _flat(value, f"{above}{name}.")


class LocalizedMessage(Message):
    """A message to the user, shown in the language of the page. As a ``str`` it is English."""

    def __new__(cls, key: str, values: Mapping[str, str | int | float] | None = None, /) -> LocalizedMessage:
        return super().__new__(cls, key, texts("en")[key], **(values or {}))  # type: ignore[return-value]


def localize(said: Exception | str) -> str:
    """An error or a message of the library as a sentence of the page. A text without a key is returned with a full stop."""
    text = message_of(said) if isinstance(said, Exception) else said
    return LocalizedMessage(text.key, text.values) if isinstance(text, Message) else f"{text.rstrip('.')}."


def to_json(value: Any) -> Any:
    """A message as JSON for the page, {say, values}; any other value, such as a text without a key, unchanged."""
    if not isinstance(value, Message):
        return value
    return {"say": value.key, "values": {name: to_json(given) for name, given in value.values.items()}}


def from_json(value: Any) -> Any:
    """The inverse of :func:`to_json`."""
    if not isinstance(value, Mapping):
        return value
    return LocalizedMessage(value["say"], {name: from_json(given) for name, given in value["values"].items()})


def notice_of(request: Mapping[str, Any]) -> Any:
    """What this page was told when it opened, as it sends it along; nothing instead of what nobody told it."""
    notice = request.get("notice")
    try:
        short_enough = len(json.dumps(notice, ensure_ascii=False).encode()) <= MOST_NOTICE
    except (RecursionError, TypeError, ValueError):
        return ""
    return notice if short_enough and _is_told(notice) else ""


def _is_told(message: object) -> bool:
    """Whether it is a text, or what :func:`to_json` makes of a message."""
    if not isinstance(message, dict):
        return isinstance(message, (str, int, float))
    key, values = message.get("say"), message.get("values")
    known = len(message) == 2 and isinstance(key, str) and key in texts("en")
    return known and isinstance(values, dict) and all(map(_is_told, values.values()))
