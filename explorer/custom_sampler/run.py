"""A run with a user's step, and how far each step is from Eq. 12 on the same arguments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.custom_sampler.step import CustomStep
from explorer.latents import step_noise
from explorer.sampler import check_latents, ddim_step
from explorer.schedule import Coefficients


@dataclass(frozen=True, eq=False)
class CustomSample:
    """One step of a run with a user's step. Tensors are (B, C, H, W).

    Attributes:
        coefficients: of the jump.
        x_t: the state before the step.
        x0: predicted x_0, which follows from x_t and eps_theta (Eq. 9), clipped if the run is.
        x_prev: the user's.
        difference: largest absolute difference of x_prev to that of Eq. 12 with the same x_t, eps and z.
    """

    coefficients: Coefficients
    x_t: Tensor
    x0: Tensor
    x_prev: Tensor
    difference: float

    @property
    def t(self) -> int:
        return self.coefficients.t

    @property
    def t_prev(self) -> int:
        return self.coefficients.t_prev


def denoise_custom(
    checkpoint: Checkpoint,
    x_T: Tensor,
    step: CustomStep,
    plan: Sequence[Coefficients],
    eta: float,
    noise_seeds: Sequence[int],
    clip: bool = False,
) -> Iterator[CustomSample]:
    """Sample from x_T with a user's step.

    Args:
        x_T: (B, C, H, W). It is not modified.
        plan: the jumps, t descending, with the sigma that Eq. 12 has for ``eta``.
        eta: is passed to the step.
        noise_seeds: one for each row.
        clip: clamp predicted x_0 to [-1, 1], and pass the eps that follows from it, as :func:`explorer.ddim_step` does.

    Yields:
        Every step. The network is called once per step, when the step is requested.

    Raises:
        ValueError: ``x_T`` does not have the checkpoint's shape.
        CustomStepError: the step fails, when the step is requested.
    """
    check_latents("x_T", x_T, checkpoint)
    x_t = x_T
    for coefficients in plan:
        eps_theta = checkpoint.predict_noise(x_t, coefficients.t)
        z = step_noise(checkpoint.shape, noise_seeds, coefficients.t).to(eps_theta)
        ours = ddim_step(x_t, eps_theta, z if coefficients.sigma else None, coefficients, clip)
        x_prev = step(x_t, ours.eps, z, coefficients, eta)
        difference = float((x_prev - ours.x_prev).abs().max())
        yield CustomSample(coefficients, x_t, ours.x0, x_prev, difference)
        x_t = x_prev
