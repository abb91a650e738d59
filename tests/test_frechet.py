"""The Fréchet distance between two sets of features, and its standard error."""

from __future__ import annotations

import numpy as np
import pytest

from explorer.evaluation.frechet import JACKKNIFE_GROUPS, MIN_PICTURES, Gaussian, Moments, distance_to, frechet_distance


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
