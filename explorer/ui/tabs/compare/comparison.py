"""The run of Compare: all rows step by step, then the repeat of DDIM and DDPM's other noise seeds."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.custom_sampler import CustomStep
from explorer.evaluation.metrics import grain
from explorer.media.convert import to_unit
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.results import PREVIEW_RATIO, PREVIEW_STEPS, ResultCache
from explorer.runs.shared_network import unshared
from explorer.runs.throttle import Throttle
from explorer.sampler import Run, Step, ddpm_posterior_step, denoise_together
from explorer.trajectory import evenly_spaced, rms
from explorer.ui.custom_status import CustomStatus
from explorer.ui.real_pictures import examples_of
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.compare.custom_row import CustomRow
from explorer.ui.tabs.compare.options import CompareOptions
from explorer.ui.tabs.compare.repeat import Repeat, StoredRepeat
from explorer.ui.tabs.compare.result import DDIM, DDPM, MINE, WRONG, YOURS, CompareResult, RowFacts
from explorer.ui.tabs.compare.rows import RowRuns, coarse_runs, other_requests, row_settings

SECONDS_BETWEEN_UPDATES = 0.1


class Comparison:
    """One run of Compare.

    Args:
        request: the validated request.
        cache: pictures and runs, shared by all tabs.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.
        custom_step: the user's own step, for a row of its own.
    """

    def __init__(
        self,
        request: TabRequest[CompareOptions],
        cache: ResultCache,
        state: State,
        custom_step: CustomStep | None = None,
    ) -> None:
        self.request, self.checkpoint, self.state = request, request.checkpoint, state
        self.cache = cache
        self.settings = row_settings(request)
        self.result = CompareResult(
            request=request,
            rows=self.settings,
            plan=request.settings.plan(self.checkpoint.schedule),
            moments=evenly_spaced(request.settings.steps, request.options.moments),
            custom=CustomStatus.begin(custom_step),
        )
        self.x_T = request.latent.latent(self.checkpoint)
        self.rows = RowRuns(request, self.x_T, self.settings, cache)
        for origin in self.rows.origins():
            self.result.add_origin(origin)
        self.posterior_difference = 0.0  # largest one so far
        self.stored_repeat = StoredRepeat(request, self.settings[DDIM], cache.stored)
        self.known_repeat = self._find_repeat()
        self.others = other_requests(request, self.settings[DDPM])
        self.known_others = self._find_others()
        others = (self.known_repeat is None) + len(self.others) - len(self.known_others)
        runs = self.rows.calls_per_step + others
        self.result.expected_evaluations = request.settings.steps * runs
        self.previews = {
            name: run for name, run in coarse_runs(request, self.x_T, self.settings).items() if not self._is_known(name)
        }
        self.result.expected_evaluations += PREVIEW_STEPS * len(self.previews)
        self.custom_row = self._custom_row()
        self.rows_started = self.result.started

    def _custom_row(self) -> CustomRow | None:
        if self.result.custom is None:
            return None
        has_preview = self.request.settings.steps >= PREVIEW_STEPS * PREVIEW_RATIO
        row = CustomRow(self.request, self.x_T, self.result.custom, self.result, self.state, has_preview)
        self.result.expected_evaluations = (self.result.expected_evaluations or 0) + row.evaluations
        return row

    def _find_repeat(self) -> Repeat | None:
        """The repeat on disk. One beside a row that is computed now would compare another run."""
        stored = self.stored_repeat.get() if DDIM in self.rows.cached else None
        if stored is None or not stored.value.first.equal(self.rows.cached[DDIM].x_0[0]):
            return None
        self.result.add_origin(stored.origin)
        return stored.value

    def _find_others(self) -> dict[int, Tensor]:
        """The cached pictures (C, H, W) of the other noise seeds, by number."""
        found = {k: self.cache.picture(self.checkpoint, request) for k, request in enumerate(self.others)}
        for k, request in enumerate(self.others):
            if found[k] is not None:
                self.result.add_origin(self.cache.origin(self.checkpoint, request))
        return {k: picture for k, picture in found.items() if picture is not None}

    def _is_known(self, name: str) -> bool:
        """Whether a row, or the picture of a name, needs no call of the network."""
        kind, _, number = name.partition("/other/")
        if number:
            return self.known_repeat is not None if kind == DDIM else int(number) in self.known_others
        return self.rows.cached_run(name) is not None

    def run(self) -> Iterator[CompareResult]:
        """Yield the result after every visible change."""
        self._add_cached_rows()
        if self.previews:
            yield self.result
            self._add_previews()
            yield self.result
        if self.custom_row:
            self.custom_row.preview()
            yield self.result
        self.rows_started = time.perf_counter()
        yield from self._run_rows()
        self._measure_rows()
        self.rows.cache_results()
        yield self.result
        if self.custom_row:
            pictures = self.rows.pictures
            for _ in self.custom_row.run(self._add, pictures[YOURS], pictures[DDIM]):
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
        """Add a picture (C, H, W) of a row. With wrong labels, or by the user's step, it may be blank without a range of its own."""
        self.result.pictures.add(name, picture)
        shown = own_range(picture) if name.startswith((f"{WRONG}/", f"{MINE}/")) else None
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
        repeat = self.known_repeat
        if repeat is None:
            repeat = self._run_repeat()
            self.stored_repeat.put(repeat)
        self.result.pictures.add("ddim/other/0", repeat.again)
        self.result.facts[DDIM].repeat = repeat.difference

    def _run_repeat(self) -> Repeat:
        noise_seed = self.request.settings.noise_seeds(1)[0] + 1
        run = Run(self.x_T, replace(self.settings[DDIM], noise_seed=noise_seed))
        checkpoint = unshared(self.checkpoint)
        first, again = self.rows.pictures[DDIM], self._final_pictures(checkpoint, [run])[0]
        if DDIM in self.rows.cached and not first.equal(again):  # the cached run shared its batches with other runs
            first = self._final_pictures(checkpoint, [run])[0]
        return Repeat(first, again)

    def _run_other_seeds(self) -> None:
        """Run DDPM with K other noise seeds, those that are not cached."""
        numbers = [k for k in range(len(self.others)) if k not in self.known_others]
        runs = [Run(self.x_T, self.others[k].settings) for k in numbers]
        pictures = self._final_pictures(self.checkpoint, runs) if runs else []
        for k, picture in zip(numbers, pictures, strict=True):
            self.cache.put_picture(self.checkpoint, self.others[k], picture)
        new = dict(zip(numbers, pictures, strict=True))
        for k in range(len(self.others)):
            picture = new[k] if k in new else self.known_others[k]
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


def own_range(picture: Tensor) -> tuple[float, float] | None:
    """Return the range to show a picture on that would be blank on [-1, 1]; None if at least half of its values lie there.

    The range leaves out the hundredth of the values at each end.
    """
    if (picture.abs() <= 1).float().mean() >= 0.5:
        return None
    low, high = (float(v) for v in picture.flatten().quantile(torch.tensor([0.01, 0.99]).to(picture)))
    return (low, high) if math.isfinite(high - low) and high > low else None


def posterior_difference(step: Step) -> float:
    """Return the largest difference between a step with eta = 1 and DDPM's posterior step with the same noise."""
    expected = ddpm_posterior_step(step.x_t, step.x0, step.z, step.coefficients)
    return float((step.x_prev.double() - expected).abs().max())


def example_grain(checkpoint: Checkpoint) -> float | None:
    """Return the mean grain of the checkpoint's held-out pictures; None if it has none."""
    images = examples_of(checkpoint)
    return float(grain(to_unit(images[:64])).mean()) if len(images) else None
