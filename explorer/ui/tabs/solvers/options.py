"""The settings of Solvers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from explorer.mixture import PRESETS
from explorer.ui.fields import Check, Options, boolean, integer, one_of

LEAST_CALLS, MOST_CALLS = 4, 100


@dataclass(frozen=True)
class SolversOptions(Options):
    """Settings of the Solvers tab.

    Attributes:
        calls: N, the network calls that each row may take. S follows from it.
        even_lambda: take time steps that are even in lambda in place of the control column's spacing.
        fine: compare with the solution by PLMS with S = T in place of DPM-Solver++(2M) with S = 200.
        plane: name of the mixture of the second chart, see :data:`explorer.mixture.PRESETS`.
    """

    calls: int = 16
    even_lambda: bool = False
    fine: bool = False
    plane: str = "two moons"

    checks: ClassVar[Mapping[str, Check]] = {
        "calls": integer("calls", LEAST_CALLS, MOST_CALLS),
        "even_lambda": boolean("even_lambda"),
        "fine": boolean("fine"),
        "plane": one_of("plane", *PRESETS),
    }
