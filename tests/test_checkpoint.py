"""Loading checkpoints: folders written by diffusers, and errors for invalid ones."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from files import edit
from safetensors.torch import load_file, save_file

import explorer as ex
from explorer.checkpoint import CHECKPOINTS
from explorer.storage.diffusers_folder import WEIGHTS, Card, betas

UNET, SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"


def refused(folder: Path, message: str) -> None:
    """Check that loading the folder raises CheckpointError with this message."""
    with pytest.raises(ex.CheckpointError, match=re.escape(message)):
        ex.load(folder, device="cpu")


# Valid checkpoints


@pytest.mark.slow
def test_a_folder_saved_by_diffusers_is_loaded(tiny_folder):
    checkpoint = ex.load(tiny_folder, device="cpu")
    assert (checkpoint.name, checkpoint.shape, checkpoint.folder) == ("tiny", (3, 8, 8), tiny_folder)
    assert checkpoint.card == Card()
    np.testing.assert_array_equal(checkpoint.schedule.alpha_bar, ex.Schedule.linear().alpha_bar)
    assert ex.load("tiny", device="cpu", root=tiny_folder.parent).folder == tiny_folder
    assert ex.load(str(tiny_folder), device="cpu").folder == tiny_folder
    assert len(ex.sample(checkpoint, ex.latent(checkpoint.shape, [0, 1]), ex.Settings(2))) == 2


@pytest.mark.slow
def test_pictures_need_not_be_square(save_pipeline):
    folder = save_pipeline("wide", sample_size=(4, 8), channels=4)
    Card(patch=2).write(folder / "explorer.json")
    assert ex.load(folder, device="cpu").shape == (1, 8, 16)


def test_a_checkpoint_without_examples_has_none(tiny, tiny_copy):
    assert tiny.examples().shape == (0, 8, 8, 3)
    images = np.arange(2 * 8 * 8 * 3, dtype=np.uint8).reshape(2, 8, 8, 3)
    np.savez(tiny_copy / "examples.npz", images=images)
    np.testing.assert_array_equal(ex.load(tiny_copy, device="cpu").examples(), images)


def test_available_lists_the_folders_with_a_model_index(tmp_path):
    for name in ("b", "a", "no-model"):
        (tmp_path / name).mkdir()
    for name in ("b", "a"):
        (tmp_path / name / "model_index.json").write_text("{}")
    assert ex.available(tmp_path) == ["a", "b"]


@pytest.mark.skipif(not (CHECKPOINTS / "faces-64" / WEIGHTS).is_file(), reason="the weights of faces-64 are not here")
def test_the_checkpoint_of_this_repository_is_loaded_here_and_by_diffusers():
    from diffusers import DDPMPipeline

    checkpoint = ex.load("faces-64", device="cpu")
    assert checkpoint.shape == (3, 64, 64)
    assert "faces-64" in ex.available()
    assert checkpoint.card.title
    assert checkpoint.card.licence
    pipeline = DDPMPipeline.from_pretrained(CHECKPOINTS / "faces-64")
    theirs, ours = pipeline.unet.state_dict(), checkpoint.predict_noise.unet.state_dict()
    assert theirs.keys() == ours.keys()
    assert all(torch.equal(theirs[key], ours[key]) for key in ours)
    assert pipeline.scheduler.config.prediction_type == checkpoint.predict_noise.prediction_type


# Betas


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"num_train_timesteps": 50},
        {"beta_start": 0.001, "beta_end": 0.05},
        {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012},
        {"beta_schedule": "squaredcos_cap_v2"},
        {"beta_schedule": "squaredcos_cap_v2", "num_train_timesteps": 40},
        {"trained_betas": [0.01, 0.5, 0.2]},
    ],
)
def test_betas_are_those_of_diffusers(config):
    from diffusers import DDPMScheduler

    scheduler = DDPMScheduler(**config)
    ours = betas(dict(scheduler.config))
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, scheduler.betas.numpy(), rtol=2e-6, atol=1e-7)


def test_the_schedule_of_a_folder_is_the_one_its_network_was_trained_with(save_pipeline):
    folder = save_pipeline("short", trained_betas=[0.01, 0.5, 0.2])
    checkpoint = ex.load(folder, device="cpu")
    np.testing.assert_allclose(checkpoint.schedule.alpha_bar, [1, 0.99, 0.99 * 0.5, 0.99 * 0.5 * 0.8], rtol=1e-12)


# Invalid checkpoints


@pytest.mark.parametrize("name", ["nobody", "", "  ", "a/b/c", "~nobody-of-this-name/x", "x" * 5000, "a\0b"])
def test_the_error_of_an_unknown_name_lists_the_known_ones(tiny_folder, name):
    with pytest.raises(ex.CheckpointError, match=r"no checkpoint .*there are: tiny\)") as raised:
        ex.load(name, root=tiny_folder.parent)
    assert len(str(raised.value)) < 300


def test_with_no_checkpoints_at_all_the_message_says_none(tmp_path):
    with pytest.raises(ex.CheckpointError, match=r"there are: none\)"):
        ex.load("faces-64", root=tmp_path)


def test_a_folder_that_is_not_a_pipeline_is_refused(tmp_path):
    (tmp_path / "readme.txt").write_text("pictures of cats")
    refused(tmp_path, "is not a diffusers pipeline folder: it has no model_index.json")


@pytest.mark.parametrize("device", ["gpu", "", "cuda:x"])
def test_an_unknown_device_is_refused_before_any_file_is_read(device):
    with pytest.raises(ValueError, match="device must be one of auto, cpu, cuda, mps"):
        ex.load("no such checkpoint", device=device)


def test_an_unavailable_device_is_refused():
    if missing := [d for d, there in (("cuda", torch.cuda), ("mps", torch.backends.mps)) if not there.is_available()]:
        with pytest.raises(ValueError, match=f"device {missing[0]} is not available here; use auto or cpu"):
            ex.load("no such checkpoint", device=missing[0])


def test_missing_weights_are_named(tiny_copy):
    (tiny_copy / WEIGHTS).unlink()
    refused(tiny_copy, f"tiny: no weights; expected {WEIGHTS}")


class Trap:
    """An object whose unpickling creates a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("name", ["diffusion_pytorch_model.bin", "weights.pt", "model.ckpt"])
def test_pickled_weights_are_refused_and_never_opened(tiny_copy, tmp_path, name):
    (tiny_copy / WEIGHTS).unlink()
    (tiny_copy / "unet" / name).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    refused(tiny_copy, f"tiny: the weights are a pickle ({name}), which can run any code")
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_in_place_of_the_weights_is_never_opened(tiny_copy, tmp_path):
    (tiny_copy / WEIGHTS).write_bytes(pickle.dumps(Trap(tmp_path / "sprung")))
    refused(tiny_copy, f"tiny: {WEIGHTS} is truncated or corrupt")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kept", [0, 4, 300, -1])
def test_truncated_weights_are_named(tiny_copy, kept):
    weights = (tiny_copy / WEIGHTS).read_bytes()
    (tiny_copy / WEIGHTS).write_bytes(weights[:kept])
    refused(tiny_copy, f"tiny: {WEIGHTS} is truncated or corrupt")


@pytest.mark.parametrize(
    "junk", [b"junk" * 1000, (2**62).to_bytes(8, "little") + b"{}", (2).to_bytes(8, "little") + b"[]", bytes(100)]
)
def test_corrupt_weights_are_named(tiny_copy, junk):
    (tiny_copy / WEIGHTS).write_bytes(junk)
    refused(tiny_copy, f"tiny: {WEIGHTS} is truncated or corrupt")


def test_weights_of_another_network_are_refused_and_the_first_mismatch_is_named(tiny_copy):
    weights = load_file(tiny_copy / WEIGHTS)
    save_file(weights | {"conv_in.bias": torch.zeros(17)}, tiny_copy / WEIGHTS)
    refused(tiny_copy, "tiny: the weights do not fit unet/config.json: size mismatch for conv_in.bias")
    del weights["conv_in.bias"]
    save_file(weights, tiny_copy / WEIGHTS)
    refused(tiny_copy, 'tiny: the weights do not fit unet/config.json: Missing key(s) in state_dict: "conv_in.bias"')


def test_another_unet_class_is_refused_by_name(tiny_copy):
    edit(tiny_copy / UNET, _class_name="UNet2DConditionModel")
    refused(tiny_copy, "tiny: the U-Net is a 'UNet2DConditionModel'; only UNet2DModel is supported")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"down_block_types": ["NoSuchBlock", "DownBlock2D"]}, "does not describe a UNet2DModel"),
        ({"sample_size": None}, "sample_size must be the side in pixels, not None"),
        ({"sample_size": [8, 8, 8]}, "sample_size must be the side in pixels"),
        ({"out_channels": 6}, "turns 3 channels into 6 (a learned variance?)"),
        ({"num_class_embeds": 10}, "needs class labels; only unconditional ones are supported"),
    ],
)
def test_a_unet_that_the_sampler_cannot_use_is_refused(tiny_copy, entries, message):
    edit(tiny_copy / UNET, **entries)
    refused(tiny_copy, message)


def test_a_network_that_predicts_the_sample_is_refused_by_name(tiny_copy):
    edit(tiny_copy / SCHEDULER, prediction_type="sample")
    refused(tiny_copy, "tiny: prediction type 'sample' is not supported; expected one of epsilon, v_prediction")


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"beta_schedule": None}, "the scheduler has no betas: expected trained_betas, or"),
        (
            {"beta_schedule": "sigmoid"},
            "beta_schedule 'sigmoid' is not one of linear, scaled_linear, squaredcos_cap_v2",
        ),
        ({"num_train_timesteps": 0}, "betas must be a sequence of at least one number"),
        ({"num_train_timesteps": "ten"}, f"tiny: {SCHEDULER}: "),
        ({"beta_end": 1.5}, "beta_end must be a number from 0 to 1, not 1.5"),
        ({"beta_end": 1}, "each inside (0, 1)"),
        ({"trained_betas": [0.1, "x"]}, f"tiny: {SCHEDULER}: "),
        ({"rescale_betas_zero_snr": True}, "rescale_betas_zero_snr is not supported"),
    ],
)
def test_a_scheduler_with_invalid_betas_is_refused(tiny_copy, entries, message):
    edit(tiny_copy / SCHEDULER, **entries)
    refused(tiny_copy, message)


def test_a_scheduler_without_betas_is_refused(tiny_copy):
    (tiny_copy / SCHEDULER).write_text('{"_class_name": "DDPMScheduler"}')
    refused(tiny_copy, "tiny: scheduler/scheduler_config.json: the scheduler has no betas")


@pytest.mark.parametrize("name", [UNET, SCHEDULER, "explorer.json"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{broken", "not a readable JSON file"),
        (b"\xff\xfe\x00", "not a readable JSON file"),
        (b"[" * 100_000, "not a readable JSON file"),
        (b"[1, 2]", "expected a JSON object, not [1, 2]"),
    ],
)
def test_broken_json_is_named(tiny_copy, name, content, message):
    (tiny_copy / name).write_bytes(content)
    refused(tiny_copy, f"{name}: {message}")


@pytest.mark.parametrize("name", [UNET, SCHEDULER])
def test_a_missing_config_is_named(tiny_copy, name):
    (tiny_copy / name).unlink()
    refused(tiny_copy, f"tiny: {name} is missing")


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"shape": [3, 16, 16]}, "says shape (3, 16, 16) at patch size 1, but the U-Net works on 3 channels of 8x8"),
        ({"patch": 2}, "at patch size 2, but the U-Net works on 3 channels of 8x8"),
        ({"shape": "3x8x8"}, "shape must be a list of 3, each a whole number from 1 to 1024, not '3x8x8'"),
        ({"shape": [3, 8.5, 8]}, "shape must be a list of 3, each a whole number"),
        ({"seeds": 5}, "seeds must be a list of 1 to 100, each a whole number from 0 to 9007199254740991, not 5"),
        ({"patch": 0}, "patch must be a whole number from 1 to 16, not 0"),
        ({"patch": "2"}, "patch must be a whole number from 1 to 16, not '2'"),
    ],
)
def test_an_explorer_json_that_does_not_match_is_refused(tiny_copy, card, message):
    (tiny_copy / "explorer.json").write_text(json.dumps(card))
    refused(tiny_copy, message)


def test_an_explorer_json_with_unknown_entries_is_accepted(tiny_copy):
    (tiny_copy / "explorer.json").write_text('{"title": "Tiny", "author": "someone", "shape": [3, 8, 8]}')
    assert ex.load(tiny_copy, device="cpu").card == Card(title="Tiny", shape=(3, 8, 8))
