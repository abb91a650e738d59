"""The settings of Paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from explorer.mixture import PRESETS
from explorer.ui.fields import Check, Options, integer, one_of


@dataclass(frozen=True)
class PathsOptions(Options):
    """Settings of the Paths tab.

    Attributes:
        mixture: name of a preset, see :data:`explorer.mixture.PRESETS`.
        drawn: number of paths that are drawn.
        points: number of points that are sampled and measured.
    """

    mixture: str = "ring"
    drawn: int = 24
    points: int = 1000

    checks: ClassVar[Mapping[str, Check]] = {
        "mixture": one_of("mixture", *PRESETS),
        "drawn": integer("drawn", 1, 60),
        "points": integer("points", 200, 2000),
    }
