"""Text and notebook representations of steps and runs."""

from __future__ import annotations

import base64
import io
import itertools
import re

import numpy as np
import pytest
import torch
from PIL import Image

import explorer as ex
from explorer.denoiser import Denoiser
from explorer.media.convert import signed_to_uint8, step_panels, to_rgb, to_uint8
from explorer.media.notebook import FRAME_HEIGHT, MAX_ROWS, PANEL_HEIGHT
from explorer.mixture import Mixture


def images_of(html: str) -> list[np.ndarray]:
    data = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(text)))) for text in data]


def enlarged(picture: np.ndarray, height: int) -> np.ndarray:
    factor = height // len(picture)
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def run_of(checkpoint: ex.Checkpoint, seeds: list[int], **settings: object) -> ex.Trajectory:
    run = ex.Trajectory(checkpoint, ex.latent(checkpoint.shape, seeds), ex.Settings(**settings))
    for _ in run:
        pass
    return run


@pytest.mark.parametrize("channels", [1, 3])
def test_a_step_shows_the_pictures_of_eq_12_with_their_coefficients(gaussian, channels):
    step = run_of(gaussian(shape=(channels, 8, 8)), [1, 2], steps=5, eta=0.5).step(2)
    html = step._repr_html_()
    pictures = images_of(html)
    assert len(pictures) == 2 * 5
    for row in range(2):
        expected = [to_rgb(to_uint8(x[row : row + 1]))[0] for x in (step.x_t, step.x0, step.x_prev)]
        expected[2:2] = [signed_to_uint8(x[row : row + 1])[0] for x in (step.eps, step.z)]
        for picture, panel in zip(pictures[5 * row : 5 * row + 5], expected, strict=True):
            assert np.array_equal(picture, enlarged(panel, PANEL_HEIGHT))
    c = step.coefficients
    for number in (c.x0, c.direction, c.noise):
        assert f"{number:.4f} ×" in html
    assert f"Step {c.t} → {c.t_prev}" in html
    png = np.asarray(Image.open(io.BytesIO(step._repr_png_())))
    assert np.array_equal(png[:PANEL_HEIGHT], enlarged(step_panels(step), PANEL_HEIGHT))
    assert np.array_equal(png[-PANEL_HEIGHT:], enlarged(step_panels(step, 1), PANEL_HEIGHT))


def test_a_large_batch_shows_its_first_pictures_and_says_so(gaussian):
    step = run_of(gaussian(), list(range(9)), steps=2).step(0)
    assert len(images_of(step._repr_html_())) == MAX_ROWS * 5
    assert f"{MAX_ROWS} of 9 pictures" in step._repr_html_()
    assert "no noise: σ = 0" in step._repr_html_()


def test_a_run_shows_its_film_strip_as_far_as_it_is(gaussian):
    checkpoint = gaussian(shape=(1, 8, 8))
    run = ex.Trajectory(checkpoint, ex.latent(checkpoint.shape, [1]), ex.Settings(steps=40, eta=1.0))
    assert run._repr_html_() is run._repr_png_() is None
    steps = list(itertools.islice(ex.record(run), 30))
    html = run._repr_html_()
    shown = [int(t) for t in re.findall(r">t = (\d+)<", html)]
    assert len(shown) == 12
    assert (shown[0], shown[-1]) == (steps[0].t, steps[-1].t)
    of_t = {step.t: step for step in steps}
    for t, above, below in zip(shown, images_of(html)[::2], images_of(html)[1::2], strict=True):
        assert np.array_equal(above, enlarged(to_rgb(to_uint8(of_t[t].x_t))[0], FRAME_HEIGHT))
        assert np.array_equal(below, enlarged(to_rgb(to_uint8(of_t[t].x0))[0], FRAME_HEIGHT))
    png = np.asarray(Image.open(io.BytesIO(run._repr_png_())))
    assert np.array_equal(png[:FRAME_HEIGHT, :FRAME_HEIGHT], images_of(html)[0])
    assert np.array_equal(png[-FRAME_HEIGHT:, -FRAME_HEIGHT:], images_of(html)[-1])


def test_points_of_a_plane_are_no_pictures_and_show_as_text():
    run = run_of(Mixture.preset("ring").checkpoint(points=7), [0], steps=2)
    assert run._repr_html_() is run._repr_png_() is None
    assert run.step(0)._repr_html_() is run.step(0)._repr_png_() is None


def test_each_value_says_what_it_is_in_one_short_line(gaussian):
    checkpoint = gaussian(shape=(3, 8, 8))
    run = run_of(checkpoint, [0], steps=4, eta=0.5)
    step = run.step(1)
    denoiser = Denoiser(torch.nn.Identity(), checkpoint.schedule, patch=2, prediction_type="v_prediction", device="cpu")
    for value in (checkpoint, denoiser, checkpoint.schedule, run.settings, step, step.terms, run):
        assert repr(value).startswith(f"{type(value).__name__}(")
        assert len(repr(value)) < 160
        assert "tensor" not in repr(value)
        assert "\n" not in repr(value)
    assert repr(denoiser) == "Denoiser(UNet2DModel, v_prediction, patch=2, torch float32, on cpu)"
    assert repr(step) == "Step(750 -> 500: 0.2803 x0 + 0.8367 eps + 0.4704 z)"
    assert f"noise {step.terms.noise.square().mean().sqrt():.4f}" in repr(step.terms)
    assert eval(repr(run.settings), {"Settings": ex.Settings}) == run.settings
    assert len(repr(ex.Settings(noise_seed=tuple(range(9000))))) < 160
