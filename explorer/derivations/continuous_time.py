"""Derivations in continuous time: the SDEs of Song et al. 2021 (arXiv 2011.13456), Eqs. 13 to 15 of DDIM, and the score."""

from __future__ import annotations

import math

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.derivations.exact_gaussian import MEAN, STD
from explorer.derivations.samples import largest, middle_jump, one_step, rms, tau_of
from explorer.derivations.value import Value, at_most, below, equal
from explorer.mixture import Mixture
from explorer.schedule import Schedule, jumps


def score(checkpoint: Checkpoint) -> list[Value]:
    """The score is -eps / sqrt(1 - ab): E[eps | x_t] beside the numerical gradient of log p_t, for a Gaussian mixture."""
    schedule, mixture = checkpoint.schedule, Mixture.preset("two moons")
    t = max(1, schedule.T // 5)
    alpha_bar = float(schedule.alpha_bar[t])
    x = mixture.noised(alpha_bar).sample(64, seed=1)
    h = 1e-4
    gradient = np.stack(
        [
            (np.log(mixture.density(x + d, alpha_bar)) - np.log(mixture.density(x - d, alpha_bar))) / (2 * h)
            for d in h * np.eye(2)
        ],
        -1,
    )
    eps = mixture.eps_theta(x, t, schedule)
    size = float(np.sqrt(np.square(gradient).mean()))
    measured = -eps / math.sqrt(1 - alpha_bar)
    return [
        equal("size", float(np.sqrt(np.square(measured).mean())), size, 1e-3 * size),
        at_most("difference", float(np.abs(measured - gradient).max()), 1e-3 * size),
    ]


def forward_sde(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 3 is the Euler-Maruyama step of dx = -x beta/2 dt + sqrt(beta) dw to first order in beta.

    sqrt(1 - beta) = 1 - beta/2 - beta^2/8 - ... The variance that these steps build up from 0 to T is near 1 - ab_T.
    """
    alpha_bar = checkpoint.schedule.alpha_bar
    betas = 1 - alpha_bar[1:] / alpha_bar[:-1]
    beta = float(np.median(betas))
    remainder = _exact_factor(beta) - (1 - beta / 2)
    variance = 0.0
    for b in betas:
        variance = (1 - b / 2) ** 2 * variance + b
    return [
        equal("remainder", remainder / beta**2, -1 / 8, 0.01),
        equal("variance", float(variance), 1 - float(alpha_bar[-1]), 0.02),
    ]


def _exact_factor(beta: float) -> float:
    """The factor of x_prev in Eq. 3."""
    return math.sqrt(1 - beta)


def reverse_sde(checkpoint: Checkpoint) -> list[Value]:
    """The Euler-Maruyama step of the reverse SDE is DDPM's mean to first order in beta.

    With the score s = -eps / sqrt(1 - ab), DDPM Eq. 11 is (x_t + beta s) / sqrt(1 - beta), without any approximation.
    Euler-Maruyama gives (1 + beta/2) x_t + beta s. Halving beta makes the difference four times smaller.
    """
    step = one_step(checkpoint).step
    c = middle_jump(checkpoint.schedule, steps=checkpoint.schedule.T)
    score = -step.eps / math.sqrt(1 - step.alpha_bar)
    beta = 1 - c.alpha_bar / c.alpha_bar_prev
    ddpm = (step.x_t - beta / math.sqrt(1 - step.alpha_bar) * step.eps) / math.sqrt(1 - beta)
    exact = (step.x_t + beta * score) / math.sqrt(1 - beta)

    def difference(beta: float) -> float:
        x, s = step.x_t.double(), score.double()
        return rms(_euler_maruyama(x, s, beta) - (x + beta * s) / math.sqrt(1 - beta))

    return [
        at_most("identity", largest(ddpm - exact), 2e-5),
        at_most("difference", difference(beta), beta**2 * (rms(step.x_t) + rms(score))),
        equal("order", difference(beta) / (difference(beta / 2) or math.nan), 4, 0.2),
    ]


def _euler_maruyama(x, score, beta: float):
    """Mean of the Euler-Maruyama step of the reverse SDE with dt = 1."""
    return (1 + beta / 2) * x + beta * score


def two_odes(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 13 and Eq. 15 are Euler steps of one ODE, over sqrt((1 - ab)/ab) and over t; they differ to second order.

    Their factors of eps differ by (s_prev - s_t)^2 / (2 s_t) with s = sqrt((1 - ab)/ab), so half the step leaves a
    quarter. Errors at the end of S = 20 steps are measured on data N(mu, s^2), whose ODE has a closed-form solution.
    """
    schedule = checkpoint.schedule
    s = np.sqrt((1 - schedule.alpha_bar) / schedule.alpha_bar)
    t, step = max(1, schedule.T // 2), max(2, schedule.T // 50)
    s_t, half, whole = s[t], s[t] + (s[max(0, t - step)] - s[t]) / 2, s[max(0, t - step)]
    ratio = (_factor15(s_t, whole) - (whole - s_t)) / (_factor15(s_t, half) - (half - s_t))
    x_T = np.random.default_rng(2).standard_normal(2000)
    end = _ode_solution(x_T, schedule)
    error13, error15 = (
        float(np.sqrt(np.square(_run(x_T, schedule, factor) - end).mean())) for factor in (_factor13, _factor15)
    )
    return [
        equal("ratio", float(ratio), 4, 1e-6),
        below("error13", error13, error15),
    ]


def _factor13(s_t: float, s_prev: float) -> float:
    """Factor of eps in Eq. 13."""
    return s_prev - s_t


def _factor15(s_t: float, s_prev: float) -> float:
    """Factor of eps in Eq. 15: half the difference of (1 - ab)/ab, times sqrt(ab_t / (1 - ab_t))."""
    return (s_prev**2 - s_t**2) / (2 * s_t)


def _run(x_T: np.ndarray, schedule: Schedule, factor) -> np.ndarray:
    """x_0 after 20 Euler steps with the exact eps of N(MEAN, STD^2)."""
    x = x_T
    for t, t_prev in jumps(tau_of(schedule, 20)):
        a, b = float(schedule.alpha_bar[t]), float(schedule.alpha_bar[t_prev])
        eps = math.sqrt(1 - a) * (x - math.sqrt(a) * MEAN) / (a * STD**2 + 1 - a)
        x = math.sqrt(b) * (x / math.sqrt(a) + factor(math.sqrt((1 - a) / a), math.sqrt((1 - b) / b)) * eps)
    return x


def _ode_solution(x_T: np.ndarray, schedule: Schedule) -> np.ndarray:
    """The solution of Eq. 14 at t = 0 for data N(MEAN, STD^2): the same quantile."""
    a = float(schedule.alpha_bar[-1])
    return MEAN + STD * (x_T - math.sqrt(a) * MEAN) / math.sqrt(a * STD**2 + 1 - a)
