"""The settings of Encode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from explorer.inversion import Inversion
from explorer.runs.encoded_latent import MAX_ITERATIONS
from explorer.ui.fields import Check, Options, boolean, integer
from explorer.ui.real_pictures import check_picture


@dataclass(frozen=True)
class EncodeOptions(Options):
    """Settings of the Encode tab.

    Attributes:
        picture: index of a held-out picture, name of an uploaded one, or "made" for one generated from the control column.
        ahead, refine: how the inversion predicts eps, see :class:`explorer.inversion.Inversion`.
        every_steps: measure the error at S = 500 and 1000 too, which is slow.
    """

    picture: int | str = 0
    ahead: bool = True
    refine: int = 0
    every_steps: bool = False

    checks: ClassVar[Mapping[str, Check]] = {
        "picture": check_picture,
        "ahead": boolean("ahead"),
        "refine": integer("refine", 0, MAX_ITERATIONS),
        "every_steps": boolean("every_steps"),
    }

    @property
    def inversion(self) -> Inversion:
        """The inversion of the picture on the screen."""
        return Inversion(self.refine, self.ahead)
