"""Fuzzing of addresses of the page, of the values of its controls, and of requests for files."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from typing import Any

from explorer.checkpoint import from_denoiser
from explorer.fuzz.hostile_values import TEXTS, mutate, random_value
from explorer.schedule import Schedule
from explorer.ui.address import from_address
from explorer.ui.app import Page
from explorer.ui.fields import InvalidField

MAX_ANSWER = 4000  # bytes


class AddressTarget:
    """The parsers of all tabs. An input is ("address", query), ("controls", values) or ("file", request)."""

    expected_errors: type[Exception] = InvalidField

    def __init__(self) -> None:
        toys = [from_denoiser(lambda x, t: x, (3, 8, 8), Schedule.linear(T), f"toy-{T}") for T in (1000, 5)]
        page = Page({toy.name: toy for toy in toys}, open_others=None)
        self.tabs, self.exporter, self.defaults = page.tabs, page.exporter, page.defaults

    def generate(self, rng: random.Random) -> tuple[str, Any]:
        """A mutated input of any of the three kinds."""
        kind = rng.choice(("address", "controls", "file"))
        if kind == "address":
            defaults = {key: str(default) for key, default in self.defaults.items()}
            keys = rng.sample(list(defaults), rng.randrange(1, 6))
            return kind, {key: _mutate_text(defaults[key], rng) for key in keys} | {rng.choice(TEXTS): "1"}
        values: Any = dict(self.defaults)
        if kind == "file":
            tab = rng.choice(list(self.tabs))
            values = {
                "tab": tab,
                "kind": rng.choice(["csv", "svg", "png"]),
                "settings": values,
                "view": {"t": "5"},
                "count": 1,
            }
        for _ in range(rng.choice((1, 1, 2, 3))):
            values = mutate(values, rng)
        return kind, values

    def run(self, test_input: tuple[str, Any]) -> str:
        """Parse an input. What is accepted must be valid in every tab, and every answer must be short JSON."""
        kind, values = test_input
        if kind == "file":
            answer = self.exporter.about(values)
            _check_answer(answer)
            return f"file {'error' in answer}"
        if kind == "address":
            fields, message = from_address(values, self.defaults, self._check)
            self._check(fields)
            _check_answer([fields, message])
            return f"address {bool(message)}"
        for tab in self.tabs.values():
            request = tab.parse(values)
            _check_answer(request.fields())
            request.query.to_python(request.checkpoint)
        return "controls"

    def _check(self, fields: Mapping[str, Any]) -> None:
        for tab in self.tabs.values():
            tab.parse(dict(fields))


def _mutate_text(text: str, rng: random.Random) -> str:
    """Another value for an entry of an address."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.choice(TEXTS)
    if kind == 1:
        return str(random_value(rng))[:10_000] if rng.random() < 0.5 else rng.choice(TEXTS)[:20] + text
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice("0189-+.,:()e \0٣<'\"xX") + text[at + rng.randrange(2) :]


def _check_answer(answer: Any) -> None:
    """Check that an answer to the page can be encoded as JSON and is short."""
    data = json.dumps(answer, ensure_ascii=False).encode()
    assert len(data) <= MAX_ANSWER, f"an answer of {len(data)} bytes"
