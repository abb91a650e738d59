"""Hostile configs, cards and links: refused with a message before anything is built."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from files import edit
from hostile import LISTS

import explorer as ex
from explorer.storage import limits
from explorer.storage.hub import HubId
from explorer.storage.unet import WEIGHTS

UNET, SCHEDULER, CARD = "unet/config.json", "scheduler/scheduler_config.json", "explorer.json"


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"block_out_channels": [10**9, 10**9]}, "block_out_channels must be a list of 1 to 10, each a whole number"),
        ({"block_out_channels": [8192, 8192]}, "the weights do not fit unet/config.json"),
        ({"block_out_channels": [16] * 100}, "block_out_channels must be a list of 1 to 10"),
        ({"block_out_channels": "16"}, "block_out_channels must be a list"),
        ({"layers_per_block": 10**6}, "layers_per_block must be a whole number from 1 to 10, not 1000000"),
        ({"layers_per_block": float("1e400")}, "not a readable JSON file (Infinity is not valid JSON)"),
        ({"norm_eps": float("nan")}, "not a readable JSON file (NaN is not valid JSON)"),
        ({"norm_eps": "small"}, "norm_eps must be a number from 0 to 1, not 'small'"),
        ({"mid_block_scale_factor": 0}, "mid_block_scale_factor must be a number"),
        ({"norm_num_groups": 10**400}, "norm_num_groups must be a whole number"),
        ({"attention_head_dim": -8}, "attention_head_dim must be a whole number"),
        ({"time_embedding_dim": 10**12}, "time_embedding_dim must be a whole number"),
        ({"num_train_timesteps": 10**12, "time_embedding_type": "learned"}, "num_train_timesteps must be"),
        ({"in_channels": 10**9, "out_channels": 10**9}, "in_channels must be a whole number"),
        ({"sample_size": 10**6}, "sample_size must be the side in pixels, not 1000000"),
        ({"sample_size": True}, "sample_size must be the side in pixels, not True"),
        ({"sample_size": [8, -8]}, "sample_size must be the side in pixels"),
        ({"sample_size": 7}, "does not describe a UNet2DModel"),  # an odd size cannot be halved
        ({"sample_size": 1024}, "one call of the network would take"),
        ({"down_block_types": ["os.system", "DownBlock2D"]}, "down_block_types must be a list of 1 to 10, each a name"),
        ({"down_block_types": ["../../x", "DownBlock2D"]}, "down_block_types must be a list"),
        ({"act_fn": "__import__"}, "does not describe a UNet2DModel"),
        ({"_class_name": ["os", "system"]}, "the U-Net is a ['os', 'system']; only UNet2DModel"),
        ({"_class_name": "../../etc/passwd"}, "the U-Net is a '../../etc/passwd'"),
        ({"_class_name": None}, "the U-Net is a None"),
        ({"dropout": [[[]]]}, "dropout must be a number"),
    ],
)
def test_an_impossible_or_huge_network_is_refused_before_it_is_built(tiny_copy, refused, monkeypatch, entries, message):
    monkeypatch.setattr(limits, "MAX_FLOP", 1e10)
    edit(tiny_copy / UNET, **entries)
    refused(message)


@pytest.mark.parametrize(
    "index",
    [
        {"_class_name": ["my_pipeline", "Evil"], "unet": ["../../evil", "Net"], "scheduler": ["os", "system"]},
        {"_class_name": "Evil", "auto_map": {"AutoModel": "evil.Net"}, "custom_pipeline": "https://evil.example/x"},
        {"unet": "/etc/passwd", "scheduler": None, "x" * 1000: [1] * 1000},
    ],
)
def test_an_index_that_names_other_code_or_paths_has_no_effect(tiny, tiny_copy, tmp_path, index):
    (tiny_copy / "model_index.json").write_text(json.dumps(index))
    edit(tiny_copy / UNET, auto_map={"AutoModel": "evil.Net"}, _name_or_path="../../etc", trust_remote_code=True)
    for name in ("evil.py", "unet/evil.py", "pipeline.py", "my_pipeline.py"):
        (tiny_copy / name).write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    checkpoint, x_T = ex.load(tiny_copy, device="cpu"), ex.latent((3, 8, 8), [0])
    assert ex.sample(checkpoint, x_T, ex.Settings(1)).equal(ex.sample(tiny, x_T, ex.Settings(1)))
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"num_train_timesteps": 10**9},
            f"num_train_timesteps must be a whole number from 0 to {limits.MAX_T}, not 1000000000",
        ),
        ({"num_train_timesteps": 1e3}, "num_train_timesteps must be a whole number"),
        ({"trained_betas": [0.001] * (limits.MAX_T + 1)}, f"trained_betas must be a list of 1 to {limits.MAX_T}"),
        ({"trained_betas": [[0.1], 0.2]}, "trained_betas must be a list"),
        ({"beta_start": 10**400}, "beta_start must be a number from 0 to 1, not a huge number"),
        ({"beta_end": "1"}, "beta_end must be a number from 0 to 1, not '1'"),
        ({"beta_start": -0.1}, "beta_start must be a number from 0 to 1"),
        ({"beta_start": 1e-320, "beta_end": 1e-320}, "alpha_bar must fall strictly"),
        ({"clip_sample": "<b>"}, "clip_sample must be true or false, or null"),
        ({"prediction_type": {"a": []}}, "prediction type {'a': []} is not supported"),
        ({"beta_schedule": [["linear"]]}, "beta_schedule [['linear']] is not one of"),
    ],
)
def test_a_huge_or_non_numeric_schedule_is_refused(tiny_copy, refused, entries, message):
    edit(tiny_copy / SCHEDULER, **entries)
    refused(message)


@pytest.mark.parametrize("name", [UNET, SCHEDULER, CARD, "model_index.json"])
def test_a_config_that_is_too_large_or_endless_is_not_read_completely(tiny_copy, refused, monkeypatch, name):
    monkeypatch.setattr(limits, "MAX_JSON_BYTES", 10_000)
    path = tiny_copy / name
    for content in (LISTS * 30, b'{"a": "' + b"x" * 20_000 + b'"}'):
        path.write_bytes(content)
        refused("not a readable JSON file")
    path.unlink()
    path.symlink_to("/dev/zero")
    if name != "model_index.json":  # optional
        refused(f"{path.name}")
    path.unlink()
    os.mkfifo(path)  # reading it would block forever
    if name != "model_index.json":
        refused(f"{path.name}")


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ({"title": 5}, "title must be a text of at most 200 characters, not 5"),
        ({"title": "x" * 10_000}, "title must be a text of at most 200 characters, not 'xxx"),
        ({"licence": ["MIT"]}, "licence must be a text"),
        ({"licence": {"a": {"b": []}}}, "licence must be a text"),
        ({"seeds": [0] * 1000}, "seeds must be a list of 1 to 100"),
        ({"seeds": []}, "seeds must be a list of 1 to 100"),
        ({"seeds": [2**60]}, "seeds must be a list"),
        ({"patch": 10**30}, "patch must be a whole number from 1 to 16, not 1000000000000000000000000000000"),
        ({"patch": True}, "patch must be a whole number"),
        ({"shape": [3, 8, 8, 8]}, "shape must be a list of 3"),
    ],
)
def test_an_invalid_card_is_refused(tiny_copy, refused, card, message):
    (tiny_copy / CARD).write_text(json.dumps(card))
    refused(message)


def test_an_unpaired_surrogate_is_refused(tiny_copy, refused):
    (tiny_copy / CARD).write_bytes(b'{"title": "\\ud800"}')
    refused("not a readable JSON file (unpaired surrogate)")


def test_symbolic_links_are_followed(tiny_copy, tmp_path):
    """The hub's cache consists of links. Their targets are checked like regular files."""
    for name in (UNET, WEIGHTS):
        (tiny_copy / name).rename(tmp_path / Path(name).name)
        (tiny_copy / name).symlink_to(tmp_path / Path(name).name)
    assert ex.load(tiny_copy, device="cpu").shape == (3, 8, 8)
    (tmp_path / "secret").write_text("topsecret-" * 10)
    (tiny_copy / SCHEDULER).unlink()
    (tiny_copy / SCHEDULER).symlink_to(tmp_path / "secret")
    with pytest.raises(ex.CheckpointError, match="not a readable JSON file") as raised:
        ex.load(tiny_copy, device="cpu")
    assert "topsecret" not in str(raised.value)


@pytest.mark.parametrize("text", ["../../etc/passwd", "a/..", "../b", "a/b/c", "a/b@../../x", "a/b@.", "a/b\n", "-a/b"])
def test_a_path_is_not_a_hub_id(text):
    parsed = HubId.parse(text)
    assert parsed is None or (".." not in parsed.repo.split("/") and "\n" not in str(parsed))
