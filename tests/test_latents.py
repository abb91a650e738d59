"""Noise from seeds, and slerp."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import explorer as ex

SHAPE = (3, 4, 4)
MAX_SEED = 2**64 - 1


# latents


def test_a_row_depends_only_on_its_seed():
    seeds = [5, 0, 123456789, 1]
    together = ex.latent(SHAPE, seeds)
    for row, seed in zip(together, seeds, strict=True):
        assert torch.equal(row, ex.latent(SHAPE, [seed])[0])
    assert torch.equal(ex.latent(SHAPE, seeds[::-1]), together.flip(0))
    assert torch.equal(ex.latent(SHAPE, [5, 5])[0], ex.latent(SHAPE, [5, 5])[1])


def test_a_row_does_not_depend_on_the_global_seeds_of_numpy_and_torch():
    expected = ex.latent(SHAPE, [7])
    np.random.seed(1)
    torch.manual_seed(1)
    assert torch.equal(ex.latent(SHAPE, [7]), expected)


def test_the_latent_of_a_seed_never_changes():
    first = ex.latent(SHAPE, [0]).flatten()
    expected = [0.059911035001277924, 0.015559634193778038, -1.1644384860992432, -0.13264712691307068]
    assert first[:4].tolist() == expected
    assert first[-1].item() == -0.756349503993988
    last = ex.latent(SHAPE, [MAX_SEED]).flatten()
    assert last[:3].tolist() == [-1.744478702545166, -0.48715826869010925, 1.5449836254119873]


def test_the_noise_of_a_seed_and_time_step_never_changes():
    z = ex.step_noise(SHAPE, [0], 1000).flatten()
    assert z[:3].tolist() == [-1.3094743490219116, 0.5515649318695068, -0.33437737822532654]


def test_different_seeds_and_time_steps_have_different_noise():
    rows = [ex.latent((1, 32, 32), [seed]) for seed in (0, 1, 2, MAX_SEED)]
    rows += [ex.step_noise((1, 32, 32), [seed], t) for seed in (0, 1, MAX_SEED) for t in (1, 2, 1000)]
    correlation = np.corrcoef(torch.cat(rows).flatten(1).numpy()) - np.eye(len(rows))
    assert np.abs(correlation).max() < 5 / math.sqrt(32 * 32)


def test_a_row_of_step_noise_depends_only_on_its_seed_and_t():
    assert torch.equal(ex.step_noise(SHAPE, [3, 9], 17)[1], ex.step_noise(SHAPE, [9], 17)[0])


def test_noise_is_standard_normal():
    x = torch.cat([ex.latent((3, 64, 64), range(8)), ex.step_noise((3, 64, 64), range(8), 500)]).double()
    n = x.numel()
    assert abs(x.mean()) < 4 / math.sqrt(n)
    assert abs(x.var() - 1) < 4 * math.sqrt(2 / n)
    assert abs((x.abs() < 1).double().mean() - 0.682689) < 4 * math.sqrt(0.2166 / n)


def test_latents_are_float32_of_the_requested_shape():
    x_T = ex.latent((1, 5, 7), np.array([1, 2]))
    assert x_T.shape == (2, 1, 5, 7)
    assert x_T.dtype == torch.float32


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 10**400, 1.5, math.nan, "7", None, True])
def test_a_seed_is_a_whole_number_below_2_to_the_64(seed):
    for draw in (lambda: ex.latent(SHAPE, [0, seed]), lambda: ex.step_noise(SHAPE, [0, seed], 1)):
        with pytest.raises(ValueError, match=f"seed must be a whole number from 0 to {MAX_SEED}"):
            draw()


@pytest.mark.parametrize("t", [0, -1, 1.5, None])
def test_step_noise_refuses_t_zero_whose_stream_is_the_latent(t):
    with pytest.raises(ValueError, match="t must be a whole number of at least 1"):
        ex.step_noise(SHAPE, [0], t)


def test_an_empty_list_of_seeds_is_refused():
    with pytest.raises(ValueError, match="at least one seed"):
        ex.latent(SHAPE, [])


# slerp


def test_slerp_begins_at_a_and_ends_at_b():
    a, b = ex.latent(SHAPE, [0, 1]), ex.latent(SHAPE, [2, 3])
    torch.testing.assert_close(ex.slerp(a, b, 0.0), a, rtol=0, atol=1e-6)
    torch.testing.assert_close(ex.slerp(a, b, 1.0), b, rtol=0, atol=1e-6)


@given(st.floats(0, 1), st.floats(0.01, math.pi - 0.01), st.floats(0.1, 10))
def test_slerp_moves_along_the_circle_at_constant_speed(w, angle, radius):
    a = radius * torch.tensor([[1.0, 0.0, 0.0]], dtype=torch.float64)
    b = radius * torch.tensor([[math.cos(angle), 0.0, math.sin(angle)]], dtype=torch.float64)
    expected = radius * torch.tensor([[math.cos(w * angle), 0.0, math.sin(w * angle)]], dtype=torch.float64)
    torch.testing.assert_close(ex.slerp(a, b, w), expected, rtol=0, atol=1e-9 * radius)


@pytest.mark.parametrize("w", [0.1, 0.5, 0.8])
def test_slerp_of_latents_is_the_formula_of_appendix_D5(w):
    a, b = ex.latent(SHAPE, [0]), ex.latent(SHAPE, [1])
    flat_a, flat_b = a.double().flatten().numpy(), b.double().flatten().numpy()
    theta = math.acos(flat_a @ flat_b / np.linalg.norm(flat_a) / np.linalg.norm(flat_b))
    expected = (math.sin((1 - w) * theta) * flat_a + math.sin(w * theta) * flat_b) / math.sin(theta)
    np.testing.assert_allclose(ex.slerp(a, b, w).flatten().numpy(), expected, atol=1e-6)


def test_slerp_preserves_the_norm_unlike_linear_interpolation():
    a, b = ex.latent((3, 64, 64), [0]), ex.latent((3, 64, 64), [1])
    a, b = a / a.norm(), b / b.norm()
    for w in (0.25, 0.5, 0.9):
        assert ex.slerp(a, b, w).norm().item() == pytest.approx(1, abs=1e-5)
    assert ((a + b) / 2).norm() < 0.75


def test_slerp_works_row_by_row_with_one_weight_per_row():
    a, b = ex.latent(SHAPE, [0, 1, 2]), ex.latent(SHAPE, [3, 4, 5])
    w = torch.tensor([0.0, 0.3, 1.0])
    together = ex.slerp(a, b, w)
    for i in range(3):
        torch.testing.assert_close(together[i : i + 1], ex.slerp(a[i : i + 1], b[i : i + 1], float(w[i])))
    assert not torch.allclose(together[1], ex.slerp(a[1:2], b[1:2], 0.6)[0], atol=1e-2)


@pytest.mark.parametrize("w", [0.0, 0.25, 1.0])
def test_slerp_of_parallel_opposite_and_zero_rows_is_linear(w):
    v = torch.tensor([3.0, -4.0, 1.0])
    zero = torch.zeros(3)
    a, b = torch.stack([v, v, v, zero, v, zero]), torch.stack([v, 2 * v, -v, v, zero, zero])
    torch.testing.assert_close(ex.slerp(a, b, w), (1 - w) * a + w * b, rtol=0, atol=1e-6)


@pytest.mark.parametrize("angle", [1e-12, 1e-8, 1e-6, 1e-3])
@pytest.mark.parametrize("opposite", [False, True])
def test_slerp_of_nearly_parallel_and_opposite_rows_is_finite(angle, opposite):
    sign = -1 if opposite else 1
    a = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    b = sign * torch.tensor([[math.cos(angle), math.sin(angle)]], dtype=torch.float64)
    middle = ex.slerp(a, b, 0.5)
    assert middle.isfinite().all()
    assert middle.norm() <= 1 + 1e-6


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_slerp_keeps_the_dtype(dtype):
    a, b = ex.latent(SHAPE, [0]), ex.latent(SHAPE, [1])
    middle = ex.slerp(a.to(dtype), b.to(dtype), 0.5)
    assert middle.dtype == dtype
    torch.testing.assert_close(
        middle.float(), ex.slerp(a, b, 0.5), rtol=0, atol=2e-3 if dtype == torch.float16 else 1e-6
    )


def test_slerp_in_float16_does_not_overflow_where_the_norm_would():
    a = torch.full((1, 4096), 100.0, dtype=torch.float16)  # a.a = 4e7, beyond float16
    torch.testing.assert_close(ex.slerp(a, a, 0.5), a)


@pytest.mark.parametrize("w", [-0.01, 1.01, math.nan, math.inf])
def test_slerp_refuses_weights_outside_zero_to_one(w):
    a = ex.latent(SHAPE, [0, 1])
    for weight in (w, torch.tensor([0.5, w])):
        with pytest.raises(ValueError, match="from 0 to 1"):
            ex.slerp(a, a, weight)


def test_slerp_refuses_batches_of_different_shape():
    with pytest.raises(ValueError, match="same shape"):
        ex.slerp(ex.latent(SHAPE, [0]), ex.latent(SHAPE, [0, 1]), 0.5)


# mixtures of several latents


def test_two_latents_of_equal_norm_mix_along_the_path_of_slerp():
    a, b = torch.eye(2).split(1)  # a right angle, so that the angle of the mixture is known
    for w in (0.0, 0.1, 0.5, 0.8, 1.0):
        along = math.atan2(w, 1 - w) / (math.pi / 2)
        assert torch.allclose(ex.mix_latents(torch.cat([a, b]), [1 - w, w]), ex.slerp(a, b, along), atol=1e-7)


def test_the_norm_of_a_mixture_is_the_weighted_mean_of_the_norms():
    latents = ex.latent(SHAPE, range(5)) * torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]).view(-1, 1, 1, 1)
    weights = torch.rand(7, 5, generator=torch.Generator().manual_seed(0))
    norms = np.linalg.norm(latents.flatten(1).numpy(), axis=1)
    expected = np.average(np.broadcast_to(norms, (7, 5)), axis=1, weights=weights.numpy())
    mixtures = ex.mix_latents(latents, weights)
    assert mixtures.shape == (7, *SHAPE)
    assert np.allclose(mixtures.flatten(1).norm(dim=1), expected, rtol=1e-6)


def test_the_direction_of_a_mixture_is_that_of_the_weighted_mean():
    latents, weights = ex.latent(SHAPE, range(4)), [0.5, 1.5, 2.0, 0.0]
    mean = np.average(latents.numpy(), axis=0, weights=weights)
    mixture = ex.mix_latents(latents, weights)[0].numpy()
    assert np.allclose(mixture / np.linalg.norm(mixture), mean / np.linalg.norm(mean), atol=1e-6)


def test_a_mixture_of_one_latent_is_that_latent():
    latents = ex.latent(SHAPE, range(3))
    assert torch.allclose(ex.mix_latents(latents, [0, 2, 0]), latents[1:2], atol=1e-6)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0], "a weight for each of 2 latents"),
        ([[[1.0, 1.0]]], "a weight for each of 2 latents"),
        ([-0.1, 1.1], "at least 0"),
        ([0.0, 0.0], "not all 0"),
        ([math.nan, 1.0], "finite"),
        ([math.inf, 1.0], "finite"),
        ([0.5, 0.5], "cancel each other"),
    ],
)
def test_weights_that_give_no_mixture_are_refused(weights, message):
    x = ex.latent(SHAPE, [0])
    with pytest.raises(ValueError, match=message):
        ex.mix_latents(torch.cat([x, -x]), weights)


def test_inverse_distance_weights_follow_the_formula_of_shepard():
    places, at = [(0, 0), (1, 0), (0.25, 2)], (0.25, 0)
    powers = [0.25**-3, 0.75**-3, 2.0**-3]
    assert np.allclose(ex.inverse_distance_weights(places, at), np.array(powers) / sum(powers))
    assert np.allclose(ex.inverse_distance_weights(places[:2], at, power=1), [0.75, 0.25])


def test_at_a_place_its_weight_is_one_and_places_in_one_point_share_it():
    places = [(0, 0), (1, 0), (1, 0)]
    assert ex.inverse_distance_weights(places, (0, 0)) == [1, 0, 0]
    assert ex.inverse_distance_weights(places, (1, 0)) == [0, 0.5, 0.5]
    assert ex.inverse_distance_weights(places, (1e-300, 0))[0] == 1  # no overflow


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=24), st.floats(0, 1), st.floats(0, 1))
def test_inverse_distance_weights_add_up_to_one_and_the_nearest_place_has_most(places, x, y):
    weights = ex.inverse_distance_weights(places, (x, y))
    assert math.isclose(sum(weights), 1)
    assert min(weights) >= 0
    distances = [math.dist(place, (x, y)) for place in places]
    assert weights[int(np.argmin(distances))] == max(weights)


@pytest.mark.parametrize(
    ("places", "at", "power"), [([], (0, 0), 3), ([(0, 0)], (math.nan, 0), 3), ([(0, 0)], (1, 0), 0)]
)
def test_places_that_have_no_weights_are_refused(places, at, power):
    with pytest.raises(ValueError, match="expected"):
        ex.inverse_distance_weights(places, at, power)
