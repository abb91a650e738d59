"""The Quality tab: what steps and noise cost, measured on the checkpoint, beside the paper's Table 1 (C14)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.finished import Wanted
from explorer.paper import TABLE_1, TABLE_1_STEPS
from explorer.recipe import Seed
from explorer.ui.gallery import stream_pictures
from explorer.ui.interrupt import State
from explorer.ui.language import Said
from explorer.ui.measured import in_words, measured
from explorer.ui.pieces import Pieces
from explorer.ui.state import MAX_SEED, BadInput, Check, Options, yes_or_no
from explorer.ui.tab import Asked, Tab

SHOWN_STEPS = (5, 10, 20, 50)
SHOWN_ETAS: dict[str, dict[str, Any]] = {
    "0": {"eta": 0.0},
    "0.5": {"eta": 0.5},
    "1": {"eta": 1.0},
    "large": {"eta": 1.0, "variance": "large"},
}
PICTURES = 4  # of each cell


@dataclass(frozen=True)
class QualityOptions(Options):
    """Settings of the Quality tab: ``samples`` shows pictures of the cells, made on the spot."""

    samples: bool = True

    checks: ClassVar[Mapping[str, Check]] = {"samples": yes_or_no("samples")}


class QualityTab(Tab[QualityOptions]):
    """Fréchet distance over S and eta from ``quality.json``, and pictures to look at."""

    name, options = "quality", QualityOptions
    idle = ("eta", "steps", "variance")

    def check(self, asked: Asked[QualityOptions]) -> Asked[QualityOptions]:
        seeds, highest = asked.query.latent, MAX_SEED - PICTURES
        if isinstance(seeds, Seed) and seeds.seed > highest:
            raise BadInput("seed", Said("error.seed_pictures", {"highest": highest, "count": PICTURES}))
        if asked.query.settings.noise_seed > highest:  # type: ignore[operator]
            raise BadInput("noise_seed", Said("error.noise_seed_pictures", {"highest": highest}))
        return asked

    def stream(self, asked: Asked[QualityOptions], state: State) -> Iterator[dict[str, Any]]:
        checkpoint = self.checkpoints[asked.query.checkpoint]
        places, wanted = plan_samples(asked, checkpoint.schedule.T)
        pieces = Pieces()
        fixed = {
            "settings": asked.fields(),
            "script": f"python -m explorer evaluate {asked.query.checkpoint}\n",
            "shape": list(checkpoint.shape),
            "measured": json.dumps(distances(checkpoint)),
            "paper": json.dumps({"steps": TABLE_1_STEPS, "tables": tables()}),
            "samples": json.dumps({"steps": sorted({S for S, _, _ in places}), "pictures": PICTURES}),
        }

        def take(index: int, picture: Tensor) -> None:
            pieces.add("{}/{}/{}".format(*places[index]), picture)

        def value() -> dict[str, Any]:
            return fixed | {"pictures": str(pieces)}

        yield from stream_pictures(checkpoint, wanted, self.finished, state, take, value)


def plan_samples(asked: Asked[QualityOptions], T: int) -> tuple[list[tuple[int, str, int]], list[Wanted]]:
    """Places (S, eta as text, number) and what is wanted there: a few latents of the column's seed on, cheap ones first."""
    if not asked.options.samples:
        return [], []
    settings, latent = asked.query.settings, asked.query.latent
    first = latent.seed if isinstance(latent, Seed) else 0
    seeds = settings.noise_seeds(PICTURES)
    places = [(S, eta, i) for S in SHOWN_STEPS if S <= T for eta in SHOWN_ETAS for i in range(PICTURES)]
    base = replace(settings, variance="eta")
    return places, [
        Wanted(Seed(first + i), replace(base, steps=S, noise_seed=seeds[i], **SHOWN_ETAS[eta])) for S, eta, i in places
    ]


def distances(checkpoint: Checkpoint) -> dict[str, Any]:
    """The measured cells for the page, and how they were measured; a note where there are none."""
    quality, note = measured(checkpoint)
    if quality is None or quality.frechet is None:
        return {"cells": [], "note": note}
    f = quality.frechet
    cells = [[c.steps, _name(c.eta), c.distance, c.spread, c.seconds_per_picture, c.pictures] for c in f.cells]
    return {
        "cells": cells,
        "note": "",
        "features": in_words(f.features, "measured.unet_features", "measured.inception_features"),
        "reference": in_words(f.reference, "measured.reference"),
        "real": f.real and f.real.distance,
    }


def tables() -> dict[str, dict[str, list[float]]]:
    """The paper's Table 1 with eta as text."""
    return {data: {_name(eta): list(row) for eta, row in table.items()} for data, table in TABLE_1.items()}


def _name(eta: float | str) -> str:
    return eta if isinstance(eta, str) else f"{eta:g}"
