"""Work that goes on in a thread of its own while what it made before is used."""

from __future__ import annotations

from collections.abc import Iterator
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from typing import Any, TypeVar

Item = TypeVar("Item")
ROOM = 8  # items made and not yet taken


def prefetch(items: Iterator[Item], room: int = ROOM) -> Iterator[Item]:
    """``items`` in order, made by a thread of their own up to ``room`` ahead of whoever takes them.

    What making an item raises is raised to the taker in its place. Leaving the loop ends the making after the item
    under way.
    """
    made: SimpleQueue[tuple[str, Any]] = SimpleQueue()
    slots, left = Semaphore(room), Event()

    def make() -> None:
        try:
            for item in items:
                made.put(("item", item))
                slots.acquire()
                if left.is_set():
                    return
            made.put(("end", None))
        except Exception as error:
            made.put(("error", error))

    Thread(target=make, name="ahead", daemon=True).start()
    try:
        while True:
            kind, what = made.get()
            if kind == "end":
                return
            if kind == "error":
                raise what
            slots.release()
            yield what
    finally:
        left.set()
        slots.release()
