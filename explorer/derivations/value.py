"""What a check of a derivation returns: numbers, each with what the derivation says that it should be."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from explorer.checkpoint import Checkpoint

Relation = Literal["equal", "at most", "above", "below"]


@dataclass(frozen=True)
class Value:
    """One number of a check.

    Attributes:
        name: names the number within its card.
        measured: what was computed.
        expected: what the derivation says.
        tolerance: for "equal", the largest difference that counts as rounding or sampling error; else 0.
        relation: how ``measured`` should stand to ``expected``. "above" and "below" are strict.
    """

    name: str
    measured: float
    expected: float
    tolerance: float
    relation: Relation

    @property
    def passed(self) -> bool:
        """Whether the number confirms the derivation. False for NaN and infinity."""
        if not math.isfinite(self.measured):
            return False
        if self.relation == "equal":
            return abs(self.measured - self.expected) <= self.tolerance
        if self.relation == "at most":
            return self.measured <= self.expected
        return self.measured > self.expected if self.relation == "above" else self.measured < self.expected


def equal(name: str, measured: float, expected: float, tolerance: float) -> Value:
    """A number that should be ``expected``, up to ``tolerance``."""
    return Value(name, float(measured), float(expected), float(tolerance), "equal")


def at_most(name: str, error: float, bound: float) -> Value:
    """An error that should be rounding, no larger than ``bound``."""
    return Value(name, float(error), float(bound), 0.0, "at most")


def above(name: str, measured: float, limit: float) -> Value:
    """A number that should be larger than ``limit``."""
    return Value(name, float(measured), float(limit), 0.0, "above")


def below(name: str, measured: float, limit: float) -> Value:
    """A number that should be smaller than ``limit``."""
    return Value(name, float(measured), float(limit), 0.0, "below")


Check = Callable[[Checkpoint], Sequence[Value]]
