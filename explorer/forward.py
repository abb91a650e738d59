"""The forward process: noise a picture to any t in one step, or sample a whole path x_0, x_1, ..., x_T.

Two processes have the same marginals q(x_t | x_0) (Eq. 4). The training loss L_simple depends only on these marginals.

    Markov      x_t ~ q(x_t | x_s) = N(sqrt(ab_t / ab_s) x_s, (1 - ab_t / ab_s) I), upwards from x_0      (Eq. 3)
    non-Markov  x_T ~ q(x_T | x_0), then x_prev ~ q_sigma(x_prev | x_t, x_0), downwards from x_T          (Eqs. 6, 7)

Their joint distributions differ, except at eta = 1, where q_sigma is the Markov chain (Secs. 3.1 and 4.1).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from explorer.latents import latent, step_noise
from explorer.schedule import Coefficients, Schedule, jumps
from explorer.support.arguments import as_int

Array = TypeVar("Array", np.ndarray, Tensor)


def diffuse(x_0: Tensor, eps: Tensor, t: int | Tensor, schedule: Schedule) -> Tensor:
    """Noise pictures to time step t: x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps (Eq. 4).

    For eps ~ N(0, I) the result is a sample of q(x_t | x_0).

    Args:
        x_0: (B, C, H, W), pictures in [-1, 1].
        eps: standard normal noise, same shape.
        t: int in 0..T, or one int per row, (B,).
        schedule: gives alpha_bar_t.

    Returns:
        x_t, dtype and device of ``x_0``.
    """
    sqrt_alpha_bar, sqrt_one_minus_alpha_bar = noise_level(t, schedule, x_0)
    return sqrt_alpha_bar * x_0 + sqrt_one_minus_alpha_bar * eps


def noise_level(t: int | Tensor, schedule: Schedule, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return sqrt(alpha_bar_t) and sqrt(1 - alpha_bar_t) from float64, shaped to broadcast with ``like`` (B, ...)."""
    alpha_bar = torch.from_numpy(schedule.alpha_bar.copy())[torch.as_tensor(t, device="cpu")]
    alpha_bar = alpha_bar.reshape(-1, *[1] * (like.ndim - 1))
    return alpha_bar.sqrt().to(like), (1 - alpha_bar).sqrt().to(like)


def markov_step(x_s: Array, eps: Array, s: int, t: int, schedule: Schedule) -> Array:
    """Return x_t = sqrt(ab_t / ab_s) x_s + sqrt(1 - ab_t / ab_s) eps, Eq. 3 for a jump s -> t of any length.

    For eps ~ N(0, I) the result is a sample of q(x_t | x_s).

    Args:
        x_s: any shape.
        eps: standard normal noise, same shape.
        s, t: time steps, 0 <= s < t <= T.
        schedule: gives alpha_bar.

    Raises:
        ValueError: s or t is out of range.
    """
    t = as_int("t", t, 1, schedule.T)
    ratio = float(schedule.alpha_bar[t] / schedule.alpha_bar[as_int("s", s, 0, t - 1)])
    return math.sqrt(ratio) * x_s + math.sqrt(1 - ratio) * eps


def posterior(x_t: Array, x_0: Array, coefficients: Coefficients) -> tuple[Array, float]:
    """Return the mean and standard deviation of q_sigma(x_prev | x_t, x_0), Eq. 7.

    mean = sqrt(ab_prev) x_0 + sqrt(1 - ab_prev - sigma^2) (x_t - sqrt(ab_t) x_0) / sqrt(1 - ab_t)

    At sigma = 0 it is deterministic: x_t and x_0 determine x_prev. At eta = 1 it is the posterior of the Markov chain.
    Eq. 12 is a sample of it with predicted x_0 in place of x_0.

    Args:
        x_t, x_0: arrays or tensors of the same shape, or of shapes that broadcast.
        coefficients: of the jump t -> t_prev, with ``variance="eta"``. Sigma-hat would change the marginals.
    """
    c = coefficients
    eps = (x_t - math.sqrt(c.alpha_bar) * x_0) / math.sqrt(1 - c.alpha_bar)
    return c.sqrt_alpha_bar_prev * x_0 + c.direction_scale * eps, c.sigma


@dataclass(frozen=True, eq=False, repr=False)
class Paths:
    """Several paths through the same time steps.

    Attributes:
        t: time steps, ascending from t[0] = 0.
        alpha_bar: float64 (len(t),), alpha_bar at each of them.
        x: float64 (paths, len(t), ...); the last axes are the shape of one x_t.
    """

    t: tuple[int, ...]
    alpha_bar: np.ndarray
    x: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Paths({len(self)} of {len(self.t)} points each, t = 0..{self.t[-1]}, x_t of shape {self.x.shape[2:]})"


def markov_paths(x_0: np.ndarray, tau: Sequence[int], schedule: Schedule, count: int = 1, seed: int = 0) -> Paths:
    """Sample paths of the Markov chain (Eq. 3) along tau, upwards from x_0.

    The noise of x_t is stream t of ``seed`` (see :mod:`explorer.latents`). Path i does not depend on ``count``.

    Args:
        x_0: any shape: a picture, or the values of a few pixels.
        tau: strictly ascending ints in 1..T, see :func:`explorer.timesteps`.
        schedule: gives alpha_bar.
        count: number of paths, at least 1.
        seed: from 0 to 2^64 - 1.

    Raises:
        ValueError: tau, count or seed is out of range.
    """
    paths = _new_paths(x_0, tau, schedule, count)
    for i, (s, t) in enumerate(itertools.pairwise(paths.t), start=1):
        paths.x[:, i] = markov_step(paths.x[:, i - 1], _normal(paths, seed, t), s, t, schedule)
    return paths


def non_markov_paths(
    x_0: np.ndarray, tau: Sequence[int], schedule: Schedule, eta: float = 0.0, count: int = 1, seed: int = 0
) -> Paths:
    """Sample paths of q_sigma (Eqs. 6 and 7) along tau: x_T ~ q(x_T | x_0), then downwards with sigma(eta).

    The noise of x_T is stream 0 of ``seed``, so x_T is the same for every eta. The z of the step t -> t_prev is stream
    t. At eta = 0 the noise of x_T is the only noise: x_t = sqrt(ab_t) x_0 + sqrt(1 - ab_t) eps with one eps for all t.

    Args:
        x_0, tau, schedule, count, seed: as for :func:`markov_paths`. The last value of tau takes the place of T.
        eta: in [0, 1].

    Raises:
        ValueError: an argument is out of range.
    """
    paths = _new_paths(x_0, tau, schedule, count)
    paths.x[:, -1] = markov_step(paths.x[:, 0], _normal(paths, seed, 0), 0, paths.t[-1], schedule)
    for i, (t, t_prev) in zip(range(len(paths.t) - 1, 0, -1), jumps(paths.t[1:]), strict=True):
        mean, sigma = posterior(paths.x[:, i], paths.x[:, 0], schedule.coefficients(t, t_prev, eta))
        paths.x[:, i - 1] = mean + sigma * _normal(paths, seed, t) if sigma else mean
    return paths


def _new_paths(x_0: np.ndarray, tau: Sequence[int], schedule: Schedule, count: int) -> Paths:
    """Paths along tau with x_0 at t = 0; the values at t > 0 are still to be filled in."""
    t = (0, *(as_int("each time step of tau", t, 1, schedule.T) for t in tau))
    if len(t) < 2 or any(a >= b for a, b in itertools.pairwise(t)):
        raise ValueError("tau must have at least one time step and be strictly ascending")
    x_0 = np.asarray(x_0, dtype=np.float64)
    x = np.empty((as_int("count", count, 1, None), len(t), *x_0.shape))
    x[:, 0] = x_0
    return Paths(t, schedule.alpha_bar[list(t)], x)


def _normal(paths: Paths, seed: int, stream: int) -> np.ndarray:
    """Standard normal noise for one time step of every path."""
    shape = (len(paths), *paths.x.shape[2:])
    return (step_noise(shape, [seed], stream) if stream else latent(shape, [seed]))[0].double().numpy()


@dataclass(frozen=True, eq=False, repr=False)
class MarginalErrors:
    """Errors of the empirical mean and variance of paths, compared with q(x_t | x_0) = N(sqrt(ab_t) x_0, (1 - ab_t) I).

    Attributes:
        t: time steps >= 1, ascending.
        mean, variance: (len(t), ...) empirical minus exact value, for each pixel.
        mean_se, variance_se: (len(t),) standard errors for n paths: sqrt((1 - ab)/n) and (1 - ab) sqrt(2/(n - 1)).
        paths: n.
    """

    t: tuple[int, ...]
    mean: np.ndarray
    variance: np.ndarray
    mean_se: np.ndarray
    variance_se: np.ndarray
    paths: int

    @property
    def largest(self) -> float:
        """Largest error of any mean or variance, over all t and pixels, in standard errors."""
        mean, variance = (np.abs(error).reshape(len(self.t), -1).max(1) for error in (self.mean, self.variance))
        return float(max((mean / self.mean_se).max(), (variance / self.variance_se).max()))

    @property
    def count(self) -> int:
        """Number of errors: of a mean and of a variance for each t and pixel."""
        return self.mean.size + self.variance.size


def marginal_errors(paths: Paths) -> MarginalErrors:
    """Compare the mean and variance of ``paths``, which share one x_0, with those of q(x_t | x_0).

    Raises:
        ValueError: there are fewer than two paths.
    """
    n = as_int("the number of paths", len(paths), 2, None)
    alpha_bar, x, x_0 = paths.alpha_bar[1:], paths.x[:, 1:], paths.x[0, 0]
    per_t = alpha_bar.reshape(-1, *[1] * x_0.ndim)
    return MarginalErrors(
        t=paths.t[1:],
        mean=x.mean(0) - np.sqrt(per_t) * x_0,
        variance=x.var(0, ddof=1) - (1 - per_t),
        mean_se=np.sqrt((1 - alpha_bar) / n),
        variance_se=(1 - alpha_bar) * math.sqrt(2 / (n - 1)),
        paths=n,
    )


def bound_of_largest(errors: Collection[MarginalErrors], probability: float = 0.99) -> float:
    """Upper bound of the largest of all ``errors`` that holds at least with ``probability`` if all marginals are exact.

    It is the union bound over the means and variances of all processes, so it holds for dependent values too, and is
    conservative for strongly dependent ones, as along the paths of eta = 0. It is exact for each of them: a mean in
    standard errors is normal, and n - 1 times a variance over its exact value is chi-squared with n - 1 degrees of freedom.

    Args:
        errors: of each process, with n paths each.
        probability: above 0 and below 1.
    """

    def chance_beyond(bound: float) -> float:
        """Sum of the probabilities with which each error is beyond ``bound`` standard errors."""
        total = 0.0
        for each in errors:
            half = torch.tensor((each.paths - 1) / 2, dtype=torch.float64)  # half of the degrees of freedom
            above, below = half + bound * half.sqrt(), (half - bound * half.sqrt()).clamp(min=0)
            normal = 2 * NormalDist().cdf(-bound)
            chi_squared = torch.special.gammaincc(half, above) + torch.special.gammainc(half, below)
            total += each.mean.size * normal + each.variance.size * float(chi_squared)
        return total

    low, high = 0.0, 1.0
    while chance_beyond(high) > 1 - probability:
        low, high = high, 2 * high
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if chance_beyond(middle) > 1 - probability else (low, middle)
    return high


def step_correlations(paths: Paths) -> np.ndarray:
    """Correlation of x_t and x_prev over ``paths``, for each jump t -> t_prev with t_prev >= 1.

    It is not determined by the marginals, so it distinguishes processes with equal marginals. For q_sigma it is
    sqrt(1 - ab_prev - sigma^2) / sqrt(1 - ab_prev), which is 1 at eta = 0. The Markov chain has the value of eta = 1.

    Returns:
        (len(t) - 2, ...), t ascending.

    Raises:
        ValueError: there are fewer than two paths.
    """
    as_int("the number of paths", len(paths), 2, None)
    x = paths.x[:, 1:] - paths.x[:, 1:].mean(0)
    x /= np.sqrt(np.square(x).sum(0))
    return (x[:, 1:] * x[:, :-1]).sum(0)
