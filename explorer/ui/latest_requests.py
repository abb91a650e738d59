"""The latest request of each page: an older run of the same page ends as soon as a newer request arrives."""

from __future__ import annotations

from collections import deque
from threading import Lock

from explorer.runs.latent_spec import MAX_SEED
from explorer.support.bounded_cache import BoundedCache

MOST_GONE = 1000  # closed pages that are remembered: far more than runs can be under way


MOST_PAGES = 10_000  # pages of which something is remembered; one without Gradio's heartbeat is never seen to close


class LatestRequests:
    """What each page asked for last, by the ``count`` that rises with every change. An older run ends at its next step.

    Changes and runs travel side by side, so any of them may be overtaken: only the count says which one is newer.
    """

    def __init__(self) -> None:
        self._latest: BoundedCache[tuple[float, bool]] = BoundedCache(
            MOST_PAGES
        )  # count, and whether its run is to stop
        self._gone: deque[str] = deque(maxlen=MOST_GONE)  # pages that were closed while their runs may go on
        self._lock = Lock()

    def record(self, session: str | None, request: object) -> None:
        """Keep ``request`` as the newest, unless a newer one was faster."""
        with self._lock:
            if session is not None and session in self._gone:  # a page that was only away
                self._gone.remove(session)
            if count_of(request) >= self._of(session)[0]:
                self._latest.put(session, (count_of(request), False), 1)

    def stop(self, session: str | None) -> None:
        with self._lock:
            self._latest.put(session, (self._of(session)[0], True), 1)

    def forget(self, session: str | None) -> None:
        """The page was closed: what it asked for is not wanted any more."""
        with self._lock:
            self._latest.drop(lambda page: page == session)
            if session:
                self._gone.append(session)

    def stopped(self, session: str | None) -> bool:
        return self._of(session)[1]

    def superseded(self, session: str | None, request: object) -> bool:
        return session in self._gone or self._of(session)[0] > count_of(request)

    def _of(self, session: str | None) -> tuple[float, bool]:
        return self._latest.get(session) or (0, False)


def count_of(request: object) -> float:
    """The ``count`` of the controls' value; 0 where there is none, or none that can be counted on from."""
    count = request.get("count") if isinstance(request, dict) else None
    return count if isinstance(count, (int, float)) and 0 <= count < MAX_SEED else 0
