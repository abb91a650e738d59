"""The forward process: noise a picture to any t in one jump, or walk there along a path.

Two kinds of paths have the same marginals q(x_t | x_0) (Eq. 4), which is all that L_simple sees:

    Markov      q(x_t | x_s) = N(sqrt(ab_t / ab_s) x_s, (1 - ab_t / ab_s) I)                          up from x_0
    non-Markov  q_sigma(x_prev | x_t, x_0) of Eq. 7, first x_T ~ q(x_T | x_0)                         down from x_T

For one x_0 the joint of eta = 1 is that of the Markov chain, every other eta has one of its own (Sec. 3.1, 4.1).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
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
    """x_t = sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps, a draw of q(x_t | x_0) for eps ~ N(0, I) (Eq. 4).

    Args:
        x_0: (B, C, H, W), pictures in [-1, 1].
        eps: standard normal noise, same shape.
        t: int in 0..T, or (B,) of them, one per row.

    Returns:
        x_t, dtype and device of ``x_0``.
    """
    sqrt_alpha_bar, sqrt_rest = noise_level(t, schedule, x_0)
    return sqrt_alpha_bar * x_0 + sqrt_rest * eps


def noise_level(t: int | Tensor, schedule: Schedule, like: Tensor) -> tuple[Tensor, Tensor]:
    """sqrt(alpha_bar_t) and sqrt(1 - alpha_bar_t), taken in float64, ready to multiply rows of ``like`` (B, ...)."""
    alpha_bar = torch.from_numpy(schedule.alpha_bar.copy())[torch.as_tensor(t, device="cpu")]
    alpha_bar = alpha_bar.reshape(-1, *[1] * (like.ndim - 1))
    return alpha_bar.sqrt().to(like), (1 - alpha_bar).sqrt().to(like)


def markov_step(x_s: Array, eps: Array, s: int, t: int, schedule: Schedule) -> Array:
    """x_t from x_s, a draw of q(x_t | x_s) for eps ~ N(0, I): Eq. 3, for any jump s -> t and not only t-1 -> t.

    Args:
        x_s: any shape.
        eps: standard normal noise, same shape.
        s, t: 0 <= s < t <= T.

    Raises:
        ValueError: for another s or t.
    """
    t = as_int("t", t, 1, schedule.T)
    ratio = float(schedule.alpha_bar[t] / schedule.alpha_bar[as_int("s", s, 0, t - 1)])
    return math.sqrt(ratio) * x_s + math.sqrt(1 - ratio) * eps


def posterior(x_t: Array, x_0: Array, coefficients: Coefficients) -> tuple[Array, float]:
    """Mean and standard deviation of q_sigma(x_prev | x_t, x_0), Eq. 7.

    mean = sqrt(ab_prev) x_0 + sqrt(1 - ab_prev - sigma^2) (x_t - sqrt(ab_t) x_0) / sqrt(1 - ab_t)

    With sigma = 0 nothing is left to chance: x_t and x_0 fix x_prev. With sigma(1) it is the posterior of the Markov
    chain. Eq. 12 is a draw of it with predicted x_0 in the place of x_0.

    Args:
        x_t, x_0: of the same shape, or shapes that broadcast.
        coefficients: of the jump t -> t_prev, with ``variance="eta"``; sigma-hat does not keep the marginals.
    """
    c = coefficients
    eps = (x_t - math.sqrt(c.alpha_bar) * x_0) / math.sqrt(1 - c.alpha_bar)
    return c.sqrt_alpha_bar_prev * x_0 + c.direction_scale * eps, c.sigma


@dataclass(frozen=True, eq=False, repr=False)
class Paths:
    """Many paths through the same time steps.

    Attributes:
        t: ints, ascending from t[0] = 0.
        alpha_bar: float64 (len(t),).
        x: float64 (paths, len(t), ...), the last axes those of one x_t.
    """

    t: tuple[int, ...]
    alpha_bar: np.ndarray
    x: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        return f"Paths({len(self)} of {len(self.t)} points each, t = 0..{self.t[-1]}, x_t of shape {self.x.shape[2:]})"


def markov_paths(x_0: np.ndarray, tau: Sequence[int], schedule: Schedule, count: int = 1, seed: int = 0) -> Paths:
    """Paths of the Markov chain (Eq. 3) along tau, up from x_0.

    The noise that enters x_t is stream t of ``seed`` (see :mod:`explorer.latents`), path after path; so path i does not
    depend on how many there are.

    Args:
        x_0: any shape: a picture, or the values of a few pixels.
        tau: strictly ascending ints in 1..T, see :func:`explorer.timesteps`.
        count: of paths, at least 1.
        seed: from 0 to 2^64 - 1.

    Raises:
        ValueError: a tau, a count or a seed out of range.
    """
    paths = _start(x_0, tau, schedule, count)
    for i, (s, t) in enumerate(itertools.pairwise(paths.t), start=1):
        paths.x[:, i] = markov_step(paths.x[:, i - 1], _normal(paths, seed, t), s, t, schedule)
    return paths


def non_markov_paths(
    x_0: np.ndarray, tau: Sequence[int], schedule: Schedule, eta: float = 0.0, count: int = 1, seed: int = 0
) -> Paths:
    """Paths of q_sigma (Eq. 6, 7) along tau: x_T ~ q(x_T | x_0), T the end of tau, and down from there with sigma(eta).

    x_T is made of stream 0 of ``seed`` and so the same for every eta; the z of the step that leaves t is stream t. With
    eta = 0 a path has no other noise than that of x_T: x_t = sqrt(ab_t) x_0 + sqrt(1 - ab_t) eps, one eps for all t.

    Args:
        x_0, tau, count, seed: as in :func:`markov_paths`.
        eta: in [0, 1].

    Raises:
        ValueError: as there, or for an eta out of range.
    """
    paths = _start(x_0, tau, schedule, count)
    paths.x[:, -1] = markov_step(paths.x[:, 0], _normal(paths, seed, 0), 0, paths.t[-1], schedule)
    for i, (t, t_prev) in zip(range(len(paths.t) - 1, 0, -1), jumps(paths.t[1:]), strict=True):
        mean, sigma = posterior(paths.x[:, i], paths.x[:, 0], schedule.coefficients(t, t_prev, eta))
        paths.x[:, i - 1] = mean + sigma * _normal(paths, seed, t) if sigma else mean
    return paths


def _start(x_0: np.ndarray, tau: Sequence[int], schedule: Schedule, count: int) -> Paths:
    """Paths along tau that are at x_0 for t = 0 and nowhere yet for the other t."""
    t = (0, *(as_int("a time step of tau", t, 1, schedule.T) for t in tau))
    if len(t) < 2 or any(a >= b for a, b in itertools.pairwise(t)):
        raise ValueError("tau must hold at least one time step and rise strictly")
    x_0 = np.asarray(x_0, dtype=np.float64)
    x = np.empty((as_int("count", count, 1, None), len(t), *x_0.shape))
    x[:, 0] = x_0
    return Paths(t, schedule.alpha_bar[list(t)], x)


def _normal(paths: Paths, seed: int, stream: int) -> np.ndarray:
    """N(0, I) for one x_t of every path."""
    shape = (len(paths), *paths.x.shape[2:])
    return (step_noise(shape, [seed], stream) if stream else latent(shape, [seed]))[0].double().numpy()


@dataclass(frozen=True, eq=False, repr=False)
class MarginalErrors:
    """Mean and variance over many paths against q(x_t | x_0) = N(sqrt(ab_t) x_0, (1 - ab_t) I), for every t >= 1.

    Attributes:
        t: ints, ascending.
        mean, variance: (len(t), ...) measured minus exact, for each pixel.
        mean_se, variance_se: (len(t),) standard errors for so many paths: sqrt((1 - ab)/n), (1 - ab) sqrt(2/(n - 1)).
    """

    t: tuple[int, ...]
    mean: np.ndarray
    variance: np.ndarray
    mean_se: np.ndarray
    variance_se: np.ndarray

    @property
    def largest(self) -> float:
        """Largest error, of a mean or a variance at any t and pixel, in standard errors."""
        mean, variance = (np.abs(error).reshape(len(self.t), -1).max(1) for error in (self.mean, self.variance))
        return float(max((mean / self.mean_se).max(), (variance / self.variance_se).max()))

    @property
    def bound(self) -> float:
        """What ``largest`` stays below in 99 of 100 draws of paths with the exact marginals.

        Union bound over all means and variances, taken as normal (many paths): it holds however they depend on each
        other, and is generous where they do, as along the paths of eta = 0.
        """
        return NormalDist().inv_cdf(1 - 0.01 / (2 * (self.mean.size + self.variance.size)))


def marginal_errors(paths: Paths) -> MarginalErrors:
    """How far the means and variances over ``paths``, all from one x_0, are from those of q(x_t | x_0).

    Raises:
        ValueError: with fewer than two paths there is no variance.
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
    )


def step_correlations(paths: Paths) -> np.ndarray:
    """Correlation of x_t and x_prev over ``paths`` for each jump with t_prev >= 1, t ascending: (len(t) - 2, ...).

    The marginals do not fix it, so it tells the processes apart: for q_sigma it is sqrt(1 - ab_prev - sigma^2) /
    sqrt(1 - ab_prev), 1 for eta = 0; for the Markov chain it is that of eta = 1.

    Raises:
        ValueError: with fewer than two paths there is no correlation.
    """
    as_int("the number of paths", len(paths), 2, None)
    x = paths.x[:, 1:] - paths.x[:, 1:].mean(0)
    x /= np.sqrt(np.square(x).sum(0))
    return (x[:, 1:] * x[:, :-1]).sum(0)
