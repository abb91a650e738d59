"""The Quality tab: Fréchet distance of the checkpoint over S and eta, beside the paper's Table 1 (FID)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED, Seed
from explorer.runs.results import PictureRequest
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage
from explorer.ui.picture_run import run_pictures
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.quality.exports import EXPORT_FORMATS
from explorer.ui.tabs.quality.options import MAX_PICTURES, STEPS, QualityOptions
from explorer.ui.tabs.quality.result import SHOWN_SETTINGS, Cell, QualityResult


class QualityTab(Tab[QualityOptions]):
    """The Fréchet distances in ``quality.json``, and sample pictures: by default 680 network evaluations."""

    name, options, export_formats = "quality", QualityOptions, EXPORT_FORMATS
    file_name_fields = ("seed",)
    unused_fields = ("eta", "steps", "variance")
    view_keys = ("paper",)

    def check(self, request: TabRequest[QualityOptions]) -> TabRequest[QualityOptions]:
        """The seeds of the pictures in a cell are consecutive, so the first one must leave room below the maximum."""
        latent, highest = request.latent, MAX_SEED - MAX_PICTURES
        if isinstance(latent, Seed) and latent.seed > highest:
            values = {"highest": highest, "count": MAX_PICTURES}
            raise InvalidField("seed", LocalizedMessage("error.seed_pictures", values))
        if request.settings.noise_seed > highest:  # type: ignore[operator]
            raise InvalidField("noise_seed", LocalizedMessage("error.noise_seed_pictures", {"highest": highest}))
        return request

    def results(self, request: TabRequest[QualityOptions], state: State) -> Iterator[QualityResult]:
        """Generate the pictures with small S first. Those with the smallest serve as previews of the others."""
        requests = plan_pictures(request)
        names = [f"{cell.steps}/{cell.eta}/{cell.number}" for cell in requests]
        result = QualityResult(request=request, steps=sorted({cell.steps for cell in requests}))

        def add_picture(index: int, picture: Tensor) -> None:
            result.pictures.add(names[index], picture)

        return run_pictures(
            result,
            list(requests.values()),
            self.services.results,
            state,
            add_picture,
            names=names,
            preview_steps=min(STEPS),
        )


def plan_pictures(request: TabRequest[QualityOptions]) -> dict[Cell, PictureRequest]:
    """Return the requests for the pictures of each cell. Their seeds count up from the seed of the control column."""
    if not request.options.samples:
        return {}
    count, most = request.options.cell_pictures, min(int(request.options.cell_steps), request.checkpoint.schedule.T)
    base = replace(request.settings, variance="eta")
    first = request.latent.seed if isinstance(request.latent, Seed) else 0
    seeds = base.noise_seeds(count)
    cells = [Cell(S, eta, i) for S in STEPS if most >= S for eta in SHOWN_SETTINGS for i in range(count)]
    return {
        cell: PictureRequest(
            Seed(first + cell.number),
            replace(base, steps=cell.steps, noise_seed=seeds[cell.number], **SHOWN_SETTINGS[cell.eta]),
        )
        for cell in cells
    }
