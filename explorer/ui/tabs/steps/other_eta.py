"""The picture of the other eta beside that of a run: from the same x_T with eta = 1, or with eta = 0 if the run is DDPM's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.media.convert import to_rgb, to_uint8
from explorer.runs.cancellation import State
from explorer.runs.results import PictureRequest, ResultCache
from explorer.runs.shared_network import unshared
from explorer.runs.throttle import Throttle
from explorer.sampler import Step, denoise
from explorer.settings import Settings
from explorer.trajectory import Trajectory
from explorer.ui.picture_stream import picture_uri

COARSE_STEPS = 10
LONG_RUN = 20  # steps: a run that is longer is preceded by a preview with COARSE_STEPS
SECONDS_BETWEEN_UPDATES = 0.1


def other_settings(settings: Settings) -> Settings:
    """Return ``settings`` with eta = 1; with eta = 0 if they are DDPM's, with either variance."""
    is_ddpm = settings.variance == "large" or settings.eta == 1
    return replace(settings, eta=0.0 if is_ddpm else 1.0, variance="eta")


class OtherPicture:
    """The picture with :func:`other_settings`. Its calls of the network share no batch with those of the run beside it.

    Args:
        checkpoint, beside: of the run that it stands beside.
        cache: is read first, and receives the run.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.

    Attributes:
        state: "waiting", "running", "stopped" or "ended".
        steps: S of what the picture shows.
        t: time step whose predicted x_0 the picture shows; None for a final picture and as long as there is none.
        evaluations: network evaluations (NFE) for the picture, without those of the preview; 0 if it was cached.
    """

    def __init__(self, checkpoint: Checkpoint, beside: PictureRequest, cache: ResultCache, state: State) -> None:
        self._checkpoint, self._cache, self._run_state = checkpoint, cache, state
        self.request = replace(beside, settings=other_settings(beside.settings))
        self.steps, self.evaluations = self.request.settings.steps, 0
        self.t: int | None = None
        self.state = "waiting"
        self._picture = ""
        cached = cache.picture(checkpoint, self.request)
        if cached is not None:
            self.state = "ended"
            self._show(cached)

    @property
    def needs_preview(self) -> bool:
        """Whether :meth:`preview` is of use."""
        return self.state == "waiting" and not self._picture and self.request.settings.steps > LONG_RUN

    def preview(self) -> None:
        """Show the picture with few steps. It is left out if the run is stopped or superseded meanwhile."""
        coarse = replace(self.request, settings=replace(self.request.settings, steps=COARSE_STEPS))
        picture = self._cache.picture(self._checkpoint, coarse)
        if picture is None:
            for step in self._denoise(coarse):
                picture = step.x_prev[0]
                if self._run_state() != "running":
                    return
            assert picture is not None
            self._cache.put_picture(self._checkpoint, coarse, picture)
        self.steps = COARSE_STEPS
        self._show(picture)

    def cancel(self) -> None:
        """Do not run it: the run beside it was stopped."""
        if self.state == "waiting":
            self.state = "stopped"

    def run(self) -> Iterator[None]:
        """Run it, and yield after every visible change. A superseded run ends without another one."""
        if self.state == "ended":
            return
        self.state = "running"
        throttle = Throttle(SECONDS_BETWEEN_UPDATES)
        trajectory = Trajectory(self._checkpoint, self.request.latent.latent(self._checkpoint), self.request.settings)
        for step in self._denoise(self.request):
            trajectory.record(step)
            self.evaluations = len(trajectory)
            outcome = "ended" if trajectory.done else self._run_state()
            if outcome == "superseded":
                return
            self.state = outcome
            if outcome != "running" or throttle.ready():
                self.steps = self.request.settings.steps
                self.t = None if outcome == "ended" else step.t
                self._show(step.x_prev[0] if outcome == "ended" else step.x0[0])
                yield
                throttle.done()
            if outcome == "stopped":
                return
        self._cache.put_run(self.request, trajectory)

    def to_page(self) -> str:
        """Return the JSON value that the page shows."""
        return json.dumps(
            {
                "eta": self.request.settings.eta,
                "state": self.state,
                "steps": self.steps,
                "isCoarse": self.steps != self.request.settings.steps,
                "t": self.t,
                "evaluations": self.evaluations,
                "picture": self._picture,
            }
        )

    def _denoise(self, request: PictureRequest) -> Iterator[Step]:
        return denoise(unshared(self._checkpoint), request.latent.latent(self._checkpoint), request.settings)

    def _show(self, picture: Tensor) -> None:
        """Take a picture (C, H, W) in [-1, 1] as the newest one."""
        self._picture = picture_uri(to_rgb(to_uint8(picture[None]))[0])
