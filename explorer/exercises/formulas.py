"""The correct functions of the tasks, in numpy and float64, each written as the paper has it.

They also take numbers and torch tensors where the formula allows it. ``ab`` is alpha_bar at t, ``prev`` is alpha_bar_prev.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = Any  # np.ndarray, torch.Tensor, or a number


def sqrt(value: float | np.ndarray) -> float:
    """Square root in float64; NaN below 0, as in numpy and torch."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.sqrt(np.float64(value)))


def ratio(a: float, b: float) -> float:
    """a / b in float64; infinite or NaN for b = 0, as in numpy and torch."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.float64(a) / np.float64(b))


def diffuse(x_0: Array, eps: Array, alpha_bar: float) -> Array:
    """x_t = sqrt(ab) x_0 + sqrt(1 - ab) eps, Eq. 4."""
    return sqrt(alpha_bar) * x_0 + sqrt(1 - alpha_bar) * eps


def predicted_x0(x_t: Array, eps: Array, alpha_bar: float) -> Array:
    """Predicted x_0 = (x_t - sqrt(1 - ab) eps) / sqrt(ab), Eq. 9."""
    return (x_t - sqrt(1 - alpha_bar) * eps) / sqrt(alpha_bar)


def sigma(alpha_bar: float, alpha_bar_prev: float, eta: float) -> float:
    """sigma = eta sqrt((1 - ab_prev) / (1 - ab)) sqrt(1 - ab / ab_prev), Eq. 16."""
    return eta * sqrt(ratio(1 - alpha_bar_prev, 1 - alpha_bar)) * sqrt(1 - alpha_bar / alpha_bar_prev)


def direction_scale(alpha_bar: float, alpha_bar_prev: float, sigma: float) -> float:
    """Factor of the direction pointing to x_t: sqrt(1 - ab_prev - sigma^2)."""
    return sqrt(max(1 - alpha_bar_prev - sigma**2, 0.0))


def timesteps(T: int, S: int) -> list[int]:
    """tau_i = floor(T i / S) for i = 1..S, Sec. 4.2 and App. D.2 (linear)."""
    return [T * i // S for i in range(1, S + 1)]


def ddim_step(x_t: Array, eps: Array, z: Array, alpha_bar: float, alpha_bar_prev: float, eta: float) -> Array:
    """x_prev = sqrt(ab_prev) x0 + sqrt(1 - ab_prev - sigma^2) eps + sigma z, Eq. 12."""
    s = sigma(alpha_bar, alpha_bar_prev, eta)
    x0 = predicted_x0(x_t, eps, alpha_bar)
    return sqrt(alpha_bar_prev) * x0 + direction_scale(alpha_bar, alpha_bar_prev, s) * eps + s * z


def sample(step: Callable, predict_noise: Callable, alpha_bar: Array, tau: Sequence[int], x_T: Array) -> Array:
    """The loop over tau with eta = 0, from x_T to x_0: t descending, and t_prev = 0 at the last step."""
    x_t = x_T
    for t, t_prev in zip(reversed(tau), [*reversed(tau[:-1]), 0], strict=True):
        x_t = step(x_t, predict_noise(x_t, t), 0.0, alpha_bar[t], alpha_bar[t_prev], 0.0)
    return x_t


def slerp(a: np.ndarray, b: np.ndarray, w: float) -> np.ndarray:
    """sin((1 - w) theta) / sin(theta) a + sin(w theta) / sin(theta) b, row by row, App. D.5."""
    return slerp_by(angle(a, b), a, b, w)


def angle(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The angle between the rows of a and b, (B, 1, 1, 1)."""
    dot = (a * b).reshape(len(a), -1).sum(1)
    norms = np.linalg.norm(a.reshape(len(a), -1), axis=1) * np.linalg.norm(b.reshape(len(b), -1), axis=1)
    return np.arccos(np.clip(dot / norms, -1, 1)).reshape(-1, *[1] * (a.ndim - 1))


def slerp_by(theta: np.ndarray | float, a: np.ndarray, b: np.ndarray, w: float) -> np.ndarray:
    """The formula of :func:`slerp` with a given angle."""
    return (np.sin((1 - w) * theta) * a + np.sin(w * theta) * b) / np.sin(theta)


def encode_step(x_s: Array, eps: Array, alpha_bar: float, alpha_bar_next: float) -> Array:
    """x_next = sqrt(ab_next) x0 + sqrt(1 - ab_next) eps: Eq. 12 at eta = 0, run upwards (Sec. 5.4)."""
    return sqrt(alpha_bar_next) * predicted_x0(x_s, eps, alpha_bar) + sqrt(1 - alpha_bar_next) * eps
