"""A run on its way to the browser: one growing value, cheap to send again and again.

Gradio sends the difference between two yields, and the browser compares whole values as text. So what grows is kept in
strings that are only ever appended to (a line of numbers per step, a line per preview frame), and the finished pictures
travel as one file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from typing import Any

import numpy as np
from PIL import Image

from explorer.checkpoint import Checkpoint
from explorer.media.convert import data_uri
from explorer.media.notebook import frame
from explorer.runs.prefetch import prefetch
from explorer.runs.results import PictureRequest, ResultCache
from explorer.runs.throttle import Throttle
from explorer.sampler import denoise
from explorer.trajectory import Trajectory, evenly_spaced
from explorer.ui.query import Query
from explorer.ui.tabs.steps.sprite_sheet import SHEETS, Sheet

MAX_PREVIEWS = 60  # frames sent while the run is under way
SECONDS_BETWEEN = 0.1  # of two updates of the page: drawing them takes time from the network on a small machine
CURVE_POINTS = 200


def stream(
    checkpoint: Checkpoint, query: Query, finished: ResultCache, state: Callable[[], str]
) -> Iterator[dict[str, Any]]:
    """Run ``query`` and yield the player's value after every few steps, the last one with the sheet.

    A run that is remembered comes as that last value, at once. The sampler runs in a thread of its own, so that neither
    measuring its steps nor drawing and sending their pictures keeps it waiting.

    Args:
        finished: runs that were made before, by any tab; this one is added.
        state: asked before each step: "running" goes on, "stopped" ends and keeps what is there, "superseded" ends
            without another word.
    """
    wanted = PictureRequest(query.latent, query.settings)
    known = finished.run(checkpoint, wanted)
    if known is not None:
        yield _remembered(checkpoint, query, wanted, known)
        return
    x_T = query.latent.latent(checkpoint)
    trajectory = Trajectory(checkpoint, x_T, query.settings)
    kept = set(trajectory.kept)
    preview_steps = {trajectory.kept[i] for i in evenly_spaced(len(trajectory.kept), MAX_PREVIEWS)}
    sheet = Sheet(len(kept), *checkpoint.shape[1:])
    fixed = opening(checkpoint, query, trajectory)
    rows: list[str] = []
    previews: list[str] = []
    started = time.perf_counter()
    pace, seconds = Throttle(SECONDS_BETWEEN), 0.0

    def value(**changes: Any) -> dict[str, Any]:
        texts = {"rows": "".join(rows), "previews": "".join(previews)}
        return fixed | texts | {"seconds": seconds} | changes

    outcome = "running"
    for index, step in enumerate(prefetch(denoise(checkpoint, x_T, query.settings))):
        trajectory.record(step)
        rows.append(row(trajectory, index) + "\n")
        seconds = time.perf_counter() - started
        if index in kept:
            picture = frame(step)
            sheet.add(picture)
            if index in preview_steps:
                previews.append(f"{index}\t{jpeg(picture)}\n")
        if (index == 0 or index in preview_steps) and pace.due():
            yield value()
            pace.told()
        outcome = "ended" if index + 1 == len(trajectory.plan) else state()
        if outcome == "superseded":
            return
        if outcome == "stopped":
            break
    ended = outcome == "ended"
    if ended:
        finished.put_run(wanted, trajectory)
    yield value(
        state=outcome,
        distances=distances(trajectory) if ended else "{}",
        sheet=sheet.save(SHEETS, (checkpoint.key, wanted.key) if ended else None),
    )


def _remembered(checkpoint: Checkpoint, query: Query, wanted: PictureRequest, trajectory: Trajectory) -> dict[str, Any]:
    """The last value of a run that was made before."""
    key = checkpoint.key, wanted.key
    value = SHEETS.get(key)
    if value is None:
        sheet = Sheet(len(trajectory.kept), *checkpoint.shape[1:])
        for index in trajectory.kept:
            sheet.add(frame(trajectory.step(index)))
        value = sheet.save(SHEETS, key)
    return opening(checkpoint, query, trajectory) | {
        "state": "ended",
        "rows": "".join(row(trajectory, index) + "\n" for index in range(len(trajectory))),
        "previews": "",
        "seconds": 0.0,
        "distances": distances(trajectory),
        "sheet": value,
    }


def opening(checkpoint: Checkpoint, query: Query, trajectory: Trajectory) -> dict[str, Any]:
    """All that is known of a run before its first step."""
    schedule = checkpoint.schedule
    t = np.unique(np.linspace(0, schedule.T, CURVE_POINTS + 1).round().astype(int))
    plan = [
        [
            c.t,
            c.t_prev,
            *map(_round, (c.alpha_bar, c.alpha_bar_prev, c.sqrt_alpha_bar_prev, c.direction_scale, c.sigma, c.m, c.k)),
        ]
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


def distances(trajectory: Trajectory) -> str:
    """How far predicted x_0 was from the result at each kept step, as a JSON object."""
    return json.dumps({index: _round(distance) for index, distance in trajectory.distances().items()})


def jpeg(picture: np.ndarray) -> str:
    """uint8 (H, W, 3) as a data URI, good enough for a preview."""
    return data_uri(Image.fromarray(picture), "jpeg", quality=85, subsampling=0)


def _round(number: float) -> float:
    """Eight significant digits: more than the float32 that was measured has."""
    return float(f"{number:.8g}")
