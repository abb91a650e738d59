"""The loss over t on pictures that were not trained on (L_simple, Eq. 5 with gamma = 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from explorer.denoiser import PredictNoise
from explorer.forward import diffuse
from explorer.latents import latent
from explorer.media.convert import to_unit
from explorer.schedule import Schedule

ROUNDS = 4  # how often each picture is noised; t = 1 alone would move the mean of a single round by several per cent


MIN_HELD_OUT = 5  # with fewer, a fifth of the range of t (or a point of the curve) would go without a picture


LOSS_SEED = 2**32  # first seed of the held-out noise, far from the seeds anybody tries by hand


@dataclass(frozen=True)
class HeldOutLoss:
    """eps-MSE of held-out pictures, each at ``ROUNDS`` time steps, all of them spread evenly over 1..T.

    Attributes:
        mean: over all pictures.
        fifths: means over fifths of the range of t, small t first.
        t, loss: (N ROUNDS,) the time steps, ascending, and the loss at each, for a chart.
    """

    mean: float
    fifths: tuple[float, ...]
    t: tuple[int, ...]
    loss: tuple[float, ...]

    def curve(self, bins: int) -> list[tuple[float, float]]:
        """The loss over t in ``bins`` points: mean t and mean loss of each."""
        t, loss = np.array_split(np.array(self.t), bins), np.array_split(np.array(self.loss), bins)
        return [(float(a.mean()), float(b.mean())) for a, b in zip(t, loss, strict=True) if len(a)]

    def to_json(self, bins: int = 20) -> dict:
        """For ``quality.json``: the means, and the curve in ``bins`` points."""
        return {
            "pictures": len(self.t) // ROUNDS,
            "mean": float(f"{self.mean:.5g}"),
            "fifths_of_t": [float(f"{value:.4g}") for value in self.fifths],
            "curve": [[round(t, 1), float(f"{loss:.4g}")] for t, loss in self.curve(bins)],
            "how": f"mean squared error of predicted noise, {ROUNDS} t per held-out picture, all spread evenly over 1..T, "
            f"noise drawn from seed {LOSS_SEED} + i for the i-th of them",
        }


def held_out_loss(
    predict_noise: PredictNoise, schedule: Schedule, pictures: np.ndarray, batch: int = 32
) -> HeldOutLoss:
    """L_simple (gamma = 1, Eq. 5) on pictures that were not trained on.

    Args:
        pictures: uint8 (N, H, W, C), N >= 5. Of the N ROUNDS time steps, ascending, the i-th goes to picture i mod N.
    """
    N, T = len(pictures), schedule.T
    count = N * ROUNDS
    t = torch.arange(count) * T // count + 1
    losses = []
    for rows in torch.arange(count).split(batch):
        x_0 = to_unit(pictures[rows.numpy() % N])
        eps = latent(x_0.shape[1:], [LOSS_SEED + int(i) for i in rows])
        x_t = diffuse(x_0, eps, t[rows], schedule)
        losses.append((predict_noise(x_t, t[rows]) - eps).square().mean((1, 2, 3)))
    loss = torch.cat(losses).double().numpy()
    fifth = (t.numpy() - 1) * 5 // T
    return HeldOutLoss(
        mean=float(loss.mean()),
        fifths=tuple(float(loss[fifth == i].mean()) for i in range(5)),
        t=tuple(t.tolist()),
        loss=tuple(loss.tolist()),
    )
