"""Display of steps and trajectories in notebooks.

A step is drawn as five panels: x_t, predicted x_0, eps, z and x_prev. Signed tensors use a diverging colour map with
zero in the middle.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from html import escape

import numpy as np
from PIL import Image
from torch import Tensor

from explorer.media.convert import PANELS, SIGNED_SCALE, data_uri, grid, step_panels, to_rgb, to_uint8
from explorer.sampler import Step
from explorer.support.rich_display import html, png
from explorer.trajectory import Trajectory, evenly_spaced

MAX_ROWS = 4  # pictures of a batch that are shown
MAX_STEPS = 12  # steps of a trajectory that are shown
PANEL_HEIGHT = 120  # of a panel of a step, approximate, in pixels
FRAME_HEIGHT = 64  # of a frame of a trajectory
TERM_COLOURS = {  # as on the app's page, for light and dark mode
    "x0": ("#2B68C0", "#86B4FF"),
    "direction": ("#A86500", "#E9A84C"),
    "noise": ("#80185A", "#F0609E"),
}


@png.register
def step_png(step: Step) -> bytes | None:
    """The panels of the first pictures of the batch, one row each, as PNG; None if x_t is not a picture."""
    if not _is_picture(step.x_t.shape):
        return None
    frames = np.stack([step_panels(step, i) for i in range(min(len(step.x_t), MAX_ROWS))])
    return _png(frames, 1, PANEL_HEIGHT)


@html.register
def step_html(step: Step) -> str | None:
    """The panels of the first pictures of the batch with the coefficients of Eq. 12; None if x_t is not a picture."""
    if not _is_picture(step.x_t.shape):
        return None
    c = step.coefficients
    captions = [
        (f"x{_sub(c.t)}", f"x at t = {c.t}", ""),
        (f"{c.sqrt_alpha_bar_prev:.4f} × predicted x{_sub(0)}", "predicted x_0", "x0"),
        (f"+ {c.direction_scale:.4f} × ε", "direction pointing to x_t", "direction"),
        (f"+ {c.sigma:.4f} × z" if c.sigma else "no noise: σ = 0", "noise z", "noise"),
        (f"= x{_sub(c.t_prev)}", f"x at t = {c.t_prev}", ""),
    ]
    rows = []
    for i in range(min(len(step.x_t), MAX_ROWS)):
        panels = np.split(step_panels(step, i), PANELS, axis=1)
        figures = [
            figure(caption if i == 0 else "", image(panel, alt, PANEL_HEIGHT, term))
            for panel, (caption, alt, term) in zip(panels, captions, strict=True)
        ]
        rows.append(row(figures))
    head = f"Step {c.t} → {c.t_prev}: ᾱ {c.alpha_bar:.4g} → {c.alpha_bar_prev:.4g}, σ = {c.sigma:.4g}"
    scale = f"ε and z: mean over the channels, teal −{SIGNED_SCALE}, brown +{SIGNED_SCALE}"
    return _block(head + _of_batch(len(step.x_t), MAX_ROWS), rows, scale)


@png.register
def run_png(trajectory: Trajectory) -> bytes | None:
    """x_t above predicted x_0 at some kept steps, as PNG; None before the first step or if x_t is not a picture."""
    steps = _steps_to_show(trajectory)
    if not steps:
        return None
    both = [to_uint8(step.x_t[:1]) for step in steps] + [to_uint8(step.x0[:1]) for step in steps]
    return _png(to_rgb(np.concatenate(both)), len(steps), FRAME_HEIGHT)


@html.register
def run_html(trajectory: Trajectory) -> str | None:
    """As :func:`run_png`, with the time steps and the settings."""
    steps = _steps_to_show(trajectory)
    if not steps:
        return None
    figures = [
        figure(
            f"t = {step.t}",
            image(_picture(step.x_t), f"x at t = {step.t}", FRAME_HEIGHT),
            image(_picture(step.x0), f"predicted x_0 at t = {step.t}", FRAME_HEIGHT),
        )
        for step in steps
    ]
    head = escape(repr(trajectory)) + _of_batch(len(trajectory.x_0), 1)
    return _block(head, [row(figures, gap=0)], f"above x{_sub('t')}, below predicted x{_sub(0)}")


def _is_picture(shape: tuple[int, ...]) -> bool:
    """Whether (B, C, H, W) is the shape of greyscale or colour pictures, and not of points of a plane, for example."""
    _, C, H, W = shape
    return C in (1, 3) and min(H, W) > 2


def _steps_to_show(trajectory: Trajectory) -> list[Step]:
    """Up to :data:`MAX_STEPS` of the kept steps, evenly spaced."""
    if not _is_picture(tuple(trajectory.x_0.shape)):
        return []
    kept = trajectory.kept_so_far
    return [trajectory.step(kept[i]) for i in evenly_spaced(len(kept), MAX_STEPS)] if kept else []


def _picture(x: Tensor) -> np.ndarray:
    return to_rgb(to_uint8(x[:1]))[0]


def _enlarge(frames: np.ndarray, height: int) -> np.ndarray:
    """Scale frames (N, H, W, 3) to about that height by an integer factor, nearest neighbour."""
    factor = max(1, round(height / frames.shape[1]))
    return frames.repeat(factor, axis=1).repeat(factor, axis=2)


def _png(frames: np.ndarray, columns: int, height: int) -> bytes:
    buffer = io.BytesIO()
    grid(_enlarge(frames, height), columns, gap=4).save(buffer, "png")
    return buffer.getvalue()


def image(picture: np.ndarray, alt: str, height: int, term: str = "") -> str:
    """An ``<img>`` of uint8 (H, W, 3), enlarged to about that height, with the frame of a term."""
    light, dark = TERM_COLOURS.get(term, ("transparent", "transparent"))
    border = f"border:3px solid {light};border-color:light-dark({light},{dark})" if term else "padding:3px"
    image = Image.fromarray(_enlarge(picture[None], height)[0])
    style = f"display:block;max-width:none;margin:0;box-sizing:content-box;{border}"
    return f'<img alt="{alt}" src="{data_uri(image)}" width="{image.width}" height="{image.height}" style="{style}">'


def figure(caption: str, *images: str) -> str:
    """Images below each other, under a caption that may be wider."""
    text = f'<figcaption style="width:0;white-space:nowrap">{caption}</figcaption>' if caption else ""
    return f'<figure style="margin:0">{text}{"".join(images)}</figure>'


def _sub(index: object) -> str:
    return f'<sub style="line-height:0">{index}</sub>'


def row(figures: Iterable[str], gap: int = 18) -> str:
    """Figures side by side, ``gap`` pixels apart."""
    return f'<div style="display:flex;flex-wrap:wrap;gap:2px {gap}px">{"".join(figures)}</div>'


def _of_batch(batch: int, shown: int) -> str:
    return f", {shown} of {batch} pictures" if batch > shown else ""


def _block(head: str, rows: Iterable[str], foot: str) -> str:
    style = "font:13px/1.5 system-ui,sans-serif"
    return f'<div style="{style}"><div>{head}</div>{"".join(rows)}<div style="opacity:.75">{foot}</div></div>'
