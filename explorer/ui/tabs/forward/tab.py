"""The Forward tab: noise in one jump, processes that share the marginals, and the loss that sees no more than these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from explorer.forward import markov_paths, non_markov_paths
from explorer.latents import latent
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.encoded_latent import real_picture
from explorer.runs.results import generate_pictures
from explorer.schedule import timesteps
from explorer.ui.fields import Check, InvalidField, Options, integer
from explorer.ui.localization import LocalizedMessage
from explorer.ui.query import Query
from explorer.ui.real_pictures import GENERATED, add_examples, check_picture, examples_of, receive_picture
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.forward.exports import EXPORT_FORMATS
from explorer.ui.tabs.forward.result import ForwardResult, Pixel

PROCESSES = {"markov": None, "1": 1.0, "0.5": 0.5, "0": 0.0}  # name → eta, None for the Markov chain
MAX_PIXELS = 3


def parse_pixels(value: Any) -> list[tuple[int, int]]:
    """The list of pixels, "row:column, row:column".

    Raises:
        ValueError: another form, the same pixel twice, none or more than three.
    """
    if not isinstance(value, str):
        raise ValueError(LocalizedMessage("error.pixels"))
    parts = [part.strip().split(":") for part in value[:200].split(",") if part.strip()]
    if not all(len(p) == 2 and all(n.isascii() and n.isdigit() and len(n) < 5 for n in p) for p in parts):
        raise ValueError(LocalizedMessage("error.pixels_each"))
    places = [(int(row), int(column)) for row, column in parts]
    if not 1 <= len(places) <= MAX_PIXELS or len(set(places)) < len(places):
        raise ValueError(LocalizedMessage("error.pixels_count", {"most": MAX_PIXELS, "count": len(places)}))
    return places


@dataclass(frozen=True)
class ForwardOptions(Options):
    """Settings of the Forward tab.

    Attributes:
        real: number of a held-out picture, the name of an uploaded one, or "made": the first picture of the page.
        pixels: whose paths are drawn, as text; empty for one in the middle, a little up.
        walks: how many paths the means and variances are taken over.
    """

    real: int | str = 0
    pixels: str = ""
    walks: int = 1000

    checks: ClassVar[Mapping[str, Check]] = {
        "real": check_picture,
        "pixels": lambda value: ", ".join(f"{row}:{column}" for row, column in parse_pixels(value)) if value else "",
        "walks": integer("walks", 100, 4000),
    }

    def places(self, height: int, width: int) -> list[tuple[int, int]]:
        """(row, column) of each pixel that is drawn."""
        return parse_pixels(self.pixels) if self.pixels else [(5 * height // 16, width // 2)]


class ForwardTab(Tab[ForwardOptions]):
    """q(x_t | x_0) of a real picture, and paths of a few of its pixels under processes with these marginals."""

    name, options, export_formats = "forward", ForwardOptions, EXPORT_FORMATS
    file_name_fields = ("real",)
    picture_field = "real"
    unused_fields = ("seed", "variance", "clip")
    view_keys = ("t_forward",)
    server_functions = (receive_picture,)

    def check(self, request: TabRequest[ForwardOptions]) -> TabRequest[ForwardOptions]:
        """The pixels lie inside. Without held-out pictures the first one is a made one."""
        _, H, W = request.checkpoint.shape
        for row, column in request.options.places(H, W):
            if row >= H or column >= W:
                place = {"last_row": H - 1, "last_column": W - 1, "row": row, "column": column}
                raise InvalidField("pixels", LocalizedMessage("error.pixel_outside", place))
        if request.options.real == 0 and len(examples_of(request.checkpoint)) == 0:
            return replace(request, options=replace(request.options, real=GENERATED))
        return request

    def results(self, request: TabRequest[ForwardOptions], state: State) -> Iterator[ForwardResult]:
        """Everything at once: only a made picture needs the network."""
        checkpoint, options, settings = request.checkpoint, request.options, request.settings
        default = Query.default(self.services.max_steps, checkpoint.name)
        x_0 = (
            self._made(request, default, state)
            if options.real == GENERATED
            else real_picture(options.real, checkpoint)[0]
        )
        seed = settings.noise_seeds(1)[0]
        places = options.places(*checkpoint.shape[1:])
        values = np.array([float(x_0[0, row, column]) for row, column in places])
        tau = timesteps(checkpoint.schedule.T, settings.steps, settings.spacing)
        processes = {
            name: markov_paths(values, tau, checkpoint.schedule, options.walks, seed)
            if eta is None
            else non_markov_paths(values, tau, checkpoint.schedule, eta, options.walks, seed)
            for name, eta in PROCESSES.items()
        }
        result = ForwardResult(
            request=request,
            default=default,
            x_0=x_0,
            eps=latent(checkpoint.shape, [seed])[0],
            tau=tau,
            pixels=[Pixel(row, column, value) for (row, column), value in zip(places, values.tolist(), strict=True)],
            processes=processes,
            state="ended",
            evaluations=None,
            expected_evaluations=None,
        )
        result.examples = add_examples(result.pictures, checkpoint)
        yield result

    def _made(self, request: TabRequest[ForwardOptions], default: Query, state: State) -> Tensor:
        """The page's first picture, (C, H, W)."""
        for progress in generate_pictures(request.checkpoint, [default.picture], self.services.results):
            if progress.ready:
                return progress.ready[0].clamp(-1, 1)
            check_cancelled(state)
        raise RuntimeError("the picture was not made")
