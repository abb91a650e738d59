"""The rows of Compare: their settings, their runs, and the runs of their previews."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor

from explorer.runs.results import PREVIEW_RATIO, PREVIEW_STEPS, PictureRequest, ResultCache
from explorer.runs.shared_network import unshared
from explorer.runs.stored_results import Origin
from explorer.sampler import Run, Step, denoise_together
from explorer.settings import Settings
from explorer.trajectory import Trajectory
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.compare.options import CompareOptions
from explorer.ui.tabs.compare.result import DDIM, DDPM, LARGE, WRONG, YOURS


class RowRuns:
    """The runs of all rows, step by step. Cached runs are replayed, the others call the network.

    Rounding can depend on the batch size. DDIM must be reproducible bit for bit, so it runs in a batch of its own, as in
    Steps. The other rows share their batches.

    Attributes:
        cached: runs from the cache, by row.
        calls_per_step: network calls in one step of all rows, counted for each picture.
        pictures: x_prev (C, H, W) of the latest step, by row.
    """

    def __init__(
        self, request: TabRequest[CompareOptions], x_T: Tensor, rows: dict[str, Settings], cache: ResultCache
    ) -> None:
        checkpoint, self._cache = request.checkpoint, cache
        self._requests = {
            name: PictureRequest(request.latent, s, wrong_labels=name == WRONG) for name, s in rows.items()
        }
        first_row: dict[object, str] = {}  # rows with equal pictures, such as "yours" at eta = 0, run once
        self._same_as = {name: first_row.setdefault(picture.key, name) for name, picture in self._requests.items()}
        runs = {name: cache.run(checkpoint, self._requests[name]) for name in first_row.values()}
        self.cached = {name: run for name, run in runs.items() if run is not None and run.complete}
        self._recorded = {
            name: Trajectory(checkpoint, x_T, rows[name]) for name in first_row.values() if name not in self.cached
        }
        batch = {name: Run(x_T, rows[name], wrong_labels=name == WRONG) for name in self._recorded if name != DDIM}
        self._batches = [(list(batch), denoise_together(checkpoint, list(batch.values())))] if batch else []
        if DDIM in self._recorded:
            self._batches.append(([DDIM], denoise_together(unshared(checkpoint), [Run(x_T, rows[DDIM])])))
        self.calls_per_step = sum(len(names) for names, _ in self._batches)
        self.pictures: dict[str, Tensor] = {}

    def step(self, index: int) -> dict[str, Step]:
        """Return the step of every row. Must be called with 0, 1, 2, …"""
        steps = {name: run.step(index) for name, run in self.cached.items()}
        for names, batch in self._batches:
            steps |= {name: step for name, step in zip(names, next(batch), strict=True) if step is not None}
        for name, run in self._recorded.items():
            run.record(steps[name])
        steps |= {name: steps[first] for name, first in self._same_as.items()}
        self.pictures = {name: step.x_prev[0] for name, step in steps.items()}
        return steps

    def cached_run(self, name: str) -> Trajectory | None:
        """The run of a row, if it is cached, or the same as another row that is."""
        return self.cached.get(self._same_as.get(name, name))

    def is_fresh(self, name: str) -> bool:
        """Whether the row is computed in this run: not cached, and not the same as another row."""
        return name in self._recorded

    def origins(self) -> list[Origin | None]:
        """How each of the cached runs was computed, if it comes from the disk."""
        return [self._cache.origin(run.checkpoint, self._requests[name]) for name, run in self.cached.items()]

    def cache_results(self) -> None:
        """Cache the finished runs for all tabs."""
        for name, run in self._recorded.items():
            self._cache.put_run(self._requests[name], run)


def row_settings(request: TabRequest[CompareOptions]) -> dict[str, Settings]:
    """Return the settings of each row, by name."""
    s = replace(request.settings, variance="eta")
    rows = {
        DDIM: replace(s, eta=0.0),
        YOURS: s,
        DDPM: replace(s, eta=1.0),
        LARGE: replace(s, eta=1.0, variance="large"),
    }
    return rows | {WRONG: replace(s, eta=0.0)} if request.options.wrong else rows


def coarse_runs(request: TabRequest[CompareOptions], x_T: Tensor, rows: dict[str, Settings]) -> dict[str, Run]:
    """Return the runs of the previews: of the rows by name, and of the other runs by the names of their pictures.

    They have :data:`~explorer.runs.results.PREVIEW_STEPS` steps. There are none if the rows have few steps themselves.
    """
    if request.settings.steps < PREVIEW_STEPS * PREVIEW_RATIO:
        return {}
    coarse = {name: replace(settings, steps=PREVIEW_STEPS) for name, settings in rows.items()}
    runs = {name: Run(x_T, settings, name == WRONG) for name, settings in coarse.items()}
    runs["ddim/other/0"] = runs[DDIM]
    for k, other in enumerate(other_requests(request, coarse[DDPM])):
        runs[f"ddpm/other/{k}"] = Run(x_T, other.settings)
    return runs


def other_requests(request: TabRequest[CompareOptions], settings: Settings) -> list[PictureRequest]:
    """Return the requests for the pictures with ``settings`` and the next noise seeds."""
    first = request.settings.noise_seeds(1)[0] + 1
    seeds = range(first, first + request.options.others)
    return [PictureRequest(request.latent, replace(settings, noise_seed=seed)) for seed in seeds]
