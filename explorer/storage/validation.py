"""What an entry of a config may be, as a table: every value is looked at before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from explorer.storage.safe_read import CheckpointError
from explorer.support.arguments import shorten
from explorer.support.messages import Message


@dataclass(frozen=True)
class Entry:
    """What is allowed, as a test that takes any JSON value, and in words."""

    allows: Callable[[Any], bool]
    expected: Message


def whole(low: int, high: int) -> Entry:
    words = Message("expected.whole", "a whole number from {low} to {high}", low=low, high=high)
    return Entry(lambda v: type(v) is int and low <= v <= high, words)


def number(low: float, high: float) -> Entry:
    words = Message("expected.number", "a number from {low} to {high}", low=f"{low:g}", high=f"{high:g}")
    return Entry(lambda v: type(v) in (int, float) and low <= v <= high, words)


def text(most: int) -> Entry:
    words = Message("expected.text", "a text of at most {most} characters", most=most)
    return Entry(lambda v: isinstance(v, str) and len(v) <= most, words)


def or_null(entry: Entry) -> Entry:
    words = Message("expected.or_null", "{entry}, or null", entry=entry.expected)
    return Entry(lambda v: v is None or entry.allows(v), words)


def list_of(entry: Entry, least: int, most: int) -> Entry:
    count = str(least) if least == most else Message("expected.range", "{least} to {most}", least=least, most=most)
    words = Message("expected.list", "a list of {count}, each {entry}", count=count, entry=entry.expected)
    return Entry(lambda v: isinstance(v, list) and least <= len(v) <= most and all(map(entry.allows, v)), words)


SWITCH = Entry(lambda v: type(v) is bool, Message("expected.switch", "true or false"))
WORD = Entry(lambda v: isinstance(v, str) and len(v) <= 64 and v.isidentifier(), Message("expected.word", "a name"))


def check_entries(given: Mapping[str, Any], entries: Mapping[str, Entry], file: str) -> None:
    """:class:`CheckpointError` for the first entry that is there and not allowed; ``file`` is its place, for the message."""
    for key, entry in entries.items():
        if key in given and not entry.allows(given[key]):
            raise CheckpointError(
                "opening.entry",
                "{file}: {key} must be {expected}, not {given}",
                file=file,
                key=key,
                expected=entry.expected,
                given=shorten(given[key]),
            )
