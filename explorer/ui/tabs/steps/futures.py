"""Branching futures of a run: it is continued from one of its steps with other noise, and from others for a curve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.branching import branch, pixel_std
from explorer.runs.cancellation import State
from explorer.runs.shared_network import unshared
from explorer.runs.throttle import Throttle
from explorer.schedule import Coefficients
from explorer.support.bounded_cache import BoundedCache
from explorer.trajectory import Trajectory, evenly_spaced, rms
from explorer.ui.picture_stream import PictureStream
from explorer.ui.tabs.steps.options import StepsOptions

COUNT = 8  # K, the futures of a fork
CURVE_FORKS = 9  # forks of the curve, spread over the run
COLUMNS = 3  # predicted x_0 of each future that the tree shows before the final picture
TRUNK = 3  # steps of the run that it shows before the fork
SECONDS_BETWEEN_UPDATES = 0.2
CACHE_BYTES = 24 << 20


@dataclass(frozen=True)
class Fork:
    """The finished continuations of one step.

    Attributes:
        index: of the step.
        predictions: predicted x_0 of the columns of the tree, each (K, C, H, W).
        pictures: the final pictures, (K, C, H, W).
    """

    index: int
    predictions: tuple[Tensor, ...]
    pictures: Tensor

    @property
    def pixel_std(self) -> float:
        return pixel_std(self.pictures)

    @property
    def largest(self) -> float:
        """Largest absolute difference between two of the pictures, at one value."""
        return float((self.pictures.amax(0) - self.pictures.amin(0)).max())

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.predictions, self.pictures))


ForkCache = BoundedCache[Fork]


def new_cache() -> ForkCache:
    """Return an empty cache of finished forks."""
    return BoundedCache(CACHE_BYTES)


def columns_of(index: int, steps: int) -> list[int]:
    """The steps after ``index`` whose predicted x_0 the tree shows. The last step is left out: its x_0 is the final picture."""
    between = range(index + 1, steps - 1)
    return [between[i] for i in evenly_spaced(len(between), COLUMNS)] if between else []


def curve_forks(kept: list[int]) -> list[int]:
    """The steps at which the curve forks, among those whose x_t is kept."""
    return [kept[i] for i in evenly_spaced(len(kept), CURVE_FORKS)]


def nearest_fork(kept: list[int], plan: list[Coefficients], t: int) -> int:
    """The kept step whose t is nearest to ``t``."""
    return min(kept, key=lambda i: abs(plan[i].t - t))


class Futures:
    """The futures of a run: its tree, and if it is asked for, the curve of the standard deviation over the step of the fork.

    Their network calls share no batch with those of other runs, so equal rows give equal pictures.

    Args:
        trajectory: the ended run.
        options: with ``fork`` above 0.
        cache: of finished forks; is read first.
        key: of the run, in the cache.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.

    Attributes:
        state: "waiting", "running", "stopped" or "ended".
        fork: index of the step that the tree forks at.
        evaluations: network evaluations so far, counted for each future.
        expected: all network evaluations, without those of cached forks.
        done: the finished forks by index.
        pictures: of the tree: ``trunk/j``, and ``k/j`` for column j of future k, the last one final.
    """

    def __init__(
        self, trajectory: Trajectory, options: StepsOptions, cache: ForkCache, key: object, state: State
    ) -> None:
        self._trajectory, self._cache, self._key, self._run_state = trajectory, cache, key, state
        kept, plan = trajectory.kept, trajectory.plan
        self.fork = nearest_fork(kept, plan, options.fork)
        self.has_curve = options.fork_curve
        others = [i for i in reversed(curve_forks(kept)) if i != self.fork] if self.has_curve else []
        self._forks = [self.fork, *others]  # late forks first: they cost least
        self.columns = columns_of(self.fork, len(plan))
        before = [i for i in kept if i <= self.fork]
        self.trunk = before[-1:] if len(before) < 2 else [before[i] for i in evenly_spaced(len(before), TRUNK)]
        self.state, self.evaluations = "waiting", 0
        self.done: dict[int, Fork] = {}
        self.expected = sum(COUNT * (len(plan) - i) for i in self._forks if self._cached(i) is None)
        self.pictures = PictureStream()

    @property
    def is_deterministic(self) -> bool:
        """Whether no noise is added from the fork on."""
        return all(c.sigma == 0 for c in self._trajectory.plan[self.fork :])

    def run(self) -> Iterator[None]:
        """Run the forks, and yield after every visible change. A superseded run ends without another one."""
        self.state = "running"
        for j, index in enumerate(self.trunk):
            self.pictures.add(f"trunk/{j}", self._trajectory.step(index).x0[0])
        yield
        for index in self._forks:
            yield from self._run_fork(index)
            if self.state != "running":
                return
        self.state = "ended"
        yield

    def _run_fork(self, index: int) -> Iterator[None]:
        fork = self._cached(index)
        if fork is None:
            run, predictions = self._trajectory, list[Tensor]()
            columns = columns_of(index, len(run.plan))
            throttle, pictures = Throttle(SECONDS_BETWEEN_UPDATES), torch.empty(0)
            x_t = run.step(index).x_t
            steps = branch(unshared(run.checkpoint), x_t, run.settings, index, COUNT)
            for i, step in enumerate(steps, index):
                self.evaluations += COUNT
                outcome = self._run_state()
                if i in columns:
                    predictions.append(step.x0)
                    self._show(index, len(predictions) - 1, step.x0)
                pictures = step.x_prev
                if outcome != "running" and step.t_prev > 0:
                    self.state = outcome
                    if outcome == "stopped":
                        yield
                    return
                if throttle.ready():
                    yield
                    throttle.done()
            fork = Fork(index, tuple(predictions), pictures)
            self._cache.put((self._key, index), fork, fork.nbytes)
        else:
            for j, prediction in enumerate(fork.predictions):
                self._show(index, j, prediction)
        self._show(index, len(columns_of(index, len(self._trajectory.plan))), fork.pictures)
        self.done[index] = fork
        yield

    def _show(self, index: int, column: int, pictures: Tensor) -> None:
        """Take pictures (K, C, H, W) as a column of the tree, if it forks at ``index``."""
        if index == self.fork:
            for k, picture in enumerate(pictures):
                self.pictures.add(f"{k}/{column}", picture)

    def _cached(self, index: int) -> Fork | None:
        return self._cache.get((self._key, index))

    @property
    def forks(self) -> list[int]:
        """The steps that are continued, in their order in the run."""
        return sorted(self._forks)

    def curve(self) -> list[tuple[int, float]]:
        """The standard deviation of each finished fork as (t, pixel_std), t descending."""
        plan = self._trajectory.plan
        return [(plan[i].t, self.done[i].pixel_std) for i in sorted(self.done)]

    def to_page(self) -> str:
        """Return the JSON value that the page shows, besides the pictures."""
        plan, fork = self._trajectory.plan, self.done.get(self.fork)
        numbers: dict[str, Any] = {"std": None, "largest": None, "distances": []}
        if fork is not None:
            own = self._trajectory.x_0
            distances = [rms(picture - own[0]) for picture in fork.pictures]
            numbers = {"std": fork.pixel_std, "largest": fork.largest, "distances": distances}
        return json.dumps(
            {
                "state": self.state,
                "index": self.fork,
                "t": plan[self.fork].t,
                "columns": [plan[i].t for i in self.columns],
                "trunk": [plan[i].t for i in self.trunk],
                "evaluations": self.evaluations,
                "expected": self.expected,
                "isDeterministic": self.is_deterministic,
                "hasCurve": self.has_curve,
                "curve": self.curve(),
                **numbers,
            }
        )
