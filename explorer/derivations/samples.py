"""What the checks on a checkpoint start from: pictures, their noised versions, and one call of the network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.forward import diffuse
from explorer.latents import latent, step_noise
from explorer.media.convert import to_unit
from explorer.sampler import Step, ddim_step, sample
from explorer.schedule import Coefficients, Schedule, Variance, jumps, timesteps
from explorer.settings import Settings

MAX_PICTURES = 32
ROWS = 2  # pictures of a call of the network
NOISE_SEED = 1000  # of the noise that pictures are mixed with


def pictures(checkpoint: Checkpoint, count: int = ROWS) -> Tensor:
    """Return up to ``count`` held-out pictures (N, C, H, W) in [-1, 1]; generated ones if the checkpoint has none."""
    examples = checkpoint.examples()[:count]
    if len(examples):
        return to_unit(examples)
    steps = min(5, checkpoint.schedule.T)
    return sample(checkpoint, latent(checkpoint.shape, range(min(count, 4))), Settings(steps, clip=True)).cpu()


def tau_of(schedule: Schedule, steps: int) -> list[int]:
    """Return the linear tau of ``steps`` steps, or of T steps if T is smaller."""
    return timesteps(schedule.T, min(steps, schedule.T))


def middle_jump(schedule: Schedule, steps: int = 20, eta: float = 0.0, variance: Variance = "eta") -> Coefficients:
    """Return the coefficients of the jump in the middle of a run of ``steps`` steps."""
    pairs = jumps(tau_of(schedule, steps))
    return schedule.coefficients(*pairs[len(pairs) // 2], eta, variance)


@dataclass(frozen=True)
class Noised:
    """Pictures at the middle of a run, and one step of Eq. 12 from there.

    Attributes:
        x_0: (B, C, H, W).
        eps: the noise that they were mixed with.
        step: Eq. 12 with the network's prediction.
    """

    x_0: Tensor
    eps: Tensor
    step: Step


def one_step(checkpoint: Checkpoint, eta: float = 0.0, steps: int = 20) -> Noised:
    """Noise pictures to the middle of a run of ``steps`` steps, and take one step. One call of the network."""
    c = middle_jump(checkpoint.schedule, steps, eta)
    x_0 = pictures(checkpoint)
    seeds = [NOISE_SEED + i for i in range(len(x_0))]
    eps = latent(checkpoint.shape, seeds)
    x_t = diffuse(x_0, eps, c.t, checkpoint.schedule)
    eps_theta = checkpoint.predict_noise(x_t.to(checkpoint.predict_noise.device), c.t).cpu()
    z = step_noise(checkpoint.shape, seeds, c.t) if c.sigma else None
    return Noised(x_0, eps, ddim_step(x_t, eps_theta, z, c))


def largest(difference: Tensor | np.ndarray) -> float:
    """Largest absolute value."""
    return float(np.abs(np.asarray(difference)).max())


def rms(x: Tensor) -> float:
    """Root mean square."""
    return float(x.double().square().mean().sqrt())
