"""The result of Paths: runs of points in the plane, and a sweep over S."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from explorer.forward import Paths
from explorer.mixture import PRESETS, Mixture
from explorer.plane import (
    energy_distance,
    mode_std,
    near_the_data,
    ode_coordinates,
    shares,
    spread_around_means,
    straightness,
)
from explorer.schedule import Schedule
from explorer.settings import Settings
from explorer.trajectory import evenly_spaced
from explorer.ui.custom_status import CustomStatus
from explorer.ui.picture_stream import base64_floats
from explorer.ui.tab_result import TabResult
from explorer.ui.tabs.paths.drawing import DRAWING, STD, python_list, text_of
from explorer.ui.tabs.paths.options import PathsOptions

MINE = "mine"  # the run of the user's own step, if the app has one
SHOWN_POINTS = 200  # of each path
SHOWN_ENDS = 600  # end points
PRESET_DRAWINGS = json.dumps({name: text_of(Mixture.preset(name).means) for name in PRESETS})
NEAR_S = 5.0  # alpha_bar = 0.04: what is left of the data is a fifth of the noise


def relative_spread(mixture: Mixture, x: np.ndarray) -> float:
    """Return the ratio of the standard deviation within a mode to the exact one, averaged over the modes.

    A drawing has too many components for a standard deviation in each: there it is the spread around the drawn points.
    """
    if mixture.name == DRAWING:
        return spread_around_means(mixture, x) / float(np.sqrt(mixture.weights @ np.square(mixture.stds)))
    return float(np.nanmean(mode_std(mixture, x) / mixture.stds))


def shown_eta(settings: Settings) -> float | str:
    """Return eta, or "large" for sigma-hat."""
    return "large" if settings.variance == "large" else settings.eta


def paths_to_page(paths: Paths, drawn: int) -> dict[str, Any]:
    """Return the first ``drawn`` paths as JSON."""
    shown = evenly_spaced(len(paths.t), SHOWN_POINTS)
    return {"t": [paths.t[i] for i in shown], "x": paths.x[:drawn, shown].round(4).tolist()}


@dataclass(frozen=True, eq=False)
class PlaneRun:
    """One run of all points, and its measurements.

    Attributes:
        paths: of all points.
        settings: of the sampler.
        straight_ode, straight_near, straight: median ratio of length to distance, in the coordinates of the ODE, in those with
            s up to :data:`NEAR_S`, and in the plane.
        energy: energy distance of the end points to exact samples.
        shares: smallest and largest fraction of the points in a mode.
        mode_std: ratio of the standard deviation within a mode to the exact one, see :func:`relative_spread`.
    """

    paths: Paths
    settings: Settings
    straight_ode: float
    straight_near: float
    straight: float
    energy: float
    shares: tuple[float, float]
    mode_std: float

    @classmethod
    def measure(cls, mixture: Mixture, paths: Paths, exact: np.ndarray, settings: Settings) -> PlaneRun:
        """Measure the paths of one run.

        Args:
            mixture: the data distribution.
            paths: of the run.
            exact: samples of the mixture, (points, 2).
            settings: of the sampler.
        """
        ends = paths.x[:, 0]
        share = shares(mixture, ends)
        ode = ode_coordinates(paths)
        return cls(
            paths=paths,
            settings=settings,
            straight_ode=float(np.median(straightness(ode))),
            straight_near=float(np.median(straightness(near_the_data(ode, NEAR_S)))),
            straight=float(np.median(straightness(paths.x))),
            energy=energy_distance(ends, exact),
            shares=(float(share.min()), float(share.max())),
            mode_std=relative_spread(mixture, ends),
        )

    @property
    def eta(self) -> float | str:
        """eta, or "large" for sigma-hat."""
        return shown_eta(self.settings)

    @property
    def ends(self) -> list[list[float]]:
        """Rounded end points of the first :data:`SHOWN_ENDS` paths."""
        return self.paths.x[:SHOWN_ENDS, 0].round(3).tolist()

    def to_page(self, drawn: int) -> dict[str, Any]:
        """Return the first ``drawn`` paths, the end points and the measurements as JSON."""
        return {
            **paths_to_page(self.paths, drawn),
            "ends": self.ends,
            "straight_ode": self.straight_ode,
            "straight_near": self.straight_near,
            "straight": self.straight,
            "energy": self.energy,
            "shares": self.shares,
            "spread": self.mode_std,
            "eta": self.eta,
        }


@dataclass(frozen=True)
class SweepCell:
    """Ratio of the standard deviation within a mode to the exact one.

    Attributes:
        end: at the end of the run.
        before: before the last step. A ratio above 1 means that x_t has more noise than its time step says.
    """

    end: float
    before: float


@dataclass(kw_only=True)
class PathsResult(TabResult):
    """Runs of points in the plane.

    Attributes:
        first: the paths that are drawn, by the name of their run. They are there before all points are.
        runs: the runs of all points so far, by name: "0", "yours" and "1" for eta, and :data:`MINE`.
        sweep: cells of the sweep by kind of noise and S.
        custom: the state of the user's own step; None if the app has none.
        custom_difference: largest difference of one of its steps to Eq. 12 on the same arguments; None so far.
    """

    first: dict[str, Paths] = field(default_factory=dict)
    runs: dict[str, PlaneRun] = field(default_factory=dict)
    sweep: dict[str, dict[int, SweepCell]] = field(default_factory=dict)
    custom: CustomStatus | None = None
    custom_difference: float | None = None

    @cached_property
    def mixture(self) -> Mixture:
        """The data distribution."""
        options: PathsOptions = self.request.options
        return options.data

    @property
    def seed(self) -> int:
        """The seed of the initial points: that of the control column, or 0 if its latent is not a seed."""
        seed = self.request.query.fields()["seed"]
        return seed if isinstance(seed, int) else 0

    @cached_property
    def exact(self) -> np.ndarray:
        """Samples of the mixture, float64 (points, 2)."""
        return self.mixture.sample(self.request.options.points, self.seed)

    def fixed(self) -> dict[str, Any]:
        mixture = self.mixture
        return super().fixed() | {
            "mixture": json.dumps([mixture.weights.tolist(), mixture.means.tolist(), mixture.stds.tolist()]),
            "near_s": NEAR_S,
            "exact": json.dumps({"std": float(mixture.stds.mean()), "modes": len(mixture)}),
            "alpha_bar": base64_floats(Schedule.linear().alpha_bar),
            "presets": PRESET_DRAWINGS,
            "drawing_std": STD,
        }

    def changing(self) -> dict[str, Any]:
        drawn = self.request.options.drawn
        runs = {name: paths_to_page(paths, drawn) for name, paths in self.first.items()}
        runs |= {name: run.to_page(drawn) for name, run in self.runs.items()}
        return super().changing() | {
            "runs": json.dumps(runs),
            "custom": json.dumps(self.custom and self.custom.to_page() | {"difference": self.custom_difference}),
            "sweep": json.dumps({n: {S: vars(cell) for S, cell in cells.items()} for n, cells in self.sweep.items()}),
        }

    def script(self) -> str:
        """Return a script that runs the same points."""
        s, o = self.request.settings, self.request.options
        settings = f"steps={s.steps}, eta={s.eta!r}, variance={s.variance!r}, spacing={s.spacing!r}"
        return f"""import explorer as ex
from explorer.mixture import Mixture
from explorer.plane import energy_distance, sample_paths

{self._mixture_script()}
settings = ex.Settings({settings}, noise_seed={s.noise_seed})
paths = sample_paths(mixture, {o.points}, settings, seed={self.seed})
print("end points:", paths.x[:5, 0])
print("energy distance to exact points:", energy_distance(paths.x[:, 0], mixture.sample({o.points}, {self.seed})))
"""

    def _mixture_script(self) -> str:
        options = self.request.options
        if not options.is_drawing:
            return f"mixture = Mixture.preset({options.mixture!r})"
        return f"""points = {python_list(self.mixture.means.tolist())}
mixture = Mixture(weights=[1] * len(points), means=points, stds=[{STD}] * len(points), name={DRAWING!r})"""
