"""The words of the page in several languages: one text file each, below ``texts/``, the same keys in all.

A text is a sentence in which ``{name}`` stands for a value or for one of the symbols of ``web/symbols.js``; ``<b>`` is the only
markup. The page fetches the texts of its language, so a change of language needs no run: what Python has to say it sends
as a key with values, see :class:`Said`. The library's own messages (:mod:`explorer.message`) have their keys here too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from explorer.message import PLACEHOLDER, Message, text_of

__all__ = [
    "HERE",
    "LANGUAGES",
    "LANGUAGE_NAMES",
    "PLACEHOLDER",
    "Said",
    "notice_of",
    "received",
    "said",
    "sent",
    "texts",
]

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


class Said(Message):
    """A sentence to the user, in whatever language the page is shown in. As a ``str`` it is English."""

    def __new__(cls, key: str, values: Mapping[str, str | int | float] | None = None, /) -> Said:
        return super().__new__(cls, key, texts("en")[key], **(values or {}))  # type: ignore[return-value]

    def sent(self) -> dict[str, Any]:
        """What ``localize`` of ``web/localize.js`` reads."""
        return {"say": self.key, "values": {name: sent(value) for name, value in self.values.items()}}


def said(error: Exception) -> str:
    """What an error says, as a sentence of the page; where it has no key, its own text."""
    text = text_of(error)
    return Said(text.key, text.values) if isinstance(text, Message) else f"{text.rstrip('.')}."


def sent(value: Any) -> Any:
    """A message as the page gets it; anything else, such as a text without a key, as it is."""
    return Said(value.key, value.values).sent() if isinstance(value, Message) else value


def received(value: Any) -> Any:
    """What :func:`sent` was given."""
    if not isinstance(value, Mapping):
        return value
    return Said(value["say"], {name: received(given) for name, given in value["values"].items()})


def notice_of(request: Mapping[str, Any]) -> Any:
    """What this page was told when it opened, as it sends it along; nothing instead of what nobody told it."""
    notice = request.get("notice")
    try:
        short_enough = len(json.dumps(notice, ensure_ascii=False).encode()) <= MOST_NOTICE
    except (RecursionError, TypeError, ValueError):
        return ""
    return notice if short_enough and _is_told(notice) else ""


def _is_told(message: object) -> bool:
    """Whether it is a text, or what :func:`sent` makes of a message."""
    if not isinstance(message, dict):
        return isinstance(message, (str, int, float))
    key, values = message.get("say"), message.get("values")
    known = len(message) == 2 and isinstance(key, str) and key in texts("en")
    return known and isinstance(values, dict) and all(map(_is_told, values.values()))
