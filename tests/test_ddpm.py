"""eta = 1 is DDPM: the sampler compared with the posterior of Ho et al. (2020), Eqs. 6 and 7."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from small import SCHEDULE, SHAPE, WAVY, any_settings, wavy

import explorer as ex
from explorer.sampler import ddpm_posterior_step


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


def test_the_ddpm_posterior_equals_the_formula_with_betas():
    """DDPM, Eqs. 6 and 7. A jump of a sub-sequence is a single step of the schedule that contains only tau."""
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
        if t_prev > 0:  # diffusers adds noise at the last step unless t = 1
            z = torch.randn(x_t.shape, generator=torch.Generator().manual_seed(t))
            x_prev = ddpm_posterior_step(x_t, other.pred_original_sample, z, SCHEDULE.coefficients(t, t_prev, 1.0))
            largest = max(1.0, float(x_prev.abs().max()))
            torch.testing.assert_close(x_prev.float(), other.prev_sample, rtol=0, atol=1e-4 * largest)
        x_t = other.prev_sample


@given(any_settings())
@settings(max_examples=40, deadline=None)
def test_eq_12_at_eta_one_equals_the_ddpm_posterior_on_any_sub_sequence(run):
    run = dataclasses.replace(run, eta=1.0, variance="eta")
    for step in ex.denoise(WAVY, ex.latent(SHAPE, [0, 1]), run):
        expected = ddpm_posterior_step(step.x_t, step.x0, step.z, step.coefficients)
        rounding = 3e-6 * max(1.0, *(float(x.abs().max()) for x in (step.x_t, step.x0, step.eps)))
        assert (step.x_prev.double() - expected).abs().max() <= rounding
