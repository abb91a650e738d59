"""What is kept of a run outside the explorer: pictures with their settings inside, strips, films, arrays, tables.

Pictures are uint8 (H, W, 1 or 3), several of them (N, H, W, 1 or 3). A PNG holds the picture's own pixels, one for one, and
so does a strip. A film would be a stamp at that size, so films are enlarged by a whole factor, each pixel a square.
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

import av
import numpy as np
from PIL import Image, PngImagePlugin

from explorer.media.convert import grid, to_rgb, to_uint8
from explorer.trajectory import Numbers, Trajectory, evenly_spaced

KEYWORD = "ddim-explorer"  # of the PNG's text chunk that holds the settings
MAX_SETTINGS = 8192  # characters
FILM_HEIGHT = 256  # pixels: a film has at least so many rows
SECONDS, SLOWEST, FASTEST = 8, 8, 25  # of a film, and the bounds of its frames a second
HOLD = 1.0  # seconds for which the last frame of a film stays


def png(picture: np.ndarray, settings: str = "") -> bytes:
    """A PNG in native pixels, ``settings`` in a tEXt chunk under :data:`KEYWORD` before the pixels.

    Args:
        picture: uint8 (H, W, 1 or 3).
        settings: the query of the page's address, such as "tab=steps&seed=22&steps=50&eta=0.5": ASCII; "" for none.
    """
    text = PngImagePlugin.PngInfo()
    if settings:
        text.add_text(KEYWORD, settings)
    buffer = io.BytesIO()
    Image.fromarray(to_rgb(picture[None])[0]).save(buffer, "png", pnginfo=text, optimize=True)
    return buffer.getvalue()


def read_settings(data: bytes) -> str | None:
    """The settings in a PNG that :func:`png` wrote; None for any other picture.

    Raises:
        ValueError: the data are no PNG.
    """
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as picture:
            settings = picture.info.get(KEYWORD)
    except Exception as error:  # Pillow's reader raises many kinds for damaged files
        raise ValueError("this is no PNG that can be read") from error
    return str(settings) if isinstance(settings, str) and len(settings) <= MAX_SETTINGS else None


def strip(pictures: np.ndarray, gap: int = 0) -> np.ndarray:
    """uint8 (N, H, W, C) side by side in native pixels, white ``gap`` between: uint8 (H, N W + (N-1) gap, 3)."""
    return np.asarray(grid(pictures, len(pictures), gap))


def sheet(rows: Sequence[np.ndarray], gap: int = 2) -> np.ndarray:
    """Rows of pictures, each uint8 (N, H, W, C), equally many in each, one below the other: uint8 (…, …, 3)."""
    return np.asarray(grid(np.concatenate(rows), len(rows[0]), gap))


def enlarge(frames: np.ndarray, height: int = FILM_HEIGHT) -> np.ndarray:
    """Frames (N, H, W, C) by the least whole factor that gives ``height`` rows: RGB, every pixel a square."""
    factor = max(1, math.ceil(height / frames.shape[1]))
    return to_rgb(frames).repeat(factor, axis=1).repeat(factor, axis=2)


def pace(frames: int) -> int:
    """Frames a second for a film of so many: about :data:`SECONDS` long, and never too slow or too fast to follow."""
    return min(FASTEST, max(SLOWEST, round(frames / SECONDS)))


def gif(frames: np.ndarray, fps: int | None = None) -> bytes:
    """An endless GIF, enlarged, its last frame held for a second.

    Each frame has its own 256 colours, and no pixel that stays is stored twice. Delays are whole hundredths of a second.

    Args:
        frames: uint8 (N, H, W, 1 or 3), N >= 1.
        fps: frames a second; :func:`pace` if None.

    Raises:
        ValueError: no frames.
    """
    delays = _delays(len(frames), fps)
    colours = [Image.fromarray(frame).quantize(256) for frame in enlarge(frames)]
    buffer = io.BytesIO()
    first, *rest = colours
    first.save(buffer, "gif", save_all=True, append_images=rest, duration=delays, loop=0)
    return buffer.getvalue()


def _delays(frames: int, fps: int | None) -> list[int]:
    """Milliseconds for which each frame of a GIF stays."""
    if frames == 0:
        raise ValueError("a film needs at least one frame")
    each = 10 * round(100 / (fps or pace(frames)))
    return [each] * (frames - 1) + [each + int(1000 * HOLD)]


def mp4(frames: np.ndarray, fps: int | None = None) -> bytes:
    """An MP4 (H.264, yuv420p, BT.709), enlarged to even sides, its last frame held for a second.

    Arguments and errors as :func:`gif`.
    """
    if len(frames) == 0:
        raise ValueError("a film needs at least one frame")
    rate = fps or pace(len(frames))
    large = _even(enlarge(frames))
    large = np.concatenate([large, np.repeat(large[-1:], round(rate * HOLD), axis=0)])
    with tempfile.TemporaryDirectory() as folder:  # its index goes to the front, which takes a second look at the file
        path = Path(folder) / "film.mp4"
        with av.open(path, "w", options={"movflags": "+faststart"}) as film:
            stream = _h264(film, rate, large.shape[1:3])
            for picture in large:
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                film.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace="ITU709")))
            film.mux(stream.encode())
        return path.read_bytes()


def _h264(film: Any, rate: int, size: tuple[int, int]) -> Any:
    stream = film.add_stream("libx264", rate=Fraction(rate), options={"crf": "14", "preset": "fast"})
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p"
    codec = stream.codec_context
    codec.colorspace = codec.color_primaries = codec.color_trc = (
        1  # BT.709, so that every player shows the same colours
    )
    codec.color_range = 1  # levels 16..235
    return stream


def _even(frames: np.ndarray) -> np.ndarray:
    """Frames with even sides, as yuv420p needs: the last row or column once more where a side is odd."""
    _, H, W, _ = frames.shape
    return np.ascontiguousarray(np.pad(frames, ((0, 0), (0, H % 2), (0, W % 2), (0, 0)), mode="edge"))


def table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A CSV (RFC 4180, UTF-8) with a head: a line for each row, its numbers in full precision, empty for None.

    Columns are the keys in the order in which they first come up; a row may lack some.

    Raises:
        ValueError: no rows.
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
    """Named arrays as a compressed .npz."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


# What a run gives


def run_numbers(trajectory: Trajectory) -> list[dict[str, Any]]:
    """A row for each step done: its time steps, the coefficients of Eq. 12, and what was measured (rms over all values)."""
    distances = trajectory.distances() if trajectory.done else {}
    rows = []
    for index, (c, n) in enumerate(zip(trajectory.plan, trajectory.numbers, strict=False)):
        measured = {f.name: getattr(n, f.name) for f in fields(Numbers)}
        exact = ("sum_residual", "mk_residual", "clipped")
        rows.append(
            {"step": index + 1, "t": c.t, "t_prev": c.t_prev}
            | {"alpha_bar": c.alpha_bar, "alpha_bar_prev": c.alpha_bar_prev}
            | {"coefficient_x0": c.sqrt_alpha_bar_prev, "coefficient_direction": c.direction_scale}
            | {"sigma": c.sigma, "m": c.m, "k": c.k}
            | {f"rms_{name}": value for name, value in measured.items() if name not in exact}
            | {name: measured[name] for name in exact}
            | {"rms_x0_to_result": distances.get(index)}
        )
    return rows


ARRAYS = """settings: JSON, the checkpoint and the fields of explorer.Settings
t, t_prev (S,): the time steps of the run, t descending; t_prev of the last is 0
alpha_bar, alpha_bar_prev, sigma (S,): float64, of each step
kept (K,): indices of the steps whose pictures are kept, 0 is the first step (t = T)
x_t (K, B, C, H, W): float32, the state before each kept step, about N(0, 1) at first
eps_theta (K, B, C, H, W): float32, the noise that the network predicted there
x_0 (B, C, H, W): float32, the result, values about [-1, 1]
numbers_NAME (S,): rms of NAME over all values at each step, see explorer.Numbers
predicted x_0 of kept step i, without clip: (x_t[i] - sqrt(1 - alpha_bar[kept[i]]) eps_theta[i]) / sqrt(alpha_bar[kept[i]])
"""


def run_arrays(trajectory: Trajectory) -> bytes:
    """A run as .npz, which ``Trajectory.load`` reads again. Its array ``README`` says what the others are: :data:`ARRAYS`.

    Raises:
        ValueError: the run has no step yet.
    """
    arrays = trajectory.arrays()
    plan = trajectory.plan[: len(trajectory)]
    for name in ("t", "t_prev", "alpha_bar", "alpha_bar_prev", "sigma"):
        arrays[name] = np.array([getattr(c, name) for c in plan])
    return npz(README=np.array(ARRAYS), **arrays)


def run_frames(trajectory: Trajectory, most: int | None = None) -> np.ndarray:
    """x_t and predicted x_0 of the kept steps: uint8 (K, 2, H, W, 3), at most ``most`` of them, evenly spread.

    Of a batch the first row counts.
    """
    done = trajectory.kept_so_far
    chosen = [done[i] for i in evenly_spaced(len(done), most or len(done))]
    steps = [trajectory.step(i) for i in chosen]
    return np.stack([to_rgb(np.concatenate([to_uint8(s.x_t[:1]), to_uint8(s.x0[:1])])) for s in steps])
