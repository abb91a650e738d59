"""Fréchet distance between two sets of features, modelled as Gaussians (Heusel et al. 2017, arXiv 1706.08500).

A distance of N pictures is biased: even pictures from the reference's own distribution have a distance above 0, and it
falls roughly like 1/N (Bińkowski et al. 2018, arXiv 1801.01401; Chong & Forsyth 2020, arXiv 1911.07023).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

JACKKNIFE_GROUPS = 8
MIN_PICTURES = 2 * JACKKNIFE_GROUPS


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A Gaussian distribution of features.

    Attributes:
        mean: (d,) float64.
        covariance: (d, d) float64.
    """

    mean: np.ndarray
    covariance: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Gaussian:
        """Fit a Gaussian to ``rows`` (N, d), N >= 2, with the unbiased covariance."""
        rows = np.asarray(rows, dtype=np.float64)
        mean = rows.mean(0)
        return cls(mean, (rows - mean).T @ (rows - mean) / (len(rows) - 1))


def frechet_distance(a: Gaussian, b: Gaussian) -> float:
    """Return |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)), Eq. 6 of Heusel et al. (2017).

    The trace of the square root is computed as the sum of the square roots of the eigenvalues of R C_b R, where R is
    the symmetric square root of C_a. This matrix is symmetric, so its eigenvalues are real; those below 0, by rounding,
    are set to 0. The covariances may be singular.
    """
    values, vectors = np.linalg.eigh(a.covariance)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    trace_of_root = np.sqrt(np.linalg.eigvalsh(root @ b.covariance @ root).clip(min=0)).sum()
    distance = np.square(a.mean - b.mean).sum() + np.trace(a.covariance) + np.trace(b.covariance) - 2 * trace_of_root
    return max(float(distance), 0.0)


def bias_floor(reference: Gaussian, pictures: int, reference_pictures: int | None = None) -> float:
    """Return the expected distance of a perfect sampler: pictures whose features have the reference's own Gaussian.

    With l_i the eigenvalues of the reference's covariance, the estimated means differ by (1/N + 1/M) sum_i l_i. The
    estimated covariances differ by a matrix D with independent entries of variance l_i l_j (1/N + 1/M), doubled on the
    diagonal, and the squared Bures distance of C and C + D is sum_ij D_ij^2 / (2 (l_i + l_j)) to second order.

    Args:
        pictures: N, number of sampled pictures, at least 2.
        reference_pictures: M, number of reference pictures, at least 2; None if the reference is exact.
    """
    values = np.linalg.eigvalsh(reference.covariance).clip(min=0)
    sums = np.add.outer(values, values)
    terms = np.divide(np.outer(values, values), 2 * sums, out=np.zeros_like(sums), where=sums > 0)
    of_covariances = terms.sum() + np.trace(terms)
    counts = [pictures] if reference_pictures is None else [pictures, reference_pictures]
    return float(sum(values.sum() / count + of_covariances / (count - 1) for count in counts))


@dataclass(eq=False)
class Moments:
    """First and second moments of feature rows, separately for each jackknife group.

    They suffice to compute a Fréchet distance and its standard error without the rows. Row i belongs to group i mod
    ``JACKKNIFE_GROUPS``. The last digits of the sums depend on the order of the rows, so rows must be added in the
    order of their numbers.

    Attributes:
        count: (JACKKNIFE_GROUPS,) float64, number of rows.
        total: (JACKKNIFE_GROUPS, d) float64, sum of the rows.
        square: (JACKKNIFE_GROUPS, d, d) float64, sum of the rows' outer products.
    """

    count: np.ndarray
    total: np.ndarray
    square: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray) -> Moments:
        """Return the moments of ``rows`` (N, d)."""
        d = rows.shape[1]
        moments = cls(np.zeros(JACKKNIFE_GROUPS), np.zeros((JACKKNIFE_GROUPS, d)), np.zeros((JACKKNIFE_GROUPS, d, d)))
        moments.add(rows)
        return moments

    def __len__(self) -> int:
        return int(self.count.sum())

    def add(self, rows: np.ndarray) -> None:
        """Add the next ``rows`` (n, d)."""
        rows = np.asarray(rows, dtype=np.float64)
        group = (len(self) + np.arange(len(rows))) % JACKKNIFE_GROUPS
        for g in range(JACKKNIFE_GROUPS):
            members = rows[group == g]
            self.count[g] += len(members)
            self.total[g] += members.sum(0)
            self.square[g] += members.T @ members

    def gaussian(self, without: int | None = None) -> Gaussian:
        """Return the Gaussian of all rows, or of all groups except ``without``."""
        included = np.arange(JACKKNIFE_GROUPS) != (-1 if without is None else without)
        count, total, square = (sums[included].sum(0) for sums in (self.count, self.total, self.square))
        mean = total / count
        return Gaussian(mean, (square - np.outer(total, mean)) / (count - 1))


def distance_to(reference: Gaussian, moments: Moments) -> tuple[float, float]:
    """Return the Fréchet distance of N rows of features to the reference, and its standard error.

    The standard error is a jackknife estimate that leaves out one of ``JACKKNIFE_GROUPS`` groups at a time. Each subset
    has nearly N rows, so it has nearly the same bias (a distance decreases with N).

    Raises:
        ValueError: there are fewer than ``MIN_PICTURES`` rows.
    """
    if len(moments) < MIN_PICTURES:
        raise ValueError(f"a distance needs at least {MIN_PICTURES} pictures, not {len(moments)}")
    distances = np.array([frechet_distance(reference, moments.gaussian(without=g)) for g in range(JACKKNIFE_GROUPS)])
    standard_error = np.sqrt((JACKKNIFE_GROUPS - 1) * distances.var())
    return frechet_distance(reference, moments.gaussian()), float(standard_error)
