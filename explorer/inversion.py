"""DDIM inversion: Eq. 13 run upwards along tau, from a picture to the latent that eta = 0 maps back to it.

The sampling step t -> s at eta = 0 uses eps at (x_t, t). Solved for x_t, it is the encoding step s -> t:

    x_t = sqrt(ab_t / ab_s) x_s + (sqrt(1 - ab_t) - sqrt(ab_t / ab_s) sqrt(1 - ab_s)) eps

In the variables of Eq. 14 this is one step of backward Euler. It is implicit: eps depends on the unknown x_t, so it has
to be approximated. :class:`Inversion` selects the approximation. Its error is the reason why the reconstructed picture
differs from the original.

Sec. 5.4 of the paper says only "reverse of Eq. (14)", and its code does not contain the inversion. Implementations take
eps at x_s, but disagree on the label that the network is given with it: s in guided-diffusion's ``ddim_reverse_sample``,
t in null-text inversion (Mokady et al. 2022, arXiv 2211.09794) and in diffusers' ``DDIMInverseScheduler``. The step may
also be solved by fixed-point iteration, as in AIDI (Pan et al. 2023, arXiv 2309.04907), ReNoise (Garibi et al. 2024,
arXiv 2403.14602) and fixed-point inversion (Meiri et al. 2023, arXiv 2312.12540). An iteration converges if the map is
a contraction; on a long jump it may not be, and then more iterations make the error larger. EDICT (Wallace et al. 2022,
arXiv 2211.12446) and BDIA (Zhang et al. 2023, arXiv 2307.10829) change the sampler instead, so that its steps can be
inverted exactly; Hong et al. (2023, arXiv 2311.18387) solve the implicit step of DPM-Solvers by gradient descent.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.sampler import check_latents
from explorer.schedule import Spacing, timesteps
from explorer.support.arguments import as_int, shorten

Label = Literal["s", "t"]
LABELS: tuple[Label, ...] = get_args(Label)
TEXT = re.compile(r"plain|(?P<first>ahead|label-t)|(?:(?P<refined>ahead|label-t)-)?refined-(?P<iterations>[1-9]\d?)")


@dataclass(frozen=True)
class Inversion:
    """How the eps of an encoding step s -> t is approximated.

    ``str(inversion)`` is "plain", "label-t", "ahead", "refined-2" or "ahead-refined-2", for example.

    Attributes:
        iterations: number of fixed-point iterations after the first estimate of x_t. Each one evaluates the network at
            (x_t, t) with the current estimate. If they converge, the step is inverted almost exactly.
        ahead: False takes the first estimate of eps at the near end, x_s. True takes it at the far end, for the same
            number of network calls: it is one fixed-point iteration of the implicit step, which starts from the eps of
            the previous step (the predictor) in place of a call at the near end. The very first step has no previous
            one, and evaluates both.
        label: which time step the network is given with x_s: "s" is its own, eps_theta(x_s, max(s, 1)); "t" is that of
            the far end, eps_theta(x_s, t). With ``ahead`` it has no meaning and must be "s".

    Raises:
        ValueError: ``iterations`` is negative, ``ahead`` is not a bool, ``label`` is unknown, or it is "t" with
            ``ahead``.
    """

    iterations: int = 0
    ahead: bool = False
    label: Label = "s"

    def __post_init__(self) -> None:
        object.__setattr__(self, "iterations", as_int("iterations", self.iterations, 0, None))
        if type(self.ahead) is not bool:
            raise ValueError(f"ahead must be True or False, not {shorten(self.ahead)}")
        if self.label not in LABELS:
            raise ValueError(f"label must be one of {', '.join(LABELS)}, not {shorten(self.label)}")
        if self.ahead and self.label != "s":
            raise ValueError("label must be s with ahead: the network is given the far end, x_t with t")

    def __str__(self) -> str:
        first = "ahead" if self.ahead else "label-t" if self.label == "t" else ""
        parts = [first] * bool(first) + [f"refined-{self.iterations}"] * (self.iterations > 0)
        return "-".join(parts) or "plain"

    @classmethod
    def parse(cls, text: str) -> Inversion:
        """Return the inversion with this text, the inverse of ``str``.

        Raises:
            ValueError: there is none. The message lists the valid texts.
        """
        match = TEXT.fullmatch(text)
        if not match:
            valid = "plain, label-t, ahead, refined-1, label-t-refined-1 or ahead-refined-1"
            raise ValueError(f"an inversion is {valid}, not {shorten(text)}")
        first = match["first"] or match["refined"]
        return cls(int(match["iterations"] or 0), first == "ahead", "t" if first == "label-t" else "s")

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
    label: Label = "s",
) -> Tensor:
    """Encode pictures by DDIM inversion: return the latents x_T that eta = 0 maps back to x_0 (Sec. 5.4).

    The reconstruction has an error that decreases with ``steps``, since encoding and sampling evaluate eps at different
    points. With ``ahead=True`` it is smaller, for one more network call in total; ``explorer/evaluation/README.md`` has
    what was measured. The network is always computed in float32, whatever the checkpoint's engine.

    Args:
        x_0: (B, C, H, W) pictures in [-1, 1].
        steps, spacing: select tau, as in :class:`explorer.Settings`.
        iterations, ahead, label: how eps is approximated, see :class:`explorer.inversion.Inversion`.

    Returns:
        x_T, same shape.

    Raises:
        ValueError: ``x_0`` does not have the checkpoint's shape, ``steps`` is outside 1..T, or the inversion is not
            valid.
    """
    last = deque(encoding(checkpoint, x_0, steps, spacing, Inversion(iterations, ahead, label)), maxlen=1)
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
    alpha_bar, predict_noise = checkpoint.schedule.alpha_bar, checkpoint.float32.predict_noise

    def encoding_steps() -> Iterator[tuple[int, Tensor]]:
        x_s, s, eps = x_0, 0, None
        for t in tau:
            x_s_scale = math.sqrt(alpha_bar[t] / alpha_bar[s])
            eps_scale = math.sqrt(1 - alpha_bar[t]) - x_s_scale * math.sqrt(1 - alpha_bar[s])
            if eps is None or not inversion.ahead:
                eps = predict_noise(x_s, t if inversion.label == "t" else max(s, 1))
            for _ in range(inversion.ahead + inversion.iterations):
                x_t_estimate = x_s_scale * x_s + eps_scale * eps
                eps = predict_noise(x_t_estimate, t)
            x_s, s = x_s_scale * x_s + eps_scale * eps, t
            yield t, x_s

    return encoding_steps()
