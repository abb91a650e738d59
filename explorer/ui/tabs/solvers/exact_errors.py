"""Errors of the solvers on a mixture in the plane, whose eps_theta is exact: they are the solver's own."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import latent
from explorer.mixture import Mixture
from explorer.schedule import Schedule
from explorer.solvers import SOLVERS, Solver, SolverRun, solution, solve_together, steps_within

Point = tuple[int, float]  # (network calls, error)
FINER = 20  # times as many time steps as DDPM's schedule, with the same alpha_bar
SCHEDULE = Schedule.linear(1000 * FINER, 1e-4 / FINER, 0.02 / FINER)
CALLS = (8, 16, 32, 64, 128, 256)
FITTED_FROM = 32  # with fewer calls the jumps are too long for the order to show
POINTS = 64
REFERENCE_STEPS = 500  # of rk4: halving them changes the points by less than 1e-7


@dataclass(frozen=True, eq=False)
class ExactProblem:
    """Points with an exact score, and where their paths end.

    Attributes:
        checkpoint: of the mixture.
        x_T: (1, 1, POINTS, 2) float64.
        reference: where a far more exact solution ends, same shape.
    """

    checkpoint: Checkpoint
    x_T: Tensor
    reference: Tensor

    def error(self, x: Tensor) -> float:
        """Return the median distance of the points ``x`` to the reference."""
        return float((x - self.reference).square().sum(-1).sqrt().median())


@lru_cache(maxsize=16)
def exact_problem(preset: str) -> ExactProblem:
    """Return the points of a mixture, by the name of its preset."""
    checkpoint = Mixture.preset(preset).checkpoint(SCHEDULE, POINTS)
    x_T = latent(checkpoint.shape, [0]).double()
    return ExactProblem(checkpoint, x_T, solution(checkpoint, x_T, "rk4", REFERENCE_STEPS, "log-snr"))


@lru_cache(maxsize=16)
def exact_errors(preset: str) -> Mapping[Solver, Sequence[Point]]:
    """Return the error of each solver for each number of calls, on time steps that are even in lambda.

    The error is the median distance of :data:`POINTS` points to where a far more exact solution ends.

    Args:
        preset: name of the mixture.
    """
    problem = exact_problem(preset)
    runs = [SolverRun(problem.x_T, solver, steps_within(solver, N), "log-snr") for solver in SOLVERS for N in CALLS]
    points: dict[Solver, list[Point]] = {solver: [] for solver in SOLVERS}
    for call in solve_together(problem.checkpoint, runs, max_rows=len(runs)):
        for index, step in call.steps.items():
            if step.t_prev == 0:
                points[runs[index].solver].append((step.calls, problem.error(step.x_prev)))
    return {solver: sorted(found) for solver, found in points.items()}


def slope(points: Sequence[Point], fitted_from: int = 0) -> float | None:
    """Return the order of convergence: minus the slope of log error over log calls, by least squares.

    Args:
        points: with positive errors.
        fitted_from: the fewest calls of a point that counts.

    Returns:
        None if fewer than two different numbers of calls count.
    """
    logs = [(math.log(calls), math.log(error)) for calls, error in points if calls >= 0.9 * fitted_from and error > 0]
    if len({x for x, _ in logs}) < 2:
        return None
    x, y = np.array(logs).T
    return -float(np.polyfit(x, y, 1)[0])
