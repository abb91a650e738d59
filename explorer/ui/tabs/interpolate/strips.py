"""The pictures that Interpolate makes: strips along a path through latents, and a pad between four latents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from explorer.latents import NoiseMix
from explorer.runs.cancellation import State
from explorer.runs.latent_spec import LatentSpec, mix, parse
from explorer.runs.results import PictureRequest, ResultCache
from explorer.settings import Settings
from explorer.ui.picture_run import run_pictures
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.interpolate.options import InterpolateOptions
from explorer.ui.tabs.interpolate.path import LatentPath
from explorer.ui.tabs.interpolate.result import InterpolateResult

OTHER_STEPS = (10, 20, 50)  # S of the strips for ``over_steps``


def run_strips(
    request: TabRequest[InterpolateOptions], cache: ResultCache, state: State, pad: dict[str, PictureRequest]
) -> Iterator[InterpolateResult]:
    """Run the strips, then the pictures of ``pad``, which may be empty. Yield the result whenever pictures are ready."""
    path = request.options.path()
    result = InterpolateResult(request=request, path=path, strips=plan_strips(request, path), pad=pad)
    names = list(result.requests)

    def add_picture(index: int, picture: Tensor) -> None:
        result.add(names[index], picture)

    requests = list(result.requests.values())
    return run_pictures(result, requests, cache, state, add_picture, names=names)


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
    if o.noises:
        strips["noises"] = interpolate_noises(path, replace(base, eta=1.0))
    if o.over_steps:
        for S in OTHER_STEPS:
            if base.steps != S <= request.checkpoint.schedule.T:
                strips[f"S{S}"] = [PictureRequest(latent, replace(base, steps=S)) for latent in slerp_latents]
    return strips


def interpolate_noises(path: LatentPath, settings: Settings) -> list[PictureRequest]:
    """Return the frames of a path on which x_T and the z of every step are interpolated (Sec. 5.3, footnote 6).

    At the k-th frame, if that is a latent of the path, the noise seed is ``settings.noise_seed + k``, as in the strip with
    own noise. A loop ends with the noise of its first latent. Between two latents every noise is the slerp of theirs, x_T
    and each z with the same w.
    """
    first, legs = settings.noise_seeds(1)[0], len(path.stops) - 1
    seeds = [first + stop for stop in path.stops]
    if path.through[0] == path.through[-1]:
        seeds[-1] = first
    frames = []
    for position in path.positions:
        leg = min(int(position), legs - 1)
        a, b, w = seeds[leg], seeds[leg + 1], round(position - leg, 4)
        noise = NoiseMix(a, b, w) if 0 < w < 1 else None
        seed = b if w == 1 else a
        frames.append(PictureRequest(path.at(position, "slerp"), replace(settings, noise_seed=seed), noise))
    return frames


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
