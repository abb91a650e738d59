"""Runs of the sampler on points of the plane, and what can be measured of them.

With eta = 0, Eq. 12 is the Euler step of an ordinary differential equation (Eq. 14) in the coordinates x / sqrt(ab) over
s = sqrt((1 - ab) / ab): d(x / sqrt(ab)) / ds = eps_theta. Where eps_theta does not change, the path is a straight line
there and one step is as good as a thousand.
"""

from __future__ import annotations

import numpy as np

from explorer.forward import Paths
from explorer.latents import latent
from explorer.mixture import Mixture
from explorer.sampler import denoise
from explorer.schedule import Schedule
from explorer.settings import Settings
from explorer.support.arguments import as_int


def sample_paths(
    mixture: Mixture, count: int, settings: Settings | None = None, seed: int = 0, schedule: Schedule | None = None
) -> Paths:
    """``count`` points taken from x_T down to x_0 by :func:`explorer.denoise` with the mixture's exact eps_theta.

    Args:
        settings: DDIM with 50 steps if None. z of all points comes from the one ``noise_seed``.
        seed: of x_T. Path i depends on the seeds and i alone.
        schedule: the linear one of DDPM if None.

    Returns:
        Paths with x (count, steps + 1, 2); t ascends, so the end points x_0 are ``x[:, 0]``.

    Raises:
        ValueError: a count below 1, a seed out of range, more steps than T.
    """
    checkpoint = mixture.checkpoint(schedule, points=count)
    x_T = latent(checkpoint.shape, [seed])
    steps = list(denoise(checkpoint, x_T, settings))
    x = [x_T, *(step.x_prev for step in steps)]
    t = (0, *(step.t for step in reversed(steps)))
    return Paths(t, checkpoint.schedule.alpha_bar[list(t)], np.stack([p[0, 0].double().numpy() for p in x[::-1]], 1))


def ode_coordinates(paths: Paths) -> np.ndarray:
    """x / sqrt(ab) with s = sqrt((1 - ab) / ab) as one coordinate more: paths (n, len(t), D) to (n, len(t), D + 1)."""
    x = paths.x / np.sqrt(paths.alpha_bar)[:, None]
    s = np.sqrt((1 - paths.alpha_bar) / paths.alpha_bar)
    return np.concatenate([x, np.broadcast_to(s[:, None], (*x.shape[:2], 1))], -1)


def straightness(points: np.ndarray) -> np.ndarray:
    """Length of each path over the distance of its ends: 1 for a straight line, more for any other.

    Args:
        points: (paths, points, D), as ``Paths.x`` or :func:`ode_coordinates`.

    Returns:
        (paths,), inf for a path that ends where it began: of many paths, take the median. With noise in every step
        (eta > 0) it has no limit: it grows like sqrt(S).
    """
    length = np.linalg.norm(np.diff(points, axis=1), axis=-1).sum(1)
    distance = np.linalg.norm(points[:, -1] - points[:, 0], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(length > 0, length / distance, 1.0)


def shares(mixture: Mixture, x: np.ndarray) -> np.ndarray:
    """Share of each component in the points ``x`` (n, 2): the mean of its responsibility, (K,), summing to 1.

    For draws of the mixture its expected value is ``mixture.weights``, also where components overlap.
    """
    return mixture.responsibilities(x).mean(0)


def mode_std(mixture: Mixture, x: np.ndarray) -> np.ndarray:
    """Standard deviation of the points ``x`` (n, 2) inside each component, a mean over both coordinates: (K,).

    Points count by their responsibility. For many draws of the mixture it is ``mixture.stds``, also where components
    overlap; for x_t of a run compare with the mixture at that noise level, :meth:`Mixture.noised`. nan for a component
    without points.
    """
    r = mixture.responsibilities(x)
    with np.errstate(invalid="ignore"):
        r = r / r.sum(0)
    mean = r.T @ x
    return np.sqrt((r * np.square(x[:, None] - mean).sum(-1)).sum(0) / 2)


def energy_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| of two samples (Székely & Rizzo 2013, Energy statistics).

    0 only for equal distributions. The estimate is unbiased (no point is paired with itself), so for two samples of one
    distribution it lies about 0 and may fall below.

    Args:
        x, y: (n, D) and (m, D). Memory and time grow with n^2 and m^2.

    Raises:
        ValueError: with fewer than two points in a sample.
    """
    n, m = (as_int("the number of points", len(a), 2, None) for a in (x, y))
    within = distances(x, x).sum() / (n * (n - 1)) + distances(y, y).sum() / (m * (m - 1))
    return float(2 * distances(x, y).mean() - within)


def distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Euclidean distances of every point of x (n, D) from every point of y (m, D): (n, m)."""
    return np.sqrt(sum(np.square(a[:, None] - b) for a, b in zip(x.T, y.T, strict=True)))
