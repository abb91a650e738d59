"""The result of Quality: the checkpoint's measured Fréchet distances, and sample pictures."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, NamedTuple

from explorer.storage.quality_file import FrechetTable
from explorer.support.paper_tables import TABLE_1, TABLE_1_STEPS
from explorer.ui.quality_notes import localize_description, read_measurements
from explorer.ui.tab_result import TabResult

SHOWN_SETTINGS: dict[str, dict[str, Any]] = {
    "0": {"eta": 0.0},
    "0.5": {"eta": 0.5},
    "1": {"eta": 1.0},
    "large": {"eta": 1.0, "variance": "large"},
}


class Cell(NamedTuple):
    """One sample picture: S, a key of :data:`SHOWN_SETTINGS`, and its number among those of the same settings."""

    steps: int
    eta: str
    number: int


@dataclass(kw_only=True)
class QualityResult(TabResult):
    """Measurements and sample pictures. Pictures are named ``<S>/<eta>/<number>``.

    Attributes:
        steps: the S of the pictures; empty if there are none.
    """

    steps: list[int]

    @cached_property
    def measurements(self) -> tuple[FrechetTable | None, Any]:
        """The checkpoint's Fréchet table, None if there is none, and a note that says so."""
        quality, note = read_measurements(self.checkpoint)
        return (quality.frechet if quality else None), note

    def fixed(self) -> dict[str, Any]:
        tables = {data: {eta_name(eta): list(row) for eta, row in table.items()} for data, table in TABLE_1.items()}
        return super().fixed() | {
            "measured": json.dumps(self._measurements_to_page()),
            "paper": json.dumps({"steps": TABLE_1_STEPS, "tables": tables}),
            "samples": json.dumps({"steps": self.steps, "pictures": self.request.options.cell_pictures}),
        }

    def _measurements_to_page(self) -> dict[str, Any]:
        table, note = self.measurements
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
            "machine": table.machine,
            "real": table.real and asdict(table.real),
            "floor": table.floor and asdict(table.floor),
        }

    def script(self) -> str:
        """Return the command that measures the checkpoint."""
        return f"python -m explorer evaluate {self.request.query.checkpoint}\n"


def eta_name(eta: float | str) -> str:
    """Return the name of an eta on the page."""
    return eta if isinstance(eta, str) else f"{eta:g}"
