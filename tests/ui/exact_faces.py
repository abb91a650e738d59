"""The shipped faces with an exact network in place of the trained one: a formula that takes no time."""

import time
from dataclasses import replace
from functools import lru_cache

import torch

import explorer as ex
from explorer.media.convert import to_unit

PICTURES = 32  # of the held-out ones
WIDTH = 0.25  # of the noise around each of them: every latent has a picture of its own


class ExactNoise:
    """E[eps | x_t] of the mixture of N(x_i, WIDTH^2) over pictures x_i; each row of a batch at its own t.

    In float64, so that a row comes out the same in every batch.

    Args:
        pictures: float (N, C, H, W) in [-1, 1].

    Attributes:
        seconds: how much longer a call takes, for tests of what happens in the midst of a run.
    """

    def __init__(self, pictures, schedule):
        self.pictures = pictures.double().flatten(1)
        self.squares = self.pictures.square().sum(1)
        self.alpha_bar = torch.from_numpy(schedule.alpha_bar.copy())
        self.seconds = 0.0

    def __call__(self, x_t, t):
        if self.seconds:
            time.sleep(self.seconds)
        ab = self.alpha_bar[torch.as_tensor(t).expand(len(x_t))][:, None]
        variance = ab * WIDTH**2 + 1 - ab  # of x_t around sqrt(ab) x_i
        x = x_t.double().flatten(1)
        nearness = (ab.sqrt() * (x @ self.pictures.T) - ab * self.squares / 2) / variance  # |x_t|^2 is common to all
        mean = nearness.softmax(1) @ self.pictures
        return ((1 - ab).sqrt() * (x - ab.sqrt() * mean) / variance).float().view_as(x_t)


@lru_cache(maxsize=1)
def exact_faces():
    """The checkpoint: all but the network, and the version that its results are kept under, is that of faces-64."""
    faces = ex.load("faces-64")
    noise = ExactNoise(to_unit(faces.examples()[:PICTURES]), faces.schedule)
    return replace(faces, predict_noise=noise, version=f"{faces.version} exact")
