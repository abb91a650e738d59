"""The sampler: Eq. 12 of DDIM (Song, Meng & Ermon 2020, arXiv 2010.02502) as one pure step, and the loop that runs it down tau.

DDIM (eta = 0), DDPM (eta = 1), everything between and DDPM's larger variance sigma-hat are settings of the one step:

    x_prev = sqrt(ab_prev) * (x_t - sqrt(1 - ab_t) eps) / sqrt(ab_t)      "predicted x_0"
           + sqrt(1 - ab_prev - sigma^2) * eps                            "direction pointing to x_t"
           + sigma * z                                                    "random noise"
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import step_noise
from explorer.schedule import Coefficients
from explorer.settings import Settings
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
    """The three summands of Eq. 12, each (B, C, H, W)."""

    x0: Tensor
    direction: Tensor
    noise: Tensor

    def __repr__(self) -> str:
        sizes = ", ".join(f"{f.name} {float(getattr(self, f.name).square().mean().sqrt()):.4f}" for f in fields(self))
        return f"Terms(rms of {sizes})"


@dataclass(frozen=True, repr=False)
class Step(RichDisplay):
    """One line of Eq. 12. All tensors are (B, C, H, W).

    Attributes:
        coefficients: t, t_prev, alpha_bar, sigma and the factor of each term.
        x_t: the state before the step.
        eps_theta: what the network predicted.
        eps: the noise that Eq. 12 uses: ``eps_theta``, or with clip the one re-derived from the clipped predicted x_0.
        x0: predicted x_0, clipped if the settings say so.
        z: standard normal noise; None where sigma is 0 and none was drawn.
        terms: the three summands.
        x_prev: their sum.
        clipped: (B,) how many values of each picture's predicted x_0 were clipped.
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
    """Eq. 12, a pure function of the state, the predicted noise and the fresh noise.

    Args:
        x_t: (B, C, H, W).
        eps_theta: predicted noise eps_theta(x_t, t), same shape.
        z: N(0, I), same shape; may be None where sigma is 0.
        coefficients: of the jump t -> t_prev, see :meth:`explorer.Schedule.coefficients`.
        clip: clamp predicted x_0 to [-1, 1] and re-derive eps from it.

    Raises:
        ValueError: sigma is not 0 and there is no z.
    """
    c = coefficients
    eps, x0 = eps_theta, predicted_x0(x_t, eps_theta, c.alpha_bar)
    clipped = torch.zeros(len(x_t), dtype=torch.long)
    if clip:
        clipped = (x0.abs() > 1).flatten(1).sum(1).cpu()
        x0 = x0.clamp(-1, 1)
        eps = (x_t - math.sqrt(c.alpha_bar) * x0) / math.sqrt(1 - c.alpha_bar)
    if z is None and c.sigma != 0:
        raise ValueError(f"the step {c.t} -> {c.t_prev} has sigma {c.sigma:.4g} and needs noise z")
    terms = Terms(
        x0=c.sqrt_alpha_bar_prev * x0,
        direction=c.direction_scale * eps,  # sqrt(1 - ab_prev - sigma^2) eps
        noise=torch.zeros_like(x_t) if z is None else c.sigma * z,
    )
    x_prev = terms.x0 + terms.direction + terms.noise
    return Step(c, x_t, eps_theta, eps, x0, z, terms, x_prev, clipped)


def predicted_x0(x_t: Tensor, eps: Tensor, alpha_bar: float) -> Tensor:
    """Predicted x_0 = (x_t - sqrt(1 - ab) eps) / sqrt(ab), Eq. 9. The shape is that of ``x_t``."""
    return (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)


def ddpm_posterior_step(x_t: Tensor, x0: Tensor, z: Tensor | None, coefficients: Coefficients) -> Tensor:
    """x_prev by DDPM's own formula (Ho et al. 2020, Eqs. 6 and 7) for the jump of ``coefficients``, in float64.

    x_prev = coef1 x0 + coef2 x_t + sqrt(beta-tilde) z with coef1 = sqrt(ab_prev) beta / (1 - ab_t), coef2 = sqrt(ab_t / ab_prev)
    (1 - ab_prev) / (1 - ab_t) and beta = 1 - ab_t / ab_prev. This is what Eq. 12 gives at eta = 1, written differently.
    """
    c = coefficients
    beta, rest, rest_prev = 1 - c.alpha_bar / c.alpha_bar_prev, 1 - c.alpha_bar, 1 - c.alpha_bar_prev
    coef1 = math.sqrt(c.alpha_bar_prev) * beta / rest
    coef2 = math.sqrt(c.alpha_bar / c.alpha_bar_prev) * rest_prev / rest
    mean = coef1 * x0.double() + coef2 * x_t.double()
    return mean if z is None else mean + math.sqrt(rest_prev / rest * beta) * z.double()


def denoise(checkpoint: Checkpoint, x_T: Tensor, settings: Settings | None = None) -> Iterator[Step]:
    """Run down tau from x_T and yield every step as it is done, t descending; the last t_prev is 0.

    Args:
        x_T: (B, C, H, W) float32. It is not changed.
        settings: DDIM with 50 steps if None.

    Raises:
        ValueError: at once, before the first step: the shape is not the checkpoint's, there are more steps than T, or the
            noise seeds do not fit the batch.
    """
    together = denoise_together(checkpoint, [Run(x_T, settings or Settings())])
    return (step for steps in together for step in steps if step is not None)


def sample(checkpoint: Checkpoint, x_T: Tensor, settings: Settings | None = None) -> Tensor:
    """The last x_prev of :func:`denoise`: pictures (B, C, H, W), about in [-1, 1]. Arguments and errors as there."""
    x_t = x_T
    for step in denoise(checkpoint, x_T, settings):
        x_t = step.x_prev
    return x_t


@dataclass(frozen=True, eq=False)
class Run:
    """One of several runs that share the calls of the network.

    Attributes:
        x_T: (B, C, H, W) float32.
        settings: how it goes down.
        wrong_labels: tell the network S, S-1, ..., 1 instead of the original time steps. This is the mistake of counting
            the steps of tau instead of keeping its values.
    """

    x_T: Tensor
    settings: Settings
    wrong_labels: bool = False


def denoise_together(checkpoint: Checkpoint, runs: Sequence[Run]) -> Iterator[list[Step | None]]:
    """Run all of ``runs`` down their taus; the k-th steps of all runs share one call of the network.

    The rows of a call may be at different t, so the runs may have any settings. A call on eight pictures costs far less than
    eight calls.

    Yields:
        One Step for each run; None for a run that has ended already.

    Raises:
        ValueError: at once, as for :func:`denoise`, or if there are no runs.
    """
    if not runs:
        raise ValueError("expected at least one run")
    for run in runs:
        check_latents("x_T", run.x_T, checkpoint)
    plans = [run.settings.plan(checkpoint.schedule) for run in runs]
    seeds = [run.settings.noise_seeds(len(run.x_T)) for run in runs]

    def steps() -> Iterator[list[Step | None]]:
        x = [run.x_T for run in runs]
        for k in range(max(map(len, plans))):
            active = [i for i, plan in enumerate(plans) if k < len(plan)]
            labels = [len(plans[i]) - k if runs[i].wrong_labels else plans[i][k].t for i in active]
            predicted = _predict(checkpoint, [x[i] for i in active], labels)
            done: list[Step | None] = [None] * len(runs)
            for i, eps_theta in zip(active, predicted, strict=True):
                z = noise_for(checkpoint, plans[i][k], seeds[i], like=eps_theta)
                step = ddim_step(x[i], eps_theta, z, plans[i][k], runs[i].settings.clip)
                x[i], done[i] = step.x_prev, step
            yield done

    return steps()


def _predict(checkpoint: Checkpoint, batches: list[Tensor], labels: list[int]) -> Sequence[Tensor]:
    """eps_theta of several batches in one call, each batch at its own label."""
    if len(batches) == 1:
        return [checkpoint.predict_noise(batches[0], labels[0])]
    sizes = [len(batch) for batch in batches]
    same = len(set(labels)) == 1
    t = labels[0] if same else torch.tensor(labels).repeat_interleave(torch.tensor(sizes))
    return checkpoint.predict_noise(torch.cat(batches), t).split(sizes)


def noise_for(checkpoint: Checkpoint, coefficients: Coefficients, seeds: Sequence[int], like: Tensor) -> Tensor | None:
    """The z of one step, one row per seed, dtype and device of ``like``; None where sigma is 0."""
    return step_noise(checkpoint.shape, seeds, coefficients.t).to(like) if coefficients.sigma else None


def check_latents(name: str, x: Tensor, checkpoint: Checkpoint) -> None:
    """Raise ValueError unless ``x`` is a batch of the checkpoint's pictures, (B, C, H, W)."""
    if x.ndim != 4 or tuple(x.shape[1:]) != checkpoint.shape:
        raise ValueError(f"{name} must be (B, {', '.join(map(str, checkpoint.shape))}), not {tuple(x.shape)}")
