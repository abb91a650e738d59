"""Derivations: every check confirms its statement, and fails when the statement is broken."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import explorer as ex
from explorer import derivations, forward
from explorer.derivations import continuous_time, exact_gaussian, forward_process, objective, samples, sampling_step
from explorer.derivations import slips as common_slips
from explorer.derivations.value import Value, at_most, equal
from explorer.mixture import Mixture
from explorer.schedule import Coefficients, Schedule

SHAPE = (3, 8, 8)
UNTRAINED = {"labels"}  # says something about a network that has learnt to denoise


def smooth_pictures(folder, count=32):
    """Pictures whose neighbouring pixels are alike: a brightness and a slope for each."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(-60, 60, 8)[None, None, :, None] * rng.uniform(-1, 1, (count, 1, 1, 3))
    images = np.broadcast_to(rng.uniform(70, 180, (count, 1, 1, 3)) + ramp, (count, 8, 8, 3))
    np.savez(folder / "examples.npz", images=images.astype(np.uint8))
    return folder


@pytest.fixture(scope="module")
def exact(gaussian, tmp_path_factory):
    """The exact eps of Gaussian pixels, with held-out pictures."""
    return replace(gaussian(shape=SHAPE), folder=smooth_pictures(tmp_path_factory.mktemp("exact")))


@pytest.fixture(scope="module")
def network(tiny, tmp_path_factory):
    """A small U-Net with random weights, with held-out pictures."""
    return replace(tiny, folder=smooth_pictures(tmp_path_factory.mktemp("network")))


def failed(name, checkpoint):
    return [value.name for value in derivations.check(name, checkpoint) if not value.passed]


@pytest.mark.parametrize("name", derivations.CARDS)
def test_a_check_confirms_its_statement_on_an_exact_model(name, exact):
    values = derivations.check(name, exact)
    assert all(value.passed for value in values), values
    assert len({value.name for value in values}) == len(values) > 0
    assert all(math.isfinite(value.expected) for value in values)


@pytest.mark.parametrize("name", [name for name in derivations.CARDS if name not in UNTRAINED])
def test_a_check_confirms_its_statement_on_a_small_network(name, network):
    assert failed(name, network) == []


def test_a_check_needs_no_held_out_pictures_and_any_schedule(gaussian):
    for T in (1, 3, 20):
        checkpoint = gaussian(shape=SHAPE, schedule=Schedule.linear(T))
        for name in derivations.CARDS:
            with np.errstate(all="ignore"):
                assert derivations.check(name, checkpoint)


@pytest.mark.parametrize("name", ["", "theorems", "__class__", None, 3, ["theorem"], {}])
def test_an_unknown_derivation_is_refused(name, exact):
    with pytest.raises(ValueError, match="a derivation is one of many_steps, "):
        derivations.check(name, exact)


def test_a_number_that_is_not_finite_confirms_nothing():
    assert not equal("a", math.nan, 0, 1).passed
    assert not at_most("a", math.inf, math.inf).passed
    assert not Value("a", -math.inf, 0, 0, "below").passed


# ---- a slip for each check, which makes it fail


def posterior_with_full_direction(x_t, x_0, c):
    """Forgets that sigma^2 is taken out of the direction."""
    eps = (x_t - math.sqrt(c.alpha_bar) * x_0) / math.sqrt(1 - c.alpha_bar)
    return c.sqrt_alpha_bar_prev * x_0 + math.sqrt(1 - c.alpha_bar_prev) * eps, c.sigma


def step_with_full_direction(x_t, eps_theta, z, c, clip=False):
    wrong = replace(c, direction_scale=1.1 * c.direction_scale + 0.1)
    return replace(ex.ddim_step(x_t, eps_theta, z, wrong, clip), coefficients=c)


def step_that_keeps_eps(x_t, eps_theta, z, c, clip=False):
    return replace(ex.ddim_step(x_t, eps_theta, z, c, clip), eps=eps_theta)


def sigma_hat_for_sigma(self, t, t_prev, eta):
    return eta * math.sqrt(1 - self.alpha_bar[t] / self.alpha_bar[t_prev])


def eta_on_the_variance(self, t, t_prev, eta):
    return Schedule_sigma(self, t, t_prev, math.sqrt(eta))


def beta_of_one_step(self, t, t_prev, eta):
    factor = (1 - self.alpha_bar[t_prev]) / (1 - self.alpha_bar[t])
    return eta * math.sqrt(factor * (1 - self.alpha_bar[t] / self.alpha_bar[t - 1]))


def never_without_noise(self, t, t_prev, eta):
    return 0.5 * Schedule_sigma(self, t, t_prev, 1.0)


Schedule_sigma = Schedule.sigma
PLANTED = {
    "many_steps": (Schedule, "sigma", sigma_hat_for_sigma),
    "one_jump": (
        forward_process,
        "markov_step",
        lambda x, eps, s, t, schedule: (
            math.sqrt(schedule.alpha_bar[t]) * x + math.sqrt(1 - schedule.alpha_bar[t]) * eps
        ),
    ),
    "factorisation": (Schedule, "sigma", sigma_hat_for_sigma),
    "marginals": (forward_process, "posterior", posterior_with_full_direction),
    "bayes": (forward_process, "posterior", posterior_with_full_direction),
    "skipping": (forward_process, "posterior", posterior_with_full_direction),
    "scaling": (
        forward_process,
        "diffuse",
        lambda x_0, eps, t, schedule: schedule.alpha_bar[t] * x_0 + (1 - schedule.alpha_bar[t]) * eps,
    ),
    "latent_share": (
        forward_process,
        "non_markov_paths",
        lambda x_0, tau, schedule, eta, seed: forward.non_markov_paths(x_0, tau, schedule, 0.0, seed=seed),
    ),
    "elbo": (
        exact_gaussian,
        "loss_weights",  # as App. B writes them
        lambda steps: [1 / (2 * (c.sigma or 1) ** 2 * c.alpha_bar) for c in steps],
    ),
    "theorem": (
        exact_gaussian,
        "loss_weights",
        lambda steps: [1 / (2 * (c.sigma or 1) ** 2 * c.alpha_bar) for c in steps],
    ),
    "same_minimum": (exact_gaussian, "loss_weights", lambda steps: [1.0] * len(steps)),
    "random_t": (objective, "_features", lambda x, alpha_bar: 1.5 * np.stack([x, x, x], -1)),
    "loss_joint": (forward, "posterior", posterior_with_full_direction),
    "observation": (sampling_step, "predicted_x0", lambda x, eps, ab: (x - (1 - ab) * eps) / ab),
    "substitution": (sampling_step, "posterior", posterior_with_full_direction),
    "two_equations": (Coefficients, "k", property(lambda c: c.sqrt_alpha_bar_prev)),
    "posterior_factors": (Schedule, "sigma", sigma_hat_for_sigma),
    "noise_form": (samples, "ddim_step", step_with_full_direction),
    "eta_scales_sigma": (Schedule, "sigma", eta_on_the_variance),
    "last_step": (Schedule, "sigma_hat", lambda self, t, t_prev: math.sqrt(1 - self.alpha_bar[t])),
    "implicit": (Schedule, "sigma", never_without_noise),
    "two_variances": (Schedule, "sigma", sigma_hat_for_sigma),
    "clipping": (sampling_step, "ddim_step", step_that_keeps_eps),
    "interpolation": (sampling_step, "slerp", lambda a, b, w: (1 - w) * a + w * b),
    "calls": (
        sampling_step,
        "sample",
        lambda checkpoint, x, settings: [ex.sample(checkpoint, x, settings) for _ in range(2)],
    ),
    "inversion": (samples, "ddim_step", step_with_full_direction),
    "ode_step": (samples, "ddim_step", step_with_full_direction),
    "dpm_solver_1": (samples, "ddim_step", step_with_full_direction),
    "two_odes": (continuous_time, "_factor15", lambda s_t, s_prev: s_prev - s_t),
    "score": (
        Mixture,
        "eps_theta",
        lambda self, x, t, schedule: -self.score(x, schedule.alpha_bar[t]) / np.sqrt(1 - schedule.alpha_bar[t]),
    ),
    "forward_sde": (continuous_time, "_exact_factor", lambda beta: 1 - beta),
    "reverse_sde": (continuous_time, "_euler_maruyama", lambda x, score, beta: (1 + beta / 2) * x + beta / 2 * score),
    "jump_beta": (Schedule, "sigma", beta_of_one_step),
    "leading": (common_slips, "timesteps", lambda T, S, spacing: list(range(0, T, T // S))),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_check_fails_when_its_statement_is_broken(name, exact, monkeypatch):
    target, attribute, slip = PLANTED[name]
    monkeypatch.setattr(target, attribute, slip)
    with np.errstate(all="ignore"):
        assert failed(name, exact)


def test_a_check_fails_on_a_model_that_does_not_fit_to_its_statement(exact, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "examples.npz", images=noise)
    assert failed("independent_pixels", replace(exact, folder=tmp_path)) == ["pictures"]
    deaf = ex.from_denoiser(lambda x, t: 0.9 * x, SHAPE)
    assert failed("labels", deaf) == ["error"]
    latents = ex.from_denoiser(lambda x, t: x[..., ::8, ::8], SHAPE)
    assert failed("stable_diffusion", latents) == ["pixels", "latent"]
    alpha_bar = 0.5 * Schedule.linear().alpha_bar  # alpha_bar[0] is not 1
    assert failed("cumulative", SimpleNamespace(schedule=SimpleNamespace(alpha_bar=alpha_bar, T=1000))) == ["right"]


def test_every_check_is_broken_by_one_of_these_tests():
    assert {*PLANTED, "independent_pixels", "labels", "stable_diffusion", "cumulative"} == derivations.CARDS.keys()


# ---- the exact Gaussian model


def test_the_objective_of_the_exact_model_is_the_mean_over_many_paths():
    steps = exact_gaussian.plan(Schedule.linear(), 0.5)
    network = exact_gaussian.wrong_network(steps)
    rng = np.random.default_rng(0)
    n = 200_000

    def log_normal(x, mean, std):
        return -(((x - mean) / std) ** 2) / 2 - math.log(std * math.sqrt(2 * math.pi))

    x_0 = exact_gaussian.MEAN + exact_gaussian.STD * rng.standard_normal(n)
    first = steps[0]
    x = math.sqrt(first.alpha_bar) * x_0 + math.sqrt(1 - first.alpha_bar) * rng.standard_normal(n)
    total = log_normal(x, math.sqrt(first.alpha_bar) * x_0, math.sqrt(1 - first.alpha_bar)) - log_normal(x, 0, 1)
    for c, f in zip(steps, network, strict=True):
        predicted = (x - math.sqrt(1 - c.alpha_bar) * (f.slope * x + f.intercept)) / math.sqrt(c.alpha_bar)
        if c is steps[-1]:
            total -= log_normal(x_0, predicted, exact_gaussian.last_sigma(steps))
            break
        x_prev = c.m * x + c.k * x_0 + c.sigma * rng.standard_normal(n)
        total += log_normal(x_prev, c.m * x + c.k * x_0, c.sigma) - log_normal(
            x_prev, c.m * x + c.k * predicted, c.sigma
        )
        x = x_prev
    error = total.std() / math.sqrt(n)
    assert exact_gaussian.objective(steps, network) == pytest.approx(total.mean(), abs=5 * error)


def test_the_exact_network_has_the_smallest_objective():
    steps = exact_gaussian.plan(Schedule.linear(), 0.5)
    best = exact_gaussian.objective(steps, exact_gaussian.exact_network(steps))
    assert best < exact_gaussian.objective(steps, exact_gaussian.wrong_network(steps))


def test_the_samples_of_the_checks_are_held_out_pictures_noised_to_the_middle(exact):
    noised = samples.one_step(exact, eta=0.5)
    x_t = ex.diffuse(noised.x_0, noised.eps, noised.step.t, exact.schedule)
    assert noised.step.t == 500
    assert torch.equal(noised.step.x_t, x_t)
    assert torch.equal(noised.x_0, samples.pictures(exact))
