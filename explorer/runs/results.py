"""Generation of requested pictures in batches, and a cache of pictures and trajectories."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.latents import NoiseMix
from explorer.runs.latent_spec import LatentSpec, uses_upload
from explorer.runs.stored_kinds import run_kind, tensor_kind
from explorer.runs.stored_results import Kind, Origin, StoredResults
from explorer.sampler import Run, denoise_together
from explorer.settings import Settings
from explorer.support.bounded_cache import BoundedCache
from explorer.trajectory import Trajectory

BATCH = 8  # pictures per network call; larger batches are hardly cheaper per picture, and delay the first results
PREVIEW_STEPS = 2  # S of a preview: at the default S = 20, a tenth of the cost
MAX_ORIGINS = 10_000  # results from the store whose origin is remembered
PREVIEW_RATIO = 4  # a picture has a preview if its own S is at least so many times that of the preview
Value = TypeVar("Value")


@dataclass(frozen=True)
class PictureRequest:
    """A request for one picture.

    Attributes:
        latent: x_T.
        settings: of the sampler. ``noise_seed`` is a single seed.
        noise: z of every step, in place of that of the noise seed.
        wrong_labels: whether the network is given the numbers of the steps as labels, see :class:`explorer.sampler.Run`.
    """

    latent: LatentSpec
    settings: Settings
    noise: NoiseMix | None = None
    wrong_labels: bool = False

    @property
    def key(self) -> tuple[str, Settings, NoiseMix | None, bool]:
        """Cache key: equal for requests with equal pictures. The noise is ignored if none is added."""
        s = self.settings
        deterministic = s.variance == "eta" and s.eta == 0
        if deterministic or self.noise:
            s = replace(s, noise_seed=0)
        return str(self.latent), s, None if deterministic else self.noise, self.wrong_labels

    @property
    def stored_key(self) -> tuple[object, ...]:
        """The key as values whose ``repr`` says it all."""
        latent, settings, noise, wrong_labels = self.key
        return latent, *astuple(settings), noise, wrong_labels

    def run(self, checkpoint: Checkpoint) -> Run:
        """Return the run that makes the picture."""
        return Run(self.latent.latent(checkpoint), self.settings, self.wrong_labels, self.noise)

    def preview(self, steps: int) -> PictureRequest | None:
        """Return the request for the same picture with fewer steps; None if that would save little or ``steps`` is 0."""
        if not 0 < steps * PREVIEW_RATIO <= self.settings.steps:
            return None
        return replace(self, settings=replace(self.settings, steps=steps))


class CachedRequest(Protocol):
    """A request for a picture that a :class:`ResultCache` can hold."""

    @property
    def latent(self) -> LatentSpec:
        """Where the run starts."""
        ...

    @property
    def key(self) -> Hashable:
        """Equal for requests with equal pictures."""
        ...

    @property
    def stored_key(self) -> tuple[object, ...]:
        """The key as values whose ``repr`` says it all."""
        ...


class ResultCache:
    """Cache of pictures and complete trajectories by checkpoint and request, shared by all users.

    Args:
        picture_bytes, run_bytes: size limits of the two caches in memory.
        stored: the results on disk, which are read where the memory has none, and receive every result; None without a disk.
    """

    def __init__(
        self, picture_bytes: int = 64 << 20, run_bytes: int = 128 << 20, stored: StoredResults | None = None
    ) -> None:
        self.pictures: BoundedCache[Tensor] = BoundedCache(picture_bytes)
        self.runs: BoundedCache[Trajectory] = BoundedCache(run_bytes)
        self.stored = stored
        self._origins: BoundedCache[Origin] = BoundedCache(MAX_ORIGINS)

    def picture(self, checkpoint: Checkpoint, request: CachedRequest) -> Tensor | None:
        """Return the cached picture (C, H, W), or None."""
        key = checkpoint.key, request.key
        picture = self.pictures.get(key)
        if picture is None:
            picture = self._read(_picture_kind(checkpoint), checkpoint, request)
            if picture is not None:
                self.pictures.put(key, picture, picture.nbytes)
        return picture

    def put_picture(self, checkpoint: Checkpoint, request: CachedRequest, picture: Tensor) -> None:
        """Cache a picture (C, H, W)."""
        copy = picture.clone()  # a view would keep its whole batch in memory
        self.pictures.put((checkpoint.key, request.key), copy, copy.nbytes)
        self._write(_picture_kind(checkpoint), checkpoint, request, copy, copy.nbytes)

    def run(self, checkpoint: Checkpoint, request: PictureRequest) -> Trajectory | None:
        """Return the cached complete trajectory, or None."""
        key = checkpoint.key, request.key
        run = self.runs.get(key)
        if run is None:
            run = self._read(run_kind(checkpoint, request.settings), checkpoint, request)
            if run is not None:
                self.runs.put(key, run, run.nbytes)
        return run

    def put_run(self, request: PictureRequest, trajectory: Trajectory) -> None:
        """Cache a complete trajectory of one picture, and the picture."""
        checkpoint = trajectory.checkpoint
        self.runs.put((checkpoint.key, request.key), trajectory, trajectory.nbytes)
        self.put_picture(checkpoint, request, trajectory.x_0[0])
        self._write(run_kind(checkpoint, request.settings), checkpoint, request, trajectory, trajectory.nbytes)

    def origin(self, checkpoint: Checkpoint, request: CachedRequest) -> Origin | None:
        """How a cached result was computed if it comes from the disk; None for a result of this process."""
        return self._origins.get((checkpoint.key, request.key))

    def forget(self, checkpoint: Checkpoint) -> None:
        """Drop all results of a checkpoint from the memory. A cached trajectory would keep its network there."""
        for cache in (self.pictures, self.runs, self._origins):
            cache.drop(lambda key: isinstance(key, tuple) and key[0] == checkpoint.key)

    def _read(self, kind: Kind[Value], checkpoint: Checkpoint, request: CachedRequest) -> Value | None:
        """The result on disk, if there is one. Its origin is remembered."""
        if self.stored is None or uses_upload(request.latent):
            return None
        stored = self.stored.get(kind, checkpoint, *request.stored_key)
        if stored is None:
            return None
        self._origins.put((checkpoint.key, request.key), stored.origin)
        return stored.value

    def _write(
        self, kind: Kind[Value], checkpoint: Checkpoint, request: CachedRequest, value: Value, nbytes: int
    ) -> None:
        """Store a result of this process on disk, unless a user has uploaded the picture that it was made from."""
        self._origins.pop((checkpoint.key, request.key))
        if self.stored is not None and not uses_upload(request.latent):
            self.stored.put(kind, checkpoint, value, nbytes, *request.stored_key)


def _picture_kind(checkpoint: Checkpoint) -> Kind[Tensor]:
    return tensor_kind("picture", *checkpoint.shape)


@dataclass(frozen=True)
class Preview:
    """A picture (C, H, W) that was generated with fewer steps than requested, to be shown until the requested one is ready.

    Attributes:
        steps: S of this picture.
        requested_steps: S of the requested one.
    """

    picture: Tensor
    steps: int
    requested_steps: int


@dataclass(frozen=True)
class Progress:
    """Progress of :func:`generate_pictures` after one call of the network.

    Attributes:
        ready: the pictures (C, H, W) that have just been finished, by index of their request.
        evaluations: network evaluations so far, counted per picture.
        expected: total number of network evaluations.
        previews: the previews that have just been finished, by index of the request. All come before the picture itself.
    """

    ready: dict[int, Tensor]
    evaluations: int
    expected: int
    previews: dict[int, Preview] = field(default_factory=dict)


@dataclass
class _Job:
    """A picture to generate: for the requests ``final`` it is the requested one, for the requests ``preview`` a preview."""

    request: PictureRequest
    final: list[int] = field(default_factory=list)
    preview: list[int] = field(default_factory=list)


def generate_pictures(
    checkpoint: Checkpoint,
    requests: Sequence[PictureRequest],
    cache: ResultCache,
    batch: int = BATCH,
    preview_steps: int = 0,
) -> Iterator[Progress]:
    """Generate the requested pictures in order, in batches of consecutive requests with equal S.

    With ``preview_steps``, the previews of all pictures come first. A preview is the picture of the same latent and
    settings with a smaller S. If that picture is requested as well, it is generated once.

    A caller that leaves the loop early loses only the current batch.

    Args:
        requests: may contain the same picture several times; it is generated once.
        cache: is read first, and receives the generated pictures, those of previews under their own S.
        batch: maximum number of pictures per network call.
        preview_steps: S of the previews; 0 for no previews. A request with less than :data:`PREVIEW_RATIO` times as many
            steps has none.

    Yields:
        The cached pictures first, then the progress after every network call.
    """
    ready: dict[int, Tensor] = {}
    jobs: dict[object, _Job] = {}  # by key of the picture
    for i, request in enumerate(requests):
        picture = cache.picture(checkpoint, request)
        if picture is not None:
            ready[i] = picture
        elif coarse := request.preview(preview_steps):
            jobs.setdefault(coarse.key, _Job(coarse)).preview.append(i)
    for i, request in enumerate(requests):
        if i not in ready:
            jobs.setdefault(request.key, _Job(request)).final.append(i)
    made_before = {key: cache.picture(checkpoint, job.request) for key, job in jobs.items() if not job.final}
    previews: dict[int, Preview] = {}
    for key, picture in made_before.items():
        if picture is not None:
            previews |= _previews(jobs.pop(key), picture, requests)
    evaluations, expected = 0, sum(job.request.settings.steps for job in jobs.values())
    yield Progress(ready, evaluations, expected, previews)
    for group in _batches(list(jobs.values()), batch):
        runs = _merge([job.request.run(checkpoint) for job in group])
        for steps in denoise_together(checkpoint, runs):
            evaluations += len(group)
            ready, previews = {}, {}
            if all(step is not None and step.t_prev == 0 for step in steps):
                pictures = torch.cat([step.x_prev for step in steps if step is not None])
                for job, picture in zip(group, pictures, strict=True):
                    cache.put_picture(checkpoint, job.request, picture)
                    ready |= dict.fromkeys(job.final, picture)
                    previews |= _previews(job, picture, requests)
            yield Progress(ready, evaluations, expected, previews)


def _previews(job: _Job, picture: Tensor, requests: Sequence[PictureRequest]) -> dict[int, Preview]:
    """The previews that the picture of ``job`` is, by index of the request."""
    steps = job.request.settings.steps
    return {i: Preview(picture, steps, requests[i].settings.steps) for i in job.preview}


def _batches(jobs: Sequence[_Job], batch: int) -> Iterator[list[_Job]]:
    """Groups of at most ``batch`` consecutive jobs with equal S."""
    for _, same_steps in itertools.groupby(jobs, lambda job: job.request.settings.steps):
        rest = list(same_steps)
        while rest:
            yield rest[:batch]
            rest = rest[batch:]


def _merge(runs: list[Run]) -> list[Run]:
    """Merge consecutive runs that differ only in latent and noise seed into one run with several rows."""
    merged: list[Run] = []
    for run in runs:
        last = merged[-1] if merged else None
        plain = last is not None and last.noise is run.noise is None
        if last and plain and replace(last.settings, noise_seed=0) == replace(run.settings, noise_seed=0):
            seeds = (*last.settings.noise_seeds(len(last.x_T)), *run.settings.noise_seeds(1))
            merged[-1] = Run(torch.cat([last.x_T, run.x_T]), replace(last.settings, noise_seed=seeds))
        else:
            merged.append(run)
    return merged
