"""The run of Encode: encode a picture and reconstruct it, then measure the error for other S."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import Any

from torch import Tensor

from explorer.inversion import Inversion, encoding
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.encoded_latent import EncodedLatent, cache_encoded, real_picture
from explorer.runs.throttle import Throttle
from explorer.sampler import denoise
from explorer.settings import Settings
from explorer.support.bounded_cache import BoundedCache
from explorer.trajectory import evenly_spaced
from explorer.ui.real_pictures import GENERATED, add_examples
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.encode.options import EncodeOptions
from explorer.ui.tabs.encode.result import EncodeResult, LatentMoments, Reconstruction, mean_squared_error

SHOWN_TIMES = 10  # intermediate pictures of the encoding
TABLE_STEPS, LONG_TABLE_STEPS = (10, 20, 50, 100, 200), (10, 20, 50, 100, 200, 500, 1000)  # S of the table of errors
DIFFERENCE_SCALE = 0.25
SECONDS_BETWEEN_UPDATES = 0.15


class RoundTrip:
    """One run of Encode: x_0 to x_T by DDIM inversion, back by DDIM, and a table of reconstruction errors over S.

    Args:
        request: the validated request.
        cache: reconstructions, shared by all users.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.
    """

    def __init__(self, request: TabRequest[EncodeOptions], cache: BoundedCache[Reconstruction], state: State) -> None:
        self.request, self.cache, self.state = request, cache, state
        self.checkpoint, self.picture = request.checkpoint, request.options.picture
        self.steps, self.spacing = request.settings.steps, request.settings.spacing
        self.inversion = request.options.inversion
        inversions = dict.fromkeys((Inversion(), self.inversion))  # the paper's, and the one on the screen
        table_steps = LONG_TABLE_STEPS if request.options.every_steps else TABLE_STEPS
        self.result = EncodeResult(
            request=request,
            encoded=None if self.picture == GENERATED else self._latent_spec(),
            lengths=[S for S in table_steps if S <= self.checkpoint.schedule.T],
            errors={inversion: {} for inversion in inversions},
        )
        self.throttle = Throttle(SECONDS_BETWEEN_UPDATES)

    def run(self) -> Iterator[EncodeResult]:
        """Yield the result after every visible change."""
        result = self.result
        result.examples = add_examples(result.pictures, self.checkpoint)
        result.expected_evaluations = self._expected_evaluations()
        if self.picture == GENERATED:
            yield result  # a first value, in case the run is stopped while the picture is generated
            x_0 = self._generate_picture()
        else:
            x_0 = real_picture(
                self.picture, self.checkpoint
            )  # an invalid picture must be refused before the first value
        for name in ("x_0", "up/0"):
            result.pictures.add(name, x_0[0])
        yield result
        x_T = yield from self._encode(x_0)
        reconstruction = yield from self._sample_back(x_T)
        self._add_reconstruction(reconstruction, x_0)
        yield result
        yield from self._fill_table(x_0)
        result.state = "ended"
        yield result

    # ---- the picture on the screen ----

    def _generate_picture(self) -> Tensor:
        """Generate x_0 (1, C, H, W) from the latent of the control column."""
        steps = self._sampling_steps(self.request.latent.latent(self.checkpoint), self.steps)
        return deque(steps, maxlen=1)[0][2].clamp(-1, 1)

    def _encode(self, x_0: Tensor) -> Generator[EncodeResult, None, Tensor]:
        """Encode x_0 and show intermediate pictures; return x_T."""
        result, x_T = self.result, x_0
        shown = evenly_spaced(self.steps, SHOWN_TIMES)
        for k, (t, x_T) in enumerate(self._encoding_steps(x_0, self.steps, self.inversion)):
            if k in shown:
                result.pictures.add(f"up/{t}", x_T[0])
                result.times.append(t)
            yield from self._throttled_update()
        if result.encoded is not None:
            cache_encoded(self.checkpoint, result.encoded, x_T)
        result.latent = LatentMoments.of(x_T)
        result.pictures.add("x_T", x_T[0])
        return x_T

    def _sample_back(self, x_T: Tensor) -> Generator[EncodeResult, None, Tensor]:
        """Sample from x_T and show the pictures at the same t; return the reconstruction of x_0."""
        reconstruction = x_T
        for t, x_t, x_prev in self._sampling_steps(x_T, self.steps):
            reconstruction = x_prev
            if t in self.result.times:
                self.result.pictures.add(f"down/{t}", x_t[0])
            yield from self._throttled_update()
        return reconstruction

    def _add_reconstruction(self, reconstruction: Tensor, x_0: Tensor) -> None:
        """Add the reconstruction, its difference to x_0 and its errors to the result and the cache."""
        result, difference = self.result, reconstruction - x_0
        for name in ("down/0", "again"):
            result.pictures.add(name, reconstruction[0])
        result.pictures.add_signed("difference", difference[0], DIFFERENCE_SCALE)
        result.mse, result.largest = mean_squared_error(reconstruction, x_0), float(difference.abs().max())
        self._cache(self.steps, self.inversion, Reconstruction(reconstruction[0], result.mse))

    # ---- the table of errors ----

    def _fill_table(self, x_0: Tensor) -> Iterator[EncodeResult]:
        for S, inversion in self._cells():
            cached = self.cache.get(self._key(S, inversion))
            found = (yield from self._reconstruct(x_0, S, inversion)) if cached is None else cached
            self.result.pictures.add(f"back/{inversion}/{S}", found.picture)
            self.result.errors[inversion][S] = found.mse
            if cached is None:
                self._cache(S, inversion, found)
                yield self.result

    def _reconstruct(self, x_0: Tensor, S: int, inversion: Inversion) -> Generator[EncodeResult, None, Reconstruction]:
        """Encode and sample back with S steps; return the reconstruction."""
        x_T = reconstruction = x_0
        for _, x_t in self._encoding_steps(x_0, S, inversion):
            x_T = x_t
            yield from self._throttled_update()
        for _, _, x_prev in self._sampling_steps(x_T, S):
            reconstruction = x_prev
            yield from self._throttled_update()
        return Reconstruction(reconstruction[0], mean_squared_error(reconstruction, x_0))

    def _cells(self) -> list[tuple[int, Inversion]]:
        """The cells of the table, (S, inversion)."""
        return [(S, inversion) for S in self.result.lengths for inversion in self.result.errors]

    def _expected_evaluations(self) -> int:
        """Network calls for the picture on the screen and for the cells that are not cached."""
        shown = (self.steps, self.inversion)
        missing = [cell for cell in self._cells() if cell != shown and self.cache.get(self._key(*cell)) is None]
        round_trips = sum(S + inversion.calls(S) for S, inversion in [shown, *missing])
        return round_trips + (self.steps if self.picture == GENERATED else 0)

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
        return EncodedLatent(self.picture, self.steps, self.inversion.iterations, self.spacing, self.inversion.ahead)

    def _key(self, S: int, inversion: Inversion) -> tuple[Any, ...]:
        generated_from = (str(self.request.latent), self.steps) if self.picture == GENERATED else ()
        return (self.checkpoint.key, self.picture, generated_from, S, self.spacing, inversion)

    def _cache(self, S: int, inversion: Inversion, reconstruction: Reconstruction) -> None:
        self.cache.put(self._key(S, inversion), reconstruction, reconstruction.picture.nbytes)
