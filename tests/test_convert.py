"""Conversion of tensors to pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer as ex
from explorer.media.convert import SIGNED_COLOURS, SIGNED_SCALE, grid, signed_to_uint8, to_rgb, to_uint8, to_unit

TEAL, PAPER, BROWN = SIGNED_COLOURS.astype(int).tolist()


def pixel(*values: float) -> torch.Tensor:
    """One picture of one pixel with these channels."""
    return torch.tensor(values).view(1, -1, 1, 1)


@pytest.mark.parametrize(("value", "byte"), [(-1, 0), (1, 255), (-7, 0), (1.001, 255), (0.0, 128), (-0.5, 64)])
def test_minus_one_is_black_and_one_is_white(value, byte):
    assert to_uint8(pixel(value)).tolist() == [[[[byte]]]]


def test_every_byte_survives_the_conversion_to_a_tensor_and_back():
    pictures = np.arange(256 * 3, dtype=np.uint8).reshape(2, 8, 16, 3)
    assert np.array_equal(to_uint8(to_unit(pictures)), pictures)


def test_channels_come_last():
    x = torch.zeros(2, 3, 4, 5)
    x[1, 2, 3, 4] = 1
    pictures = to_uint8(x)
    assert pictures.shape == (2, 4, 5, 3)
    assert pictures.dtype == np.uint8
    assert pictures[1, 3, 4].tolist() == [128, 128, 255]


@pytest.mark.parametrize("scale", [0.5, SIGNED_SCALE, 3.0])
def test_zero_has_the_middle_colour_and_the_scale_the_end_colours(scale):
    for level, colour in ((0, PAPER), (-1, TEAL), (1, BROWN), (-4, TEAL), (4, BROWN)):
        assert signed_to_uint8(pixel(level * scale), scale)[0, 0, 0].tolist() == colour


def test_signed_colours_are_linear_on_each_side():
    half = signed_to_uint8(pixel(-0.5), scale=1.0)[0, 0, 0]
    np.testing.assert_allclose(half, (SIGNED_COLOURS[0] + SIGNED_COLOURS[1]) / 2, atol=0.51)
    quarter = signed_to_uint8(pixel(0.25), scale=1.0)[0, 0, 0]
    np.testing.assert_allclose(quarter, 0.25 * SIGNED_COLOURS[2] + 0.75 * SIGNED_COLOURS[1], atol=0.51)


def test_a_signed_picture_shows_the_mean_of_its_channels():
    assert signed_to_uint8(pixel(-1.0, 0.0, 1.0))[0, 0, 0].tolist() == PAPER
    assert np.array_equal(signed_to_uint8(pixel(0.3, 0.6, 0.9)), signed_to_uint8(pixel(0.6)))


def test_zero_is_lighter_than_either_sign_and_the_signs_differ_in_hue():
    assert min(PAPER) > max(TEAL + BROWN)
    assert np.argmin(TEAL) != np.argmin(BROWN)


def test_grey_pictures_become_rgb_and_colours_stay():
    grey = np.arange(8, dtype=np.uint8).reshape(2, 2, 2, 1)
    assert to_rgb(grey).shape == (2, 2, 2, 3)
    assert (to_rgb(grey) == grey).all()
    colour = np.zeros((1, 2, 2, 3), np.uint8)
    assert to_rgb(colour) is colour


def test_a_grid_is_filled_row_by_row():
    pictures = np.stack([np.full((2, 3, 1), value, np.uint8) for value in (10, 20, 30)])
    sheet = grid(pictures, columns=2, gap=1, background=255)
    assert sheet.size == (2 * 3 + 1, 2 * 2 + 1)
    pixels = np.asarray(sheet)
    assert pixels[0, 0].tolist() == [10, 10, 10]
    assert pixels[1, 6].tolist() == [20, 20, 20]
    assert pixels[4, 2].tolist() == [30, 30, 30]
    assert (pixels[2] == 255).all()  # the gap
    assert (pixels[:, 3] == 255).all()
    assert (pixels[3:, 4:] == 255).all()  # the empty place


def test_to_image_is_the_picture_and_refuses_a_batch():
    x = torch.linspace(-1, 1, 12).reshape(1, 3, 2, 2)
    image = ex.to_image(x)
    assert image.size == (2, 2)
    assert np.array_equal(np.asarray(image), to_uint8(x)[0])
    assert ex.to_image(x[0, :1]).mode == "RGB"  # grey becomes RGB
    with pytest.raises(ValueError, match="one picture"):
        ex.to_image(x.repeat(2, 1, 1, 1))
