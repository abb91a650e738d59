"""Numbers about finished pictures: how alike two are, how grainy one is, how smoothly a strip of them changes.

Pictures are (N, C, H, W) in [-1, 1].
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from explorer.trajectory import rms


def similarity(pictures: Tensor, reference: Tensor, mean: Tensor) -> Tensor:
    """Correlation of pictures with others of the same place in the batch, after ``mean`` was taken from both.

    All pictures of a data set share much (a face is in the middle, its background light), so raw correlation is high
    between any two. Without the mean picture it is about 0 for unrelated pictures and 1 for equal ones.

    Args:
        pictures, reference: (N, C, H, W).
        mean: (C, H, W), the mean picture of the data set.

    Returns:
        (N,) in [-1, 1], float64; 0 where a picture is the mean picture itself.
    """
    a, b = (pictures.double() - mean).flatten(1), (reference.double() - mean).flatten(1)
    norm = a.norm(dim=1) * b.norm(dim=1)
    return (a * b).sum(1) / norm.clamp(min=torch.finfo(torch.float64).tiny)


def grain(pictures: Tensor) -> Tensor:
    """Standard deviation of the pixel noise in each picture, estimated as by Immerkaer (1996): (N,).

    The mask is the difference of two Laplacians, blind to flat and to linear parts; edges leave a little.
    """
    mask = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]], dtype=pictures.dtype)
    N, C, H, W = pictures.shape
    response = conv2d(pictures.reshape(N * C, 1, H, W), mask[None, None].to(pictures.device))
    return math.sqrt(math.pi / 2) / 6 * response.abs().reshape(N, -1).mean(1)


@dataclass(frozen=True)
class Strip:
    """How a strip of pictures changes along its way. Distances are rms over all values.

    Attributes:
        changes: between neighbours, one less than there are pictures.
        span: between the pictures the strip leads through, added up: its two ends, or the corners of a loop.
    """

    changes: tuple[float, ...]
    span: float

    @property
    def largest(self) -> float:
        """The largest change between neighbours."""
        return max(self.changes)

    @property
    def smoothness(self) -> float:
        """``span`` over the changes added up: 1 on a straight way, near 0 where every picture is another one."""
        total = sum(self.changes)
        return self.span / total if total > 0 else 1.0


def strip(pictures: Tensor, through: tuple[int, ...] | None = None) -> Strip:
    """Measure a strip, (N, C, H, W) in order.

    Args:
        through: indices of the pictures that the way leads through; the two ends if None.

    Raises:
        ValueError: fewer than two pictures.
    """
    if len(pictures) < 2:
        raise ValueError(f"a strip needs at least two pictures, not {len(pictures)}")
    pictures = pictures.double()  # in float32 the rounding of the sums can make the span longer than the way
    through = through or (0, len(pictures) - 1)
    changes = [rms(b - a) for a, b in itertools.pairwise(pictures)]
    legs = [rms(pictures[b] - pictures[a]) for a, b in itertools.pairwise(through)]
    return Strip(tuple(changes), sum(legs))
