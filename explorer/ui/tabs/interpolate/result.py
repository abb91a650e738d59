"""What Interpolate has computed so far."""

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
    """The numbers of one strip.

    Attributes:
        largest, smoothness, span: see :class:`explorer.evaluation.metrics.Strip`.
        contrast_middle, contrast_ends: standard deviation of the pixels half-way and at the latents of the path.
    """

    largest: float
    smoothness: float
    span: float
    contrast_middle: float
    contrast_ends: float


def measure(pictures: Tensor, path: LatentPath) -> StripFacts:
    """Measure the pictures (N, C, H, W) of a strip."""
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
    )


def describe(frames: list[PictureRequest]) -> dict[str, Any]:
    """What opens the frames of a strip in Steps."""
    return {
        "latents": [to_field(frame.latent) for frame in frames],
        "noise_seeds": [frame.settings.noise_seed for frame in frames],
        "steps": frames[0].settings.steps,
        "eta": frames[0].settings.eta,
    }


@dataclass(kw_only=True)
class InterpolateResult(TabResult):
    """Pictures are named ``<strip>/<frame>`` and ``pad/<row>/<column>``.

    Attributes:
        path: what the strips follow.
        strips: the frames of each strip, by name.
        pad: the pictures of the pad, by name.
        facts: the numbers of each strip that is complete.
    """

    path: LatentPath
    strips: dict[str, list[PictureRequest]]
    pad: dict[str, PictureRequest]
    facts: dict[str, StripFacts] = field(default_factory=dict)

    def fixed(self) -> dict[str, Any]:
        return super().fixed() | {
            "positions": json.dumps(self.path.positions),
            "through": json.dumps([to_field(latent) for latent in self.path.through]),
            "strips": json.dumps({name: describe(frames) for name, frames in self.strips.items()}),
            "pad": json.dumps([str(picture.latent) for picture in self.pad.values()]),
            "pad_names": json.dumps(list(self.pad)),
            "norms": json.dumps(self.path.norms(self.checkpoint)),
        }

    def changing(self) -> dict[str, Any]:
        return super().changing() | {"facts": json.dumps({name: asdict(facts) for name, facts in self.facts.items()})}

    def script(self) -> str:
        """A script on the public names that makes the strip on the sphere."""
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
