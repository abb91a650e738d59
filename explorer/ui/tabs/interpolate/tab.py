"""The Interpolate tab: pictures between latents by slerp, by lerp, and under DDPM."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED, LatentSpec, parse, parse_list
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.interpolate.endpoints import ENDPOINTS
from explorer.ui.tabs.interpolate.exports import EXPORT_FORMATS
from explorer.ui.tabs.interpolate.options import MAX_LOOP, InterpolateOptions
from explorer.ui.tabs.interpolate.result import InterpolateResult
from explorer.ui.tabs.interpolate.strips import plan_pad, run_strips


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
        return run_strips(request, self.services.results, state, plan_pad(request))
