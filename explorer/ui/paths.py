"""The Paths tab: points of a plane with the exact score, down by DDIM, DDPM and between (C18)."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from explorer.forward import Paths
from explorer.mixture import PRESETS, Mixture
from explorer.paths import energy_distance, ode_coordinates, sample_paths, shares, spread, straightness
from explorer.sampler import Settings
from explorer.schedule import Schedule
from explorer.trajectory import spread as evenly
from explorer.ui.interrupt import State, go_on, until_interrupted
from explorer.ui.pieces import floats
from explorer.ui.state import Check, Options, one_of, whole
from explorer.ui.tab import Asked, Tab

SWEEP_STEPS = (5, 10, 20, 50, 100, 1000)
SWEEP_KINDS = {"0": ("eta", 0.0), "1": ("eta", 1.0), "large": ("large", 1.0)}
SWEEP_POINTS = 1000
SHOWN_POINTS = 200  # of a path, on the page
SHOWN_ENDS = 600
MAX_DRAWN = 60


@dataclass(frozen=True)
class PathsOptions(Options):
    """Settings of the Paths tab.

    Attributes:
        mixture: name of a preset.
        drawn: how many paths are drawn.
        points: how many points run, for the numbers.
    """

    mixture: str = "ring"
    drawn: int = 24
    points: int = 1000

    checks: ClassVar[Mapping[str, Check]] = {
        "mixture": one_of("mixture", *PRESETS),
        "drawn": whole("drawn", 1, MAX_DRAWN),
        "points": whole("points", 200, 2000),
    }


class PathsTab(Tab[PathsOptions]):
    """The same points of the plane under eta = 0, the user's eta, and eta = 1."""

    name, options = "paths", PathsOptions
    idle = ("checkpoint", "clip")

    def check(self, asked: Asked[PathsOptions]) -> Asked[PathsOptions]:
        """The points have the linear schedule, whatever T the checkpoint has."""
        query, T = asked.query, Schedule.linear().T
        if query.settings.steps <= T:
            return asked
        return replace(asked, query=replace(query, settings=replace(query.settings, steps=T)))

    def stream(self, asked: Asked[PathsOptions], state: State) -> Iterator[dict[str, Any]]:
        o, settings = asked.options, replace(asked.query.settings, clip=False)
        mixture, seed = Mixture.preset(o.mixture), plane_seed(asked)
        started, exact = time.perf_counter(), mixture.sample(o.points, seed)
        kinds = {"0": replace(settings, eta=0.0, variance="eta"), "yours": settings}
        kinds["1"] = replace(settings, eta=1.0, variance="eta")
        runs: dict[str, Any] = {}
        sweep: dict[str, dict[str, Any]] = {name: {} for name in SWEEP_KINDS}
        fixed = {
            "settings": asked.fields(),
            "script": script(asked, seed),
            "mixture": json.dumps([mixture.weights.tolist(), mixture.means.tolist(), mixture.stds.tolist()]),
            "exact": json.dumps({"std": float(mixture.stds.mean()), "modes": len(mixture)}),
            "alpha_bar": floats(Schedule.linear().alpha_bar),
            "pictures": "",
            "evaluations": None,
            "expected": None,
        }

        def value(outcome: str) -> dict[str, Any]:
            seconds = {"seconds": time.perf_counter() - started}
            return fixed | seconds | {"state": outcome, "runs": json.dumps(runs), "sweep": json.dumps(sweep)}

        def go() -> Iterator[dict[str, Any]]:
            for name, chosen in kinds.items():
                paths = sample_paths(mixture, o.points, chosen, seed)
                eta = "large" if chosen.variance == "large" else chosen.eta
                runs[name] = describe(mixture, paths, exact, o.drawn) | {"eta": eta}
                yield value("running")
                go_on(state)
            for S in SWEEP_STEPS:
                for name in SWEEP_KINDS:
                    sweep[name][str(S)] = sweep_cell(o.mixture, S, name, settings.spacing)
                    go_on(state)
                yield value("running")
            yield value("ended")

        yield from until_interrupted(go(), value)


def plane_seed(asked: Asked[PathsOptions]) -> int:
    """The seed of the points: that of the control column, or 0 where its latent is no seed."""
    seed = asked.query.fields()["seed"]
    return seed if isinstance(seed, int) else 0


def describe(mixture: Mixture, paths: Paths, exact: np.ndarray, drawn: int) -> dict[str, Any]:
    """A run for the page: some of its paths, its end points, and what is measured of them."""
    shown = evenly(len(paths.t), SHOWN_POINTS)
    ends = paths.x[:, 0]
    part = shares(mixture, ends)
    return {
        "t": [paths.t[i] for i in shown],
        "x": paths.x[:drawn, shown].round(4).tolist(),
        "ends": ends[:SHOWN_ENDS].round(3).tolist(),
        "straight_ode": float(np.median(straightness(ode_coordinates(paths)))),
        "straight": float(np.median(straightness(paths.x))),
        "energy": energy_distance(ends, exact),
        "shares": [float(part.min()), float(part.max())],
        "spread": mode_spread(mixture, ends),
    }


def mode_spread(mixture: Mixture, x: np.ndarray) -> float:
    """Mean spread inside a mode over the exact one: 1 is right."""
    return float(np.nanmean(spread(mixture, x) / mixture.stds))


@lru_cache(maxsize=256)
def sweep_cell(preset: str, S: int, kind: str, spacing: Any) -> dict[str, float]:
    """For one S and one kind of noise: the spread inside a mode over the exact one, and that of x_t before the last step.

    The latter says how much noise x_t holds for its level: more than 1 is more than the network is told.
    """
    mixture, (variance, eta) = Mixture.preset(preset), SWEEP_KINDS[kind]
    settings = Settings(S, eta, variance, spacing)  # type: ignore[arg-type]
    paths = sample_paths(mixture, SWEEP_POINTS, settings, schedule=Schedule.linear())
    before = mixture.noised(float(paths.alpha_bar[1]))
    return {"end": mode_spread(mixture, paths.x[:, 0]), "before": mode_spread(before, paths.x[:, 1])}


def script(asked: Asked[PathsOptions], seed: int) -> str:
    """A script that runs the points down by the same sampler."""
    s, o = asked.query.settings, asked.options
    return f"""import explorer as ex
from explorer.mixture import Mixture
from explorer.paths import energy_distance, sample_paths

mixture = Mixture.preset({o.mixture!r})
settings = ex.Settings(steps={s.steps}, eta={s.eta!r}, variance={s.variance!r}, spacing={s.spacing!r}, noise_seed={s.noise_seed})
paths = sample_paths(mixture, {o.points}, settings, seed={seed})
print("end points:", paths.x[:5, 0])
print("energy distance to exact points:", energy_distance(paths.x[:, 0], mixture.sample({o.points}, {seed})))
"""
