"""The noise schedule alpha_bar, the coefficients of Eq. 12, and the sub-sequence tau of time steps.

Notation: ``alpha_bar[t]`` for t = 0..T, with ``alpha_bar[0] = 1``, is the alpha-bar of the DDPM paper (Ho et al. 2020,
arXiv 2006.11239). The DDIM paper (Song, Meng & Ermon 2020, arXiv 2010.02502) calls the same quantity alpha_t. All
coefficients are computed in float64.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from explorer.support.arguments import as_int, check_eta, shorten
from explorer.support.messages import LocalizedError

Spacing = Literal["linear", "quadratic", "leading", "quadratic-ddim"]
Variance = Literal["eta", "large"]
PredictionType = Literal["epsilon", "v_prediction"]  # a network's output; diffusers stores it with the schedule
SPACINGS: tuple[str, ...] = get_args(Spacing)
VARIANCES: tuple[str, ...] = get_args(Variance)


@dataclass(frozen=True)
class Coefficients:
    """The coefficients of Eq. 12 for one jump t -> t_prev.

    x_prev = sqrt_alpha_bar_prev * predicted x_0 + direction_scale * eps + sigma * z
           = m * x_t + k * predicted x_0 + sigma * z          (the same sum with eps eliminated)

    Attributes:
        t, t_prev: time steps, 0 <= t_prev < t.
        alpha_bar, alpha_bar_prev: alpha_bar at t and at t_prev.
        sqrt_alpha_bar_prev: coefficient of predicted x_0.
        direction_scale: coefficient of eps, sqrt(1 - alpha_bar_prev - sigma^2). With ``variance="large"`` it is
            computed from sigma(eta=1).
        sigma: coefficient of z: sigma_t(eta) of Eq. 16, or sigma-hat with ``variance="large"``.
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
        """Coefficient of x_t in the second form: direction_scale / sqrt(1 - alpha_bar_t)."""
        return self.direction_scale / math.sqrt(1 - self.alpha_bar)

    @property
    def k(self) -> float:
        """Coefficient of predicted x_0 in the second form: sqrt(alpha_bar_prev) - m sqrt(alpha_bar_t)."""
        return self.sqrt_alpha_bar_prev - self.m * math.sqrt(self.alpha_bar)

    # Short aliases, kept for existing scripts.

    @property
    def x0(self) -> float:
        """Alias of ``sqrt_alpha_bar_prev``."""
        return self.sqrt_alpha_bar_prev

    @property
    def direction(self) -> float:
        """Alias of ``direction_scale``."""
        return self.direction_scale

    @property
    def noise(self) -> float:
        """Alias of ``sigma``."""
        return self.sigma


@dataclass(frozen=True, eq=False, repr=False)
class Schedule:
    """The noise schedule that a diffusion model was trained with.

    Args:
        alpha_bar: float64 (T+1,), strictly decreasing from ``alpha_bar[0] == 1``, all > 0. Stored as a read-only copy.

    Raises:
        ValueError: ``alpha_bar`` does not meet these conditions.
    """

    alpha_bar: np.ndarray

    def __post_init__(self) -> None:
        alpha_bar = np.array(self.alpha_bar, dtype=np.float64)
        if alpha_bar.ndim != 1 or len(alpha_bar) < 2 or alpha_bar[0] != 1:
            raise LocalizedError(
                "opening.alpha_bar",
                "alpha_bar must be a sequence of T+1 >= 2 numbers that starts with alpha_bar[0] = 1",
            )
        if not (np.all(np.diff(alpha_bar) < 0) and alpha_bar[-1] > 0):  # false for NaN, too
            raise LocalizedError("opening.alpha_bar_falls", "alpha_bar must fall strictly and stay above 0")
        alpha_bar.setflags(write=False)
        object.__setattr__(self, "alpha_bar", alpha_bar)

    @classmethod
    def from_betas(cls, betas: Sequence[float] | np.ndarray) -> Schedule:
        """Return the schedule alpha_bar_t = prod_{s<=t} (1 - beta_s).

        Args:
            betas: (T,), beta_1..beta_T, each in (0, 1).

        Raises:
            ValueError: ``betas`` is empty, or a value is out of range.
        """
        betas = np.asarray(betas, dtype=np.float64)
        if betas.ndim != 1 or len(betas) == 0 or not np.all((betas > 0) & (betas < 1)):
            raise LocalizedError("opening.betas", "betas must be a sequence of at least one number, each inside (0, 1)")
        return cls(np.concatenate([[1.0], np.cumprod(1 - betas)]))

    @classmethod
    def linear(cls, T: int = 1000, beta_start: float = 1e-4, beta_end: float = 0.02) -> Schedule:
        """Return the schedule of the DDPM and DDIM papers, in which beta rises linearly over t = 1..T."""
        return cls.from_betas(np.linspace(beta_start, beta_end, T, dtype=np.float64))

    @property
    def T(self) -> int:
        """Number of time steps that the model was trained with."""
        return len(self.alpha_bar) - 1

    def __repr__(self) -> str:
        return f"Schedule(T={self.T}, alpha_bar[T]={self.alpha_bar[-1]:.3g})"

    def sigma(self, t: int, t_prev: int, eta: float) -> float:
        """Return sigma_t(eta) of Eq. 16 for the jump t -> t_prev. Note that eta scales sigma, not the variance.

        At eta = 1 this is the square root of DDPM's posterior variance beta-tilde. At eta = 0 it is 0.

        Raises:
            ValueError: unless 0 <= t_prev < t <= T.
        """
        _check_jump(t, t_prev, self.T)
        alpha_bar, alpha_bar_prev = float(self.alpha_bar[t]), float(self.alpha_bar[t_prev])
        return eta * math.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)) * math.sqrt(1 - alpha_bar / alpha_bar_prev)

    def sigma_hat(self, t: int, t_prev: int) -> float:
        """Return sigma-hat = sqrt(1 - alpha_bar_t / alpha_bar_prev), DDPM's larger variance (App. D.3).

        At the last step (t_prev = 0) it is 0, so that the sample is predicted x_0 itself.

        Raises:
            ValueError: unless 0 <= t_prev < t <= T.
        """
        _check_jump(t, t_prev, self.T)
        return math.sqrt(1 - float(self.alpha_bar[t]) / float(self.alpha_bar[t_prev])) if t_prev > 0 else 0.0

    def coefficients(self, t: int, t_prev: int, eta: float = 0.0, variance: Variance = "eta") -> Coefficients:
        """Return the coefficients of Eq. 12 for the jump t -> t_prev.

        With ``variance="eta"``, direction_scale^2 + sigma^2 = 1 - alpha_bar_prev. With ``"large"``, sigma is sigma-hat
        and direction_scale is that of eta = 1; ``eta`` has no effect.

        Args:
            t, t_prev: 0 <= t_prev < t <= T.
            eta: in [0, 1]; 0 is DDIM, 1 is DDPM.
            variance: "eta" or "large".

        Raises:
            ValueError: an argument is out of range.
        """
        check_eta(eta)
        if variance not in VARIANCES:
            raise ValueError(f"variance must be one of {', '.join(VARIANCES)}, not {variance!r}")
        return self._coefficients(t, t_prev, eta, variance)

    def plan(self, steps: int, spacing: Spacing, eta: float, variance: Variance) -> list[Coefficients]:
        """Return the coefficients of every step of a run, t descending.

        Args:
            steps, spacing, eta, variance: as in :class:`explorer.Settings`, which checks them.

        Raises:
            ValueError: ``steps`` exceeds T.
        """
        if steps > self.T:
            raise ValueError(f"S (number of steps) must be a whole number from 1 to {self.T}, not {steps}")
        tau = _subsequence(self.T, steps, spacing)
        return [self._coefficients(t, t_prev, eta, variance) for t, t_prev in jumps(tau)]

    def _coefficients(self, t: int, t_prev: int, eta: float, variance: Variance) -> Coefficients:
        """:meth:`coefficients` without checks."""
        sigma = self.sigma(t, t_prev, 1.0 if variance == "large" else eta)
        alpha_bar, alpha_bar_prev = float(self.alpha_bar[t]), float(self.alpha_bar[t_prev])
        return Coefficients(
            t=t,
            t_prev=t_prev,
            alpha_bar=alpha_bar,
            alpha_bar_prev=alpha_bar_prev,
            sqrt_alpha_bar_prev=math.sqrt(alpha_bar_prev),
            direction_scale=math.sqrt(max(1 - alpha_bar_prev - sigma**2, 0.0)),  # negative only through rounding
            sigma=self.sigma_hat(t, t_prev) if variance == "large" else sigma,
        )


def timesteps(T: int = 1000, S: int = 50, spacing: Spacing = "linear") -> list[int]:
    """Return tau, the sub-sequence of 1..T that a run of S steps visits (Sec. 4.2, App. D.2).

    Args:
        T: number of time steps of the schedule, at least 1.
        S: number of steps of the run, in 1..T.
        spacing: "linear" is tau_i = floor(T i / S). "quadratic" is floor(T i^2 / S^2), made strictly increasing. Both
            are the paper's with c such that tau_S = T.

            "leading" is 1, 1 + floor(T/S), ..., the rule of that name in diffusers. It ends below T, except for S = T.
            Where S divides T it is the uniform spacing of the paper's original code (github.com/ermongroup/ddim), whose
            ``range(0, T, T // S)`` has more than S labels otherwise.

            "quadratic-ddim" is the quadratic spacing of that code, with which the CIFAR-10 results of Table 1 were made:
            the labels 0..T-1 are ``linspace(0, sqrt(0.8 T), S)**2`` rounded down, and tau is one more. A label that
            would repeat an earlier one is raised to the next. A run starts at label 0.8 T, not at T: it takes the pure
            noise x_T for a picture that is noised less. S = 1 is label 0 alone.

    Returns:
        S ints in 1..T, strictly ascending.

    Raises:
        ValueError: an argument is out of range.
    """
    T = as_int("T", T, 1, None)
    S = as_int("S (number of steps)", S, 1, T)
    if spacing not in SPACINGS:
        raise ValueError(f"spacing must be one of {', '.join(SPACINGS)}, not {spacing!r}")
    return _subsequence(T, S, spacing)


def _subsequence(T: int, S: int, spacing: Spacing) -> list[int]:
    """:func:`timesteps` without checks."""
    if spacing == "linear":
        return [T * i // S for i in range(1, S + 1)]
    if spacing == "quadratic":
        # i^2 grows faster than i, so raising the first values to i makes the sequence strictly increasing.
        return [max(i, T * i * i // (S * S)) for i in range(1, S + 1)]
    if spacing == "quadratic-ddim":
        labels = (np.linspace(0, np.sqrt(T * 0.8), S) ** 2).astype(int).tolist()  # rounded as in the original code
        return [1 + max(i, label) for i, label in enumerate(labels)]
    return [1 + i * (T // S) for i in range(S)]


def jumps(tau: Sequence[int]) -> list[tuple[int, int]]:
    """Return the jumps (t, t_prev) of a run along ``tau``, t descending. The last t_prev is 0."""
    return list(zip(reversed(tau), [*reversed(tau[:-1]), 0], strict=True))


def _check_jump(t: int, t_prev: int, T: int) -> None:
    if not 0 <= t_prev < t <= T:
        raise ValueError(f"a jump t -> t_prev needs 0 <= t_prev < t <= {T}, not {shorten(t)} -> {shorten(t_prev)}")
