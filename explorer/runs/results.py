"""Generation of requested pictures in batches, and a cache of pictures and trajectories."""

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

BATCH = 8  # pictures per network call; larger batches are hardly cheaper per picture, and delay the first results


@dataclass(frozen=True)
class PictureRequest:
    """A request for one picture: its latent and its settings. ``settings.noise_seed`` is a single seed."""

    latent: LatentSpec
    settings: Settings

    @property
    def key(self) -> tuple[str, Settings]:
        """Cache key: equal for requests with equal pictures. The noise seed is ignored if no noise is added."""
        s = self.settings
        deterministic = s.variance == "eta" and s.eta == 0
        return str(self.latent), replace(s, noise_seed=0) if deterministic else s


class ResultCache:
    """Cache of pictures and complete trajectories by checkpoint and request, shared by all users.

    Args:
        picture_bytes, run_bytes: size limits of the two caches.
    """

    def __init__(self, picture_bytes: int = 64 << 20, run_bytes: int = 128 << 20) -> None:
        self.pictures: BoundedCache[Tensor] = BoundedCache(picture_bytes)
        self.runs: BoundedCache[Trajectory] = BoundedCache(run_bytes)

    def picture(self, checkpoint: Checkpoint, request: PictureRequest) -> Tensor | None:
        """Return the cached picture (C, H, W), or None."""
        return self.pictures.get((checkpoint.key, request.key))

    def put_picture(self, checkpoint: Checkpoint, request: PictureRequest, picture: Tensor) -> None:
        """Cache a picture (C, H, W)."""
        copy = picture.clone()  # a view would keep its whole batch in memory
        self.pictures.put((checkpoint.key, request.key), copy, copy.nbytes)

    def run(self, checkpoint: Checkpoint, request: PictureRequest) -> Trajectory | None:
        """Return the cached complete trajectory, or None."""
        return self.runs.get((checkpoint.key, request.key))

    def put_run(self, request: PictureRequest, trajectory: Trajectory) -> None:
        """Cache a complete trajectory of one picture, and the picture."""
        checkpoint = trajectory.checkpoint
        self.runs.put((checkpoint.key, request.key), trajectory, trajectory.nbytes)
        self.put_picture(checkpoint, request, trajectory.x_0[0])

    def forget(self, checkpoint: Checkpoint) -> None:
        """Drop all results of a checkpoint. A cached trajectory would keep its network in memory."""
        for cache in (self.pictures, self.runs):
            cache.drop(lambda key: isinstance(key, tuple) and key[0] == checkpoint.key)


@dataclass(frozen=True)
class Progress:
    """Progress of :func:`generate_pictures` after one call of the network.

    Attributes:
        ready: the pictures (C, H, W) that have just been finished, by index of their request.
        evaluations: network evaluations so far, counted per picture.
        expected: total number of network evaluations.
    """

    ready: dict[int, Tensor]
    evaluations: int
    expected: int


def generate_pictures(
    checkpoint: Checkpoint, requests: Sequence[PictureRequest], cache: ResultCache, batch: int = BATCH
) -> Iterator[Progress]:
    """Generate the requested pictures in order, in batches of consecutive requests with equal S.

    A caller that leaves the loop early loses only the current batch.

    Args:
        requests: may contain the same picture several times; it is generated once.
        cache: is read first, and receives the generated pictures.
        batch: maximum number of pictures per network call.

    Yields:
        The cached pictures first, then the progress after every network call.
    """
    cached = {i: cache.picture(checkpoint, request) for i, request in enumerate(requests)}
    missing: dict[object, list[int]] = {}  # indices of the requests of each picture to generate
    for i, request in enumerate(requests):
        if cached[i] is None:
            missing.setdefault(request.key, []).append(i)
    evaluations, expected = 0, sum(requests[indices[0]].settings.steps for indices in missing.values())
    yield Progress({i: picture for i, picture in cached.items() if picture is not None}, evaluations, expected)
    for group in _batches(requests, list(missing.values()), batch):
        batch_requests = [requests[indices[0]] for indices in group]
        runs = _merge([Run(request.latent.latent(checkpoint), request.settings) for request in batch_requests])
        for steps in denoise_together(checkpoint, runs):
            evaluations += len(group)
            ready: dict[int, Tensor] = {}
            if all(step is not None and step.t_prev == 0 for step in steps):
                pictures = torch.cat([step.x_prev for step in steps if step is not None])
                for indices, request, picture in zip(group, batch_requests, pictures, strict=True):
                    cache.put_picture(checkpoint, request, picture)
                    ready |= dict.fromkeys(indices, picture)
            yield Progress(ready, evaluations, expected)


def _batches(requests: Sequence[PictureRequest], missing: list[list[int]], batch: int) -> Iterator[list[list[int]]]:
    """Groups of at most ``batch`` consecutive pictures with equal S, each given by the indices of its requests."""
    group: list[list[int]] = []
    for indices in missing:
        same_steps = group and requests[group[0][0]].settings.steps == requests[indices[0]].settings.steps
        if group and (len(group) == batch or not same_steps):
            yield group
            group = []
        group.append(indices)
    if group:
        yield group


def _merge(runs: list[Run]) -> list[Run]:
    """Merge consecutive runs that differ only in latent and noise seed into one run with several rows."""
    merged: list[Run] = []
    for run in runs:
        last = merged[-1] if merged else None
        if last and replace(last.settings, noise_seed=0) == replace(run.settings, noise_seed=0):
            seeds = (*last.settings.noise_seeds(len(last.x_T)), *run.settings.noise_seeds(1))
            merged[-1] = Run(torch.cat([last.x_T, run.x_T]), replace(last.settings, noise_seed=seeds))
        else:
            merged.append(run)
    return merged
