"""Runs of the sampler on points of the plane, and measurements of their paths and end points.

At eta = 0, Eq. 12 is an Euler step of the ordinary differential equation d(x / sqrt(ab)) / ds = eps_theta with
s = sqrt((1 - ab) / ab) (Eq. 14). Where eps_theta is constant, the solution is a straight line in these coordinates,
and one Euler step is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

import numpy as np
from torch import Tensor

from explorer.forward import Paths
from explorer.latents import latent
from explorer.mixture import Mixture
from explorer.sampler import denoise
from explorer.schedule import Schedule
from explorer.settings import Settings
from explorer.support.arguments import as_int


def sample_paths(
    mixture: Mixture,
    count: int,
    settings: Settings | None = None,
    seed: int = 0,
    schedule: Schedule | None = None,
    after_step: Callable[[], object] | None = None,
) -> Paths:
    """Sample ``count`` points with :func:`explorer.denoise` and the mixture's exact eps_theta.

    Args:
        mixture: the data distribution.
        count: number of points, at least 1.
        settings: 50 steps of DDIM if None. The z of all points is drawn from one ``noise_seed``.
        seed: seed of x_T. Path i depends only on the two seeds and i.
        schedule: DDPM's linear schedule if None.
        after_step: called after every step. What it raises ends the run.

    Returns:
        Paths with x (count, steps + 1, 2). t is ascending, so the samples x_0 are ``x[:, 0]``.

    Raises:
        ValueError: ``count`` is below 1, ``seed`` is out of range, or there are more steps than T.
    """
    checkpoint = mixture.checkpoint(schedule, points=count)
    x_T = latent(checkpoint.shape, [seed])
    return paths_of(checkpoint.schedule, x_T, denoise(checkpoint, x_T, settings), after_step)


class StateChange(Protocol):
    """A step of any sampler: where it leads, and from which t."""

    @property
    def t(self) -> int: ...

    @property
    def x_prev(self) -> Tensor: ...


def paths_of(
    schedule: Schedule, x_T: Tensor, steps: Iterable[StateChange], after_step: Callable[[], object] | None = None
) -> Paths:
    """Return the paths of the points of one run.

    Args:
        schedule: of the run.
        x_T: (1, 1, count, 2), the first state.
        steps: of the run, t descending to the end.
        after_step: called after every step. What it raises ends the run.

    Returns:
        Paths with x (count, steps + 1, 2). t is ascending, so the samples x_0 are ``x[:, 0]``.
    """
    states, times = [x_T], []
    for step in steps:
        states.append(step.x_prev)
        times.append(step.t)
        if after_step is not None:
            after_step()
    t = (0, *reversed(times))
    x = np.stack([state[0, 0].double().numpy() for state in reversed(states)], 1)
    return Paths(t, schedule.alpha_bar[list(t)], x)


def ode_coordinates(paths: Paths) -> np.ndarray:
    """Paths in the coordinates of Eq. 14: x / sqrt(ab), and s = sqrt((1 - ab) / ab) as an additional last coordinate.

    Returns:
        (paths, len(t), D + 1) for ``paths.x`` (paths, len(t), D).
    """
    x = paths.x / np.sqrt(paths.alpha_bar)[:, None]
    s = np.sqrt((1 - paths.alpha_bar) / paths.alpha_bar)
    return np.concatenate([x, np.broadcast_to(s[:, None], (*x.shape[:2], 1))], -1)


def near_the_data(points: np.ndarray, largest_s: float) -> np.ndarray:
    """The part of each path with s up to ``largest_s``, so that the first steps do not hide the others.

    DDPM's linear schedule ends at s = 157. Most of a path's length is then s itself, where x / sqrt(ab) hardly bends.

    Args:
        points: (paths, points, D) of :func:`ode_coordinates`; s is the last coordinate, ascending from 0 and the same for all.
        largest_s: above 0. The path is cut there, between two points in proportion: exact for an Euler step.

    Returns:
        (paths, points up to the cut, D).
    """
    s = points[0, :, -1]
    k = int(np.searchsorted(s, largest_s))  # the first point at or beyond the cut
    if k == len(s):
        return points
    share = (largest_s - s[k - 1]) / (s[k] - s[k - 1])
    cut = (1 - share) * points[:, k - 1] + share * points[:, k]
    return np.concatenate([points[:, :k], cut[:, None]], 1)


def straightness(points: np.ndarray) -> np.ndarray:
    """Length of each path divided by the distance between its ends. It is 1 for a straight line, and larger otherwise.

    Args:
        points: (paths, points, D), such as ``Paths.x`` or :func:`ode_coordinates`.

    Returns:
        (paths,). It is inf for a path that ends where it starts, so summarize many paths by the median. For eta > 0 it
        does not converge as S grows: it increases like sqrt(S).
    """
    length = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(1)
    distance = np.linalg.norm(points[:, -1] - points[:, 0], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length > 0, length / distance, 1.0)


def shares(mixture: Mixture, x: np.ndarray) -> np.ndarray:
    """Share of each component among the points ``x`` (n, 2), that is its mean responsibility: (K,), summing to 1.

    For samples of the mixture the expected value is ``mixture.weights``, even if components overlap.
    """
    return mixture.responsibilities(x).mean(0)


def mode_std(mixture: Mixture, x: np.ndarray) -> np.ndarray:
    """Standard deviation of the points ``x`` (n, 2) within each component, averaged over both coordinates: (K,).

    Points are weighted by responsibility. For many samples of the mixture the result approaches ``mixture.stds``, even
    if components overlap. For x_t of a run, pass the mixture at its noise level, see :meth:`Mixture.noised`. The
    result is nan for a component without points.
    """
    r = mixture.responsibilities(x)
    with np.errstate(invalid="ignore"):
        r = r / r.sum(0)
    mean = r.T @ x
    return np.sqrt((r * np.square(x[:, None] - mean).sum(-1)).sum(0) / 2)


def spread_around_means(mixture: Mixture, x: np.ndarray) -> float:
    """Root mean square distance of a coordinate of the points ``x`` (n, 2) from the mean of its component.

    The distances to all means are weighted by responsibility, so for samples of the mixture the expected square is the mean
    of ``stds**2``, weighted by ``weights``, however many components there are. Unlike :func:`mode_std` it needs no several
    points in each component, and an offset of the points from their mean counts as well.
    """
    squared = np.square(x).sum(-1, keepdims=True) + np.square(mixture.means).sum(-1) - 2 * x @ mixture.means.T
    return float(np.sqrt((mixture.responsibilities(x) * np.maximum(squared, 0)).sum(-1).mean() / 2))


def energy_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| of two samples (Székely & Rizzo 2013, Energy statistics).

    The expected value is 0 only for equal distributions. The estimate is unbiased (no point is paired with itself), so
    it can be negative.

    Args:
        x, y: (n, D) and (m, D). Memory and time grow with (n + m)^2.

    Raises:
        ValueError: a sample has fewer than two points.
    """
    n, m = (as_int("the number of points", len(a), 2, None) for a in (x, y))
    within = distances(x, x).sum() / (n * (n - 1)) + distances(y, y).sum() / (m * (m - 1))
    return float(2 * distances(x, y).mean() - within)


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Euclidean distances between every point of x (n, D) and every point of y (m, D): (n, m)."""
    return np.sqrt(sum(np.square(a[:, None] - b) for a, b in zip(x.T, y.T, strict=True)))
