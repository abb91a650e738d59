"""Finished pictures and runs: many requested at once, made in shared batches, and cached."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import LatentSpec
from explorer.sampler import Run, denoise_together
from explorer.settings import Settings
from explorer.support.bounded_cache import BoundedCache
from explorer.trajectory import Trajectory

BATCH = 8  # pictures in one call of the network: nearly as cheap for each as in larger batches, and ready sooner


@dataclass(frozen=True)
class PictureRequest:
    """One picture: its latent and how to go down from it. ``settings.noise_seed`` is a single seed."""

    latent: LatentSpec
    settings: Settings

    @property
    def key(self) -> tuple[str, Settings]:
        """Equal for requests whose pictures must be the same: without added noise, the noise seed has no effect."""
        s = self.settings
        deterministic = s.variance == "eta" and s.eta == 0
        return str(self.latent), replace(s, noise_seed=0) if deterministic else s


class ResultCache:
    """Pictures and whole runs by checkpoint and request, shared by all users; each of the two has its own byte budget."""

    def __init__(self, picture_bytes: int = 64 << 20, run_bytes: int = 128 << 20) -> None:
        self.pictures: BoundedCache[Tensor] = BoundedCache(picture_bytes)
        self.runs: BoundedCache[Trajectory] = BoundedCache(run_bytes)

    def picture(self, checkpoint: Checkpoint, request: PictureRequest) -> Tensor | None:
        """The picture (C, H, W), or None."""
        return self.pictures.get((checkpoint.key, request.key))

    def put_picture(self, checkpoint: Checkpoint, request: PictureRequest, picture: Tensor) -> None:
        """Cache a picture (C, H, W)."""
        copy = picture.clone()  # a view would keep its whole batch alive
        self.pictures.put((checkpoint.key, request.key), copy, copy.nbytes)

    def run(self, checkpoint: Checkpoint, request: PictureRequest) -> Trajectory | None:
        """The run from its first step to its last, or None."""
        return self.runs.get((checkpoint.key, request.key))

    def put_run(self, request: PictureRequest, trajectory: Trajectory) -> None:
        """Cache a finished run of one picture, and its picture."""
        checkpoint = trajectory.checkpoint
        self.runs.put((checkpoint.key, request.key), trajectory, trajectory.nbytes)
        self.put_picture(checkpoint, request, trajectory.x_0[0])

    def forget(self, checkpoint: Checkpoint) -> None:
        """Drop everything that a checkpoint made, since a run keeps its network in memory."""
        for cache in (self.pictures, self.runs):
            cache.drop(lambda key: isinstance(key, tuple) and key[0] == checkpoint.key)


@dataclass(frozen=True)
class Progress:
    """What one call of the network brought.

    Attributes:
        ready: pictures (C, H, W) that are done now, by index of their request.
        evaluations: calls of the network so far, counted for each picture.
        expected: how many there will be in all.
    """

    ready: dict[int, Tensor]
    evaluations: int
    expected: int


def generate_pictures(
    checkpoint: Checkpoint, requests: Sequence[PictureRequest], cache: ResultCache, batch: int = BATCH
) -> Iterator[Progress]:
    """Make the requested pictures in order. Yields what is cached at once, then after every call of the network.

    Neighbours with equal S go through the network together. Leaving the loop early loses only the current batch.
    """
    cached = {i: cache.picture(checkpoint, request) for i, request in enumerate(requests)}
    missing: dict[object, list[int]] = {}  # the same picture may be requested in several places
    for i, request in enumerate(requests):
        if cached[i] is None:
            missing.setdefault(request.key, []).append(i)
    evaluations, expected = 0, sum(requests[places[0]].settings.steps for places in missing.values())
    yield Progress({i: picture for i, picture in cached.items() if picture is not None}, evaluations, expected)
    for group in _batches(requests, list(missing.values()), batch):
        firsts = [requests[places[0]] for places in group]
        runs = _join([Run(request.latent.latent(checkpoint), request.settings) for request in firsts])
        for steps in denoise_together(checkpoint, runs):
            evaluations += len(group)
            ready: dict[int, Tensor] = {}
            if all(step is not None and step.t_prev == 0 for step in steps):
                pictures = torch.cat([step.x_prev for step in steps if step is not None])
                for places, request, picture in zip(group, firsts, pictures, strict=True):
                    cache.put_picture(checkpoint, request, picture)
                    ready |= dict.fromkeys(places, picture)
            yield Progress(ready, evaluations, expected)


def _batches(requests: Sequence[PictureRequest], places: list[list[int]], batch: int) -> Iterator[list[list[int]]]:
    """Groups of at most ``batch`` neighbours with equal S."""
    group: list[list[int]] = []
    for p in places:
        if group and (len(group) == batch or requests[group[0][0]].settings.steps != requests[p[0]].settings.steps):
            yield group
            group = []
        group.append(p)
    if group:
        yield group


def _join(runs: list[Run]) -> list[Run]:
    """Neighbours that differ only in latent and noise seed, as one run with several rows and a noise seed for each row."""
    joined: list[Run] = []
    for run in runs:
        last = joined[-1] if joined else None
        if last and replace(last.settings, noise_seed=0) == replace(run.settings, noise_seed=0):
            seeds = (*last.settings.noise_seeds(len(last.x_T)), *run.settings.noise_seeds(1))
            joined[-1] = Run(torch.cat([last.x_T, run.x_T]), replace(last.settings, noise_seed=seeds))
        else:
            joined.append(run)
    return joined
