"""The Interpolate tab: pictures between latents by slerp, by lerp, and under DDPM."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED, LatentSpec, mix, parse, parse_list, to_field
from explorer.runs.results import PictureRequest
from explorer.ui.fields import InvalidField, Options, boolean, integer, one_of
from explorer.ui.localization import LocalizedMessage
from explorer.ui.picture_run import run_pictures
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.interpolate.endpoints import ENDPOINTS
from explorer.ui.tabs.interpolate.exports import EXPORT_FORMATS
from explorer.ui.tabs.interpolate.path import LatentPath
from explorer.ui.tabs.interpolate.result import InterpolateResult

OTHER_STEPS = (10, 20, 50)  # S of the strips for ``over_steps``
MAX_LOOP = 8
BATCH = 4  # small, so that the first pictures of a strip appear early


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
    """

    way: str = "ends"
    a: int | str = 10
    b: int | str = 29
    c: int | str = 22
    d: int | str = 3
    loop: str = "10, 29, 22, 3"
    frames: int = 12
    lerp: bool = True
    ddpm: str = "own"
    over_steps: bool = False
    side: int = 7

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


class InterpolateTab(Tab[InterpolateOptions]):
    """Strips of pictures along a path through latents, and a two-dimensional pad between four latents."""

    name, options = "interpolate", InterpolateOptions
    export_formats, endpoints = EXPORT_FORMATS, ENDPOINTS
    file_name_fields = ("a", "b", "steps")
    unused_fields = ("seed", "eta", "variance")
    view_keys = ("frame", "pad")

    def latents(self, request: TabRequest[InterpolateOptions]) -> dict[str, list[LatentSpec]]:
        o = request.options
        corners = {name: [parse(latent)] for name, latent in o.corners().items()}
        return corners | {"loop": parse_list(o.loop, 2, MAX_LOOP) if o.way == "loop" else []}

    def file_name_fields_for(self, request: TabRequest[InterpolateOptions]) -> tuple[str, ...]:
        return ("loop", "steps") if request.options.way == "loop" else self.file_name_fields

    def check(self, request: TabRequest[InterpolateOptions]) -> TabRequest[InterpolateOptions]:
        """The corners of the pad differ, and the noise seeds of all frames are consecutive."""
        corners = request.options.corners()
        for i, (name, latent) in enumerate(corners.items()):
            if latent in list(corners.values())[:i]:
                raise InvalidField(name, LocalizedMessage("error.corner_twice", {"given": latent}))
        highest = MAX_SEED - request.options.frames
        if request.settings.noise_seed > highest:  # type: ignore[operator]
            raise InvalidField("noise_seed", LocalizedMessage("error.noise_seed_frames", {"highest": highest}))
        return request

    def results(self, request: TabRequest[InterpolateOptions], state: State) -> Iterator[InterpolateResult]:
        """Run the strips first, then the pad from coarse to fine."""
        return self.run_strips(request, state, pad=plan_pad(request))

    def run_strips(
        self, request: TabRequest[InterpolateOptions], state: State, pad: dict[str, PictureRequest]
    ) -> Iterator[InterpolateResult]:
        """Run the strips and the pictures of ``pad``, which may be empty. Yield the result as :meth:`results` does."""
        path = request.options.path()
        result = InterpolateResult(request=request, path=path, strips=plan_strips(request, path), pad=pad)
        names = list(result.requests)

        def add_picture(index: int, picture: Tensor) -> None:
            result.add(names[index], picture)

        requests = list(result.requests.values())
        return run_pictures(result, requests, self.services.results, state, add_picture, BATCH)


def plan_strips(request: TabRequest[InterpolateOptions], path: LatentPath) -> dict[str, list[PictureRequest]]:
    """Return the requests for the frames of each strip, by name."""
    o, base = request.options, replace(request.settings, variance="eta", eta=0.0)
    slerp_latents = [path.at(p, "slerp") for p in path.positions]
    strips = {"slerp": [PictureRequest(latent, base) for latent in slerp_latents]}
    if o.lerp:
        strips["lerp"] = [PictureRequest(path.at(p, "lerp"), base) for p in path.positions]
    if o.ddpm != "off":
        seed = base.noise_seeds(1)[0]
        seeds = [seed + (k if o.ddpm == "own" else 0) for k in range(len(slerp_latents))]
        noisy = replace(base, eta=1.0)
        strips["ddpm"] = [
            PictureRequest(latent, replace(noisy, noise_seed=s)) for latent, s in zip(slerp_latents, seeds, strict=True)
        ]
    if o.over_steps:
        for S in OTHER_STEPS:
            if base.steps != S <= request.checkpoint.schedule.T:
                strips[f"S{S}"] = [PictureRequest(latent, replace(base, steps=S)) for latent in slerp_latents]
    return strips


def plan_pad(request: TabRequest[InterpolateOptions]) -> dict[str, PictureRequest]:
    """Return the requests for the pad's pictures by name "pad/row/column", coarse ones first.

    Latents are interpolated by slerp in two pairs, then between the pairs (App. D.5).
    """
    settings = replace(request.settings, variance="eta", eta=0.0)
    a, b, c, d = (parse(latent) for latent in request.options.corners().values())
    last = request.options.side - 1

    def latent(row: int, column: int) -> LatentSpec:
        return mix(mix(a, b, column / last), mix(c, d, column / last), row / last)

    def fineness(index: int) -> int:
        """Return 0 for both ends, 1 for the middle, 2 for the others."""
        return 0 if index in (0, last) else 1 if index == last // 2 else 2

    cells = [(row, column) for row in range(last + 1) for column in range(last + 1)]
    cells.sort(key=lambda cell: max(map(fineness, cell)))
    return {f"pad/{row}/{column}": PictureRequest(latent(row, column), settings) for row, column in cells}
