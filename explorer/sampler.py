"""The sampler: Eq. 12 of DDIM (Song, Meng & Ermon 2020), one pure step and a generator that runs it down tau.

DDIM (eta = 0), DDPM (eta = 1), everything between and DDPM's larger variance sigma-hat are settings of the one step:

    x_prev = sqrt(ab_prev) * (x_t - sqrt(1 - ab_t) eps) / sqrt(ab_t)      "predicted x_0"
           + sqrt(1 - ab_prev - sigma^2) * eps                            "direction pointing to x_t"
           + sigma * z                                                    "random noise"
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import MAX_SEED, step_noise
from explorer.schedule import (
    SPACINGS,
    VARIANCES,
    Coefficients,
    Spacing,
    Variance,
    as_int,
    check_eta,
    jumps,
    short,
    timesteps,
)


@dataclass(frozen=True)
class Settings:
    """How a run goes down from x_T.

    Attributes:
        steps: S, from 1 to the checkpoint's T.
        eta: in [0, 1]; sigma = eta * sigma(1). 0 is DDIM, 1 is DDPM.
        variance: "eta", or "large" for sigma-hat (then ``eta`` has no effect).
        spacing: of tau: "linear", "quadratic" or "leading", see :func:`explorer.timesteps`.
        clip: clamp predicted x_0 to [-1, 1] at every step and re-derive eps from it.
        noise_seed: row i of a batch draws its z from ``noise_seed + i``; or a tuple with one seed for each row.

    Raises:
        ValueError: for a value out of range, naming the range.
    """

    steps: int = 50
    eta: float = 0.0
    variance: Variance = "eta"
    spacing: Spacing = "linear"
    clip: bool = False
    noise_seed: int | tuple[int, ...] = 0

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "steps", as_int("steps", self.steps, 1, None))
        set_(self, "eta", check_eta(self.eta))
        if self.variance not in VARIANCES:
            raise ValueError(f"variance must be one of {', '.join(VARIANCES)}, not {short(self.variance)}")
        if self.spacing not in SPACINGS:
            raise ValueError(f"spacing must be one of {', '.join(SPACINGS)}, not {short(self.spacing)}")
        if not isinstance(self.clip, bool):
            raise ValueError(f"clip must be True or False, not {short(self.clip)}")
        if isinstance(self.noise_seed, (tuple, list)):
            set_(self, "noise_seed", tuple(as_int("noise_seed", s, 0, MAX_SEED) for s in self.noise_seed))
        else:
            set_(self, "noise_seed", as_int("noise_seed", self.noise_seed, 0, MAX_SEED))

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{f.name}={short(getattr(self, f.name))}' for f in fields(self))})"

    def noise_seeds(self, rows: int) -> list[int]:
        """One noise seed for each of ``rows`` rows.

        Raises:
            ValueError: if a tuple of seeds has another length, or counting up passes 2^64 - 1.
        """
        if isinstance(self.noise_seed, int):
            return [as_int("noise_seed + row", self.noise_seed + i, 0, MAX_SEED) for i in range(rows)]
        if len(self.noise_seed) != rows:
            raise ValueError(
                f"noise_seed has {len(self.noise_seed)} seeds, the batch {rows} rows; give one for each row"
            )
        return list(self.noise_seed)


@dataclass(frozen=True, repr=False)
class Terms:
    """The three summands of Eq. 12, each (B, C, H, W)."""

    x0: Tensor
    direction: Tensor
    noise: Tensor

    def __repr__(self) -> str:
        sizes = ", ".join(f"{f.name} {float(getattr(self, f.name).square().mean().sqrt()):.4f}" for f in fields(self))
        return f"Terms(rms of {sizes})"


@dataclass(frozen=True, repr=False)
class Step:
    """One line of Eq. 12. All tensors are (B, C, H, W).

    Attributes:
        coefficients: t, t_prev, alpha_bar, sigma and the factor before each term.
        x_t: the state before the step.
        eps_theta: what the network predicted.
        eps: the noise that Eq. 12 uses: ``eps_theta``, or with clip the one re-derived from the clipped predicted x_0.
        x0: predicted x_0, clipped if the settings say so.
        z: standard normal noise, None where sigma is 0 and none was drawn.
        terms: the three summands.
        x_prev: their sum.
        clipped: (B,) how many values of each picture's predicted x_0 clip changed.
    """

    coefficients: Coefficients
    x_t: Tensor
    eps_theta: Tensor
    eps: Tensor
    x0: Tensor
    z: Tensor | None
    terms: Terms
    x_prev: Tensor
    clipped: Tensor

    @property
    def t(self) -> int:
        return self.coefficients.t

    @property
    def t_prev(self) -> int:
        return self.coefficients.t_prev

    @property
    def alpha_bar(self) -> float:
        return self.coefficients.alpha_bar

    @property
    def alpha_bar_prev(self) -> float:
        return self.coefficients.alpha_bar_prev

    @property
    def sigma(self) -> float:
        return self.coefficients.sigma

    def __repr__(self) -> str:
        c = self.coefficients
        return f"Step({c.t} -> {c.t_prev}: {c.x0:.4f} x0 + {c.direction:.4f} eps + {c.noise:.4f} z)"

    def _repr_html_(self) -> str | None:
        """Its panels, for a notebook."""
        from explorer.panels import step_html  # which stands below this module: asked only where there is a screen

        return step_html(self)

    def _repr_png_(self) -> bytes | None:
        from explorer.panels import step_png

        return step_png(self)


def ddim_step(x_t: Tensor, eps_theta: Tensor, z: Tensor | None, coefficients: Coefficients, clip: bool = False) -> Step:
    """Eq. 12, a pure function of the state, the predicted noise and the fresh noise.

    Args:
        x_t: (B, C, H, W).
        eps_theta: predicted noise eps_theta(x_t, t), same shape.
        z: N(0, I), same shape; may be None where ``coefficients.noise`` is 0.
        coefficients: of the jump, see :meth:`explorer.Schedule.coefficients`.
        clip: clamp predicted x_0 to [-1, 1] and re-derive eps from it.
    """
    c = coefficients
    eps, x0 = eps_theta, predicted_x0(x_t, eps_theta, c.alpha_bar)
    clipped = torch.zeros(len(x_t), dtype=torch.long)
    if clip:
        clipped = (x0.abs() > 1).flatten(1).sum(1).cpu()
        x0 = x0.clamp(-1, 1)
        eps = (x_t - math.sqrt(c.alpha_bar) * x0) / math.sqrt(1 - c.alpha_bar)
    if z is None and c.noise != 0:
        raise ValueError(f"the step {c.t} -> {c.t_prev} has sigma {c.noise:.4g} and needs noise z")
    terms = Terms(
        x0=c.x0 * x0,
        direction=c.direction * eps,
        noise=torch.zeros_like(x_t) if z is None else c.noise * z,
    )
    return Step(c, x_t, eps_theta, eps, x0, z, terms, terms.x0 + terms.direction + terms.noise, clipped)


def predicted_x0(x_t: Tensor, eps: Tensor, alpha_bar: float) -> Tensor:
    """(x_t - sqrt(1 - ab) eps) / sqrt(ab), Eq. 9: the picture that x_t would be without its predicted noise."""
    return (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)


def ddpm_posterior_step(x_t: Tensor, x0: Tensor, z: Tensor | None, coefficients: Coefficients) -> Tensor:
    """x_prev by DDPM's own formula (Ho et al. 2020, Eq. 6-7), for the jump of ``coefficients``, in float64.

    coef1 x0 + coef2 x_t + sqrt(beta-tilde) z with coef1 = sqrt(ab_prev) beta / (1 - ab_t), coef2 = sqrt(ab_t / ab_prev)
    (1 - ab_prev) / (1 - ab_t), beta = 1 - ab_t / ab_prev. What Eq. 12 gives at eta = 1, written the other way.
    """
    c = coefficients
    beta, rest, rest_prev = 1 - c.alpha_bar / c.alpha_bar_prev, 1 - c.alpha_bar, 1 - c.alpha_bar_prev
    coef1 = math.sqrt(c.alpha_bar_prev) * beta / rest
    coef2 = math.sqrt(c.alpha_bar / c.alpha_bar_prev) * rest_prev / rest
    mean = coef1 * x0.double() + coef2 * x_t.double()
    return mean if z is None else mean + math.sqrt(rest_prev / rest * beta) * z.double()


def denoise(checkpoint: Checkpoint, x_T: Tensor, settings: Settings | None = None) -> Iterator[Step]:
    """Run down tau from x_T, yielding every step as it is done, t descending; the last t_prev is 0.

    Args:
        x_T: (B, C, H, W) float32. Not changed.
        settings: DDIM with 50 steps if None.

    Raises:
        ValueError: at once, before the first step: a shape other than the checkpoint's, more steps than T, noise seeds
            that do not fit the batch.
    """
    settings = settings or Settings()
    check_latents("x_T", x_T, checkpoint)
    plan = jumps(timesteps(checkpoint.schedule.T, settings.steps, settings.spacing))
    seeds = settings.noise_seeds(len(x_T))

    def run() -> Iterator[Step]:
        x_t = x_T
        for t, t_prev in plan:
            coefficients = checkpoint.schedule.coefficients(t, t_prev, settings.eta, settings.variance)
            eps_theta = checkpoint.predict_noise(x_t, t)
            z = step_noise(checkpoint.shape, seeds, t).to(x_t) if coefficients.noise else None
            step = ddim_step(x_t, eps_theta, z, coefficients, settings.clip)
            yield step
            x_t = step.x_prev

    return run()


def sample(checkpoint: Checkpoint, x_T: Tensor, settings: Settings | None = None) -> Tensor:
    """The last x_prev of :func:`denoise`: pictures (B, C, H, W), about [-1, 1]. Arguments and errors as there."""
    x_t = x_T
    for step in denoise(checkpoint, x_T, settings):
        x_t = step.x_prev
    return x_t


def check_latents(name: str, x: Tensor, checkpoint: Checkpoint) -> None:
    """ValueError unless ``x`` is a batch of the checkpoint's pictures, (B, C, H, W)."""
    if x.ndim != 4 or tuple(x.shape[1:]) != checkpoint.shape:
        raise ValueError(f"{name} must be (B, {', '.join(map(str, checkpoint.shape))}), not {tuple(x.shape)}")
