"""The latest request of each page: an older run of the same page ends as soon as a newer request arrives."""

from __future__ import annotations

from collections import deque
from threading import Lock

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED
from explorer.support.bounded_cache import BoundedCache

MAX_CLOSED_PAGES = 1000  # that are remembered: far more than there can be runs at once
MAX_PAGES = 10_000  # that are remembered: a page without Gradio's heartbeat is never seen to close


class LatestRequests:
    """What each page asked for last, by the ``count`` that rises with every change. An older run ends at its next step.

    Changes and runs arrive on different ways and may overtake each other, so only the count tells which one is newer.
    """

    def __init__(self) -> None:
        self._latest: BoundedCache[tuple[float, bool]] = BoundedCache(
            MAX_PAGES
        )  # count, and whether its run shall stop
        self._closed: deque[str] = deque(maxlen=MAX_CLOSED_PAGES)  # pages that were closed while their runs may go on
        self._lock = Lock()

    def __len__(self) -> int:
        """Number of pages that are remembered."""
        return len(self._latest)

    def record(self, session: str | None, request: object) -> None:
        """Keep ``request`` as the latest of its page, unless a newer one has arrived before it."""
        with self._lock:
            if session is not None and session in self._closed:  # the page was only disconnected
                self._closed.remove(session)
            if count_of(request) >= self._of(session)[0]:
                self._latest.put(session, (count_of(request), False))

    def stop(self, session: str | None) -> None:
        """The user pressed Stop."""
        with self._lock:
            self._latest.put(session, (self._of(session)[0], True))

    def forget(self, session: str | None) -> None:
        """The page was closed, so its requests are no longer wanted."""
        with self._lock:
            self._latest.drop(lambda page: page == session)
            if session:
                self._closed.append(session)

    def state_of(self, session: str | None, request: object) -> State:
        """A function that returns the state of the run of ``request``: "running", "stopped" or "superseded"."""

        def state() -> str:
            latest, stopped = self._of(session)
            if stopped:
                return "stopped"
            return "superseded" if session in self._closed or latest > count_of(request) else "running"

        return state

    def _of(self, session: str | None) -> tuple[float, bool]:
        return self._latest.get(session) or (0, False)


def count_of(request: object) -> float:
    """The ``count`` in the value of the controls; 0 where there is none, or none that can be compared."""
    count = request.get("count") if isinstance(request, dict) else None
    return count if isinstance(count, (int, float)) and 0 <= count < MAX_SEED else 0
