"""The run of Compare: all rows step by step, then the repeat of DDIM and DDPM's other noise seeds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.evaluation.metrics import grain
from explorer.media.convert import to_unit
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.results import PREVIEW_RATIO, PREVIEW_STEPS, PictureRequest, ResultCache
from explorer.runs.shared_network import unshared
from explorer.runs.throttle import Throttle
from explorer.sampler import Run, Step, ddpm_posterior_step, denoise_together
from explorer.settings import Settings
from explorer.trajectory import Trajectory, evenly_spaced, rms
from explorer.ui.real_pictures import examples_of
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.compare.options import CompareOptions
from explorer.ui.tabs.compare.result import DDIM, DDPM, LARGE, WRONG, YOURS, CompareResult, RowFacts

SECONDS_BETWEEN_UPDATES = 0.1


class Comparison:
    """One run of Compare.

    Args:
        request: the validated request.
        cache: pictures and runs, shared by all tabs.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.
    """

    def __init__(self, request: TabRequest[CompareOptions], cache: ResultCache, state: State) -> None:
        self.request, self.checkpoint, self.state = request, request.checkpoint, state
        self.settings = row_settings(request)
        self.result = CompareResult(
            request=request,
            rows=self.settings,
            plan=request.settings.plan(self.checkpoint.schedule),
            moments=evenly_spaced(request.settings.steps, request.options.moments),
        )
        self.x_T = request.latent.latent(self.checkpoint)
        self.rows = RowRuns(request, self.x_T, self.settings, cache)
        self.posterior_difference = 0.0  # largest one so far
        others = 1 + request.options.others  # 1 for the repeat of DDIM
        runs = self.rows.calls_per_step + others
        self.result.expected_evaluations = request.settings.steps * runs
        self.previews = {
            name: run
            for name, run in coarse_runs(request, self.x_T, self.settings).items()
            if self.rows.cached_run(name) is None
        }
        self.result.expected_evaluations += PREVIEW_STEPS * len(self.previews)
        self.rows_started = self.result.started

    def run(self) -> Iterator[CompareResult]:
        """Yield the result after every visible change."""
        self._add_cached_rows()
        if self.previews:
            yield self.result
            self._add_previews()
            yield self.result
        self.rows_started = time.perf_counter()
        yield from self._run_rows()
        self._measure_rows()
        self.rows.cache_results()
        yield self.result
        self._repeat_ddim()
        self._run_other_seeds()
        self.result.state = "ended"
        yield self.result

    def _add_cached_rows(self) -> None:
        """Add all pictures of the rows that need no network call."""
        for name in self.result.rows:
            run = self.rows.cached_run(name)
            if run is None:
                continue
            for index in self.result.moments:
                self._add_step(name, index, run.step(index))
            self.result.pictures.add(f"{name}/end", run.x_0[0])

    def _add_step(self, name: str, index: int, step: Step) -> None:
        self._add(f"{name}/{index}/x0", step.x0[0])
        self._add(f"{name}/{index}/x_t", step.x_t[0])

    def _add_previews(self) -> None:
        """Run all rows with few steps, and show their pictures, predicted x_0 and x_t until those of the rows are there."""
        result, names = self.result, list(self.previews)
        runs: dict[str, list[Step]] = {name: [] for name in names}
        for steps in denoise_together(self.checkpoint, list(self.previews.values())):
            self._count_calls(len(names))
            for name, step in zip(names, steps, strict=True):
                runs[name] += [step] if step else []
            check_cancelled(self.state)
        for name, run in runs.items():
            if name not in result.rows:
                self._preview(name, run[-1].x_prev[0])
                continue
            self._preview(f"{name}/end", run[-1].x_prev[0])
            for index in result.moments:
                step = [run[0], *(step for step in run if step.t >= result.plan[index].t)][-1]
                self._preview(f"{name}/{index}/x0", step.x0[0])
                self._preview(f"{name}/{index}/x_t", step.x_t[0])

    def _preview(self, name: str, picture: Tensor) -> None:
        self.result.pictures.add_preview(name, picture, PREVIEW_STEPS, self.request.settings.steps)

    def _run_rows(self) -> Iterator[CompareResult]:
        """Run all rows together. Yield the result when the pictures of a column are there."""
        result, throttle = self.result, Throttle(SECONDS_BETWEEN_UPDATES)
        for index in range(len(result.plan)):
            steps = self.rows.step(index)
            self._count_calls(self.rows.calls_per_step)
            self.posterior_difference = max(self.posterior_difference, posterior_difference(steps[DDPM]))
            if index not in result.moments:
                continue
            for name, step in steps.items():
                if self.rows.cached_run(name) is None:
                    self._add_step(name, index, step)
            if throttle.ready():
                yield result
                throttle.done()
            check_cancelled(self.state)

    def _add(self, name: str, picture: Tensor) -> None:
        """Add a picture (C, H, W) of a row. With wrong labels the page may need a range of its own to show anything."""
        self.result.pictures.add(name, picture)
        shown = own_range(picture) if name.startswith(f"{WRONG}/") else None
        if shown is not None:
            low, high = self.result.ranges[name] = shown
            self.result.pictures.add(f"{name}/own", 2 * (picture - low) / (high - low) - 1)

    def _measure_rows(self) -> None:
        """Add the final pictures and measurements of the rows."""
        result = self.result
        seconds = (time.perf_counter() - self.rows_started) / max(1, self.rows.calls_per_step)
        ddim = self.rows.pictures[DDIM]
        for name in result.rows:
            picture = self.rows.pictures[name]
            self._add(f"{name}/end", picture)
            result.facts[name] = RowFacts(
                calls=len(result.plan),
                seconds=seconds if self.rows.is_fresh(name) else None,
                distance=rms(picture - ddim),
                grain=float(grain(picture[None])),
            )
        result.facts[DDPM].posterior = self.posterior_difference
        result.example_grain = example_grain(self.checkpoint)

    def _repeat_ddim(self) -> None:
        """Run DDIM again with another noise seed; its picture should be identical bit for bit."""
        noise_seed = self.request.settings.noise_seeds(1)[0] + 1
        run = Run(self.x_T, replace(self.settings[DDIM], noise_seed=noise_seed))
        checkpoint = unshared(self.checkpoint)
        first, repeat = self.rows.pictures[DDIM], self._final_pictures(checkpoint, [run])[0]
        if DDIM in self.rows.cached and not first.equal(repeat):  # the cached run shared its batches with other runs
            first = self._final_pictures(checkpoint, [run])[0]
        self.result.pictures.add("ddim/other/0", repeat)
        self.result.facts[DDIM].repeat = float((repeat - first).abs().max())

    def _run_other_seeds(self) -> None:
        """Run DDPM with K other noise seeds."""
        first = self.request.settings.noise_seeds(1)[0] + 1
        seeds = range(first, first + self.request.options.others)
        runs = [Run(self.x_T, replace(self.settings[DDPM], noise_seed=seed)) for seed in seeds]
        for k, picture in enumerate(self._final_pictures(self.checkpoint, runs)):
            self.result.pictures.add(f"ddpm/other/{k}", picture)
            self.result.facts[DDPM].others.append(rms(picture - self.rows.pictures[DDPM]))

    def _final_pictures(self, checkpoint: Checkpoint, runs: list[Run]) -> list[Tensor]:
        """Return the final pictures (C, H, W) of ``runs``."""
        pictures: list[Tensor] = []
        for steps in denoise_together(checkpoint, runs):
            self._count_calls(len(runs))
            pictures = [step.x_prev[0] for step in steps if step is not None]
            check_cancelled(self.state)
        return pictures

    def _count_calls(self, calls: int) -> None:
        self.result.evaluations = (self.result.evaluations or 0) + calls


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
        self._requests = {name: PictureRequest(request.latent, s) for name, s in rows.items() if name != WRONG}
        first_row: dict[object, str] = {}  # rows with equal pictures, such as "yours" at eta = 0, run once
        self._same_as = {name: first_row.setdefault(picture.key, name) for name, picture in self._requests.items()}
        runs = {name: cache.run(checkpoint, self._requests[name]) for name in first_row.values()}
        self.cached = {name: run for name, run in runs.items() if run is not None and run.complete}
        self._recorded = {
            name: Trajectory(checkpoint, x_T, rows[name]) for name in first_row.values() if name not in self.cached
        }
        batch = {name: Run(x_T, rows[name]) for name in self._recorded if name != DDIM}
        if WRONG in rows:
            batch[WRONG] = Run(x_T, rows[WRONG], wrong_labels=True)
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
        return name in self._recorded or name == WRONG

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


def own_range(picture: Tensor) -> tuple[float, float] | None:
    """Return the range to show a picture on that would be blank on [-1, 1]; None if at least half of its values lie there.

    The range leaves out the hundredth of the values at each end.
    """
    if (picture.abs() <= 1).float().mean() >= 0.5:
        return None
    low, high = (float(v) for v in picture.flatten().quantile(torch.tensor([0.01, 0.99]).to(picture)))
    return (low, high) if math.isfinite(high - low) and high > low else None


def coarse_runs(request: TabRequest[CompareOptions], x_T: Tensor, rows: dict[str, Settings]) -> dict[str, Run]:
    """Return the runs of the previews: of the rows by name, and of the other runs by the names of their pictures.

    They have :data:`~explorer.runs.results.PREVIEW_STEPS` steps. There are none if the rows have few steps themselves.
    """
    if request.settings.steps < PREVIEW_STEPS * PREVIEW_RATIO:
        return {}
    coarse = {name: replace(settings, steps=PREVIEW_STEPS) for name, settings in rows.items()}
    runs = {name: Run(x_T, settings, name == WRONG) for name, settings in coarse.items()}
    runs["ddim/other/0"] = runs[DDIM]
    first = coarse[DDPM].noise_seeds(1)[0] + 1
    for k in range(request.options.others):
        runs[f"ddpm/other/{k}"] = Run(x_T, replace(coarse[DDPM], noise_seed=first + k))
    return runs


def posterior_difference(step: Step) -> float:
    """Return the largest difference between a step with eta = 1 and DDPM's posterior step with the same noise."""
    expected = ddpm_posterior_step(step.x_t, step.x0, step.z, step.coefficients)
    return float((step.x_prev.double() - expected).abs().max())


def example_grain(checkpoint: Checkpoint) -> float | None:
    """Return the mean grain of the checkpoint's held-out pictures; None if it has none."""
    images = examples_of(checkpoint)
    return float(grain(to_unit(images[:64])).mean()) if len(images) else None
