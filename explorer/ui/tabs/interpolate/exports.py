"""The Save menu of Interpolate."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from explorer.media import exports
from explorer.runs.latent_spec import to_field
from explorer.ui.export_formats import (
    CHARTS_FORMAT,
    ExportFormat,
    ExportSource,
    animation_formats,
    csv_format,
    png_format,
)
from explorer.ui.tabs.interpolate.result import InterpolateResult

README = """positions (N,): along the way; for each strip x_T_NAME (N, C, H, W) float32, pictures_NAME (N, H, W, 3) uint8 and
    latents_NAME (N,) texts; README says so."""


def frames_of(result: InterpolateResult, strip: str) -> np.ndarray:
    """Return the frames of a strip, uint8 (N, H, W, 3)."""
    return result.pictures.stack(*(f"{strip}/{k}" for k in range(len(result.path.positions))))


def all_strips(source: ExportSource) -> np.ndarray:
    """Return all strips, one below the other, uint8 (H, W, 3)."""
    return exports.sheet([frames_of(source.result, name) for name in source.result.strips])


def pad(source: ExportSource) -> np.ndarray:
    """Return the pictures of the pad as a grid, uint8 (H, W, 3)."""
    side = range(source.result.request.options.side)
    return exports.sheet([source.result.pictures.stack(*(f"pad/{i}/{j}" for j in side)) for i in side])


def arrays(source: ExportSource) -> bytes:
    """Return the latents and pictures of the strips as .npz. Its array README describes the others, see :data:`README`."""
    result: InterpolateResult = source.result
    named: dict[str, Any] = {"README": np.array(README), "settings": np.array(source.address)}
    named["positions"] = np.array(list(result.path.positions))
    for name, frames in result.strips.items():
        latents = [frame.latent.latent(result.checkpoint)[0].cpu().numpy() for frame in frames]
        named[f"x_T_{name}"] = np.stack(latents)
        named[f"pictures_{name}"] = frames_of(result, name)
        named[f"latents_{name}"] = np.array([str(frame.latent) for frame in frames])
    return exports.npz(**named)


def frame_rows(result: InterpolateResult) -> list[dict[str, Any]]:
    """Return a table row for each frame of each strip. The measurements of a strip are repeated in its rows."""
    table, root = [], math.sqrt(math.prod(result.checkpoint.shape))
    for name, frames in result.strips.items():
        for k, (position, frame) in enumerate(zip(result.path.positions, frames, strict=True)):
            norm = float(frame.latent.latent(result.checkpoint).norm()) / root
            s = frame.settings
            table.append(
                {"strip": name, "frame": k, "position": position}
                | {"latent": to_field(frame.latent), "norm_of_x_T": norm}
                | {"steps": s.steps, "eta": s.eta, "noise_seed": str(frame.noise) if frame.noise else s.noise_seed}
                | asdict(result.facts[name])
            )
    return table


EXPORT_FORMATS = (
    png_format("strips", "files.strips", all_strips),
    png_format("pad", "files.pad", pad),
    *animation_formats("files.way_film", lambda source: frames_of(source.result, "slerp")),
    CHARTS_FORMAT,
    csv_format("files.way_numbers", frame_rows),
    ExportFormat("npz", "files.latents", "npz", arrays),
)
