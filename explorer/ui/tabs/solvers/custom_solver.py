"""The user's own step in Solvers: a row, its errors over N, and its errors with an exact score. eta is 0."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.custom_sampler import CustomSample, denoise_custom
from explorer.runs.cancellation import State, check_cancelled
from explorer.schedule import jumps
from explorer.solvers import SolverSpacing, solver_timesteps
from explorer.ui.custom_status import CustomStatus
from explorer.ui.tabs.solvers.exact_errors import CALLS, FITTED_FROM, Point, exact_problem, slope

MINE = "mine"


@dataclass
class CustomSolver:
    """The runs of the user's step, one call of the network per step. The noise z of every run has the seed 0.

    Attributes:
        status: of the step. A problem ends its runs and nothing else.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.
        error: rms difference of the row's picture to the reference over the range of a picture; None so far.
        difference: largest difference of a step of the row to Eq. 12 on the same arguments; None before its end.
        sweep: errors over network calls.
        exact: the same with an exact score.
    """

    status: CustomStatus
    state: State
    error: float | None = None
    difference: float | None = None
    sweep: list[Point] = field(default_factory=list)
    exact: list[Point] = field(default_factory=list)

    def run(
        self, checkpoint: Checkpoint, x_T: Tensor, steps: int, spacing: SolverSpacing, clip: bool = False
    ) -> Iterator[CustomSample]:
        """Yield the steps of a run until its end, or until the step fails."""
        schedule = checkpoint.schedule
        plan = [schedule.coefficients(t, t_prev) for t, t_prev in jumps(solver_timesteps(schedule, steps, spacing))]
        if self.status.problem is not None:
            return
        with self.status.reported():
            for sample in denoise_custom(checkpoint, x_T, self.status.step, plan, 0.0, range(len(x_T)), clip):
                yield sample
                check_cancelled(self.state)

    def measure_exactly(self, preset: str) -> None:
        """Measure the errors with the exact score of a mixture, as for the other solvers."""
        problem = exact_problem(preset)
        for calls in CALLS:
            *_, last = [None, *self.run(problem.checkpoint, problem.x_T, calls, "log-snr")]
            if last is None or last.t_prev:
                return
            self.exact.append((calls, problem.error(last.x_prev)))

    def to_page(self) -> dict[str, Any]:
        """Return the state and the measurements as JSON values."""
        return self.status.to_page() | {
            "error": self.error,
            "difference": self.difference,
            "sweep": {"points": self.sweep, "slope": slope(self.sweep)},
            "exact": {"points": self.exact, "slope": slope(self.exact, FITTED_FROM)},
        }
