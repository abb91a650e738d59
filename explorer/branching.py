"""Branching: continue a run from one of its steps with several noise seeds, and measure how much the pictures differ.

Up to the fork all continuations share the run, so they share x_t. From there on each has a noise z of its own in Eq. 12
(Song, Meng & Ermon 2020). At eta = 0 no noise is added (sigma = 0, Eq. 16): x_t alone determines x_0, and all continuations are
equal. At eta = 1 and S = T, in the limit of large T, they are samples of p(x_0 | x_t), the reverse process of DDPM
(Ho et al. 2020, Sec. 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import MAX_SEED
from explorer.sampler import Step, denoise
from explorer.settings import Settings
from explorer.support.arguments import as_int


def branch(
    checkpoint: Checkpoint, x_t: Tensor, settings: Settings | None = None, start: int = 0, count: int = 8
) -> Iterator[Step]:
    """Continue one run from its step ``start`` with ``count`` noise seeds, as a batch.

    Row k draws z from the seed ``noise_seed + k``. So row 0 has the noise of the run itself, and is the run itself up to the
    rounding of a batch.

    Args:
        x_t: (1, C, H, W) float32, the state before the step ``start`` of the run, ``step.x_t``.
        settings: of the run, with one noise seed; 50 steps of DDIM if None.
        start: index of the step, from 0 to S - 1.
        count: K, the number of continuations, at least 1.

    Yields:
        The steps from ``start`` on, tensors (K, C, H, W). The last one has t_prev = 0, and its ``x_prev`` are the pictures.
        The network is called once a step, with K rows.

    Raises:
        ValueError: at the call: as for :func:`explorer.denoise`, ``x_t`` does not have one row, ``settings`` has more than one
            noise seed, or a seed exceeds 2^64 - 1.
    """
    settings = settings or Settings()
    count = as_int("count", count, 1, None)
    if len(x_t) != 1:
        raise ValueError(f"x_t must be one state (1, C, H, W), not {tuple(x_t.shape)}")
    [seed] = settings.noise_seeds(1)
    if seed + count - 1 > MAX_SEED:
        raise ValueError(f"noise_seed + count - 1 must be at most {MAX_SEED}, not {seed + count - 1}")
    seeds = tuple(range(seed, seed + count))
    rows = x_t.expand(count, *x_t.shape[1:]).contiguous()
    return denoise(checkpoint, rows, replace(settings, noise_seed=seeds), start=start)


def pixel_std(pictures: Tensor) -> float:
    """Return how much pictures differ: the standard deviation over the batch, as root mean square over all values.

    It is the root of the mean, over pixels and channels, of the unbiased variance (divisor K - 1) over the K pictures. Two of
    the pictures are sqrt(2) times as far apart, as rms.

    Args:
        pictures: (K, C, H, W), K >= 2.

    Returns:
        In the units of the pictures, whose range is [-1, 1]. It is exactly 0 for equal pictures.

    Raises:
        ValueError: there are fewer than two pictures.
    """
    if len(pictures) < 2:
        raise ValueError(f"a standard deviation needs at least 2 pictures, not {len(pictures)}")
    x = pictures.double()
    deviations = x - x[:1]  # from the first picture, so that equal pictures give exactly 0
    return float(deviations.var(dim=0, correction=1).mean().sqrt())
