"""The five panels of a step of Eq. 12, and how steps and runs show themselves in a notebook.

Signed tensors are in diverging colours, zero in the middle. In a notebook the text takes the colour of the page around it.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from html import escape

import numpy as np
from PIL import Image

from explorer.media.convert import SIGNED_SCALE, data_uri, grid, signed_to_uint8, to_rgb, to_uint8
from explorer.sampler import Step
from explorer.support.rich_display import html, png
from explorer.trajectory import Trajectory, evenly_spaced

PANELS = 5
MOST_ROWS = 4  # pictures of a batch that are shown
MOST_STEPS = 12  # of a run that are shown
PANEL, FRAME = 120, 64  # pixels that a panel of a step and a frame of a film strip have in a notebook, about
COLOURS = {  # of the terms on the app's page, light and dark
    "x0": ("#2B68C0", "#86B4FF"),
    "direction": ("#A86500", "#E9A84C"),
    "noise": ("#80185A", "#F0609E"),
}


def frame(step: Step, row: int = 0) -> np.ndarray:
    """The five panels of one picture of the batch side by side: x_t, predicted x_0, eps, z, x_prev; uint8 (H, 5 W, 3)."""
    one = slice(row, row + 1)
    z = step.x_t.new_zeros(step.x_t.shape) if step.z is None else step.z
    x_t, x0, x_prev = (to_rgb(to_uint8(x[one]))[0] for x in (step.x_t, step.x0, step.x_prev))
    eps, noise = (signed_to_uint8(x[one])[0] for x in (step.eps, z))
    return np.concatenate([x_t, x0, eps, noise, x_prev], axis=1)


@png.register
def step_png(step: Step) -> bytes | None:
    """The panels of the first pictures of the batch, one below the other, as PNG; None if they are no pictures."""
    if not _pictures(step.x_t.shape):
        return None
    frames = np.stack([frame(step, row) for row in range(min(len(step.x_t), MOST_ROWS))])
    return _png(frames, 1, PANEL)


@html.register
def step_html(step: Step) -> str | None:
    """Eq. 12 with the numbers of this step, over its panels with their coefficients; None if they are no pictures."""
    if not _pictures(step.x_t.shape):
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
    for row in range(min(len(step.x_t), MOST_ROWS)):
        panels = np.split(frame(step, row), PANELS, axis=1)
        figures = [
            _figure(caption if row == 0 else "", _image(panel, alt, PANEL, term))
            for panel, (caption, alt, term) in zip(panels, captions, strict=True)
        ]
        rows.append(_row(figures))
    head = f"Step {c.t} → {c.t_prev}: ᾱ {c.alpha_bar:.4g} → {c.alpha_bar_prev:.4g}, σ = {c.sigma:.4g}"
    scale = f"ε and z: mean over the channels, teal −{SIGNED_SCALE}, brown +{SIGNED_SCALE}"
    return _block(head + _of_batch(len(step.x_t), MOST_ROWS), rows, scale)


@png.register
def run_png(trajectory: Trajectory) -> bytes | None:
    """x_t and below it predicted x_0 at some of the kept steps, as PNG; None before the first step and without pictures."""
    steps = _some_steps(trajectory)
    if not steps:
        return None
    both = [to_uint8(step.x_t[:1]) for step in steps] + [to_uint8(step.x0[:1]) for step in steps]
    return _png(to_rgb(np.concatenate(both)), len(steps), FRAME)


@html.register
def run_html(trajectory: Trajectory) -> str | None:
    """The same with t over each step, and the settings."""
    steps = _some_steps(trajectory)
    if not steps:
        return None
    figures = [
        _figure(
            f"t = {step.t}",
            _image(_picture(step.x_t), f"x at t = {step.t}", FRAME),
            _image(_picture(step.x0), f"predicted x_0 at t = {step.t}", FRAME),
        )
        for step in steps
    ]
    head = escape(repr(trajectory)) + _of_batch(len(trajectory.x_0), 1)
    return _block(head, [_row(figures, gap=0)], f"above x{_sub('t')}, below predicted x{_sub(0)}")


def _pictures(shape: tuple[int, ...]) -> bool:
    """Whether (B, C, H, W) are grey or colour pictures, and not points of a plane or whatever else is sampled."""
    _, C, H, W = shape
    return C in (1, 3) and min(H, W) > 2


def _some_steps(trajectory: Trajectory) -> list[Step]:
    """Up to 12 of the kept steps that are done, evenly spread."""
    if not _pictures(tuple(trajectory.x_0.shape)):
        return []
    done = trajectory.kept_so_far
    return [trajectory.step(done[i]) for i in evenly_spaced(len(done), MOST_STEPS)] if done else []


def _picture(x: object) -> np.ndarray:
    return to_rgb(to_uint8(x[:1]))[0]  # type: ignore[index]


def _enlarge(frames: np.ndarray, height: int) -> np.ndarray:
    """Frames (N, H, W, 3) at about that height, by a whole factor: every pixel is a square."""
    factor = max(1, round(height / frames.shape[1]))
    return frames.repeat(factor, axis=1).repeat(factor, axis=2)


def _png(frames: np.ndarray, columns: int, height: int) -> bytes:
    buffer = io.BytesIO()
    grid(_enlarge(frames, height), columns, gap=4).save(buffer, "png")
    return buffer.getvalue()


def _image(picture: np.ndarray, alt: str, height: int, term: str = "") -> str:
    light, dark = COLOURS.get(term, ("transparent", "transparent"))
    border = f"border:3px solid {light};border-color:light-dark({light},{dark})" if term else "padding:3px"
    image = Image.fromarray(_enlarge(picture[None], height)[0])
    style = f"display:block;max-width:none;margin:0;box-sizing:content-box;{border}"
    return f'<img alt="{alt}" src="{data_uri(image)}" width="{image.width}" height="{image.height}" style="{style}">'


def _figure(caption: str, *images: str) -> str:
    text = f'<figcaption style="width:0;white-space:nowrap">{caption}</figcaption>' if caption else ""
    return f'<figure style="margin:0">{text}{"".join(images)}</figure>'


def _sub(index: object) -> str:
    return f'<sub style="line-height:0">{index}</sub>'


def _row(figures: Iterable[str], gap: int = 18) -> str:
    return f'<div style="display:flex;flex-wrap:wrap;gap:2px {gap}px">{"".join(figures)}</div>'


def _of_batch(batch: int, shown: int) -> str:
    return f", {shown} of {batch} pictures" if batch > shown else ""


def _block(head: str, rows: Iterable[str], foot: str) -> str:
    style = "font:13px/1.5 system-ui,sans-serif"
    return f'<div style="{style}"><div>{head}</div>{"".join(rows)}<div style="opacity:.75">{foot}</div></div>'
