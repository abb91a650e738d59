"""The sampler beside the closed form, DDPM's posterior, and diffusers' schedulers."""

from __future__ import annotations

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import explorer as ex
from explorer.sampler import ddpm_posterior_step

SHAPE = (1, 4, 4)
SCHEDULE = ex.Schedule.linear()


def wavy(x_t: Tensor, t: int | Tensor) -> Tensor:
    """An eps with no meaning but bounded, not linear, and with predicted x_0 well beyond [-1, 1]."""
    return 0.7 * torch.sin(3 * x_t + 0.01 * t) + 0.5 * x_t


def wavy_checkpoint(shape: tuple[int, int, int] = SHAPE) -> ex.Checkpoint:
    return ex.from_denoiser(wavy, shape, SCHEDULE)


any_settings = st.builds(
    ex.Settings,
    steps=st.integers(1, 30),
    eta=st.floats(0, 1),
    variance=st.sampled_from(["eta", "large"]),
    spacing=st.sampled_from(["linear", "quadratic", "leading"]),
    clip=st.booleans(),
    noise_seed=st.integers(0, 2**63),
)


# Invariant 1: the three terms of Eq. 12


@given(any_settings)
@settings(max_examples=60, deadline=None)
def test_the_three_terms_add_up_to_x_prev_and_x_prev_is_the_next_x_t(run):
    x_T = ex.latent(SHAPE, [0, 1])
    steps = list(ex.denoise(wavy_checkpoint(), x_T, run))
    assert torch.equal(steps[0].x_t, x_T)
    for step, following in itertools.pairwise(steps):
        assert torch.equal(step.x_prev, following.x_t)
    for step in steps:
        terms = [term.double() for term in (step.terms.x0, step.terms.direction, step.terms.noise)]
        rounding = 3e-7 * max(1.0, *(float(term.abs().max()) for term in terms))
        assert (sum(terms) - step.x_prev).abs().max() <= rounding


@given(any_settings)
@settings(max_examples=60, deadline=None)
def test_every_term_is_its_coefficient_times_what_the_step_shows(run):
    checkpoint = wavy_checkpoint()
    for step in ex.denoise(checkpoint, ex.latent(SHAPE, [0, 1]), run):
        assert torch.equal(step.eps_theta, checkpoint.predict_noise(step.x_t, step.t))
        ab, ab_prev, sigma = step.alpha_bar, step.alpha_bar_prev, step.sigma
        assert (ab, ab_prev) == (SCHEDULE.alpha_bar[step.t], SCHEDULE.alpha_bar[step.t_prev])
        sigma_in_direction = SCHEDULE.sigma(step.t, step.t_prev, 1.0) if run.variance == "large" else sigma
        factor = math.sqrt(max(0.0, 1 - ab_prev - sigma_in_direction**2))
        z = torch.zeros(2, *SHAPE) if step.z is None else step.z
        torch.testing.assert_close(step.terms.x0, math.sqrt(ab_prev) * step.x0, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(step.terms.direction, factor * step.eps, rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(step.terms.noise, sigma * z, rtol=1e-6, atol=1e-6)
        # predicted x_0 and eps belong together, also after clip: they make up x_t
        x_t = math.sqrt(ab) * step.x0 + math.sqrt(1 - ab) * step.eps
        torch.testing.assert_close(x_t, step.x_t, rtol=0, atol=2e-6 * max(1.0, float(step.eps.abs().max())))


@given(any_settings)
@settings(max_examples=60, deadline=None)
def test_a_run_goes_down_tau_and_ends_at_zero(run):
    steps = list(ex.denoise(wavy_checkpoint(), ex.latent(SHAPE, [0]), run))
    assert [step.t for step in steps] == ex.timesteps(1000, run.steps, run.spacing)[::-1]
    assert [step.t_prev for step in steps] == [*(step.t for step in steps[1:]), 0]
    assert torch.equal(steps[-1].x_prev, steps[-1].x0)
    assert steps[-1].z is None


@given(any_settings)
@settings(max_examples=30, deadline=None)
def test_sample_is_the_last_x_prev(run):
    x_T = ex.latent(SHAPE, [0])
    *_, last = ex.denoise(wavy_checkpoint(), x_T, run)
    assert torch.equal(ex.sample(wavy_checkpoint(), x_T, run), last.x_prev)


def test_clip_keeps_predicted_x0_in_the_range_and_counts_what_it_changed():
    x_T = ex.latent(SHAPE, [0, 1])
    total = 0
    for step in ex.denoise(wavy_checkpoint(), x_T, ex.Settings(steps=10, clip=True)):
        free = (step.x_t - math.sqrt(1 - step.alpha_bar) * step.eps_theta) / math.sqrt(step.alpha_bar)
        assert torch.equal(step.x0, free.clamp(-1, 1))
        assert step.clipped.tolist() == [int((row.abs() > 1).sum()) for row in free]
        total += int(step.clipped.sum())
    assert total > 10


def test_without_clip_the_network_is_taken_at_its_word():
    for step in ex.denoise(wavy_checkpoint(), ex.latent(SHAPE, [0]), ex.Settings(steps=5)):
        assert torch.equal(step.eps, step.eps_theta)
        assert step.clipped.tolist() == [0]


def test_a_run_leaves_x_T_as_it_was():
    x_T = ex.latent(SHAPE, [0])
    ex.sample(wavy_checkpoint(), x_T, ex.Settings(steps=5, eta=1.0))
    assert torch.equal(x_T, ex.latent(SHAPE, [0]))


def test_no_settings_mean_ddim_in_50_steps():
    steps = list(ex.denoise(wavy_checkpoint(), ex.latent(SHAPE, [0])))
    assert len(steps) == 50
    assert all(step.sigma == 0 and step.z is None for step in steps)


# Invariant 2: what a picture depends on


@pytest.mark.parametrize("clip", [False, True])
def test_eta_zero_is_bit_identical_on_repeat_and_has_no_noise(tiny, clip):
    x_T = ex.latent(tiny.shape, [0, 1])
    first, second = (ex.sample(tiny, x_T, ex.Settings(steps=5, clip=clip, noise_seed=seed)) for seed in (0, 1))
    assert torch.equal(first, second)


def test_eta_one_repeats_with_its_noise_seed_and_differs_with_another():
    x_T = ex.latent(SHAPE, [0])
    first, second, other = (
        ex.sample(wavy_checkpoint(), x_T, ex.Settings(steps=5, eta=1.0, noise_seed=s)) for s in (4, 4, 5)
    )
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
            # kernel rounding of eps, 157 times as large in predicted x_0 at t = 1000
            torch.testing.assert_close(mine.x_prev[0], ours.x_prev[row], rtol=0, atol=5e-5)


def test_the_noise_of_a_row_is_that_of_its_seed_at_t():
    x_T = ex.latent(SHAPE, [0, 1])
    for seed, seeds in ((7, [7, 8]), ((30, 2), [30, 2])):
        for step in list(ex.denoise(wavy_checkpoint(), x_T, ex.Settings(steps=4, eta=0.5, noise_seed=seed)))[:-1]:
            assert torch.equal(step.z, ex.step_noise(SHAPE, seeds, step.t))


def test_the_noise_is_the_same_for_every_eta_above_zero():
    x_T = ex.latent(SHAPE, [0])
    little, much, large = (
        list(ex.denoise(wavy_checkpoint(), x_T, run))
        for run in (ex.Settings(4, 0.1), ex.Settings(4, 1.0), ex.Settings(4, 0.0, "large"))
    )
    for a, b, c in zip(little[:-1], much[:-1], large[:-1], strict=True):
        assert torch.equal(a.z, b.z)
        assert torch.equal(a.z, c.z)


# Invariant 3: eta = 1, S = T is DDPM


@pytest.mark.parametrize("clip", [False, True])
def test_eta_one_with_every_step_equals_the_ddpm_posterior(gaussian, clip):
    """DDPM, Eq. 7: x_{t-1} = coef1 x_0 + coef2 x_t + sqrt(beta-tilde) z."""
    checkpoint = gaussian(mu=0.6, s=0.8)
    beta = np.linspace(1e-4, 0.02, 1000)
    alpha_bar = np.cumprod(1 - beta)
    clipped = 0
    for step in ex.denoise(checkpoint, ex.latent(SHAPE, [0, 1]), ex.Settings(1000, 1.0, clip=clip)):
        i = step.t - 1
        ab, ab_prev = alpha_bar[i], alpha_bar[i - 1] if i else 1.0
        x_t, eps_theta = step.x_t.double(), step.eps_theta.double()
        x_0 = (x_t - np.sqrt(1 - ab) * eps_theta) / np.sqrt(ab)
        if clip:
            clipped += int((x_0.abs() > 1).sum())
            x_0 = x_0.clamp(-1, 1)
        coef1 = np.sqrt(ab_prev) * beta[i] / (1 - ab)
        coef2 = np.sqrt(1 - beta[i]) * (1 - ab_prev) / (1 - ab)
        beta_tilde = (1 - ab_prev) / (1 - ab) * beta[i]
        z = ex.step_noise(SHAPE, [0, 1], step.t).double()
        expected = coef1 * x_0 + coef2 * x_t + np.sqrt(beta_tilde) * z
        torch.testing.assert_close(step.x_prev.double(), expected, rtol=0, atol=5e-6)
    assert (clipped > 100) == clip


def test_the_ddpm_posterior_is_that_of_the_betas():
    """DDPM, Eq. 6-7, on its own betas; the jump of a sub-sequence is a single step of a schedule that has only tau."""
    tau = ex.timesteps(1000, 20)
    alpha_bar = SCHEDULE.alpha_bar[[0, *tau]]
    beta = 1 - alpha_bar[1:] / alpha_bar[:-1]
    x_t, x_0, z = (ex.latent(SHAPE, [i]).double() for i in range(3))
    for i, (t, t_prev) in enumerate(reversed(ex.jumps(tau))):
        ab, ab_prev = np.cumprod(1 - beta)[i], np.cumprod(1 - beta)[i - 1] if i else 1.0
        mean = np.sqrt(ab_prev) * beta[i] / (1 - ab) * x_0 + np.sqrt(1 - beta[i]) * (1 - ab_prev) / (1 - ab) * x_t
        c = SCHEDULE.coefficients(t, t_prev, 1.0)
        torch.testing.assert_close(ddpm_posterior_step(x_t, x_0, None, c), mean, rtol=0, atol=1e-12)
        noisy = mean + np.sqrt((1 - ab_prev) / (1 - ab) * beta[i]) * z
        torch.testing.assert_close(ddpm_posterior_step(x_t, x_0, z, c), noisy, rtol=0, atol=1e-12)


@pytest.mark.parametrize("S", [20, 1000])
def test_the_ddpm_posterior_equals_diffusers(S):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(variance_type="fixed_small", clip_sample=False, timestep_spacing="trailing")
    scheduler.set_timesteps(S)
    x_t = ex.latent(SHAPE, [0, 1])
    for t, t_prev in ex.jumps(ex.timesteps(1000, S)):
        eps_theta = wavy(x_t, t)
        other = scheduler.step(eps_theta, t - 1, x_t, generator=torch.Generator().manual_seed(t))
        if t_prev > 0:  # at its last step diffusers adds noise unless t = 1
            z = torch.randn(x_t.shape, generator=torch.Generator().manual_seed(t))
            x_prev = ddpm_posterior_step(x_t, other.pred_original_sample, z, SCHEDULE.coefficients(t, t_prev, 1.0))
            largest = max(1.0, float(x_prev.abs().max()))
            torch.testing.assert_close(x_prev.float(), other.prev_sample, rtol=0, atol=1e-4 * largest)
        x_t = other.prev_sample


@given(any_settings)
@settings(max_examples=40, deadline=None)
def test_eq_12_at_eta_one_equals_the_ddpm_posterior_on_any_sub_sequence(run):
    run = dataclasses.replace(run, eta=1.0, variance="eta")
    for step in ex.denoise(wavy_checkpoint(), ex.latent(SHAPE, [0, 1]), run):
        expected = ddpm_posterior_step(step.x_t, step.x0, step.z, step.coefficients)
        rounding = 3e-6 * max(1.0, *(float(x.abs().max()) for x in (step.x_t, step.x0, step.eps)))
        assert (step.x_prev.double() - expected).abs().max() <= rounding


# Invariant 4: Gaussian data


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
def test_samples_of_gaussian_data_have_its_mean_and_variance(gaussian, eta):
    mu, s = 0.3, 0.5
    checkpoint = gaussian(mu, s, shape=(1, 256, 256))
    x_0 = ex.sample(checkpoint, ex.latent(checkpoint.shape, [0]), ex.Settings(1000, eta)).double()
    assert x_0.mean() == pytest.approx(mu, abs=0.02 * s)
    assert x_0.var() == pytest.approx(s**2, rel=0.02)


def ode_map(x_T: Tensor, mu: float, s: float) -> Tensor:
    """Where eta = 0 ends for Gaussian data as S -> infinity: the same quantile of the data."""
    ab = SCHEDULE.alpha_bar[-1]
    return mu + s * (x_T - math.sqrt(ab) * mu) / math.sqrt(ab * s**2 + 1 - ab)


@pytest.mark.parametrize(("mu", "s"), [(0.3, 0.5), (-0.5, 0.1), (0.0, 1.0)])
def test_eta_zero_follows_the_closed_form_map(gaussian, mu, s):
    x_T = ex.latent(SHAPE, range(4))
    x_0 = ex.sample(gaussian(mu, s), x_T, ex.Settings(1000))
    torch.testing.assert_close(x_0, ode_map(x_T, mu, s), rtol=0, atol=0.01)


def test_eta_zero_comes_closer_to_the_closed_form_map_with_every_doubling_of_S(gaussian):
    x_T = ex.latent(SHAPE, range(4))
    errors = [
        (ex.sample(gaussian(0.3, 0.5), x_T, ex.Settings(S)) - ode_map(x_T, 0.3, 0.5)).abs().max().item()
        for S in (10, 20, 50, 100, 250, 500, 1000)
    ]
    assert all(fine < 0.75 * coarse for coarse, fine in itertools.pairwise(errors))


def test_of_standard_normal_data_eta_zero_changes_nothing(gaussian):
    """N(0, 1) stays N(0, 1) at every t: eps = sqrt(1-ab) x_t, and the ODE stands still."""
    x_T = ex.latent(SHAPE, [0])
    torch.testing.assert_close(ex.sample(gaussian(0.0, 1.0), x_T, ex.Settings(1000)), x_T, rtol=0, atol=0.01)


# Invariant 5: encoding


def test_encode_then_sample_returns_the_picture_better_with_more_steps(gaussian):
    checkpoint, x_0 = gaussian(0.3, 0.5), 0.3 + 0.5 * ex.latent(SHAPE, [8, 9])
    errors = []
    for S in (10, 50, 200, 1000):
        back = ex.sample(checkpoint, ex.encode(checkpoint, x_0, steps=S), ex.Settings(S))
        errors.append((back - x_0).abs().max().item())
    assert all(fine < 0.5 * coarse for coarse, fine in itertools.pairwise(errors))
    assert errors[-1] < 0.01


def test_encode_reaches_the_latent_of_the_closed_form_map(gaussian):
    x_T = ex.latent(SHAPE, [0, 1])
    encoded = ex.encode(gaussian(0.3, 0.5), ode_map(x_T, 0.3, 0.5), steps=1000)
    torch.testing.assert_close(encoded, x_T, rtol=0, atol=0.03)


@pytest.mark.parametrize("spacing", ["linear", "quadratic", "leading"])
def test_two_iterations_lower_the_error_of_encoding(gaussian, spacing):
    checkpoint, x_0 = gaussian(0.3, 0.5), 0.3 + 0.5 * ex.latent(SHAPE, [8, 9])
    run = ex.Settings(50, spacing=spacing)
    plain, refined = (
        (ex.sample(checkpoint, ex.encode(checkpoint, x_0, 50, spacing, iterations), run) - x_0).abs().max()
        for iterations in (0, 2)
    )
    assert refined < 0.5 * plain


def test_enough_iterations_make_encoding_the_exact_inverse(gaussian):
    checkpoint, x_0 = gaussian(0.3, 0.5), 0.3 + 0.5 * ex.latent(SHAPE, [8, 9])
    back = ex.sample(checkpoint, ex.encode(checkpoint, x_0, 20, iterations=60), ex.Settings(20))
    torch.testing.assert_close(back, x_0, rtol=0, atol=1e-4)


def test_encode_asks_at_the_lower_end_of_every_jump():
    asked = []

    def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
        asked.append(t)
        return torch.zeros_like(x_t)

    checkpoint = ex.from_denoiser(predict_noise, SHAPE)
    x_0 = ex.latent(SHAPE, [0])
    x_T = ex.encode(checkpoint, x_0, steps=4)
    assert asked == [1, 250, 500, 750]
    torch.testing.assert_close(x_T, math.sqrt(SCHEDULE.alpha_bar[1000]) * x_0)
    asked.clear()
    ex.encode(checkpoint, x_0, steps=2, iterations=2)
    assert asked == [1, 500, 500, 500, 1000, 1000]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "from 1 to 1000"),
        ({"steps": 1001}, "from 1 to 1000"),
        ({"spacing": "cosine"}, "linear, quadratic, leading"),
        ({"iterations": -1}, "iterations must be a whole number of at least 0"),
        ({"iterations": 1.5}, "iterations must be a whole number of at least 0"),
    ],
)
def test_encode_refuses_what_is_out_of_range(gaussian, arguments, message):
    with pytest.raises(ValueError, match=message):
        ex.encode(gaussian(), ex.latent(SHAPE, [0]), **arguments)


def test_encode_refuses_another_shape(gaussian):
    with pytest.raises(ValueError, match=r"x_0 must be \(B, 1, 4, 4\)"):
        ex.encode(gaussian(), ex.latent((1, 8, 8), [0]))


# Invariant 6: diffusers


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize(("spacing", "theirs"), [("linear", "trailing"), ("leading", "leading")])
@pytest.mark.parametrize("S", [10, 125])
def test_a_run_equals_diffusers_ddim(eta, clip, spacing, theirs, S):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(clip_sample=clip, timestep_spacing=theirs, set_alpha_to_one=True)
    scheduler.set_timesteps(S)
    steps = ex.denoise(wavy_checkpoint(), ex.latent(SHAPE, [0, 1]), ex.Settings(S, eta, spacing=spacing, clip=clip))
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
        if label == 0 or t_prev > 0:  # at its last step diffusers adds noise unless t = 1
            z = torch.randn(x_t.shape, generator=torch.Generator().manual_seed(t))
            step = ex.ddim_step(x_t, eps_theta, z, SCHEDULE.coefficients(t, t_prev, 1.0, variance), clip)
            torch.testing.assert_close(step.x_prev, other, rtol=0, atol=1e-4 * max(1.0, float(step.x_prev.abs().max())))
        x_t = other


def test_large_variance_takes_no_account_of_eta():
    x_T = ex.latent(SHAPE, [0])
    zero, one = (ex.sample(wavy_checkpoint(), x_T, ex.Settings(10, eta, "large")) for eta in (0.0, 1.0))
    assert torch.equal(zero, one)
    assert not torch.equal(one, ex.sample(wavy_checkpoint(), x_T, ex.Settings(10, 1.0)))


# What is refused


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
def test_denoise_refuses_another_count_of_noise_seeds_before_the_first_step(gaussian, seeds):
    with pytest.raises(ValueError, match=f"noise_seed has {len(seeds)} seeds, the batch 2 rows"):
        ex.denoise(gaussian(), ex.latent(SHAPE, [0, 1]), ex.Settings(noise_seed=seeds))


def test_denoise_refuses_noise_seeds_that_count_beyond_the_last(gaussian):
    last = ex.Settings(steps=2, noise_seed=2**64 - 1)
    ex.denoise(gaussian(), ex.latent(SHAPE, [0]), last)
    with pytest.raises(ValueError, match=f"from 0 to {2**64 - 1}"):
        ex.denoise(gaussian(), ex.latent(SHAPE, [0, 1]), last)


# Settings


def test_settings_are_values():
    a, b = ex.Settings(steps=20, eta=0.5, noise_seed=(1, 2)), ex.Settings(steps=20, eta=0.5, noise_seed=(1, 2))
    assert a == b
    assert hash(a) == hash(b)
    assert len({a, b, ex.Settings(steps=21)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        a.steps = 5


def test_settings_are_kept_as_plain_python_values():
    run = ex.Settings(steps=np.int64(20), eta=np.float32(0.5), noise_seed=[np.uint64(3), 4.0])
    assert run == ex.Settings(steps=20, eta=0.5, noise_seed=(3, 4))
    assert (type(run.steps), type(run.eta), type(run.noise_seed[0])) == (int, float, int)
    hash(run)


def test_noise_seeds_count_up_from_a_number_and_are_taken_as_they_are_from_a_tuple():
    assert ex.Settings(noise_seed=5).noise_seeds(3) == [5, 6, 7]
    assert ex.Settings(noise_seed=(9, 1, 9)).noise_seeds(3) == [9, 1, 9]


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("steps", [0, -1, 2.5, math.nan, "20", None, True], "steps must be a whole number of at least 1"),
        ("eta", [-0.1, 1.1, math.nan, "0.5", None, True], "eta must be a number from 0 to 1"),
        ("variance", ["small", None], "variance must be one of eta, large"),
        ("spacing", ["cosine", None], "spacing must be one of linear, quadratic, leading"),
        ("clip", [1, None, "yes"], "clip must be True or False"),
        ("noise_seed", [-1, 2**64, 0.5, "0", None, (0, -1), (0, "1")], f"noise_seed must be .* from 0 to {2**64 - 1}"),
    ],
)
def test_settings_refuse_what_is_out_of_range_and_say_the_range(name, values, message):
    for value in values:
        with pytest.raises(ValueError, match=message):
            ex.Settings(**{name: value})
