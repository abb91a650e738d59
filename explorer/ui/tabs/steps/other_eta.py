"""The picture of the other eta beside that of a run: from the same x_T with eta = 1, or with eta = 0 if the run is DDPM's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from threading import Event, Thread

from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.media.convert import to_rgb, to_uint8
from explorer.networks.network import NetworkLost
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
        t: time step whose predicted x_0 the picture shows; None for a final picture and as long as there is none.
        evaluations: network evaluations (NFE) for the picture, without those of the preview; 0 if it was cached.
    """

    def __init__(self, checkpoint: Checkpoint, beside: PictureRequest, cache: ResultCache, state: State) -> None:
        self._checkpoint, self._cache, self._run_state = checkpoint, cache, state
        self.request = replace(beside, settings=other_settings(beside.settings))
        self.evaluations = 0
        self.t: int | None = None
        self.state = "waiting"
        self._picture = self._preview = ""
        self._needs_preview = Event()
        cached = cache.picture(checkpoint, self.request)
        if cached is not None:
            self.state = "ended"
            self._show(cached)

    def start_preview(self) -> None:
        """Make a preview with few steps in another thread, if the run is long. Calling it again has no effect."""
        if self.state == "waiting" and self.request.settings.steps > LONG_RUN and not self._needs_preview.is_set():
            self._needs_preview.set()
            Thread(target=self._make_preview, name="preview", daemon=True).start()

    def _make_preview(self) -> None:
        coarse = replace(self.request, settings=replace(self.request.settings, steps=COARSE_STEPS))
        picture = self._cache.picture(self._checkpoint, coarse)
        if picture is None:
            with suppress(NetworkLost):  # the run beside it reports that
                for step in self._denoise(coarse):
                    picture = step.x_prev[0]
                    if not self._needs_preview.is_set():
                        return
            if picture is None:
                return
            self._cache.put_picture(self._checkpoint, coarse, picture)
        self._preview = _uri(picture)

    def end_preview(self) -> None:
        """Let the preview end after its current network call, because nobody needs it any more."""
        self._needs_preview.clear()

    def cancel(self) -> None:
        """Do not run it: the run beside it was stopped."""
        if self.state == "waiting":
            self.state = "stopped"

    def run(self) -> Iterator[None]:
        """Run it, and yield after every visible change. A superseded run ends without another one."""
        self.end_preview()
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
                self.t = None if outcome == "ended" else step.t
                self._show(step.x_prev[0] if outcome == "ended" else step.x0[0])
                yield
                throttle.done()
            if outcome == "stopped":
                return
        self._cache.put_run(self.request, trajectory)

    def to_page(self) -> str:
        """Return the JSON value that the page shows."""
        is_coarse = not self._picture and self._preview != ""
        return json.dumps(
            {
                "eta": self.request.settings.eta,
                "state": self.state,
                "steps": COARSE_STEPS if is_coarse else self.request.settings.steps,
                "isCoarse": is_coarse,
                "t": self.t,
                "evaluations": self.evaluations,
                "picture": self._picture or self._preview,
            }
        )

    def _denoise(self, request: PictureRequest) -> Iterator[Step]:
        return denoise(unshared(self._checkpoint), request.latent.latent(self._checkpoint), request.settings)

    def _show(self, picture: Tensor) -> None:
        """Take a picture (C, H, W) in [-1, 1] as the newest one."""
        self._picture = _uri(picture)


def _uri(picture: Tensor) -> str:
    return picture_uri(to_rgb(to_uint8(picture[None]))[0])
