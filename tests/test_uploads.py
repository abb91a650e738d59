"""Uploaded pictures: any format that Pillow reads becomes an RGB square, and unusable files are refused."""

from __future__ import annotations

import struct
import threading
import tracemalloc
import warnings
import zlib

import numpy as np
import pytest
import torch
from files import file_of
from PIL import Image

from explorer.media import uploads
from explorer.media.uploads import (
    CACHED_SIDE,
    MAX_FILE,
    DecodingBudget,
    PictureError,
    UploadedPictures,
    as_tensor,
    read_picture,
)

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def read(picture: Image.Image, kind: str = "png", **options: object) -> np.ndarray:
    """Encode a picture as a file and read it: uint8 (side, side, 3)."""
    square = read_picture(file_of(picture, kind, **options))
    assert square.mode == "RGB"
    return np.asarray(square)


def png_of_size(width: int, height: int) -> bytes:
    """A PNG of a few bytes whose header declares any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + data


@pytest.fixture
def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8))


# What is read


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm"])
def test_an_rgb_square_is_unchanged(noise, kind):
    assert np.array_equal(read(noise, kind), np.asarray(noise))


def test_lossy_files_are_read_too(noise):
    smooth = noise.resize((64, 64), Image.Resampling.BICUBIC)
    for kind in ("jpeg", "webp"):
        off = np.abs(read(smooth, kind, quality=95).astype(int) - np.asarray(smooth))
        assert off.mean() < 8


def test_grey_has_three_equal_channels(noise):
    grey = noise.convert("L")
    assert np.array_equal(read(grey), np.repeat(np.asarray(grey)[..., None], 3, axis=2))


def test_one_bit_is_black_and_white(noise):
    assert np.array_equal(read(noise.convert("1")), np.asarray(noise.convert("1").convert("RGB")))
    assert set(np.unique(read(noise.convert("1")))) == {0, 255}


def test_a_palette_is_converted_to_its_colours():
    halves = Image.new("RGB", (16, 16), RED)
    halves.paste(BLUE, (8, 0, 16, 16))
    shown = read(halves.convert("P", palette=Image.Palette.ADAPTIVE))
    assert np.array_equal(shown, np.asarray(halves))


def test_cmyk_is_converted_to_rgb():
    shown = read(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "tiff")
    assert np.array_equal(shown, np.full((16, 16, 3), RED))


def test_the_range_of_sixteen_bit_grey_is_scaled_to_bytes():
    ramp = np.linspace(1000, 60000, 256).astype(np.uint16).reshape(16, 16)
    shown = read(Image.fromarray(ramp))
    assert (shown.min(), shown.max()) == (0, 255)
    assert np.array_equal(np.sort(shown[..., 0].ravel()), shown[..., 0].ravel())  # the order of the greys
    assert len(np.unique(shown)) > 200
    flat = read(Image.fromarray(np.full((16, 16), 300, dtype=np.uint16)))
    assert len(np.unique(flat)) == 1


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_blended_with_white(mode):
    colour = {"RGBA": RED, "LA": (0,)}[mode]
    layer = Image.new(mode, (16, 16), (*colour, 255))
    layer.paste((*colour, 0), (8, 0, 16, 16))
    layer.paste((*colour, 102), (0, 8, 8, 16))
    shown = read(layer)
    opaque = np.array(colour * (3 // len(colour)))
    assert np.array_equal(shown[4, 4], opaque)
    assert np.array_equal(shown[4, 12], WHITE)
    np.testing.assert_allclose(shown[12, 4], 0.4 * opaque + 0.6 * 255, atol=1)


def test_a_transparent_entry_of_a_palette_is_white():
    picture = Image.new("P", (16, 16), 0)
    picture.putpalette([*RED, *BLUE])
    picture.paste(1, (8, 0, 16, 16))
    shown = read(picture, transparency=1)
    assert np.array_equal(shown[4, 4], RED)
    assert np.array_equal(shown[4, 12], WHITE)


@pytest.mark.parametrize("turn", range(1, 9))
def test_the_exif_orientation_is_applied(turn):
    upright = np.zeros((64, 64, 3), dtype=np.uint8)
    upright[:32, :32], upright[:32, 32:], upright[32:, :32] = RED, GREEN, BLUE
    ways = {  # what the camera stored of a picture that is to be shown upright
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = turn
    shown = read(Image.fromarray(np.ascontiguousarray(ways[turn])), "jpeg", quality=95, exif=exif)
    for row, column in [(16, 16), (16, 48), (48, 16), (48, 48)]:
        assert np.abs(shown[row, column].astype(int) - upright[row, column]).max() < 12


@pytest.mark.parametrize("mode", ["I;16", "F", "RGBA", "LA", "P"])
def test_a_picture_is_the_same_however_many_rows_are_converted_at_once(monkeypatch, mode):
    values = np.random.default_rng(0)
    if mode == "I;16":
        picture = Image.fromarray(values.integers(0, 1 << 16, (37, 21), dtype=np.uint16))
    elif mode == "F":
        picture = Image.fromarray(values.normal(size=(37, 21)).astype(np.float32))
    else:
        picture = Image.fromarray(values.integers(0, 256, (37, 21, 4), dtype=np.uint8)).convert(mode)
    options = {"transparency": 3} if mode == "P" else {}
    whole = read(picture, "tiff" if mode == "F" else "png", **options)
    monkeypatch.setattr(uploads, "STRIP_PIXELS", 100)
    assert np.array_equal(read(picture, "tiff" if mode == "F" else "png", **options), whole)


@pytest.mark.slow
def test_a_picture_of_high_bit_depth_needs_little_memory_beyond_its_pixels():
    data = file_of(Image.fromarray(np.arange(9_000_000, dtype=np.uint32).reshape(3000, 3000).astype(np.uint16)))
    tracemalloc.start()
    read_picture(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 48 << 20  # a copy in float64 has 69 MiB


def test_pictures_are_decoded_one_after_the_other_where_they_are_large():
    budget, decoded = DecodingBudget(100), []
    with budget.pixels(60):

        def decode(count):
            with budget.pixels(count):
                decoded.append(count)

        large, small = (threading.Thread(target=decode, args=(count,)) for count in (41, 40))
        large.start()
        small.start()
        small.join()
        assert decoded == [40]
    large.join()
    assert decoded == [40, 41]


def test_the_centre_square_is_cropped():
    wide = Image.new("RGB", (48, 16), RED)
    wide.paste(BLUE, (16, 0, 32, 16))
    assert np.array_equal(read(wide), np.full((16, 16, 3), BLUE))
    assert np.array_equal(read(wide.transpose(Image.Transpose.ROTATE_90)), np.full((16, 16, 3), BLUE))


def test_large_pictures_are_downscaled():
    assert read(Image.new("RGB", (1200, 900), GREEN)).shape == (CACHED_SIDE, CACHED_SIDE, 3)


def test_the_first_frame_of_an_animation_is_used():
    frames = [Image.new("RGB", (16, 16), colour) for colour in (BLUE, RED, GREEN)]
    shown = read(frames[0], "gif", save_all=True, append_images=frames[1:])
    assert np.array_equal(shown, np.full((16, 16, 3), BLUE))


# Unusable files


@pytest.mark.parametrize("data", [b"", b"\0", b"no picture at all", b"%PDF-1.7", b"<svg xmlns='x'></svg>", b"GIF89a"])
def test_a_file_that_is_not_a_picture_is_refused_with_a_suggestion(data):
    with pytest.raises(PictureError, match=r"this picture cannot be read or is damaged: try a PNG or a JPEG"):
        read_picture(data)


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "tiff"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.9])
def test_a_truncated_file_is_refused(noise, kind, part):
    whole = file_of(noise.resize((64, 64)), kind)
    read_picture(whole)
    with pytest.raises(PictureError, match="damaged: try a PNG or a JPEG"):
        read_picture(whole[: int(len(whole) * part)])


@pytest.mark.parametrize("size", [(7100, 7100), (12_000, 12_000), (60_000, 60_000), (2**31 - 1, 2**31 - 1)])
def test_a_small_file_that_declares_a_huge_picture_is_refused_before_it_is_read(size):
    data = png_of_size(*size)
    assert len(data) < 200
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureError, match="50 million pixels"):
            read_picture(data)


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((1, 1), "1x1; each side needs at least 8 pixels"),
        ((7, 300), "7x300; each side needs at least 8 pixels"),
        ((20_000, 10), "20000x10: its middle square would show almost nothing"),
        ((10, 201), "10x201: its middle square would show almost nothing"),
    ],
)
def test_a_picture_that_is_too_small_or_too_long_is_refused_with_its_size(size, message):
    with pytest.raises(PictureError, match=message):
        read_picture(file_of(Image.new("RGB", size)))


def test_the_smallest_and_the_longest_accepted_picture():
    assert read(Image.new("RGB", (8, 8), RED)).shape == (8, 8, 3)
    assert read(Image.new("RGB", (160, 8), RED)).shape == (8, 8, 3)


def test_a_file_that_is_too_large_is_refused_with_the_limit():
    with pytest.raises(PictureError, match="the file has 21 MB, more than the limit of 20 MB"):
        read_picture(b"\0" * (MAX_FILE + (1 << 20) + 1))


# Conversion to a checkpoint's shape


@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 8, 8), (1, 16, 16), (3, 8, 16), (1, 32, 32)])
def test_a_tensor_has_the_shape_of_the_checkpoint_and_values_from_minus_one_to_one(noise, shape):
    x_0 = as_tensor(noise, shape)
    assert x_0.shape == (1, *shape)
    assert x_0.dtype == torch.float32
    assert -1 <= x_0.min() < x_0.max() <= 1


def test_a_tensor_of_the_same_size_is_the_picture_itself(noise):
    x_0 = as_tensor(noise, (3, 16, 16))[0]
    np.testing.assert_allclose(x_0.permute(1, 2, 0), np.asarray(noise) / 127.5 - 1, atol=1e-6)
    grey = as_tensor(noise, (1, 16, 16))[0, 0]
    np.testing.assert_allclose(grey, np.asarray(noise.convert("L")) / 127.5 - 1, atol=1e-6)


# The cache of uploads


def test_an_upload_is_named_by_the_hash_of_its_content(noise):
    uploads = UploadedPictures()
    name = uploads.put(file_of(noise))
    assert len(name) == 16
    assert int(name, 16) >= 0
    assert uploads.put(file_of(noise, "bmp")) == name  # the same pixels in another file
    assert uploads.put(file_of(noise.rotate(90))) != name
    assert np.array_equal(np.asarray(uploads.get(name)), np.asarray(noise))


def test_the_least_recently_used_upload_is_evicted():
    uploads = UploadedPictures(max_cached=2)
    red, green = (uploads.put(file_of(Image.new("RGB", (8, 8), colour))) for colour in (RED, GREEN))
    uploads.get(red)
    uploads.put(file_of(Image.new("RGB", (8, 8), BLUE)))
    assert uploads.get(red).getpixel((0, 0)) == RED
    with pytest.raises(PictureError, match="is no longer in memory: choose the file again"):
        uploads.get(green)


def test_a_refused_upload_does_not_change_the_cache(noise):
    uploads = UploadedPictures(max_cached=1)
    name = uploads.put(file_of(noise))
    with pytest.raises(PictureError):
        uploads.put(b"no picture")
    assert uploads.get(name).size == (16, 16)
