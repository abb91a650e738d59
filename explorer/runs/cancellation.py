"""Cancellation of a run: the user stopped it, or a newer request replaced it."""

from __future__ import annotations

from collections.abc import Callable

State = Callable[[], str]  # returns "running", "stopped" or "superseded"


class Cancelled(Exception):
    """The run must end now. ``outcome`` is "stopped" or "superseded"."""

    def __init__(self, outcome: str) -> None:
        super().__init__(outcome)
        self.outcome = outcome


def check_cancelled(state: State) -> None:
    """Raise :class:`Cancelled` unless ``state()`` is "running". Called after every call of the network."""
    outcome = state()
    if outcome != "running":
        raise Cancelled(outcome)
