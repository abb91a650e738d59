"""What can be saved of each tab: the entries of its menu, and how each one's file is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer import exports
from explorer.pictures import to_uint8
from explorer.ui import shown as of
from explorer.ui.shown import Shown


@dataclass(frozen=True)
class Kind:
    """One entry of the menu. ``make`` gives the file's bytes; None where the browser makes it from what it has drawn."""

    name: str
    label: str
    suffix: str
    make: Callable[[Shown], bytes] | None = None


def picture(name: str, label: str, of: Callable[[Shown], np.ndarray]) -> Kind:
    """A PNG with the settings inside; ``of`` gives uint8 (H, W, C)."""
    return Kind(name, label, "png", lambda shown: exports.png(of(shown), shown.settings))


def film(label: str, of: Callable[[Shown], np.ndarray]) -> tuple[Kind, Kind]:
    """A GIF and an MP4; ``of`` gives uint8 (N, H, W, C)."""
    return (
        Kind("gif", label, "gif", lambda shown: exports.gif(of(shown))),
        Kind("mp4", label, "mp4", lambda shown: exports.mp4(of(shown))),
    )


def numbers(label: str, of: Callable[[Shown], list[dict[str, Any]]], name: str = "csv") -> Kind:
    """A CSV with a line for each row."""
    return Kind(name, label, "csv", lambda shown: exports.table(of(shown)))


CHARTS = Kind("svg", "Charts", "svg")

KINDS: dict[str, tuple[Kind, ...]] = {
    "steps": (
        picture("picture", "Picture", lambda shown: to_uint8(shown.trajectory.x_0)[0]),
        picture("strip", "Strip of predicted x₀", of.run_strip),
        *film("Film of the run", of.run_film),
        CHARTS,
        numbers("Numbers of every step", lambda shown: exports.run_numbers(shown.trajectory)),
        Kind("npz", "Trajectory, arrays", "npz", lambda shown: exports.run_arrays(shown.trajectory)),
    ),
    "compare": (
        picture("sheet", "All rows and moments", lambda shown: exports.sheet(of.lanes(shown))),
        *film("Film of the rows", lambda shown: of.side_by_side(np.stack(of.lanes(shown), axis=1))),
        numbers("Numbers of the rows", of.compared),
    ),
    "consistency": (
        picture("grid", "Both grids", of.both_grids),
        CHARTS,
        numbers("Similarities", of.similarities),
    ),
    "interpolate": (
        picture(
            "strips", "Strips", lambda shown: exports.sheet([of.frames_of(shown, n) for n in shown.read("strips")])
        ),
        picture("pad", "Grid between four corners", of.pad),
        *film("Film of the path", lambda shown: of.frames_of(shown, "slerp")),
        CHARTS,
        numbers("Numbers along the way", of.along_the_way),
        Kind("npz", "Latents and pictures, arrays", "npz", of.way_arrays),
    ),
    "encode": (
        picture("picture", "Picture, latent, again, difference", of.round_trip),
        *film("Film up and down", of.up_and_down),
        CHARTS,
        numbers("Reconstruction errors", of.reconstruction),
    ),
    "forward": (
        picture("picture", "Picture at this t", of.at_t),
        *film("Film from x₀ to noise", of.all_noised),
        CHARTS,
        numbers("Means and variances", of.processes),
        numbers("Loss over t", of.losses, "loss"),
    ),
    "paths": (
        Kind("picture", "The three planes", "png"),
        CHARTS,
        numbers("Measures", of.measures),
        numbers("End points", of.end_points, "points"),
    ),
    "quality": (
        picture("samples", "Pictures of the cells", of.samples),
        CHARTS,
        numbers("Measured distances", of.distances),
        numbers("The paper’s Table 1", of.table_1, "paper"),
    ),
}
