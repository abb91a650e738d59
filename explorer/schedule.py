"""The noise schedule: beta, alpha_bar, sigma and the sub-sequence tau of time steps.

Notation: ``alpha_bar[t]`` for t = 0..T with ``alpha_bar[0] = 1`` is what the DDPM paper writes with a bar and what the
DDIM paper (Song, Meng & Ermon 2020, arXiv 2010.02502) calls alpha_t. Coefficients are Python floats, that is float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from explorer.support.arguments import as_int, check_eta, shorten
from explorer.support.messages import LocalizedError

Spacing = Literal["linear", "quadratic", "leading"]
Variance = Literal["eta", "large"]
SPACINGS: tuple[str, ...] = get_args(Spacing)
VARIANCES: tuple[str, ...] = get_args(Variance)


@dataclass(frozen=True)
class Coefficients:
    """The numbers in front of Eq. 12 for one jump t -> t_prev.

    x_prev = ``sqrt_alpha_bar_prev`` * predicted x_0 + ``direction_scale`` * eps + ``sigma`` * z
           = ``m`` * x_t + ``k`` * predicted x_0 + ``sigma`` * z          (the same line with eps eliminated)

    Attributes:
        t, t_prev: the time steps, 0 <= t_prev < t.
        alpha_bar, alpha_bar_prev: alpha_bar at t and at t_prev.
        sqrt_alpha_bar_prev: factor of predicted x_0.
        direction_scale: factor of eps, sqrt(1 - alpha_bar_prev - sigma^2). With ``variance="large"`` it keeps sigma(1).
        sigma: factor of z: sigma_t(eta), or sigma-hat for ``variance="large"``.
    """

    t: int
    t_prev: int
    alpha_bar: float
    alpha_bar_prev: float
    sqrt_alpha_bar_prev: float
    direction_scale: float
    sigma: float

    @property
    def m(self) -> float:
        """Factor of x_t: direction_scale / sqrt(1 - alpha_bar_t)."""
        return self.direction_scale / math.sqrt(1 - self.alpha_bar)

    @property
    def k(self) -> float:
        """Factor of predicted x_0 beside ``m``: sqrt(alpha_bar_prev) - m sqrt(alpha_bar_t)."""
        return self.sqrt_alpha_bar_prev - self.m * math.sqrt(self.alpha_bar)

    # Names of earlier versions.

    @property
    def x0(self) -> float:
        """The same as ``sqrt_alpha_bar_prev``."""
        return self.sqrt_alpha_bar_prev

    @property
    def direction(self) -> float:
        """The same as ``direction_scale``."""
        return self.direction_scale

    @property
    def noise(self) -> float:
        """The same as ``sigma``."""
        return self.sigma


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """alpha_bar of a trained diffusion model; everything else about noise levels follows from it.

    Args:
        alpha_bar: float64 (T+1,), strictly decreasing, ``alpha_bar[0] == 1``, all > 0. Kept read-only.

    Raises:
        ValueError: if ``alpha_bar`` is not such a sequence.
    """

    alpha_bar: np.ndarray

    def __post_init__(self) -> None:
        alpha_bar = np.array(self.alpha_bar, dtype=np.float64)
        if alpha_bar.ndim != 1 or len(alpha_bar) < 2 or alpha_bar[0] != 1:
            raise LocalizedError(
                "opening.alpha_bar",
                "alpha_bar must be a sequence of T+1 >= 2 numbers that starts with alpha_bar[0] = 1",
            )
        if not (np.all(np.diff(alpha_bar) < 0) and alpha_bar[-1] > 0):  # also catches NaN
            raise LocalizedError("opening.alpha_bar_falls", "alpha_bar must fall strictly and stay above 0")
        alpha_bar.setflags(write=False)
        object.__setattr__(self, "alpha_bar", alpha_bar)

    @classmethod
    def from_betas(cls, betas: Sequence[float] | np.ndarray) -> Schedule:
        """alpha_bar_t = prod_{s<=t} (1 - beta_s) for betas (T,) in (0, 1)."""
        betas = np.asarray(betas, dtype=np.float64)
        if betas.ndim != 1 or len(betas) == 0 or not np.all((betas > 0) & (betas < 1)):
            raise LocalizedError("opening.betas", "betas must be a sequence of at least one number, each inside (0, 1)")
        return cls(np.concatenate([[1.0], np.cumprod(1 - betas)]))

    @classmethod
    def linear(cls, T: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> Schedule:
        """beta rising linearly over t = 1..T: the schedule of DDPM and of the DDIM paper."""
        return cls.from_betas(np.linspace(beta_start, beta_end, T, dtype=np.float64))

    @property
    def T(self) -> int:
        """Number of steps that the model was trained with."""
        return len(self.alpha_bar) - 1

    def __repr__(self) -> str:
        return f"Schedule(T={self.T}, alpha_bar[T]={self.alpha_bar[-1]:.3g})"

    def sigma(self, t: int, t_prev: int, eta: float) -> float:
        """sigma_t(eta) for the jump t -> t_prev, Eq. 16: eta scales sigma itself, not the variance.

        eta = 1 gives the square root of DDPM's posterior variance beta-tilde, eta = 0 gives 0.
        """
        _check_jump(t, t_prev, self.T)
        alpha_bar, alpha_bar_prev = float(self.alpha_bar[t]), float(self.alpha_bar[t_prev])
        return eta * math.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)) * math.sqrt(1 - alpha_bar / alpha_bar_prev)

    def sigma_hat(self, t: int, t_prev: int) -> float:
        """sigma-hat, DDPM's larger variance sqrt(1 - alpha_bar_t / alpha_bar_prev) (App. D.3).

        0 at the last step (t_prev = 0), where the sample is predicted x_0 itself.
        """
        _check_jump(t, t_prev, self.T)
        return math.sqrt(1 - float(self.alpha_bar[t]) / float(self.alpha_bar[t_prev])) if t_prev > 0 else 0.0

    def coefficients(self, t: int, t_prev: int, eta: float = 0.0, variance: Variance = "eta") -> Coefficients:
        """The coefficients of Eq. 12 for the jump t -> t_prev.

        With ``variance="eta"`` the squares of direction and noise add up to 1 - alpha_bar_prev. With ``"large"`` the
        noise is sigma-hat while the direction keeps sigma(1), as in DDPM's "simple variance"; ``eta`` has no effect.

        Raises:
            ValueError: unless 0 <= t_prev < t <= T, eta in [0, 1], variance one of "eta", "large".
        """
        check_eta(eta)
        if variance not in VARIANCES:
            raise ValueError(f"variance must be one of {', '.join(VARIANCES)}, not {variance!r}")
        sigma = self.sigma(t, t_prev, 1.0 if variance == "large" else eta)
        alpha_bar, alpha_bar_prev = float(self.alpha_bar[t]), float(self.alpha_bar[t_prev])
        return Coefficients(
            t=t,
            t_prev=t_prev,
            alpha_bar=alpha_bar,
            alpha_bar_prev=alpha_bar_prev,
            sqrt_alpha_bar_prev=math.sqrt(alpha_bar_prev),
            direction_scale=math.sqrt(max(1 - alpha_bar_prev - sigma**2, 0.0)),  # below 0 only by rounding
            sigma=self.sigma_hat(t, t_prev) if variance == "large" else sigma,
        )


def timesteps(T: int = 1000, S: int = 50, spacing: Spacing = "linear") -> list[int]:
    """The sub-sequence tau of 1..T that a run with S steps visits (Sec. 4.2, App. D.2).

    ``"linear"`` is tau_i = floor(T i / S) and ``"quadratic"`` floor(T i^2 / S^2), made strictly increasing; both end
    at T. ``"leading"`` is the original code's 1, 1 + floor(T/S), ..., which stops short of T.

    Returns:
        S ints, strictly ascending, each in 1..T. All arithmetic is exact (integers).

    Raises:
        ValueError: unless T >= 1, 1 <= S <= T and spacing is one of the three names.
    """
    T = as_int("T", T, 1, None)
    S = as_int("S (number of steps)", S, 1, T)
    if spacing == "linear":
        return [T * i // S for i in range(1, S + 1)]
    if spacing == "quadratic":
        # i^2 grows faster than i, so lifting the first values to i is all that strict growth needs.
        return [max(i, T * i * i // (S * S)) for i in range(1, S + 1)]
    if spacing == "leading":
        return [1 + i * (T // S) for i in range(S)]
    raise ValueError(f"spacing must be one of {', '.join(SPACINGS)}, not {spacing!r}")


def jumps(tau: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs (t, t_prev) of a run down ``tau``, t descending; the last t_prev is 0."""
    return list(zip(reversed(tau), [*reversed(tau[:-1]), 0], strict=True))


def _check_jump(t: int, t_prev: int, T: int) -> None:
    if not 0 <= t_prev < t <= T:
        raise ValueError(f"a jump t -> t_prev needs 0 <= t_prev < t <= {T}, not {shorten(t)} -> {shorten(t_prev)}")
