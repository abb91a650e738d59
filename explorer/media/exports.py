"""Files of a run: PNG pictures with embedded settings, GIF and MP4 animations, CSV tables and npz arrays.

Pictures are uint8, one (H, W, 1 or 3) or several (N, H, W, 1 or 3). PNG files have the original resolution. Animations
are enlarged by an integer factor with nearest-neighbour scaling, since most players do not enlarge small ones.
"""

from __future__ import annotations

import csv
import io
import math
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from explorer.media.convert import grid, to_rgb, to_uint8
from explorer.trajectory import Numbers, Trajectory, evenly_spaced

KEYWORD = "ddim-explorer"  # keyword of the PNG text chunk that holds the settings
MAX_SETTINGS = 8192  # characters
MIN_ANIMATION_HEIGHT = 256  # pixels
ANIMATION_SECONDS = 8
MIN_FPS, MAX_FPS = 8, 25
LAST_FRAME_SECONDS = 1.0


def png(picture: np.ndarray, settings: str = "") -> bytes:
    """Encode a picture as PNG with its settings in a tEXt chunk.

    Args:
        picture: uint8 (H, W, 1 or 3).
        settings: ASCII query string of the page's URL, such as "tab=steps&seed=22&steps=50&eta=0.5"; "" for no chunk.
    """
    text = PngImagePlugin.PngInfo()
    if settings:
        text.add_text(KEYWORD, settings)
    buffer = io.BytesIO()
    Image.fromarray(to_rgb(picture[None])[0]).save(buffer, "png", pnginfo=text, optimize=True)
    return buffer.getvalue()


def read_settings(data: bytes) -> str | None:
    """Return the settings embedded in a PNG that :func:`png` wrote; None for any other PNG.

    Raises:
        ValueError: ``data`` is not a readable PNG.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            settings = picture.info.get(KEYWORD)
    except Exception as error:  # Pillow raises errors of many types for damaged files
        raise ValueError("this is not a readable PNG") from error
    return str(settings) if isinstance(settings, str) and len(settings) <= MAX_SETTINGS else None


def strip(pictures: np.ndarray, gap: int = 0) -> np.ndarray:
    """Arrange uint8 (N, H, W, C) side by side with a white ``gap``: uint8 (H, N W + (N-1) gap, 3)."""
    return np.asarray(grid(pictures, len(pictures), gap))


def sheet(rows: Sequence[np.ndarray], gap: int = 2) -> np.ndarray:
    """Arrange rows of pictures, each uint8 (N, H, W, C) with the same N, one below the other: uint8 (…, …, 3)."""
    return np.asarray(grid(np.concatenate(rows), len(rows[0]), gap))


def enlarge(frames: np.ndarray, height: int = MIN_ANIMATION_HEIGHT) -> np.ndarray:
    """Scale frames (N, H, W, C) by the smallest integer factor that gives ``height`` rows; nearest neighbour, RGB."""
    factor = max(1, math.ceil(height / frames.shape[1]))
    return to_rgb(frames).repeat(factor, axis=1).repeat(factor, axis=2)


def frame_rate(frames: int) -> int:
    """Frames per second of an animation of about :data:`ANIMATION_SECONDS`, within :data:`MIN_FPS`..:data:`MAX_FPS`."""
    return min(MAX_FPS, max(MIN_FPS, round(frames / ANIMATION_SECONDS)))


def gif(frames: np.ndarray, fps: int | None = None) -> bytes:
    """Encode frames as a looping GIF, enlarged. The last frame is shown for :data:`LAST_FRAME_SECONDS` longer.

    Each frame has its own palette of 256 colours, and only pixels that change are stored. GIF rounds the frame duration
    to hundredths of a second.

    Args:
        frames: uint8 (N, H, W, 1 or 3), N >= 1.
        fps: frames per second; :func:`frame_rate` if None.

    Raises:
        ValueError: there are no frames.
    """
    durations = _gif_durations(len(frames), fps)
    first, *rest = [Image.fromarray(frame).quantize(256) for frame in enlarge(frames)]
    buffer = io.BytesIO()
    first.save(buffer, "gif", save_all=True, append_images=rest, duration=durations, loop=0)
    return buffer.getvalue()


def _gif_durations(frames: int, fps: int | None) -> list[int]:
    """Duration of each frame in milliseconds."""
    if frames == 0:
        raise ValueError("an animation needs at least one frame")
    duration = 10 * round(100 / (fps or frame_rate(frames)))
    return [duration] * (frames - 1) + [duration + int(1000 * LAST_FRAME_SECONDS)]


def mp4(frames: np.ndarray, fps: int | None = None) -> bytes:
    """Encode frames as MP4 (H.264, yuv420p, BT.709), enlarged. The last frame is repeated as in :func:`gif`.

    Arguments and errors as for :func:`gif`.
    """
    import av  # takes as long to load as numpy

    if len(frames) == 0:
        raise ValueError("an animation needs at least one frame")
    rate = fps or frame_rate(len(frames))
    enlarged = _pad_to_even(enlarge(frames))
    enlarged = np.concatenate([enlarged, np.repeat(enlarged[-1:], round(rate * LAST_FRAME_SECONDS), axis=0)])
    with tempfile.TemporaryDirectory() as folder:  # faststart rewrites the file, so it cannot be a stream in memory
        path = Path(folder) / "animation.mp4"
        with av.open(path, "w", options={"movflags": "+faststart"}) as container:
            stream = _add_h264_stream(container, rate, enlarged.shape[1:3])
            for picture in enlarged:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
            container.mux(stream.encode())
        return path.read_bytes()


def _add_h264_stream(container: Any, rate: int, size: tuple[int, int]) -> Any:
    stream = container.add_stream("libx264", rate=Fraction(rate), options={"crf": "14", "preset": "fast"})
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p"
    codec = stream.codec_context
    codec.colorspace = codec.color_primaries = codec.color_trc = 1  # BT.709, so that all players show the same colours
    codec.color_range = 1  # limited range, 16..235
    return stream


def _pad_to_even(frames: np.ndarray) -> np.ndarray:
    """Repeat the last row or column if the height or width is odd, since yuv420p requires even sides."""
    _, H, W, _ = frames.shape
    return np.ascontiguousarray(np.pad(frames, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)), mode="edge"))


def table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Encode rows as CSV (RFC 4180, UTF-8) with a header line. Numbers have full precision, and None is empty.

    The columns are the keys in order of first appearance. A row may lack some of them.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("there are no numbers to save")
    columns = list(dict.fromkeys(key for row in rows for key in row))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode()


def npz(**arrays: Any) -> bytes:
    """Encode named arrays as a compressed .npz file."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


# Exports of a trajectory


def run_numbers(trajectory: Trajectory) -> list[dict[str, Any]]:
    """Return one row per recorded step: time steps, coefficients of Eq. 12, and :class:`explorer.Numbers`."""
    distances = trajectory.distances() if trajectory.done else {}
    rows = []
    for index, (c, n) in enumerate(zip(trajectory.plan, trajectory.numbers, strict=False)):
        measured = {f.name: getattr(n, f.name) for f in fields(Numbers)}
        not_rms = ("sum_residual", "mk_residual", "clipped")
        rows.append(
            {"step": index + 1, "t": c.t, "t_prev": c.t_prev}
            | {"alpha_bar": c.alpha_bar, "alpha_bar_prev": c.alpha_bar_prev}
            | {"coefficient_x0": c.sqrt_alpha_bar_prev, "coefficient_direction": c.direction_scale}
            | {"sigma": c.sigma, "m": c.m, "k": c.k}
            | {f"rms_{name}": value for name, value in measured.items() if name not in not_rms}
            | {name: measured[name] for name in not_rms}
            | {"rms_x0_to_result": distances.get(index)}
        )
    return rows


ARRAYS = """settings: JSON, the checkpoint and the fields of explorer.Settings
t, t_prev (S,): the time steps of the run, t descending; the last t_prev is 0
alpha_bar, alpha_bar_prev, sigma (S,): float64, at each step
kept (K,): indices of the steps whose tensors are stored; 0 is the first step (largest t)
x_t (K, B, C, H, W): float32, the state before each kept step, approximately N(0, I) at first
eps_theta (K, B, C, H, W): float32, the noise that the network predicted at (x_t, t)
x_0 (B, C, H, W): float32, the result, approximately in [-1, 1]
numbers_NAME (S,): measurement NAME of each step over the whole batch, see explorer.Numbers
predicted x_0 of kept step i, without clip: (x_t[i] - sqrt(1 - alpha_bar[kept[i]]) eps_theta[i]) /
sqrt(alpha_bar[kept[i]])
"""


def run_arrays(trajectory: Trajectory) -> bytes:
    """Encode a run as .npz for :meth:`explorer.Trajectory.load`. The array ``README`` documents the others.

    Raises:
        ValueError: no step is recorded yet.
    """
    arrays = trajectory.arrays()
    plan = trajectory.plan[: len(trajectory)]
    for name in ("t", "t_prev", "alpha_bar", "alpha_bar_prev", "sigma"):
        arrays[name] = np.array([getattr(c, name) for c in plan])
    return npz(README=np.array(ARRAYS), **arrays)


def run_frames(trajectory: Trajectory, limit: int | None = None) -> np.ndarray:
    """Return x_t and predicted x_0 of the first picture of the batch at the kept steps: uint8 (K, 2, H, W, 3).

    Args:
        limit: return at most this many steps, evenly spaced; all if None.
    """
    kept = trajectory.kept_so_far
    steps = [trajectory.step(kept[i]) for i in evenly_spaced(len(kept), limit or len(kept))]
    return np.stack([to_rgb(np.concatenate([to_uint8(s.x_t[:1]), to_uint8(s.x0[:1])])) for s in steps])
