"""How long calls take at each replica, and how the rows of a call are split by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAIN, DEVIATION_GAIN = 1 / 8, 1 / 4  # of the estimators, as for the round trips of TCP: RFC 6298, section 2


@dataclass
class Latency:
    """A smoothed estimate of how long calls take at one replica: a time per request, and a time per row.

    Attributes:
        per_request: seconds of a request without rows, 0 before the first one.
        per_row: seconds per row; None before the first call.
        deviation: smoothed absolute deviation from ``per_row``.
    """

    per_request: float = 0.0
    per_row: float | None = None
    deviation: float = 0.0

    def add_request(self, seconds: float) -> None:
        """Take a request without rows into account."""
        self.per_request += (seconds - self.per_request) * (GAIN if self.per_request else 1.0)

    def add_call(self, rows: int, seconds: float) -> None:
        """Take a call into account. ``rows`` includes those that the replica was computing when it was sent."""
        measured = max(0.0, seconds - self.per_request) / rows
        if self.per_row is None:
            self.per_row = measured
        self.deviation += (abs(measured - self.per_row) - self.deviation) * DEVIATION_GAIN
        self.per_row += (measured - self.per_row) * GAIN

    def expected(self, rows: int) -> float:
        """Expected seconds of a call; without a measured call those of a request."""
        return self.per_request + rows * (self.per_row or 0.0)

    def cautious(self, rows: int) -> float:
        """Seconds that most calls do not exceed: two deviations above the expected ones."""
        return self.expected(rows) + 2 * rows * self.deviation


def split_rows(rows: int, latencies: Sequence[Latency], outstanding: Sequence[int]) -> list[int]:
    """How many of a call's rows each replica computes, so that the last of them is ready as soon as possible.

    Each row goes to the replica that has it ready first (Graham 1966, list scheduling; optimal for equal rows). So a
    replica that is slower than all rows together at another one gets none.

    Args:
        rows: of the call, at least 1.
        latencies: of the replicas, at least one.
        outstanding: rows that each of them is already computing.
    """
    shares = [0] * len(latencies)
    for _ in range(rows):
        ready = [
            latency.cautious(before + share + 1)
            for latency, before, share in zip(latencies, outstanding, shares, strict=True)
        ]
        shares[ready.index(min(ready))] += 1
    return shares
