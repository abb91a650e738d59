"""Admission control: limits how many runs execute at once, queues further ones, and refuses requests beyond that.

Every run needs memory and a server thread, so both are limited whatever the number of users. A *client* is a network address
from which runs are requested. One client gets a part of the slots only, and of the queued runs those go first whose client
has the fewest running, so that nobody can keep the others out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from threading import Condition

from explorer.runs.cancellation import State
from explorer.support.messages import Message

MAX_RUNNING, MAX_QUEUED = 48, 64
MAX_RUNNING_OF_CLIENT = 36  # a class of 30 behind one address fits; the other slots are left for other clients
SECONDS_BETWEEN_CHECKS = 0.2  # how often a queued run checks whether it is cancelled


class ServerBusy(Exception):
    """The queue is full, for all clients or for this one."""

    @classmethod
    def for_all(cls, queued: int) -> ServerBusy:
        return cls(
            Message(
                "server.busy",
                "The server is busy: {waiting} runs are waiting. Try again in a moment",
                waiting=queued,
            )
        )

    @classmethod
    def for_client(cls, runs: int) -> ServerBusy:
        return cls(
            Message(
                "server.busy_address",
                "{runs} runs were requested from your network address and have not ended. Try again in a moment",
                runs=runs,
            )
        )


class Admission:
    """Slots for running and queued runs. Thread-safe.

    Args:
        max_running: maximum number of concurrent runs.
        max_queued: maximum number of queued runs.
        max_running_of_client: maximum number of concurrent runs of one client. It may queue the same fraction of
            ``max_queued``.
    """

    def __init__(
        self,
        max_running: int = MAX_RUNNING,
        max_queued: int = MAX_QUEUED,
        max_running_of_client: int = MAX_RUNNING_OF_CLIENT,
    ) -> None:
        self._max_running, self._max_queued = max_running, max_queued
        self._of_client = min(max_running_of_client, max_running)
        self._max_slots_of_client = self._of_client + max_queued * self._of_client // max(max_running, 1)
        self._slots: list[Slot] = []  # oldest first
        self._changed = Condition()

    @property
    def slots(self) -> tuple[Slot, ...]:
        """The slots in use, oldest first."""
        return tuple(self._slots)

    def acquire(self, session: str | None = None, client: str = "", is_ready: bool = True) -> Slot:
        """Add a slot to the queue. The caller must release it.

        Args:
            is_ready: whether it may be admitted; if not, :meth:`Slot.make_ready` must be called.

        Raises:
            ServerBusy: the queue is full, or the client has too many slots.
        """
        with self._changed:
            if len(self._slots) >= self._max_running + self._max_queued:
                raise ServerBusy.for_all(self._max_queued)
            if (count := sum(slot.client == client for slot in self._slots)) >= self._max_slots_of_client:
                raise ServerBusy.for_client(count)
            slot = Slot(self, session, client, is_ready)
            self._slots.append(slot)
            self._admit()
            return slot

    def make_ready(self, slot: Slot) -> None:
        """Let a slot be admitted."""
        with self._changed:
            slot.is_ready = True
            self._admit()
            self._changed.notify_all()

    def forget(self, session: str | None) -> None:
        """Release all slots of a session, because its page was closed."""
        for slot in [slot for slot in self._slots if slot.session == session]:
            slot.release()

    def position(self, slot: Slot) -> int:
        """The slot's place in the queue, from 1; 0 if it is admitted."""
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
                self._admit()
                self._changed.notify_all()

    def _admit(self) -> None:
        """Admit queued slots as long as there is room for them."""
        running = self._running()
        for slot in self._queue():
            if running.total() < self._max_running and running[slot.client] < self._of_client:
                slot.is_admitted = True
                running[slot.client] += 1

    def _queue(self) -> list[Slot]:
        """The queued slots that are ready, in the order in which they are admitted."""
        running = self._running()
        queued = [slot for slot in self._slots if slot.is_ready and not slot.is_admitted]
        order: list[Slot] = []
        while queued:
            order.append(min(queued, key=lambda slot: running[slot.client]))  # the oldest of several
            queued.remove(order[-1])
            running[order[-1].client] += 1
        return order

    def _running(self) -> Counter[str]:
        """The number of running slots by client."""
        return Counter(slot.client for slot in self._slots if slot.is_admitted)

    def _position(self, slot: Slot) -> int:
        if slot not in self._slots or slot.is_admitted:
            return 0
        queue = self._queue()
        return queue.index(slot) + 1 if slot.is_ready else len(queue) + 1


class Slot:
    """The slot of one run: first in the queue, then among the running ones. A context manager that releases it."""

    def __init__(self, admission: Admission, session: str | None, client: str, is_ready: bool) -> None:
        self._admission, self.session, self.client = admission, session, client
        self.is_ready, self.is_admitted = is_ready, False

    def make_ready(self) -> None:
        """Let it be admitted."""
        self._admission.make_ready(self)

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

    def wait_until_admitted(self, state: State = lambda: "running") -> None:
        """Wait until the run is admitted or cancelled."""
        for _ in self.wait(state):
            pass

    def release(self) -> None:
        """Free the slot. Calling it again has no effect."""
        self._admission.release(self)

    def __enter__(self) -> Slot:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()
