"""The estimates by which solvers of the probability-flow ODE differ; :mod:`explorer.solvers` has the ODE and the loop.

Over a jump t -> t_prev the exact solution of the ODE is DDIM's step with the mean of eps_theta over the jump. Each function here
estimates this mean, eps, from eps_theta(x_t, t), from the steps before, and from further calls of the network. A function is a
generator: it yields the calls that it needs and receives their results, so that several runs can share calls.

Notation: ab = alpha_bar, s = sqrt((1 - ab) / ab), lambda = -log s. A "label" is a time step 1..T, at which the network is
defined. A solver that needs a time inside a jump takes the label whose s or lambda is nearest to it, and computes its weights from
where that label really lies. So the order does not suffer from the rounding.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, Protocol, get_args

import numpy as np
from torch import Tensor

from explorer.sampler import predicted_x0
from explorer.schedule import Schedule
from explorer.support.rich_display import RichDisplay

Solver = Literal["ddim", "heun", "dpm-solver-2", "dpm-solver++-2m", "plms", "rk4"]
SOLVERS: tuple[Solver, ...] = get_args(Solver)
ORDERS: Mapping[Solver, int] = {
    "ddim": 1,
    "heun": 2,
    "dpm-solver-2": 2,
    "dpm-solver++-2m": 2,
    "plms": 2,
    "rk4": 4,
}  # theoretical order of convergence: the error falls like S^-order


@dataclass(frozen=True, repr=False)
class SolverStep(RichDisplay):
    """One step of a solver. Tensors are (B, C, H, W).

    Attributes:
        t, t_prev: time steps of the jump, 0 <= t_prev < t.
        alpha_bar, alpha_bar_prev: alpha_bar at t and at t_prev.
        x_t: the state before the step.
        eps_theta: the noise that the network predicted at (x_t, t); with clip, the noise recomputed from the clipped
            predicted x_0.
        eps: the solver's estimate of the mean of eps_theta over the jump.
        x0: predicted x_0 from ``eps_theta``.
        x_prev: the state after the step, ``transfer(x_t, eps, alpha_bar, alpha_bar_prev)``.
        labels: the time steps at which the network was called for this step, in order.
        calls: number of calls of the network so far, those of this step included.
    """

    t: int
    t_prev: int
    alpha_bar: float
    alpha_bar_prev: float
    x_t: Tensor
    eps_theta: Tensor
    eps: Tensor
    x0: Tensor
    x_prev: Tensor
    labels: tuple[int, ...]
    calls: int

    def __repr__(self) -> str:
        return (
            f"SolverStep({self.t} -> {self.t_prev}: network at {', '.join(map(str, self.labels))}, {self.calls} calls)"
        )


@dataclass(frozen=True)
class NetworkCall:
    """A call that a solver asks for: eps_theta(x, t)."""

    x: Tensor
    t: int


Calls = Generator[NetworkCall, Tensor, Tensor]  # asks for network calls, receives eps_theta, returns an estimate of eps


@dataclass
class Ode:
    """The ODE of one run: its functions of t, and the calls that were made for the current step."""

    schedule: Schedule
    clip: bool
    labels: list[int] = field(default_factory=list)

    @cached_property
    def s(self) -> np.ndarray:
        """Noise level sqrt((1 - ab) / ab) at 0..T; 0 at t = 0."""
        return np.sqrt((1 - self.schedule.alpha_bar) / self.schedule.alpha_bar)

    @cached_property
    def lambda_(self) -> np.ndarray:
        """Half the log signal-to-noise ratio, -log s, at 0..T; infinite at t = 0."""
        return half_log_snr(self.schedule)

    def alpha_bar(self, t: int) -> float:
        return float(self.schedule.alpha_bar[t])

    def move(self, x: Tensor, eps: Tensor, t: int, to: int) -> Tensor:
        """Take DDIM's step from t to ``to`` with ``eps``."""
        return transfer(x, eps, self.alpha_bar(t), self.alpha_bar(to))

    def predict(self, x: Tensor, t: int) -> Calls:
        """Ask for eps_theta(x, t), and clip it if the run does."""
        self.labels.append(t)
        eps = yield NetworkCall(x, t)
        if not self.clip:
            return eps
        alpha_bar = self.alpha_bar(t)
        x0 = predicted_x0(x, eps, alpha_bar).clamp(-1, 1)
        return (x - math.sqrt(alpha_bar) * x0) / math.sqrt(1 - alpha_bar)


def half_log_snr(schedule: Schedule) -> np.ndarray:
    """Return lambda = log(sqrt(ab) / sqrt(1 - ab)), float64 (T+1,); infinite at t = 0."""
    with np.errstate(divide="ignore"):
        return np.log(schedule.alpha_bar / (1 - schedule.alpha_bar)) / 2


def middle_label(position: np.ndarray, t: int, t_prev: int) -> tuple[int, float] | None:
    """Return the label inside the jump t -> t_prev that is nearest to its middle, in the coordinate ``position`` (T+1,).

    Returns:
        The label, and the fraction of the jump at which it lies; None if t_prev = t - 1.
    """
    if t - t_prev == 1:
        return None
    fractions = (position[t_prev + 1 : t] - position[t]) / (position[t_prev] - position[t])
    nearest = int(np.abs(fractions - 1 / 2).argmin())
    return t_prev + 1 + nearest, float(fractions[nearest])


def transfer(x: Tensor, eps: Tensor, alpha_bar: float, alpha_bar_to: float) -> Tensor:
    """Return sqrt(ab_to) * predicted x_0 + sqrt(1 - ab_to) * eps: Eq. 12 with sigma = 0, and phi of Liu et al. 2022.

    It is the exact solution of the ODE from ``alpha_bar`` to ``alpha_bar_to`` for a constant ``eps``. Tensors have any equal
    shape; ``alpha_bar`` is in (0, 1), ``alpha_bar_to`` in (0, 1].
    """
    return math.sqrt(alpha_bar_to) * predicted_x0(x, eps, alpha_bar) + math.sqrt(1 - alpha_bar_to) * eps


def _ddim(ode: Ode, x_t: Tensor, eps: Tensor, t: int, t_prev: int, past: Sequence[SolverStep]) -> Calls:
    """DDIM, Euler's method in (x_bar, s), and DPM-Solver-1. Order 1, one call per step.

        eps = eps_theta(x_t, t)

    Source: Song, Meng & Ermon 2020 (arXiv 2010.02502), Eqs. 12 and 13. The last step is like all others.
    """
    yield from ()
    return eps


def _heun(ode: Ode, x_t: Tensor, eps: Tensor, t: int, t_prev: int, past: Sequence[SolverStep]) -> Calls:
    """Heun's method in (x_bar, s), the trapezoidal rule. Order 2, two calls per step.

        x~  = DDIM's step to t_prev with eps_theta(x_t, t)
        eps = (eps_theta(x_t, t) + eps_theta(x~, t_prev)) / 2

    Source: Karras et al. 2022 (arXiv 2206.00364), Algorithm 1, with sigma(t) = s and any spacing. The last step is DDIM's, as there.
    """
    if t_prev == 0:
        return eps
    eps_prev = yield from ode.predict(ode.move(x_t, eps, t, t_prev), t_prev)
    return (eps + eps_prev) / 2


def _dpm_solver_2(ode: Ode, x_t: Tensor, eps: Tensor, t: int, t_prev: int, past: Sequence[SolverStep]) -> Calls:
    """DPM-Solver-2, a midpoint method in lambda. Order 2, two calls per step.

        m   = the label nearest to the middle of the jump in lambda,   r = (lambda_m - lambda_t) / (lambda_prev - lambda_t)
        u   = DDIM's step to m with eps_theta(x_t, t)
        eps = eps_theta(x_t, t) + (eps_theta(u, m) - eps_theta(x_t, t)) / (2 r)

    Source: Lu et al. 2022 (arXiv 2206.00927), Algorithm 1 with r = 1/2, and its version for any r in the appendix. The last step
    is DDIM's, since lambda_prev is infinite, and so is a jump without a label inside.
    """
    if t_prev == 0:
        return eps
    middle = middle_label(ode.lambda_, t, t_prev)
    if middle is None:
        return eps
    m, r = middle
    eps_m = yield from ode.predict(ode.move(x_t, eps, t, m), m)
    return eps + (eps_m - eps) / (2 * r)


def _dpm_solver_pp_2m(ode: Ode, x_t: Tensor, eps: Tensor, t: int, t_prev: int, past: Sequence[SolverStep]) -> Calls:
    """DPM-Solver++(2M), a two-step method in lambda on predicted x_0. Order 2, one call per step.

        D   = x0 + (x0 - x0 of the step before) / (2 r),    r = (lambda_t - lambda_before) / (lambda_prev - lambda_t)
        eps = (x_t - sqrt(ab_t) D) / sqrt(1 - ab_t),        so that predicted x_0 is D

    Source: Lu et al. 2022 (arXiv 2211.01095), Algorithm 2. The first step is DDIM's, since there is none before. So is the last
    one, since lambda_prev is infinite.
    """
    yield from ()
    if t_prev == 0 or not past:
        return eps
    before, alpha_bar = past[-1], ode.alpha_bar(t)
    r = float((ode.lambda_[t] - ode.lambda_[before.t]) / (ode.lambda_[t_prev] - ode.lambda_[t]))
    x0 = predicted_x0(x_t, eps, alpha_bar)
    D = x0 + (x0 - before.x0) / (2 * r)
    return (x_t - math.sqrt(alpha_bar) * D) / math.sqrt(1 - alpha_bar)


def _plms(ode: Ode, x_t: Tensor, eps: Tensor, t: int, t_prev: int, past: Sequence[SolverStep]) -> Calls:
    """Pseudo linear multistep method. Order 2, one call per step and one more in the first.

        eps = (55 eps_t - 59 eps_(t+1) + 37 eps_(t+2) - 9 eps_(t+3)) / 24       eps_(t+k): eps_theta k steps before

    These are the weights of Adams and Bashforth for steps of equal length in t. With one, two or three predictions they are
    the ones of order 1, 2 and 3; the first step is Heun's. The method is called pseudo because the predictions are averaged over t,
    while DDIM's step integrates them over s. That leaves a local error of third order, so the order is 2 although the weights
    have order 4, and it needs steps of equal length in t: with another spacing the weights are not right.

    Source: Liu et al. 2022 (arXiv 2202.09778), Sec. 3, and PNDMScheduler of diffusers with ``skip_prk_steps``. The last step is
    like all others, since s = 0 is finite. With S = 1 it is DDIM's.
    """
    predictions = [eps, *(step.eps_theta for step in past[:-4:-1])]  # the newest first
    if len(predictions) == 1 and t_prev > 0:
        return (yield from _heun(ode, x_t, eps, t, t_prev, past))
    weights = ADAMS_BASHFORTH[len(predictions) - 1]
    return sum((w * e for w, e in zip(weights[1:], predictions[1:], strict=True)), weights[0] * eps)


ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)


def _rk4(ode: Ode, x_t: Tensor, eps: Tensor, t: int, t_prev: int, past: Sequence[SolverStep]) -> Calls:
    """Classical Runge-Kutta method in (x_bar, s). Order 4, four calls per step.

        m     = the label nearest to the middle of the jump in s,    c = (s_m - s_t) / (s_prev - s_t)
        eps_2 = eps_theta(DDIM's step to m with eps_1, m),           eps_1 = eps_theta(x_t, t)
        eps_3 = eps_theta(DDIM's step to m with eps_2, m)
        eps_4 = eps_theta(DDIM's step to t_prev with eps_3, t_prev)
        eps   = b_1 eps_1 + b_2 eps_2 + b_3 eps_3 + b_4 eps_4

    At c = 1/2 the weights are 1/6, 1/3, 1/3, 1/6, and this is Kutta's method of 1901. At another c they are those that keep
    order 3, see :func:`rk4_weights`. With m in the middle in t instead it would be the pseudo Runge-Kutta method of Liu et al. 2022,
    whose order is 2.

    The last step is DDIM's. A jump without a label inside is Heun's.
    """
    if t_prev == 0:
        return eps
    middle = middle_label(ode.s, t, t_prev)
    if middle is None:
        return (yield from _heun(ode, x_t, eps, t, t_prev, past))
    m, c = middle
    b = rk4_weights(c)
    eps_2 = yield from ode.predict(ode.move(x_t, eps, t, m), m)
    eps_3 = yield from ode.predict(ode.move(x_t, eps_2, t, m), m)
    eps_4 = yield from ode.predict(ode.move(x_t, eps_3, t, t_prev), t_prev)
    return b[0] * eps + b[1] * eps_2 + b[2] * eps_3 + b[3] * eps_4


def rk4_weights(c: float) -> tuple[float, float, float, float]:
    """Return the weights of the four slopes of :func:`_rk4` with its inner time at the fraction ``c`` of the jump, 0 < c < 1.

    They satisfy the conditions of order 3: 1, c and c^2 are integrated exactly, and b_3 c^2 + b_4 c = 1/6.
    """
    b4 = (2 - 3 * c) / (6 * (1 - c))
    b3 = (1 / 6 - b4 * c) / c**2
    b2 = 1 / (6 * c * (1 - c)) - b3
    return 1 - b2 - b3 - b4, b2, b3, b4


class Estimate(Protocol):
    """An estimate of the mean of eps_theta over the jump t -> t_prev.

    Args:
        ode: of the run.
        x_t: the state, (B, C, H, W).
        eps: eps_theta(x_t, t).
        t, t_prev: the jump, 0 <= t_prev < t.
        past: all steps before this one.
    """

    def __call__(
        self, ode: Ode, x_t: Tensor, eps: Tensor, t: int, t_prev: int, past: Sequence[SolverStep]
    ) -> Calls: ...


ESTIMATES: Mapping[Solver, Estimate] = {
    "ddim": _ddim,
    "heun": _heun,
    "dpm-solver-2": _dpm_solver_2,
    "dpm-solver++-2m": _dpm_solver_pp_2m,
    "plms": _plms,
    "rk4": _rk4,
}
