"""The Forward tab: q(x_t | x_0) of a real picture, forward processes with the same marginals, and the loss over t."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from torch import Tensor

from explorer.forward import Paths, markov_paths, non_markov_paths
from explorer.latents import latent
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.encoded_latent import real_picture
from explorer.runs.results import generate_pictures
from explorer.schedule import Schedule, timesteps
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage
from explorer.ui.query import Query
from explorer.ui.real_pictures import GENERATED, add_examples, examples_of, receive_picture
from explorer.ui.tab import Tab, TabRequest
from explorer.ui.tabs.forward.exports import EXPORT_FORMATS
from explorer.ui.tabs.forward.options import ForwardOptions
from explorer.ui.tabs.forward.result import ForwardResult, Pixel

PROCESSES = {"markov": None, "1": 1.0, "0.5": 0.5, "0": 0.0}  # eta by name; None for the Markov chain


class ForwardTab(Tab[ForwardOptions]):
    """A real picture noised to any t, and paths of some of its pixels under several forward processes."""

    name, options, export_formats = "forward", ForwardOptions, EXPORT_FORMATS
    file_name_fields = ("real",)
    picture_field = "real"
    unused_fields = ("seed", "variance", "clip")
    view_keys = ("t_forward",)
    server_functions = (receive_picture,)

    def check(self, request: TabRequest[ForwardOptions]) -> TabRequest[ForwardOptions]:
        """The pixels lie inside the picture. Without held-out pictures, the default is a generated one."""
        _, H, W = request.checkpoint.shape
        for row, column in request.options.pixel_positions(H, W):
            if row >= H or column >= W:
                values = {"last_row": H - 1, "last_column": W - 1, "row": row, "column": column}
                raise InvalidField("pixels", LocalizedMessage("error.pixel_outside", values))
        if request.options.real == 0 and len(examples_of(request.checkpoint)) == 0:
            return replace(request, options=replace(request.options, real=GENERATED))
        return request

    def results(self, request: TabRequest[ForwardOptions], state: State) -> Iterator[ForwardResult]:
        """Yield one result. Only a generated picture needs the network."""
        checkpoint, options, settings = request.checkpoint, request.options, request.settings
        default = Query.default(self.services.max_steps, checkpoint.name)
        if options.real == GENERATED:
            x_0 = self._generate_picture(request, default, state)
        else:
            x_0 = real_picture(options.real, checkpoint)[0]
        noise_seed = settings.noise_seeds(1)[0]
        pixels = [
            Pixel(row, column, float(x_0[0, row, column]))
            for row, column in options.pixel_positions(*checkpoint.shape[1:])
        ]
        tau = timesteps(checkpoint.schedule.T, settings.steps, settings.spacing)
        result = ForwardResult(
            request=request,
            default=default,
            x_0=x_0,
            eps=latent(checkpoint.shape, [noise_seed])[0],
            tau=tau,
            pixels=pixels,
            processes=simulate_processes(pixels, tau, checkpoint.schedule, options.walks, noise_seed),
            state="ended",
            evaluations=None,
            expected_evaluations=None,
        )
        result.examples = add_examples(result.pictures, checkpoint)
        yield result

    def _generate_picture(self, request: TabRequest[ForwardOptions], default: Query, state: State) -> Tensor:
        """Generate the picture (C, H, W) of the default settings."""
        for progress in generate_pictures(request.checkpoint, [default.picture], self.services.results):
            if progress.ready:
                return progress.ready[0].clamp(-1, 1)
            check_cancelled(state)
        raise RuntimeError("the picture was not generated")


def simulate_processes(
    pixels: list[Pixel], tau: list[int], schedule: Schedule, walks: int, seed: int
) -> dict[str, Paths]:
    """Simulate paths of the pixels' values under each of :data:`PROCESSES`."""
    values = np.array([pixel.value for pixel in pixels])
    return {
        name: markov_paths(values, tau, schedule, walks, seed)
        if eta is None
        else non_markov_paths(values, tau, schedule, eta, walks, seed)
        for name, eta in PROCESSES.items()
    }
