"""Fréchet distance between two sets of features, taken as Gaussians (Heusel et al. 2017, arXiv 1706.08500, Eq. 6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GROUPS = 8  # of pictures, each left out once for the standard error
MIN_PICTURES = 2 * GROUPS


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Mean (d,) and covariance (d, d) of rows of features, float64."""

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Gaussian:
        """The Gaussian of ``rows`` (N, d), N >= 2."""
        rows = np.asarray(rows, dtype=np.float64)
        mean = rows.mean(0)
        return cls(mean, (rows - mean).T @ (rows - mean) / (len(rows) - 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """|mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), at least 0.

    The trace of the root is the sum of the roots of the eigenvalues of R C_b R, R the symmetric root of C_a. That matrix is
    symmetric, so its eigenvalues are real, and rounding below 0 is cut; covariances may be singular.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    trace_of_root = np.sqrt(np.linalg.eigvalsh(root @ b.covariance @ root).clip(min=0)).sum()
    distance = np.square(a.mean - b.mean).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * trace_of_root
    return max(float(distance), 0.0)


@dataclass(eq=False)
class Moments:
    """What a distance and its standard error need of rows of features, without the rows: sums for each jackknife group.

    Row i belongs to group i mod ``GROUPS``. In float64 the sums depend on their order, in the last digits; so rows are added
    in the order of their numbers.

    Attributes:
        count, total, square: (GROUPS,), (GROUPS, d) and (GROUPS, d, d), float64: of the rows, and of their outer products.
    """

    count: np.ndarray
    total: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Moments:
        """Of ``rows`` (N, d) alone."""
        d = rows.shape[1]
        moments = cls(np.zeros(GROUPS), np.zeros((GROUPS, d)), np.zeros((GROUPS, d, d)))
        moments.add(rows)
        return moments

    def __len__(self) -> int:
        return int(self.count.sum())

    def copy(self) -> Moments:
        return Moments(self.count.copy(), self.total.copy(), self.square.copy())

    def add(self, rows: np.ndarray) -> None:
        """The next ``rows`` (n, d), which follow those that were added before."""
        rows = np.asarray(rows, dtype=np.float64)
        group = (len(self) + np.arange(len(rows))) % GROUPS
        for g in range(GROUPS):
            chosen = rows[group == g]
            self.count[g] += len(chosen)
            self.total[g] += chosen.sum(0)
            self.square[g] += chosen.T @ chosen

    def gaussian(self, without: int | None = None) -> Gaussian:
        """Of all rows, or of all but one group's."""
        kept = np.arange(GROUPS) != (-1 if without is None else without)
        count, total, square = (sums[kept].sum(0) for sums in (self.count, self.total, self.square))
        mean = total / count
        return Gaussian(mean, (square - np.outer(total, mean)) / (count - 1))


def distance_to(reference: Gaussian, moments: Moments) -> tuple[float, float]:
    """Fréchet distance of N rows of features to the reference, and its standard error.

    The error is that of a jackknife which leaves out each of ``GROUPS`` groups in turn: every part still has nearly N rows,
    so that it has nearly the same bias (a distance falls with N), and singular covariances of small parts do not matter.

    Raises:
        ValueError: for fewer than ``MIN_PICTURES`` rows.
    """
    if len(moments) < MIN_PICTURES:
        raise ValueError(f"a distance needs at least {MIN_PICTURES} pictures, not {len(moments)}")
    parts = np.array([frechet_distance(reference, moments.gaussian(without=g)) for g in range(GROUPS)])
    error = np.sqrt((GROUPS - 1) * parts.var())
    return frechet_distance(reference, moments.gaussian()), float(error)
