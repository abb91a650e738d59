"""A Gaussian mixture in the plane, whose exact eps_theta is known.

Noised to alpha_bar, a component N(mu, s^2 I) becomes N(sqrt(ab) mu, v I) with v = ab s^2 + 1 - ab, so the density and
its score are those of a mixture again, and the best possible noise prediction is (Song et al. 2021, arXiv 2011.13456)

    eps_theta(x_t, t) = E[eps | x_t] = -sqrt(1 - ab_t) * score(x_t, ab_t)

Points are float64 (..., 2); what is computed here is exact to rounding, so what a run gets wrong is the sampler's.
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

SAMPLE_STREAM = 2**32  # of the generator; latents and steps have 0..T, so a sample shares no noise with a run


@dataclass(frozen=True, eq=False, repr=False)
class Mixture:
    """sum_k weights_k N(means_k, stds_k^2 I) in the plane. Arrays are kept as read-only float64.

    Args:
        weights: (K,), > 0, scaled to sum 1.
        means: (K, 2).
        stds: (K,), > 0; one for both coordinates.
        name: of the checkpoint that it becomes.

    Raises:
        ValueError: if the arrays are not such.
    """

    weights: np.ndarray
    means: np.ndarray
    stds: np.ndarray
    name: str = "mixture"

    def __post_init__(self) -> None:
        weights, means, stds = (np.array(a, dtype=np.float64) for a in (self.weights, self.means, self.stds))
        if weights.ndim != 1 or len(weights) == 0 or stds.shape != weights.shape or means.shape != (len(weights), 2):
            raise ValueError(
                f"a mixture needs weights (K,), means (K, 2) and stds (K,), not {weights.shape}, {means.shape}, {stds.shape}"
            )
        if not (np.all(weights > 0) and np.all(stds > 0) and all(np.isfinite(a).all() for a in (weights, means, stds))):
            raise ValueError("a mixture needs finite means, and finite weights and stds above 0")
        for name, array in (("weights", weights / weights.sum()), ("means", means), ("stds", stds)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    @classmethod
    def preset(cls, name: str) -> Mixture:
        """A mixture by its name in :data:`PRESETS`, with mean 0 and a variance of 1 (the mean of both coordinates').

        "two moons" and "letter" (a D) are strokes of components that overlap; "ring" and "grid" have modes apart.

        Raises:
            ValueError: for another name.
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
        """The distribution of sqrt(ab) x_0 + sqrt(1 - ab) eps for x_0 of this mixture: what x_t should look like at t."""
        v = self._variances(np.array([alpha_bar]))
        return Mixture(self.weights, np.sqrt(alpha_bar) * self.means, np.sqrt(v), self.name)

    def density(self, x: np.ndarray, alpha_bar: float | np.ndarray = 1.0) -> np.ndarray:
        """Density of the mixture noised to ``alpha_bar``, for points (..., 2): (...).

        Args:
            alpha_bar: in (0, 1], a number or any shape that broadcasts with (...).
        """
        terms, largest = self._terms(x, alpha_bar)
        return np.exp(largest) * terms.sum(-1)

    def responsibilities(self, x: np.ndarray, alpha_bar: float | np.ndarray = 1.0) -> np.ndarray:
        """Probability that a point (..., 2) came from each component: (..., K), summing to 1. Arguments as above."""
        terms, _ = self._terms(x, alpha_bar)
        return terms / terms.sum(-1, keepdims=True)

    def component(self, x: np.ndarray) -> np.ndarray:
        """Index of the component most likely to have made each point (..., 2): ints (...)."""
        return self._terms(x, 1.0)[0].argmax(-1)

    def score(self, x: np.ndarray, alpha_bar: float | np.ndarray = 1.0) -> np.ndarray:
        """Gradient of the log density with respect to x: (..., 2). Arguments as in :meth:`density`."""
        alpha_bar = np.asarray(alpha_bar, dtype=np.float64)[..., None]
        pull = self.responsibilities(x, alpha_bar[..., 0]) / self._variances(alpha_bar)
        return np.sqrt(alpha_bar) * (pull @ self.means) - pull.sum(-1, keepdims=True) * x

    def eps_theta(self, x_t: np.ndarray, t: int | np.ndarray, schedule: Schedule) -> np.ndarray:
        """The exact noise prediction E[eps | x_t] = -sqrt(1 - ab_t) score(x_t, ab_t): (..., 2).

        Args:
            x_t: points (..., 2).
            t: int in 1..T, or ints of any shape that broadcasts with (...).
        """
        alpha_bar = schedule.alpha_bar[t]
        return -np.sqrt(1 - alpha_bar)[..., None] * self.score(x_t, alpha_bar)

    def sample(self, count: int, seed: int = 0) -> np.ndarray:
        """Exact draws, float64 (count, 2). Point i depends on the seed and i alone.

        Raises:
            ValueError: a count below 1, or a seed outside 0..2^64 - 1.
        """
        count, seed = as_int("count", count, 1, None), as_int("seed", seed, 0, MAX_SEED)
        choice, normal = (
            np.random.Generator(np.random.Philox(key=np.array([seed, stream], dtype=np.uint64)))
            for stream in (SAMPLE_STREAM, SAMPLE_STREAM + 1)
        )
        component = choice.choice(len(self), size=count, p=self.weights)
        return self.means[component] + self.stds[component, None] * normal.standard_normal((count, 2))

    def checkpoint(self, schedule: Schedule | None = None, points: int = 1) -> Checkpoint:
        """The mixture as a checkpoint, for :func:`explorer.denoise` and everything else that takes one.

        A picture has the shape (1, points, 2): each of its ``points`` is one for itself, and all of them are drawn from
        the picture's seed, point i the same whatever their number.

        Args:
            schedule: the linear one of DDPM if None.
        """
        schedule = schedule or Schedule.linear()

        def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
            rows = torch.as_tensor(t, device="cpu").reshape(-1, 1, 1).numpy()
            return torch.from_numpy(self.eps_theta(x_t.double().cpu().numpy(), rows, schedule)).to(x_t)

        return from_denoiser(predict_noise, (1, as_int("points", points, 1, None), 2), schedule, self.name)

    def _variances(self, alpha_bar: np.ndarray) -> np.ndarray:
        """v of the noised components: (..., K) for alpha_bar (..., 1)."""
        return alpha_bar * self.stds**2 + (1 - alpha_bar)

    def _terms(self, x: np.ndarray, alpha_bar: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """weight_k * density of the noised component k (..., K), divided by the largest of them, and its log (...)."""
        x, alpha_bar = np.asarray(x, dtype=np.float64), np.asarray(alpha_bar, dtype=np.float64)[..., None]
        v, means = self._variances(alpha_bar), self.means.T
        squares = np.square(x).sum(-1, keepdims=True) + alpha_bar * np.square(means).sum(0)
        squares -= 2 * np.sqrt(alpha_bar) * (x @ means)
        log_terms = np.log(self.weights / (2 * np.pi * v)) - squares / (2 * v)
        largest = log_terms.max(-1, keepdims=True)
        return np.exp(log_terms - largest), largest[..., 0]


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
    """A D: a stem, and a bowl of two straight pieces and a half circle, in one closed stroke."""
    angle = np.linspace(np.pi / 2, -np.pi / 2, 100)
    bowl = np.stack([0.25 + 0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)], 1)
    stroke = np.concatenate([[[0, 0], [0, 1]], bowl, [[0, 0]]])
    length = np.concatenate([[0], np.linalg.norm(np.diff(stroke, axis=0), axis=1).cumsum()])
    even = np.linspace(0, length[-1], 32, endpoint=False)
    return np.stack([np.interp(even, length, coordinate) for coordinate in stroke.T], 1), 0.05


_SHAPES: dict[str, Callable[[], tuple[np.ndarray, float]]] = {
    "two moons": _two_moons,
    "ring": _ring,
    "grid": _grid,
    "letter": _letter,
}
PRESETS = tuple(_SHAPES)
