"""Branching: continuations of one run with other noise, beside the run itself and the closed form for Gaussian data."""

import math

import pytest
import torch
from small import SHAPE, WAVY

import explorer as ex


def final(steps):
    *_, last = steps
    return last.x_prev


def run_of(checkpoint, settings, seed=3):
    return list(ex.denoise(checkpoint, ex.latent(checkpoint.shape, [seed]), settings))


@pytest.mark.parametrize("start", [0, 4, 9])
def test_the_first_continuation_is_the_run_itself(start):
    settings = ex.Settings(steps=10, eta=0.7, clip=True, noise_seed=5)
    run = run_of(WAVY, settings)
    steps = list(ex.branch(WAVY, run[start].x_t, settings, start, count=3))
    assert [step.t for step in steps] == [step.t for step in run[start:]]
    for step, own in zip(steps, run[start:], strict=True):
        torch.testing.assert_close(step.x_prev[:1], own.x_prev, rtol=0, atol=1e-5)


def test_a_continuation_of_the_first_step_is_the_run_with_its_noise_seed():
    settings = ex.Settings(steps=10, eta=1.0, noise_seed=5)
    x_T = ex.latent(SHAPE, [3])
    pictures = final(ex.branch(WAVY, x_T, settings, count=4))
    for k, picture in enumerate(pictures):
        alone = ex.sample(WAVY, x_T, ex.Settings(steps=10, eta=1.0, noise_seed=5 + k))
        torch.testing.assert_close(picture[None], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("start", [0, 5, 9])
def test_at_eta_zero_all_continuations_are_equal(start, gaussian):
    for checkpoint in (WAVY, gaussian()):
        settings = ex.Settings(steps=10, eta=0.0)
        pictures = final(ex.branch(checkpoint, run_of(checkpoint, settings)[start].x_t, settings, start))
        assert len(pictures) == 8
        assert float((pictures - pictures[:1]).abs().max()) == 0
        assert ex.pixel_std(pictures) == 0


@pytest.mark.parametrize("t", [900, 500, 200])
def test_at_eta_one_they_are_samples_of_the_conditional_distribution(t, gaussian):
    """For data N(mu, s^2), x_0 given x_t is Gaussian with variance s^2 (1 - ab) / (ab s^2 + 1 - ab)."""
    mu, s = 0.3, 0.5
    checkpoint = gaussian(mu, s, shape=(1, 24, 24))
    settings = ex.Settings(steps=1000, eta=1.0)
    ab = float(checkpoint.schedule.alpha_bar[t])
    x_t = math.sqrt(ab) * mu + math.sqrt(ab * s**2 + 1 - ab) * ex.latent(checkpoint.shape, [1])
    pictures = final(ex.branch(checkpoint, x_t, settings, start=1000 - t))
    gain = s**2 * math.sqrt(ab) / (ab * s**2 + 1 - ab)
    std = s * math.sqrt((1 - ab) / (ab * s**2 + 1 - ab))
    mean = mu + gain * (x_t - math.sqrt(ab) * mu)
    assert ex.pixel_std(pictures) == pytest.approx(std, rel=0.04)
    assert float((pictures.mean(0) - mean[0]).square().mean().sqrt()) == pytest.approx(std / math.sqrt(8), rel=0.15)


def test_the_later_the_fork_the_less_the_pictures_differ(gaussian):
    checkpoint, settings = gaussian(shape=(1, 16, 16)), ex.Settings(steps=20, eta=1.0)
    run = run_of(checkpoint, settings)
    stds = [ex.pixel_std(final(ex.branch(checkpoint, run[i].x_t, settings, i))) for i in (0, 8, 14, 18, 19)]
    assert stds == sorted(stds, reverse=True)
    assert stds[-1] == 0  # the last step adds no noise


def test_the_standard_deviation_is_that_of_torch_and_of_known_noise():
    pictures = 0.25 * ex.latent((3, 16, 16), range(8))
    assert ex.pixel_std(pictures) == pytest.approx(float(pictures.var(0).mean().sqrt()), rel=1e-6)
    assert ex.pixel_std(pictures) == pytest.approx(0.25, rel=0.05)
    assert ex.pixel_std(torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)) == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"start": 10}, "start must be"),
        ({"start": -1}, "start must be"),
        ({"count": 0}, "count must be"),
        ({"x_t": torch.zeros(2, *SHAPE)}, "one state"),
        ({"settings": ex.Settings(steps=10, noise_seed=2**64 - 3)}, "noise_seed"),
        ({"settings": ex.Settings(steps=10, noise_seed=(1, 2))}, "noise_seed"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(change, message):
    given = {"x_t": torch.zeros(1, *SHAPE), "settings": ex.Settings(steps=10), "start": 0} | change
    with pytest.raises(ValueError, match=message):
        ex.branch(WAVY, **given)


def test_a_standard_deviation_needs_two_pictures():
    with pytest.raises(ValueError, match="at least 2"):
        ex.pixel_std(torch.zeros(1, *SHAPE))
