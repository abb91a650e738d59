"""eps_theta of a diffusers U-Net: labels, patches, and conversion of v-prediction."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch.nn.functional import pixel_shuffle, pixel_unshuffle

import explorer as ex
from explorer.denoiser import Denoiser
from explorer.storage.diffusers_folder import Card


def raw_output(folder: Path, x: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """The output of the folder's U-Net as loaded by diffusers."""
    from diffusers import UNet2DModel

    unet = UNet2DModel.from_pretrained(folder / "unet").eval()
    with torch.no_grad():
        return unet(x, label).sample


def test_an_epsilon_network_is_called_with_label_t_minus_one(tiny, tiny_folder):
    x_t = ex.latent(tiny.shape, [0, 1])
    for t in (1, 500, 1000):
        expected = raw_output(tiny_folder, x_t, torch.tensor(t - 1))
        torch.testing.assert_close(tiny.predict_noise(x_t, t), expected, rtol=0, atol=1e-5)
    at_1, at_1000 = tiny.predict_noise(x_t, 1), tiny.predict_noise(x_t, 1000)
    assert (at_1 - at_1000).abs().max() > 1e-3  # so the label does matter


def test_v_is_converted_to_eps_by_its_formula(save_pipeline):
    folder = save_pipeline("v", prediction_type="v_prediction")
    checkpoint = ex.load(folder, device="cpu")
    x_t = ex.latent(checkpoint.shape, [0, 1])
    for t in (1, 500, 1000):
        ab = checkpoint.schedule.alpha_bar[t]
        v = raw_output(folder, x_t, torch.tensor(t - 1))
        expected = math.sqrt(1 - ab) * x_t + math.sqrt(ab) * v
        torch.testing.assert_close(checkpoint.predict_noise(x_t, t), expected, rtol=0, atol=1e-5)


def test_an_exact_v_network_gives_the_noise_that_was_added():
    schedule = ex.Schedule.linear()
    x_0, eps, t = ex.latent((3, 8, 8), [0, 1]), ex.latent((3, 8, 8), [2, 3]), torch.tensor([30, 900])
    ab = torch.from_numpy(schedule.alpha_bar.copy())[t].view(-1, 1, 1, 1).float()

    class KnowsV(torch.nn.Module):
        def forward(self, x, label, return_dict):
            return (ab.sqrt() * eps - (1 - ab).sqrt() * x_0,)

    denoiser = Denoiser(KnowsV(), schedule, prediction_type="v_prediction", device="cpu")
    torch.testing.assert_close(denoiser(ex.diffuse(x_0, eps, t, schedule), t), eps, rtol=0, atol=1e-5)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_patch_two_runs_the_network_on_pixel_unshuffle(save_pipeline, prediction_type):
    folder = save_pipeline("patched", sample_size=4, channels=12, prediction_type=prediction_type)
    Card(title="Patched", shape=(3, 8, 8), patch=2, seeds=(4, 2)).write(folder / "explorer.json")
    checkpoint = ex.load(folder, device="cpu")
    assert checkpoint.shape == (3, 8, 8)
    assert checkpoint.card == Card(title="Patched", shape=(3, 8, 8), patch=2, seeds=(4, 2))
    x_t = ex.latent(checkpoint.shape, [0, 1])
    expected = pixel_shuffle(raw_output(folder, pixel_unshuffle(x_t, 2), torch.tensor(299)), 2)
    if prediction_type == "v_prediction":
        ab = checkpoint.schedule.alpha_bar[300]
        expected = math.sqrt(1 - ab) * x_t + math.sqrt(ab) * expected
    torch.testing.assert_close(checkpoint.predict_noise(x_t, 300), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_a_t_per_row_equals_one_call_for_each(save_pipeline, prediction_type):
    checkpoint = ex.load(save_pipeline("net", prediction_type=prediction_type), device="cpu")
    x_t, t = ex.latent(checkpoint.shape, [0, 1, 2]), [1, 400, 1000]
    together = checkpoint.predict_noise(x_t, torch.tensor(t))
    for row in range(3):
        alone = checkpoint.predict_noise(x_t[row : row + 1], t[row])[0]
        torch.testing.assert_close(together[row], alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_the_caller_may_modify_the_predicted_noise(save_pipeline, prediction_type):
    checkpoint = ex.load(save_pipeline("net", prediction_type=prediction_type), device="cpu")
    x_t = ex.latent(checkpoint.shape, [0])
    eps = checkpoint.predict_noise(x_t, 500)
    before = eps.clone()
    eps.mul_(2)
    assert eps.dtype == torch.float32
    assert not eps.is_inference()
    assert torch.equal(checkpoint.predict_noise(x_t, 500), before)
    assert torch.equal(x_t, ex.latent(checkpoint.shape, [0]))
