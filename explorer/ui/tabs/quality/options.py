"""The settings of Quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from explorer.ui.fields import Check, Options, boolean, integer, one_of

STEPS = (5, 10, 20, 50, 100, 1000)  # S of the sample pictures
MAX_PICTURES = 4


@dataclass(frozen=True)
class QualityOptions(Options):
    """Settings of the Quality tab.

    Attributes:
        samples: show pictures for each S and eta, which are generated in the run.
        cell_pictures: number of pictures for each S and eta.
        cell_steps: the largest S of the pictures, one of "20", "50", "100", "1000".
    """

    samples: bool = True
    cell_pictures: int = 2
    cell_steps: str = "50"

    checks: ClassVar[Mapping[str, Check]] = {
        "samples": boolean("samples"),
        "cell_pictures": integer("cell_pictures", 1, MAX_PICTURES),
        "cell_steps": one_of("cell_steps", "20", "50", "100", "1000"),
    }
