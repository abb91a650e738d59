"""The forward process: q(x_t | x_0), and two processes with these marginals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.forward import (
    Paths,
    bound_of_largest,
    marginal_errors,
    markov_paths,
    markov_step,
    non_markov_paths,
    posterior,
    step_correlations,
)
from explorer.schedule import SPACINGS

SCHEDULE = ex.Schedule.linear()
PIXELS = np.array([-0.9, 0.1, 0.7])
TAU = ex.timesteps(1000, 20)
PROCESSES = ["Markov", 0.0, 0.5, 1.0]  # the chain of Eq. 3, or q_sigma with this eta


def walk(process: str | float, tau: list[int] = TAU, count: int = 2000, seed: int = 0) -> Paths:
    if isinstance(process, str):
        return markov_paths(PIXELS, tau, SCHEDULE, count, seed)
    return non_markov_paths(PIXELS, tau, SCHEDULE, process, count, seed)


def test_diffuse_is_equation_4_for_a_t_per_row():
    x_0, eps = ex.latent((1, 4, 4), [0, 1, 2]), ex.latent((1, 4, 4), [3, 4, 5])
    t = [1, 400, 1000]
    x_t = ex.diffuse(x_0, eps, torch.tensor(t), SCHEDULE)
    for row in range(3):
        ab = SCHEDULE.alpha_bar[t[row]]
        expected = np.sqrt(ab) * x_0[row].numpy() + np.sqrt(1 - ab) * eps[row].numpy()
        np.testing.assert_allclose(x_t[row].numpy(), expected, atol=1e-6)
        assert torch.equal(x_t[row], ex.diffuse(x_0[row : row + 1], eps[row : row + 1], t[row], SCHEDULE)[0])


def test_diffuse_to_t_zero_changes_nothing():
    x_0, eps = ex.latent((1, 4, 4), [0]), ex.latent((1, 4, 4), [1])
    assert torch.equal(ex.diffuse(x_0, eps, 0, SCHEDULE), x_0)


def test_diffuse_is_diffusers_add_noise():
    from diffusers import DDPMScheduler

    x_0, eps = ex.latent((3, 4, 4), [0, 1, 2]), ex.latent((3, 4, 4), [3, 4, 5])
    t = torch.tensor([1, 250, 1000])
    expected = DDPMScheduler().add_noise(x_0, eps, t - 1)
    torch.testing.assert_close(ex.diffuse(x_0, eps, t, SCHEDULE), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_diffuse_keeps_the_dtype(dtype):
    x_0 = ex.latent((1, 4, 4), [0]).to(dtype)
    assert ex.diffuse(x_0, x_0, 10, SCHEDULE).dtype == dtype


# One step: Eq. 3 and Eq. 7


def test_a_markov_step_is_a_step_of_ddpm():
    x, eps = ex.latent((1, 4, 4), [0]), ex.latent((1, 4, 4), [1])
    beta = np.linspace(1e-4, 0.02, 1000)[300 - 1]
    expected = math.sqrt(1 - beta) * x + math.sqrt(beta) * eps
    torch.testing.assert_close(markov_step(x, eps, 299, 300, SCHEDULE), expected)


def test_a_markov_step_from_t_zero_is_equation_4():
    x, eps = ex.latent((1, 4, 4), [0]), ex.latent((1, 4, 4), [1])
    torch.testing.assert_close(markov_step(x, eps, 0, 500, SCHEDULE), ex.diffuse(x, eps, 500, SCHEDULE))


@pytest.mark.parametrize(("s", "t"), [(1, 1), (5, 4), (-1, 3), (0, 1001)])
def test_a_markov_step_goes_up(s, t):
    with pytest.raises(ValueError, match="must be a whole number from"):
        markov_step(PIXELS, PIXELS, s, t, SCHEDULE)


@pytest.mark.parametrize("t", [2, 500, 1000])
def test_the_posterior_at_eta_one_is_that_of_ddpm(t):
    """DDPM (Ho et al. 2020), Eq. 7: the mean's two coefficients and beta-tilde."""
    ab, ab_prev = SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t - 1]
    beta = 1 - ab / ab_prev
    x_t, x_0 = np.random.default_rng(0).normal(size=(2, 10))
    mean, std = posterior(x_t, x_0, SCHEDULE.coefficients(t, t - 1, eta=1.0))
    expected = math.sqrt(ab_prev) * beta / (1 - ab) * x_0 + math.sqrt(1 - beta) * (1 - ab_prev) / (1 - ab) * x_t
    np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=1e-12)
    assert std == pytest.approx(math.sqrt((1 - ab_prev) / (1 - ab) * beta))


@pytest.mark.parametrize(("t", "t_prev"), [(1000, 800), (60, 7)])
def test_the_posterior_at_eta_one_follows_from_bayes_rule_for_any_jump(t, t_prev):
    """Precisions and precision-weighted means of q(x_prev | x_0) and q(x_t | x_prev) add up."""
    ab, ab_prev = SCHEDULE.alpha_bar[t], SCHEDULE.alpha_bar[t_prev]
    ratio, x_t, x_0 = ab / ab_prev, 0.8, -0.3
    precision = 1 / (1 - ab_prev) + ratio / (1 - ratio)
    weighted = math.sqrt(ab_prev) * x_0 / (1 - ab_prev) + math.sqrt(ratio) * x_t / (1 - ratio)
    mean, std = posterior(np.array(x_t), np.array(x_0), SCHEDULE.coefficients(t, t_prev, eta=1.0))
    assert mean == pytest.approx(weighted / precision)
    assert std == pytest.approx(1 / math.sqrt(precision))


@pytest.mark.parametrize("eta", [0.0, 0.3, 1.0])
def test_the_posterior_preserves_the_marginal(eta):
    """Lemma 1: for x_t ~ q(x_t | x_0) and any sigma, x_prev has the mean and variance of q(x_prev | x_0)."""
    c = SCHEDULE.coefficients(700, 430, eta)
    at_mean, sigma = posterior(np.array(math.sqrt(c.alpha_bar) * 0.4), np.array(0.4), c)
    assert at_mean == pytest.approx(math.sqrt(c.alpha_bar_prev) * 0.4)
    assert c.m**2 * (1 - c.alpha_bar) + sigma**2 == pytest.approx(1 - c.alpha_bar_prev)


def test_equation_12_is_the_posterior_at_predicted_x0(gaussian):
    checkpoint = gaussian()
    for step in ex.denoise(checkpoint, ex.latent(checkpoint.shape, [0]), ex.Settings(steps=7, eta=0.6)):
        mean, sigma = posterior(step.x_t, step.x0, step.coefficients)
        expected = mean if step.z is None else mean + sigma * step.z
        torch.testing.assert_close(step.x_prev, expected, rtol=0, atol=1e-5)


# Paths: equal marginals, different joint distributions


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("process", PROCESSES)
def test_the_marginals_are_q_of_x_t_given_x0(process, spacing):
    paths = walk(process, ex.timesteps(1000, 20, spacing))
    errors = marginal_errors(paths)
    assert errors.largest < bound_of_largest([errors])


def test_the_marginal_errors_of_two_paths_are_computed_correctly():
    paths = Paths((0, 5), np.array([1.0, 0.36]), np.array([[[0.5], [1.0]], [[0.5], [0.2]]]))
    errors = marginal_errors(paths)
    assert errors.t == (5,)
    assert errors.mean[0, 0] == pytest.approx(0.6 - 0.6 * 0.5)
    assert errors.variance[0, 0] == pytest.approx(0.8**2 / 2 - 0.64)
    assert errors.mean_se[0] == pytest.approx(0.8 / math.sqrt(2))
    assert errors.variance_se[0] == pytest.approx(0.64 * math.sqrt(2))
    assert errors.largest == pytest.approx(0.3 * math.sqrt(2) / 0.8)


def test_marginal_errors_decrease_with_the_root_of_the_number_of_paths():
    few, many = (marginal_errors(walk(0.5, count=n)) for n in (100, 10_000))
    np.testing.assert_allclose(few.mean_se, 10 * many.mean_se)
    np.testing.assert_allclose(few.variance_se, 10 * many.variance_se, rtol=0.01)
    assert np.abs(many.mean).max() < np.abs(few.mean).max()
    assert np.abs(many.variance).max() < np.abs(few.variance).max()


@pytest.mark.parametrize("process", PROCESSES)
def test_standard_errors_are_the_scatter_of_means_and_variances(process):
    """Over 100 seeds the errors, divided by their standard errors, have the mean square 1."""
    all_errors = [marginal_errors(walk(process, [100, 1000], count=200, seed=seed)) for seed in range(100)]
    for error, se in (("mean", "mean_se"), ("variance", "variance_se")):
        scaled = [getattr(e, error) / getattr(e, se)[:, None] for e in all_errors]
        assert np.square(scaled).mean() == pytest.approx(1, abs=0.25)


def test_the_bound_is_the_union_of_normal_means_and_chi_squared_variances():
    few = marginal_errors(walk(0.5, [100], count=11))  # three means and three variances with 10 degrees of freedom
    bound = (23.209 - 10) / math.sqrt(20)  # chi-squared is above 23.209 with probability 0.01, and never below 0
    normal = 0.00315  # of the means, two-sided, from tables of the normal distribution
    assert bound_of_largest([few], 1 - 3 * (0.01 + normal)) == pytest.approx(bound, abs=2e-3)
    many = marginal_errors(walk(0.5, [100], count=100_000))
    assert bound_of_largest([many, many], 1 - 12 * 0.01) == pytest.approx(2.576, abs=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("count", [20, 200])
def test_the_largest_error_of_four_processes_is_below_its_bound_as_often_as_promised(count):
    beyond = 0
    for seed in range(200):
        errors = [marginal_errors(walk(process, [50, 300, 700, 1000], count, seed)) for process in PROCESSES]
        beyond += max(each.largest for each in errors) > bound_of_largest(errors, 0.9)
    assert 0 < beyond <= 20 + 3 * math.sqrt(200 * 0.1 * 0.9)


def test_wrong_marginals_are_detected():
    paths = walk(1.0)
    scaled = Paths(paths.t, paths.alpha_bar, 1.1 * paths.x)
    errors = marginal_errors(scaled)
    assert errors.largest > bound_of_largest([errors])


def test_sigma_hat_does_not_preserve_the_marginals():
    c = SCHEDULE.coefficients(200, 100, variance="large")
    assert c.m**2 * (1 - c.alpha_bar) + c.sigma**2 > 2 * (1 - c.alpha_bar_prev)


@pytest.mark.parametrize(("process", "eta"), [("Markov", 1.0), (0.0, 0.0), (0.5, 0.5), (1.0, 1.0)])
def test_consecutive_states_have_the_correlation_of_their_process(process, eta):
    pairs = ex.jumps(TAU)[-2::-1]  # t ascending, without the last jump to 0
    for correlation, (t, t_prev) in zip(step_correlations(walk(process)), pairs, strict=True):
        c = SCHEDULE.coefficients(t, t_prev, eta)
        expected = c.direction_scale / math.sqrt(1 - c.alpha_bar_prev)
        np.testing.assert_allclose(correlation, expected, rtol=0, atol=4.5 * (1 - expected**2) / math.sqrt(2000) + 1e-9)


def test_the_only_noise_at_eta_zero_is_that_of_x_T():
    """x_t = sqrt(ab_t) x_0 + sqrt(1 - ab_t) eps with one eps for all t, and x_prev is fixed by x_t and x_0."""
    paths = walk(0.0, count=3)
    ab = paths.alpha_bar[:, None]
    eps = (paths.x[:, 1:] - np.sqrt(ab[1:]) * PIXELS) / np.sqrt(1 - ab[1:])
    np.testing.assert_allclose(eps, np.broadcast_to(eps[:, -1:], eps.shape), atol=1e-9)


def test_paths_of_all_etas_start_from_the_same_x_T_and_diverge():
    ddim, half, ddpm = (walk(eta, count=3).x for eta in (0.0, 0.5, 1.0))
    np.testing.assert_array_equal(ddim[:, -1], ddpm[:, -1])
    np.testing.assert_array_equal(ddim[:, -1], half[:, -1])
    assert np.abs(ddim - half).max() > 0.2
    assert np.abs(half - ddpm).max() > 0.2


@pytest.mark.parametrize("process", PROCESSES)
def test_a_path_depends_on_its_seed_and_not_on_the_number_of_paths(process):
    few, many = walk(process, count=2), walk(process, count=50)
    np.testing.assert_array_equal(few.x, many.x[:2])
    np.testing.assert_array_equal(few.x, walk(process, count=2).x)
    assert np.abs(few.x[:, 1:] - walk(process, count=2, seed=1).x[:, 1:]).min() > 0
    assert len({tuple(path.ravel()) for path in many.x}) == 50


@pytest.mark.parametrize("process", PROCESSES)
def test_paths_have_t_ascending_from_x0(process):
    paths = walk(process, [3, 40, 900], count=5)
    assert paths.t == (0, 3, 40, 900)
    np.testing.assert_array_equal(paths.alpha_bar, SCHEDULE.alpha_bar[[0, 3, 40, 900]])
    assert paths.x.shape == (5, 4, 3)
    assert paths.x.dtype == np.float64
    np.testing.assert_array_equal(paths.x[:, 0], np.broadcast_to(PIXELS, (5, 3)))
    assert np.isfinite(paths.x).all()


def test_a_path_of_a_whole_picture():
    picture = ex.latent((3, 8, 8), [0])[0].numpy()
    assert non_markov_paths(picture, TAU, SCHEDULE, count=2).x.shape == (2, 21, 3, 8, 8)


@pytest.mark.parametrize("tau", [[], [0, 5], [5, 5], [7, 5], [1001]])
def test_an_invalid_tau_is_refused(tau):
    with pytest.raises(ValueError, match="tau"):
        markov_paths(PIXELS, tau, SCHEDULE)
    with pytest.raises(ValueError, match="tau"):
        non_markov_paths(PIXELS, tau, SCHEDULE)


def test_values_out_of_range_are_refused():
    with pytest.raises(ValueError, match="eta must be a number from 0 to 1"):
        walk(1.5)
    with pytest.raises(ValueError, match="count must be a whole number of at least 1"):
        walk(0.0, count=0)
    with pytest.raises(ValueError, match="number of paths must be a whole number of at least 2"):
        marginal_errors(walk(0.0, count=1))
    with pytest.raises(ValueError, match="number of paths must be a whole number of at least 2"):
        step_correlations(walk(0.0, count=1))
