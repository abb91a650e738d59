"""The result of Steps: one run, its numbers and its pictures.

Gradio sends the difference between two values of a component, and the page compares values as strings. So growing data is
kept in append-only strings: a line of numbers for each step, and a line for each preview. The final pictures are sent as one
file, a sprite sheet.
"""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from explorer.media.convert import data_uri, step_panels
from explorer.sampler import Step
from explorer.trajectory import Trajectory, evenly_spaced
from explorer.ui.tab_result import TabResult
from explorer.ui.tabs.steps.forks import COUNT
from explorer.ui.tabs.steps.futures import Futures, curve_forks
from explorer.ui.tabs.steps.futures_export import script_of_futures
from explorer.ui.tabs.steps.other_eta import OtherPicture
from explorer.ui.tabs.steps.sprite_sheet import PUBLISHED_SHEETS, SpriteSheet

MAX_PREVIEWS = 60  # sent during the run
CURVE_POINTS = 200


@dataclass(kw_only=True)
class StepsResult(TabResult):
    """The run of one picture.

    Attributes:
        trajectory: record of the run.
        cached: whether the run comes from the cache.
        other: the picture of the other eta, on the page alone.
        futures: the continuations from one of its steps; None if there are none.
    """

    trajectory: Trajectory
    cached: bool = False
    other: OtherPicture | None = None
    futures: Futures | None = None
    evaluations: int | None = None
    expected_evaluations: int | None = None

    def __post_init__(self) -> None:
        kept = self.trajectory.kept
        self._preview_steps = {kept[i] for i in evenly_spaced(len(kept), MAX_PREVIEWS)}
        if self.futures is not None:  # which only then are limited: a run alone never has too many
            self.evaluations, self.expected_evaluations = 0, self.futures.expected
        self._sheet = self._new_sheet()
        self._rows, self._previews = "", ""
        self._row_count = 0
        self._last_step_time = self.started

    def add(self, step: Step) -> bool:
        """Draw the step that was recorded last. Return whether it is a preview, which the page should show soon."""
        index = len(self.trajectory) - 1
        self._last_step_time = self.started + self.elapsed
        if index not in self.trajectory.kept:
            return False
        pixels = step_panels(step)
        self._sheet.add(pixels)
        if index in self._preview_steps:
            self._previews += f"{index}\t{_preview(pixels)}\n"
        return index == 0 or index in self._preview_steps

    @property
    def progress(self) -> float:
        done, expected = len(self.trajectory), len(self.trajectory.plan)
        if self.futures is not None:
            done, expected = done + self.futures.evaluations, expected + self.futures.expected
        return done / expected

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return super().seconds

    @property
    def seconds(self) -> float:
        """Seconds from the start to the last finished step; 0 for a cached run."""
        return 0.0 if self.cached else self._last_step_time - self.started

    def fixed(self) -> dict[str, Any]:
        schedule, trajectory = self.checkpoint.schedule, self.trajectory
        t = np.unique(np.linspace(0, schedule.T, CURVE_POINTS + 1).round().astype(int))
        plan = [
            [c.t, c.t_prev]
            + [_round(v) for v in (c.alpha_bar, c.alpha_bar_prev, c.sqrt_alpha_bar_prev, c.direction_scale)]
            + [_round(v) for v in (c.sigma, c.m, c.k)]
            for c in trajectory.plan
        ]
        return {
            "settings": self.request.fields(),
            "script": self.script(),
            "T": schedule.T,
            "shape": list(self.checkpoint.shape),
            "alpha_bar": json.dumps([[int(i), _round(schedule.alpha_bar[i])] for i in t]),
            "plan": json.dumps(plan),
            "kept": json.dumps(trajectory.kept),
            "forks": json.dumps({"count": COUNT, "curve": curve_forks(trajectory.kept)}),
        }

    def changing(self) -> dict[str, Any]:
        numbers = self.trajectory.numbers[self._row_count :]
        self._rows += "".join(json.dumps([_round(v) for v in astuple(row)]) + "\n" for row in numbers)
        self._row_count += len(numbers)
        return {
            "state": self.state,
            "rows": self._rows,
            "previews": self._previews,
            "seconds": self.seconds,
            "distances": self._distances if self.state == "ended" else "{}" if self.state == "stopped" else "",
            "other": "" if self.other is None else self.other.to_page(),
            "futures": "" if self.futures is None else self.futures.to_page(),
            "branches": "" if self.futures is None else self.futures.pictures.to_page(),
            "sheet": None if self.state == "running" else self._published_sheet,
        }

    @cached_property
    def _distances(self) -> str:
        """JSON object from the index of each kept step to the distance of its predicted x_0 to the final picture."""
        return json.dumps({index: _round(distance) for index, distance in self.trajectory.distances().items()})

    @cached_property
    def _published_sheet(self) -> dict[str, Any]:
        """The file of the sprite sheet with all kept steps."""
        if self.state != "ended":
            return self._sheet.publish()
        key = self.checkpoint.key, self.request.query.picture.key
        if not self.cached:
            return self._sheet.publish(key)
        return PUBLISHED_SHEETS.get(key) or self._redrawn_sheet().publish(key)

    def _redrawn_sheet(self) -> SpriteSheet:
        """The sprite sheet of a cached run."""
        sheet = self._new_sheet()
        for index in self.trajectory.kept:
            sheet.add(step_panels(self.trajectory.step(index)))
        return sheet

    def _new_sheet(self) -> SpriteSheet:
        return SpriteSheet(len(self.trajectory.kept), *self.checkpoint.shape[1:])

    def script(self) -> str:
        """Return a script that makes the picture with the public API."""
        if self.futures is not None:
            return script_of_futures(self.request, self.futures)
        return self.request.query.to_python(self.checkpoint)


def _preview(pixels: np.ndarray) -> str:
    """Encode uint8 (H, W, 3) as a data URI in preview quality."""
    return data_uri(Image.fromarray(pixels), "jpeg", quality=85, subsampling=0)


def _round(number: float) -> float:
    """Round to eight significant digits, which is more than float32 has."""
    return float(f"{number:.8g}")
