"""How many runs there are at once. Further ones queue, and beyond that requests are refused.

Every run holds memory and a thread of the server. With this there is a limit to both, however many users come.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Condition

from explorer.runs.cancellation import State
from explorer.support.messages import Message

MAX_RUNNING, MAX_QUEUED = 48, 64
SECONDS_BETWEEN_CHECKS = 0.2  # of whether a queued run is still wanted


class ServerBusy(Exception):
    """The queue is full."""

    def __init__(self, queued: int) -> None:
        super().__init__(
            Message(
                "server.busy",
                "The server is busy: {waiting} runs are waiting. Try again in a moment",
                waiting=queued,
            )
        )


class Admission:
    """The running runs and the queue behind them.

    Args:
        max_running: runs at once, at most.
        max_queued: runs in the queue, at most.
    """

    def __init__(self, max_running: int = MAX_RUNNING, max_queued: int = MAX_QUEUED) -> None:
        self._max_running, self._max_queued = max_running, max_queued
        self._slots: list[Slot] = []  # by age: the first ``max_running`` run, the others are queued
        self._changed = Condition()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots that are taken, by age."""
        return tuple(self._slots)

    def take(self, session: str | None = None) -> Slot:
        """Take a slot at the end of the queue. The caller must leave it.

        Raises:
            ServerBusy: the queue is full.
        """
        with self._changed:
            if len(self._slots) >= self._max_running + self._max_queued:
                raise ServerBusy(self._max_queued)
            slot = Slot(self, session)
            self._slots.append(slot)
            return slot

    def forget(self, session: str | None) -> None:
        """The page was closed: free its slots."""
        for slot in [slot for slot in self._slots if slot.session == session]:
            slot.leave()

    def place(self, slot: Slot) -> int:
        """How many runs must end before this one is admitted; 0 if it may run."""
        with self._changed:
            return self._place(slot)

    def wait_for_change(self, slot: Slot, place: int, seconds: float) -> int:
        """Wait until the slot's place is another than ``place``, at most so many seconds; returns the place."""
        with self._changed:
            self._changed.wait_for(lambda: self._place(slot) != place, seconds)
            return self._place(slot)

    def leave(self, slot: Slot) -> None:
        """Free a slot."""
        with self._changed:
            if slot in self._slots:
                self._slots.remove(slot)
                self._changed.notify_all()

    def _place(self, slot: Slot) -> int:
        return max(0, self._slots.index(slot) + 1 - self._max_running) if slot in self._slots else 0


class Slot:
    """A place in the queue, and then among the running runs."""

    def __init__(self, admission: Admission, session: str | None) -> None:
        self._admission, self.session = admission, session

    def wait(self, state: State) -> Iterator[int]:
        """Yield the place in the queue whenever it changes, until the run is admitted or is no longer wanted."""
        place = told = self._admission.place(self)
        if place:
            yield place
        while place and state() == "running":
            place = self._admission.wait_for_change(self, place, SECONDS_BETWEEN_CHECKS)
            if place not in (0, told):
                told = place
                yield place

    def wait_until_admitted(self) -> None:
        """Wait until the run is admitted."""
        for _ in self.wait(lambda: "running"):
            pass

    def leave(self) -> None:
        """Free the place; calling it again does nothing."""
        self._admission.leave(self)

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()
