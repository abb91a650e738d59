"""The forward process: noise a picture to any t in one jump."""

from __future__ import annotations

import torch
from torch import Tensor

from explorer.schedule import Schedule


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
