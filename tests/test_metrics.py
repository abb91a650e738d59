"""Metrics of pictures: similarity, grain, smoothness of a strip."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.evaluation.metrics import grain, similarity, strip
from explorer.runs.latent_spec import Seed
from explorer.trajectory import rms
from explorer.ui.tabs.interpolate.path import LatentPath
from explorer.ui.tabs.interpolate.result import unrelated as unrelated_pictures

SHAPE = (3, 32, 32)


# Similarity


def test_similarity_is_the_correlation_of_the_differences_from_the_mean_picture():
    a, b, c = (ex.latent(SHAPE, range(i, i + 4)) for i in (0, 10, 20))
    mean = 5 * ex.latent(SHAPE, [99])[0]
    expected = [
        np.dot(p, q) / np.linalg.norm(p) / np.linalg.norm(q)
        for p, q in zip(a.flatten(1).numpy(), (a + b).flatten(1).numpy(), strict=True)
    ]
    np.testing.assert_allclose(similarity(mean + a, mean + a + b, mean), expected, atol=1e-5)
    assert similarity(mean + a, mean + c, mean).abs().max() < 4 / np.sqrt(3 * 32 * 32)  # unrelated
    assert similarity(mean + a, mean + c, torch.zeros(SHAPE)).min() > 0.9  # without subtracting the mean


def test_similarity_is_1_for_equal_pictures_and_minus_1_for_opposite_ones():
    a, mean = ex.latent(SHAPE, [0, 1]), ex.latent(SHAPE, [2])[0]
    np.testing.assert_allclose(similarity(a, a, mean), 1, atol=1e-12)
    np.testing.assert_allclose(similarity(2 * mean - a, a, mean), -1, atol=1e-6)
    np.testing.assert_allclose(similarity(mean + 0.1 * (a - mean), a, mean), 1, atol=1e-6)  # contrast does not count


def test_the_similarity_of_the_mean_picture_is_0():
    a, mean = ex.latent(SHAPE, [0]), ex.latent(SHAPE, [2])
    assert similarity(mean, a, mean[0]).tolist() == [0]
    assert similarity(a, mean, mean[0]).tolist() == [0]


# Grain


@pytest.mark.parametrize("sigma", [0.01, 0.1, 0.5])
def test_the_grain_of_a_picture_is_the_standard_deviation_of_its_noise(sigma):
    noise = sigma * ex.latent((3, 128, 128), [0, 1])
    x = torch.linspace(-1, 1, 128)
    smooth = 0.4 * x + 0.3 * x[:, None] + 0.1
    for pictures in (noise, smooth + noise):
        np.testing.assert_allclose(grain(pictures), sigma, rtol=0.03)


def test_constant_and_linear_pictures_have_no_grain():
    x = torch.linspace(-1, 1, 16)
    slope = (0.5 * x + 0.2 * x[:, None]).expand(2, 3, 16, 16)
    assert grain(torch.full((1, 1, 8, 8), 0.7)).max() < 1e-6
    assert grain(slope).max() < 1e-6


def test_the_grain_of_a_picture_does_not_depend_on_its_batch():
    pictures = ex.latent(SHAPE, range(3)) * torch.tensor([1.0, 0.1, 3.0]).view(3, 1, 1, 1)
    together = grain(pictures)
    assert together.shape == (3,)
    for i in range(3):
        assert grain(pictures[i : i + 1]).item() == pytest.approx(together[i].item(), rel=1e-6)


# Strips


def test_a_straight_line_is_smooth_and_unrelated_pictures_are_not():
    a, b = ex.latent(SHAPE, [0]), ex.latent(SHAPE, [1])
    straight = strip(torch.cat([torch.lerp(a, b, w) for w in torch.linspace(0, 1, 11).tolist()]))
    assert straight.smoothness == pytest.approx(1, abs=1e-6)
    assert straight.span == pytest.approx(rms(b - a), rel=1e-6)
    assert straight.largest == pytest.approx(rms(b - a) / 10, rel=1e-4)
    assert len(straight.changes) == 10
    unrelated = strip(ex.latent(SHAPE, range(11)))
    assert unrelated.smoothness == pytest.approx(1 / 10, rel=0.05)
    assert unrelated.largest == max(unrelated.changes)


def test_the_path_length_is_1_for_even_steps_m_for_one_jump_and_m_squared_for_unrelated_pictures():
    a, b = ex.latent(SHAPE, [0]), ex.latent(SHAPE, [1])
    even = strip(torch.cat([torch.lerp(a, b, k / 8) for k in range(9)]))
    assert (even.path_length, even.jump) == (pytest.approx(1, rel=1e-5), pytest.approx(1, rel=1e-5))
    jumps = strip(torch.cat([a] * 4 + [b] * 5))
    assert (jumps.path_length, jumps.jump) == (pytest.approx(8, rel=1e-6), pytest.approx(8, rel=1e-6))
    assert jumps.smoothness == pytest.approx(1)  # directness does not see the jump
    unrelated = [strip(ex.latent((3, 32, 32), range(9 * k, 9 * k + 9))) for k in range(4)]
    null = unrelated_pictures(LatentPath.through_latents((Seed(0), Seed(1)), 9))
    for measured in unrelated:
        assert measured.path_length == pytest.approx(null["path_length"], rel=0.05)
        assert measured.jump == pytest.approx(null["jump"], rel=0.05)
        assert measured.smoothness == pytest.approx(null["smoothness"], rel=0.05)


def test_the_path_length_of_a_loop_is_the_mean_over_its_sides():
    a, b = ex.latent(SHAPE, [0]), ex.latent(SHAPE, [1])
    even_then_jump = torch.cat([torch.lerp(a, b, k / 4) for k in range(5)] + [b, b, a, a])
    assert strip(even_then_jump, (0, 4, 8)).path_length == pytest.approx((1 + 4) / 2, rel=1e-5)


def test_the_span_of_a_loop_is_the_sum_of_its_sides():
    a, b, c = (ex.latent(SHAPE, [i]) for i in range(3))
    loop = strip(
        torch.cat([a, torch.lerp(a, b, 0.5), b, torch.lerp(b, c, 0.5), c, torch.lerp(c, a, 0.5), a]), (0, 2, 4, 6)
    )
    assert loop.span == pytest.approx(rms(b - a) + rms(c - b) + rms(a - c), rel=1e-6)
    assert loop.smoothness == pytest.approx(1, abs=1e-6)


def test_a_strip_of_equal_pictures_is_smooth():
    constant = strip(torch.ones(3, *SHAPE))
    assert (constant.smoothness, constant.largest, constant.span) == (1, 0, 0)
    assert (constant.path_length, constant.jump) == (1, 1)


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_pictures_are_refused(count):
    with pytest.raises(ValueError, match=f"at least two pictures, not {count}"):
        strip(torch.zeros(count, *SHAPE))
