"""Admission control: limits how many runs execute at once, queues further ones, and refuses requests beyond that.

Every run needs memory and a server thread, so both are limited whatever the number of users.
"""

from __future__ import annotations

from collections.abc import Iterator
from threading import Condition

from explorer.runs.cancellation import State
from explorer.support.messages import Message

MAX_RUNNING, MAX_QUEUED = 48, 64
SECONDS_BETWEEN_CHECKS = 0.2  # how often a queued run checks whether it is cancelled


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
    """Slots for running and queued runs, first come, first served. Thread-safe.

    Args:
        max_running: maximum number of concurrent runs.
        max_queued: maximum number of queued runs.
    """

    def __init__(self, max_running: int = MAX_RUNNING, max_queued: int = MAX_QUEUED) -> None:
        self._max_running, self._max_queued = max_running, max_queued
        self._slots: list[Slot] = []  # oldest first: the first ``max_running`` are admitted, the others queued
        self._changed = Condition()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots in use, oldest first."""
        return tuple(self._slots)

    def acquire(self, session: str | None = None) -> Slot:
        """Add a slot at the end of the queue. The caller must release it.

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
        """Release all slots of a session, because its page was closed."""
        for slot in [slot for slot in self._slots if slot.session == session]:
            slot.release()

    def position(self, slot: Slot) -> int:
        """How many runs must end before this one is admitted; 0 if it is admitted."""
        with self._changed:
            return self._position(slot)

    def wait_for_change(self, slot: Slot, position: int, timeout: float) -> int:
        """Wait at most ``timeout`` seconds for the position to differ from ``position``. Return the position."""
        with self._changed:
            self._changed.wait_for(lambda: self._position(slot) != position, timeout)
            return self._position(slot)

    def release(self, slot: Slot) -> None:
        """Free a slot."""
        with self._changed:
            if slot in self._slots:
                self._slots.remove(slot)
                self._changed.notify_all()

    def _position(self, slot: Slot) -> int:
        return max(0, self._slots.index(slot) + 1 - self._max_running) if slot in self._slots else 0


class Slot:
    """The slot of one run: first in the queue, then among the running ones. A context manager that releases it."""

    def __init__(self, admission: Admission, session: str | None) -> None:
        self._admission, self.session = admission, session

    def wait(self, state: State) -> Iterator[int]:
        """Wait until the run is admitted or cancelled. Yield its position in the queue whenever that changes."""
        position = last_yielded = self._admission.position(self)
        if position:
            yield position
        while position and state() == "running":
            position = self._admission.wait_for_change(self, position, SECONDS_BETWEEN_CHECKS)
            if position not in (0, last_yielded):
                last_yielded = position
                yield position

    def wait_until_admitted(self) -> None:
        """Wait until the run is admitted."""
        for _ in self.wait(lambda: "running"):
            pass

    def release(self) -> None:
        """Free the slot. Calling it again has no effect."""
        self._admission.release(self)

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()
