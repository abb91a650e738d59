"""A run on its way to the browser: one growing value, cheap to send again and again.

Gradio sends the difference between two yields, and the browser compares whole values as text. So what grows is kept in
strings that are only ever appended to (a line of numbers per step, a line per preview frame), and the finished pictures
travel as one file.
"""

from __future__ import annotations

import itertools
import json
import math
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from explorer.checkpoint import Checkpoint
from explorer.pictures import data_uri, signed_to_uint8, to_rgb, to_uint8
from explorer.sampler import Step
from explorer.trajectory import Trajectory, spread
from explorer.ui.state import Query

MAX_PREVIEWS = 60  # frames sent while the run is under way
EXACT_FRAMES = 60  # up to here the sheet is a PNG, beyond a JPEG of the best quality without chroma subsampling
SECONDS_BETWEEN = 0.1  # of two updates of the page: drawing them takes time from the network on a small machine
CURVE_POINTS = 200
PANELS = 5


def stream(checkpoint: Checkpoint, query: Query, state: Callable[[], str]) -> Iterator[dict[str, Any]]:
    """Run ``query`` and yield the player's value after every few steps, the last one with the sheet.

    Args:
        state: asked before each step: "running" goes on, "stopped" ends and keeps what is there, "superseded" ends
            without another word.
    """
    trajectory = Trajectory(checkpoint, query.latent.make(checkpoint), query.settings)
    preview_steps = {trajectory.kept[i] for i in spread(len(trajectory.kept), MAX_PREVIEWS)}
    fixed = opening(checkpoint, query, trajectory)
    rows: list[str] = []
    previews: list[str] = []
    started = time.perf_counter()
    seconds = sent = 0.0

    def value(**changes: Any) -> dict[str, Any]:
        return fixed | {"rows": "".join(rows), "previews": "".join(previews), "seconds": seconds} | changes

    outcome = "running"
    for index, step in enumerate(trajectory):
        rows.append(row(trajectory, index) + "\n")
        if index in preview_steps:
            previews.append(f"{index}\t{jpeg(frame(step))}\n")
        seconds = time.perf_counter() - started
        if index == 0 or (index in preview_steps and seconds - sent > SECONDS_BETWEEN):
            sent = seconds
            yield value()
        outcome = "ended" if trajectory.done else state()
        if outcome == "superseded":
            return
        if outcome == "stopped":
            break
    distances = trajectory.distances() if trajectory.done else {}
    yield value(
        state=outcome,
        distances=json.dumps({index: _round(distance) for index, distance in distances.items()}),
        sheet=sheet(trajectory),
    )


def opening(checkpoint: Checkpoint, query: Query, trajectory: Trajectory) -> dict[str, Any]:
    """All that is known of a run before its first step."""
    schedule = checkpoint.schedule
    t = np.unique(np.linspace(0, schedule.T, CURVE_POINTS + 1).round().astype(int))
    plan = [
        [c.t, c.t_prev, *map(_round, (c.alpha_bar, c.alpha_bar_prev, c.x0, c.direction, c.sigma, c.m, c.k))]
        for c in trajectory.plan
    ]
    return {
        "state": "running",
        "settings": query.fields(),
        "script": query.to_python(checkpoint),
        "T": schedule.T,
        "shape": list(checkpoint.shape),
        "alpha_bar": json.dumps([[int(i), _round(schedule.alpha_bar[i])] for i in t]),
        "plan": json.dumps(plan),
        "kept": json.dumps(trajectory.kept),
        "distances": "",
        "sheet": None,
    }


def row(trajectory: Trajectory, index: int) -> str:
    """The numbers of one step as a JSON array, in the order of :class:`explorer.trajectory.Numbers`."""
    return json.dumps([_round(number) for number in astuple(trajectory.numbers[index])])


def frame(step: Step) -> np.ndarray:
    """The five panels of a step side by side: x_t, predicted x_0, eps, z, x_prev; uint8 (H, 5 W, 3)."""
    z = step.x_t.new_zeros(step.x_t.shape) if step.z is None else step.z
    natural = (to_rgb(to_uint8(x)) for x in (step.x_t, step.x0, step.x_prev))
    x_t, x0, x_prev = (pictures[0] for pictures in natural)
    return np.concatenate([x_t, x0, signed_to_uint8(step.eps)[0], signed_to_uint8(z)[0], x_prev], axis=1)


def jpeg(picture: np.ndarray) -> str:
    """uint8 (H, W, 3) as a data URI, good enough for a preview."""
    return data_uri(Image.fromarray(picture), "jpeg", quality=85, subsampling=0)


def sheet(trajectory: Trajectory) -> dict[str, Any]:
    """The frames of all kept steps in one picture file, in reading order, and how many stand in a row."""
    indices = [i for i in trajectory.kept if i < len(trajectory)]
    _, H, W = trajectory.checkpoint.shape
    columns = max(1, min(len(indices), math.ceil(math.sqrt(len(indices) * H / (PANELS * W)))))
    rows = math.ceil(len(indices) / columns)
    picture = np.zeros((rows * H, columns * PANELS * W, 3), dtype=np.uint8)
    for k, index in enumerate(indices):
        top, left = k // columns * H, k % columns * PANELS * W
        picture[top : top + H, left : left + PANELS * W] = frame(trajectory.step(index))
    exact = len(indices) <= EXACT_FRAMES
    file = SHEETS.new_file(".png" if exact else ".jpg")
    image = Image.fromarray(picture)
    if exact:
        image.save(file, compress_level=1)
    else:
        image.save(file, quality=95, subsampling=0)
    return {"file": gr.FileData(path=str(file)).model_dump(), "columns": columns}


class SheetFolder:
    """A folder of its own for sheets on their way into Gradio's cache; the oldest go, and all at the end of the process."""

    def __init__(self, most: int = 32) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="explorer-sheets-")
        self._files: deque[Path] = deque()
        self._numbers = itertools.count()
        self._most = most

    def new_file(self, suffix: str) -> Path:
        path = Path(self._folder.name) / f"sheet-{next(self._numbers)}{suffix}"
        self._files.append(path)
        while len(self._files) > self._most:
            self._files.popleft().unlink(missing_ok=True)
        return path


SHEETS = SheetFolder()


def _round(number: float) -> float:
    """Eight significant digits: more than the float32 that was measured has."""
    return float(f"{number:.8g}")
