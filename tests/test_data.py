"""Reading data sets: every format gives one uint8 array, and invalid files are refused with a message."""

from __future__ import annotations

import gzip
import struct

import numpy as np
import pytest
from flat import flat_pictures
from PIL import Image

from explorer.storage.picture_dataset import DataError, load_pictures


def idx(images: np.ndarray, magic: int = 2051) -> bytes:
    return struct.pack(">4I", magic, *images.shape) + images.tobytes()


GREY = np.random.default_rng(1).integers(0, 256, (5, 28, 28), dtype=np.uint8)


def test_an_npz_is_read_unchanged(tmp_path):
    np.savez(tmp_path / "a.npz", images=flat_pictures(4))
    np.testing.assert_array_equal(load_pictures(tmp_path / "a.npz"), flat_pictures(4))
    np.savez(tmp_path / "b.npz", images=GREY)
    np.testing.assert_array_equal(load_pictures(str(tmp_path / "b.npz")), GREY[..., None])


@pytest.mark.parametrize("name", ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"])
def test_an_idx_file_is_read_compressed_or_not(tmp_path, name):
    content = idx(GREY)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    np.testing.assert_array_equal(load_pictures(tmp_path / name), GREY[..., None])


def test_pictures_of_28_pixels_are_padded_to_32_with_black(tmp_path):
    (tmp_path / "idx.gz").write_bytes(gzip.compress(idx(GREY)))
    padded = load_pictures(tmp_path / "idx.gz", size=32)
    assert padded.shape == (5, 32, 32, 1)
    np.testing.assert_array_equal(padded[:, 2:30, 2:30, 0], GREY)
    assert padded.sum() == GREY.sum()


def test_a_folder_is_read_in_the_order_of_file_names(tmp_path):
    pictures = flat_pictures(3)
    (tmp_path / "deeper").mkdir()
    for name, picture in zip(("a.png", "b.PNG", "deeper/c.bmp"), pictures, strict=True):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("not a picture")
    np.testing.assert_array_equal(load_pictures(tmp_path), pictures)


def test_pictures_of_different_sizes_are_cropped_to_the_centre_square_and_resized(tmp_path):
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 200  # the centre square
    Image.fromarray(wide).save(tmp_path / "wide.png")
    Image.new("L", (7, 14), 90).save(tmp_path / "tall.png")
    with pytest.raises(DataError, match="differ in size: give --size to crop and resize them"):
        load_pictures(tmp_path)
    pictures = load_pictures(tmp_path, size=8)
    assert pictures.shape == (2, 8, 8, 3)
    assert (pictures[0] == 90).all()
    assert pictures[1].min() > 180  # the filter overshoots


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data.npz", b"junk", "data.npz is not a readable .npz file"),
        ("data.npz", b"", "data.npz is not a readable .npz file"),
        ("data.npz", b"PK\x03\x04junk", "data.npz is not a readable .npz file"),
        ("data.csv", b"1,2,3", "data.csv has an unknown format: expected .npz, idx.gz or a folder"),
        ("idx.gz", b"junk", "idx.gz is not a readable idx file"),
        ("idx.gz", gzip.compress(idx(GREY), mtime=0)[:-50], "idx.gz is not a readable idx file"),
        ("idx.gz", gzip.compress(bytes(5000), mtime=0)[:12] + b"\xff" * 20, "idx.gz is not a readable idx file"),
        ("idx.gz", gzip.compress(b"short", mtime=0), "idx.gz is not a readable idx file"),
        (
            "idx.gz",
            gzip.compress(idx(GREY, magic=2049), mtime=0),
            "is not an idx file of uint8 images, or it is truncated",
        ),
        ("idx.gz", gzip.compress(idx(GREY)[:-1], mtime=0), "is not an idx file of uint8 images, or it is truncated"),
    ],
)
def test_a_file_of_an_unknown_or_damaged_format_is_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_pictures(tmp_path / name)


def test_an_npz_without_suitable_pictures_is_named(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, pictures=flat_pictures(2))
    with pytest.raises(DataError, match=r"a.npz holds no array named images"):
        load_pictures(path)
    for images in (
        flat_pictures(0),
        flat_pictures(2).astype(np.float32),
        flat_pictures(2)[..., :2],
        np.zeros(3, np.uint8),
    ):
        np.savez(path, images=images)
        with pytest.raises(DataError, match=r"a.npz: expected uint8 images \(N, H, W, 1 or 3\), got"):
            load_pictures(path)
    with path.open("wb") as file:
        np.save(file, flat_pictures(2))  # an .npy file named .npz
    with pytest.raises(DataError, match=r"a.npz is not a readable .npz file"):
        load_pictures(path)


def test_a_damaged_npz_is_named(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, images=GREY)
    whole = path.read_bytes()
    for damaged in (whole[:-30], whole[:1000], whole[:500] + bytes(100) + whole[600:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match=r"a.npz is not a readable .npz file"):
            load_pictures(path)


def test_a_missing_file_an_empty_folder_and_a_damaged_picture_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no data at .*: give an .npz, an idx or idx.gz file, or a folder"):
        load_pictures(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"no pictures in .*: expected files like"):
        load_pictures(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\x89PNG but no more")
    with pytest.raises(DataError, match=r"a.png cannot be read as a picture"):
        load_pictures(tmp_path)


def test_pictures_larger_than_the_size_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=GREY)
    with pytest.raises(DataError, match="the pictures are 28x28, larger than --size 16"):
        load_pictures(tmp_path / "a.npz", size=16)
