"""The sampler: one step of Eq. 12 as a pure function, and the loop that applies it along tau.

Eq. 12 of DDIM (Song, Meng & Ermon 2020, arXiv 2010.02502), with ab = alpha_bar:

    x_prev = sqrt(ab_prev) * (x_t - sqrt(1 - ab_t) eps) / sqrt(ab_t)      "predicted x_0"
           + sqrt(1 - ab_prev - sigma^2) * eps                            "direction pointing to x_t"
           + sigma * z                                                    "random noise"

DDIM (eta = 0), DDPM (eta = 1), every eta between them, and DDPM's larger variance sigma-hat differ only in the
coefficients. One function, :func:`ddim_step`, computes them all.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import NoiseMix, step_noise
from explorer.schedule import Coefficients
from explorer.settings import Settings
from explorer.support.arguments import as_int
from explorer.support.rich_display import RichDisplay

__all__ = [
    "Run",
    "Settings",
    "Step",
    "Terms",
    "check_latents",
    "ddim_step",
    "ddpm_posterior_step",
    "denoise",
    "denoise_together",
    "noise_for",
    "predicted_x0",
    "sample",
]


@dataclass(frozen=True, repr=False)
class Terms:
    """The three terms of Eq. 12, each (B, C, H, W). Their sum is x_prev."""

    x0: Tensor
    direction: Tensor
    noise: Tensor

    def __repr__(self) -> str:
        sizes = ", ".join(f"{f.name} {float(getattr(self, f.name).square().mean().sqrt()):.4f}" for f in fields(self))
        return f"Terms(rms of {sizes})"


@dataclass(frozen=True, repr=False)
class Step(RichDisplay):
    """One evaluation of Eq. 12, with everything that went into it. Tensors are (B, C, H, W).

    Attributes:
        coefficients: the time steps, alpha_bar, sigma, and the coefficient of each term.
        x_t: the state before the step.
        eps_theta: the noise that the network predicted at (x_t, t).
        eps: the noise used in Eq. 12: ``eps_theta``, or with clip the noise recomputed from the clipped predicted x_0.
        x0: predicted x_0, clipped if the settings say so.
        z: standard normal noise, or None if sigma is 0.
        terms: the three terms of Eq. 12.
        x_prev: the state after the step, the sum of the terms.
        clipped: (B,) number of clipped values in predicted x_0, per picture.
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
        terms = f"{c.sqrt_alpha_bar_prev:.4f} x0 + {c.direction_scale:.4f} eps + {c.sigma:.4f} z"
        return f"Step({c.t} -> {c.t_prev}: {terms})"


def ddim_step(x_t: Tensor, eps_theta: Tensor, z: Tensor | None, coefficients: Coefficients, clip: bool = False) -> Step:
    """Compute one step of Eq. 12. This is a pure function: it draws no noise and calls no network.

    Args:
        x_t: (B, C, H, W), the state at t.
        eps_theta: predicted noise eps_theta(x_t, t), same shape.
        z: N(0, I), same shape. May be None if sigma is 0.
        coefficients: of the jump t -> t_prev, see :meth:`explorer.Schedule.coefficients`.
        clip: clamp predicted x_0 to [-1, 1] and recompute eps from it.

    Raises:
        ValueError: z is None although sigma is not 0.
    """
    c = coefficients
    if z is None and c.sigma != 0:
        raise ValueError(f"the step {c.t} -> {c.t_prev} has sigma {c.sigma:.4g} and needs noise z")
    x0, eps = predicted_x0(x_t, eps_theta, c.alpha_bar), eps_theta
    clipped = torch.zeros(len(x_t), dtype=torch.long)
    if clip:
        clipped = (x0.abs() > 1).flatten(1).sum(1).cpu()
        x0 = x0.clamp(-1, 1)
        eps = (x_t - math.sqrt(c.alpha_bar) * x0) / math.sqrt(1 - c.alpha_bar)
    terms = Terms(
        x0=c.sqrt_alpha_bar_prev * x0,
        direction=c.direction_scale * eps,
        noise=torch.zeros_like(x_t) if z is None else c.sigma * z,
    )
    x_prev = terms.x0 + terms.direction + terms.noise
    return Step(c, x_t, eps_theta, eps, x0, z, terms, x_prev, clipped)


def predicted_x0(x_t: Tensor, eps: Tensor, alpha_bar: float) -> Tensor:
    """Return predicted x_0 = (x_t - sqrt(1 - ab) eps) / sqrt(ab), Eq. 9. Same shape as ``x_t``."""
    return (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)


def denoise(checkpoint: Checkpoint, x_T: Tensor, settings: Settings | None = None, *, start: int = 0) -> Iterator[Step]:
    """Sample from x_T, one step of Eq. 12 at a time.

    Args:
        x_T: (B, C, H, W) float32. It is not modified.
        settings: 50 steps of DDIM if None.
        start: index of the first step, from 0 to S - 1. Steps before it are left out, so ``x_T`` is then the x_t of that step.

    Yields:
        Every :class:`Step`, t descending; the last t_prev is 0. The network is called once per step, when the step is
        requested.

    Raises:
        ValueError: at the call, before the first step: ``x_T`` does not have the checkpoint's shape, there are more
            steps than T, ``start`` is out of range, or the noise seeds do not match the batch.
    """
    settings = settings or Settings()
    start = as_int("start", start, 0, settings.steps - 1)
    check_latents("x_T", x_T, checkpoint)
    noise_seeds = settings.noise_seeds(len(x_T))
    plan = settings.plan(checkpoint.schedule)

    def steps() -> Iterator[Step]:
        x_t = x_T
        for coefficients in plan[start:]:
            eps_theta = checkpoint.predict_noise(x_t, coefficients.t)
            z = noise_for(checkpoint, coefficients, noise_seeds, like=eps_theta)
            step = ddim_step(x_t, eps_theta, z, coefficients, settings.clip)
            x_t = step.x_prev
            yield step

    return steps()


def sample(checkpoint: Checkpoint, x_T: Tensor, settings: Settings | None = None) -> Tensor:
    """Return the result of :func:`denoise`, the last x_prev: pictures (B, C, H, W), approximately in [-1, 1].

    Arguments and errors as for :func:`denoise`.
    """
    x_t = x_T
    for step in denoise(checkpoint, x_T, settings):
        x_t = step.x_prev
    return x_t


@dataclass(frozen=True, eq=False)
class Run:
    """One of several runs that :func:`denoise_together` batches.

    Attributes:
        x_T: (B, C, H, W) float32.
        settings: the settings of this run.
        wrong_labels: condition the network on S, S-1, ..., 1 instead of tau_S, ..., tau_1. This reproduces a common
            bug: passing the index of a time step in tau instead of its value.
        noise: z of every step, in place of that of ``settings.noise_seed``. Only for a run with one row.
    """

    x_T: Tensor
    settings: Settings
    wrong_labels: bool = False
    noise: NoiseMix | None = None

    def noise_for(self, checkpoint: Checkpoint, coefficients: Coefficients, like: Tensor) -> Tensor | None:
        """Return the z of one step, with the shape, dtype and device of ``like``; None if sigma is 0."""
        if self.noise and coefficients.sigma:
            return self.noise.step_noise(checkpoint.shape, coefficients.t).to(like)
        return noise_for(checkpoint, coefficients, self.settings.noise_seeds(len(self.x_T)), like)


def denoise_together(checkpoint: Checkpoint, runs: Sequence[Run]) -> Iterator[list[Step | None]]:
    """Run :func:`denoise` for several runs at once: their k-th steps share one call of the network.

    The rows of a call may have different t, so the runs may have any settings. One call on eight pictures costs far
    less than eight calls.

    Yields:
        One Step per run, or None for a run that has already ended.

    Raises:
        ValueError: at the call: as for :func:`denoise`, or there are no runs.
    """
    if not runs:
        raise ValueError("expected at least one run")
    for run in runs:
        check_latents("x_T", run.x_T, checkpoint)
        run.settings.noise_seeds(len(run.x_T))  # raises ValueError unless there is one for each row
    plans = [run.settings.plan(checkpoint.schedule) for run in runs]

    def steps() -> Iterator[list[Step | None]]:
        x_t = [run.x_T for run in runs]
        for k in range(max(map(len, plans))):
            active = [i for i, plan in enumerate(plans) if k < len(plan)]
            labels = [len(plans[i]) - k if runs[i].wrong_labels else plans[i][k].t for i in active]
            predictions = _predict_noise(checkpoint, [x_t[i] for i in active], labels)
            kth_steps: list[Step | None] = [None] * len(runs)
            for i, eps_theta in zip(active, predictions, strict=True):
                z = runs[i].noise_for(checkpoint, plans[i][k], like=eps_theta)
                step = ddim_step(x_t[i], eps_theta, z, plans[i][k], runs[i].settings.clip)
                x_t[i], kth_steps[i] = step.x_prev, step
            yield kth_steps

    return steps()


def _predict_noise(checkpoint: Checkpoint, batches: list[Tensor], labels: list[int]) -> Sequence[Tensor]:
    """eps_theta of several batches in one call of the network, each batch with its own time step label."""
    if len(batches) == 1:
        return [checkpoint.predict_noise(batches[0], labels[0])]
    sizes = [len(batch) for batch in batches]
    same_label = len(set(labels)) == 1
    t = labels[0] if same_label else torch.tensor(labels).repeat_interleave(torch.tensor(sizes))
    return checkpoint.predict_noise(torch.cat(batches), t).split(sizes)


def noise_for(checkpoint: Checkpoint, coefficients: Coefficients, seeds: Sequence[int], like: Tensor) -> Tensor | None:
    """Return the z of one step, one row per seed, with the dtype and device of ``like``; None if sigma is 0."""
    return step_noise(checkpoint.shape, seeds, coefficients.t).to(like) if coefficients.sigma else None


def ddpm_posterior_step(x_t: Tensor, x0: Tensor, z: Tensor | None, coefficients: Coefficients) -> Tensor:
    """Return x_prev by DDPM's own formula (Ho et al. 2020, Eqs. 6 and 7), in float64. Eq. 12 gives the same at eta = 1.

        x_prev = sqrt(ab_prev) beta / (1 - ab_t) * x0
               + sqrt(ab_t / ab_prev) (1 - ab_prev) / (1 - ab_t) * x_t
               + sqrt((1 - ab_prev) / (1 - ab_t) beta) * z,      beta = 1 - ab_t / ab_prev

    Args:
        x_t, x0: the state and predicted x_0, (B, C, H, W).
        z: N(0, I), same shape; None leaves the last term out, which gives the posterior mean.
        coefficients: of the jump t -> t_prev; only its alpha_bar and alpha_bar_prev are used.
    """
    alpha_bar, alpha_bar_prev = coefficients.alpha_bar, coefficients.alpha_bar_prev
    beta = 1 - alpha_bar / alpha_bar_prev
    x0_scale = math.sqrt(alpha_bar_prev) * beta / (1 - alpha_bar)
    x_t_scale = math.sqrt(alpha_bar / alpha_bar_prev) * (1 - alpha_bar_prev) / (1 - alpha_bar)
    mean = x0_scale * x0.double() + x_t_scale * x_t.double()
    beta_tilde = (1 - alpha_bar_prev) / (1 - alpha_bar) * beta
    return mean if z is None else mean + math.sqrt(beta_tilde) * z.double()


def check_latents(name: str, x: Tensor, checkpoint: Checkpoint) -> None:
    """Raise ValueError unless ``x`` has the shape (B, C, H, W) of the checkpoint's pictures."""
    if x.ndim != 4 or tuple(x.shape[1:]) != checkpoint.shape:
        raise ValueError(f"{name} must be (B, {', '.join(map(str, checkpoint.shape))}), not {tuple(x.shape)}")
