"""The texts of the page in several languages.

English is the source. A tab's English texts are in its folder, ``tabs/<name>/texts.json``; those of the rest of the page are
in ``texts/en/``. A translation is one folder, ``texts/<code>/``, with a file for each tab and for each file of ``texts/en/``.
Where a translation lacks a text, the page shows the English one.

A text is a sentence in which ``{name}`` stands for a value or a symbol (``web/symbols.js``). ``<b>`` is the only markup. The
page holds all texts and picks the language, so changing the language needs no new run: Python sends a message as a key with
values (:class:`LocalizedMessage`). The messages of :mod:`explorer.support.messages` have their keys here too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from explorer.support.messages import Message, message_of

HERE = Path(__file__).parent
LANGUAGE_NAMES = {"en": "English", "zh": "中文", "ko": "한국어"}  # by code, each in its own language
LANGUAGES = tuple(LANGUAGE_NAMES)
MOST_NOTICE = 4000  # characters


@cache
def texts(language: str) -> dict[str, str]:
    """All texts by key, such as "controls.seed", in a language of :data:`LANGUAGES`; English where it has none."""
    english = [*_files("en"), *sorted(HERE.glob("tabs/*/texts.json"))]
    paths = english if language == "en" else [*english, *_files(language)]
    return {key: text for path in paths for key, text in read_texts(path).items()}


def _files(language: str) -> list[Path]:
    return sorted((HERE / "texts" / language).glob("*.json"))


def read_texts(path: Path) -> dict[str, str]:
    """The texts of one file by key. The file nests the parts of a key: ``{"controls": {"seed": ...}}``."""
    return dict(_flatten(json.loads(path.read_text(encoding="utf-8"))))


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in tree.items():
        if isinstance(value, str):
            yield prefix + name, value
        else:
            yield from _flatten(value, f"{prefix}{name}.")


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
