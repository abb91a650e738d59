"""Prefetching: compute the items of an iterator in a background thread while the consumer processes earlier ones."""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
BUFFER_SIZE = 8  # items


def prefetch(items: Iterator[Item], buffer_size: int = BUFFER_SIZE) -> Iterator[Item]:
    """Yield ``items`` in order, computed by a background thread up to ``buffer_size`` items ahead.

    An exception of ``items`` is raised in the consumer after the items before it. If the consumer leaves the loop, the
    thread ends after the current item.
    """
    buffer: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    free_slots, stopped = Semaphore(buffer_size), Event()

    def produce() -> None:
        try:
            for item in items:
                buffer.put(("item", item))
                free_slots.acquire()
                if stopped.is_set():
                    return
            buffer.put(("end", None))
        except Exception as error:
            buffer.put(("error", error))

    Thread(target=produce, name="prefetch", daemon=True).start()
    try:
        while True:
            kind, value = buffer.get()
            if kind == "end":
                return
            if kind == "error":
                raise value
            free_slots.release()
            yield value
    finally:
        stopped.set()
        free_slots.release()
