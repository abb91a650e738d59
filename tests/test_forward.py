"""The forward process q(x_t | x_0)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer as ex

SCHEDULE = ex.Schedule.linear()


def test_diffuse_is_equation_4_for_a_t_per_row():
    x_0, eps = ex.latent((1, 4, 4), [0, 1, 2]), ex.latent((1, 4, 4), [3, 4, 5])
    t = [1, 400, 1000]
    x_t = ex.diffuse(x_0, eps, torch.tensor(t), SCHEDULE)
    for row in range(3):
        ab = SCHEDULE.alpha_bar[t[row]]
        expected = np.sqrt(ab) * x_0[row].numpy() + np.sqrt(1 - ab) * eps[row].numpy()
        np.testing.assert_allclose(x_t[row].numpy(), expected, atol=1e-6)
        assert torch.equal(x_t[row], ex.diffuse(x_0[row : row + 1], eps[row : row + 1], t[row], SCHEDULE)[0])


def test_diffuse_to_t_zero_changes_nothing():
    x_0, eps = ex.latent((1, 4, 4), [0]), ex.latent((1, 4, 4), [1])
    assert torch.equal(ex.diffuse(x_0, eps, 0, SCHEDULE), x_0)


def test_diffuse_is_diffusers_add_noise():
    from diffusers import DDPMScheduler

    x_0, eps = ex.latent((3, 4, 4), [0, 1, 2]), ex.latent((3, 4, 4), [3, 4, 5])
    t = torch.tensor([1, 250, 1000])
    expected = DDPMScheduler().add_noise(x_0, eps, t - 1)
    torch.testing.assert_close(ex.diffuse(x_0, eps, t, SCHEDULE), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_diffuse_keeps_the_dtype(dtype):
    x_0 = ex.latent((1, 4, 4), [0]).to(dtype)
    assert ex.diffuse(x_0, x_0, 10, SCHEDULE).dtype == dtype
