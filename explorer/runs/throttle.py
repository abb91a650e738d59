"""Rate limit of the progress updates that a run sends to its page."""

from __future__ import annotations

import math
import time

PAUSE_FACTOR = 3  # an update is followed by a pause of at least this many times its own duration


class Throttle:
    """Limits the rate of updates, since each update takes time from the network.

    The pause after an update is at least :data:`PAUSE_FACTOR` times as long as the update took, so updates become rarer
    when the server is busy.

    Args:
        seconds: minimum time between two updates.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next, self._started = seconds, -math.inf, 0.0

    def ready(self) -> bool:
        """Whether the next update is due. If so, the caller sends it and then calls :meth:`done`."""
        self._started = time.perf_counter()
        return self._started >= self._next

    def done(self) -> None:
        """Mark the update as sent."""
        now = time.perf_counter()
        self._next = now + max(self._seconds, PAUSE_FACTOR * (now - self._started))
