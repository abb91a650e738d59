"""The Fréchet distance between two sets of features, its standard error and its bias; the distance of real pictures."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.evaluation.frechet import (
    JACKKNIFE_GROUPS,
    MIN_PICTURES,
    Gaussian,
    Moments,
    bias_floor,
    distance_to,
    frechet_distance,
)
from explorer.evaluation.real_distance import FEWEST, distance_of_real


def random_covariance(d: int, seed: int) -> np.ndarray:
    root = np.random.default_rng(seed).normal(size=(d, d))
    return root @ root.T


def test_a_gaussian_has_the_mean_and_the_unbiased_covariance_of_its_rows():
    rows = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    gaussian = Gaussian.of(rows)
    np.testing.assert_allclose(gaussian.mean, rows.astype(float).mean(0))
    np.testing.assert_allclose(gaussian.covariance, np.cov(rows.astype(float).T))


def test_for_diagonal_covariances_the_distance_is_that_of_the_means_and_standard_deviations():
    """It is the squared 2-Wasserstein distance of one-dimensional Gaussians, summed over the features."""
    a = Gaussian(np.array([0.0, 1.0]), np.diag([4.0, 9.0]))
    b = Gaussian(np.array([3.0, -1.0]), np.diag([1.0, 25.0]))
    assert frechet_distance(a, b) == pytest.approx((3**2 + 2**2) + (2 - 1) ** 2 + (3 - 5) ** 2)


def test_covariances_that_do_not_commute_follow_the_formula():
    A, B = random_covariance(6, 0), random_covariance(6, 1)
    zero = np.zeros(6)
    eigenvalues = np.linalg.eigvals(A @ B)  # not symmetric, but its eigenvalues are real and at least 0
    expected = np.trace(A) + np.trace(B) - 2 * np.sqrt(eigenvalues.real).sum()
    assert frechet_distance(Gaussian(zero, A), Gaussian(zero, B)) == pytest.approx(expected, rel=1e-9)
    assert frechet_distance(Gaussian(zero, B), Gaussian(zero, A)) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("N", [5, 500])
def test_the_distance_of_a_set_to_itself_is_0_even_if_its_covariance_is_singular(N):
    gaussian = Gaussian.of(np.random.default_rng(0).normal(size=(N, 16)))
    assert frechet_distance(gaussian, gaussian) == pytest.approx(0, abs=1e-9)


def test_the_standard_error_is_the_deviation_over_repeats():
    random = np.random.default_rng(0)
    reference = Gaussian(np.zeros(8), np.eye(8))
    measured = [distance_to(reference, Moments.of(0.3 + 1.2 * random.normal(size=(256, 8)))) for _ in range(60)]
    distances, errors = np.array(measured).T
    assert np.sqrt(np.square(errors).mean()) == pytest.approx(distances.std(ddof=1), rel=0.3)


def test_too_few_pictures_are_refused():
    reference = Gaussian(np.zeros(2), np.eye(2))
    with pytest.raises(ValueError, match="at least 16 pictures, not 15"):
        distance_to(reference, Moments.of(np.zeros((MIN_PICTURES - 1, 2))))


def test_moments_added_in_chunks_give_the_gaussians_of_all_rows_and_of_all_groups_but_one():
    rows = 3 + np.random.default_rng(0).normal(size=(45, 4))
    moments = Moments.of(rows[:7])
    for chunk in (rows[7:20], rows[20:45]):
        moments.add(chunk)
    group = np.arange(len(rows)) % JACKKNIFE_GROUPS
    assert len(moments) == 45
    for without, included in ((None, rows), (3, rows[group != 3])):
        gaussian = moments.gaussian(without)
        np.testing.assert_allclose(gaussian.mean, included.mean(0), rtol=1e-12)
        np.testing.assert_allclose(gaussian.covariance, np.cov(included.T), rtol=1e-10)


# The bias

SCALES = 0.8 ** np.arange(12)  # standard deviations of features, unequal as those of principal components
DIAGONAL = Gaussian(np.zeros(12), np.diag(SCALES**2))


def draw(random: np.random.Generator, N: int) -> np.ndarray:
    """Features of N pictures of a perfect sampler for ``DIAGONAL``."""
    return SCALES * random.normal(size=(N, 12))


@pytest.mark.parametrize(("N", "M"), [(60, None), (240, None), (240, 300)])
def test_the_bias_floor_is_the_mean_distance_of_a_perfect_sampler(N, M):
    random = np.random.default_rng(1)
    references = [DIAGONAL if M is None else Gaussian.of(draw(random, M)) for _ in range(300)]
    distances = [frechet_distance(reference, Gaussian.of(draw(random, N))) for reference in references]
    error = np.std(distances) / len(distances) ** 0.5
    assert bias_floor(DIAGONAL, N, M) == pytest.approx(np.mean(distances), abs=3 * error + 0.02 * np.mean(distances))


def test_the_bias_floor_of_one_feature_is_that_of_its_mean_and_standard_deviation():
    """The variance of a mean of N is v / N; of a standard deviation, v / (2 (N - 1)) for large N."""
    assert bias_floor(Gaussian(np.zeros(1), np.array([[4.0]])), 101) == pytest.approx(4 / 101 + 4 / 200)
    assert bias_floor(Gaussian(np.zeros(2), np.zeros((2, 2))), 101, 50) == 0


def test_real_pictures_score_as_a_perfect_sampler_of_as_many_pictures():
    rows = draw(np.random.default_rng(2), 64 * 100 + 37)
    real = distance_of_real(DIAGONAL, rows, 100)
    assert (real.draws, real.pictures) == (64, 100)
    assert real.distance == pytest.approx(bias_floor(DIAGONAL, 100), abs=3 * real.standard_error)
    assert real.standard_error == pytest.approx(real.deviation / 8, rel=0.02)


def test_one_draw_has_the_distance_and_the_error_of_a_cell():
    rows = draw(np.random.default_rng(3), 150)
    real, (distance, error) = distance_of_real(DIAGONAL, rows, 100), distance_to(DIAGONAL, Moments.of(rows[:100]))
    assert (real.draws, real.deviation) == (1, None)
    assert (real.distance, real.standard_error) == pytest.approx((distance, error), rel=0.05)


def test_fewer_real_pictures_than_a_cell_has_are_extrapolated_to_its_number():
    """The distance of the pictures themselves would be too high: a quarter of the pictures has four times the bias."""
    random = np.random.default_rng(4)
    real = [distance_of_real(DIAGONAL, draw(random, 200), 800) for _ in range(60)]
    distances = np.array([one.distance for one in real])
    assert {(one.draws, one.pictures) for one in real} == {(0, 800)}
    assert distances.mean() == pytest.approx(bias_floor(DIAGONAL, 800), abs=3 * distances.std() / 60**0.5)
    assert distances.mean() < 0.5 * bias_floor(DIAGONAL, 200)
    assert distance_of_real(DIAGONAL, draw(random, FEWEST), 800).standard_error > 0


def test_near_the_floor_the_jackknife_is_cautious():
    """There the distance has no linear part, and the jackknife overestimates its error, here by a factor below 3."""
    random = np.random.default_rng(5)
    distances, errors = np.array([distance_to(DIAGONAL, Moments.of(draw(random, 256))) for _ in range(100)]).T
    assert 1.1 < np.sqrt(np.square(errors).mean()) / distances.std(ddof=1) < 3
