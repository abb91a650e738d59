"""The settings of Interpolate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from explorer.runs.latent_spec import parse, parse_list, to_field
from explorer.ui.fields import Options, boolean, integer, one_of
from explorer.ui.tabs.interpolate.path import LatentPath

MAX_LOOP = 8


def latent_field(value: Any) -> int | str:
    """Validate one latent."""
    return to_field(parse(value))


@dataclass(frozen=True)
class InterpolateOptions(Options):
    """Settings of the Interpolate tab.

    Attributes:
        way: "ends" for a path from ``a`` to ``b``, "loop" for one through the latents of ``loop`` and back to the first.
        a, b: the ends of the path, and the upper corners of the pad.
        c, d: the lower corners of the pad.
        loop: comma-separated list of latents.
        frames: n, the number of pictures along the path, including its ends.
        lerp: show a strip with linear interpolation.
        ddpm: show a strip with eta = 1: "own" noise seed for each frame, one "shared" noise seed, or "off".
        over_steps: show the slerp strip with other S.
        side: number of pictures along each side of the pad.
        noises: show a strip with eta = 1 for which x_T and the noise of every step are interpolated.
    """

    way: str = "ends"
    a: int | str = 10
    b: int | str = 29
    c: int | str = 22
    d: int | str = 3
    loop: str = "10, 29, 22, 3"
    frames: int = 9
    lerp: bool = True
    ddpm: str = "own"
    over_steps: bool = False
    side: int = 5
    noises: bool = False

    checks: ClassVar = {
        "way": one_of("way", "ends", "loop"),
        "a": latent_field,
        "b": latent_field,
        "c": latent_field,
        "d": latent_field,
        "loop": lambda value: ", ".join(str(latent) for latent in parse_list(value, 2, MAX_LOOP)),
        "frames": integer("frames", 8, 33),
        "lerp": boolean("lerp"),
        "ddpm": one_of("ddpm", "own", "shared", "off"),
        "over_steps": boolean("over_steps"),
        "side": integer("side", 5, 11),
        "noises": boolean("noises"),
    }

    def path(self) -> LatentPath:
        """Return the path of the strips."""
        if self.way == "ends":
            return LatentPath.through_latents((parse(self.a), parse(self.b)), self.frames)
        latents = parse_list(self.loop, 2, MAX_LOOP)
        return LatentPath.through_latents((*latents, latents[0]), self.frames)

    def corners(self) -> dict[str, int | str]:
        """Return the corners of the pad by field name."""
        return {"a": self.a, "b": self.b, "c": self.c, "d": self.d}
