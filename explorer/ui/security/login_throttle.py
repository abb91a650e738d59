"""Increasing delays after wrong passwords."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from explorer.support.bounded_cache import BoundedCache

FIRST_DELAY = 1.0  # seconds after the second wrong password; doubled by each further one
MAX_DELAY = {"address": 300.0, "user": 10.0}  # a stranger can delay a user's login, so that delay stays short
MAX_KEPT = 10_000  # addresses and users
MAX_USER = 64  # characters of a user's name that are kept


class LoginThrottle:
    """How long a client address and a user must wait before the next attempt to log in. Thread-safe.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: BoundedCache[tuple[int, float]] = BoundedCache(MAX_KEPT)  # count, and end of the delay

    def delay(self, address: str, user: str) -> float:
        """Return the seconds until the next attempt is accepted; 0 if it is now."""
        ends = [self._failures.get(key) for key in self._keys(address, user)]
        return max((end - self._clock() for _, end in filter(None, ends)), default=0.0)

    def failed(self, address: str, user: str) -> None:
        """Count a wrong password."""
        for kind, name in self._keys(address, user):
            count = (self._failures.get((kind, name)) or (0, 0.0))[0] + 1
            delay = min(MAX_DELAY[kind], FIRST_DELAY * 2 ** min(count - 2, 30)) if count > 1 else 0.0
            self._failures.put((kind, name), (count, self._clock() + delay))

    def succeeded(self, address: str, user: str) -> None:
        """Forget the wrong passwords of this address and this user."""
        keys: set[Hashable] = set(self._keys(address, user))
        self._failures.drop(lambda key: key in keys)

    @staticmethod
    def _keys(address: str, user: str) -> tuple[tuple[str, str], tuple[str, str]]:
        return ("address", address), ("user", user[:MAX_USER])
