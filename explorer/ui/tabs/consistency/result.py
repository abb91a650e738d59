"""The result of Consistency: a grid of pictures, and their similarity to the reference of their row."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.evaluation.metrics import pair_similarities, similarity
from explorer.media.convert import to_unit
from explorer.runs.latent_spec import LatentSpec, to_field, with_imports
from explorer.ui.real_pictures import examples_of
from explorer.ui.tab_result import TabResult

ETAS = (0.0, 1.0)


@dataclass(frozen=True)
class Similarities:
    """Similarity of the pictures with one eta to the reference of their row, the picture at the largest complete S.

    Attributes:
        reference: S of the references; None while no column is complete.
        columns: for each S the similarity of each row; None while the column is incomplete, and for the reference, whose
            similarity to itself is 1 by definition.
    """

    reference: int | None
    columns: list[list[float] | None]


@dataclass(frozen=True)
class Unrelated:
    """The similarity of unrelated pictures: that of all pairs of the checkpoint's held-out pictures.

    Attributes:
        pictures: how many held-out pictures there are.
        mean, deviation: over all pairs; the deviation is one standard deviation.
        quantile: 5 % of the pairs have a larger similarity.
    """

    pictures: int
    mean: float
    deviation: float
    quantile: float

    @classmethod
    def of(cls, pictures: Tensor) -> Unrelated:
        """Measure all pairs of pictures (N, C, H, W), N >= 3."""
        pairs = pair_similarities(pictures)
        return cls(len(pictures), float(pairs.mean()), float(pairs.std()), float(pairs.quantile(0.95)))


class Grid:
    """Pictures by S, eta and row.

    Attributes:
        columns: S of each column.
        rows: number of rows.
        mean_of: which pictures' mean is subtracted before pictures are compared: "examples" (held-out) or "shown".
        unrelated: the similarity of unrelated pictures; None without held-out pictures.
    """

    def __init__(self, checkpoint: Checkpoint, rows: int, columns: list[int]) -> None:
        self.columns, self.rows = columns, rows
        self._pictures: dict[tuple[float, int], dict[int, Tensor]] = {}
        examples = to_unit(examples_of(checkpoint))
        self.mean_of = "examples" if len(examples) else "shown"
        self._mean = examples.mean(0) if len(examples) else None
        self.unrelated = Unrelated.of(examples) if len(examples) > 2 else None

    def put(self, S: int, eta: float, row: int, picture: Tensor) -> None:
        """Add a picture (C, H, W)."""
        self._pictures.setdefault((eta, S), {})[row] = picture.clamp(-1, 1)

    def similarities(self, eta: float) -> Similarities:
        """Return the similarities of the pictures with one eta."""
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
            [round(float(v), 6) for v in similarity(complete[S], complete[reference], mean)]
            if S in complete and reference != S
            else None
            for S in self.columns
        ]
        return Similarities(reference, columns)


@dataclass(kw_only=True)
class ConsistencyResult(TabResult):
    """The grids for DDIM and DDPM. Pictures are named ``x_T/<row>`` and ``<eta>/<S>/<row>``.

    Attributes:
        latents: of the rows.
        grid: the pictures so far.
    """

    latents: list[LatentSpec]
    grid: Grid

    def add(self, S: int, eta: float, row: int, picture: Tensor) -> None:
        """Add a picture (C, H, W)."""
        self.grid.put(S, eta, row, picture)
        self.pictures.add(f"{eta:.0f}/{S}/{row}", picture)

    def fixed(self) -> dict[str, Any]:
        return super().fixed() | {
            "latents": json.dumps([to_field(latent) for latent in self.latents]),
            "lengths": json.dumps(self.grid.columns),
            "T": self.checkpoint.schedule.T,
            "mean_of": self.grid.mean_of,
            "unrelated": json.dumps(self.grid.unrelated and vars(self.grid.unrelated)),
        }

    def changing(self) -> dict[str, Any]:
        similarities = {f"{eta:.0f}": vars(self.grid.similarities(eta)) for eta in ETAS}
        return super().changing() | {"similarity": json.dumps(similarities)}

    def script(self) -> str:
        """Return a script that makes the pictures of the grids with the public API."""
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
