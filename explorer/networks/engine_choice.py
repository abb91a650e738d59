"""Which engine computes a network on a CPU: the candidates, their timings, and the choice between them.

Instruction sets say what a processor supports, not what it achieves: without AMX, bfloat16 can be slower than float32. So the
candidates are timed on the network itself, at the batch sizes that runs use.
"""

from __future__ import annotations

import itertools
import json
import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

EngineName = Literal["torch", "OpenVINO"]
Precision = Literal["float32", "float16", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "float16", "bfloat16")  # the most exact one first
SMALL, LARGE = 1, 8  # batch sizes that are timed: a single picture, and the largest batch
SPEEDUP = 1.15  # a less exact engine, or twice as many threads, must be at least this much faster
MAX_SECONDS = 3.0  # for all timings together
MIN_TURNS, MAX_TURNS = 2, 6  # of a candidate at a batch size, two calls each; the fastest call counts
HOPELESS = 1.5  # a candidate that is this much slower than the fastest one is not timed any longer


@dataclass(frozen=True)
class Candidate:
    """A way to compute a network on a CPU.

    Attributes:
        engine: what computes it.
        precision: number format of the arithmetic.
        threads: number of threads.
    """

    engine: EngineName
    precision: Precision
    threads: int

    @property
    def name(self) -> str:
        """Display name without the number of threads."""
        return f"{self.engine} {self.precision}"


@dataclass(frozen=True)
class Timing:
    """How long a candidate takes for a call with ``batch`` rows."""

    candidate: Candidate
    batch: int
    milliseconds: float


@dataclass(frozen=True)
class EngineChoice:
    """The candidate for small and for large batches.

    Attributes:
        small: for parts of one or two rows.
        large: for parts of four or eight rows.
        timings: what the choice rests on; empty if nothing was timed.
    """

    small: Candidate
    large: Candidate
    timings: tuple[Timing, ...] = ()

    def candidate(self, batch: int) -> Candidate:
        """The candidate that computes a part of ``batch`` rows."""
        return self.small if batch <= math.sqrt(SMALL * LARGE) else self.large

    @property
    def candidates(self) -> tuple[Candidate, Candidate]:
        return self.small, self.large

    @property
    def name(self) -> str:
        """Display name; two names if they differ."""
        return " / ".join(dict.fromkeys(candidate.name for candidate in self.candidates))

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str | bytes) -> EngineChoice:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: the text is damaged.
        """
        try:
            data = json.loads(text)
            timings = tuple(Timing(**{**item, "candidate": Candidate(**item["candidate"])}) for item in data["timings"])
            return cls(Candidate(**data["small"]), Candidate(**data["large"]), timings)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"not an engine choice: {error}") from error


def choose(timings: Iterable[Timing]) -> Candidate:
    """Return the best of the candidates that were timed at one batch size.

    The fastest candidate in float32 is the best one, unless a less exact one is at least :data:`SPEEDUP` times as fast.
    Of its variants with fewer threads, one that is nearly as fast is better: the other threads draw and serve the page.
    """
    ordered = sorted(timings, key=lambda timing: timing.milliseconds)
    best = None
    for precision in PRECISIONS:
        fastest = next((timing for timing in ordered if timing.candidate.precision == precision), None)
        if fastest and (best is None or fastest.milliseconds * SPEEDUP <= best.milliseconds):
            best = fastest
    assert best is not None, "nothing was timed"
    variants = (t for t in ordered if replace(t.candidate, threads=0) == replace(best.candidate, threads=0))
    fast_enough = [t for t in variants if t.milliseconds <= SPEEDUP * best.milliseconds]
    return min(fast_enough, key=lambda timing: timing.candidate.threads).candidate


def measure(
    candidates: Sequence[Candidate],
    prepare: Callable[[Candidate, int], Callable[[], object] | None],
    clock: Callable[[], float] = time.perf_counter,
) -> EngineChoice:
    """Time the candidates in turn, and choose.

    At each batch size the candidates that use all threads are timed first, and then the best of them with fewer threads.
    No new candidate is begun after :data:`MAX_SECONDS`; where nothing was timed, the choice for small batches holds.

    Args:
        candidates: all of them, the most promising first.
        prepare: ``prepare(candidate, batch)`` compiles the candidate and returns a function that calls the network once,
            or ``None`` if the candidate does not work here.
        clock: seconds, for tests.
    """
    deadline = clock() + MAX_SECONDS
    all_threads = max(candidate.threads for candidate in candidates)
    timings: list[Timing] = []
    chosen: list[Candidate] = []
    for batch, until in ((SMALL, deadline - MAX_SECONDS / 2), (LARGE, deadline)):
        group = [candidate for candidate in candidates if candidate.threads == all_threads]
        timed = _time(group, batch, prepare, clock, until)
        if timed:
            best = choose(timed)
            group = [c for c in candidates if c.name == best.name and c.threads < all_threads]
            timed += _time(group, batch, prepare, clock, until)
            chosen.append(choose(timed))
        timings += timed
    if not chosen:
        return EngineChoice(candidates[0], candidates[0])
    return EngineChoice(chosen[0], chosen[-1], tuple(timings))


def _time(
    group: Sequence[Candidate],
    batch: int,
    prepare: Callable[[Candidate, int], Callable[[], object] | None],
    clock: Callable[[], float],
    until: float,
) -> list[Timing]:
    """The shortest call of each candidate. They take turns, since the speed of a machine varies."""
    calls: dict[Candidate, Callable[[], object]] = {}
    for candidate in group:
        if clock() < until and (call := prepare(candidate, batch)):
            call()  # the first call is the slowest
            calls[candidate] = call
    seconds = dict.fromkeys(calls, math.inf)
    for turn in itertools.count(1):
        fastest = min(seconds.values(), default=math.inf)
        for candidate, call in calls.items():
            if seconds[candidate] > HOPELESS * fastest and turn > 1:
                continue
            for _ in range(
                2
            ):  # the first call may compete with the idle threads of the engine before, which keep spinning
                started = clock()
                call()
                seconds[candidate] = min(seconds[candidate], clock() - started)
        if turn == MAX_TURNS or (turn >= MIN_TURNS and clock() >= until):
            break
    return [Timing(candidate, batch, 1000 * taken) for candidate, taken in seconds.items()]
