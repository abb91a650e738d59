"""How often a page is told about the progress of its run."""

from __future__ import annotations

import math
import time

PAUSE_FACTOR = 3  # an update that took long is followed by a pause this many times as long


class Throttle:
    """Limits updates, since each takes time from the network, and more so the more pages there are.

    Args:
        seconds: between two updates, at least. Where an update takes long because the server is busy, the pause is
            :data:`PAUSE_FACTOR` times as long as the update took.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next, self._begun = seconds, -math.inf, 0.0

    def ready(self) -> bool:
        """Whether it is time for another update. If so, the update counts as begun now."""
        self._begun = time.perf_counter()
        return self._begun >= self._next

    def done(self) -> None:
        """The update has been delivered."""
        now = time.perf_counter()
        self._next = now + max(self._seconds, PAUSE_FACTOR * (now - self._begun))
