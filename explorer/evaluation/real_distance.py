"""The distance of real pictures: what the cells of a Fréchet table can at best be expected to reach.

A distance falls with the number of pictures, so the real pictures must be as many as those of a cell.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from explorer.evaluation.config import round_digits
from explorer.evaluation.features import FeatureExtractor, ReferenceStatistics
from explorer.evaluation.frechet import (
    JACKKNIFE_GROUPS,
    MIN_PICTURES,
    Gaussian,
    Moments,
    bias_floor,
    distance_to,
    frechet_distance,
)
from explorer.evaluation.reference_set import ReferenceSet
from explorer.storage.quality_file import BiasFloor, FrechetTable, RealDistance

DRAWS = 16  # disjoint sets of real pictures
SIZES = 3  # n, n/2 and n/4 pictures, for the extrapolation
FEWEST = 2 ** (SIZES - 1) * MIN_PICTURES  # real pictures for an extrapolation


def with_real(
    table: FrechetTable,
    reference: ReferenceStatistics,
    extractor: FeatureExtractor,
    reference_set: ReferenceSet,
    pictures: int,
) -> FrechetTable:
    """Return the table with the distance of real pictures and the bias floor, both for cells of ``pictures``.

    ``real`` is None if there are too few real pictures outside of the reference.
    """
    floor = BiasFloor(
        distance=round_digits(bias_floor(reference.gaussian, pictures, reference.count or None), 4),
        pictures=pictures,
        reference_pictures=reference.count,
    )
    real, source = reference_set.real_pictures(DRAWS * pictures)
    if source == reference.pictures or len(real) < min(FEWEST, pictures):
        return replace(table, real=None, floor=floor)
    measured = distance_of_real(reference.gaussian, reference.project(extractor, real), pictures)
    return replace(table, real=replace(measured, source=source), floor=floor)


def distance_of_real(reference: Gaussian, rows: np.ndarray, pictures: int) -> RealDistance:
    """Return the distance to the reference of ``pictures`` = N real pictures.

    With several times N rows, it is the mean over disjoint sets of N. With fewer than N rows, it is extrapolated to N by
    a line in 1/N (Chong & Forsyth 2020, Section 3, where N is infinite).

    Args:
        rows: projected features (n, d) of real pictures in random order, n >= N or n >= ``FEWEST``.
    """
    draws, deviation = len(rows) // pictures, None
    if draws > 1:
        sets = np.split(rows[: draws * pictures], draws)
        distances = [frechet_distance(reference, Gaussian.of(drawn)) for drawn in sets]
        deviation = float(np.std(distances, ddof=1))
        distance, error = float(np.mean(distances)), deviation / draws**0.5
    elif draws == 1:
        distance, error = distance_to(reference, Moments.of(rows[:pictures]))
    else:
        distance, error = _extrapolated(reference, rows, pictures)
    return RealDistance(
        distance=round_digits(distance, 4),
        standard_error=round_digits(error, 2),
        pictures=pictures,
        draws=draws,
        deviation=None if deviation is None else round_digits(deviation, 2),
    )


def _extrapolated(reference: Gaussian, rows: np.ndarray, pictures: int) -> tuple[float, float]:
    """The distance of ``pictures`` pictures from fewer rows, and its standard error by a jackknife over groups."""
    group = np.arange(len(rows)) % JACKKNIFE_GROUPS
    values = [_line_at(reference, rows[group != g], pictures) for g in range(JACKKNIFE_GROUPS)]
    error = np.sqrt((JACKKNIFE_GROUPS - 1) * np.var(values))
    return _line_at(reference, rows, pictures), float(error)


def _line_at(reference: Gaussian, rows: np.ndarray, pictures: int) -> float:
    """The distance at N = ``pictures`` of a line in 1/N through the distances of all, half and a quarter of the rows."""
    inverses, distances = [], []
    for parts in (2**k for k in range(SIZES)):
        size = len(rows) // parts
        sets = np.split(rows[: size * parts], parts)
        inverses.append(1 / size)
        distances.append(np.mean([frechet_distance(reference, Gaussian.of(drawn)) for drawn in sets]))
    slope, intercept = np.polyfit(inverses, distances, 1)
    return float(intercept + slope / pictures)
