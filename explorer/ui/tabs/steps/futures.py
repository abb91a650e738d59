"""Branching futures of a run: it is continued from one of its steps with other noise, and from others for a curve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from explorer.branching import branch
from explorer.runs.cancellation import State
from explorer.runs.results import PictureRequest
from explorer.runs.shared_network import unshared
from explorer.runs.throttle import Throttle
from explorer.schedule import Coefficients
from explorer.trajectory import Trajectory, evenly_spaced, rms
from explorer.ui.picture_stream import PictureStream
from explorer.ui.tabs.steps.forks import COUNT, Fork, ForkCache, columns_of
from explorer.ui.tabs.steps.options import StepsOptions

CURVE_FORKS = 9  # forks of the curve, spread over the run
TRUNK = 3  # steps of the run that it shows before the fork
SECONDS_BETWEEN_UPDATES = 0.2


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
        picture: the request for its picture.
        options: with ``fork`` above 0.
        cache: of finished forks; is read first.
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
        self, trajectory: Trajectory, picture: PictureRequest, options: StepsOptions, cache: ForkCache, state: State
    ) -> None:
        self._trajectory, self._picture, self._cache, self._run_state = trajectory, picture, cache, state
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
            self._cache.put(run.checkpoint, self._picture, fork)
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
        return self._cache.get(self._trajectory.checkpoint, self._picture, index)

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
