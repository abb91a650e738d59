"""A path through latents."""

from __future__ import annotations

import math
from dataclasses import dataclass

from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import LatentSpec, MixKind, mix

NORM_POINTS = 40


@dataclass(frozen=True)
class LatentPath:
    """A path through latents: position 0 is at the first one, 1 at the second, and so on.

    Attributes:
        through: the latents; the first one again at the end of a loop.
        positions: of the frames along the path.
        stops: indices of the frames at the latents themselves.
    """

    through: tuple[LatentSpec, ...]
    positions: tuple[float, ...]
    stops: tuple[int, ...]

    @classmethod
    def through_latents(cls, through: tuple[LatentSpec, ...], frames: int) -> LatentPath:
        """A path with at least ``frames`` frames, evenly spaced over its legs, at least one between two latents."""
        legs = len(through) - 1
        each = max(2, math.ceil((frames - 1) / legs))
        positions = tuple(round(k / each, 4) for k in range(legs * each + 1))
        return cls(through, positions, tuple(range(0, legs * each + 1, each)))

    def at(self, position: float, kind: MixKind) -> LatentSpec:
        """The latent at a position, on the sphere ("slerp") or on the straight line ("lerp")."""
        leg = min(int(position), len(self.through) - 2)
        return mix(self.through[leg], self.through[leg + 1], position - leg, kind)

    def norms(self, checkpoint: Checkpoint) -> dict[str, list[list[float]]]:
        """The norm of x_T over the root of its dimension along the path: [position, norm] for slerp and lerp."""
        root, legs = math.sqrt(math.prod(checkpoint.shape)), len(self.through) - 1
        positions = [k * legs / NORM_POINTS for k in range(NORM_POINTS + 1)]
        kinds: tuple[MixKind, MixKind] = ("slerp", "lerp")
        return {
            kind: [[p, round(float(self.at(p, kind).latent(checkpoint).norm()) / root, 5)] for p in positions]
            for kind in kinds
        }
