"""DDIM inversion: Eq. 13 run up tau, from a picture to the latent that eta = 0 brings back to it.

A jump s -> t of the way down takes eps at its upper end, (x_t, t). On the way up x_t is what is looked for:

    x_t = sqrt(ab_t / ab_s) x_s + (sqrt(1 - ab_t) - sqrt(ab_t / ab_s) sqrt(1 - ab_s)) eps

so eps has to be found. :class:`Inversion` says how; whatever is missed there is missing in the picture that comes back.
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
    """How a jump s -> t on the way up finds its eps.

    Attributes:
        iterations: fixed-point steps after the first estimate; each asks the network again, at (x_t, t) with the x_t found
            so far. Where that converges, a jump is nearly exact; a long one can overshoot.
        ahead: where the first estimate is taken. False is the paper's way: at the lower end, (x_s, max(s, 1)). True asks at
            the upper end, at the (x_t, t) that the eps of the jump before leads to: an implicit step instead of an explicit
            one, for the same one call. The first jump of all has none before it, and asks at both ends.

    As text it is "plain", "ahead", "refined-2" or "ahead-refined-2".

    Raises:
        ValueError: iterations below 0.
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
        """The one whose text it is; ValueError, with what is expected, for any other text."""
        found = re.fullmatch(r"plain|ahead|(?:ahead-)?refined-([1-9]\d?)", text)
        if not found:
            raise ValueError(f"an inversion is plain, ahead, refined-1 or ahead-refined-1, not {shorten(text)}")
        return cls(int(found[1] or 0), text.startswith("ahead"))

    def calls(self, steps: int) -> int:
        """Of the network, for a way of so many steps."""
        return steps * (1 + self.iterations) + self.ahead


def encode(
    checkpoint: Checkpoint,
    x_0: Tensor,
    steps: int = 1000,
    spacing: Spacing = "linear",
    iterations: int = 0,
    ahead: bool = False,
) -> Tensor:
    """DDIM inversion: the latent x_T from which eta = 0 comes back to x_0 (Sec. 5.4).

    Goes up tau with Eq. 13. Coming back has an error, falling in ``steps``, for a jump takes its eps elsewhere on the way up
    than on the way down. With ``ahead`` it is 9 to 70 times smaller on the checkpoints shipped here (S = 10 to 200), at one
    call more. The network is computed exactly here, whatever the checkpoint's engine.

    Args:
        x_0: (B, C, H, W) pictures in [-1, 1].
        steps, spacing: tau, as in :class:`Settings`.
        iterations, ahead: how a jump finds its eps, see :class:`explorer.inversion.Inversion`. The paper's is the default.

    Returns:
        x_T, same shape.

    Raises:
        ValueError: another shape than the checkpoint's, steps outside 1..T, iterations below 0.
    """
    way = deque(encoding(checkpoint, x_0, steps, spacing, Inversion(iterations, ahead)), maxlen=1)
    return way[0][1]


def encoding(
    checkpoint: Checkpoint,
    x_0: Tensor,
    steps: int = 1000,
    spacing: Spacing = "linear",
    inversion: Inversion = Inversion(),
) -> Iterator[tuple[int, Tensor]]:
    """The way up that :func:`encode` goes: (t, x_t) after every jump, t ascending. Arguments and errors as there."""
    check_latents("x_0", x_0, checkpoint)
    tau = timesteps(checkpoint.schedule.T, steps, spacing)
    alpha_bar, predict_noise = checkpoint.schedule.alpha_bar, checkpoint.exact.predict_noise

    def go() -> Iterator[tuple[int, Tensor]]:
        x_s, s, eps = x_0, 0, None
        for t in tau:
            scale = math.sqrt(alpha_bar[t] / alpha_bar[s])
            weight = math.sqrt(1 - alpha_bar[t]) - scale * math.sqrt(1 - alpha_bar[s])
            if eps is None or not inversion.ahead:
                eps = predict_noise(x_s, max(s, 1))
            for _ in range(inversion.ahead + inversion.iterations):
                eps = predict_noise(scale * x_s + weight * eps, t)
            x_s, s = scale * x_s + weight * eps, t
            yield t, x_s

    return go()
