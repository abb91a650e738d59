"""The settings of Steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from explorer.ui.fields import Check, Options, boolean, integer

MAX_FORK = 100_000  # the largest t that an address may name; the fork is at the nearest step of the run


@dataclass(frozen=True)
class StepsOptions(Options):
    """Settings of the branching futures.

    Attributes:
        fork: t at which the run is continued with other noise, at the nearest step whose x_t is kept; 0 for no futures.
        fork_curve: also fork at other steps, for the standard deviation over the step of the fork.
    """

    fork: int = 0
    fork_curve: bool = False

    checks: ClassVar[Mapping[str, Check]] = {
        "fork": integer("fork", 0, MAX_FORK),
        "fork_curve": boolean("fork_curve"),
    }
