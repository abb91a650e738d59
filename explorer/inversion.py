"""DDIM inversion: Eq. 13 run upwards along tau, from a picture to the latent that eta = 0 maps back to it.

The sampling step t -> s at eta = 0 uses eps at (x_t, t). Solved for x_t, it is the encoding step s -> t:

    x_t = sqrt(ab_t / ab_s) x_s + (sqrt(1 - ab_t) - sqrt(ab_t / ab_s) sqrt(1 - ab_s)) eps

But eps depends on the unknown x_t, so it has to be approximated. :class:`Inversion` selects the approximation. Its
error is the reason why the reconstructed picture differs from the original.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.sampler import check_latents
from explorer.schedule import Spacing, timesteps
from explorer.support.arguments import as_int, shorten


@dataclass(frozen=True)
class Inversion:
    """How the eps of an encoding step s -> t is approximated.

    ``str(inversion)`` is "plain", "ahead", "refined-2" or "ahead-refined-2", for example.

    Attributes:
        iterations: number of fixed-point iterations after the first estimate of x_t. Each one evaluates the network at
            (x_t, t) with the current estimate. If they converge, the step is inverted almost exactly. A long step can
            overshoot.
        ahead: False is the explicit method of the paper: the first estimate of eps is eps_theta(x_s, max(s, 1)). True
            is an implicit method with the same number of network calls: the first estimate is eps_theta(x_t, t), where
            x_t is extrapolated with the eps of the previous step. The very first step has no previous one, and
            evaluates both.

    Raises:
        ValueError: ``iterations`` is negative, or ``ahead`` is not a bool.
    """

    iterations: int = 0
    ahead: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "iterations", as_int("iterations", self.iterations, 0, None))
        if type(self.ahead) is not bool:
            raise ValueError(f"ahead must be True or False, not {shorten(self.ahead)}")

    def __str__(self) -> str:
        parts = ["ahead"] * self.ahead + [f"refined-{self.iterations}"] * (self.iterations > 0)
        return "-".join(parts) or "plain"

    @classmethod
    def parse(cls, text: str) -> Inversion:
        """Return the inversion with this text, the inverse of ``str``.

        Raises:
            ValueError: there is none. The message lists the valid texts.
        """
        match = re.fullmatch(r"plain|ahead|(?:ahead-)?refined-([1-9]\d?)", text)
        if not match:
            raise ValueError(f"an inversion is plain, ahead, refined-1 or ahead-refined-1, not {shorten(text)}")
        return cls(int(match[1] or 0), text.startswith("ahead"))

    def calls(self, steps: int) -> int:
        """Number of network calls of an encoding with this many steps."""
        return steps * (1 + self.iterations) + self.ahead


def encode(
    checkpoint: Checkpoint,
    x_0: Tensor,
    steps: int = 1000,
    spacing: Spacing = "linear",
    iterations: int = 0,
    ahead: bool = False,
) -> Tensor:
    """Encode pictures by DDIM inversion: return the latents x_T that eta = 0 maps back to x_0 (Sec. 5.4).

    The reconstruction has an error that decreases with ``steps``, since encoding and sampling evaluate eps at different
    points. ``ahead=True`` makes it 9 to 70 times smaller on the checkpoints of this repository (S = 10 to 200), for one
    more network call in total. The network is always computed exactly, whatever the checkpoint's engine.

    Args:
        x_0: (B, C, H, W) pictures in [-1, 1].
        steps, spacing: select tau, as in :class:`explorer.Settings`.
        iterations, ahead: how eps is approximated, see :class:`explorer.inversion.Inversion`. The default is the
            paper's.

    Returns:
        x_T, same shape.

    Raises:
        ValueError: ``x_0`` does not have the checkpoint's shape, ``steps`` is outside 1..T, or ``iterations`` is
            negative.
    """
    last = deque(encoding(checkpoint, x_0, steps, spacing, Inversion(iterations, ahead)), maxlen=1)
    _, x_T = last[0]
    return x_T


def encoding(
    checkpoint: Checkpoint,
    x_0: Tensor,
    steps: int = 1000,
    spacing: Spacing = "linear",
    inversion: Inversion = Inversion(),
) -> Iterator[tuple[int, Tensor]]:
    """Yield (t, x_t) after every step of :func:`encode`, t ascending. Arguments and errors as for :func:`encode`."""
    check_latents("x_0", x_0, checkpoint)
    tau = timesteps(checkpoint.schedule.T, steps, spacing)
    alpha_bar, predict_noise = checkpoint.schedule.alpha_bar, checkpoint.exact.predict_noise

    def encoding_steps() -> Iterator[tuple[int, Tensor]]:
        x_s, s, eps = x_0, 0, None
        for t in tau:
            x_s_scale = math.sqrt(alpha_bar[t] / alpha_bar[s])
            eps_scale = math.sqrt(1 - alpha_bar[t]) - x_s_scale * math.sqrt(1 - alpha_bar[s])
            if eps is None or not inversion.ahead:
                eps = predict_noise(x_s, max(s, 1))
            for _ in range(inversion.ahead + inversion.iterations):
                x_t_estimate = x_s_scale * x_s + eps_scale * eps
                eps = predict_noise(x_t_estimate, t)
            x_s, s = x_s_scale * x_s + eps_scale * eps, t
            yield t, x_s

    return encoding_steps()
