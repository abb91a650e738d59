"""The queue of the network scheduler: calls of several clients, whose rows are served in equal shares.

The order is that of start-time fair queueing (Goyal, Vin and Cheng 1996). Every client has a clock that advances by one for each
of its rows. The client whose clock is behind goes next. A client that returns after a pause does not make up for it: its
clock is set forward to that of the client that was served last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar


class ClientCall(Protocol):
    """What the queue needs to know of a call: who wants it."""

    @property
    def client(self) -> str: ...


Call = TypeVar("Call", bound=ClientCall)


class FairQueue(Iterable[Call]):
    """Calls by client. Not thread-safe, but for its length."""

    def __init__(self) -> None:
        self._length = 0
        self._calls: dict[str, deque[Call]] = {}  # oldest first; without clients that have none
        self._clocks: dict[str, float] = {}
        self._now = 0.0  # clock of the client that was served last, before that

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Call]:
        return (call for calls in self._calls.values() for call in calls)

    def append(self, call: Call) -> None:
        """Add a call behind those of the same client."""
        if call.client not in self._calls:
            self._calls[call.client] = deque()
            self._clocks[call.client] = max(self._clocks.get(call.client, 0.0), self._now)
        self._calls[call.client].append(call)
        self._length += 1

    def in_order(self) -> list[Call]:
        """The next call of every client, those that are to be served first in front."""
        return [self._calls[client][0] for client in sorted(self._calls, key=self._clocks.__getitem__)]

    def of_client(self, call: Call) -> Iterable[Call]:
        """The queued calls of the same client, oldest first."""
        return tuple(self._calls[call.client])

    def remove(self, call: Call, rows: int) -> None:
        """Remove a call of which so many rows are now served."""
        calls = self._calls[call.client]
        calls.remove(call)
        self._length -= 1
        self._now = max(self._now, self._clocks[call.client])
        self._clocks[call.client] += rows
        if not calls:
            del self._calls[call.client]
            self._clocks = {
                name: time for name, time in self._clocks.items() if name in self._calls or time > self._now
            }

    def clear(self) -> None:
        """Remove all calls."""
        self._calls.clear()
        self._length = 0
