"""The settings of Compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from explorer.ui.fields import Options, boolean, integer


@dataclass(frozen=True)
class CompareOptions(Options):
    """Settings of the Compare tab.

    Attributes:
        wrong: show the row whose network is given wrong time steps.
        moments: number of columns, which are steps evenly spaced over tau.
        others: K, the number of other noise seeds for DDPM.
    """

    wrong: bool = True
    moments: int = 10
    others: int = 4

    checks: ClassVar = {
        "wrong": boolean("wrong"),
        "moments": integer("moments", 8, 12),
        "others": integer("others", 1, 8),
    }
