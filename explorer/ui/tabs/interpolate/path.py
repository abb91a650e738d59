"""A path through latents, with frames along it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import LatentSpec, MixKind, mix

NORM_POINTS = 40


@dataclass(frozen=True)
class LatentPath:
    """A path through latents. Position 0 is the first latent, 1 the second, and so on.

    Attributes:
        through: the latents; a loop ends with the first one again.
        positions: of the frames.
        stops: indices of the frames that are at a latent.
    """

    through: tuple[LatentSpec, ...]
    positions: tuple[float, ...]
    stops: tuple[int, ...]

    @classmethod
    def through_latents(cls, through: tuple[LatentSpec, ...], frames: int) -> LatentPath:
        """Create a path with at least ``frames`` evenly spaced frames, and at least one between each two latents."""
        legs = len(through) - 1
        per_leg = max(2, math.ceil((frames - 1) / legs))
        positions = tuple(round(k / per_leg, 4) for k in range(legs * per_leg + 1))
        return cls(through, positions, tuple(range(0, legs * per_leg + 1, per_leg)))

    def at(self, position: float, kind: MixKind) -> LatentSpec:
        """Return the latent at a position, by spherical ("slerp") or linear ("lerp") interpolation."""
        leg = min(int(position), len(self.through) - 2)
        return mix(self.through[leg], self.through[leg + 1], position - leg, kind)

    def norms(self, checkpoint: Checkpoint) -> dict[str, list[list[float]]]:
        """Return the norm of x_T along the path, divided by the root of its dimension: [position, norm] for slerp and lerp."""
        root, legs = math.sqrt(math.prod(checkpoint.shape)), len(self.through) - 1
        positions = [k * legs / NORM_POINTS for k in range(NORM_POINTS + 1)]
        kinds: tuple[MixKind, MixKind] = ("slerp", "lerp")
        return {
            kind: [[p, round(float(self.at(p, kind).latent(checkpoint).norm()) / root, 5)] for p in positions]
            for kind in kinds
        }
