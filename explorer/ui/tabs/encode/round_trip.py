"""What Encode does: a picture up and down again, then at other S, and what the page is told of it."""

from __future__ import annotations

import json
import math
import time
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.inversion import Inversion, encoding
from explorer.paper import TABLE_2, TABLE_2_STEPS
from explorer.runs.cancellation import State, check_cancelled, until_cancelled
from explorer.runs.encoded_latent import MAX_ITERATIONS, EncodedLatent, cache_encoded, picture_in_python, real_picture
from explorer.runs.latent_spec import with_imports
from explorer.runs.throttle import Throttle
from explorer.sampler import denoise
from explorer.schedule import Spacing
from explorer.settings import Settings
from explorer.support.bounded_cache import BoundedCache
from explorer.trajectory import evenly_spaced
from explorer.ui.fields import Check, Options, whole, yes_or_no
from explorer.ui.localization import LocalizedMessage, to_json
from explorer.ui.picture_stream import PictureStream
from explorer.ui.quality_notes import measured
from explorer.ui.real_pictures import add_examples, made_or_real
from explorer.ui.tab import TabRequest

MOMENTS = 10
CHEAP, ALL = (10, 20, 50, 100, 200), (10, 20, 50, 100, 200, 500, 1000)
DIFFERENCE_SCALE = 0.25
BINS = np.linspace(-4, 4, 41)
SECONDS_BETWEEN = 0.15  # of two updates of the page


@dataclass(frozen=True)
class EncodeOptions(Options):
    """Settings of the Encode tab.

    Attributes:
        picture: number of a held-out picture, name of one that was brought, or "made": what the control column makes.
        ahead, refine: how each jump on the way up finds its eps, see :class:`explorer.inversion.Inversion`.
        every_steps: measure S = 500 and 1000 too, which takes a while.
    """

    picture: int | str = 0
    ahead: bool = True
    refine: int = 0
    every_steps: bool = False

    checks: ClassVar[Mapping[str, Check]] = {
        "picture": made_or_real,
        "ahead": yes_or_no("ahead"),
        "refine": whole("refine", 0, MAX_ITERATIONS),
        "every_steps": yes_or_no("every_steps"),
    }

    @property
    def inversion(self) -> Inversion:
        """The way up that is shown."""
        return Inversion(self.refine, self.ahead)


@dataclass(frozen=True, eq=False)
class Back:
    """A picture (C, H, W) that came back, and its mean squared error."""

    picture: Tensor
    mse: float


class RoundTrip:
    """One picture on its way up and down, and then the table of errors over S."""

    def __init__(
        self, checkpoint: Checkpoint, asked: TabRequest[EncodeOptions], backs: BoundedCache[Back], state: State
    ) -> None:
        self.checkpoint, self.asked, self.options, self.backs = checkpoint, asked, asked.options, backs
        self.steps, self.spacing = asked.query.settings.steps, asked.query.settings.spacing
        self.state = state
        self.pieces = PictureStream()
        self.facts: dict[str, Any] = {}
        self.inversion = asked.options.inversion
        self.inversions = tuple(dict.fromkeys((Inversion(), self.inversion)))  # of the table
        several = ALL if self.options.every_steps else CHEAP
        self.lengths = [S for S in several if S <= checkpoint.schedule.T]
        self.table: dict[str, dict[str, float]] = {str(inversion): {} for inversion in self.inversions}
        self.times: list[int] = [0]
        self.evaluations = self.expected = 0
        self.started, self.pace = time.perf_counter(), Throttle(SECONDS_BETWEEN)
        self.fixed: dict[str, Any] = {}

    def stream(self) -> Iterator[dict[str, Any]]:
        yield from until_cancelled(self._go(), self._value)

    def _go(self) -> Iterator[dict[str, Any]]:
        self._open()
        x_0 = self._picture()
        self.expected += sum(S + how.calls(S) for S, how in [(self.steps, self.inversion), *self._missing()])
        for name in ("x_0", "up/0"):
            self.pieces.add(name, x_0[0])
        x_T = x_0
        kept = evenly_spaced(self.steps, MOMENTS)
        for k, (t, x_T) in enumerate(self._up(x_0, self.steps, self.inversion)):
            if k in kept:
                self.pieces.add(f"up/{t}", x_T[0])
                self.times.append(t)
            yield from self._now_and_then()
        if self.options.picture != "made":
            cache_encoded(self.checkpoint, self._recipe(), x_T)
        self.facts |= describe_latent(x_T)
        self.pieces.add("x_T", x_T[0])
        again = x_T
        for t, x_t, x_prev in self._down(x_T, self.steps):
            again = x_prev
            if t in self.times:
                self.pieces.add(f"down/{t}", x_t[0])
            yield from self._now_and_then()
        self.pieces.add("down/0", again[0])
        self.pieces.add("again", again[0])
        self.pieces.add_signed("difference", (again - x_0)[0], DIFFERENCE_SCALE)
        self.facts |= {"mse": error(again, x_0), "largest": float((again - x_0).abs().max())}
        self._remember(self.steps, self.inversion, Back(again[0], self.facts["mse"]))
        yield self._value("running")
        for S, inversion in self._wanted():
            known = self.backs.get(self._key(S, inversion))
            back = (yield from self._round_trip(x_0, S, inversion)) if known is None else known
            self.pieces.add(f"back/{inversion}/{S}", back.picture)
            self.table[str(inversion)][str(S)] = back.mse
            if known is None:
                self._remember(S, inversion, back)
                yield self._value("running")
        yield self._value("ended")

    def _open(self) -> None:
        self.fixed = {
            "settings": self.asked.fields(),
            "inversion": str(self.inversion),
            "lengths": self.lengths,
            "script": script(self.checkpoint, self.asked),
            "shape": list(self.checkpoint.shape),
            "latent": "" if self.options.picture == "made" else str(self._recipe()),
            "examples": add_examples(self.pieces, self.checkpoint),
            "paper": json.dumps(list(zip(TABLE_2_STEPS, TABLE_2, strict=True))),
            "measured": json.dumps(mean_errors(self.checkpoint)),
        }

    def _value(self, outcome: str) -> dict[str, Any]:
        return self.fixed | {
            "state": outcome,
            "pictures": str(self.pieces),
            "times": json.dumps(self.times),
            "facts": json.dumps(self.facts),
            "table": json.dumps(self.table),
            "evaluations": self.evaluations,
            "expected": self.expected,
            "seconds": time.perf_counter() - self.started,
        }

    def _now_and_then(self) -> Iterator[dict[str, Any]]:
        if self.pace.due():
            yield self._value("running")
            self.pace.told()

    def _picture(self) -> Tensor:
        if self.options.picture != "made":
            return real_picture(self.options.picture, self.checkpoint)
        made = self._sample(self.asked.query.latent.latent(self.checkpoint), self.steps)
        self.expected = self.evaluations
        return made.clamp(-1, 1)

    def _up(self, x_0: Tensor, steps: int, inversion: Inversion) -> Iterator[tuple[int, Tensor]]:
        """(t, x_t) on the way up, counted, and broken off when something newer is wanted."""
        for k, (t, x_t) in enumerate(encoding(self.checkpoint, x_0, steps, self.spacing, inversion), start=1):
            self._count(inversion.calls(k) - inversion.calls(k - 1) * (k > 1))
            yield t, x_t

    def _down(self, x_T: Tensor, steps: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """(t, x_t, x_prev) on the way down at eta = 0, in the same way."""
        for step in denoise(self.checkpoint, x_T, Settings(steps=steps, spacing=self.spacing)):
            self._count(1)
            yield step.t, step.x_t, step.x_prev

    def _round_trip(self, x_0: Tensor, steps: int, inversion: Inversion) -> Generator[dict[str, Any], None, Back]:
        """What comes back with another S; says now and then how far it is."""
        x_T = again = x_0
        for _, x_t in self._up(x_0, steps, inversion):
            x_T = x_t
            yield from self._now_and_then()
        for _, _, x_prev in self._down(x_T, steps):
            again = x_prev
            yield from self._now_and_then()
        return Back(again[0], error(again, x_0))

    def _remember(self, steps: int, inversion: Inversion, back: Back) -> None:
        self.backs.put(self._key(steps, inversion), back, back.picture.nbytes)

    def _sample(self, x_T: Tensor, steps: int) -> Tensor:
        return deque(self._down(x_T, steps), maxlen=1)[0][2]

    def _count(self, calls: int) -> None:
        self.evaluations += calls
        check_cancelled(self.state)

    def _recipe(self) -> EncodedLatent:
        how = self.inversion
        return EncodedLatent(self.options.picture, self.steps, how.iterations, self.spacing, how.ahead)

    def _wanted(self) -> list[tuple[int, Inversion]]:
        """The rows and columns of the table."""
        return [(S, inversion) for S in self.lengths for inversion in self.inversions]

    def _missing(self) -> list[tuple[int, Inversion]]:
        here = (self.steps, self.inversion)
        return [w for w in self._wanted() if w != here and self.backs.get(self._key(*w)) is None]

    def _key(self, S: int, inversion: Inversion) -> tuple[Any, ...]:
        made = (str(self.asked.query.latent), self.steps) if self.options.picture == "made" else ()
        return (self.checkpoint.key, self.options.picture, made, S, self.spacing, inversion)


def error(again: Tensor, x_0: Tensor) -> float:
    """Mean squared error for each dimension with pictures scaled to [0, 1], as in the paper's Table 2."""
    return float((again - x_0).square().mean() / 4)


def describe_latent(x_T: Tensor) -> dict[str, Any]:
    """How far an encoded latent is from standard normal noise."""
    counts, _ = np.histogram(x_T.numpy(), BINS)
    density = counts / (x_T.numel() * (BINS[1] - BINS[0]))
    return {
        "mean": float(x_T.mean()),
        "std": float(x_T.std()),
        "norm": float(x_T.norm()) / math.sqrt(x_T.numel()),
        "histogram": [round(float(d), 5) for d in density],
    }


def mean_errors(checkpoint: Checkpoint) -> dict[str, Any]:
    """The checkpoint's own mean errors over held-out pictures, (S, error) by inversion; with a note where there are none."""
    quality, note = measured(checkpoint)
    if quality is None or quality.reconstruction is None:
        return {"errors": {}, "note": note}
    reconstruction = quality.reconstruction
    errors: dict[str, list[list[float]]] = {}
    for cell in reconstruction.cells:
        errors.setdefault(cell.inversion, []).append([cell.steps, cell.mse])
    return {"errors": errors, "note": to_json(LocalizedMessage("measured.over", {"n": reconstruction.pictures}))}


def script(checkpoint: Checkpoint, asked: TabRequest[EncodeOptions]) -> str:
    """A script on the public names that encodes the picture and brings it back."""
    s, o = asked.query.settings, asked.options
    spacing: Spacing = s.spacing
    if o.picture == "made":
        x_0 = f"ex.sample(checkpoint, {asked.query.latent.to_python()}, settings).clamp(-1, 1)"
    else:
        x_0 = picture_in_python(o.picture) + "  # your own file" * isinstance(o.picture, str)
    return with_imports(f"""checkpoint = {checkpoint.to_python()}
settings = ex.Settings(steps={s.steps}, spacing={spacing!r})
x_0 = {x_0}
x_T = ex.encode(checkpoint, x_0, steps={s.steps}, spacing={spacing!r}, iterations={o.refine}, ahead={o.ahead})
again = ex.sample(checkpoint, x_T, settings)
print("mean squared error on [0, 1]:", ((again - x_0).square().mean() / 4).item())
ex.to_image(again).save("again.png")
""")
