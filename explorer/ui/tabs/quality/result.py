"""What Quality has computed so far, and what was measured of the checkpoint before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

from explorer.paper import TABLE_1, TABLE_1_STEPS
from explorer.storage.quality_file import FrechetTable
from explorer.ui.quality_notes import localize_description, read_measurements
from explorer.ui.tab_result import TabResult

SHOWN_SETTINGS: dict[str, dict[str, Any]] = {
    "0": {"eta": 0.0},
    "0.5": {"eta": 0.5},
    "1": {"eta": 1.0},
    "large": {"eta": 1.0, "variance": "large"},
}
PICTURES = 4  # of each cell


class Cell(NamedTuple):
    """A picture on the page: S, a key of :data:`SHOWN_SETTINGS`, and its number."""

    steps: int
    eta: str
    number: int


@dataclass(kw_only=True)
class QualityResult(TabResult):
    """Pictures are named ``<S>/<eta>/<number>``.

    Attributes:
        steps: the S of the pictures; empty if none are made.
    """

    steps: list[int]

    @cached_property
    def measured(self) -> tuple[FrechetTable | None, Any]:
        """The Fréchet table of the checkpoint, and a note for where there is none."""
        quality, note = read_measurements(self.checkpoint)
        return (quality.frechet if quality else None), note

    def fixed(self) -> dict[str, Any]:
        tables = {data: {eta_name(eta): list(row) for eta, row in table.items()} for data, table in TABLE_1.items()}
        return super().fixed() | {
            "measured": json.dumps(self._measured_to_page()),
            "paper": json.dumps({"steps": TABLE_1_STEPS, "tables": tables}),
            "samples": json.dumps({"steps": self.steps, "pictures": PICTURES}),
        }

    def _measured_to_page(self) -> dict[str, Any]:
        table, note = self.measured
        if table is None:
            return {"cells": [], "note": note}
        cells = [
            [c.steps, eta_name(c.eta), c.distance, c.standard_error, c.seconds_per_picture, c.pictures]
            for c in table.cells
        ]
        return {
            "cells": cells,
            "note": "",
            "features": localize_description(table.features, "measured.unet_features", "measured.inception_features"),
            "reference": localize_description(table.reference, "measured.reference"),
            "real": table.real and table.real.distance,
        }

    def script(self) -> str:
        """The command that measures the checkpoint."""
        return f"python -m explorer evaluate {self.request.query.checkpoint}\n"


def eta_name(eta: float | str) -> str:
    """eta as the page names it."""
    return eta if isinstance(eta, str) else f"{eta:g}"
