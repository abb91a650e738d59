"""The Encode tab: DDIM inversion of a real picture, and its reconstruction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from explorer.runs.cancellation import State
from explorer.ui.real_pictures import GENERATED, examples_of, receive_picture
from explorer.ui.tab import Services, Tab, TabRequest
from explorer.ui.tabs.encode.exports import EXPORT_FORMATS
from explorer.ui.tabs.encode.options import EncodeOptions
from explorer.ui.tabs.encode.reconstructions import Reconstructions
from explorer.ui.tabs.encode.result import EncodeResult
from explorer.ui.tabs.encode.round_trip import RoundTrip


class EncodeTab(Tab[EncodeOptions]):
    """A round trip from x_0 to x_T by DDIM inversion, and back."""

    name, options, export_formats = "encode", EncodeOptions, EXPORT_FORMATS
    file_name_fields = ("picture", "steps")
    picture_field = "picture"
    unused_fields = ("eta", "variance", "noise_seed", "clip")
    view_keys = ("moment",)
    server_functions = (receive_picture,)

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.reconstructions = Reconstructions(services.results.stored)

    def check(self, request: TabRequest[EncodeOptions]) -> TabRequest[EncodeOptions]:
        """Without held-out pictures, the default is a generated one."""
        if request.options.picture == 0 and len(examples_of(request.checkpoint)) == 0:
            return replace(request, options=replace(request.options, picture=GENERATED))
        return request

    def results(self, request: TabRequest[EncodeOptions], state: State) -> Iterator[EncodeResult]:
        return RoundTrip(request, self.reconstructions, state).run()
