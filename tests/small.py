"""A nonlinear toy network, a strategy for arbitrary settings, and the closed-form result for Gaussian data."""

from __future__ import annotations

import math

import torch
from hypothesis import strategies as st
from torch import Tensor

import explorer as ex
from explorer.schedule import SPACINGS

SHAPE = (1, 4, 4)
SCHEDULE = ex.Schedule.linear()


def wavy(x_t: Tensor, t: int | Tensor) -> Tensor:
    """A nonlinear eps, pixel by pixel, whose predicted x_0 is far outside [-1, 1]. Rows may have different t."""
    t = torch.as_tensor(t).expand(len(x_t)).view(-1, 1, 1, 1)
    return 0.7 * torch.sin(3 * x_t + 0.01 * t) + 0.5 * x_t


WAVY = ex.from_denoiser(wavy, SHAPE, SCHEDULE)


def any_settings(steps: int = 30) -> st.SearchStrategy[ex.Settings]:
    """Arbitrary settings with at most this many steps."""
    return st.builds(
        ex.Settings,
        steps=st.integers(1, steps),
        eta=st.floats(0, 1),
        variance=st.sampled_from(["eta", "large"]),
        spacing=st.sampled_from(SPACINGS),
        clip=st.booleans(),
        noise_seed=st.integers(0, 2**63),
    )


def ode_map(x_T: Tensor, mu: float, s: float) -> Tensor:
    """The limit of eta = 0 for data N(mu, s^2) as S -> infinity: it maps x_T to the same quantile of the data."""
    ab = SCHEDULE.alpha_bar[-1]
    return mu + s * (x_T - math.sqrt(ab) * mu) / math.sqrt(ab * s**2 + 1 - ab)


def relative_error(actual: torch.Tensor, expected: torch.Tensor) -> float:
    return float((actual - expected).norm() / expected.norm())
