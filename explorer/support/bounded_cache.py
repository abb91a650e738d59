"""Thread-safe caches that drop the least recently used values beyond a budget of bytes or of entries."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Values by key. Beyond ``max_size`` in all, the least recently used ones are dropped.

    Args:
        max_size: the budget, in whatever unit the sizes of :meth:`put` have: bytes, or entries of size 1.
    """

    def __init__(self, max_size: int) -> None:
        self._values: LRUCache[Hashable, tuple[Value, int]] = LRUCache(max_size, getsizeof=lambda entry: entry[1])
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """The value of ``key``, which becomes the most recently used one; None if it is not there."""
        with self._lock:
            entry = self._values.get(key)
            return None if entry is None else entry[0]

    def put(self, key: Hashable, value: Value, size: int = 1) -> None:
        """Store a value in place of any other of that key. A value larger than the whole budget is not kept."""
        with self._lock:
            if size > self._values.maxsize:
                self._values.pop(key, None)
            else:
                self._values[key] = value, size

    def drop(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Remove the values of all keys that are ``unwanted``."""
        with self._lock:
            for key in [key for key in self._values if unwanted(key)]:
                del self._values[key]

    def clear(self) -> None:
        """Remove all values."""
        with self._lock:
            self._values.clear()

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)

    @property
    def size(self) -> int:
        """The sizes of all values added up."""
        with self._lock:
            return int(self._values.currsize)
