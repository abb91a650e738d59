"""A background thread that writes to the store, so that no run waits for the disk."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

MAX_BYTES = 64 << 20  # of the results that wait to be written
SECONDS_AFTER_ERROR = 60.0  # without writing, after the disk was full or read-only


class WriteQueue:
    """Executes writes one after the other in a thread. Thread-safe.

    While the disk refuses to write, and while the results that wait have :data:`MAX_BYTES`, further ones are dropped: a stored
    result saves time, but nothing depends on it.

    Args:
        max_bytes: limit of the results that wait.
        clock: seconds, for tests.
    """

    def __init__(self, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes, self._clock = max_bytes, clock
        self._waiting: deque[tuple[Callable[[], object], int]] = deque()
        self._nbytes = 0  # of those that wait and of the one that is being written
        self._blocked_until = 0.0
        self._thread: Thread | None = None
        self._changed = Condition()
        self.error: OSError | None = None  # the last one

    def put(self, write: Callable[[], object], nbytes: int, wait: bool = False) -> bool:
        """Queue a write.

        Args:
            write: may raise OSError, which is logged.
            nbytes: about what it holds in memory.
            wait: wait for room instead of dropping it.

        Returns:
            Whether it was queued.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._has_room(nbytes))
            if self._clock() < self._blocked_until or not self._has_room(nbytes):
                return False
            self._waiting.append((write, nbytes))
            self._nbytes += nbytes
            if self._thread is None:
                self._thread = Thread(target=self._run, name="store", daemon=True)
                self._thread.start()
            self._changed.notify_all()
            return True

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything is written. Return whether that happened within ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._nbytes, timeout)

    def _has_room(self, nbytes: int) -> bool:
        return not self._nbytes or self._nbytes + nbytes <= self._max_bytes

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                write, nbytes = self._waiting.popleft()
            self._write(write)
            del write  # it holds the result in memory
            with self._changed:
                self._nbytes -= nbytes
                self._changed.notify_all()

    def _write(self, write: Callable[[], object]) -> None:
        try:
            write()
        except OSError as error:
            logging.warning("results are not stored for the next minute: %s", error)
            self.error = error
            with self._changed:
                self._blocked_until = self._clock() + SECONDS_AFTER_ERROR
                self._nbytes -= sum(nbytes for _, nbytes in self._waiting)
                self._waiting.clear()
        except Exception:
            logging.exception("a result could not be stored")
