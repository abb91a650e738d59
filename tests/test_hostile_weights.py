"""Hostile weights: refused with a message, without allocating memory or executing code."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path

import pytest
from hostile import LISTS, Trap
from safetensors.torch import load_file, save_file

import explorer as ex
from explorer.storage import limits
from explorer.storage.safe_read import read_file
from explorer.storage.unet import WEIGHTS


def header(**entries: object) -> bytes:
    """A safetensors file with this header and sixteen bytes of data."""
    text = json.dumps(entries).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


def tensor(dtype: object = "F32", shape: object = (4,), offsets: object = (0, 16)) -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (struct.pack("<Q", 2**64 - 1) + b"{}", "the header has 18,446,744,073,709,551,615 bytes"),
        (struct.pack("<Q", 5 << 20) + b" " * (5 << 20), "the limit is 4,194,304"),
        (struct.pack("<Q", 900) + LISTS[:900], "truncated or corrupt"),
        (struct.pack("<Q", 1800) + LISTS, "truncated or corrupt"),
        (struct.pack("<Q", 100) + b"{}", "truncated or corrupt"),
        (struct.pack("<Q", 3) + b"[1]", "the header is not a JSON object"),
        (struct.pack("<Q", 6) + b'{"a":', "truncated or corrupt"),
        (header(a=3), "the header entry of 'a' is not a JSON object"),
        (header(a=tensor(dtype="F4")), "must be one of F16, BF16, F32, F64, not 'F4'"),
        (header(a=tensor(dtype="F8_E8M0", shape=(16,))), "not 'F8_E8M0'"),
        (header(a=tensor(dtype="I64", shape=(2,))), "not 'I64'"),
        (header(a=tensor(dtype=["F32"])), "not ['F32']"),
        (header(a=tensor(shape=(0, 2**62, 2**62), offsets=(0, 0))), "must have at most 4 dimensions"),
        (header(a=tensor(shape=(2**40,))), "must have at most 4 dimensions of size 1 to 1,048,576"),
        (header(a=tensor(shape=(-4,))), "must have at most 4 dimensions"),
        (header(a=tensor(shape=(1,) * 5)), "must have at most 4 dimensions"),
        (header(a=tensor(shape=(True,), offsets=(0, 4))), "must have at most 4 dimensions"),
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
def test_an_invalid_header_is_refused(tiny_copy, refused, data, message):
    (tiny_copy / WEIGHTS).write_bytes(data)
    refused(message)


@pytest.mark.usefixtures("little_memory")
def test_a_huge_weights_file_is_not_read(tiny_copy, refused):
    with (tiny_copy / WEIGHTS).open("wb") as file:
        file.truncate(limits.MAX_WEIGHTS_BYTES + 1)  # a sparse file
    refused("larger than the limit of 4,294,967,296 bytes")


@pytest.mark.usefixtures("little_memory")
def test_reading_a_small_file_takes_little_memory(tmp_path):
    (tmp_path / "file").write_bytes(b"123")
    assert read_file(tmp_path / "file", limits.MAX_WEIGHTS_BYTES) == b"123"
    with pytest.raises(OSError, match="larger than its reported size"):
        read_file(Path("/proc/self/maps"), limits.MAX_WEIGHTS_BYTES)


def test_half_precision_weights_are_loaded_as_float32(tiny_copy):
    save_file({name: tensor.half() for name, tensor in load_file(tiny_copy / WEIGHTS).items()}, tiny_copy / WEIGHTS)
    unet = ex.load(tiny_copy, device="cpu").predict_noise.unet
    assert {str(parameter.dtype) for parameter in unet.parameters()} == {"torch.float32"}


def test_a_pickle_beside_the_weights_is_never_opened(tiny_copy, tmp_path):
    hostile_pickle = pickle.dumps(Trap(tmp_path / "executed"))
    for name in (
        "unet/diffusion_pytorch_model.bin",
        "scheduler/scheduler.pt",
        "data.pkl",
        "modeling.py",
        "unet/x.ckpt",
    ):
        (tiny_copy / name).write_bytes(hostile_pickle)
    checkpoint = ex.load(tiny_copy, device="cpu")
    ex.sample(checkpoint, ex.latent(checkpoint.shape, [0]), ex.Settings(1))
    checkpoint.examples()
    assert not (tmp_path / "executed").exists()
