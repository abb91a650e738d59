"""Localization: the texts of the page in several languages, and messages that the page translates.

English is the source language. A tab's English texts are in ``tabs/<name>/texts.json``, all others in ``texts/en/``. A
translation is a folder ``texts/<code>/`` with one file for each English file. The page shows English where a translation has
no text.

In a text, ``{name}`` is a placeholder for a value or a symbol (``web/symbols.js``), and ``{cite.key}`` cites the entry ``key`` of
``references.json``. ``<b>`` is the only markup.

Python sends a message as a key with values (:class:`LocalizedMessage`), and the page looks up the text. So a change of the
language needs no request to the server. The keys of :mod:`explorer.support.messages` have their texts here too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from explorer.exercises.texts import LANGUAGES as EXERCISE_LANGUAGES
from explorer.exercises.texts import texts as exercise_texts
from explorer.support.messages import Message, message_of
from explorer.support.text_files import read_texts

HERE = Path(__file__).parent
LANGUAGE_NAMES = {"en": "English", "zh": "中文", "ko": "한국어"}  # language code → the language's own name
LANGUAGES = tuple(LANGUAGE_NAMES)
MAX_NOTICE_BYTES = 4000  # of the JSON text


SHOWN = ("slips.", "terms.")  # texts of the exercises that the page shows


@cache
def texts(language: str) -> dict[str, str]:
    """Return all texts of a language by key, such as "controls.seed". Missing texts are in English.

    Args:
        language: one of :data:`LANGUAGES`.
    """
    english = [*_files("en"), *sorted(HERE.glob("tabs/*/texts.json"))]
    paths = english if language == "en" else [*english, *_files(language)]
    page = {key: text for path in paths for key, text in read_texts(path).items()}
    of_exercises = exercise_texts(language if language in EXERCISE_LANGUAGES else "en")
    return page | {"exercise." + key: text for key, text in of_exercises.items() if key.startswith(SHOWN)}


def _files(language: str) -> list[Path]:
    return sorted((HERE / "texts" / language).glob("*.json"))


class LocalizedMessage(Message):
    """A message that the page shows in its own language. As a ``str`` it is English.

    Args:
        key: of the text.
        values: of the text's placeholders.
    """

    def __new__(cls, key: str, values: Mapping[str, str | int | float] | None = None, /) -> LocalizedMessage:
        return super().__new__(cls, key, texts("en")[key], **(values or {}))  # type: ignore[return-value]


def localize(error: Exception | str) -> str:
    """Convert an error or a message of the library to a localized message; a text without a key gets a full stop."""
    text = message_of(error) if isinstance(error, Exception) else error
    return LocalizedMessage(text.key, text.values) if isinstance(text, Message) else f"{text.rstrip('.')}."


def to_json(value: Any) -> Any:
    """Convert a message to JSON for the page, {say, values}. Other values are returned unchanged."""
    if not isinstance(value, Message):
        return value
    return {"say": value.key, "values": {name: to_json(item) for name, item in value.values.items()}}


def from_json(value: Any) -> Any:
    """Invert :func:`to_json`."""
    if not isinstance(value, Mapping):
        return value
    return LocalizedMessage(value["say"], {name: from_json(item) for name, item in value["values"].items()})


def notice_of(request: Mapping[str, Any]) -> Any:
    """Return the notice in a request of the page; an empty string if it is malformed or too long.

    The server sends a notice when the page opens, and the page repeats it in its requests.
    """
    notice = request.get("notice")
    try:
        short_enough = len(json.dumps(notice, ensure_ascii=False).encode()) <= MAX_NOTICE_BYTES
    except (RecursionError, TypeError, ValueError):
        return ""
    return notice if short_enough and _is_message(notice) else ""


def _is_message(message: object) -> bool:
    """Whether ``message`` is a plain value, or JSON that :func:`to_json` could have returned."""
    if not isinstance(message, dict):
        return isinstance(message, (str, int, float))
    key, values = message.get("say"), message.get("values")
    known = len(message) == 2 and isinstance(key, str) and key in texts("en")
    return known and isinstance(values, dict) and all(map(_is_message, values.values()))
