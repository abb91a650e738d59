"""The latest request of each page. A newer request of the same page ends its older runs."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED
from explorer.support.bounded_cache import BoundedCache

MAX_CLOSED_PAGES = 1000  # remembered, far more than there can be runs at once
MAX_PAGES = 10_000  # remembered; a page without Gradio's heartbeat is never seen to close


@dataclass(frozen=True)
class LatestRequest:
    """The latest request of one page: its ``count``, and whether the user has stopped its run."""

    count: float = 0
    stopped: bool = False


class LatestRequests:
    """The latest request of each page. Thread-safe.

    A page is identified by its Gradio session. It numbers its requests: ``count`` rises with every change of the controls.
    A change and the run that it starts are separate HTTP requests and may arrive in either order, so only the count tells
    which request is newer.
    """

    def __init__(self) -> None:
        self._latest: BoundedCache[LatestRequest] = BoundedCache(MAX_PAGES)
        self._closed: deque[str] = deque(
            maxlen=MAX_CLOSED_PAGES
        )  # sessions of closed pages, whose runs may still go on
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of pages that are remembered."""
        return len(self._latest)

    def record(self, session: str | None, request: object) -> None:
        """Keep ``request`` as the latest of its page, unless a newer one has arrived already."""
        with self._lock:
            if session is not None and session in self._closed:  # the page had only lost its connection
                self._closed.remove(session)
            if count_of(request) >= self._get(session).count:
                self._latest.put(session, LatestRequest(count_of(request)))

    def stop(self, session: str | None) -> None:
        """Stop the run of the page's latest request."""
        with self._lock:
            self._latest.put(session, LatestRequest(self._get(session).count, stopped=True))

    def forget(self, session: str | None) -> None:
        """Drop a closed page; its runs count as superseded."""
        with self._lock:
            self._latest.drop(lambda page: page == session)
            if session:
                self._closed.append(session)

    def state_of(self, session: str | None, request: object) -> State:
        """Return a function that returns the state of the request's run: "running", "stopped" or "superseded"."""

        def state() -> str:
            latest, count = self._get(session), count_of(request)
            if latest.stopped and count <= latest.count:  # a newer run may start before its change is recorded
                return "stopped"
            return "superseded" if session in self._closed or latest.count > count else "running"

        return state

    def _get(self, session: str | None) -> LatestRequest:
        return self._latest.get(session) or LatestRequest()


def count_of(request: object) -> float:
    """Return the ``count`` of a request; 0 if it is missing or no valid number."""
    count = request.get("count") if isinstance(request, dict) else None
    return count if isinstance(count, (int, float)) and 0 <= count < MAX_SEED else 0
