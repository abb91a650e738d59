"""The Consistency tab: the same latents with increasing S, under DDIM and under DDPM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED, LatentSpec
from explorer.runs.results import PREVIEW_STEPS, PictureRequest
from explorer.ui.fields import InvalidField, check_field
from explorer.ui.localization import LocalizedMessage
from explorer.ui.picture_run import run_pictures
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.consistency.exports import EXPORT_FORMATS
from explorer.ui.tabs.consistency.options import (
    MAX_LATENTS,
    ConsistencyOptions,
    default_lengths,
    parse_latents,
    parse_steps,
)
from explorer.ui.tabs.consistency.result import ETAS, ConsistencyResult, Grid

MAX_PREVIEW_STEPS = 5  # largest S of a column that serves as preview


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

        names = [f"{eta:.0f}/{S}/{row}" for S, eta, row in cells]
        # the first column costs little, and its pictures are the previews of the others
        preview_steps = columns[0] if columns[0] <= MAX_PREVIEW_STEPS else PREVIEW_STEPS
        return run_pictures(
            result,
            requests,
            self.services.results,
            state,
            add_picture,
            batch=2 * len(rows),
            names=names,
            preview_steps=preview_steps,
        )
