"""Who listens to the results of runs. A run that nobody listens to ends, and its results are dropped.

A request to run something is answered at once; its results come in a stream that the client opens next. A client that does
not open it would keep a slot, compute, and leave its results in memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock

from explorer.runs.cancellation import State
from explorer.support.bounded_cache import BoundedCache

SECONDS_TO_LISTEN = 30.0  # from the request to the opening of its stream
SECONDS_AFTER_LEAVING = 5.0  # from the breaking off of the last stream to the end of the run
SECONDS_TO_REGISTER = 0.05  # within which a session is expected after its run has started
SECONDS_BETWEEN_CHECKS = 0.2  # how often a run that waits for its listener checks whether it is cancelled
MAX_UNHEARD_OF_CLIENT = 100  # sessions of one client that were asked for and were not listened to yet
MAX_UNHEARD = 1000  # of all clients; Gradio keeps the messages of 2,000 sessions
MAX_GONE = 10_000  # remembered sessions that nobody listens to, far more than there can be runs


class TooManyUnheard(Exception):
    """Too many runs were requested whose results nobody fetches."""


@dataclass
class _Session:
    client: str
    deadline: float  # until which a stream must be open
    streams: int = 0
    heard: Event = field(default_factory=Event)  # whether somebody has listened since the last request


@dataclass
class Stream:
    """An open stream. Who serves it sets ``is_complete`` once all results have been delivered."""

    session: str
    is_complete: bool = False


class Listeners:
    """The sessions whose results are expected, and the number of their open streams. Thread-safe.

    A session is Gradio's name of a page. A call of an endpoint is a session of its own, which is called like the event. Sessions
    that were never expected count as listened to, because then nobody counts the streams of this app.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._sessions: dict[str, _Session] = {}
        self._events: dict[str, str] = {}  # session by event, for events that are not called like their session
        self._gone: BoundedCache[bool] = BoundedCache(MAX_GONE)
        self._lock = Lock()

    def __len__(self) -> int:
        """Return the number of sessions that are expected or listened to."""
        return len(self._sessions)

    def check(self, client: str, session: str | None = None) -> None:
        """Check that a client may request something.

        Args:
            session: the session that it names, if any.

        Raises:
            TooManyUnheard: the client, or all together, has requested too much that nobody listens to.
        """
        with self._lock:
            if session in self._sessions:
                return
            unheard = [s.client for s in self._sessions.values() if not s.heard.is_set()]
            if len(unheard) >= MAX_UNHEARD or unheard.count(client) >= MAX_UNHEARD_OF_CLIENT:
                raise TooManyUnheard

    def expect(self, session: str, client: str, event: str | None = None) -> None:
        """Expect that ``client`` will soon listen to a session, or to one of its events."""
        with self._lock:
            deadline = self.clock() + SECONDS_TO_LISTEN
            known = self._sessions.setdefault(session, _Session(client, deadline))
            known.deadline = deadline
            if not known.streams:
                known.heard.clear()
            self._gone.put(session, False)
            if event is not None and event != session:
                self._events[event] = session

    @contextmanager
    def listening(self, name: str) -> Iterator[Stream]:
        """Count a stream for the duration of the block.

        Args:
            name: of a session, or of an event.
        """
        with self._lock:
            stream = Stream(self._events.get(name, name))
            known = self._sessions.get(stream.session)
            if known is not None:
                known.streams += 1
                known.heard.set()
        try:
            yield stream
        finally:
            with self._lock:
                if known is not None:
                    known.streams -= 1
                    seconds = SECONDS_TO_LISTEN if stream.is_complete else SECONDS_AFTER_LEAVING
                    known.deadline = self.clock() + seconds

    def forget(self, session: str) -> None:
        """Drop a session all of whose results have been delivered."""
        with self._lock:
            if session in self._sessions:
                self._drop(session)

    def pop_expired(self) -> list[str]:
        """Drop the sessions to which nobody listens, and return their names. Their runs end."""
        with self._lock:
            expired = [name for name, session in self._sessions.items() if self._is_late(session)]
            for name in expired:
                self._drop(name)
                self._gone.put(name, True)
            return expired

    def wait_until_heard(self, session: str | None, state: State) -> None:
        """Wait until somebody listens to a session, so that runs of which nobody fetches the results compute nothing.

        Args:
            state: of the run; the method returns when it is not "running".
        """
        known = self._sessions.get(session) if session else None
        if session and known is None:  # Gradio may start a run before it has answered the request
            time.sleep(SECONDS_TO_REGISTER)
            known = self._sessions.get(session)
        while known is not None and state() == "running" and not known.heard.wait(SECONDS_BETWEEN_CHECKS):
            pass

    def is_gone(self, session: str | None) -> bool:
        """Whether nobody listens to a session any more."""
        if session is None:
            return False
        with self._lock:
            known = self._sessions.get(session)
            return self._is_late(known) if known is not None else self._gone.get(session) is True

    def state(self, session: str | None, state: State = lambda: "running") -> State:
        """Return the state of a run that is superseded when nobody listens to its session any more."""
        return lambda: "superseded" if self.is_gone(session) else state()

    def _is_late(self, session: _Session) -> bool:
        return not session.streams and self.clock() > session.deadline

    def _drop(self, session: str) -> None:
        del self._sessions[session]
        for event in [event for event, name in self._events.items() if name == session]:
            del self._events[event]


LISTENERS = Listeners()
