"""What the store has, as text."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable

from explorer.storage.result_store import Entry, ResultStore


def describe(store: ResultStore) -> str:
    """Return the prepared pages by checkpoint and engine, and how much space all results take."""
    entries = store.entries()
    current = [entry for entry in entries if entry.program == store.program]
    pages: dict[str, list[str]] = defaultdict(list)
    for entry in current:
        header = entry.header() or {}
        facts = header.get("facts")
        value = facts.get("value") if isinstance(facts, dict) else None
        if header.get("kind") == "page" and isinstance(value, dict) and isinstance(value.get("link"), str):
            pages[f"{header.get('checkpoint')} · {header.get('engine')}"].append(f"{_day(header)}  {value['link']}")
    lines = []
    for group, links in sorted(pages.items()):
        lines += [f"{group}: {len(links)} pages", *(f"  {link}" for link in sorted(links))]
    lines += [
        f"{name}: {_size(part)}"
        for name, part in (
            ("prepared results", [entry for entry in current if entry.is_prepared]),
            ("results of normal use", [entry for entry in current if not entry.is_prepared]),
            ("results of other program versions, which are not used", [e for e in entries if e not in current]),
        )
        if part
    ]
    return "\n".join([*lines, f"all: {_size(entries)}, in {store.folder}"])


def _size(entries: Iterable[Entry]) -> str:
    entries = list(entries)
    return f"{len(entries):,} files, {sum(entry.nbytes for entry in entries) / 1e6:,.1f} MB"


def _day(header: dict[str, object]) -> str:
    made = header.get("made")
    seconds = made if isinstance(made, (int, float)) and 0 <= made < 1e11 else 0
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
