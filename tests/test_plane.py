"""Runs on a mixture: paths of DDIM are straight, those of DDPM rough; both reach the data distribution."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.forward import Paths, markov_paths, non_markov_paths
from explorer.mixture import Mixture
from explorer.plane import (
    energy_distance,
    mode_std,
    near_the_data,
    ode_coordinates,
    sample_paths,
    shares,
    straightness,
)

SCHEDULE = ex.Schedule.linear()
RING = Mixture.preset("ring")
DDIM, DDPM, LARGE = {"eta": 0.0}, {"eta": 1.0}, {"variance": "large"}


def run(count: int = 1000, steps: int = 50, mixture: Mixture = RING, seed: int = 0, **options) -> Paths:
    return sample_paths(mixture, count, ex.Settings(steps=steps, **options), seed)


# Paths of a run


def test_sample_paths_are_the_states_of_denoise():
    paths = run(count=3, steps=6, eta=0.5, noise_seed=2)
    checkpoint = RING.checkpoint(points=3)
    steps = list(ex.denoise(checkpoint, ex.latent(checkpoint.shape, [0]), ex.Settings(steps=6, eta=0.5, noise_seed=2)))
    assert paths.t == (0, *(step.t for step in reversed(steps)))
    np.testing.assert_array_equal(paths.alpha_bar, SCHEDULE.alpha_bar[list(paths.t)])
    for i, step in enumerate(reversed(steps), start=1):
        np.testing.assert_array_equal(paths.x[:, i], step.x_t[0, 0])
    np.testing.assert_array_equal(paths.x[:, 0], steps[-1].x_prev[0, 0])
    assert paths.x.shape == (3, 7, 2)


@pytest.mark.parametrize("options", [DDIM, DDPM])
def test_a_path_depends_on_its_seed_and_not_on_the_number_of_points(options):
    few, many = run(count=2, steps=10, **options), run(count=20, steps=10, **options)
    np.testing.assert_allclose(few.x, many.x[:2], atol=1e-5)
    assert np.abs(few.x - run(count=2, steps=10, seed=1, **options).x).min() > 0


# Straightness


def test_straightness_of_known_curves():
    angle = np.linspace(0, math.pi, 2001)
    half_circle = np.stack([np.cos(angle), np.sin(angle)], 1)
    line = np.linspace([0, 0], [3, 4], 2001)
    np.testing.assert_allclose(straightness(np.stack([half_circle, line])), [math.pi / 2, 1], rtol=1e-6)
    triangle = np.array([[0.0, 0], [1, 0], [1, 1], [0, 0]])
    np.testing.assert_array_equal(straightness(np.stack([triangle, np.zeros((4, 2))])), [math.inf, 1])


def test_forward_paths_of_eta_zero_are_straight_lines_in_the_coordinates_of_the_ode():
    tau = ex.timesteps(1000, 50)
    x_0 = np.array([0.5, -0.2])
    straight = non_markov_paths(x_0, tau, SCHEDULE, 0.0, count=20)
    np.testing.assert_allclose(straightness(ode_coordinates(straight)), 1, atol=1e-9)
    assert straightness(ode_coordinates(markov_paths(x_0, tau, SCHEDULE, count=20))).min() > 1.5
    assert straightness(ode_coordinates(non_markov_paths(x_0, tau, SCHEDULE, 1.0, count=20))).min() > 1.5


def test_a_path_is_cut_in_proportion_where_s_is_5():
    s = np.array([0.0, 1, 4, 8, 157])
    points = np.stack([np.stack([s**2, 3 * s, s], 1), np.zeros((5, 3)) + s[:, None]])
    near = near_the_data(points, 5)
    np.testing.assert_allclose(near[0], [[0, 0, 0], [1, 3, 1], [16, 12, 4], [28, 15, 5]])
    np.testing.assert_array_equal(near_the_data(points, 157), points)
    np.testing.assert_array_equal(near_the_data(points, 1000), points)
    assert straightness(near)[0] > straightness(points)[0]


def test_the_first_steps_hide_that_the_paths_of_ddim_bend():
    ode = ode_coordinates(run(count=200, steps=100, **DDIM))
    assert (ode[0, :, -1] > 5).mean() < 0.5  # fewer than half of the steps are 97 % of s
    assert np.median(straightness(ode)) < 1.005 < 1.01 < np.median(straightness(near_the_data(ode, 5)))


def test_paths_of_ddim_are_nearly_straight_and_those_of_ddpm_are_not():
    ddim, ddpm = (run(count=200, steps=100, **options) for options in (DDIM, DDPM))
    assert np.median(straightness(ode_coordinates(ddim))) < 1.01
    assert np.median(straightness(ode_coordinates(ddpm))) > 3
    assert np.median(straightness(ddim.x)) < 1.3
    assert np.median(straightness(ddpm.x)) > 15


def test_the_length_of_ddpm_paths_grows_with_the_root_of_S():
    few, many = (np.median(straightness(ode_coordinates(run(200, steps, **DDPM)))) for steps in (50, 200))
    assert many / few == pytest.approx(2, rel=0.1)


# The ODE and the SDE behind it


def test_a_step_of_eta_zero_is_an_euler_step_of_the_ode():
    checkpoint = RING.checkpoint(points=5)
    for step in ex.denoise(checkpoint, ex.latent(checkpoint.shape, [0]), ex.Settings(steps=10)):
        s, s_prev = (math.sqrt((1 - ab) / ab) for ab in (step.alpha_bar, step.alpha_bar_prev))
        euler = step.x_t / math.sqrt(step.alpha_bar) + (s_prev - s) * step.eps
        torch.testing.assert_close(step.x_prev / math.sqrt(step.alpha_bar_prev), euler, rtol=1e-5, atol=1e-5 * s)


def ode_end(x_T: np.ndarray, steps: int = 400) -> np.ndarray:
    """The probability-flow ODE d(x/sqrt(ab))/ds = eps_theta from s_T down to 0, by Runge-Kutta in log(s^2 + 1)."""

    def slope(x_bar: np.ndarray, u: float) -> np.ndarray:  # u = -log(ab), ds/du = exp(u) / (2 s)
        s = math.sqrt(math.expm1(u))
        ab = math.exp(-u)
        return -math.sqrt(1 - ab) * RING.score(math.sqrt(ab) * x_bar, ab) * math.exp(u) / (2 * s)

    ab_T = float(SCHEDULE.alpha_bar[-1])
    x_bar, levels = x_T / math.sqrt(ab_T), np.linspace(math.sqrt(-math.log(ab_T)), 1e-6, steps + 1) ** 2
    for u, u_next in itertools.pairwise(levels):
        h = u_next - u
        k1 = slope(x_bar, u)
        k2 = slope(x_bar + h / 2 * k1, u + h / 2)
        k3 = slope(x_bar + h / 2 * k2, u + h / 2)
        k4 = slope(x_bar + h * k3, u_next)
        x_bar = x_bar + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return x_bar


def test_ddim_converges_to_the_solution_of_the_ode():
    start = run(count=300, steps=10).x[:, -1]
    end = ode_end(start)
    errors = [np.median(np.linalg.norm(run(count=300, steps=S).x[:, 0] - end, axis=1)) for S in (10, 40, 160)]
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 0.02


@pytest.mark.parametrize("t", [200, 600, 1000])
def test_a_step_of_sigma_hat_is_an_euler_step_of_the_reverse_sde_to_first_order(t):
    """dx = (-x/2 - score) beta dt + sqrt(beta) dw, backwards; the rest is of the order of beta^2 (times 1/(1-ab))."""
    c = SCHEDULE.coefficients(t, t - 1, variance="large")
    beta = 1 - c.alpha_bar / c.alpha_bar_prev
    x_t = np.sqrt(c.alpha_bar) * RING.sample(50) + math.sqrt(1 - c.alpha_bar) * np.random.default_rng(0).normal(
        size=(50, 2)
    )
    eps = RING.eps_theta(x_t, t, SCHEDULE)
    mean = (
        c.sqrt_alpha_bar_prev * (x_t - math.sqrt(1 - c.alpha_bar) * eps) / math.sqrt(c.alpha_bar)
        + c.direction_scale * eps
    )
    euler = x_t + beta * (x_t / 2 + RING.score(x_t, c.alpha_bar))
    assert np.abs(mean - euler).max() < 4 * beta**2
    assert c.sigma == pytest.approx(math.sqrt(beta))


# Where a run ends


def test_energy_distance_of_two_normals_is_the_integral_over_their_distribution_functions():
    """2 * integral of (F - G)^2 (Székely & Rizzo 2013, for one dimension)."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (2000, 1)), rng.normal(1, 1, (2000, 1))
    grid = torch.linspace(-8, 9, 20_001, dtype=torch.float64)
    square = (torch.special.ndtr(grid) - torch.special.ndtr(grid - 1)).square()
    assert energy_distance(x, y) == pytest.approx(2 * float(torch.trapezoid(square, grid)), abs=0.05)


def test_energy_distance_of_equal_distributions_is_about_zero():
    values = [energy_distance(RING.sample(200, seed=i), RING.sample(200, seed=100 + i)) for i in range(30)]
    assert abs(np.mean(values)) < 4 * np.std(values) / math.sqrt(30)
    assert min(values) < 0 < max(values)
    with pytest.raises(ValueError, match="at least 2"):
        energy_distance(RING.sample(1), RING.sample(2))


@pytest.mark.parametrize("name", ["two moons", "ring"])
def test_shares_and_stds_of_exact_samples_are_those_of_the_mixture_even_if_components_overlap(name):
    mixture = Mixture.preset(name)
    x = mixture.sample(10_000)
    assert np.abs(shares(mixture, x) - mixture.weights).max() < 4 * math.sqrt(mixture.weights[0] / 10_000)
    np.testing.assert_allclose(mode_std(mixture, x), mixture.stds, rtol=0.1)


def test_the_std_of_a_component_without_points_is_nan():
    x = np.array([[0.0, 0.01], [0.0, -0.01]])
    pair = Mixture([1, 1], [[0, 0], [1e4, 0]], [0.01, 0.01])
    np.testing.assert_allclose(mode_std(pair, x), [0.01 / math.sqrt(2), np.nan])
    np.testing.assert_allclose(shares(pair, x), [1, 0])


@pytest.mark.parametrize("options", [DDIM, DDPM, LARGE])
def test_every_process_samples_the_mixture_with_equal_shares(options):
    x = run(count=1000, steps=100, **options).x[:, 0]
    exact = RING.sample(1000)
    apart = energy_distance(exact, RING.sample(1000, seed=1))
    assert abs(energy_distance(x, exact)) < 0.01
    assert abs(apart) < 0.01
    assert np.abs(shares(RING, x) - 1 / 8).max() < 4 * math.sqrt(1 / 8 * 7 / 8 / 1000)


def test_the_std_within_a_mode_is_too_small_with_eta_one_and_too_large_with_sigma_hat():
    """beta-tilde and beta bound the right variance of a step from below and above (DDPM, Sec. 3.2)."""
    ddim, ddpm, large = ((mode_std(RING, run(steps=50, **o).x[:, 0]) / RING.stds).mean() for o in (DDIM, DDPM, LARGE))
    assert ddpm < ddim - 0.03
    assert ddim < 0.95
    assert 1.04 < large < 1.15


def test_the_std_of_one_component_is_that_of_the_linear_map():
    """For one component each step is x -> a x + sigma z, so the variance can be followed by hand."""
    s, S = 0.3, 20
    for options in (DDIM, DDPM, LARGE):
        variance = 1.0
        for t, t_prev in ex.jumps(ex.timesteps(1000, S)):
            c = SCHEDULE.coefficients(t, t_prev, **options)
            share = (1 - c.alpha_bar) / (c.alpha_bar * s**2 + 1 - c.alpha_bar)  # eps_theta = share x_t / sqrt(1 - ab)
            a = c.sqrt_alpha_bar_prev * (1 - share) / math.sqrt(c.alpha_bar) + c.direction_scale * share / math.sqrt(
                1 - c.alpha_bar
            )
            variance = a**2 * variance + c.sigma**2
        one = Mixture([1], [[0, 0]], [s])
        measured = float(mode_std(one, run(count=5000, steps=S, mixture=one, **options).x[:, 0])[0])
        assert measured == pytest.approx(math.sqrt(variance), rel=0.03)


def test_with_few_steps_sigma_hat_leaves_too_much_noise_in_x_t():
    """A trained network never saw such x_t, so its samples degrade. The exact eps_theta here corrects the error."""
    for options, low, high in ((DDPM, 0.6, 1.05), (LARGE, 1.3, 1.8)):
        one = Mixture([1], [[0, 0]], [0.01])  # as thin as the manifold of pictures in most directions
        paths = run(steps=10, mixture=one, **options)
        noised = one.noised(paths.alpha_bar[1])
        assert low < float(mode_std(noised, paths.x[:, 1])[0] / noised.stds[0]) < high
