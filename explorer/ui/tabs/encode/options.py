"""The settings of Encode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from explorer.inversion import LABELS, Inversion, Label
from explorer.runs.encoded_latent import MAX_ITERATIONS
from explorer.support.arguments import shorten
from explorer.support.paper_tables import TABLE_2_STEPS
from explorer.ui.fields import Check, Options, boolean, field_label, integer, one_of
from explorer.ui.localization import LocalizedMessage
from explorer.ui.real_pictures import check_picture

DEFAULT_LARGEST = 100  # larger S take most of the time, and are measured on request


def check_largest(value: Any) -> int:
    """Validate the largest S of the table of errors: one of the paper's Table 2.

    Raises:
        ValueError: it is none of these.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value not in TABLE_2_STEPS:
        choices = ", ".join(map(str, TABLE_2_STEPS))
        values = {"name": field_label("largest"), "choices": choices, "given": shorten(value)}
        raise ValueError(LocalizedMessage("error.one_of", values))
    return value


@dataclass(frozen=True)
class EncodeOptions(Options):
    """Settings of the Encode tab.

    Attributes:
        picture: index of a held-out picture, name of an uploaded one, or "made" for one generated from the control column.
        ahead, label, refine: how the inversion predicts eps, see :class:`explorer.inversion.Inversion`. ``label`` has no
            effect with ``ahead``.
        largest: largest S of the table of errors, one of the paper's Table 2.
        every_steps: measure the error at every S of Table 2, whatever ``largest`` is. Addresses of earlier versions have it.
    """

    picture: int | str = 0
    ahead: bool = True
    label: Label = "s"
    refine: int = 0
    largest: int = DEFAULT_LARGEST
    every_steps: bool = False

    checks: ClassVar[Mapping[str, Check]] = {
        "picture": check_picture,
        "ahead": boolean("ahead"),
        "label": one_of("label", *LABELS),
        "refine": integer("refine", 0, MAX_ITERATIONS),
        "largest": check_largest,
        "every_steps": boolean("every_steps"),
    }

    @property
    def inversion(self) -> Inversion:
        """The inversion of the picture on the screen."""
        return Inversion(self.refine, self.ahead, "s" if self.ahead else self.label)

    @property
    def table_steps(self) -> tuple[int, ...]:
        """S of the rows of the table of errors, ascending."""
        return tuple(S for S in TABLE_2_STEPS if self.every_steps or self.largest >= S)
