"""Finished pictures and runs: many wanted at once, made in shared batches, and remembered."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Generic, TypeVar

import torch
from torch import Tensor

from explorer.batch import Run, denoise_together
from explorer.checkpoint import Checkpoint
from explorer.recipe import Recipe
from explorer.sampler import Settings
from explorer.trajectory import Trajectory

BATCH = 8  # pictures in one call of the network: nearly as cheap for each as in larger batches, and ready sooner


@dataclass(frozen=True)
class Wanted:
    """One picture: its latent and how to go down from it. ``settings.noise_seed`` is a single seed."""

    latent: Recipe
    settings: Settings

    @property
    def key(self) -> tuple[str, Settings]:
        """Equal for what must be the same picture: without noise, the noise seed has no say."""
        s = self.settings
        silent = s.variance == "eta" and s.eta == 0
        return str(self.latent), replace(s, noise_seed=0) if silent else s


Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """Values by key, the least recently used dropped beyond ``max_bytes``. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._values: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return self._values[key][0]

    def put(self, key: Hashable, value: Value, nbytes: int) -> None:
        """Remember a value that takes ``nbytes``, in the place of another of that key."""
        with self._lock:
            self._bytes += nbytes - self._values.pop(key, (None, 0))[1]
            self._values[key] = (value, nbytes)
            while self._bytes > self.max_bytes:
                self._bytes -= self._values.popitem(last=False)[1][1]

    def drop(self, unwanted: Callable[[Hashable], bool]) -> None:
        """Forget the values of all keys that are ``unwanted``."""
        with self._lock:
            for key in [key for key in self._values if unwanted(key)]:
                self._bytes -= self._values.pop(key)[1]

    def __len__(self) -> int:
        return len(self._values)

    @property
    def nbytes(self) -> int:
        return self._bytes


class Finished:
    """Pictures and whole runs by checkpoint and :class:`Wanted`, shared by all who ask; each kind within a byte budget."""

    def __init__(self, picture_bytes: int = 64 << 20, run_bytes: int = 128 << 20) -> None:
        self.pictures: Remembered[Tensor] = Remembered(picture_bytes)
        self.runs: Remembered[Trajectory] = Remembered(run_bytes)

    def get(self, checkpoint: Checkpoint, wanted: Wanted) -> Tensor | None:
        """The picture (C, H, W), or None."""
        return self.pictures.get((checkpoint.key, wanted.key))

    def put(self, checkpoint: Checkpoint, wanted: Wanted, picture: Tensor) -> None:
        """Remember a picture (C, H, W)."""
        copy = picture.clone()  # not a view that keeps its whole batch alive
        self.pictures.put((checkpoint.key, wanted.key), copy, copy.nbytes)

    def run(self, checkpoint: Checkpoint, wanted: Wanted) -> Trajectory | None:
        """The run from its first step to its last, or None."""
        return self.runs.get((checkpoint.key, wanted.key))

    def put_run(self, wanted: Wanted, trajectory: Trajectory) -> None:
        """Remember a run that is done, of one picture, and the picture."""
        checkpoint = trajectory.checkpoint
        self.runs.put((checkpoint.key, wanted.key), trajectory, trajectory.nbytes)
        self.put(checkpoint, wanted, trajectory.x_0[0])

    def forget(self, checkpoint: Checkpoint) -> None:
        """Let go of all that a checkpoint made: a run keeps its network in memory."""
        for kind in (self.pictures, self.runs):
            kind.drop(lambda key: isinstance(key, tuple) and key[0] == checkpoint.key)


@dataclass(frozen=True)
class Progress:
    """What a call of the network brought.

    Attributes:
        ready: pictures (C, H, W) that are now done, by index in what was wanted.
        evaluations: calls of the network so far, each picture counted.
        expected: how many there will be in all.
    """

    ready: dict[int, Tensor]
    evaluations: int
    expected: int


def finish(
    checkpoint: Checkpoint, wanted: Sequence[Wanted], finished: Finished, batch: int = BATCH
) -> Iterator[Progress]:
    """Make the pictures of ``wanted``, in order; yields at once with what is remembered, then after every network call.

    Neighbours with equal S go through the network together. Leaving the loop early loses only the batch under way.
    """
    known = {i: finished.get(checkpoint, w) for i, w in enumerate(wanted)}
    missing: OrderedDict[object, list[int]] = OrderedDict()  # the same picture may be wanted at several places
    for i, w in enumerate(wanted):
        if known[i] is None:
            missing.setdefault(w.key, []).append(i)
    evaluations, expected = 0, sum(wanted[places[0]].settings.steps for places in missing.values())
    yield Progress({i: picture for i, picture in known.items() if picture is not None}, evaluations, expected)
    for group in _batches(wanted, list(missing.values()), batch):
        runs = [Run(wanted[places[0]].latent.make(checkpoint), wanted[places[0]].settings) for places in group]
        joined = _join(runs)
        for steps in denoise_together(checkpoint, joined):
            evaluations += len(runs)
            ready: dict[int, Tensor] = {}
            if all(step is not None and step.t_prev == 0 for step in steps):
                pictures = torch.cat([step.x_prev for step in steps if step is not None])
                for places, picture in zip(group, pictures, strict=True):
                    finished.put(checkpoint, wanted[places[0]], picture)
                    ready |= dict.fromkeys(places, picture)
            yield Progress(ready, evaluations, expected)


def _batches(wanted: Sequence[Wanted], places: list[list[int]], batch: int) -> Iterator[list[list[int]]]:
    """Runs of neighbours with equal S, at most ``batch`` long."""
    group: list[list[int]] = []
    for p in places:
        if group and (len(group) == batch or wanted[group[0][0]].settings.steps != wanted[p[0]].settings.steps):
            yield group
            group = []
        group.append(p)
    if group:
        yield group


def _join(runs: list[Run]) -> list[Run]:
    """Neighbours that differ in latent and noise seed alone as one run with several rows, each with its noise seed."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last and replace(last.settings, noise_seed=0) == replace(run.settings, noise_seed=0):
            seeds = (*last.settings.noise_seeds(len(last.x_T)), *run.settings.noise_seeds(1))
            joined[-1] = Run(torch.cat([last.x_T, run.x_T]), replace(last.settings, noise_seed=seeds))
        else:
            joined.append(run)
    return joined
