"""A Gaussian mixture in the plane, whose eps_theta is known in closed form.

The forward process turns a component N(mu, s^2 I) into N(sqrt(ab) mu, v I) with v = ab s^2 + 1 - ab. So the noised
data are a Gaussian mixture again, and the optimal noise prediction follows from its score (Song et al. 2021, arXiv
2011.13456):

    eps_theta(x_t, t) = E[eps | x_t] = -sqrt(1 - ab_t) * score(x_t, ab_t)

Points are float64 (..., 2). eps_theta is exact to rounding, so all errors of a run are discretization errors of the
sampler.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint, from_denoiser
from explorer.latents import MAX_SEED
from explorer.schedule import Schedule
from explorer.support.arguments import as_int, shorten

SAMPLE_STREAM = 2**32  # random stream of samples; latents and step noise use the streams 0..T


@dataclass(frozen=True, eq=False, repr=False)
class Mixture:
    """The distribution sum_k weights_k N(means_k, stds_k^2 I) in the plane. Arrays are stored as read-only float64
    copies.

    Args:
        weights: (K,), > 0. They are normalized to sum 1.
        means: (K, 2).
        stds: (K,), > 0, the standard deviation of both coordinates.
        name: display name, and name of its :meth:`checkpoint`.

    Raises:
        ValueError: an array has another shape, or a value is not finite or not positive.
    """

    weights: np.ndarray
    means: np.ndarray
    stds: np.ndarray
    name: str = "mixture"

    def __post_init__(self) -> None:
        weights, means, stds = (np.array(a, dtype=np.float64) for a in (self.weights, self.means, self.stds))
        if weights.ndim != 1 or len(weights) == 0 or stds.shape != weights.shape or means.shape != (len(weights), 2):
            raise ValueError(
                "a mixture needs weights (K,), means (K, 2) and stds (K,), "
                f"not {weights.shape}, {means.shape}, {stds.shape}"
            )
        if not (np.all(weights > 0) and np.all(stds > 0) and all(np.isfinite(a).all() for a in (weights, means, stds))):
            raise ValueError("a mixture needs finite means, and finite weights and stds above 0")
        for name, array in (("weights", weights / weights.sum()), ("means", means), ("stds", stds)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def preset(cls, name: str) -> Mixture:
        """Return a mixture by its name in :data:`PRESETS`, scaled to mean 0 and to variance 1 averaged over
        coordinates.

        "two moons" and "letter" (a D) are curves of overlapping components. "ring" and "grid" have separate modes.

        Raises:
            ValueError: there is no such preset.
        """
        if name not in PRESETS:
            raise ValueError(f"the mixture must be one of {', '.join(PRESETS)}, not {shorten(name)}")
        means, std = _SHAPES[name]()
        means = means - means.mean(0)
        scale = 1 / np.sqrt(np.square(means).mean() + std**2)
        return cls(np.ones(len(means)), scale * means, np.full(len(means), scale * std), name)

    def __len__(self) -> int:
        """K, the number of components."""
        return len(self.weights)

    def __repr__(self) -> str:
        return f"Mixture({self.name!r}, {len(self)} components)"

    def noised(self, alpha_bar: float) -> Mixture:
        """The distribution of sqrt(ab) x_0 + sqrt(1 - ab) eps for x_0 from this mixture, the exact marginal of x_t."""
        v = self._variances(np.array([alpha_bar]))
        return Mixture(self.weights, np.sqrt(alpha_bar) * self.means, np.sqrt(v), self.name)

    def density(self, x: np.ndarray, alpha_bar: float | np.ndarray = 1.0) -> np.ndarray:
        """Density of the mixture noised to ``alpha_bar``.

        Args:
            x: points (..., 2).
            alpha_bar: in (0, 1], a number or an array that broadcasts with (...).

        Returns:
            (...).
        """
        ratios, log_largest = self._component_densities(x, alpha_bar)
        return np.exp(log_largest) * ratios.sum(-1)

    def responsibilities(self, x: np.ndarray, alpha_bar: float | np.ndarray = 1.0) -> np.ndarray:
        """Posterior probability of each component at the points ``x``: (..., K). Arguments as for :meth:`density`."""
        ratios, _ = self._component_densities(x, alpha_bar)
        return ratios / ratios.sum(-1, keepdims=True)

    def component(self, x: np.ndarray) -> np.ndarray:
        """Index of the most probable component of each point (..., 2): ints (...)."""
        return self._component_densities(x, 1.0)[0].argmax(-1)

    def score(self, x: np.ndarray, alpha_bar: float | np.ndarray = 1.0) -> np.ndarray:
        """Gradient of the log density with respect to x: (..., 2). Arguments as for :meth:`density`."""
        alpha_bar = np.asarray(alpha_bar, dtype=np.float64)[..., None]
        weights = self.responsibilities(x, alpha_bar[..., 0]) / self._variances(alpha_bar)
        return np.sqrt(alpha_bar) * (weights @ self.means) - weights.sum(-1, keepdims=True) * x

    def eps_theta(self, x_t: np.ndarray, t: int | np.ndarray, schedule: Schedule) -> np.ndarray:
        """The exact noise prediction E[eps | x_t] = -sqrt(1 - ab_t) score(x_t, ab_t).

        Args:
            x_t: points (..., 2).
            t: int in 1..T, or an array of ints that broadcasts with (...).
            schedule: gives alpha_bar_t.

        Returns:
            (..., 2).
        """
        alpha_bar = schedule.alpha_bar[t]
        return -np.sqrt(1 - alpha_bar)[..., None] * self.score(x_t, alpha_bar)

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Draw exact samples, float64 (count, 2). Point i depends only on ``seed`` and i.

        Raises:
            ValueError: ``count`` is below 1, or ``seed`` is outside 0..2^64 - 1.
        """
        count, seed = as_int("count", count, 1, None), as_int("seed", seed, 0, MAX_SEED)
        choice, normal = (
            np.random.Generator(np.random.Philox(key=np.array([seed, stream], dtype=np.uint64)))
            for stream in (SAMPLE_STREAM, SAMPLE_STREAM + 1)
        )
        component = choice.choice(len(self), size=count, p=self.weights)
        return self.means[component] + self.stds[component, None] * normal.standard_normal((count, 2))

    def checkpoint(self, schedule: Schedule | None = None, points: int = 1) -> Checkpoint:
        """Return a checkpoint with the exact eps_theta, for :func:`explorer.denoise` and other functions.

        A "picture" of shape (1, points, 2) holds independent points. Their noise is drawn from the picture's seed, and
        point i does not depend on ``points``.

        Args:
            schedule: DDPM's linear schedule if None.
            points: number of points per picture.
        """
        schedule = schedule or Schedule.linear()

        def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
            t_of_row = torch.as_tensor(t, device="cpu").reshape(-1, 1, 1).numpy()
            return torch.from_numpy(self.eps_theta(x_t.double().cpu().numpy(), t_of_row, schedule)).to(x_t)

        return from_denoiser(predict_noise, (1, as_int("points", points, 1, None), 2), schedule, self.name)

    def _variances(self, alpha_bar: np.ndarray) -> np.ndarray:
        """Variances v of the noised components: (..., K) for alpha_bar (..., 1)."""
        return alpha_bar * self.stds**2 + (1 - alpha_bar)

    def _component_densities(self, x: np.ndarray, alpha_bar: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """weight_k N(x; noised component k), divided by the largest (..., K), and the log of the largest (...)."""
        x, alpha_bar = np.asarray(x, dtype=np.float64), np.asarray(alpha_bar, dtype=np.float64)[..., None]
        v, means = self._variances(alpha_bar), self.means.T
        squared_distances = np.square(x).sum(-1, keepdims=True) + alpha_bar * np.square(means).sum(0)
        squared_distances -= 2 * np.sqrt(alpha_bar) * (x @ means)
        log_densities = np.log(self.weights / (2 * np.pi * v)) - squared_distances / (2 * v)
        log_largest = log_densities.max(-1, keepdims=True)
        return np.exp(log_densities - log_largest), log_largest[..., 0]


def _two_moons() -> tuple[np.ndarray, float]:
    angle = np.linspace(0, np.pi, 16)
    upper = np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.concatenate([upper, [1, 0.5] - upper]), 0.1


def _ring() -> tuple[np.ndarray, float]:
    angle = 2 * np.pi * np.arange(8) / 8
    return np.stack([np.cos(angle), np.sin(angle)], 1), 0.08


def _grid() -> tuple[np.ndarray, float]:
    side = np.arange(5.0)
    return np.stack(np.meshgrid(side, side), -1).reshape(-1, 2), 0.1


def _letter() -> tuple[np.ndarray, float]:
    """The letter D as one closed curve: a stem, and a bowl with a half circle."""
    angle = np.linspace(np.pi / 2, -np.pi / 2, 100)
    bowl = np.stack([0.25 + 0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)], 1)
    stroke = np.concatenate([[[0, 0], [0, 1]], bowl, [[0, 0]]])
    length = np.concatenate([[0], np.linalg.norm(np.diff(stroke, axis=0), axis=1).cumsum()])
    positions = np.linspace(0, length[-1], 32, endpoint=False)
    return np.stack([np.interp(positions, length, coordinate) for coordinate in stroke.T], 1), 0.05


_SHAPES: dict[str, Callable[[], tuple[np.ndarray, float]]] = {
    "two moons": _two_moons,
    "ring": _ring,
    "grid": _grid,
    "letter": _letter,
}
PRESETS = tuple(_SHAPES)
