"""The Forward tab: noise in one jump, processes that share it, and the loss that sees no more than that (C1, C12, C13)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import gradio as gr
import numpy as np
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.encoded import picture_in_python, real_picture
from explorer.finished import Wanted, finish
from explorer.forward import Paths, marginal_errors, markov_paths, non_markov_paths, step_correlations
from explorer.latents import latent
from explorer.paths import ode_coordinates, straightness
from explorer.recipe import with_imports
from explorer.schedule import timesteps
from explorer.trajectory import spread
from explorer.ui import components
from explorer.ui.interrupt import State
from explorer.ui.language import Said
from explorer.ui.measured import measured
from explorer.ui.pieces import Pieces, floats
from explorer.ui.real import add_examples, examples_of, made_or_real, receive_picture
from explorer.ui.state import BadInput, Check, Options, Query, whole
from explorer.ui.tab import Asked, Tab

PROCESSES = {"markov": None, "1": 1.0, "0.5": 0.5, "0": 0.0}  # name → eta, None for the Markov chain
MAX_PIXELS = 3
SHOWN_PATHS = 4
SHOWN_POINTS = 250  # of a path, on the page


def pixels(given: Any) -> list[tuple[int, int]]:
    """The list of pixels, as "row:column, row:column".

    Raises:
        ValueError: another form, the same pixel twice, none or more than three.
    """
    if not isinstance(given, str):
        raise ValueError(Said("error.pixels"))
    parts = [part.strip().split(":") for part in given[:200].split(",") if part.strip()]
    if not all(len(p) == 2 and all(n.isascii() and n.isdigit() and len(n) < 5 for n in p) for p in parts):
        raise ValueError(Said("error.pixels_each"))
    places = [(int(row), int(column)) for row, column in parts]
    if not 1 <= len(places) <= MAX_PIXELS or len(set(places)) < len(places):
        raise ValueError(Said("error.pixels_count", {"most": MAX_PIXELS, "count": len(places)}))
    return places


@dataclass(frozen=True)
class ForwardOptions(Options):
    """Settings of the Forward tab.

    Attributes:
        real: number of a held-out picture, the name of one that was brought, or "made": the first picture of the page.
        pixels: whose paths are drawn, as text; empty for one in the middle, a little up.
        walks: how many paths the means and variances are taken over.
    """

    real: int | str = 0
    pixels: str = ""
    walks: int = 1000

    checks: ClassVar[Mapping[str, Check]] = {
        "real": made_or_real,
        "pixels": lambda given: ", ".join(f"{row}:{column}" for row, column in pixels(given)) if given != "" else "",
        "walks": whole("walks", 100, 4000),
    }


def chosen_pixels(options: ForwardOptions, H: int, W: int) -> list[tuple[int, int]]:
    """(row, column) of each pixel that is drawn, for pictures of H x W."""
    return pixels(options.pixels) if options.pixels else [(5 * H // 16, W // 2)]


class ForwardTab(Tab[ForwardOptions]):
    """q(x_t | x_0) of a real picture, and paths of a few of its pixels under processes with these marginals."""

    name, options = "forward", ForwardOptions
    picture_field = "real"
    idle = ("seed", "variance", "clip")

    def build(self) -> gr.HTML:
        return components.tab(self.name, label=self.title, server_functions=[receive_picture])

    def check(self, asked: Asked[ForwardOptions]) -> Asked[ForwardOptions]:
        """The pixels are inside; without held-out pictures the first one is a made one."""
        checkpoint = self.checkpoints[asked.query.checkpoint]
        _, H, W = checkpoint.shape
        for row, column in chosen_pixels(asked.options, H, W):
            if row >= H or column >= W:
                place = {"last_row": H - 1, "last_column": W - 1, "row": row, "column": column}
                raise BadInput("pixels", Said("error.pixel_outside", place))
        if asked.options.real == 0 and len(examples_of(checkpoint)) == 0:
            return replace(asked, options=replace(asked.options, real="made"))
        return asked

    def _picture(self, asked: Asked[ForwardOptions], state: State) -> Tensor | None:
        """x_0, (C, H, W); None if something newer is wanted before it is made."""
        checkpoint, real = self.checkpoints[asked.query.checkpoint], asked.options.real
        if real != "made":
            return real_picture(real, checkpoint)[0]
        usual = Query.usual(self.lengths, asked.query.checkpoint)
        for progress in finish(checkpoint, [Wanted(usual.latent, usual.settings)], self.finished):
            if progress.ready:
                return progress.ready[0].clamp(-1, 1)
            if state() != "running":
                break
        return None

    def stream(self, asked: Asked[ForwardOptions], state: State) -> Iterator[dict[str, Any]]:
        checkpoint, options = self.checkpoints[asked.query.checkpoint], asked.options
        schedule, settings = checkpoint.schedule, asked.query.settings
        x_0 = self._picture(asked, state)
        if x_0 is None:
            return
        seed = settings.noise_seeds(1)[0]
        places = chosen_pixels(options, *checkpoint.shape[1:])
        values = np.array([float(x_0[0, row, column]) for row, column in places])
        tau = timesteps(schedule.T, settings.steps, settings.spacing)
        drawn = {
            name: markov_paths(values, tau, schedule, options.walks, seed)
            if eta is None
            else non_markov_paths(values, tau, schedule, eta, options.walks, seed)
            for name, eta in PROCESSES.items()
        }
        pieces = Pieces()
        examples = add_examples(pieces, checkpoint)
        yield {
            "state": "ended",
            "settings": asked.fields(),
            "script": script(checkpoint, asked, Query.usual(self.lengths, checkpoint.name)),
            "shape": list(checkpoint.shape),
            "T": schedule.T,
            "alpha_bar": floats(schedule.alpha_bar),
            "x_0": floats(x_0.numpy()),
            "eps": floats(latent(checkpoint.shape, [seed])[0].numpy()),
            "tau": json.dumps(tau),
            "pixels": json.dumps([[row, column, round(v, 4)] for (row, column), v in zip(places, values, strict=True)]),
            "processes": json.dumps({name: describe(paths) for name, paths in drawn.items()}),
            "loss": json.dumps(loss(checkpoint)),
            "examples": examples,
            "pictures": str(pieces),
            "evaluations": None,
            "expected": None,
            "seconds": 0.0,
        }


def describe(paths: Paths) -> dict[str, Any]:
    """A process for the page: a few of its paths, and the errors of its marginals over all."""
    errors = marginal_errors(paths)
    shown = spread(len(paths.t), SHOWN_POINTS)
    correlations = step_correlations(paths) if len(paths.t) > 2 else np.ones((1, 1))
    return {
        "t": [paths.t[i] for i in shown],
        "paths": paths.x[:SHOWN_PATHS, shown].round(4).transpose(2, 0, 1).tolist(),  # (pixels, paths, points)
        "mean": float(np.abs(errors.mean).max()),
        "variance": float(np.abs(errors.variance).max()),
        "largest": errors.largest,
        "bound": errors.bound,
        "correlation": float(np.median(correlations)),
        "straightness": float(np.median(straightness(ode_coordinates(paths)))),
    }


def loss(checkpoint: Checkpoint) -> dict[str, Any]:
    """The checkpoint's loss over t on held-out pictures, and how it was measured; a note where there is none."""
    quality, note = measured(checkpoint)
    if quality is None or quality.loss is None:
        return {"curve": [], "note": note}
    return {
        "curve": [list(point) for point in quality.loss.curve],
        "note": Said("measured.pictures", {"n": quality.loss.pictures}).sent(),
    }


def script(checkpoint: Checkpoint, asked: Asked[ForwardOptions], usual: Query) -> str:
    """A script on the public names that noises the picture in one jump; ``usual`` is what makes a "made" one."""
    o, s, T = asked.options, asked.query.settings, checkpoint.schedule.T
    times = tuple(sorted({max(1, T * percent // 100) for percent in (10, 30, 50, 100)}))
    if o.real == "made":
        x_0 = f"ex.sample(checkpoint, {usual.latent.to_python()}, ex.Settings({usual.settings.steps})).clamp(-1, 1)"
    else:
        x_0 = picture_in_python(o.real) + "  # your own file" * isinstance(o.real, str)
    return with_imports(f"""checkpoint = {checkpoint.to_python()}
x_0 = {x_0}
eps = ex.latent(checkpoint.shape, seeds=[{s.noise_seed}])
for t in {times}:
    ex.to_image(ex.diffuse(x_0, eps, t, checkpoint.schedule)).save(f"x_{{t}}.png")
""")
