"""The Consistency tab: the same latents at more and more steps, under DDIM and under DDPM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED, LatentSpec, parse_list, split
from explorer.runs.results import PictureRequest
from explorer.support.arguments import as_int
from explorer.ui.fields import Check, InvalidField, Options, check_field, field_label
from explorer.ui.localization import LocalizedMessage
from explorer.ui.picture_run import run_pictures
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.consistency.exports import EXPORT_FORMATS
from explorer.ui.tabs.consistency.result import ETAS, ConsistencyResult, Grid

MAX_LATENTS, MAX_COLUMNS = 12, 8


def parse_latents(value: Any) -> list[LatentSpec]:
    """The list of latents; ValueError as for :func:`explorer.runs.latent_spec.parse_list`."""
    return parse_list(str(value) if isinstance(value, int) else value, 1, MAX_LATENTS)


def parse_lengths(value: Any, T: int | None = None) -> list[int]:
    """The list of numbers of steps, ascending.

    Raises:
        ValueError: a part is no number in 1..T or stands there twice, or there are too few or too many.
    """
    parts = split(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    numbers = [
        as_int(field_label("steps"), int(p) if p.isascii() and p.isdigit() and len(p) < 10 else p, 1, T) for p in parts
    ]
    twice = [n for i, n in enumerate(numbers) if n in numbers[:i]]
    if twice:
        raise ValueError(LocalizedMessage("error.steps_twice", {"given": twice[0]}))
    if not 2 <= len(numbers) <= MAX_COLUMNS:
        raise ValueError(LocalizedMessage("error.steps_count", {"most": MAX_COLUMNS, "count": len(numbers)}))
    return sorted(numbers)


@dataclass(frozen=True)
class ConsistencyOptions(Options):
    """Settings of the Consistency tab: the latents of the rows and the S of the columns, both as lists in a text."""

    latents: str = "22, 10, 29, 3"
    lengths: str = "5, 10, 20, 50, 100, 1000"

    checks: ClassVar[Mapping[str, Check]] = {
        "latents": lambda value: ", ".join(str(latent) for latent in parse_latents(value)),
        "lengths": lambda value: ", ".join(map(str, parse_lengths(value))),
    }


class ConsistencyTab(Tab[ConsistencyOptions]):
    """A grid of latents by S, once for DDIM and once for DDPM."""

    name, options, export_formats = "consistency", ConsistencyOptions, EXPORT_FORMATS
    file_name_fields = ("latents", "lengths")
    steps_field = "lengths"
    unused_fields = ("seed", "eta", "steps", "variance")

    def latents(self, request: TabRequest[ConsistencyOptions]) -> dict[str, list[LatentSpec]]:
        return {"latents": parse_latents(request.options.latents)}

    def check(self, request: TabRequest[ConsistencyOptions]) -> TabRequest[ConsistencyOptions]:
        """The noise seeds are counted up from the first one, and S is at most T."""
        highest = MAX_SEED - MAX_LATENTS
        if request.settings.noise_seed > highest:  # type: ignore[operator]
            raise InvalidField("noise_seed", LocalizedMessage("error.noise_seed_rows", {"highest": highest}))
        T = request.checkpoint.schedule.T
        if (
            request.options.lengths == ConsistencyOptions.lengths
        ):  # nobody typed it: leave out what this checkpoint lacks
            lengths = [S for S in parse_lengths(request.options.lengths) if S <= T]
            lengths = lengths if len(lengths) > 1 else sorted({1, T})
            if T == 1:
                raise InvalidField("checkpoint", LocalizedMessage("error.one_step"))
            return replace(request, options=replace(request.options, lengths=", ".join(map(str, lengths))))
        check_field("lengths", request.options.lengths, lambda value: parse_lengths(value, T))
        return request

    def results(self, request: TabRequest[ConsistencyOptions], state: State) -> Iterator[ConsistencyResult]:
        """Columns of few steps come first."""
        rows, columns = parse_latents(request.options.latents), parse_lengths(request.options.lengths)
        result = ConsistencyResult(request=request, latents=rows, grid=Grid(request.checkpoint, len(rows), columns))
        for i, latent in enumerate(rows):
            x_T = latent.latent(request.checkpoint)[0]
            result.pictures.add(f"x_T/{i}", x_T / 3)  # three standard deviations on [-1, 1]
        base = replace(request.settings, variance="eta")
        seeds = base.noise_seeds(len(rows))
        cells = [(S, eta, row) for S in columns for eta in ETAS for row in range(len(rows))]
        requests = [
            PictureRequest(rows[r], replace(base, steps=S, eta=eta, noise_seed=seeds[r])) for S, eta, r in cells
        ]

        def take(index: int, picture: Tensor) -> None:
            S, eta, row = cells[index]
            result.grid.put(S, eta, row, picture)
            result.pictures.add(f"{eta:.0f}/{S}/{row}", picture)

        return run_pictures(result, requests, self.services.results, state, take, batch=2 * len(rows))
