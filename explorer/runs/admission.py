"""Whose turn it is: so many runs at once, the others wait in line, and when the line is full the rest are sent away.

What runs holds memory, and a thread of the server. With this there is a most of both, however many people come.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Condition

from explorer.runs.cancellation import State
from explorer.support.messages import Message

AT_ONCE, IN_LINE = 48, 64
SECONDS_BETWEEN = 0.2  # of two looks whether a run that waits is still wanted


class ServerBusy(Exception):
    """The line is full."""

    def __init__(self, waiting: int) -> None:
        super().__init__(
            Message(
                "server.busy", "The server is busy: {waiting} runs are waiting. Try again in a moment", waiting=waiting
            )
        )


class Admission:
    """The runs that are under way, and the line of those that wait.

    Args:
        at_once: runs under way, at the most.
        in_line: runs that wait, at the most.
    """

    def __init__(self, at_once: int = AT_ONCE, in_line: int = IN_LINE) -> None:
        self._most = at_once, in_line
        self._held: list[Slot] = []  # by age: the first ``at_once`` run, the others wait
        self._changed = Condition()

    def take(self, session: str | None = None) -> Slot:
        """A place, at the end of the line; it must be left.

        Raises:
            Busy: if there is none.
        """
        with self._changed:
            if len(self._held) >= sum(self._most):
                raise ServerBusy(self._most[1])
            turn = Slot(self, session)
            self._held.append(turn)
            return turn

    def forget(self, session: str | None) -> None:
        """The page was closed: what it holds is free."""
        for turn in [turn for turn in self._held if turn.session == session]:
            turn.leave()

    def before(self, turn: Slot) -> int:
        """How many runs must end before it is this one's turn."""
        with self._changed:
            return self._before(turn)

    def wait(self, turn: Slot, place: int, seconds: float) -> int:
        """``before(turn)``, once it is another than ``place`` or so many seconds are over."""
        with self._changed:
            self._changed.wait_for(lambda: self._before(turn) != place, seconds)
            return self._before(turn)

    def leave(self, turn: Slot) -> None:
        with self._changed:
            if turn in self._held:
                self._held.remove(turn)
                self._changed.notify_all()

    def _before(self, turn: Slot) -> int:
        return max(0, self._held.index(turn) + 1 - self._most[0]) if turn in self._held else 0


class Slot:
    """A place in the line, and then among the runs under way."""

    def __init__(self, turns: Admission, session: str | None) -> None:
        self._turns, self.session = turns, session

    def wait(self, state: State) -> Iterator[int]:
        """How many runs must end first, whenever that changes; ends when it is this one's turn, or it is not wanted any more."""
        place = said = self._turns.before(self)
        if place:
            yield place
        while place and state() == "running":
            place = self._turns.wait(self, place, SECONDS_BETWEEN)
            if place not in (0, said):
                said = place
                yield place

    def come(self) -> None:
        """Wait until it is this one's turn."""
        for _ in self.wait(lambda: "running"):
            pass

    def leave(self) -> None:
        """Free the place; to do it again does nothing."""
        self._turns.leave(self)

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()
