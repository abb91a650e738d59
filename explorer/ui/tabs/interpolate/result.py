"""The result of Interpolate: strips of pictures along a path through latents, and the pad."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor

from explorer.evaluation.metrics import strip
from explorer.runs.latent_spec import to_field, with_imports
from explorer.runs.results import PictureRequest
from explorer.ui.tab_result import TabResult
from explorer.ui.tabs.interpolate.path import LatentPath


@dataclass(frozen=True)
class StripFacts:
    """The measurements of one strip.

    Attributes:
        largest, smoothness, span, path_length, jump: see :class:`explorer.evaluation.metrics.Strip`. Smoothness is called
            directness on the page.
        contrast_middle: standard deviation of the pixels half-way between the first two latents.
        contrast_ends: mean standard deviation of the pixels at the latents of the path.
    """

    largest: float
    smoothness: float
    span: float
    contrast_middle: float
    contrast_ends: float
    path_length: float
    jump: float


def measure(pictures: Tensor, path: LatentPath) -> StripFacts:
    """Measure a strip of pictures (N, C, H, W)."""
    pictures = pictures.clamp(-1, 1)
    measured = strip(pictures, path.stops)
    middle = (path.stops[0] + path.stops[1]) // 2
    stops = pictures[list(path.stops)]
    return StripFacts(
        largest=measured.largest,
        smoothness=measured.smoothness,
        span=measured.span,
        contrast_middle=float(pictures[middle].std()),
        contrast_ends=float(torch.stack([p.std() for p in stops]).mean()),
        path_length=measured.path_length,
        jump=measured.jump,
    )


def unrelated(path: LatentPath) -> dict[str, float]:
    """Return what unrelated pictures would give along a path, on average: a null value for each measure.

    All changes are then equally large, and as large as those between the latents of the path. With m frames from one
    latent to the next, directness is 1 / m and the path length m^2.
    """
    m = path.stops[1] - path.stops[0]
    return {"path_length": m**2, "jump": 1.0, "smoothness": 1 / m}


def describe(frames: list[PictureRequest]) -> dict[str, Any]:
    """Return the settings with which the page opens the frames of a strip in Steps."""
    return {
        "latents": [to_field(frame.latent) for frame in frames],
        "noise_seeds": [str(frame.noise) if frame.noise else frame.settings.noise_seed for frame in frames],
        "steps": frames[0].settings.steps,
        "eta": frames[0].settings.eta,
    }


@dataclass(kw_only=True)
class InterpolateResult(TabResult):
    """Strips and the pad. Pictures are named ``<strip>/<frame>`` and ``pad/<row>/<column>``.

    Attributes:
        path: the path of the strips.
        strips: the requests for the frames of each strip, by name.
        pad: the requests for the pictures of the pad, by name.
        facts: the measurements of each complete strip.
    """

    path: LatentPath
    strips: dict[str, list[PictureRequest]]
    pad: dict[str, PictureRequest]
    facts: dict[str, StripFacts] = field(default_factory=dict)
    _frames: dict[str, dict[int, Tensor]] = field(default_factory=dict)  # of incomplete strips

    @property
    def requests(self) -> dict[str, PictureRequest]:
        """The requests for all pictures, by name."""
        strips = {f"{name}/{k}": frame for name, frames in self.strips.items() for k, frame in enumerate(frames)}
        return strips | self.pad

    def add(self, name: str, picture: Tensor) -> None:
        """Add a picture (C, H, W). Measure its strip when that is complete."""
        self.pictures.add(name, picture)
        strip_name, _, index = name.partition("/")
        if strip_name not in self.strips:
            return
        frames = self._frames.setdefault(strip_name, {})
        frames[int(index)] = picture
        if len(frames) == len(self.strips[strip_name]):
            del self._frames[strip_name]
            self.facts[strip_name] = measure(torch.stack([frames[k] for k in range(len(frames))]), self.path)

    def fixed(self) -> dict[str, Any]:
        return super().fixed() | {
            "positions": json.dumps(self.path.positions),
            "through": json.dumps([to_field(latent) for latent in self.path.through]),
            "strips": json.dumps({name: describe(frames) for name, frames in self.strips.items()}),
            "pad": json.dumps([str(picture.latent) for picture in self.pad.values()]),
            "pad_names": json.dumps(list(self.pad)),
            "unrelated": json.dumps(unrelated(self.path)),
            "norms": json.dumps(self.path.norms(self.checkpoint)),
        }

    def changing(self) -> dict[str, Any]:
        return super().changing() | {"facts": json.dumps({name: asdict(facts) for name, facts in self.facts.items()})}

    def script(self) -> str:
        """Return a script that makes the slerp strip with the public API."""
        s = self.request.settings
        through = ", ".join(latent.to_python() for latent in self.path.through)
        return with_imports(f"""checkpoint = {self.checkpoint.to_python()}
through = [{through}]
settings = ex.Settings(steps={s.steps}, spacing={s.spacing!r}, clip={s.clip})
for k, position in enumerate({list(self.path.positions)}):
    leg = min(int(position), len(through) - 2)
    x_T = ex.slerp(through[leg], through[leg + 1], round(position - leg, 4))
    ex.to_image(ex.sample(checkpoint, x_T, settings)).save(f"frame-{{k:02d}}.png")
""")
