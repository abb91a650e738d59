"""Exported files, decoded again by independent libraries."""

import csv
import io
import re

import av
import numpy as np
import pytest
import torch
from files import file_of
from PIL import Image
from small import WAVY

import explorer as ex
from explorer.media import exports
from explorer.media.convert import to_uint8

SETTINGS = "tab=steps&seed=22&steps=50&eta=0.5&latents=22%2C+10"


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def flat(*colours, side=8):
    """Pictures of one colour each: uint8 (N, side, side, 3)."""
    return np.array(colours, dtype=np.uint8)[:, None, None, :].repeat(side, 1).repeat(side, 2)


def run_of(settings, **options):
    trajectory = ex.Trajectory(WAVY, ex.latent(WAVY.shape, [3]), settings, **options)
    for _ in trajectory:
        pass
    return trajectory


def frames_of(data):
    """All frames of an MP4 as RGB, and its codec, pixel format, frame rate and size."""
    with av.open(io.BytesIO(data)) as film:
        (stream,) = film.streams
        frames = [f.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray() for f in film.decode(stream)]
        codec = stream.codec_context
        return np.stack(frames), (codec.name, codec.pix_fmt, float(stream.average_rate), codec.width, codec.height)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_holds_the_pictures_own_pixels_and_its_settings(channels):
    picture = noise(8, 10, channels)
    data = exports.png(picture, SETTINGS)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.size == (10, 8)
        assert opened.info == {"ddim-explorer": SETTINGS}  # known before the pixels are read
        assert np.array_equal(np.asarray(opened), np.broadcast_to(picture, (8, 10, 3)))
    assert exports.read_settings(data) == SETTINGS


def test_other_pngs_have_no_settings():
    assert exports.read_settings(exports.png(noise(8, 8, 3))) is None
    assert exports.read_settings(file_of(noise(8, 8, 3))) is None
    assert exports.read_settings(exports.png(noise(8, 8, 3), "a" * 8193)) is None


@pytest.mark.parametrize("data", [b"", b"GIF89a", file_of(noise(8, 8, 3), "jpeg"), exports.png(noise(8, 8, 3))[:20]])
def test_other_files_are_refused_as_png(data):
    with pytest.raises(ValueError, match="not a readable PNG"):
        exports.read_settings(data)


def test_a_strip_is_the_pictures_side_by_side():
    pictures = noise(4, 8, 6, 3)
    assert np.array_equal(exports.strip(pictures), np.concatenate(list(pictures), axis=1))
    apart = exports.strip(pictures, gap=2)
    assert apart.shape == (8, 4 * 6 + 3 * 2, 3)
    assert np.array_equal(apart[:, 8:14], pictures[1])
    assert (apart[:, 6:8] == 255).all()


def test_a_sheet_has_a_row_for_each_row():
    rows = list(noise(2, 3, 8, 6, 3))
    whole = exports.sheet(rows)
    assert whole.shape == (18, 22, 3)
    assert np.array_equal(whole[10:18, 16:22], rows[1][2])


@pytest.mark.parametrize(("height", "factor"), [(8, 32), (64, 4), (96, 3), (256, 1), (300, 1)])
def test_animations_are_enlarged_by_an_integer_factor(height, factor):
    frames = noise(2, height, 6, 3)
    large = exports.enlarge(frames)
    assert large.shape == (2, height * factor, 6 * factor, 3)
    for i in range(factor):
        assert np.array_equal(large[:, i::factor, i::factor], frames)


def test_a_gif_shows_every_frame_for_its_duration():
    frames = flat((255, 0, 0), (0, 200, 0), (0, 0, 90), (9, 9, 9))
    with Image.open(io.BytesIO(exports.gif(frames, fps=10))) as film:
        assert (film.size, film.n_frames, film.info["loop"]) == ((256, 256), 4, 0)
        for k, frame in enumerate(frames):
            film.seek(k)
            assert film.info["duration"] == (1100 if k == 3 else 100)
            assert np.array_equal(np.asarray(film.convert("RGB")), exports.enlarge(frame[None])[0])


def test_a_gif_of_noise_is_close_to_it():
    frames = noise(3, 32, 32, 3)
    with Image.open(io.BytesIO(exports.gif(frames))) as film:
        for k, frame in enumerate(exports.enlarge(frames)):
            film.seek(k)
            assert np.abs(np.asarray(film.convert("RGB")).astype(int) - frame).mean() < 16


def test_repeated_frames_keep_their_duration():
    with Image.open(io.BytesIO(exports.gif(flat((1, 2, 3), (1, 2, 3), (1, 2, 3)), fps=10))) as film:
        total = 0
        for k in range(film.n_frames):
            film.seek(k)
            total += film.info["duration"]
    assert total == 1300


@pytest.mark.parametrize(("height", "width"), [(8, 8), (8, 9), (301, 63)])
def test_an_mp4_is_h264_with_even_sides_and_shows_every_frame(height, width):
    level = np.linspace(30, 220, 12)[:, None, None, None]
    frames = np.broadcast_to(level * [1.0, 0.8, 0.3], (12, height, width, 3)).astype(np.uint8)
    shown, properties = frames_of(exports.mp4(frames, fps=6))
    large = exports.enlarge(frames)
    _, H, W, _ = large.shape
    assert properties == ("h264", "yuv420p", 6.0, W + W % 2, H + H % 2)
    assert len(shown) == 12 + 6  # the last one stays for a second
    assert np.abs(shown[:12, :H, :W].astype(int) - large).max() <= 6
    assert np.abs(shown[12:, :H, :W].astype(int) - large[-1]).max() <= 6


def test_an_mp4_declares_its_colour_space():
    with av.open(io.BytesIO(exports.mp4(flat((255, 0, 0))))) as film:
        codec = film.streams.video[0].codec_context
        assert (codec.colorspace, codec.color_primaries, codec.color_trc, codec.color_range) == (1, 1, 1, 1)


@pytest.mark.parametrize("make", [exports.gif, exports.mp4])
def test_an_animation_needs_a_frame(make):
    with pytest.raises(ValueError, match="at least one frame"):
        make(noise(0, 8, 8, 3))
    assert len(make(noise(1, 8, 8, 3))) > 500


@pytest.mark.parametrize(("frames", "fps"), [(1, 8), (20, 8), (120, 15), (1000, 25)])
def test_the_frame_rate_is_limited(frames, fps):
    assert exports.frame_rate(frames) == fps


def test_a_table_preserves_every_number():
    rows = [{"t": 10, "x": 0.1 + 0.2}, {"t": 5, "x": None, "latent": 'slerp(1, 2, "0.5")'}, {"t": 1, "x": 1e-300}]
    back = list(csv.DictReader(io.StringIO(exports.table(rows).decode(), newline="")))
    assert [float(row["x"] or "nan") for row in back] == pytest.approx([0.1 + 0.2, np.nan, 1e-300], rel=0, nan_ok=True)
    assert back[1] == {"t": "5", "x": "", "latent": 'slerp(1, 2, "0.5")'}
    with pytest.raises(ValueError, match="no numbers"):
        exports.table([])


def test_the_numbers_of_a_run_are_those_of_its_steps():
    settings = ex.Settings(7, 0.5, clip=True)
    rows = exports.run_numbers(run_of(settings))
    steps = list(ex.denoise(WAVY, ex.latent(WAVY.shape, [3]), settings))
    assert [(row["step"], row["t"], row["t_prev"]) for row in rows] == [
        (k, s.t, s.t_prev) for k, s in enumerate(steps, 1)
    ]
    for row, step in zip(rows, steps, strict=True):
        assert row["coefficient_x0"] == step.coefficients.sqrt_alpha_bar_prev
        assert row["coefficient_direction"] == step.coefficients.direction_scale
        assert row["sigma"] == step.sigma
        assert row["rms_term_x0"] == pytest.approx(step.terms.x0.square().mean().sqrt().item())
        assert row["clipped"] == int(step.clipped.sum())
        away = (step.x0 - steps[-1].x_prev).square().mean().sqrt().item()
        assert row["rms_x0_to_result"] == pytest.approx(away)


@pytest.mark.parametrize("settings", [ex.Settings(7, 0.5), ex.Settings(30, 1.0, "large", "quadratic")])
def test_the_arrays_of_a_run_match_their_readme(settings):
    trajectory = run_of(settings, max_frames=5)
    with np.load(io.BytesIO(exports.run_arrays(trajectory)), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    steps = list(ex.denoise(WAVY, ex.latent(WAVY.shape, [3]), settings))
    assert arrays["t"].tolist() == [s.t for s in steps]
    assert arrays["t_prev"].tolist() == [s.t_prev for s in steps]
    assert arrays["sigma"].tolist() == [s.sigma for s in steps]
    assert np.array_equal(arrays["x_0"], steps[-1].x_prev.numpy())
    for i, k in enumerate(arrays["kept"]):
        assert np.array_equal(arrays["x_t"][i], steps[k].x_t.numpy())
        alpha_bar = arrays["alpha_bar"][k]
        x0 = (arrays["x_t"][i] - np.sqrt(1 - alpha_bar) * arrays["eps_theta"][i]) / np.sqrt(alpha_bar)
        assert np.allclose(x0, steps[k].x0.numpy(), rtol=1e-4, atol=1e-4)
    documented = set(re.findall(r"\w+", str(arrays.pop("README"))))
    assert {name for name in arrays if not name.startswith("numbers_")} <= documented


def test_the_arrays_of_a_run_are_loaded_as_a_trajectory(tmp_path):
    trajectory = run_of(ex.Settings(7, 0.5))
    (tmp_path / "run.npz").write_bytes(exports.run_arrays(trajectory))
    opened = ex.Trajectory.load(tmp_path / "run.npz", WAVY)
    assert opened.settings == trajectory.settings
    assert torch.equal(opened.x_0, trajectory.x_0)
    assert torch.equal(opened.step(3).x_prev, trajectory.step(3).x_prev)


def test_the_frames_of_a_run_are_x_t_and_predicted_x0():
    trajectory = run_of(ex.Settings(9, 0.5))
    frames = exports.run_frames(trajectory)
    assert frames.shape == (9, 2, 4, 4, 3)
    step = trajectory.step(4)
    assert np.array_equal(frames[4, 0, ..., :1], to_uint8(step.x_t)[0])
    assert np.array_equal(frames[4, 1, ..., :1], to_uint8(step.x0)[0])
    few = exports.run_frames(trajectory, 3)
    assert np.array_equal(few, frames[[0, 4, 8]])
