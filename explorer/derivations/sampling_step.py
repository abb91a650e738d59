"""Derivations about one step of Eq. 12, on the checkpoint's own network and schedule."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch

from explorer.checkpoint import Checkpoint, from_denoiser
from explorer.derivations.samples import largest, middle_jump, one_step, pictures, rms, tau_of
from explorer.derivations.value import Value, above, at_most, below, equal
from explorer.forward import posterior
from explorer.latents import latent, slerp, step_noise
from explorer.sampler import ddim_step, ddpm_posterior_step, predicted_x0, sample
from explorer.schedule import jumps
from explorer.settings import Settings
from explorer.solvers import dpm_solver_1_step

ROUNDING = 2e-5  # of float32 sums of values of about 1, multiplied by up to 10


def observation(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 9 is Eq. 4 solved for x_0: exact with the true noise; with the network, off by sqrt((1-ab)/ab) times its error."""
    noised = one_step(checkpoint)
    step = noised.step
    factor = math.sqrt((1 - step.alpha_bar) / step.alpha_bar)
    error = rms(step.eps_theta - noised.eps)
    return [
        at_most("exact", largest(predicted_x0(step.x_t, noised.eps, step.alpha_bar) - noised.x_0), factor * ROUNDING),
        equal("network", rms(step.x0 - noised.x_0), factor * error, 1e-3 * factor * error + factor * ROUNDING),
    ]


def substitution(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 7 with predicted x_0 for x_0 (Eq. 10) is Eq. 12, because (x_t - sqrt(ab) x0) / sqrt(1 - ab) is eps_theta."""
    step = one_step(checkpoint, eta=0.5).step
    c = step.coefficients
    mean, sigma = posterior(step.x_t, step.x0, c)
    x_prev = mean if step.z is None else mean + sigma * step.z
    return [
        at_most("difference", largest(x_prev - step.x_prev), ROUNDING),
        equal("squares", c.direction_scale**2 + c.sigma**2, 1 - c.alpha_bar_prev, 1e-12),
    ]


def two_equations(checkpoint: Checkpoint) -> list[Value]:
    """x_s = m x_t + k x_0 + sigma eps has the marginal of Eq. 4 if m and k solve two equations, at eta = 0.5.

    m sqrt(ab_t) + k = sqrt(ab_s)  and  m^2 (1 - ab_t) + sigma^2 = 1 - ab_s.
    """
    step = one_step(checkpoint, eta=0.5).step
    c = step.coefficients
    noise = 0 if step.z is None else c.sigma * step.z
    return [
        equal("means", c.m * math.sqrt(c.alpha_bar) + c.k, math.sqrt(c.alpha_bar_prev), 1e-12),
        equal("variances", c.m**2 * (1 - c.alpha_bar) + c.sigma**2, 1 - c.alpha_bar_prev, 1e-12),
        at_most("step", largest(c.m * step.x_t + c.k * step.x0 + noise - step.x_prev), ROUNDING),
    ]


def posterior_factors(checkpoint: Checkpoint) -> list[Value]:
    """At eta = 1, k and m are the factors of DDPM Eq. 7: coef1 of x_0 and coef2 of x_t."""
    c = middle_jump(checkpoint.schedule, eta=1.0)
    one, zero = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    coef1 = float(ddpm_posterior_step(zero, one, None, c))
    coef2 = float(ddpm_posterior_step(one, zero, None, c))
    beta_tilde = (float(ddpm_posterior_step(zero, zero, one, c))) ** 2
    return [
        equal("coef1", c.k, coef1, 1e-9),
        equal("coef2", c.m, coef2, 1e-9),
        at_most("all", _factors_along_tau(checkpoint), 1e-9),
        equal("variance", c.sigma**2, beta_tilde, 1e-9),
    ]


def _factors_along_tau(checkpoint: Checkpoint) -> float:
    """Largest difference of (k, m) and DDPM's (coef1, coef2) over all jumps of S = 20 at eta = 1."""
    schedule = checkpoint.schedule
    one, zero = torch.ones(1, 1, 1, 1), torch.zeros(1, 1, 1, 1)
    differences = []
    for t, t_prev in jumps(tau_of(schedule, 20)):
        c = schedule.coefficients(t, t_prev, eta=1.0)
        differences.append(float(ddpm_posterior_step(zero, one, None, c)) - c.k)
        differences.append(float(ddpm_posterior_step(one, zero, None, c)) - c.m)
    return largest(np.array(differences))


def noise_form(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 12 in x_t and eps: both places of eps_theta collected. At eta = 1 its mean is that of DDPM Eq. 11.

    x_prev = sqrt(ab_prev / ab) x_t + (sqrt(1 - ab_prev - sigma^2) - sqrt(ab_prev (1 - ab) / ab)) eps + sigma z.
    """
    step = one_step(checkpoint, eta=1.0).step
    c = step.coefficients
    ratio = c.alpha_bar_prev / c.alpha_bar
    factor = c.direction_scale - math.sqrt(ratio * (1 - c.alpha_bar))
    mean = step.terms.x0 + step.terms.direction
    beta = 1 - 1 / ratio
    ddpm = (step.x_t - beta / math.sqrt(1 - c.alpha_bar) * step.eps) / math.sqrt(1 - beta)
    return [
        at_most("two_terms", largest(math.sqrt(ratio) * step.x_t + factor * step.eps - mean), ROUNDING),
        at_most("ddpm", largest(ddpm - mean), ROUNDING),
        below("factor", factor, 0),
    ]


def eta_scales_sigma(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 16: sigma(eta) = eta sigma(1), so the variance is eta^2 times DDPM's, measured on the noise of real steps.

    eta times the variance gives sqrt(eta) sigma(1): that is Eq. 12 at sqrt(eta).
    """
    schedule = checkpoint.schedule
    shape = (16, *checkpoint.shape)
    x, eps = torch.zeros(shape), torch.zeros(shape)
    deviation = {}
    for eta in (0.5, math.sqrt(0.5), 1.0):
        c = middle_jump(schedule, eta=eta)
        z = step_noise(checkpoint.shape, range(len(x)), c.t)
        deviation[eta] = rms(ddim_step(x, eps, z, c).x_prev)
    full = deviation[1.0] or math.nan
    slip = math.sqrt(0.5 * full**2) / full
    return [
        equal("sigma", deviation[0.5] / full, 0.5, 1e-6),
        equal("variance", (deviation[0.5] / full) ** 2, 0.25, 1e-6),
        equal("slip", slip, deviation[math.sqrt(0.5)] / full, 1e-6),
    ]


def last_step(checkpoint: Checkpoint) -> list[Value]:
    """At t_prev = 0, ab_0 = 1: direction and sigma(eta) are 0, and x_0 is predicted x_0 (Eq. 12).

    Eq. 10 adds sigma_1 z there, so that p_theta has full support; the app does not. sigma-hat would be
    sqrt(1 - ab_t): with S = 10 steps, that is a veil of noise.
    """
    schedule = checkpoint.schedule
    t = tau_of(schedule, 10)[0]
    c = schedule.coefficients(t, 0, eta=1.0)
    x_0 = pictures(checkpoint)
    z = step_noise(checkpoint.shape, range(len(x_0)), t)
    eps_theta = checkpoint.predict_noise(x_0.to(checkpoint.predict_noise.device), t).cpu()
    step = ddim_step(x_0, eps_theta, z, c)
    veil = math.sqrt(1 - c.alpha_bar / c.alpha_bar_prev)
    return [
        equal("direction", c.direction_scale, 0, 1e-12),
        equal("difference", largest(step.x_prev - step.x0), 0, 0),
        above("veil", veil, schedule.sigma_hat(t, 0)),
    ]


def implicit(checkpoint: Checkpoint) -> list[Value]:
    """An implicit probabilistic model (Sec. 4.1): at sigma = 0 a sample is a fixed function of x_T, with no noise of its own."""
    alone = replace(checkpoint, predict_noise=checkpoint.predict_noise.unshared)
    steps = min(2, checkpoint.schedule.T)
    x_T = latent(checkpoint.shape, [0]).to(alone.predict_noise.device)

    def run(eta: float, noise_seed: int) -> torch.Tensor:
        return sample(alone, x_T, Settings(steps, eta, noise_seed=noise_seed)).cpu()

    ddim = run(0.0, 1)
    return [
        equal("same", largest(ddim - run(0.0, 2)), 0, 0),
        above("differs", rms(run(1.0, 1) - run(1.0, 2)), 0),
    ]


def two_variances(checkpoint: Checkpoint) -> list[Value]:
    """DDPM Sec. 3.2: sigma-hat^2 is the exact variance of x_prev given x_t for data N(0, I), sigma(1)^2 for a single point.

    For data of variance s^2: Var(x_prev | x_t) = V_prev - (ab_t / ab_prev) V_prev^2 / V_t with V = ab s^2 + 1 - ab.
    """
    c = middle_jump(checkpoint.schedule, eta=1.0)

    def conditional_variance(data: float) -> float:
        v_t, v_prev = (a * data + 1 - a for a in (c.alpha_bar, c.alpha_bar_prev))
        return v_prev - c.alpha_bar / c.alpha_bar_prev * v_prev**2 / v_t

    large = middle_jump(checkpoint.schedule, variance="large").sigma
    return [
        equal("unit", large**2, conditional_variance(1.0), 1e-12),
        equal("point", c.sigma**2, conditional_variance(0.0), 1e-12),
    ]


def clipping(checkpoint: Checkpoint) -> list[Value]:
    """Clip predicted x_0, then recompute eps: x_t = sqrt(ab) x0 + sqrt(1 - ab) eps still holds; with the old eps it does not."""
    t = max(1, checkpoint.schedule.T // 10)
    c = checkpoint.schedule.coefficients(t, t - 1)
    x_t = latent(checkpoint.shape, [0, 1])  # brighter than any x_t at this t, so that there is something to clip
    eps_theta = checkpoint.predict_noise(x_t.to(checkpoint.predict_noise.device), t).cpu()
    step = ddim_step(x_t, eps_theta, None, c, clip=True)
    signal, noise = math.sqrt(c.alpha_bar), math.sqrt(1 - c.alpha_bar)
    return [
        at_most("recomputed", largest(signal * step.x0 + noise * step.eps - x_t), ROUNDING),
        above("kept", rms(signal * step.x0 + noise * eps_theta - x_t), 1e-3),
    ]


def interpolation(checkpoint: Checkpoint) -> list[Value]:
    """Half of two independent latents has sqrt(1/2) of their norm; slerp keeps it (App. D.5)."""
    a, b = latent(checkpoint.shape, range(16)), latent(checkpoint.shape, range(16, 32))
    tolerance = 5 / math.sqrt(a.numel())
    norm = rms(torch.cat([a, b]))
    return [
        equal("lerp", rms((a + b) / 2) / norm, math.sqrt(0.5), tolerance),
        equal("slerp", rms(slerp(a, b, 0.5)) / norm, 1, 3 * tolerance),
    ]


def calls(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 12 evaluates the network once for each entry of tau, whatever eta: the time of a picture depends on S."""
    steps = min(20, checkpoint.schedule.T)
    values = []
    for name, eta in (("zero", 0.0), ("one", 1.0)):
        labels: list[int] = []

        def count(x: torch.Tensor, t: int | torch.Tensor, labels: list[int] = labels) -> torch.Tensor:
            labels.append(int(t))
            return torch.zeros_like(x)

        sample(from_denoiser(count, (1, 1, 1), checkpoint.schedule), torch.zeros(1, 1, 1, 1), Settings(steps, eta))
        values.append(equal(name, len(labels), steps, 0))
    return values


def inversion(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 13 solved for x_t undoes the step exactly with the same eps. Encoding only has eps at x_s, which leaves an error."""
    step = one_step(checkpoint, steps=10).step
    c = step.coefficients
    scale = math.sqrt(c.alpha_bar / c.alpha_bar_prev)
    factor = math.sqrt(1 - c.alpha_bar) - scale * math.sqrt(1 - c.alpha_bar_prev)
    x_s = step.x_prev
    eps_s = checkpoint.predict_noise(x_s.to(checkpoint.predict_noise.device), max(c.t_prev, 1)).cpu()
    return [
        at_most("same", largest(scale * x_s + factor * step.eps - step.x_t), ROUNDING),
        above("other", rms(scale * x_s + factor * eps_s - step.x_t), 1e-5),
    ]


def dpm_solver_1(checkpoint: Checkpoint) -> list[Value]:
    """DPM-Solver-1 is Eq. 12 at sigma = 0: its factor of eps, in lambda, is that of Eq. 13 times sqrt(ab_prev)."""
    step = one_step(checkpoint).step
    c = step.coefficients
    a, b = c.alpha_bar, c.alpha_bar_prev
    factor = math.sqrt(b) * (math.sqrt((1 - a) / a) - math.sqrt((1 - b) / b))
    one = torch.ones(1, dtype=torch.float64)
    x_prev = dpm_solver_1_step(step.x_t, step.eps, a, b)
    return [
        equal("factor", float(dpm_solver_1_step(0 * one, -one, a, b)), factor, 1e-9 * factor),
        at_most("difference", largest(x_prev - step.x_prev), ROUNDING * (1 + math.sqrt((1 - a) / a))),
    ]


def ode_step(checkpoint: Checkpoint) -> list[Value]:
    """Eq. 13: Eq. 12 at sigma = 0, divided by sqrt(ab_prev), is an Euler step in sqrt((1 - ab) / ab)."""
    step = one_step(checkpoint).step
    c = step.coefficients
    s_t, s_prev = (math.sqrt((1 - a) / a) for a in (c.alpha_bar, c.alpha_bar_prev))
    euler = step.x_t / math.sqrt(c.alpha_bar) + (s_prev - s_t) * step.eps
    return [
        at_most("difference", largest(euler - step.x_prev / math.sqrt(c.alpha_bar_prev)), ROUNDING * (1 + s_t)),
        equal("sigma", c.sigma, 0, 0),
    ]
