"""Reproducible noise from seeds, and interpolation between two or more latents.

The noise of each picture is drawn on the CPU by a counter-based generator (Philox) with the key (seed, stream). Stream
0 is the latent x_T. Stream t >= 1 is the noise z that is added at time step t. So the noise of a picture does not
depend on its batch, on the device, or on what was drawn before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.support.arguments import as_int

MAX_SEED = 2**64 - 1


def latent(shape: Sequence[int], seeds: Sequence[int]) -> Tensor:
    """Draw a latent x_T ~ N(0, I) for each seed.

    Args:
        shape: (C, H, W) of a picture.
        seeds: ints from 0 to 2^64 - 1. Row i depends only on ``seeds[i]``.

    Returns:
        float32 (len(seeds), C, H, W) on the CPU.

    Raises:
        ValueError: there are no seeds, or one is out of range.
    """
    return _draw(shape, seeds, stream=0)


def step_noise(shape: Sequence[int], seeds: Sequence[int], t: int) -> Tensor:
    """Draw the z ~ N(0, I) of the step t -> t_prev, t >= 1, for each seed: the z of Eq. 12.

    Arguments, result and errors as for :func:`latent`.
    """
    return _draw(shape, seeds, stream=as_int("t", t, 1, None))


@dataclass(frozen=True)
class NoiseMix:
    """Noise z between that of two seeds: at every step the slerp of their z.

    With x_T from slerp as well, all T noises of a run are interpolated (Sec. 5.3, footnote 6). Slerp keeps the variance of
    each z at 1, which Eq. 12 needs; lerp would lower it to 1/2 half-way.

    Attributes:
        a, b: noise seeds.
        w: in [0, 1]; 0 is the noise of ``a``, 1 that of ``b``.
    """

    a: int
    b: int
    w: float

    def __str__(self) -> str:
        return f"slerp({self.a}, {self.b}, {self.w!r})"

    def step_noise(self, shape: Sequence[int], t: int) -> Tensor:
        """Return the z of the step t -> t_prev, float32 (1, C, H, W); see :func:`step_noise`."""
        a, b = step_noise(shape, [self.a, self.b], t).split(1)
        return slerp(a, b, self.w)


def _draw(shape: Sequence[int], seeds: Sequence[int], stream: int) -> Tensor:
    if len(seeds) == 0:
        raise ValueError("expected at least one seed")
    rows = np.empty((len(seeds), *shape), dtype=np.float32)
    for row, seed in zip(rows, seeds, strict=True):
        key = np.array([as_int("seed", seed, 0, MAX_SEED), stream], dtype=np.uint64)
        np.random.Generator(np.random.Philox(key=key)).standard_normal(dtype=np.float32, out=row)
    return torch.from_numpy(rows)


def slerp(a: Tensor, b: Tensor, w: float | Tensor) -> Tensor:
    """Interpolate spherically from a (w = 0) to b (w = 1), row by row (App. D.5, Eq. 67).

    slerp = sin((1-w) theta) / sin(theta) * a + sin(w theta) / sin(theta) * b, where theta is the angle between a and b.

    The formula is 0/0 for parallel, opposite and zero rows. These are interpolated linearly, which is the limit of
    slerp for parallel rows. Angles and weights are computed in float64.

    Args:
        a, b: (B, ...) floating point, same shape. Each row is treated as one vector.
        w: in [0, 1], a number or one number per row, (B,).

    Returns:
        (B, ...), dtype and device of ``a``.

    Raises:
        ValueError: the shapes differ, a weight is outside [0, 1], or the number of weights does not match the rows.
    """
    if a.shape != b.shape or a.ndim < 1:
        raise ValueError(f"slerp needs two batches of the same shape, not {tuple(a.shape)} and {tuple(b.shape)}")
    flat_a, flat_b = a.reshape(len(a), -1).double(), b.reshape(len(b), -1).double()
    w = torch.as_tensor(w, dtype=torch.float64, device=a.device)
    if not bool(((w >= 0) & (w <= 1)).all()):
        raise ValueError("slerp needs weights w from 0 to 1")
    if w.ndim > 1 or (w.ndim == 1 and len(w) not in (1, len(a))):
        raise ValueError(f"slerp needs one weight w, or one for each of {len(a)} rows, not shape {tuple(w.shape)}")
    w = w.expand(len(a))
    norm = flat_a.norm(dim=1) * flat_b.norm(dim=1)
    cosine = ((flat_a * flat_b).sum(1) / norm.clamp(min=torch.finfo(torch.float64).tiny)).clamp(-1, 1)
    theta = cosine.arccos()
    sine = theta.sin()
    linear = (sine < 1e-6) | (norm == 0)
    sine = torch.where(linear, torch.ones_like(sine), sine)
    weight_a = torch.where(linear, 1 - w, ((1 - w) * theta).sin() / sine)
    weight_b = torch.where(linear, w, (w * theta).sin() / sine)
    return (weight_a[:, None] * flat_a + weight_b[:, None] * flat_b).reshape(a.shape).to(a.dtype)


def mix_latents(latents: Tensor, weights: Sequence[float] | Sequence[Sequence[float]] | Tensor) -> Tensor:
    """Mix several latents by weights, and put each mixture back on the sphere.

    With latents x_i and weights w_i that add up to 1::

        m = sum_i w_i x_i,        mixture = (sum_i w_i ||x_i||) m / ||m||

    So the direction is that of the weighted mean, and the norm is interpolated like the latents' own norms. The mean alone
    would be too short: that of N latents of noise with equal weights has the norm sqrt(dim / N). For two latents of equal
    norm the mixtures are the path of :func:`slerp`, at another speed.

    Args:
        latents: (N, ...) floating point; each row is treated as one vector.
        weights: (N,), or (B, N) for B mixtures, each at least 0 with a positive sum. They are divided by their sum.

    Returns:
        (B, ...), dtype and device of ``latents``; B is 1 for weights (N,). Sums are computed in float64.

    Raises:
        ValueError: the number of weights is not that of the latents, a weight is negative or not finite, all are 0, or
            the weighted mean is 0 and therefore has no direction.
    """
    w = torch.as_tensor(weights, dtype=torch.float64, device=latents.device)
    w = w[None] if w.ndim == 1 else w
    if latents.ndim < 1 or w.ndim != 2 or w.shape[1] != len(latents) or len(latents) == 0:
        raise ValueError(f"expected a weight for each of {len(latents)} latents, not weights of shape {tuple(w.shape)}")
    if not bool((w >= 0).all() and w.isfinite().all() and (w.sum(1) > 0).all()):
        raise ValueError("weights must be at least 0, finite, and not all 0")
    w = w / w.sum(1, keepdim=True)
    flat = latents.reshape(len(latents), -1).double()
    mean, norm = w @ flat, w @ flat.norm(dim=1)
    length = mean.norm(dim=1)
    if bool((length <= 1e-6 * norm).any()):
        raise ValueError("the latents cancel each other with these weights, so their mixture has no direction")
    return (mean * (norm / length)[:, None]).reshape(len(w), *latents.shape[1:]).to(latents.dtype)


def inverse_distance_weights(
    places: Sequence[tuple[float, float]], at: tuple[float, float], power: float = 3
) -> list[float]:
    """Return the weight of each place at a position of the plane, by inverse distances (Shepard 1968).

    w_i = d_i^-power / sum_j d_j^-power, where d_i is the distance from ``at`` to place i. At a place its weight is 1.

    The weights are smooth between the places and never negative. With a power above 2, the dimension of the plane, many
    distant places together do not outweigh the near ones.

    Args:
        places: (x, y) of each place.
        at: (x, y) of the position.
        power: above 0.

    Returns:
        A weight for each place; they add up to 1. Places at the same distance 0 share the weight equally.

    Raises:
        ValueError: there are no places, ``power`` is not above 0, or a number is not finite.
    """
    if len(places) == 0:
        raise ValueError("expected at least one place")
    distances = np.linalg.norm(np.asarray(places, dtype=np.float64) - np.asarray(at, dtype=np.float64), axis=1)
    if not power > 0 or not np.isfinite(distances).all():
        raise ValueError("expected finite places and positions, and a power above 0")
    nearest = distances.min()
    inverse = (distances == 0).astype(float) if nearest == 0 else (nearest / distances) ** power
    return [float(w) for w in inverse / inverse.sum()]
