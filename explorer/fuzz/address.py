"""Addresses of the page, and what its controls send: what is taken must be of use to every tab, what is not is told why."""

from __future__ import annotations

import json
import random
from typing import Any

from explorer.checkpoint import from_denoiser
from explorer.fuzz.hostile_values import TEXTS, changed, value
from explorer.schedule import Schedule
from explorer.ui.address import from_address
from explorer.ui.app import Page
from explorer.ui.fields import InvalidField

MAX_ANSWER = 4000  # bytes


class AddressTarget:
    """Makes inputs, and takes them to the parsers of all tabs. ``named`` is the error that they may answer with."""

    named: type[Exception] = InvalidField

    def __init__(self) -> None:
        toys = [from_denoiser(lambda x, t: x, (3, 8, 8), Schedule.linear(T), f"toy-{T}") for T in (1000, 5)]
        page = Page({toy.name: toy for toy in toys}, open_others=None)
        self.tabs, self.exporter, self.defaults = page.tabs, page.exporter, page.defaults

    def make(self, rng: random.Random) -> tuple[str, Any]:
        """An address, or the value of the controls, or a wish for a file."""
        way = rng.choice(("address", "controls", "file"))
        if way == "address":
            usual = {key: str(default) for key, default in self.defaults.items()}
            keys = rng.sample(list(usual), rng.randrange(1, 6))
            return way, {key: _text(usual[key], rng) for key in keys} | {rng.choice(TEXTS): "1"}
        given: Any = dict(self.defaults)
        if way == "file":
            tab = rng.choice(list(self.tabs))
            given = {
                "tab": tab,
                "kind": rng.choice(["csv", "svg", "png"]),
                "settings": given,
                "view": {"t": "5"},
                "count": 1,
            }
        for _ in range(rng.choice((1, 1, 2, 3))):
            given = changed(given, rng)
        return way, given

    def take(self, given: tuple[str, Any]) -> str:
        way, fields = given
        if way == "file":
            answer = self.exporter.about(fields)
            _send(answer)
            return f"file {'error' in answer}"
        if way == "address":
            fields, message = from_address(fields, self.defaults, self._check)
            self._check(fields)
            _send([fields, message])
            return f"address {bool(message)}"
        for tab in self.tabs.values():
            request = tab.parse(fields)
            _send(request.fields())
            request.query.to_python(request.checkpoint)
        return "controls"

    def _check(self, fields: Any) -> None:
        for tab in self.tabs.values():
            tab.parse(dict(fields))


def _text(usual: str, rng: random.Random) -> str:
    what = rng.randrange(4)
    if what == 0:
        return rng.choice(TEXTS)
    if what == 1:
        return str(value(rng))[:10_000] if rng.random() < 0.5 else rng.choice(TEXTS)[:20] + usual
    at = rng.randrange(len(usual) + 1)
    return usual[:at] + rng.choice("0189-+.,:()e \0٣<'\"xX") + usual[at + rng.randrange(2) :]


def _send(answer: Any) -> None:
    """It can be sent, and is short."""
    text = json.dumps(answer, ensure_ascii=False).encode()
    assert len(text) <= MAX_ANSWER, f"an answer of {len(text)} bytes"
