"""The settings of Exercises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from explorer.exercises.gallery import gallery
from explorer.support.arguments import shorten
from explorer.ui.fields import Check, Options
from explorer.ui.localization import LocalizedMessage

MAX_SLIPS = 8  # rows of the gallery


def parse_slips(value: Any) -> list[str]:
    """Parse the comma-separated names of the slips.

    Raises:
        ValueError: a name is unknown, occurs twice, or there are more than :data:`MAX_SLIPS`.
    """
    if not isinstance(value, str):
        raise ValueError(LocalizedMessage("error.slip", {"given": shorten(value)}))
    names = [part.strip() for part in value.split(",") if part.strip()]
    known = gallery()
    for i, name in enumerate(names):
        if name not in known or name in names[:i]:
            raise ValueError(LocalizedMessage("error.slip", {"given": shorten(name)}))
    if len(names) > MAX_SLIPS:
        raise ValueError(LocalizedMessage("error.slips_count", {"most": MAX_SLIPS, "count": len(names)}))
    return names


@dataclass(frozen=True)
class ExercisesOptions(Options):
    """Settings of the gallery of slips.

    Attributes:
        slips: the rows, as comma-separated names of :func:`explorer.exercises.gallery.gallery`.
    """

    slips: str = "ddim_step.sigma-for-direction, ddim_step.direction-without-sigma, sample.label-is-index"

    checks: ClassVar[Mapping[str, Check]] = {"slips": lambda value: ", ".join(parse_slips(value))}
