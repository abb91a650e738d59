"""Solvers of the probability-flow ODE, of which DDIM at eta = 0 is Euler's method.

In the variables x_bar = x / sqrt(ab) and s = sqrt((1 - ab) / ab), with ab = alpha_bar, the ODE of DDIM (Song, Meng & Ermon
2020, arXiv 2010.02502, Eq. 14) is

    d x_bar / d s = eps_theta(x, t),        s from s_T down to s_0 = 0.

Every solver takes DDIM's step with its own estimate eps of the mean of eps_theta over the jump t -> t_prev:

    x_prev = sqrt(ab_prev) * (x_t / sqrt(ab_t) + (s_prev - s_t) * eps)
           = sqrt(ab_prev) * (x_t - sqrt(1 - ab_t) * eps) / sqrt(ab_t) + sqrt(1 - ab_prev) * eps       (Eq. 12, sigma = 0)

:mod:`explorer.solver_steps` has the estimates, each with formula, order and source.

**The last step.** At t = 0 the network is not defined, and lambda = -log s is infinite. "heun", "dpm-solver-2",
"dpm-solver++-2m" and "rk4" would need one or the other, and take DDIM's step there, which returns predicted x_0; "ddim" and "plms"
need neither. A single step of Euler's method has an error of O(s_t^2). With the spacing "linear" the last jump gets shorter with S only
like 1/S, so "rk4" reaches its order with the spacing "log-snr" only, whose last jump is 1 -> 0 for every S.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.sampler import check_latents, predicted_x0
from explorer.schedule import SPACINGS, Schedule, Spacing, jumps, timesteps
from explorer.solver_steps import (
    ESTIMATES,
    ORDERS,
    SOLVERS,
    NetworkCall,
    Ode,
    Solver,
    SolverStep,
    half_log_snr,
    transfer,
)
from explorer.support.arguments import as_int, shorten

__all__ = [
    "ORDERS",
    "SOLVERS",
    "SOLVER_SPACINGS",
    "SharedCall",
    "Solver",
    "SolverRun",
    "SolverSpacing",
    "SolverStep",
    "dpm_solver_1_step",
    "network_calls",
    "solution",
    "solve",
    "solve_together",
    "solver_timesteps",
    "steps_within",
    "transfer",
]

SolverSpacing = Spacing | Literal["log-snr"]
SOLVER_SPACINGS = (*SPACINGS, "log-snr")


@dataclass(frozen=True, eq=False)
class SolverRun:
    """One run of a solver, for :func:`solve_together`.

    Attributes:
        x_T: (B, C, H, W).
        solver: one of :data:`SOLVERS`.
        steps: S, in 1..T.
        spacing: of tau, see :func:`solver_timesteps`.
        clip: clamp every predicted x_0 to [-1, 1] and recompute eps_theta from it.
    """

    x_T: Tensor
    solver: Solver = "ddim"
    steps: int = 50
    spacing: SolverSpacing = "linear"
    clip: bool = False


def solve(
    checkpoint: Checkpoint,
    x_T: Tensor,
    solver: Solver = "ddim",
    steps: int = 50,
    spacing: SolverSpacing = "linear",
    clip: bool = False,
) -> Iterator[SolverStep]:
    """Solve the probability-flow ODE from x_T, one step at a time.

    Args:
        x_T: (B, C, H, W) float32, or float64 for a checkpoint whose eps_theta is computed in it. It is not modified.
        solver: one of :data:`SOLVERS`. "ddim" gives the steps of :func:`explorer.denoise` at eta = 0.
        steps: S, in 1..T. Solvers of higher order call the network several times per step, see :func:`network_calls`.
        spacing: of tau, as in :class:`explorer.Settings`, or "log-snr", see :func:`solver_timesteps`.
        clip: clamp every predicted x_0 to [-1, 1] and recompute eps_theta from it, also between the steps.

    Yields:
        Every :class:`SolverStep`, t descending; the last t_prev is 0, and the last x_prev the picture. The network is called when a
        step is requested.

    Raises:
        ValueError: at the call: the solver or the spacing is unknown, ``steps`` is outside 1..T, or ``x_T`` does not have the
            checkpoint's shape.
    """
    steps_of_run = _steps(checkpoint, SolverRun(x_T, solver, steps, spacing, clip))

    def drive() -> Iterator[SolverStep]:
        item: NetworkCall | SolverStep | None = next(steps_of_run)
        while item is not None:
            if isinstance(item, SolverStep):
                yield item
                item = next(steps_of_run, None)
            else:
                item = steps_of_run.send(checkpoint.predict_noise(item.x, item.t))

    return drive()


def solution(
    checkpoint: Checkpoint,
    x_T: Tensor,
    solver: Solver = "ddim",
    steps: int = 50,
    spacing: SolverSpacing = "linear",
    clip: bool = False,
) -> Tensor:
    """Return the result of :func:`solve`, the last x_prev, (B, C, H, W). Arguments and errors as for :func:`solve`."""
    x_t = x_T
    for step in solve(checkpoint, x_T, solver, steps, spacing, clip):
        x_t = step.x_prev
    return x_t


@dataclass(frozen=True, eq=False)
class SharedCall:
    """One call of the network by :func:`solve_together`.

    Attributes:
        rows: number of pictures in the call.
        steps: the steps that it completed, by index of the run; often none.
    """

    rows: int
    steps: Mapping[int, SolverStep]


def solve_together(checkpoint: Checkpoint, runs: Sequence[SolverRun], max_rows: int = 8) -> Iterator[SharedCall]:
    """Run :func:`solve` for several runs at once, so that they share calls of the network.

    Runs start in order, as many at once as have ``max_rows`` rows together (at least one). One with more rows than that is called
    whole.

    Yields:
        Every call of the network.

    Raises:
        ValueError: at the call: as for :func:`solve`.
    """
    generators = [_steps(checkpoint, run) for run in runs]
    return _drive_together(checkpoint, [len(run.x_T) for run in runs], generators, max_rows)


def _drive_together(
    checkpoint: Checkpoint, rows: Sequence[int], generators: Sequence[_Steps], max_rows: int
) -> Iterator[SharedCall]:
    waiting, asked = list(range(len(generators))), dict[int, NetworkCall]()
    while waiting or asked:
        while waiting and (not asked or sum(rows[i] for i in asked) + rows[waiting[0]] <= max_rows):
            i = waiting.pop(0)
            asked[i] = next(generators[i])  # type: ignore[assignment]  # the first item is a call
        done, called = dict[int, SolverStep](), sum(rows[i] for i in asked)
        for i, eps in zip(list(asked), _predict_noise(checkpoint, list(asked.values())), strict=True):
            item: NetworkCall | SolverStep | None = generators[i].send(eps)
            if isinstance(item, SolverStep):
                done[i] = item
                item = next(generators[i], None)
            if item is None:
                del asked[i]
            else:
                asked[i] = item  # type: ignore[assignment]  # two steps do not follow each other without a call
        yield SharedCall(called, done)


def _predict_noise(checkpoint: Checkpoint, calls: Sequence[NetworkCall]) -> Sequence[Tensor]:
    """eps_theta of several calls in one call of the network."""
    labels = torch.cat([torch.full((len(call.x),), call.t) for call in calls])
    t = calls[0].t if len({call.t for call in calls}) == 1 else labels
    return checkpoint.predict_noise(torch.cat([call.x for call in calls]), t).split([len(call.x) for call in calls])


_Steps = Generator[NetworkCall | SolverStep, Tensor, None]


def _steps(checkpoint: Checkpoint, run: SolverRun) -> _Steps:
    """A generator that yields the network calls of a run, expects their results to be sent, and yields its steps.

    Raises:
        ValueError: at the call, as for :func:`solve`.
    """
    if run.solver not in ESTIMATES:
        raise ValueError(f"solver must be one of {', '.join(SOLVERS)}, not {shorten(run.solver)}")
    check_latents("x_T", run.x_T, checkpoint)
    tau = solver_timesteps(checkpoint.schedule, run.steps, run.spacing)
    estimate, alpha_bar = ESTIMATES[run.solver], checkpoint.schedule.alpha_bar

    def steps() -> _Steps:
        x_t, calls = run.x_T, 0
        past: list[SolverStep] = []
        for t, t_prev in jumps(tau):
            ode = Ode(checkpoint.schedule, run.clip)
            eps_theta = yield from ode.predict(x_t, t)
            eps = yield from estimate(ode, x_t, eps_theta, t, t_prev, past)
            calls += len(ode.labels)
            step = SolverStep(
                t=t,
                t_prev=t_prev,
                alpha_bar=float(alpha_bar[t]),
                alpha_bar_prev=float(alpha_bar[t_prev]),
                x_t=x_t,
                eps_theta=eps_theta,
                eps=eps,
                x0=predicted_x0(x_t, eps_theta, float(alpha_bar[t])),
                x_prev=ode.move(x_t, eps, t, t_prev),
                labels=tuple(ode.labels),
                calls=calls,
            )
            x_t, past = step.x_prev, [*past[-MAX_PAST:], step]
            yield step

    return steps()


MAX_PAST = 3  # steps before that a solver may use, so that longer runs keep no more in memory


def solver_timesteps(schedule: Schedule, steps: int, spacing: SolverSpacing = "linear") -> list[int]:
    """Return tau of a run: :func:`explorer.timesteps`, or with "log-snr" the labels nearest to equal steps in lambda.

    "log-snr" starts at T and ends at 1 (for S = 1 it is T alone), as DPM-Solver recommends (Lu et al. 2022, arXiv
    2206.00927). A label that would repeat an earlier one is raised to the next, so with many steps those at small t
    are longer than the others.

    Returns:
        S ints in 1..T, strictly ascending.

    Raises:
        ValueError: ``steps`` is outside 1..T, or the spacing is unknown.
    """
    if spacing != "log-snr":
        if spacing not in SPACINGS:
            raise ValueError(f"spacing must be one of {', '.join(SOLVER_SPACINGS)}, not {shorten(spacing)}")
        return timesteps(schedule.T, steps, spacing)
    T = schedule.T
    S = as_int("S (number of steps)", steps, 1, T)
    if S == 1:
        return [T]
    lambdas = half_log_snr(schedule)[1:]  # descending in t
    wanted = np.linspace(lambdas[0], lambdas[-1], S)
    above = np.clip(np.searchsorted(-lambdas, -wanted), 1, T - 1)  # index of the label at or above each
    nearest = above - (np.abs(lambdas[above - 1] - wanted) <= np.abs(lambdas[above] - wanted))
    offset = np.arange(S)
    raised = np.maximum.accumulate(nearest - offset) + offset
    return [1 + int(index) for index in np.minimum(raised, T - S + offset)]


def network_calls(solver: Solver, tau: Sequence[int]) -> int:
    """Return the number of network calls of a run along ``tau``, per picture.

    A step has one call with "ddim" and "dpm-solver++-2m", two with "heun" and "dpm-solver-2", four with "rk4"; "plms" has one more in its
    first step. The last step has one. A jump t -> t - 1 has one with "dpm-solver-2" and two with "rk4".
    """
    if solver == "plms":
        return len(tau) + (len(tau) > 1)
    unit_jump, longer_jump = {"heun": (2, 2), "dpm-solver-2": (1, 2), "rk4": (2, 4)}.get(solver, (1, 1))
    return sum(1 if t_prev == 0 else unit_jump if t - t_prev == 1 else longer_jump for t, t_prev in jumps(tau))


def steps_within(solver: Solver, calls: int) -> int:
    """Return the largest S for which a run calls the network at most ``calls`` times, with every spacing. At least 1."""
    per_step, extra = {"heun": (2, -1), "dpm-solver-2": (2, -1), "plms": (1, 1), "rk4": (4, -3)}.get(solver, (1, 0))
    return max(1, (calls - extra) // per_step)


def dpm_solver_1_step(x: Tensor, eps: Tensor, alpha_bar: float, alpha_bar_prev: float) -> Tensor:
    """Return x_prev by DPM-Solver-1 (Lu et al. 2022, arXiv 2206.00927), as that paper writes it. It equals DDIM's step.

        x_prev = alpha_prev / alpha_t * x - sigma_prev * (e^h - 1) * eps,       h = lambda_prev - lambda_t,

    with alpha = sqrt(ab), sigma = sqrt(1 - ab), lambda = log(alpha / sigma). At ab_prev = 1, h is infinite and sigma_prev is 0; the
    product sigma_prev e^h is then its limit, sigma_t / alpha_t. Arguments as for :func:`transfer`.
    """
    alpha, alpha_prev = math.sqrt(alpha_bar), math.sqrt(alpha_bar_prev)
    sigma, sigma_prev = math.sqrt(1 - alpha_bar), math.sqrt(1 - alpha_bar_prev)
    if sigma_prev == 0:
        return x / alpha - sigma / alpha * eps
    h = math.log(alpha_prev / sigma_prev) - math.log(alpha / sigma)
    return alpha_prev / alpha * x - sigma_prev * math.expm1(h) * eps
