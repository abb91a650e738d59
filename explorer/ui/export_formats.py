"""What can be saved of each tab: the entries of its menu, and how each one's file is made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from explorer.media import exports
from explorer.media.convert import to_uint8
from explorer.ui import shown as of
from explorer.ui.shown import TabResult


@dataclass(frozen=True)
class ExportFormat:
    """One entry of the menu. ``label`` is the key of its text, see :mod:`explorer.ui.localization`; ``make`` gives the file's bytes,
    None where the browser makes it from what it has drawn."""

    name: str
    label: str
    suffix: str
    make: Callable[[TabResult], bytes] | None = None


def picture(name: str, label: str, of: Callable[[TabResult], np.ndarray]) -> ExportFormat:
    """A PNG with the settings inside; ``of`` gives uint8 (H, W, C)."""
    return ExportFormat(name, label, "png", lambda shown: exports.png(of(shown), shown.settings))


def film(label: str, of: Callable[[TabResult], np.ndarray]) -> tuple[ExportFormat, ExportFormat]:
    """A GIF and an MP4; ``of`` gives uint8 (N, H, W, C)."""
    return (
        ExportFormat("gif", label, "gif", lambda shown: exports.gif(of(shown))),
        ExportFormat("mp4", label, "mp4", lambda shown: exports.mp4(of(shown))),
    )


def numbers(label: str, of: Callable[[TabResult], list[dict[str, Any]]], name: str = "csv") -> ExportFormat:
    """A CSV with a line for each row."""
    return ExportFormat(name, label, "csv", lambda shown: exports.table(of(shown)))


CHARTS = ExportFormat("svg", "files.charts", "svg")

EXPORT_FORMATS: dict[str, tuple[ExportFormat, ...]] = {
    "steps": (
        picture("picture", "files.picture", lambda shown: to_uint8(shown.trajectory.x_0)[0]),
        picture("strip", "files.strip", of.run_strip),
        *film("files.run_film", of.run_film),
        CHARTS,
        numbers("files.step_numbers", lambda shown: exports.run_numbers(shown.trajectory)),
        ExportFormat("npz", "files.trajectory", "npz", lambda shown: exports.run_arrays(shown.trajectory)),
    ),
    "compare": (
        picture("sheet", "files.rows", lambda shown: exports.sheet(of.lanes(shown))),
        *film("files.rows_film", lambda shown: of.side_by_side(np.stack(of.lanes(shown), axis=1))),
        numbers("files.row_numbers", of.compared),
    ),
    "consistency": (
        picture("grid", "files.grids", of.both_grids),
        CHARTS,
        numbers("files.similarities", of.similarities),
    ),
    "interpolate": (
        picture(
            "strips",
            "files.strips",
            lambda shown: exports.sheet([of.frames_of(shown, n) for n in shown.read("strips")]),
        ),
        picture("pad", "files.pad", of.pad),
        *film("files.way_film", lambda shown: of.frames_of(shown, "slerp")),
        CHARTS,
        numbers("files.way_numbers", of.along_the_way),
        ExportFormat("npz", "files.latents", "npz", of.way_arrays),
    ),
    "encode": (
        picture("picture", "files.trip", of.round_trip),
        *film("files.trip_film", of.up_and_down),
        CHARTS,
        numbers("files.errors", of.reconstruction),
    ),
    "forward": (
        picture("picture", "files.at_t", of.at_t),
        *film("files.noising_film", of.all_noised),
        CHARTS,
        numbers("files.moments", of.processes),
        numbers("files.loss", of.losses, "loss"),
    ),
    "paths": (
        ExportFormat("picture", "files.planes", "png"),
        CHARTS,
        numbers("files.measures", of.measures),
        numbers("files.ends", of.end_points, "points"),
    ),
    "quality": (
        picture("samples", "files.cells", of.samples),
        CHARTS,
        numbers("files.distances", of.distances),
        numbers("files.table_1", of.table_1, "paper"),
    ),
}
