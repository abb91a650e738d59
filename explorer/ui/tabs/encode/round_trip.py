"""What Encode does: a picture up and down again, and then the same at other S."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

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
from explorer.ui.tabs.encode.result import EncodeResult, LatentMoments, Reconstruction, mean_squared_error

if TYPE_CHECKING:
    from explorer.ui.tabs.encode.tab import EncodeOptions

MOMENTS = 10
FEW_LENGTHS, ALL_LENGTHS = (10, 20, 50, 100, 200), (10, 20, 50, 100, 200, 500, 1000)
DIFFERENCE_SCALE = 0.25
SECONDS_BETWEEN_UPDATES = 0.15


class RoundTrip:
    """One picture on its way up and down, and then the table of errors over S.

    Args:
        cache: reconstructions that were made before, shared by all users.
        state: asked after every call of the network.
    """

    def __init__(self, request: TabRequest[EncodeOptions], cache: BoundedCache[Reconstruction], state: State) -> None:
        self.request, self.cache, self.state = request, cache, state
        self.checkpoint, self.picture = request.checkpoint, request.options.picture
        self.steps, self.spacing = request.settings.steps, request.settings.spacing
        self.inversion = request.options.inversion
        inversions = dict.fromkeys((Inversion(), self.inversion))  # the paper's, and the one on the screen
        lengths = ALL_LENGTHS if request.options.every_steps else FEW_LENGTHS
        self.result = EncodeResult(
            request=request,
            encoded=None if self.picture == GENERATED else self._encoded(),
            lengths=[S for S in lengths if S <= self.checkpoint.schedule.T],
            errors={inversion: {} for inversion in inversions},
        )
        self.throttle = Throttle(SECONDS_BETWEEN_UPDATES)

    def run(self) -> Iterator[EncodeResult]:
        """Yield the result after every change worth showing."""
        result = self.result
        result.examples = add_examples(result.pictures, self.checkpoint)
        chosen = (self.steps, self.inversion)
        result.expected_evaluations = sum(S + how.calls(S) for S, how in [chosen, *self._missing()])
        if self.picture == GENERATED:
            result.expected_evaluations += self.steps
            yield result  # something to show, should the run be stopped while the picture is made
            x_0 = self._made_picture()
        else:
            x_0 = real_picture(self.picture, self.checkpoint)  # may be refused, and then the stage stays as it is
        for name in ("x_0", "up/0"):
            result.pictures.add(name, x_0[0])
        yield result
        x_T = yield from self._show_the_way_up(x_0)
        again = yield from self._show_the_way_down(x_T)
        for name in ("down/0", "again"):
            result.pictures.add(name, again[0])
        result.pictures.add_signed("difference", (again - x_0)[0], DIFFERENCE_SCALE)
        result.mse, result.largest = mean_squared_error(again, x_0), float((again - x_0).abs().max())
        self._cache(self.steps, self.inversion, Reconstruction(again[0], result.mse))
        yield result
        yield from self._fill_the_table(x_0)
        result.state = "ended"
        yield result

    def _made_picture(self) -> Tensor:
        """x_0 as the control column makes it, (1, C, H, W)."""
        down = self._down(self.request.latent.latent(self.checkpoint), self.steps)
        return deque(down, maxlen=1)[0][2].clamp(-1, 1)

    def _show_the_way_up(self, x_0: Tensor) -> Generator[EncodeResult, None, Tensor]:
        """Encode with the pictures of the way on the screen; returns x_T."""
        result, x_T = self.result, x_0
        shown = evenly_spaced(self.steps, MOMENTS)
        for k, (t, x_T) in enumerate(self._up(x_0, self.steps, self.inversion)):
            if k in shown:
                result.pictures.add(f"up/{t}", x_T[0])
                result.times.append(t)
            yield from self._update()
        if result.encoded is not None:
            cache_encoded(self.checkpoint, result.encoded, x_T)
        result.latent = LatentMoments.of(x_T)
        result.pictures.add("x_T", x_T[0])
        return x_T

    def _show_the_way_down(self, x_T: Tensor) -> Generator[EncodeResult, None, Tensor]:
        """Sample with the pictures of the way on the screen; returns x_0."""
        again = x_T
        for t, x_t, x_prev in self._down(x_T, self.steps):
            again = x_prev
            if t in self.result.times:
                self.result.pictures.add(f"down/{t}", x_t[0])
            yield from self._update()
        return again

    def _fill_the_table(self, x_0: Tensor) -> Iterator[EncodeResult]:
        for S, inversion in self._cells():
            cached = self.cache.get(self._key(S, inversion))
            found = (yield from self._reconstruct(x_0, S, inversion)) if cached is None else cached
            self.result.pictures.add(f"back/{inversion}/{S}", found.picture)
            self.result.errors[inversion][S] = found.mse
            if cached is None:
                self._cache(S, inversion, found)
                yield self.result

    def _reconstruct(self, x_0: Tensor, S: int, inversion: Inversion) -> Generator[EncodeResult, None, Reconstruction]:
        """Encode and sample back with another S."""
        x_T = again = x_0
        for _, x_t in self._up(x_0, S, inversion):
            x_T = x_t
            yield from self._update()
        for _, _, x_prev in self._down(x_T, S):
            again = x_prev
            yield from self._update()
        return Reconstruction(again[0], mean_squared_error(again, x_0))

    def _up(self, x_0: Tensor, steps: int, inversion: Inversion) -> Iterator[tuple[int, Tensor]]:
        """(t, x_t) on the way up; calls are counted, and the run may end after each."""
        for k, (t, x_t) in enumerate(encoding(self.checkpoint, x_0, steps, self.spacing, inversion), start=1):
            self._count(inversion.calls(k) - inversion.calls(k - 1) * (k > 1))
            yield t, x_t

    def _down(self, x_T: Tensor, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """(t, x_t, x_prev) on the way down at eta = 0, in the same way."""
        for step in denoise(self.checkpoint, x_T, Settings(steps=steps, spacing=self.spacing)):
            self._count(1)
            yield step.t, step.x_t, step.x_prev

    def _count(self, calls: int) -> None:
        self.result.evaluations = (self.result.evaluations or 0) + calls
        check_cancelled(self.state)

    def _update(self) -> Iterator[EncodeResult]:
        if self.throttle.ready():
            yield self.result
            self.throttle.done()

    def _encoded(self) -> EncodedLatent:
        how = self.inversion
        return EncodedLatent(self.picture, self.steps, how.iterations, self.spacing, how.ahead)

    def _cells(self) -> list[tuple[int, Inversion]]:
        """The cells of the table, (S, inversion)."""
        return [(S, inversion) for S in self.result.lengths for inversion in self.result.errors]

    def _missing(self) -> list[tuple[int, Inversion]]:
        """The cells that have yet to be computed after the picture on the screen."""
        shown = (self.steps, self.inversion)
        return [cell for cell in self._cells() if cell != shown and self.cache.get(self._key(*cell)) is None]

    def _key(self, S: int, inversion: Inversion) -> tuple[Any, ...]:
        made = (str(self.request.latent), self.steps) if self.picture == GENERATED else ()
        return (self.checkpoint.key, self.picture, made, S, self.spacing, inversion)

    def _cache(self, S: int, inversion: Inversion, found: Reconstruction) -> None:
        self.cache.put(self._key(S, inversion), found, found.picture.nbytes)
