"""The training loss over t on held-out pictures (L_simple, Eq. 5 with gamma = 1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from explorer.forward import diffuse
from explorer.latents import latent
from explorer.media.convert import to_unit
from explorer.networks.noise_predictor import PredictNoise
from explorer.schedule import Schedule

ROUNDS = 4  # time steps per picture; with one, the picture at t = 1 alone would change the mean by several per cent
MIN_HELD_OUT = 5  # with fewer pictures, some fifth of the range of t or some bin of the curve would be empty
LOSS_SEED = 2**32  # seed of the first noise; far from the seeds that people try


@dataclass(frozen=True)
class HeldOutLoss:
    """Mean squared error of predicted noise on N held-out pictures, at ``ROUNDS`` time steps each.

    Attributes:
        mean: over all pictures and time steps.
        fifths: means over fifths of the range of t, small t first.
        t: (N ROUNDS,) the time steps, ascending, evenly spaced over 1..T.
        loss: (N ROUNDS,) the error at each of them.
    """

    mean: float
    fifths: tuple[float, ...]
    t: tuple[int, ...]
    loss: tuple[float, ...]

    def curve(self, bins: int) -> list[tuple[float, float]]:
        """Return the mean t and the mean loss of each of ``bins`` bins."""
        t, loss = np.array_split(np.array(self.t), bins), np.array_split(np.array(self.loss), bins)
        return [(float(a.mean()), float(b.mean())) for a, b in zip(t, loss, strict=True) if len(a)]

    def to_json(self, bins: int = 20) -> dict:
        """Return the entry ``loss`` of ``quality.json``, with the curve in ``bins`` points."""
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
    """Measure L_simple (Eq. 5 with gamma = 1) on pictures that were not used in training.

    Args:
        pictures: uint8 (N, H, W, C), N >= 5. The i-th of the N ROUNDS ascending time steps is for picture i mod N.
        batch: pictures per call of the network.
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
