"""The settings of Paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from explorer.mixture import PRESETS, Mixture
from explorer.ui.fields import Check, Options, integer, one_of
from explorer.ui.tabs.paths.drawing import DRAWING, drawing_field, drawn_mixture


@dataclass(frozen=True)
class PathsOptions(Options):
    """Settings of the Paths tab.

    Attributes:
        mixture: name of a preset, see :data:`explorer.mixture.PRESETS`; "drawing" for the drawn points.
        drawn: number of paths that are drawn.
        points: number of points that are sampled and measured.
        drawing: the drawn points as a text, see :mod:`explorer.ui.tabs.paths.drawing`. They are kept while a preset is chosen.
    """

    mixture: str = "ring"
    drawn: int = 24
    points: int = 1000
    drawing: str = ""

    checks: ClassVar[Mapping[str, Check]] = {
        "mixture": one_of("mixture", *PRESETS, DRAWING),
        "drawn": integer("drawn", 1, 60),
        "points": integer("points", 200, 2000),
        "drawing": drawing_field,
    }

    @property
    def is_drawing(self) -> bool:
        """Whether the data are the drawn points."""
        return self.mixture == DRAWING

    @property
    def drawing_used(self) -> str:
        """The drawing if it is the data; empty for a preset."""
        return self.drawing if self.is_drawing else ""

    @property
    def data(self) -> Mixture:
        """The data distribution."""
        return drawn_mixture(self.drawing) if self.is_drawing else Mixture.preset(self.mixture)
