"""The Steps tab: one DDIM run (Eq. 12), step by step."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.runs.cancellation import State
from explorer.runs.latent_spec import MAX_SEED
from explorer.runs.prefetch import prefetch
from explorer.runs.throttle import Throttle
from explorer.sampler import denoise
from explorer.trajectory import Trajectory
from explorer.ui.fields import InvalidField
from explorer.ui.localization import LocalizedMessage
from explorer.ui.tab import Services, Tab, TabRequest
from explorer.ui.tabs.steps.endpoints import ENDPOINTS
from explorer.ui.tabs.steps.exports import EXPORT_FORMATS
from explorer.ui.tabs.steps.forks import COUNT, ForkCache
from explorer.ui.tabs.steps.futures import Futures
from explorer.ui.tabs.steps.options import StepsOptions
from explorer.ui.tabs.steps.other_eta import OtherPicture
from explorer.ui.tabs.steps.result import StepsResult

SECONDS_BETWEEN_UPDATES = 0.1  # on a small machine, drawing an update slows down the network


class StepsTab(Tab[StepsOptions]):
    """One run with all terms of every step."""

    name, options = "steps", StepsOptions
    export_formats, endpoints = EXPORT_FORMATS, ENDPOINTS
    view_keys = ("t", "future")

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._forks = ForkCache(services.results.stored)

    def check(self, request: TabRequest[StepsOptions]) -> TabRequest[StepsOptions]:
        """The noise seeds of all futures are consecutive."""
        highest = MAX_SEED - COUNT
        if request.options.fork and request.settings.noise_seed > highest:  # type: ignore[operator]
            raise InvalidField("noise_seed", LocalizedMessage("error.noise_seed_rows", {"highest": highest}))
        return request

    def page_results(self, request: TabRequest[StepsOptions], state: State) -> Iterator[StepsResult]:
        """Yield the run, and beside it the picture of the other eta from the same x_T, and then the futures.

        That picture comes after the run. Beside a long run, a preview of it is made after the first step.
        """
        other = OtherPicture(request.checkpoint, request.query.picture, self.services.results, state)
        result: StepsResult | None = None
        try:
            for result in self._run(request, state):
                result.other = other
                if result.state == "stopped":
                    other.cancel()
                yield result
                if result.state == "running":
                    other.start_preview()
        finally:
            other.end_preview()
        if result is not None and result.state == "ended":
            for _ in other.run():
                yield result
            if other.state == "ended":
                yield from self._run_futures(result)

    def results(self, request: TabRequest[StepsOptions], state: State) -> Iterator[StepsResult]:
        """Yield the run every few steps, and then the futures, if there is a fork."""
        result: StepsResult | None = None
        for result in self._run(request, state):
            yield result
        if result is not None and result.state == "ended":
            yield from self._run_futures(result)

    def _run_futures(self, result: StepsResult) -> Iterator[StepsResult]:
        if result.futures is not None:
            for _ in result.futures.run():
                for fork in result.futures.done.values():
                    result.add_origin(fork.origin)
                yield result

    def _futures(self, request: TabRequest[StepsOptions], trajectory: Trajectory, state: State) -> Futures | None:
        if not request.options.fork:
            return None
        return Futures(trajectory, request.query.picture, request.options, self._forks, state)

    def _run(self, request: TabRequest[StepsOptions], state: State) -> Iterator[StepsResult]:
        """Yield the run every few steps. A cached run is yielded once, as ended.

        The sampler runs in a separate thread, so it does not wait while steps are measured, drawn and sent. A stopped run
        keeps its finished steps.
        """
        picture, cache = request.query.picture, self.services.results
        cached = cache.run(request.checkpoint, picture)
        if cached is not None:
            futures = self._futures(request, cached, state)
            result = StepsResult(request=request, trajectory=cached, futures=futures, state="ended", cached=True)
            result.add_origin(cache.origin(request.checkpoint, picture))
            yield result
            return
        x_T = picture.latent.latent(request.checkpoint)
        trajectory = Trajectory(request.checkpoint, x_T, picture.settings)
        futures = self._futures(request, trajectory, state)
        result = StepsResult(request=request, trajectory=trajectory, futures=futures)
        throttle = Throttle(SECONDS_BETWEEN_UPDATES)
        for step in prefetch(denoise(request.checkpoint, x_T, picture.settings)):
            trajectory.record(step)
            is_preview = result.add(step)
            result.state = "ended" if trajectory.done else state()
            if result.state == "superseded":
                return
            if result.state != "running":
                break
            if is_preview and throttle.ready():
                yield result
                throttle.done()
        if result.state == "ended":
            cache.put_run(picture, trajectory)
        yield result
