"""Checkpoint folders that somebody wrote to do harm: refused by name, in no time, with no memory taken and nothing run."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import struct
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from files import edit
from safetensors.torch import load_file, save_file

import explorer as ex
from explorer import reading, weights
from explorer.hub import HubId
from explorer.pipeline import MAX_T
from explorer.quality import read_quality
from explorer.schedule import short
from explorer.unet import WEIGHTS

UNET, SCHEDULER, CARD = "unet/config.json", "scheduler/scheduler_config.json", "explorer.json"
MUCH = 64 << 20  # bytes: more than any refusal may take
LISTS = b"[" * 900 + b"]" * 900


@pytest.fixture
def refused(tiny_copy):
    """``refused(message)``: opening the folder is refused in these words."""

    def check(message: str) -> None:
        with pytest.raises(ex.CheckpointError, match=re.escape(message)) as raised:
            ex.load(tiny_copy, device="cpu")
        assert len(str(raised.value)) < 800

    return check


@pytest.fixture
def little_memory():
    """What the test does takes no more than :data:`MUCH`."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MUCH


def header(**entries: object) -> bytes:
    """A safetensors file of that header and sixteen bytes."""
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


def tensor(dtype: object = "F32", shape: object = (4,), offsets: object = (0, 16)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


# Weights


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack("<Q", 2**64 - 1) + b"{}", "its header would have 18,446,744,073,709,551,615 bytes"),
        (struct.pack("<Q", 5 << 20) + b" " * (5 << 20), "more than 4,194,304"),
        (struct.pack("<Q", 900) + LISTS[:900], "truncated or corrupt"),
        (struct.pack("<Q", 1800) + LISTS, "truncated or corrupt"),
        (struct.pack("<Q", 100) + b"{}", "truncated or corrupt"),
        (struct.pack("<Q", 3) + b"[1]", "its header is no JSON object"),
        (struct.pack("<Q", 6) + b'{"a":', "truncated or corrupt"),
        (header(a=3), "the entry of 'a' is no JSON object"),
        (header(a=tensor(dtype="F4")), "must be of F16, BF16, F32, F64, not 'F4'"),
        (header(a=tensor(dtype="F8_E8M0", shape=(16,))), "not 'F8_E8M0'"),
        (header(a=tensor(dtype="I64", shape=(2,))), "not 'I64'"),
        (header(a=tensor(dtype=["F32"])), "not ['F32']"),
        (header(a=tensor(shape=(0, 2**62, 2**62), offsets=(0, 0))), "must have at most 4 sizes"),
        (header(a=tensor(shape=(2**40,))), "must have at most 4 sizes from 1 to 1,048,576"),
        (header(a=tensor(shape=(-4,))), "must have at most 4 sizes"),
        (header(a=tensor(shape=(1,) * 5)), "must have at most 4 sizes"),
        (header(a=tensor(shape=(True,), offsets=(0, 4))), "must have at most 4 sizes"),
        (header(a=tensor(shape=(1024,) * 4)), "truncated or corrupt"),
        (header(a=tensor(offsets=(-16, 0))), "truncated or corrupt"),
        (header(a=tensor(offsets=(16, 0))), "truncated or corrupt"),
        (header(a=tensor(offsets=(8, 24))), "truncated or corrupt"),
        (header(a=tensor(offsets=(2**63, 2**63 + 16))), "truncated or corrupt"),
        (header(a=tensor(), b=tensor()), "truncated or corrupt"),  # overlapping
        (header(a=tensor(shape=(2,), offsets=(0, 8)), b=tensor(shape=(1,), offsets=(12, 16))), "truncated or corrupt"),
        (
            struct.pack("<Q", 70)
            + b'{"a": 1, "a": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}'
            + bytes(16),
            "tiny:",
        ),
        (header(**{str(i): tensor(shape=(), offsets=(0, 4)) for i in range(5000)}), "truncated or corrupt"),
    ],
)
def test_weights_that_lie_about_themselves_are_refused(tiny_copy, refused, data, message):
    (tiny_copy / WEIGHTS).write_bytes(data)
    refused(message)


@pytest.mark.usefixtures("little_memory")
def test_a_file_of_weights_larger_than_any_network_is_not_read(tiny_copy, refused):
    with (tiny_copy / WEIGHTS).open("wb") as file:
        file.truncate(weights.MAX_BYTES + 1)  # it has holes for bytes
    refused("more than the 4,294,967,296 bytes that are read")


@pytest.mark.usefixtures("little_memory")
def test_a_small_file_takes_little_memory_however_much_may_be_read(tmp_path):
    (tmp_path / "file").write_bytes(b"123")
    assert reading.read_file(tmp_path / "file", weights.MAX_BYTES) == b"123"
    with pytest.raises(OSError, match="by its own account"):
        reading.read_file(Path("/proc/self/maps"), weights.MAX_BYTES)


def test_weights_of_half_the_precision_open_as_float32(tiny_copy):
    save_file({name: tensor.half() for name, tensor in load_file(tiny_copy / WEIGHTS).items()}, tiny_copy / WEIGHTS)
    unet = ex.load(tiny_copy, device="cpu").predict_noise.unet
    assert {str(parameter.dtype) for parameter in unet.parameters()} == {"torch.float32"}


class Trap:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_pickle_beside_the_weights_is_never_opened(tiny_copy, tmp_path):
    poison = pickle.dumps(Trap(tmp_path / "sprung"))
    for name in (
        "unet/diffusion_pytorch_model.bin",
        "scheduler/scheduler.pt",
        "data.pkl",
        "modeling.py",
        "unet/x.ckpt",
    ):
        (tiny_copy / name).write_bytes(poison)
    checkpoint = ex.load(tiny_copy, device="cpu")
    ex.sample(checkpoint, ex.latent(checkpoint.shape, [0]), ex.Settings(1))
    checkpoint.examples()
    assert not (tmp_path / "sprung").exists()


# Configs


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"block_out_channels": [10**9, 10**9]}, "block_out_channels must be a list of 1 to 10, each a whole number"),
        ({"block_out_channels": [8192, 8192]}, "the weights do not fit unet/config.json"),
        ({"block_out_channels": [16] * 100}, "block_out_channels must be a list of 1 to 10"),
        ({"block_out_channels": "16"}, "block_out_channels must be a list"),
        ({"layers_per_block": 10**6}, "layers_per_block must be a whole number from 1 to 10, not 1000000"),
        ({"layers_per_block": float("1e400")}, "not a readable JSON file (Infinity is no JSON)"),
        ({"norm_eps": float("nan")}, "not a readable JSON file (NaN is no JSON)"),
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
        ({"sample_size": 7}, "does not describe a UNet2DModel"),  # which cannot be halved and doubled again
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
def test_a_config_of_an_impossible_network_is_refused_before_it_is_built(
    tiny_copy, refused, monkeypatch, entries, message
):
    monkeypatch.setattr("explorer.unet.MAX_FLOP", 1e10)
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
def test_an_index_that_names_other_code_or_places_changes_nothing(tiny, tiny_copy, tmp_path, index):
    (tiny_copy / "model_index.json").write_text(json.dumps(index))
    edit(tiny_copy / UNET, auto_map={"AutoModel": "evil.Net"}, _name_or_path="../../etc", trust_remote_code=True)
    for name in ("evil.py", "unet/evil.py", "pipeline.py", "my_pipeline.py"):
        (tiny_copy / name).write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')")
    checkpoint, x_T = ex.load(tiny_copy, device="cpu"), ex.latent((3, 8, 8), [0])
    assert ex.sample(checkpoint, x_T, ex.Settings(1)).equal(ex.sample(tiny, x_T, ex.Settings(1)))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (
            {"num_train_timesteps": 10**9},
            f"num_train_timesteps must be a whole number from 0 to {MAX_T}, not 1000000000",
        ),
        ({"num_train_timesteps": 1e3}, "num_train_timesteps must be a whole number"),
        ({"trained_betas": [0.001] * (MAX_T + 1)}, f"trained_betas must be a list of 1 to {MAX_T}"),
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
def test_a_schedule_that_would_fill_the_memory_or_is_no_number_is_refused(tiny_copy, refused, entries, message):
    edit(tiny_copy / SCHEDULER, **entries)
    refused(message)


@pytest.mark.parametrize("name", [UNET, SCHEDULER, CARD, "model_index.json"])
def test_a_config_without_an_end_is_not_read_to_it(tiny_copy, refused, monkeypatch, name):
    monkeypatch.setattr(reading, "MAX_JSON", 10_000)
    path = tiny_copy / name
    for content in (LISTS * 30, b'{"a": "' + b"x" * 20_000 + b'"}'):
        path.write_bytes(content)
        refused("not a readable JSON file")
    path.unlink()
    path.symlink_to("/dev/zero")
    if name != "model_index.json":  # which need not be there
        refused(f"{path.name}")
    path.unlink()
    os.mkfifo(path)  # to read it would wait for ever
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
def test_a_card_that_is_no_card_is_refused(tiny_copy, refused, card, message):
    (tiny_copy / CARD).write_text(json.dumps(card))
    refused(message)


def test_half_a_surrogate_pair_which_could_not_be_sent_on_is_refused(tiny_copy, refused):
    (tiny_copy / CARD).write_bytes(b'{"title": "\\ud800"}')
    refused("not a readable JSON file (half a surrogate pair)")


def test_a_link_is_followed_as_in_the_cache_of_the_hub(tiny_copy, tmp_path):
    """Its folders are links into a store of blobs; what a link shows is read as the same file would be, and by the same rules."""
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


@pytest.mark.parametrize(
    "given", ["../../etc/passwd", "a/..", "../b", "a/b/c", "a/b@../../x", "a/b@.", "a/b\n", "-a/b"]
)
def test_no_path_is_a_hub_id(given):
    parsed = HubId.parse(given)
    assert parsed is None or (".." not in parsed.repo.split("/") and "\n" not in str(parsed))


# Held-out pictures


def npz(shape: object, content: bytes, dtype: str = "|u1", name: str = "images.npy") -> bytes:
    """An .npz whose array says of itself what it likes."""
    text = str({"descr": dtype, "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content)
    return buffer.getvalue()


def pickled_array() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, images=np.array([Trap(Path("sprung"))], dtype=object))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04" * 100,
        pickled_array(),
        pickle.dumps(Trap(Path("sprung"))),
        npz((10**6, 8, 8, 3), bytes(192)),  # 192 MB promised, 192 bytes there
        npz((10**12, 8, 8, 3), b""),
        npz((-1, 8, 8, 3), bytes(192)),
        npz((2, 8, 8), bytes(128)),
        npz((1, 64, 64, 3), bytes(64 * 64 * 3)),
        npz((1, 8, 8, 3), bytes(8 * 192), "<f8"),
        npz((1, 8, 8, 3), bytes(8 * 192), "|O"),
        npz((1, 8, 8, 3), bytes(192), name="other.npy"),
        npz("(" * 200, bytes(192)),
    ],
    ids=range(13),
)
@pytest.mark.usefixtures("little_memory")
def test_pictures_that_lie_about_themselves_are_refused_and_never_unpickled(tiny, tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples.npz").write_bytes(data)
    with pytest.raises(ex.CheckpointError, match="is damaged or holds no array named images"):
        replace(tiny, folder=tmp_path).examples()
    assert not (tmp_path / "sprung").exists()


@pytest.mark.usefixtures("little_memory")
def test_of_a_zip_bomb_only_the_pictures_are_unpacked(tiny, tmp_path):
    (tmp_path / "examples.npz").write_bytes(npz((2, 8, 8, 3), bytes(MUCH)))
    tracemalloc.reset_peak()  # of making it
    assert replace(tiny, folder=tmp_path).examples().shape == (2, 8, 8, 3)


# What was measured


@pytest.mark.parametrize(
    "content",
    [
        LISTS,
        b'{"loss": ' + LISTS + b"}",
        b'{"loss": {"pictures": 1, "mean": 1' + b"0" * 400 + b"}}",
        b'{"loss": {"pictures": 1e999}}',
        b'{"frechet": NaN}',
        b'{"reconstruction": {"pictures": 1, "how": "' + b"x" * 100_000 + b'", "held_out": "", "weights": ""}}',
        b'{"reconstruction": {"pictures": -1, "how": "", "held_out": "", "weights": ""}}',
        b'{"loss": {"pictures": 1, "mean": 1, "how": "", "curve": [], "fifths_of_t": [' + b"1," * 5000 + b"1]}}",
        b'{"loss": "\\ud800"}',
        b'"quality"',
    ],
    ids=range(10),
)
def test_measurements_that_are_none_are_refused_with_a_short_message(tmp_path, content):
    (tmp_path / "quality.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"quality\.json") as raised:
        read_quality(tmp_path)
    assert type(raised.value) is ValueError
    assert len(str(raised.value)) < 800


def test_whatever_is_cited_in_a_message_stays_short():
    deep: list[object] = []
    for _ in range(20_000):
        deep = [deep]
    for value in (
        deep,
        {"a": deep},
        ["x" * 10**6],
        "x" * 10**6,
        list(range(10**5)),
        10**5000,
        {1: 10**5000},
        "\ud800\0",
    ):
        assert len(short(value)) <= 40
        short(value).encode()
    assert (short([1, 2]), short("a" * 38), short({"a": 1, "b": 2})) == ("[1, 2]", repr("a" * 38), "{'a': 1, 'b': 2}")
