"""Checkpoints of the hub, downloaded from a fake hub on localhost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from files import edit
from hub_server import reach
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

import explorer as ex
from explorer.runs.diffusers_script import script
from explorer.runs.latent_spec import Seed
from explorer.storage import limits
from explorer.storage.diffusers_folder import WEIGHTS, Card
from explorer.storage.hub import HubId


def to_early_layout(folder: Path) -> Path:
    """Change a folder to the layout of early pipelines: no subfolders, and other names of attention weights."""
    for subfolder in ("unet", "scheduler"):
        for file in (folder / subfolder).iterdir():
            file.rename(folder / file.name)
        (folder / subfolder).rmdir()
    early_names = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    weights = load_file(folder / "diffusion_pytorch_model.safetensors")
    for new, early in early_names.items():
        weights = {name.replace(new, early): value for name, value in weights.items()}
    save_file(weights, folder / "diffusion_pytorch_model.safetensors")
    return folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("google/ddpm-cifar10-32", HubId("google/ddpm-cifar10-32")),
        (" owner/name@v1.0 ", HubId("owner/name", "v1.0")),
        ("owner/name@refs/pr/1", HubId("owner/name", "refs/pr/1")),
        *(
            (text, None)
            for text in ("name", "a/b/c", "/etc/passwd", "../etc", "~/x", "./here", "a/../b", "", "a/b@", "é/b")
        ),
    ],
)
def test_a_hub_id_is_an_owner_and_a_name_with_an_optional_revision(text, expected):
    assert HubId.parse(text) == expected
    assert expected is None or HubId.parse(str(expected)) == expected


def test_a_checkpoint_of_the_hub_equals_the_uploaded_folder(hub, tiny, tiny_copy):
    (tiny_copy / "README.md").write_text("a card")
    (tiny_copy / "unet/diffusion_pytorch_model.bin").write_bytes(b"a pickle")
    Card(title="Tiny", shape=(3, 8, 8)).write(tiny_copy / "explorer.json")
    hub.put("a/tiny", tiny_copy)
    progress = []
    checkpoint = ex.load("a/tiny", device="cpu", progress=lambda done, total: progress.append((done, total)))
    x_t = ex.latent((3, 8, 8), [1])
    assert torch.equal(checkpoint.predict_noise(x_t, 500), tiny.predict_noise(x_t, 500))
    assert (checkpoint.name, checkpoint.to_python()) == ("a/tiny", "ex.load('a/tiny')")
    assert checkpoint.card.title == "Tiny"
    size = (tiny_copy / WEIGHTS).stat().st_size
    assert (progress[0], progress[-1]) == ((0, size), (size, size))
    assert not [path for path in hub.requests if path.endswith((".bin", ".md"))]
    assert 'from_pretrained(folder, subfolder="unet",' in script(checkpoint, Seed(1), ex.Settings(10))


def test_a_revision_is_another_checkpoint(hub, tiny_folder, save_pipeline):
    hub.put("a/tiny", tiny_folder)
    hub.put("a/tiny", save_pipeline("short", num_train_timesteps=40), "v2/short")
    assert ex.load("a/tiny", device="cpu").schedule.T == 1000
    checkpoint = ex.load("a/tiny@v2/short", device="cpu")
    assert (checkpoint.schedule.T, checkpoint.to_python()) == (40, "ex.load('a/tiny@v2/short')")
    assert 'subfolder="unet", revision="v2/short"' in script(checkpoint, Seed(1), ex.Settings(10))
    with pytest.raises(ex.CheckpointError, match="a/tiny has no revision 'v3' on the hub"):
        ex.load("a/tiny@v3")


def test_the_layout_of_early_pipelines_is_supported(hub, tiny, tiny_copy):
    hub.put("google/early", to_early_layout(tiny_copy))
    checkpoint = ex.load("google/early", device="cpu")
    x_t = ex.latent((3, 8, 8), [1])
    assert torch.equal(checkpoint.predict_noise(x_t, 500), tiny.predict_noise(x_t, 500))
    assert "from_pretrained(folder, low_cpu" in script(checkpoint, Seed(1), ex.Settings(10))


def test_offline_the_cache_is_used_and_otherwise_the_message_has_the_download_command(hub, tiny_folder, monkeypatch):
    hub.put("a/tiny", tiny_folder)
    ex.load("a/tiny", device="cpu")
    requests = len(hub.requests)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert ex.load("a/tiny", device="cpu").shape == (3, 8, 8)
    assert len(hub.requests) == requests
    with pytest.raises(
        ex.CheckpointError,
        match=r"offline mode is on.* Download it beforehand on a machine with a network: hf download b/other",
    ):
        ex.load("b/other")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    reach(monkeypatch, "http://127.0.0.1:9")  # nothing listens there
    assert ex.load("a/tiny", device="cpu").shape == (3, 8, 8)
    with pytest.raises(ex.CheckpointError, match=r"the hub gave no files .* hf download b/other --revision v1"):
        ex.load("b/other@v1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: (f / WEIGHTS).rename(f / "unet/weights.bin"), "the weights are a pickle (unet/weights.bin)"),
        (lambda f: (f / WEIGHTS).unlink(), "no weights; expected unet/diffusion_pytorch_model.safetensors"),
        (lambda f: (f / "scheduler/scheduler_config.json").unlink(), "is not a DDPM saved by diffusers"),
        (lambda f: edit(f / "unet/config.json", _class_name="UNet2DConditionModel"), "only UNet2DModel is supported"),
        (lambda f: edit(f / "model_index.json", vqvae=["diffusers", "VQModel"]), "a latent diffusion model"),
    ],
)
def test_an_unsupported_model_is_refused_before_its_weights_are_downloaded(hub, tiny_copy, change, message):
    change(tiny_copy)
    hub.put("a/other", tiny_copy)
    with pytest.raises(ex.CheckpointError, match=re.escape(message)) as raised:
        ex.load("a/other")
    assert str(raised.value).startswith("a/other")
    assert not [path for path in hub.requests if path.endswith((".safetensors", ".bin"))]


def test_a_model_that_is_too_large_is_refused(hub, tiny_folder, monkeypatch):
    hub.put("a/tiny", tiny_folder)
    monkeypatch.setattr(limits, "MAX_DOWNLOAD_BYTES", 10_000)
    with pytest.raises(ex.CheckpointError, match=r"a/tiny has 0.\d GB; at most"):
        ex.load("a/tiny")


def test_an_unknown_id_is_neither_a_folder_nor_a_model(hub):
    with pytest.raises(ex.CheckpointError, match="a/tyni is neither a folder here nor a public model of the hub"):
        ex.load("a/tyni")
