"""DDIM inversion: encode, then sample with eta = 0, returns the picture."""

from __future__ import annotations

import itertools
import math
from dataclasses import asdict

import pytest
import torch
from small import SCHEDULE, SHAPE, WAVY, ode_map, wavy
from torch import Tensor

import explorer as ex
from explorer.inversion import Inversion
from explorer.schedule import SPACINGS


def test_encode_then_sample_returns_the_picture_with_an_error_decreasing_in_S(gaussian):
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


@pytest.mark.parametrize("spacing", SPACINGS)
def test_two_iterations_reduce_the_error_of_encoding(gaussian, spacing):
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


def test_encode_evaluates_the_network_at_the_start_of_every_step():
    calls = []

    def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
        calls.append(t)
        return torch.zeros_like(x_t)

    checkpoint = ex.from_denoiser(predict_noise, SHAPE)
    x_0 = ex.latent(SHAPE, [0])
    x_T = ex.encode(checkpoint, x_0, steps=4)
    assert calls == [1, 250, 500, 750]
    torch.testing.assert_close(x_T, math.sqrt(SCHEDULE.alpha_bar[1000]) * x_0)
    calls.clear()
    ex.encode(checkpoint, x_0, steps=2, iterations=2)
    assert calls == [1, 500, 500, 500, 1000, 1000]


def test_ahead_evaluates_the_network_at_the_extrapolated_end_of_every_step():
    calls = []

    def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
        calls.append((t, x_t))
        return torch.full_like(x_t, len(calls))  # 1, 2, 3, ...

    checkpoint, x_0 = ex.from_denoiser(predict_noise, SHAPE), ex.latent(SHAPE, [0])

    def up(x_s: Tensor, s: int, t: int, eps: float) -> Tensor:
        ab_s, ab_t = SCHEDULE.alpha_bar[s], SCHEDULE.alpha_bar[t]
        x0 = (x_s - math.sqrt(1 - ab_s) * eps) / math.sqrt(ab_s)
        return math.sqrt(ab_t) * x0 + math.sqrt(1 - ab_t) * eps

    x_T = ex.encode(checkpoint, x_0, steps=2, ahead=True)
    x_500 = up(x_0, 0, 500, 2)
    expected = [(1, x_0), (500, up(x_0, 0, 500, 1)), (1000, up(x_500, 500, 1000, 2))]
    assert [t for t, _ in calls] == [t for t, _ in expected]
    for (_, x), (_, x_expected) in zip(calls, expected, strict=True):
        torch.testing.assert_close(x, x_expected)
    torch.testing.assert_close(x_T, up(x_500, 500, 1000, 3))


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize(("label", "iterations"), [("s", 0), ("t", 0), ("s", 2), ("t", 2)])
def test_both_labels_of_the_near_end_agree_with_the_loop_of_equation_13(spacing, label, iterations):
    """Eq. 13 upwards by hand: x / sqrt(ab) grows by eps times the increase of sqrt((1 - ab) / ab)."""
    checkpoint, x_0 = WAVY, 0.5 * ex.latent(SHAPE, [4, 5])
    x, s = x_0.double(), 0
    for t in ex.timesteps(1000, 7, spacing):
        ab_s, ab_t = (float(SCHEDULE.alpha_bar[u]) for u in (s, t))

        def jump(eps: Tensor, x: Tensor = x, ab_s: float = ab_s, ab_t: float = ab_t) -> Tensor:
            noise_level = math.sqrt((1 - ab_t) / ab_t) - math.sqrt((1 - ab_s) / ab_s)
            return math.sqrt(ab_t) * (x / math.sqrt(ab_s) + noise_level * eps)

        x_t = jump(wavy(x, max(s, 1) if label == "s" else t))
        for _ in range(iterations):
            x_t = jump(wavy(x_t, t))
        x, s = x_t, t
    encoded = ex.encode(checkpoint, x_0, 7, spacing, iterations, label=label)
    torch.testing.assert_close(encoded, x.float(), rtol=1e-4, atol=1e-4)


def test_the_fixed_point_iteration_of_a_step_is_a_contraction_for_gaussian_data(gaussian):
    """For Gaussian data eps is affine in x, so the fixed point of a step is known, and the rate of the iteration."""
    checkpoint, x_s, s, t = gaussian(0.3, 0.5), ex.latent(SHAPE, [3]), 480, 500
    x_s_scale = math.sqrt(SCHEDULE.alpha_bar[t] / SCHEDULE.alpha_bar[s])
    eps_scale = math.sqrt(1 - SCHEDULE.alpha_bar[t]) - x_s_scale * math.sqrt(1 - SCHEDULE.alpha_bar[s])
    slope = math.sqrt(1 - SCHEDULE.alpha_bar[t]) / (SCHEDULE.alpha_bar[t] * 0.5**2 + 1 - SCHEDULE.alpha_bar[t])

    def iterate(x_t: Tensor) -> Tensor:
        return x_s_scale * x_s + eps_scale * checkpoint.predict_noise(x_t, t)

    fixed_point = x_s
    for _ in range(100):
        fixed_point = iterate(fixed_point)
    start = x_s_scale * x_s + eps_scale * checkpoint.predict_noise(x_s, s)
    rate = (iterate(start) - fixed_point) / (start - fixed_point)
    torch.testing.assert_close(rate, torch.full_like(rate, eps_scale * slope), rtol=0.02, atol=0)
    assert 0 < eps_scale * slope < 1  # a contraction, so iterating converges


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("steps", [10, 50, 200])
def test_ahead_reduces_the_error_for_one_more_call(gaussian, spacing, steps):
    checkpoint, x_0 = gaussian(0.3, 0.5), 0.3 + 0.5 * ex.latent(SHAPE, [8, 9])
    run = ex.Settings(steps, spacing=spacing)
    plain, ahead = (
        (ex.sample(checkpoint, ex.encode(checkpoint, x_0, steps, spacing, ahead=ahead), run) - x_0).abs().max()
        for ahead in (False, True)
    )
    assert ahead < 0.5 * plain


def test_ahead_can_be_refined_until_encoding_is_the_exact_inverse(gaussian):
    checkpoint, x_0 = gaussian(0.3, 0.5), 0.3 + 0.5 * ex.latent(SHAPE, [8, 9])
    back = ex.sample(checkpoint, ex.encode(checkpoint, x_0, 20, iterations=60, ahead=True), ex.Settings(20))
    torch.testing.assert_close(back, x_0, rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    "inversion", [Inversion(2 * k, *first) for k in (0, 1) for first in ((), (True,), (False, "t"))]
)
def test_an_inversion_is_parsed_from_its_text_and_counts_its_calls(inversion):
    calls = []

    def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
        calls.append(t)
        return 0 * x_t

    assert Inversion.parse(str(inversion)) == inversion
    ex.encode(ex.from_denoiser(predict_noise, SHAPE), ex.latent(SHAPE, [0]), 7, **asdict(inversion))
    assert len(calls) == inversion.calls(7)


@pytest.mark.parametrize(
    "text",
    ["", "Plain", "refined", "refined-0", "refined--1", "refined-1-ahead", "aheadrefined-1", "ahead-", "ahead-label-t"],
)
def test_an_invalid_inversion_is_refused(text):
    with pytest.raises(ValueError, match=r"an inversion is plain, label-t, ahead, refined-1, .*, not "):
        Inversion.parse(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"steps": 0}, "from 1 to 1000"),
        ({"steps": 1001}, "from 1 to 1000"),
        ({"spacing": "cosine"}, "linear, quadratic, leading"),
        ({"iterations": -1}, "iterations must be a whole number of at least 0"),
        ({"iterations": 1.5}, "iterations must be a whole number of at least 0"),
        ({"ahead": 1}, "ahead must be True or False, not 1"),
        ({"label": "u"}, "label must be one of s, t, not 'u'"),
        ({"label": "t", "ahead": True}, "label must be s with ahead"),
    ],
)
def test_encode_refuses_values_out_of_range(gaussian, arguments, message):
    with pytest.raises(ValueError, match=message):
        ex.encode(gaussian(), ex.latent(SHAPE, [0]), **arguments)


def test_encode_refuses_another_shape(gaussian):
    with pytest.raises(ValueError, match=r"x_0 must be \(B, 1, 4, 4\)"):
        ex.encode(gaussian(), ex.latent((1, 8, 8), [0]))
