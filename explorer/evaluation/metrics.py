"""Metrics of pictures: similarity of two pictures, grain of one, smoothness of a strip.

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
    """Return the correlation of each picture with its reference, after subtracting the mean picture from both.

    All pictures of a data set have much in common (a face is in the middle, its background is light), so the plain
    correlation of any two is high. After subtracting the mean it is about 0 for unrelated pictures, 1 for equal ones.

    Args:
        pictures: (N, C, H, W).
        reference: (N, C, H, W), one reference per picture.
        mean: (C, H, W), the mean picture of the data set.

    Returns:
        (N,) float64 in [-1, 1]; 0 where a picture or its reference equals the mean.
    """
    a, b = (pictures.double() - mean).flatten(1), (reference.double() - mean).flatten(1)
    norm = a.norm(dim=1) * b.norm(dim=1)
    return (a * b).sum(1) / norm.clamp(min=torch.finfo(torch.float64).tiny)


def pair_similarities(pictures: Tensor) -> Tensor:
    """Return the :func:`similarity` of every pair of pictures, after subtracting their mean picture.

    For pictures that have nothing to do with each other, this is the null distribution of the similarity.

    Args:
        pictures: (N, C, H, W).

    Returns:
        (N (N - 1) / 2,) float64 in [-1, 1].
    """
    flat = pictures.double().flatten(1)
    flat = flat - flat.mean(0)
    flat = flat / flat.norm(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float64).tiny)
    rows, columns = torch.triu_indices(len(flat), len(flat), offset=1)
    return (flat @ flat.T)[rows, columns]


def grain(pictures: Tensor) -> Tensor:
    """Return an estimate of the standard deviation of the pixel noise in each picture, (N,).

    The estimator is that of Immerkaer, "Fast noise variance estimation" (1996). Its mask is the difference of two
    Laplacians, which is 0 on constant and linear regions. Edges increase the estimate slightly.
    """
    mask = torch.tensor([[1.0, -2.0, 1.0], [-2.0, 4.0, -2.0], [1.0, -2.0, 1.0]], dtype=pictures.dtype)
    N, C, H, W = pictures.shape
    response = conv2d(pictures.reshape(N * C, 1, H, W), mask[None, None].to(pictures.device))
    return math.sqrt(math.pi / 2) / 6 * response.abs().reshape(N, -1).mean(1)


@dataclass(frozen=True)
class Strip:
    """Changes along a strip of N pictures. A change is the root mean square difference of two pictures.

    Attributes:
        changes: (N - 1,) between neighbouring pictures.
        span: sum of the changes between consecutive corners: the two ends of the strip, or the corners of a loop.
        path_length: 1 for even changes along straight lines between the corners. With m changes between two corners it is m
            if one of them makes the whole way, and about m^2 for unrelated pictures. It is the mean over the legs of
            m * sum(change^2) / leg^2, where leg is the change between the two corners. This is the perceptual path length
            (Karras et al. 2018, arXiv 1812.04948), the mean of (change / (1 / m))^2, with the difference of pixels in place
            of a perceptual one, over that of the straight line.
    """

    changes: tuple[float, ...]
    span: float
    path_length: float

    @property
    def largest(self) -> float:
        """The largest change between neighbours."""
        return max(self.changes)

    @property
    def jump(self) -> float:
        """The largest change over the mean change: 1 for even changes, N - 1 if one jump makes the whole way."""
        mean = sum(self.changes) / len(self.changes)
        return self.largest / mean if mean > 0 else 1.0

    @property
    def smoothness(self) -> float:
        """Directness, ``span`` divided by the sum of the changes: 1 on a straight line, also if one jump makes the whole way.

        For unrelated pictures it is about 1 / m, with m changes between two corners.
        """
        total = sum(self.changes)
        return self.span / total if total > 0 else 1.0


def strip(pictures: Tensor, corners: tuple[int, ...] | None = None) -> Strip:
    """Measure the changes along a strip.

    Args:
        pictures: (N, C, H, W), in order.
        corners: indices of the pictures between which the span is measured, such as the end points of an interpolation;
            None means the first and the last picture.

    Raises:
        ValueError: there are fewer than two pictures.
    """
    if len(pictures) < 2:
        raise ValueError(f"a strip needs at least two pictures, not {len(pictures)}")
    pictures = pictures.double()  # in float32, rounding can make the span larger than the sum of the changes
    corners = corners or (0, len(pictures) - 1)
    changes = [rms(b - a) for a, b in itertools.pairwise(pictures)]
    legs = [rms(pictures[b] - pictures[a]) for a, b in itertools.pairwise(corners)]
    energies = [
        (b - a) * sum(change**2 for change in changes[a:b]) / leg**2
        for (a, b), leg in zip(itertools.pairwise(corners), legs, strict=True)
        if leg > 0
    ]
    return Strip(tuple(changes), sum(legs), sum(energies) / len(energies) if energies else 1.0)
