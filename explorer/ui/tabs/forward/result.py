"""The result of Forward: a picture, noise, simulated paths and their measurements."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from torch import Tensor

from explorer.forward import MarginalErrors, Paths, bound_of_largest, marginal_errors, step_correlations
from explorer.plane import ode_coordinates, straightness
from explorer.runs.encoded_latent import picture_in_python
from explorer.runs.latent_spec import with_imports
from explorer.trajectory import evenly_spaced
from explorer.ui.localization import LocalizedMessage, to_json
from explorer.ui.picture_stream import base64_floats
from explorer.ui.quality_notes import read_measurements
from explorer.ui.query import Query
from explorer.ui.real_pictures import GENERATED
from explorer.ui.tab_result import TabResult

SHOWN_PATHS = 4
SHOWN_POINTS = 250  # of each path


@dataclass(frozen=True)
class Pixel:
    """A pixel whose paths are drawn, and its value in x_0."""

    row: int
    column: int
    value: float


@dataclass(frozen=True)
class ProcessFacts:
    """Measurements of one forward process over all its paths.

    Attributes:
        mean, variance: largest absolute error of a mean and of a variance.
        largest: largest error in standard errors.
        bound: of the largest error of all processes, see :func:`explorer.forward.bound_of_largest`.
        correlation: median correlation of x_t and x_prev.
        straightness: median ratio of length to distance in the coordinates of the ODE.
    """

    mean: float
    variance: float
    largest: float
    bound: float
    correlation: float
    straightness: float

    @classmethod
    def of(cls, paths: Paths, errors: MarginalErrors, bound: float) -> ProcessFacts:
        """Measure the paths of one process; ``bound`` is that of all processes."""
        correlations = step_correlations(paths) if len(paths.t) > 2 else np.ones((1, 1))
        return cls(
            mean=float(np.abs(errors.mean).max()),
            variance=float(np.abs(errors.variance).max()),
            largest=errors.largest,
            bound=bound,
            correlation=float(np.median(correlations)),
            straightness=float(np.median(straightness(ode_coordinates(paths)))),
        )


@dataclass(kw_only=True)
class ForwardResult(TabResult):
    """A real picture, noise, and paths of some pixels.

    Attributes:
        default: the settings that generate a "made" picture.
        x_0, eps: (C, H, W); the page computes x_t for any t from them.
        tau: the time steps of the paths.
        pixels: the pixels of the paths.
        processes: the paths of each process, by name.
        examples: number of held-out pictures to choose from.
    """

    default: Query
    x_0: Tensor
    eps: Tensor
    tau: list[int]
    pixels: list[Pixel]
    processes: dict[str, Paths]
    examples: int = 0

    @cached_property
    def facts(self) -> dict[str, ProcessFacts]:
        """Measurements of each process, by name."""
        errors = {name: marginal_errors(paths) for name, paths in self.processes.items()}
        bound = bound_of_largest(errors.values())
        return {name: ProcessFacts.of(paths, errors[name], bound) for name, paths in self.processes.items()}

    def loss(self) -> tuple[list[list[float]], Any]:
        """Return the checkpoint's loss on held-out pictures as points [t, loss], and a note about it."""
        quality, note = read_measurements(self.checkpoint)
        if quality is None or quality.loss is None:
            return [], note
        curve = [list(point) for point in quality.loss.curve]
        return curve, to_json(LocalizedMessage("measured.pictures", {"n": quality.loss.pictures}))

    @property
    def seconds(self) -> float:
        return 0.0

    def fixed(self) -> dict[str, Any]:
        schedule = self.checkpoint.schedule
        curve, note = self.loss()
        return super().fixed() | {
            "T": schedule.T,
            "alpha_bar": base64_floats(schedule.alpha_bar),
            "x_0": base64_floats(self.x_0.numpy()),
            "eps": base64_floats(self.eps.numpy()),
            "tau": json.dumps(self.tau),
            "pixels": json.dumps([[pixel.row, pixel.column, round(pixel.value, 4)] for pixel in self.pixels]),
            "processes": json.dumps({name: self._process_to_page(name) for name in self.processes}),
            "loss": json.dumps({"curve": curve, "note": note}),
            "examples": self.examples,
        }

    def _process_to_page(self, name: str) -> dict[str, Any]:
        """Some paths of a process, and the measurements over all of them."""
        paths = self.processes[name]
        shown = evenly_spaced(len(paths.t), SHOWN_POINTS)
        points = paths.x[:SHOWN_PATHS, shown].round(4).transpose(2, 0, 1)  # (pixels, paths, points)
        return {"t": [paths.t[i] for i in shown], "paths": points.tolist()} | vars(self.facts[name])

    def script(self) -> str:
        """Return a script that noises the picture to several t with the public API."""
        o, s, T = self.request.options, self.request.settings, self.checkpoint.schedule.T
        times = tuple(sorted({max(1, T * percent // 100) for percent in (10, 30, 50, 100)}))
        if o.real == GENERATED:
            steps = self.default.settings.steps
            x_0 = f"ex.sample(checkpoint, {self.default.latent.to_python()}, ex.Settings({steps})).clamp(-1, 1)"
        else:
            x_0 = picture_in_python(o.real) + "  # your own file" * isinstance(o.real, str)
        return with_imports(f"""checkpoint = {self.checkpoint.to_python()}
x_0 = {x_0}
eps = ex.latent(checkpoint.shape, seeds=[{s.noise_seed}])
for t in {times}:
    ex.to_image(ex.diffuse(x_0, eps, t, checkpoint.schedule)).save(f"x_{{t}}.png")
""")
