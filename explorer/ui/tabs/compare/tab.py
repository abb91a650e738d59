"""The Compare tab: from one latent, several ways to step, side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.evaluation.metrics import grain
from explorer.media.convert import to_unit
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.latent_spec import MAX_SEED
from explorer.runs.results import PictureRequest, ResultCache
from explorer.runs.shared_network import unshared
from explorer.runs.throttle import Throttle
from explorer.sampler import Run, Step, ddpm_posterior_step, denoise_together
from explorer.settings import Settings
from explorer.trajectory import Trajectory, evenly_spaced, rms
from explorer.ui.fields import InvalidField, Options, boolean, integer
from explorer.ui.localization import LocalizedMessage
from explorer.ui.real_pictures import examples_of
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.compare.endpoints import ENDPOINTS
from explorer.ui.tabs.compare.exports import EXPORT_FORMATS
from explorer.ui.tabs.compare.result import DDIM, DDPM, LARGE, WRONG, YOURS, CompareResult, RowFacts

SECONDS_BETWEEN_UPDATES = 0.1


@dataclass(frozen=True)
class CompareOptions(Options):
    """Settings of the Compare tab.

    Attributes:
        wrong: show the row whose network is told wrong labels.
        moments: columns of each row, evenly spaced over tau.
        others: K, how many other noise seeds DDPM is run with.
    """

    wrong: bool = True
    moments: int = 10
    others: int = 4

    checks: ClassVar = {
        "wrong": boolean("wrong"),
        "moments": integer("moments", 8, 12),
        "others": integer("others", 1, 8),
    }


class CompareTab(Tab[CompareOptions]):
    """Rows that share x_T, S and the network; sigma differs, and in one row the label."""

    name, options = "compare", CompareOptions
    export_formats, endpoints = EXPORT_FORMATS, ENDPOINTS
    unused_fields = ("variance",)
    view_keys = ("show", "moment")

    def check(self, request: TabRequest[CompareOptions]) -> TabRequest[CompareOptions]:
        """The other noise seeds are counted up from the first one."""
        highest = MAX_SEED - request.options.others
        if request.settings.noise_seed > highest:  # type: ignore[operator]
            raise InvalidField("noise_seed", LocalizedMessage("error.noise_seed_more", {"highest": highest}))
        return request

    def results(self, request: TabRequest[CompareOptions], state: State) -> Iterator[CompareResult]:
        """All rows together first, then the repeat of DDIM and DDPM's other noise seeds."""
        checkpoint, rows = request.checkpoint, settings_of_rows(request)
        moments = evenly_spaced(request.settings.steps, request.options.moments)
        plan = request.settings.plan(checkpoint.schedule)
        result = CompareResult(request=request, rows=rows, plan=plan, moments=moments)
        x_T = request.latent.latent(checkpoint)
        running = Rows(checkpoint, request, x_T, rows, self.services.results)
        repeat, others = other_runs(request, x_T, rows)
        result.expected_evaluations = request.settings.steps * (running.calls_per_step + 1 + len(others))
        yield from run_rows(running, result, state)
        running.cache_results()
        yield result

        first, again = running.pictures[DDIM], run_to_the_end(unshared(checkpoint), [repeat], result, state)[0]
        if DDIM in running.cached and not first.equal(again):  # the cached one was made in calls shared with other runs
            first = run_to_the_end(unshared(checkpoint), [repeat], result, state)[0]
        result.pictures.add("ddim/other/0", again)
        result.facts[DDIM].repeat = float((again - first).abs().max())
        for k, picture in enumerate(run_to_the_end(checkpoint, others, result, state)):
            result.pictures.add(f"ddpm/other/{k}", picture)
            result.facts[DDPM].others.append(rms(picture - running.pictures[DDPM]))
        result.state = "ended"
        yield result


class Rows:
    """The rows of a comparison, step by step. Cached runs are replayed, the others go through the network.

    The rounding of a row can depend on the size of its batch. DDIM, whose repeat is to have the same bits, goes alone, as it
    does in Steps; the other rows share their calls.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        request: TabRequest[CompareOptions],
        x_T: Tensor,
        rows: dict[str, Settings],
        cache: ResultCache,
    ) -> None:
        self.cache = cache
        self.requests = {name: PictureRequest(request.latent, s) for name, s in rows.items() if name != WRONG}
        first: dict[object, str] = {}
        self.same_as = {name: first.setdefault(picture.key, name) for name, picture in self.requests.items()}
        runs = {name: cache.run(checkpoint, self.requests[name]) for name in first.values()}
        self.cached = {name: run for name, run in runs.items() if run is not None and run.complete}
        self.fresh = {n: Trajectory(checkpoint, x_T, rows[n]) for n in first.values() if n not in self.cached}
        together = {name: Run(x_T, rows[name]) for name in self.fresh if name != DDIM}
        if WRONG in rows:
            together[WRONG] = Run(x_T, rows[WRONG], wrong_labels=True)
        self.live = [(list(together), denoise_together(checkpoint, list(together.values())))] if together else []
        if DDIM in self.fresh:
            self.live.append(([DDIM], denoise_together(unshared(checkpoint), [Run(x_T, rows[DDIM])])))
        self.calls_per_step = sum(len(names) for names, _ in self.live)
        self.pictures: dict[str, Tensor] = {}  # x_prev of the last step, (C, H, W), by row

    def step(self, index: int) -> dict[str, Step]:
        """The step of every row. Steps have to be asked for in order."""
        steps = {name: run.step(index) for name, run in self.cached.items()}
        for names, together in self.live:
            steps |= {name: step for name, step in zip(names, next(together), strict=True) if step is not None}
        for name, run in self.fresh.items():
            run.record(steps[name])
        steps |= {name: steps[first] for name, first in self.same_as.items()}
        self.pictures = {name: step.x_prev[0] for name, step in steps.items()}
        return steps

    def is_fresh(self, name: str) -> bool:
        """Whether the row was computed now."""
        return name in self.fresh or name == WRONG

    def cache_results(self) -> None:
        """The rows are done: let other tabs reuse them."""
        for name, run in self.fresh.items():
            self.cache.put_run(self.requests[name], run)


def run_rows(running: Rows, result: CompareResult, state: State) -> Iterator[CompareResult]:
    """Run all rows together, and yield the result now and then when the pictures of a moment are there."""
    throttle, difference = Throttle(SECONDS_BETWEEN_UPDATES), 0.0
    for index in range(len(result.plan)):
        steps = running.step(index)
        result.evaluations = (result.evaluations or 0) + running.calls_per_step
        difference = max(difference, posterior_difference(steps[DDPM]))
        if index not in result.moments:
            continue
        for name, step in steps.items():
            result.pictures.add(f"{name}/{index}/x0", step.x0[0])
            result.pictures.add(f"{name}/{index}/x_t", step.x_t[0])
        if throttle.ready():
            yield result
            throttle.done()
        check_cancelled(state)
    seconds = (time.perf_counter() - result.started) / max(1, running.calls_per_step)
    ddim = running.pictures[DDIM]
    for name in result.rows:
        picture = running.pictures[name]
        result.pictures.add(f"{name}/end", picture)
        result.facts[name] = RowFacts(
            calls=len(result.plan),
            seconds=seconds if running.is_fresh(name) else None,
            distance=rms(picture - ddim),
            grain=float(grain(picture[None])),
        )
    result.facts[DDPM].posterior = difference
    result.example_grain = example_grain(result.checkpoint)


def run_to_the_end(checkpoint: Checkpoint, runs: list[Run], result: CompareResult, state: State) -> list[Tensor]:
    """The pictures (C, H, W) of ``runs``."""
    pictures: list[Tensor] = []
    for steps in denoise_together(checkpoint, runs):
        result.evaluations = (result.evaluations or 0) + len(runs)
        pictures = [step.x_prev[0] for step in steps if step is not None]
        check_cancelled(state)
    return pictures


def settings_of_rows(request: TabRequest[CompareOptions]) -> dict[str, Settings]:
    """The settings of each row, by name."""
    s = replace(request.settings, variance="eta")
    rows = {
        DDIM: replace(s, eta=0.0),
        YOURS: s,
        DDPM: replace(s, eta=1.0),
        LARGE: replace(s, eta=1.0, variance="large"),
    }
    return rows | {WRONG: replace(s, eta=0.0)} if request.options.wrong else rows


def other_runs(request: TabRequest[CompareOptions], x_T: Tensor, rows: dict[str, Settings]) -> tuple[Run, list[Run]]:
    """DDIM once more with another noise seed, and DDPM with K other ones."""
    seed = request.settings.noise_seeds(1)[0]
    repeat = Run(x_T, replace(rows[DDIM], noise_seed=seed + 1))
    seeds = range(seed + 1, seed + 1 + request.options.others)
    return repeat, [Run(x_T, replace(rows[DDPM], noise_seed=s)) for s in seeds]


def posterior_difference(step: Step) -> float:
    """Largest difference between a step at eta = 1 and DDPM's own formula on the same noise."""
    expected = ddpm_posterior_step(step.x_t, step.x0, step.z, step.coefficients)
    return float((step.x_prev.double() - expected).abs().max())


def example_grain(checkpoint: Checkpoint) -> float | None:
    """Mean grain of the checkpoint's held-out pictures, to compare with; None if it ships none."""
    images = examples_of(checkpoint)
    return float(grain(to_unit(images[:64])).mean()) if len(images) else None
