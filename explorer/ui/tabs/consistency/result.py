"""What Consistency has computed so far: a grid of pictures, and how similar they are to their row's reference."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.evaluation.metrics import similarity
from explorer.media.convert import to_unit
from explorer.runs.latent_spec import LatentSpec, to_field, with_imports
from explorer.ui.real_pictures import examples_of
from explorer.ui.tab_result import TabResult

ETAS = (0.0, 1.0)


@dataclass(frozen=True)
class Similarities:
    """How similar the pictures of one eta are to their row's picture at the largest S that is complete.

    Attributes:
        reference: that S; None while no column is complete.
        columns: for each S a number for each row; None while the column is not complete.
    """

    reference: int | None
    columns: list[list[float] | None]


class Grid:
    """The pictures by S, eta and row, and their similarities."""

    def __init__(self, checkpoint: Checkpoint, rows: int, columns: list[int]) -> None:
        self.columns, self.rows = columns, rows
        self._pictures: dict[tuple[float, int], dict[int, Tensor]] = {}
        examples = examples_of(checkpoint)
        self.mean_of = "examples" if len(examples) else "shown"
        self._mean = to_unit(examples).mean(0) if len(examples) else None

    def put(self, S: int, eta: float, row: int, picture: Tensor) -> None:
        """Add a picture (C, H, W)."""
        self._pictures.setdefault((eta, S), {})[row] = picture.clamp(-1, 1)

    def similarities(self, eta: float) -> Similarities:
        """The similarities of the complete columns of one eta."""
        complete = {
            S: torch.stack([self._pictures[eta, S][row] for row in range(self.rows)])
            for S in self.columns
            if len(self._pictures.get((eta, S), {})) == self.rows
        }
        if not complete:
            return Similarities(None, [None] * len(self.columns))
        reference = max(complete)
        mean = self._mean if self._mean is not None else torch.cat(list(complete.values())).mean(0)
        columns = [
            [round(float(v), 6) for v in similarity(complete[S], complete[reference], mean)] if S in complete else None
            for S in self.columns
        ]
        return Similarities(reference, columns)


@dataclass(kw_only=True)
class ConsistencyResult(TabResult):
    """Pictures are named ``x_T/<row>`` and ``<eta>/<S>/<row>``."""

    latents: list[LatentSpec]
    grid: Grid

    def fixed(self) -> dict[str, Any]:
        return super().fixed() | {
            "latents": json.dumps([to_field(latent) for latent in self.latents]),
            "lengths": json.dumps(self.grid.columns),
            "mean_of": self.grid.mean_of,
        }

    def changing(self) -> dict[str, Any]:
        similarities = {f"{eta:.0f}": vars(self.grid.similarities(eta)) for eta in ETAS}
        return super().changing() | {"similarity": json.dumps(similarities)}

    def script(self) -> str:
        """A script on the public names that makes the pictures of the grid."""
        s = self.request.settings
        latents = ",\n    ".join(latent.to_python() for latent in self.latents)
        return with_imports(f"""checkpoint = {self.checkpoint.to_python()}
x_T = torch.cat([
    {latents},
])
for eta in (0.0, 1.0):
    for S in {self.grid.columns}:
        settings = ex.Settings(S, eta, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed})
        for row, picture in enumerate(ex.sample(checkpoint, x_T, settings)):
            ex.to_image(picture).save(f"eta{{eta:.0f}}-S{{S}}-{{row}}.png")
""")
