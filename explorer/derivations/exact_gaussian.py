"""A chain of Gaussians in one dimension, in which every expectation of the ELBO has a closed form.

The data are N(mu, s^2), the network is affine at each time step, and q_sigma and p_theta are linear Gaussian. So the
joint distributions of (x_0, x_1, ..., x_S) are Gaussians with known mean and covariance, and the ELBO can be computed
without splitting it into terms. That makes it an independent check of the sums that the papers derive.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explorer.derivations.samples import tau_of
from explorer.schedule import Coefficients, Schedule, jumps

MEAN, STD = 0.3, 0.5  # of the data
STEPS = 8


@dataclass(frozen=True)
class Affine:
    """eps_theta(x) = slope x + intercept, of one time step."""

    slope: float
    intercept: float


@dataclass(frozen=True)
class Gaussian:
    """A normal distribution in n dimensions: mean (n,), covariance (n, n)."""

    mean: np.ndarray
    covariance: np.ndarray

    def kl(self, other: Gaussian) -> float:
        """KL(self || other)."""
        precision = np.linalg.inv(other.covariance)
        shift = other.mean - self.mean
        log_ratio = np.linalg.slogdet(other.covariance)[1] - np.linalg.slogdet(self.covariance)[1]
        trace = np.trace(precision @ self.covariance)
        return float(trace + shift @ precision @ shift - len(shift) + log_ratio) / 2


def plan(schedule: Schedule, eta: float) -> list[Coefficients]:
    """Return the coefficients of a run of :data:`STEPS` steps, t descending."""
    return [schedule.coefficients(t, t_prev, eta) for t, t_prev in jumps(tau_of(schedule, STEPS))]


def last_sigma(steps: Sequence[Coefficients]) -> float:
    """sigma_1 of Eq. 10, the noise of the last step t = 1. Eq. 16 gives 0 there, so any positive value is a choice."""
    return math.sqrt(1 - steps[-1].alpha_bar)


def exact_network(steps: Sequence[Coefficients]) -> list[Affine]:
    """E[eps | x_t] of the data, for each step."""
    slopes = [math.sqrt(1 - c.alpha_bar) / (c.alpha_bar * STD**2 + 1 - c.alpha_bar) for c in steps]
    return [Affine(a, -a * math.sqrt(c.alpha_bar) * MEAN) for a, c in zip(slopes, steps, strict=True)]


def wrong_network(steps: Sequence[Coefficients]) -> list[Affine]:
    """Another network, some way off."""
    return [Affine(0.8 * f.slope, f.intercept + 0.1) for f in exact_network(steps)]


def noise_error(network: Affine, c: Coefficients) -> float:
    """E (eps - eps_theta(x_t))^2 over data and noise."""
    on_noise = 1 - network.slope * math.sqrt(1 - c.alpha_bar)
    on_data = network.slope * math.sqrt(c.alpha_bar)
    return on_noise**2 + (on_data * STD) ** 2 + (on_data * MEAN + network.intercept) ** 2


def loss_weights(steps: Sequence[Coefficients]) -> list[float]:
    """gamma_t of Theorem 1: k^2 (1 - ab) / (2 sigma^2 ab), and (1 - ab) / (2 sigma_1^2 ab) for the last step.

    The KL of two normal distributions with the same variance is |mean - mean'|^2 / (2 sigma^2). The means of
    q_sigma(x_prev | x_t, x_0) and p_theta(x_prev | x_t) differ by k (x_0 - predicted x_0), and predicted x_0 is off by
    sqrt((1 - ab) / ab) (eps - eps_theta).
    """
    *others, last = steps
    weights = [c.k**2 * (1 - c.alpha_bar) / (2 * c.sigma**2 * c.alpha_bar) for c in others]
    return [*weights, (1 - last.alpha_bar) / (2 * last_sigma(steps) ** 2 * last.alpha_bar)]


def weighted_loss(steps: Sequence[Coefficients], network: Sequence[Affine]) -> float:
    """L_gamma (Eq. 5) with the weights of :func:`loss_weights`."""
    weights = loss_weights(steps)
    return sum(w * noise_error(f, c) for w, f, c in zip(weights, network, steps, strict=True))


def objective(steps: Sequence[Coefficients], network: Sequence[Affine]) -> float:
    """J_sigma (Eq. 11), the negative ELBO, from the joint distributions alone: KL(q || p_theta) plus the data's entropy."""
    entropy = math.log(2 * math.pi * math.e * STD**2) / 2
    return _forward_joint(steps).kl(_reverse_joint(steps, network)) + entropy


def sum_of_terms(steps: Sequence[Coefficients], network: Sequence[Affine]) -> float:
    """J_sigma as the sum of KL(q(x_T | x_0) || p(x_T)), a KL for each step, and -log p_theta(x_0 | x_1)."""
    weights = loss_weights(steps)
    steps_kl = sum(w * noise_error(f, c) for w, f, c in zip(weights, network, steps, strict=True))
    return prior_term(steps[0].alpha_bar) + steps_kl + math.log(2 * math.pi * last_sigma(steps) ** 2) / 2


def prior_term(alpha_bar: float, mean_square: float = MEAN**2 + STD**2) -> float:
    """KL(q(x_T | x_0) || N(0, 1)) per value, averaged over data with this mean square."""
    return (alpha_bar * mean_square - alpha_bar - math.log(1 - alpha_bar)) / 2


def _forward_joint(steps: Sequence[Coefficients]) -> Gaussian:
    """q_sigma of (x_0, x_T, ..., x_1) (Eqs. 6 and 7) with x_0 from the data."""
    chain = _Chain(len(steps) + 1)
    x_0 = chain.add({}, MEAN, STD)
    alpha_bar = steps[0].alpha_bar
    x = chain.add({x_0: math.sqrt(alpha_bar)}, 0.0, math.sqrt(1 - alpha_bar))
    for c in steps[:-1]:
        x = chain.add({x: c.m, x_0: c.k}, 0.0, c.sigma)
    return chain.joint(range(len(steps) + 1))


def _reverse_joint(steps: Sequence[Coefficients], network: Sequence[Affine]) -> Gaussian:
    """p_theta of (x_0, x_T, ..., x_1) (Eqs. 1, 9 and 10)."""
    chain = _Chain(len(steps) + 1)
    x = chain.add({}, 0.0, 1.0)
    for c, f in zip(steps, network, strict=True):
        root, noise = math.sqrt(c.alpha_bar), math.sqrt(1 - c.alpha_bar)
        slope, intercept = (1 - noise * f.slope) / root, -noise * f.intercept / root  # of predicted x_0, Eq. 9
        last = c is steps[-1]
        m, k, sigma = (0.0, 1.0, last_sigma(steps)) if last else (c.m, c.k, c.sigma)
        x = chain.add({x: m + k * slope}, k * intercept, sigma)
    return chain.joint([len(steps), *range(len(steps))])


class _Chain:
    """Variables that are linear in earlier ones plus a constant and independent noise."""

    def __init__(self, size: int) -> None:
        self._means: list[float] = []
        self._rows: list[np.ndarray] = []
        self._size = size

    def add(self, parents: dict[int, float], constant: float, std: float) -> int:
        """Add a variable; return its index."""
        index = len(self._means)
        row = sum((weight * self._rows[i] for i, weight in parents.items()), np.zeros(self._size))
        row[index] = std
        self._means.append(constant + sum(weight * self._means[i] for i, weight in parents.items()))
        self._rows.append(row)
        return index

    def joint(self, order: Sequence[int]) -> Gaussian:
        """The joint distribution of all variables, in this order."""
        rows = np.stack([self._rows[i] for i in order])
        return Gaussian(np.array([self._means[i] for i in order]), rows @ rows.T)
