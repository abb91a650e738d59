"""The run of Encode: encode a picture and reconstruct it, then measure the error for other S.

Within the first 41 network calls there is a picture in every place: the round trip with the fewest steps of the table comes
first, and is shown as a preview of those with more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Hashable, Iterator

from torch import Tensor

from explorer.inversion import Inversion, encoding
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.encoded_latent import EncodedLatent, cache_encoded, real_picture
from explorer.runs.latent_spec import uses_upload
from explorer.runs.results import PREVIEW_STEPS
from explorer.runs.throttle import Throttle
from explorer.sampler import denoise
from explorer.schedule import timesteps
from explorer.settings import Settings
from explorer.trajectory import evenly_spaced
from explorer.ui.real_pictures import GENERATED, add_examples
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.encode.options import EncodeOptions
from explorer.ui.tabs.encode.reconstructions import Reconstruction, Reconstructions
from explorer.ui.tabs.encode.result import EncodeResult, LatentMoments, mean_squared_error

SHOWN_TIMES = 10  # intermediate pictures of the encoding
DIFFERENCE_SCALE = 0.25
SECONDS_BETWEEN_UPDATES = 0.15
Cell = tuple[int, Inversion]  # (S, inversion)


class RoundTrip:
    """One run of Encode: x_0 to x_T by DDIM inversion, back by DDIM, and a table of reconstruction errors over S.

    All network calls are made in float32, whatever the app's engine, as for the measured errors beside them.

    Args:
        request: the validated request.
        cache: reconstructions, shared by all users.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.
    """

    def __init__(self, request: TabRequest[EncodeOptions], cache: Reconstructions, state: State) -> None:
        self.request, self.cache, self.state = request, cache, state
        self.checkpoint, self.picture = request.checkpoint.float32, request.options.picture
        self.steps, self.spacing = request.settings.steps, request.settings.spacing
        self.inversion = request.options.inversion
        T = self.checkpoint.schedule.T
        tau = timesteps(T, self.steps, self.spacing)
        self.result = EncodeResult(
            request=request,
            encoded=None if self.picture == GENERATED else self._latent_spec(),
            lengths=[S for S in request.options.table_steps if S <= T],
            times=[0, *(tau[k] for k in evenly_spaced(self.steps, SHOWN_TIMES))],
            errors={inversion: {} for inversion in dict.fromkeys((Inversion(), self.inversion))},  # the paper's first
        )
        self.throttle = Throttle(SECONDS_BETWEEN_UPDATES)
        self.up: dict[int, Tensor] = {}  # x_t (C, H, W) of both ways at the times of the result
        self.down: dict[int, Tensor] = {}

    def run(self) -> Iterator[EncodeResult]:
        """Yield the result after every visible change."""
        result = self.result
        result.examples = add_examples(result.pictures, self.checkpoint)
        trip = self._find_trip()
        result.expected_evaluations = self._expected_evaluations(trip)
        if self.picture == GENERATED:
            yield result  # a first value, in case the run is stopped while the picture is generated
            x_0 = (yield from self._generate_picture()) if trip is None else trip.up[0][None]
        else:
            x_0 = real_picture(self.picture, self.checkpoint)  # refuses an invalid picture before the first value
        for name in ("x_0", "up/0"):
            result.pictures.add(name, x_0[0])
        yield result
        if trip is None:
            yield from self._preview(x_0)
            x_T = yield from self._encode(x_0)
            reconstruction = yield from self._sample_back(x_T)
        else:
            x_T, reconstruction = self._show_trip(trip)
        self._add_latent(x_T)
        self._add_reconstruction(reconstruction, x_0, is_new=trip is None)
        yield result
        for cell in self._cells():
            yield from self._measure(x_0, cell)
        result.state = "ended"
        yield result

    # ---- the picture on the screen ----

    def _generate_picture(self) -> Generator[EncodeResult, None, Tensor]:
        """Generate x_0 (1, C, H, W) from the latent of the control column, a preview of it first."""
        x_T, x_0 = self.request.latent.latent(self.checkpoint), None
        for steps in self._generated_with():
            if x_0 is not None:
                self.result.pictures.add_preview("x_0", x_0[0], PREVIEW_STEPS, self.steps)
                yield self.result
            x_0 = deque(self._sampling_steps(x_T, steps), maxlen=1)[0][2].clamp(-1, 1)
        assert x_0 is not None
        return x_0

    def _generated_with(self) -> list[int]:
        """S of the pictures that are generated: of a preview, if that is much sooner there, and of x_0."""
        if self.picture != GENERATED:
            return []
        return [*[PREVIEW_STEPS] * (self.steps > 2 * PREVIEW_STEPS), self.steps]

    def _preview(self, x_0: Tensor) -> Iterator[EncodeResult]:
        """Measure the cells with the fewest steps, and show them where more steps will be."""
        pictures, steps = self.result.pictures, self.result.lengths[0] if self.result.lengths else self.steps
        if steps >= self.steps:
            return
        for cell in sorted(
            (cell for cell in self._cells() if cell[0] == steps), key=lambda cell: cell[1] != self.inversion
        ):
            found = yield from self._measure(x_0, cell)
            if cell[1] == self.inversion:
                self._preview_trip(x_0, found, steps)
            for S in self.result.lengths:
                pictures.add_preview(f"back/{cell[1]}/{S}", found.picture, steps, S)
            yield self.result

    def _preview_trip(self, x_0: Tensor, found: Reconstruction, steps: int) -> None:
        """Show a reconstruction with fewer steps in place of the one on the screen."""
        pictures, times = self.result.pictures, self.result.times
        for way, states in (("up", found.up), ("down", found.down)):
            for t in times[way == "up" :]:
                nearest = min(states, key=lambda u: abs(u - t))
                pictures.add_preview(f"{way}/{t}", states[nearest], steps, self.steps)
        pictures.add_preview("x_T", found.up[max(found.up)], steps, self.steps)
        pictures.add_preview("again", found.picture, steps, self.steps)
        pictures.add_signed_preview("difference", found.picture - x_0[0], DIFFERENCE_SCALE, steps, self.steps)

    def _encode(self, x_0: Tensor) -> Generator[EncodeResult, None, Tensor]:
        """Encode x_0 and show intermediate pictures; return x_T."""
        x_T, self.up[0] = x_0, x_0[0]
        for t, x_T in self._encoding_steps(x_0, self.steps, self.inversion):
            self._add_state("up", t, x_T)
            yield from self._throttled_update()
        return x_T

    def _sample_back(self, x_T: Tensor) -> Generator[EncodeResult, None, Tensor]:
        """Sample from x_T and show the pictures at the same t; return the reconstruction of x_0."""
        reconstruction = x_T
        for t, x_t, x_prev in self._sampling_steps(x_T, self.steps):
            reconstruction = x_prev
            self._add_state("down", t, x_t)
            yield from self._throttled_update()
        return reconstruction

    def _add_state(self, way: str, t: int, x_t: Tensor) -> None:
        """Show x_t (1, C, H, W) of one way, if it is at one of the times of the result."""
        if t in self.result.times:
            (self.up if way == "up" else self.down)[t] = x_t[0]
            self.result.pictures.add(f"{way}/{t}", x_t[0])

    def _find_trip(self) -> Reconstruction | None:
        """The whole round trip, if it was made before."""
        found = self.cache.get(self.checkpoint, self._key((self.steps, self.inversion), "trip"), self._may_be_stored)
        if found is None or found[0].up.keys() != {*self.result.times}:
            return None
        self.result.add_origin(found[1])
        return found[0]

    def _show_trip(self, trip: Reconstruction) -> tuple[Tensor, Tensor]:
        """Show a round trip that was made before; return x_T and the reconstruction (1, C, H, W)."""
        for way, states in (("up", trip.up), ("down", trip.down)):
            for t, x_t in states.items():
                self._add_state(way, t, x_t[None])
        return trip.up[max(trip.up)][None], trip.picture[None]

    def _add_latent(self, x_T: Tensor) -> None:
        """Add the latent (1, C, H, W) and its statistics to the result."""
        if self.result.encoded is not None:
            cache_encoded(self.checkpoint, self.result.encoded, x_T)
        self.result.latent = LatentMoments.of(x_T)
        self.result.pictures.add("x_T", x_T[0])

    def _add_reconstruction(self, reconstruction: Tensor, x_0: Tensor, is_new: bool) -> None:
        """Add the reconstruction, its difference to x_0 and its errors to the result, and to the cache if it is new."""
        result, difference = self.result, reconstruction - x_0
        for name in ("down/0", "again"):
            result.pictures.add(name, reconstruction[0])
        result.pictures.add_signed("difference", difference[0], DIFFERENCE_SCALE)
        result.mse, result.largest = mean_squared_error(reconstruction, x_0), float(difference.abs().max())
        if is_new:
            cell = self.steps, self.inversion
            self._cache(cell, Reconstruction(reconstruction[0], result.mse))
            self._cache(cell, Reconstruction(reconstruction[0], result.mse, self.up, self.down), "trip")

    # ---- the table of errors ----

    def _measure(self, x_0: Tensor, cell: Cell) -> Generator[EncodeResult, None, Reconstruction]:
        """Add a cell of the table to the result, from the cache or by a round trip; return its reconstruction."""
        S, inversion = cell
        cached = self.cache.get(self.checkpoint, self._key(cell), self._may_be_stored)
        found = (yield from self._reconstruct(x_0, cell)) if cached is None else cached[0]
        self.result.pictures.add(f"back/{inversion}/{S}", found.picture)
        self.result.errors[inversion][S] = found.mse
        if cached is None:
            self._cache(cell, found)
            yield self.result
        else:
            self.result.add_origin(cached[1])
        return found

    def _reconstruct(self, x_0: Tensor, cell: Cell) -> Generator[EncodeResult, None, Reconstruction]:
        """Encode and sample back; return the reconstruction, with its states if it may become a preview."""
        S, inversion = cell
        x_T = reconstruction = x_0
        up, down = {0: x_0[0]}, dict[int, Tensor]()
        for t, x_t in self._encoding_steps(x_0, S, inversion):
            x_T, up[t] = x_t, x_t[0]
            yield from self._throttled_update()
        for t, x_t, x_prev in self._sampling_steps(x_T, S):
            reconstruction, down[t] = x_prev, x_t[0]
            yield from self._throttled_update()
        down[0] = reconstruction[0]
        mse = mean_squared_error(reconstruction, x_0)
        if self.result.lengths[0] == S:
            return Reconstruction(reconstruction[0], mse, up, down)
        return Reconstruction(reconstruction[0], mse)

    def _cells(self) -> list[Cell]:
        """The cells of the table."""
        return [(S, inversion) for S in self.result.lengths for inversion in self.result.errors]

    def _expected_evaluations(self, trip: Reconstruction | None) -> int:
        """Network calls for the picture on the screen, unless that trip was made before, and for the cells that were not."""
        shown = (self.steps, self.inversion)
        missing = [cell for cell in self._cells() if cell != shown and not self._is_cached(cell)]
        round_trips = sum(S + inversion.calls(S) for S, inversion in [*[shown] * (trip is None), *missing])
        return round_trips + sum(self._generated_with()) * (trip is None)

    def _is_cached(self, cell: Cell) -> bool:
        return self.cache.get(self.checkpoint, self._key(cell), self._may_be_stored) is not None

    # ---- both ----

    def _encoding_steps(self, x_0: Tensor, steps: int, inversion: Inversion) -> Iterator[tuple[int, Tensor]]:
        """Yield (t, x_t) of the encoding, t ascending. Count the calls, and end if the run is cancelled."""
        for k, (t, x_t) in enumerate(encoding(self.checkpoint, x_0, steps, self.spacing, inversion), start=1):
            self._count_calls(inversion.calls(k) - inversion.calls(k - 1) * (k > 1))
            yield t, x_t

    def _sampling_steps(self, x_T: Tensor, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield (t, x_t, x_prev) of sampling with eta = 0. Count the calls, and end if the run is cancelled."""
        for step in denoise(self.checkpoint, x_T, Settings(steps=steps, spacing=self.spacing)):
            self._count_calls(1)
            yield step.t, step.x_t, step.x_prev

    def _count_calls(self, calls: int) -> None:
        self.result.evaluations = (self.result.evaluations or 0) + calls
        check_cancelled(self.state)

    def _throttled_update(self) -> Iterator[EncodeResult]:
        if self.throttle.ready():
            yield self.result
            self.throttle.done()

    def _latent_spec(self) -> EncodedLatent:
        i = self.inversion
        return EncodedLatent(self.picture, self.steps, i.iterations, self.spacing, i.ahead, i.label)

    @property
    def _may_be_stored(self) -> bool:
        """Whether the results may be written to disk: what a user has uploaded stays in memory."""
        if self.picture == GENERATED:
            return not uses_upload(self.request.latent)
        return isinstance(self.picture, int)

    def _key(self, cell: Cell, part: str = "cell") -> tuple[Hashable, ...]:
        S, inversion = cell
        generated_from = (str(self.request.latent), self.steps) if self.picture == GENERATED else ()
        return (part, self.picture, generated_from, self.spacing, S, str(inversion))

    def _cache(self, cell: Cell, found: Reconstruction, part: str = "cell") -> None:
        self.cache.put(self.checkpoint, self._key(cell, part), found, self._may_be_stored)
