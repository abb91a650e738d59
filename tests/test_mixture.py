"""The Gaussian mixture compared with torch.distributions, and as a checkpoint."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

import explorer as ex
from explorer.mixture import PRESETS, Mixture

SCHEDULE = ex.Schedule.linear()
LEVELS = [1.0, 0.9, 0.3, float(SCHEDULE.alpha_bar[-1])]
UNEVEN = Mixture([0.5, 0.2, 0.3], [[-1, 0.5], [1, 1], [0.2, -1.5]], [0.1, 0.4, 0.25])
POINTS = np.random.default_rng(0).normal(size=(50, 2))


def of_torch(mixture: Mixture, alpha_bar: float) -> MixtureSameFamily:
    weights, means, stds = (torch.from_numpy(a.copy()) for a in (mixture.weights, mixture.means, mixture.stds))
    std = (alpha_bar * stds**2 + 1 - alpha_bar).sqrt()[:, None].expand(-1, 2)
    return MixtureSameFamily(Categorical(weights), Independent(Normal(math.sqrt(alpha_bar) * means, std), 1))


@pytest.mark.parametrize("alpha_bar", LEVELS)
def test_the_density_is_torchs(alpha_bar):
    expected = of_torch(UNEVEN, alpha_bar).log_prob(torch.from_numpy(POINTS)).exp()
    np.testing.assert_allclose(UNEVEN.density(POINTS, alpha_bar), expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("alpha_bar", LEVELS)
def test_the_score_is_the_gradient_of_the_log_density(alpha_bar):
    x = torch.from_numpy(POINTS.copy()).requires_grad_()
    of_torch(UNEVEN, alpha_bar).log_prob(x).sum().backward()
    np.testing.assert_allclose(UNEVEN.score(POINTS, alpha_bar), x.grad, rtol=1e-9, atol=1e-9)


def test_the_score_is_finite_far_from_the_data():
    """The density underflows there, and only the widest component contributes."""
    far = np.array([[300.0, 400.0]])
    assert UNEVEN.density(far)[0] == 0
    np.testing.assert_allclose(UNEVEN.score(far), (UNEVEN.means[1] - far) / UNEVEN.stds[1] ** 2, rtol=1e-9)


def test_eps_theta_of_one_component_is_the_closed_form(gaussian):
    mu, s = 0.3, 0.5
    mixture, exact = Mixture([1], [[mu, mu]], [s]), gaussian(mu, s, (1, 1, 2))
    for t in (1, 300, 1000):
        x = torch.from_numpy(POINTS)[:, None, None]
        expected = exact.predict_noise(x, t).reshape(-1, 2)
        np.testing.assert_allclose(mixture.eps_theta(POINTS, t, SCHEDULE), expected, rtol=1e-9, atol=1e-12)


def test_eps_theta_is_the_conditional_mean_of_the_noise():
    """eps_theta = E[eps | x_t]: no other function of x_t has a smaller mean squared error to eps (L_simple)."""
    t = 300
    ab = SCHEDULE.alpha_bar[t]
    x_0, eps = UNEVEN.sample(20_000), np.random.default_rng(1).normal(size=(20_000, 2))
    x_t = np.sqrt(ab) * x_0 + np.sqrt(1 - ab) * eps
    residual = eps - UNEVEN.eps_theta(x_t, t, SCHEDULE)
    for function in (np.ones_like(x_t), x_t, x_t**2, np.sin(3 * x_t)):
        product = residual * function
        assert (np.abs(product.mean(0)) < 4 * product.std(0) / math.sqrt(20_000)).all()


def test_alpha_bar_and_t_may_differ_from_point_to_point():
    t = np.array([1, 20, 500, 1000] * 10 + [7] * 10)
    alpha_bar = SCHEDULE.alpha_bar[t]
    together = (
        UNEVEN.density(POINTS, alpha_bar),
        UNEVEN.score(POINTS, alpha_bar),
        UNEVEN.responsibilities(POINTS, alpha_bar),
        UNEVEN.eps_theta(POINTS, t, SCHEDULE),
    )
    for i in range(len(POINTS)):
        alone = (
            UNEVEN.density(POINTS[i], alpha_bar[i]),
            UNEVEN.score(POINTS[i], alpha_bar[i]),
            UNEVEN.responsibilities(POINTS[i], alpha_bar[i]),
            UNEVEN.eps_theta(POINTS[i], int(t[i]), SCHEDULE),
        )
        for a, b in zip(together, alone, strict=True):
            np.testing.assert_allclose(a[i], b, rtol=1e-9, atol=1e-300)


def test_the_noised_mixture_is_that_of_x_t():
    for alpha_bar in LEVELS:
        noised = UNEVEN.noised(alpha_bar)
        np.testing.assert_allclose(noised.density(POINTS), UNEVEN.density(POINTS, alpha_bar), rtol=1e-9, atol=1e-300)


def test_responsibilities_are_bayes_rule():
    r = UNEVEN.responsibilities(POINTS)
    parts = np.stack(
        [Mixture([1], [m], [s]).density(POINTS) for m, s in zip(UNEVEN.means, UNEVEN.stds, strict=True)], 1
    )
    np.testing.assert_allclose(r, UNEVEN.weights * parts / UNEVEN.density(POINTS)[:, None], rtol=1e-7, atol=1e-30)
    np.testing.assert_array_equal(UNEVEN.component(POINTS), r.argmax(1))
    np.testing.assert_array_equal(UNEVEN.component(UNEVEN.means), [0, 1, 2])


def test_samples_have_the_weights_means_and_stds_of_their_components():
    count = 20_000
    x = UNEVEN.sample(count, seed=3)
    r = UNEVEN.responsibilities(x)  # E over draws: r_k has the mean weight_k, r_k x the mean weight_k mean_k
    for k in range(3):
        w, se = UNEVEN.weights[k], 1 / math.sqrt(count)
        assert r[:, k].mean() == pytest.approx(w, abs=4 * se * math.sqrt(w))
        weighted = r[:, k, None] * (x - UNEVEN.means[k])
        assert (np.abs(weighted.mean(0)) < 4 * se * UNEVEN.stds[k] * math.sqrt(w)).all()


def test_a_sample_depends_on_its_seed_and_not_on_the_number_of_points():
    np.testing.assert_array_equal(UNEVEN.sample(5, seed=1), UNEVEN.sample(100, seed=1)[:5])
    assert (UNEVEN.sample(5, seed=1) != UNEVEN.sample(5, seed=2)).all()
    assert UNEVEN.sample(5).dtype == np.float64


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_mean_zero_and_variance_one(name):
    mixture = Mixture.preset(name)
    w = mixture.weights[:, None]
    assert mixture.weights.sum() == pytest.approx(1)
    np.testing.assert_allclose((w * mixture.means).sum(0), 0, atol=1e-12)
    variance = (w * (mixture.means**2 + mixture.stds[:, None] ** 2)).sum(0)
    assert variance.mean() == pytest.approx(1)
    assert variance.min() > 0.4
    assert mixture.checkpoint().name == name


def test_modes_of_the_ring_and_the_grid_are_apart():
    for name, count in (("ring", 8), ("grid", 25)):
        mixture = Mixture.preset(name)
        x = mixture.means + 3 * mixture.stds[:, None]
        assert len(mixture) == count
        np.testing.assert_array_equal(mixture.component(x), np.arange(count))


def test_the_letter_is_a_d():
    """The stem is a vertical line on the left, the bowl curves to the right, and the middle is empty."""
    means = Mixture.preset("letter").means
    left, right = means[:, 0].min(), means[:, 0].max()
    stem = means[np.isclose(means[:, 0], left)]
    assert len(stem) > 8
    assert np.ptp(stem[:, 1]) > 0.8 * np.ptp(means[:, 1])
    assert abs(means[means[:, 0] == right, 1]).max() < 0.2
    assert np.linalg.norm(means - [(left + right) / 2, 0], axis=1).min() > 0.5


def test_the_checkpoint_works_with_the_sampler():
    checkpoint = UNEVEN.checkpoint()
    x_T = ex.latent(checkpoint.shape, [0, 1, 2])
    steps = list(ex.denoise(checkpoint, x_T, ex.Settings(steps=10, eta=0.5)))
    for step in steps:
        expected = UNEVEN.eps_theta(step.x_t[:, 0, 0].double().numpy(), step.t, SCHEDULE)
        np.testing.assert_allclose(step.eps[:, 0, 0], expected, rtol=0, atol=1e-5)
        assert step.x_prev.dtype == torch.float32
    x = torch.randn(3, 1, 1, 2)
    t = torch.tensor([1, 400, 1000])
    rows = torch.cat([checkpoint.predict_noise(x[i : i + 1], int(t[i])) for i in range(3)])
    torch.testing.assert_close(checkpoint.predict_noise(x, t), rows)


def test_points_of_one_picture_are_independent():
    together = UNEVEN.checkpoint(points=4)
    x_T = ex.latent(together.shape, [7])
    assert torch.equal(x_T[:, :, :2], ex.latent((1, 2, 2), [7]))
    alone = UNEVEN.checkpoint()
    run = ex.Settings(steps=8)
    ends = torch.cat([ex.sample(alone, x_T[:, :, i : i + 1], run) for i in range(4)], 2)
    torch.testing.assert_close(ex.sample(together, x_T, run), ends, rtol=0, atol=1e-5)


def test_a_mixture_copies_its_arrays_and_is_read_only():
    weights = np.array([2.0, 6.0])
    mixture = Mixture(weights, np.zeros((2, 2)), np.ones(2))
    weights[0] = 5
    np.testing.assert_array_equal(mixture.weights, [0.25, 0.75])
    with pytest.raises(ValueError, match="read-only"):
        mixture.means[0] = 1


@pytest.mark.parametrize(
    ("weights", "means", "stds"),
    [
        ([], np.zeros((0, 2)), []),
        ([1, 1], np.zeros((2, 3)), [1, 1]),
        ([1, 1], np.zeros((2, 2)), [1]),
        ([1, 0], np.zeros((2, 2)), [1, 1]),
        ([1, 1], np.zeros((2, 2)), [1, -1]),
        ([1, 1], np.full((2, 2), np.nan), [1, 1]),
        ([1, np.inf], np.zeros((2, 2)), [1, 1]),
    ],
)
def test_an_invalid_mixture_is_refused(weights, means, stds):
    with pytest.raises(ValueError, match="a mixture needs"):
        Mixture(weights, means, stds)


def test_values_out_of_range_are_refused():
    with pytest.raises(ValueError, match="one of two moons, ring, grid, letter, not 'swiss roll'"):
        Mixture.preset("swiss roll")
    with pytest.raises(ValueError, match="count must be"):
        UNEVEN.sample(0)
    with pytest.raises(ValueError, match="seed must be"):
        UNEVEN.sample(1, seed=-1)
    with pytest.raises(ValueError, match="points must be"):
        UNEVEN.checkpoint(points=0)
