"""How often a page is told how far its run is."""

from __future__ import annotations

import math
import time

SHARE = 3  # times as long as telling took, nothing is told


class Throttle:
    """Not too often: telling a page takes time from the network, and more of it the more pages there are.

    Args:
        seconds: between two updates, at the least. Where telling takes long, since the server has much to do, it is
            ``SHARE`` times as long as that took.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._next, self._begun = seconds, -math.inf, 0.0

    def due(self) -> bool:
        """Whether it is time for another update; if so, it is taken to begin now."""
        self._begun = time.perf_counter()
        return self._begun >= self._next

    def told(self) -> None:
        """The update has been taken."""
        now = time.perf_counter()
        self._next = now + max(self._seconds, SHARE * (now - self._begun))
