"""How a run ends early: something newer is wanted, or the user stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

State = Callable[[], str]  # "running", "stopped" or "superseded"


class Cancelled(Exception):
    """A run is to end now; ``outcome`` is "stopped" or "superseded"."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def check_cancelled(state: State) -> None:
    """:class:`Cancelled` unless the run is to go on. Asked after every call of the network."""
    outcome = state()
    if outcome != "running":
        raise Cancelled(outcome)


def until_cancelled(
    values: Iterator[dict[str, Any]], value: Callable[[str], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """``values``; where they are broken off, one more that says so if the user stopped, nothing if something newer came.

    Args:
        value: makes the stage's value as it is now, from its state.
    """
    try:
        yield from values
    except Cancelled as broken_off:
        if broken_off.outcome == "stopped":
            yield value("stopped")
