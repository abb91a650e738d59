"""The sampler compared with its own terms, the closed form for Gaussian data, and diffusers' schedulers."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from small import SCHEDULE, SHAPE, WAVY, any_settings, ode_map, wavy

import explorer as ex

# The three terms of Eq. 12


@given(any_settings())
@settings(max_examples=60, deadline=None)
def test_the_three_terms_add_up_to_x_prev_and_x_prev_is_the_next_x_t(run):
    x_T = ex.latent(SHAPE, [0, 1])
    steps = list(ex.denoise(WAVY, x_T, run))
    assert torch.equal(steps[0].x_t, x_T)
    for step, following in itertools.pairwise(steps):
        assert torch.equal(step.x_prev, following.x_t)
    for step in steps:
        terms = [term.double() for term in (step.terms.x0, step.terms.direction, step.terms.noise)]
        rounding = 3e-7 * max(1.0, *(float(term.abs().max()) for term in terms))
        assert (sum(terms) - step.x_prev).abs().max() <= rounding


@given(any_settings())
@settings(max_examples=60, deadline=None)
def test_every_term_is_its_coefficient_times_its_tensor(run):
    for step in ex.denoise(WAVY, ex.latent(SHAPE, [0, 1]), run):
        assert torch.equal(step.eps_theta, WAVY.predict_noise(step.x_t, step.t))
        ab, ab_prev, sigma = step.alpha_bar, step.alpha_bar_prev, step.sigma
        assert (ab, ab_prev) == (SCHEDULE.alpha_bar[step.t], SCHEDULE.alpha_bar[step.t_prev])
        sigma_in_direction = SCHEDULE.sigma(step.t, step.t_prev, 1.0) if run.variance == "large" else sigma
        factor = math.sqrt(max(0.0, 1 - ab_prev - sigma_in_direction**2))
        z = torch.zeros(2, *SHAPE) if step.z is None else step.z
        torch.testing.assert_close(step.terms.x0, math.sqrt(ab_prev) * step.x0, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(step.terms.direction, factor * step.eps, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(step.terms.noise, sigma * z, rtol=1e-6, atol=1e-6)
        # predicted x_0 and eps are consistent, also after clipping: together they give x_t
        x_t = math.sqrt(ab) * step.x0 + math.sqrt(1 - ab) * step.eps
        torch.testing.assert_close(x_t, step.x_t, rtol=0, atol=2e-6 * max(1.0, float(step.eps.abs().max())))


@given(any_settings())
@settings(max_examples=60, deadline=None)
def test_a_run_visits_tau_in_descending_order_and_ends_at_t_zero(run):
    steps = list(ex.denoise(WAVY, ex.latent(SHAPE, [0]), run))
    assert [step.t for step in steps] == ex.timesteps(1000, run.steps, run.spacing)[::-1]
    assert [step.t_prev for step in steps] == [*(step.t for step in steps[1:]), 0]
    assert torch.equal(steps[-1].x_prev, steps[-1].x0)
    assert steps[-1].z is None


@given(any_settings())
@settings(max_examples=30, deadline=None)
def test_sample_is_the_last_x_prev(run):
    x_T = ex.latent(SHAPE, [0])
    *_, last = ex.denoise(WAVY, x_T, run)
    assert torch.equal(ex.sample(WAVY, x_T, run), last.x_prev)


def test_clip_keeps_predicted_x0_in_the_range_and_counts_what_it_changed():
    x_T = ex.latent(SHAPE, [0, 1])
    total = 0
    for step in ex.denoise(WAVY, x_T, ex.Settings(steps=10, clip=True)):
        free = (step.x_t - math.sqrt(1 - step.alpha_bar) * step.eps_theta) / math.sqrt(step.alpha_bar)
        assert torch.equal(step.x0, free.clamp(-1, 1))
        assert step.clipped.tolist() == [int((row.abs() > 1).sum()) for row in free]
        total += int(step.clipped.sum())
    assert total > 10


def test_without_clip_eps_is_the_prediction_of_the_network():
    for step in ex.denoise(WAVY, ex.latent(SHAPE, [0]), ex.Settings(steps=5)):
        assert torch.equal(step.eps, step.eps_theta)
        assert step.clipped.tolist() == [0]


def test_a_run_does_not_modify_x_T():
    x_T = ex.latent(SHAPE, [0])
    ex.sample(WAVY, x_T, ex.Settings(steps=5, eta=1.0))
    assert torch.equal(x_T, ex.latent(SHAPE, [0]))


def test_the_default_settings_are_ddim_in_50_steps():
    steps = list(ex.denoise(WAVY, ex.latent(SHAPE, [0])))
    assert len(steps) == 50
    assert all(step.sigma == 0 and step.z is None for step in steps)


# Reproducibility


@pytest.mark.parametrize("clip", [False, True])
def test_eta_zero_is_bit_identical_on_repeat_and_has_no_noise(tiny, clip):
    x_T = ex.latent(tiny.shape, [0, 1])
    first, second = (ex.sample(tiny, x_T, ex.Settings(steps=5, clip=clip, noise_seed=seed)) for seed in (0, 1))
    assert torch.equal(first, second)


def test_eta_one_repeats_with_its_noise_seed_and_differs_with_another():
    x_T = ex.latent(SHAPE, [0])
    first, second, other = (ex.sample(WAVY, x_T, ex.Settings(steps=5, eta=1.0, noise_seed=s)) for s in (4, 4, 5))
    assert torch.equal(first, second)
    assert (first - other).abs().max() > 0.01


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_picture_does_not_depend_on_its_batch(tiny, eta):
    x_T = ex.latent(tiny.shape, [0, 1, 2])
    together = list(ex.denoise(tiny, x_T, ex.Settings(steps=5, eta=eta, noise_seed=10, clip=True)))
    for row in range(3):
        alone = ex.denoise(tiny, x_T[row : row + 1], ex.Settings(steps=5, eta=eta, noise_seed=10 + row, clip=True))
        for mine, ours in zip(alone, together, strict=True):
            assert (mine.z is None) == (ours.z is None)
            assert mine.z is None or torch.equal(mine.z[0], ours.z[row])
            # rounding of eps in other kernels, amplified 157 times in predicted x_0 at t = 1000
            torch.testing.assert_close(mine.x_prev[0], ours.x_prev[row], rtol=0, atol=5e-5)


def test_the_noise_of_a_row_is_that_of_its_seed_at_t():
    x_T = ex.latent(SHAPE, [0, 1])
    for seed, seeds in ((7, [7, 8]), ((30, 2), [30, 2])):
        for step in list(ex.denoise(WAVY, x_T, ex.Settings(steps=4, eta=0.5, noise_seed=seed)))[:-1]:
            assert torch.equal(step.z, ex.step_noise(SHAPE, seeds, step.t))


def test_the_noise_is_the_same_for_every_eta_above_zero():
    x_T = ex.latent(SHAPE, [0])
    little, much, large = (
        list(ex.denoise(WAVY, x_T, run))
        for run in (ex.Settings(4, 0.1), ex.Settings(4, 1.0), ex.Settings(4, 0.0, "large"))
    )
    for a, b, c in zip(little[:-1], much[:-1], large[:-1], strict=True):
        assert torch.equal(a.z, b.z)
        assert torch.equal(a.z, c.z)


# Gaussian data, where eps_theta is exact


@pytest.mark.slow
@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_samples_of_gaussian_data_have_its_mean_and_variance(gaussian, eta):
    mu, s = 0.3, 0.5
    checkpoint = gaussian(mu, s, shape=(1, 256, 256))
    x_0 = ex.sample(checkpoint, ex.latent(checkpoint.shape, [0]), ex.Settings(1000, eta)).double()
    assert x_0.mean() == pytest.approx(mu, abs=0.02 * s)
    assert x_0.var() == pytest.approx(s**2, rel=0.02)


@pytest.mark.parametrize(("mu", "s"), [(0.3, 0.5), (-0.5, 0.1), (0.0, 1.0)])
def test_eta_zero_follows_the_closed_form_map(gaussian, mu, s):
    x_T = ex.latent(SHAPE, range(4))
    x_0 = ex.sample(gaussian(mu, s), x_T, ex.Settings(1000))
    torch.testing.assert_close(x_0, ode_map(x_T, mu, s), rtol=0, atol=0.01)


def test_the_error_of_eta_zero_decreases_with_S(gaussian):
    x_T = ex.latent(SHAPE, range(4))
    errors = [
        (ex.sample(gaussian(0.3, 0.5), x_T, ex.Settings(S)) - ode_map(x_T, 0.3, 0.5)).abs().max().item()
        for S in (10, 20, 50, 100, 250, 500, 1000)
    ]
    assert all(fine < 0.75 * coarse for coarse, fine in itertools.pairwise(errors))


def test_eta_zero_is_the_identity_for_standard_normal_data(gaussian):
    """N(0, 1) is the marginal at every t: eps = sqrt(1-ab) x_t, and the right-hand side of the ODE vanishes."""
    x_T = ex.latent(SHAPE, [0])
    torch.testing.assert_close(ex.sample(gaussian(0.0, 1.0), x_T, ex.Settings(1000)), x_T, rtol=0, atol=0.01)


# Comparison with diffusers


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(("spacing", "theirs"), [("linear", "trailing"), ("leading", "leading")])
@pytest.mark.parametrize("S", [10, 125])
def test_a_run_equals_diffusers_ddim(eta, clip, spacing, theirs, S):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(clip_sample=clip, timestep_spacing=theirs, set_alpha_to_one=True)
    scheduler.set_timesteps(S)
    steps = ex.denoise(WAVY, ex.latent(SHAPE, [0, 1]), ex.Settings(S, eta, spacing=spacing, clip=clip))
    for step, label in zip(steps, scheduler.timesteps.tolist(), strict=True):
        assert step.t == label + 1  # diffusers counts t from 0
        noise = step.z if step.z is not None else torch.zeros_like(step.x_t)
        other = scheduler.step(
            step.eps_theta, label, step.x_t, eta=eta, use_clipped_model_output=clip, variance_noise=noise
        )
        tolerance = {"rtol": 0, "atol": 3e-5 * max(1.0, float(step.x_prev.abs().max()))}
        torch.testing.assert_close(step.x_prev, other.prev_sample, **tolerance)
        torch.testing.assert_close(step.x0, other.pred_original_sample, rtol=3e-5, atol=3e-5)


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(("variance", "theirs"), [("eta", "fixed_small"), ("large", "fixed_large")])
@pytest.mark.parametrize(("spacing", "spaced"), [("linear", "trailing"), ("leading", "leading")])
@pytest.mark.parametrize("S", [20, 1000])
def test_eta_one_and_the_large_variance_equal_diffusers_ddpm(clip, variance, theirs, spacing, spaced, S):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(variance_type=theirs, clip_sample=clip, timestep_spacing=spaced)
    scheduler.set_timesteps(S)
    run = ex.Settings(S, 1.0, variance=variance, spacing=spacing)
    plan = ex.jumps(ex.timesteps(1000, S, run.spacing))
    x_t = ex.latent(SHAPE, [0, 1])
    for (t, t_prev), label in list(zip(plan, scheduler.timesteps.tolist(), strict=True)):
        assert t == label + 1
        eps_theta = wavy(x_t, t)
        other = scheduler.step(eps_theta, label, x_t, generator=torch.Generator().manual_seed(t)).prev_sample
        if label == 0 or t_prev > 0:  # diffusers adds noise at the last step unless t = 1
            z = torch.randn(x_t.shape, generator=torch.Generator().manual_seed(t))
            step = ex.ddim_step(x_t, eps_theta, z, SCHEDULE.coefficients(t, t_prev, 1.0, variance), clip)
            torch.testing.assert_close(step.x_prev, other, rtol=0, atol=1e-4 * max(1.0, float(step.x_prev.abs().max())))
        x_t = other


def test_large_variance_ignores_eta():
    x_T = ex.latent(SHAPE, [0])
    zero, one = (ex.sample(WAVY, x_T, ex.Settings(10, eta, "large")) for eta in (0.0, 1.0))
    assert torch.equal(zero, one)
    assert not torch.equal(one, ex.sample(WAVY, x_T, ex.Settings(10, 1.0)))


# Invalid arguments


def test_a_step_with_sigma_needs_noise():
    x_t = ex.latent(SHAPE, [0])
    with pytest.raises(ValueError, match="needs noise z"):
        ex.ddim_step(x_t, x_t, None, SCHEDULE.coefficients(500, 400, 1.0))
    assert ex.ddim_step(x_t, x_t, None, SCHEDULE.coefficients(500, 400, 0.0)).terms.noise.abs().max() == 0


@pytest.mark.parametrize("shape", [(1, 4, 4), (2, 3, 4, 4), (2, 1, 4, 5), (2, 1, 4), (1, 2, 1, 4, 4)])
def test_denoise_refuses_another_shape_before_the_first_step(gaussian, shape):
    with pytest.raises(ValueError, match=r"x_T must be \(B, 1, 4, 4\), not \("):
        ex.denoise(gaussian(), torch.zeros(shape))


def test_denoise_refuses_more_steps_than_T_before_the_first_step(gaussian):
    with pytest.raises(ValueError, match="from 1 to 10, not 11"):
        ex.denoise(gaussian(schedule=ex.Schedule.linear(10)), ex.latent(SHAPE, [0]), ex.Settings(steps=11))


@pytest.mark.parametrize("seeds", [(), (1,), (1, 2, 3)])
def test_denoise_refuses_the_wrong_number_of_noise_seeds_before_the_first_step(gaussian, seeds):
    with pytest.raises(ValueError, match=f"noise_seed has {len(seeds)} seeds, but the batch has 2 rows"):
        ex.denoise(gaussian(), ex.latent(SHAPE, [0, 1]), ex.Settings(noise_seed=seeds))


def test_denoise_refuses_noise_seeds_above_the_largest(gaussian):
    last = ex.Settings(steps=2, noise_seed=2**64 - 1)
    ex.denoise(gaussian(), ex.latent(SHAPE, [0]), last)
    with pytest.raises(ValueError, match=f"from 0 to {2**64 - 1}"):
        ex.denoise(gaussian(), ex.latent(SHAPE, [0, 1]), last)
