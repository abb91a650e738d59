"""The Consistency tab: the same latents with increasing S, under DDIM and under DDPM."""

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
    """Parse the list of latents, see :func:`explorer.runs.latent_spec.parse_list`."""
    return parse_list(str(value) if isinstance(value, int) else value, 1, MAX_LATENTS)


def parse_steps(value: Any, T: int | None = None) -> list[int]:
    """Parse the list of S, the numbers of steps. Return it in ascending order.

    Args:
        value: a text such as "5, 10, 20", or a single int.
        T: the maximum of S, if known.

    Raises:
        ValueError: an entry is not an integer in 1..T or occurs twice, or there are too few or too many entries.
    """
    parts = split(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    numbers = [
        as_int(field_label("steps"), int(p) if p.isascii() and p.isdigit() and len(p) < 10 else p, 1, T) for p in parts
    ]
    repeated = [n for i, n in enumerate(numbers) if n in numbers[:i]]
    if repeated:
        raise ValueError(LocalizedMessage("error.steps_twice", {"given": repeated[0]}))
    if not 2 <= len(numbers) <= MAX_COLUMNS:
        raise ValueError(LocalizedMessage("error.steps_count", {"most": MAX_COLUMNS, "count": len(numbers)}))
    return sorted(numbers)


@dataclass(frozen=True)
class ConsistencyOptions(Options):
    """Settings of the Consistency tab.

    Attributes:
        latents: of the rows, as a comma-separated list.
        lengths: S of each column, as a comma-separated list.
    """

    latents: str = "22, 10, 29, 3"
    lengths: str = "5, 10, 20, 50, 100, 1000"

    checks: ClassVar[Mapping[str, Check]] = {
        "latents": lambda value: ", ".join(str(latent) for latent in parse_latents(value)),
        "lengths": lambda value: ", ".join(map(str, parse_steps(value))),
    }


def default_lengths(T: int) -> str:
    """Return the default columns for a checkpoint: those with S up to its T.

    Raises:
        InvalidField: T is 1, so there is nothing to compare.
    """
    if T == 1:
        raise InvalidField("checkpoint", LocalizedMessage("error.one_step"))
    columns = [S for S in parse_steps(ConsistencyOptions.lengths) if S <= T]
    return ", ".join(map(str, columns if len(columns) > 1 else [1, T]))


class ConsistencyTab(Tab[ConsistencyOptions]):
    """A grid of latents × S for DDIM, and another for DDPM."""

    name, options, export_formats = "consistency", ConsistencyOptions, EXPORT_FORMATS
    file_name_fields = ("latents", "lengths")
    steps_field = "lengths"
    unused_fields = ("seed", "eta", "steps", "variance")

    def latents(self, request: TabRequest[ConsistencyOptions]) -> dict[str, list[LatentSpec]]:
        return {"latents": parse_latents(request.options.latents)}

    def check(self, request: TabRequest[ConsistencyOptions]) -> TabRequest[ConsistencyOptions]:
        """The noise seeds of all rows are consecutive, and S is at most T."""
        highest = MAX_SEED - MAX_LATENTS
        if request.settings.noise_seed > highest:  # type: ignore[operator]
            raise InvalidField("noise_seed", LocalizedMessage("error.noise_seed_rows", {"highest": highest}))
        T, lengths = request.checkpoint.schedule.T, request.options.lengths
        if lengths == ConsistencyOptions.lengths:
            return replace(request, options=replace(request.options, lengths=default_lengths(T)))
        check_field("lengths", lengths, lambda value: parse_steps(value, T))
        return request

    def results(self, request: TabRequest[ConsistencyOptions], state: State) -> Iterator[ConsistencyResult]:
        """Run the columns with small S first."""
        rows, columns = parse_latents(request.options.latents), parse_steps(request.options.lengths)
        result = ConsistencyResult(request=request, latents=rows, grid=Grid(request.checkpoint, len(rows), columns))
        for i, latent in enumerate(rows):
            x_T = latent.latent(request.checkpoint)[0]
            result.pictures.add(f"x_T/{i}", x_T / 3)  # shows values from -3 to 3 standard deviations
        base = replace(request.settings, variance="eta")
        seeds = base.noise_seeds(len(rows))
        cells = [(S, eta, row) for S in columns for eta in ETAS for row in range(len(rows))]
        requests = [
            PictureRequest(rows[r], replace(base, steps=S, eta=eta, noise_seed=seeds[r])) for S, eta, r in cells
        ]

        def add_picture(index: int, picture: Tensor) -> None:
            result.add(*cells[index], picture)

        return run_pictures(result, requests, self.services.results, state, add_picture, batch=2 * len(rows))
