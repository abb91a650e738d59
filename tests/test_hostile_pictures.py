"""Malicious files of held-out pictures: refused without unpickling them or allocating the memory that they declare."""

from __future__ import annotations

import io
import pickle
import struct
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hostile import MUCH, Trap

import explorer as ex


def archive_of(header: str, content: bytes, name: str = "images.npy", packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An .npz of one array, with any header."""
    text = header.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packed) as archive:
        archive.writestr(name, b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + content)
    return buffer.getvalue()


def npz(shape: object, content: bytes, dtype: str = "|u1", **options: Any) -> bytes:
    """An .npz whose array has a header with any shape and dtype."""
    header = str({"descr": dtype, "fortran_order": False, "shape": shape})
    return archive_of(header.ljust(117) + "\n", content, **options)


def altered(data: bytes, place: int, value: bytes) -> bytes:
    """Overwrite bytes in the central directory entry of an archive with one file."""
    at = data.rindex(b"PK\x01\x02") + place
    return data[:at] + value + data[at + len(value) :]


def far_away() -> bytes:
    """An .npz whose array starts at an offset beyond any file."""
    data = npz((1, 8, 8, 3), bytes(192))
    start, end = data.rindex(b"PK\x01\x02"), data.rindex(b"PK\x05\x06")
    extra = struct.pack("<HHQ", 1, 8, 2**64 - 1)
    entry = altered(data, 42, b"\xff" * 4)[start:end] + extra
    entry = entry[:30] + struct.pack("<H", len(extra)) + entry[32:]
    return data[:start] + entry + data[end : end + 12] + struct.pack("<I", len(entry)) + data[end + 16 :]


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
        npz((10**6, 8, 8, 3), bytes(192)),  # declares 192 MB, contains 192 bytes
        npz((10**12, 8, 8, 3), b""),
        npz((-1, 8, 8, 3), bytes(192)),
        npz((2, 8, 8), bytes(128)),
        npz((1, 64, 64, 3), bytes(64 * 64 * 3)),
        npz((1, 8, 8, 3), bytes(8 * 192), "<f8"),
        npz((1, 8, 8, 3), bytes(8 * 192), "|O"),
        npz((1, 8, 8, 3), bytes(192), name="other.npy"),
        npz("(" * 200, bytes(192)),
        *(archive_of(header, bytes(192)) for header in ("[" * 9000, "-" * 9000 + "1", "1+" * 4500 + "1")),
        altered(npz((1, 8, 8, 3), bytes(192)), 8, b"\x01\x00"),  # flagged as encrypted
        altered(npz((1, 8, 8, 3), bytes(192)), 10, b"\x63\x00"),  # unknown compression method
        npz((1, 8, 8, 3), bytes(192), packed=zipfile.ZIP_LZMA).replace(b"]\x00\x00", b"\xff\xff\xff"),
        far_away(),
    ],
    ids=range(20),
)
@pytest.mark.usefixtures("little_memory")
def test_malicious_files_are_refused_and_never_unpickled(tiny, tmp_path, monkeypatch, data):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples.npz").write_bytes(data)
    with pytest.raises(ex.CheckpointError, match="is damaged or holds no array named images"):
        replace(tiny, folder=tmp_path).examples()
    assert not (tmp_path / "sprung").exists()


@pytest.mark.usefixtures("little_memory")
def test_only_the_pictures_of_a_zip_bomb_are_unpacked(tiny, tmp_path):
    (tmp_path / "examples.npz").write_bytes(npz((2, 8, 8, 3), bytes(MUCH)))
    tracemalloc.reset_peak()  # of creating the file
    assert replace(tiny, folder=tmp_path).examples().shape == (2, 8, 8, 3)
