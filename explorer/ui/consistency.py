"""The Consistency tab: the same latents at more and more steps, under DDIM and under DDPM (C15)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.finished import Wanted
from explorer.measures import similarity
from explorer.quality import to_unit
from explorer.recipe import Recipe, parse_list, split, to_field, with_imports
from explorer.schedule import as_int
from explorer.ui.gallery import stream_pictures
from explorer.ui.interrupt import State
from explorer.ui.language import Said
from explorer.ui.pieces import Pieces
from explorer.ui.real import examples_of
from explorer.ui.state import MAX_SEED, BadInput, Check, Options, checked, name_of
from explorer.ui.tab import Asked, Tab

ETAS = (0.0, 1.0)
MAX_LATENTS, MAX_COLUMNS = 12, 8


def latents(given: Any) -> list[Recipe]:
    """The list of latents; ValueError as :func:`explorer.recipe.parse_list`."""
    return parse_list(str(given) if isinstance(given, int) else given, 1, MAX_LATENTS)


def lengths(given: Any, T: int | None = None) -> list[int]:
    """The list of numbers of steps, ascending.

    Raises:
        ValueError: text, a number outside 1..T, one that is there twice, too few or too many.
    """
    parts = split(str(given) if isinstance(given, int) and not isinstance(given, bool) else given)
    numbers = [
        as_int(name_of("steps"), int(p) if p.isascii() and p.isdigit() and len(p) < 10 else p, 1, T) for p in parts
    ]
    twice = [n for i, n in enumerate(numbers) if n in numbers[:i]]
    if twice:
        raise ValueError(Said("error.steps_twice", {"given": twice[0]}))
    if not 2 <= len(numbers) <= MAX_COLUMNS:
        raise ValueError(Said("error.steps_count", {"most": MAX_COLUMNS, "count": len(numbers)}))
    return sorted(numbers)


@dataclass(frozen=True)
class ConsistencyOptions(Options):
    """Settings of the Consistency tab: latents, a row each, and the S of the columns, both as lists in a text."""

    latents: str = "22, 10, 29, 3"
    lengths: str = "5, 10, 20, 50, 100, 1000"

    checks: ClassVar[Mapping[str, Check]] = {
        "latents": lambda given: ", ".join(str(r) for r in latents(given)),
        "lengths": lambda given: ", ".join(map(str, lengths(given))),
    }


class ConsistencyTab(Tab[ConsistencyOptions]):
    """A grid of latents by S, once for DDIM and once for DDPM."""

    name, options = "consistency", ConsistencyOptions
    length_field = "lengths"
    idle = ("seed", "eta", "steps", "variance")

    def latents(self, asked: Asked[ConsistencyOptions]) -> dict[str, list[Recipe]]:
        return {"latents": latents(asked.options.latents)}

    def check(self, asked: Asked[ConsistencyOptions]) -> Asked[ConsistencyOptions]:
        highest = MAX_SEED - MAX_LATENTS
        if asked.query.settings.noise_seed > highest:  # type: ignore[operator]
            raise BadInput("noise_seed", Said("error.noise_seed_rows", {"highest": highest}))
        T = self.lengths[asked.query.checkpoint]
        if asked.options.lengths == ConsistencyOptions.lengths:  # nobody typed it: leave out what this checkpoint lacks
            usual = [S for S in lengths(asked.options.lengths) if S <= T]
            usual = usual if len(usual) > 1 else sorted({1, T})
            if T == 1:
                raise BadInput("checkpoint", Said("error.one_step"))
            return replace(asked, options=replace(asked.options, lengths=", ".join(map(str, usual))))
        checked("lengths", asked.options.lengths, lambda given: lengths(given, T))
        return asked

    def stream(self, asked: Asked[ConsistencyOptions], state: State) -> Iterator[dict[str, Any]]:
        checkpoint = self.checkpoints[asked.query.checkpoint]
        rows = latents(asked.options.latents)
        columns = lengths(asked.options.lengths)
        places = [(S, eta, row) for S in columns for eta in ETAS for row in range(len(rows))]
        base = replace(asked.query.settings, variance="eta")
        seeds = base.noise_seeds(len(rows))
        wanted = [Wanted(rows[r], replace(base, steps=S, eta=eta, noise_seed=seeds[r])) for S, eta, r in places]
        pieces, grid = Pieces(), Grid(checkpoint, len(rows), columns)
        for i, recipe in enumerate(rows):
            pieces.add(f"x_T/{i}", recipe.make(checkpoint)[0] / 3)  # three standard deviations on [-1, 1]
        fixed = {
            "settings": asked.fields(),
            "script": script(checkpoint, asked, rows, columns),
            "shape": list(checkpoint.shape),
            "latents": json.dumps([to_field(recipe) for recipe in rows]),
            "lengths": json.dumps(columns),
            "mean_of": grid.mean_of,
        }

        def take(index: int, picture: Tensor) -> None:
            S, eta, row = places[index]
            grid.put(S, eta, row, picture)
            pieces.add(f"{eta:.0f}/{S}/{row}", picture)

        def value() -> dict[str, Any]:
            return fixed | {"pictures": str(pieces), "similarity": json.dumps(grid.similarity())}

        yield from stream_pictures(checkpoint, wanted, self.finished, state, take, value, batch=2 * len(rows))


class Grid:
    """The pictures that are there, and how like each is to its row's picture at the largest S."""

    def __init__(self, checkpoint: Checkpoint, rows: int, columns: list[int]) -> None:
        self.columns, self.rows = columns, rows
        self._pictures: dict[tuple[float, int], dict[int, Tensor]] = {}
        examples = examples_of(checkpoint)
        self.mean_of = "examples" if len(examples) else "shown"
        self._mean = to_unit(examples).mean(0) if len(examples) else None

    def put(self, S: int, eta: float, row: int, picture: Tensor) -> None:
        self._pictures.setdefault((eta, S), {})[row] = picture.clamp(-1, 1)

    def similarity(self) -> dict[str, Any]:
        """For each eta, as text of a whole number: the S referred to (the largest that is complete) and a column per S.

        A column is a list with a number for each row, or None while it is not complete.
        """
        return {f"{eta:.0f}": self._of(eta) for eta in ETAS}

    def _of(self, eta: float) -> dict[str, Any]:
        complete = {
            S: torch.stack([self._pictures[eta, S][row] for row in range(self.rows)])
            for S in self.columns
            if len(self._pictures.get((eta, S), {})) == self.rows
        }
        if not complete:
            return {"reference": None, "columns": [None] * len(self.columns)}
        reference = max(complete)
        mean = self._mean if self._mean is not None else torch.cat(list(complete.values())).mean(0)
        columns = [
            [round(float(v), 6) for v in similarity(complete[S], complete[reference], mean)] if S in complete else None
            for S in self.columns
        ]
        return {"reference": reference, "columns": columns}


def script(checkpoint: Checkpoint, asked: Asked[ConsistencyOptions], rows: list[Recipe], columns: list[int]) -> str:
    """A script on the public names that makes the pictures of the grid."""
    s = asked.query.settings
    made = ",\n    ".join(recipe.to_python() for recipe in rows)
    return with_imports(f"""checkpoint = {checkpoint.to_python()}
x_T = torch.cat([
    {made},
])
for eta in (0.0, 1.0):
    for S in {columns}:
        settings = ex.Settings(S, eta, spacing={s.spacing!r}, clip={s.clip}, noise_seed={s.noise_seed})
        for row, picture in enumerate(ex.sample(checkpoint, x_T, settings)):
            ex.to_image(picture).save(f"eta{{eta:.0f}}-S{{S}}-{{row}}.png")
""")
