"""A thread-safe LRU cache with a limit on the total size of its values."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from threading import Lock
from typing import Generic, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """A thread-safe cache that evicts the least recently used values when their total size exceeds ``max_size``.

    Args:
        max_size: limit of the total size, in the unit of :meth:`put`'s ``size``: bytes, or entries of size 1.
    """

    def __init__(self, max_size: int) -> None:
        self._values: LRUCache[Hashable, tuple[Value, int]] = LRUCache(max_size, getsizeof=lambda entry: entry[1])
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        """Return the value of ``key`` and mark it as recently used; None if it is not cached."""
        with self._lock:
            entry = self._values.get(key)
            return None if entry is None else entry[0]

    def put(self, key: Hashable, value: Value, size: int = 1) -> None:
        """Store or replace the value of ``key``. A value larger than ``max_size`` is not stored."""
        with self._lock:
            if size > self._values.maxsize:
                self._values.pop(key, None)
            else:
                self._values[key] = value, size

    def pop(self, key: Hashable) -> None:
        """Remove the value of ``key`` if there is one."""
        with self._lock:
            self._values.pop(key, None)

    def drop(self, predicate: Callable[[Hashable], bool]) -> None:
        """Remove the values of all keys for which ``predicate(key)`` is true."""
        with self._lock:
            for key in [key for key in self._values if predicate(key)]:
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
        """Total size of all values."""
        with self._lock:
            return int(self._values.currsize)
