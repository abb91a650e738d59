"""The texts of the exercises in English, Chinese and Korean: ``texts/<language>.json``."""

from __future__ import annotations

import locale
import os
from functools import cache
from pathlib import Path

from explorer.support.arguments import shorten
from explorer.support.messages import PLACEHOLDER
from explorer.support.text_files import read_texts

FOLDER = Path(__file__).parent / "texts"
LANGUAGES = ("en", "zh", "ko")


@cache
def texts(language: str) -> dict[str, str]:
    """All texts of a language by key, such as "slips.lerp.name"."""
    return read_texts(FOLDER / f"{language}.json")


def say(language: str, key: str, **values: object) -> str:
    """The text of ``key`` with its placeholders ``{name}`` filled in."""
    return PLACEHOLDER.sub(lambda match: str(values[match[1]]), texts(language)[key])


def check_language(language: str | None) -> str:
    """Return ``language``; that of the locale if it is None, or English if the locale has another.

    Raises:
        ValueError: there are no texts in ``language``.
    """
    if language is None:
        name = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
        return next((code for code in LANGUAGES if name.lower().startswith(code)), "en")
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, not {shorten(language)}")
    return language
