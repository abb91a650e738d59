"""Chunks: the units of work of a sweep, computed in this process or on other machines.

A chunk is one batch of pictures of one cell. The last digits of a picture depend on the batch it is computed in. So a
table depends on the size of the chunks, but not on where or when they are computed.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
import torch

from explorer.checkpoint import Checkpoint
from explorer.evaluation.features import (
    FeatureExtractor,
    FeatureKind,
    ReferenceStatistics,
    inception_features,
    unet_features,
)
from explorer.inversion import Inversion, encode
from explorer.latents import latent
from explorer.media.convert import to_uint8
from explorer.sampler import sample
from explorer.settings import Settings
from explorer.support.paper_tables import Eta


class Chunk(NamedTuple):
    """Pictures ``start`` to ``stop`` - 1 of a cell.

    Attributes:
        steps: S.
        eta: of a cell of the Fréchet table; not used for a reconstruction.
        inversion: of a cell of the reconstruction table; not used for a Fréchet distance.
    """

    steps: int
    start: int
    stop: int
    eta: Eta = 0.0
    inversion: Inversion = Inversion()

    @property
    def rows(self) -> range:
        """Numbers of the pictures in their cell."""
        return range(self.start, self.stop)

    def settings(self) -> Settings:
        """The sampler settings. Picture i of a cell has noise seed i."""
        if self.eta == "large":
            return Settings(steps=self.steps, variance="large", noise_seed=tuple(self.rows))
        return Settings(steps=self.steps, eta=self.eta, noise_seed=tuple(self.rows))


@dataclass(frozen=True, eq=False)
class ChunkResult:
    """The result of a chunk.

    Attributes:
        rows: (n, ...) float64, one row per picture.
        seconds: per picture.
        machine: the device that computed it.
    """

    rows: np.ndarray
    seconds: float
    machine: str


@dataclass(frozen=True, eq=False)
class FeatureJob:
    """Samples pictures and returns their features. The pictures are not kept.

    Attributes:
        kind: of the features.
        batch: pictures per call of the feature network.
        reference: statistics of the real pictures, which define the projection of the features.
        weights: fingerprint that the checkpoint's weights must have.
        precision: engine and number format that the checkpoint must use.
    """

    kind: FeatureKind
    batch: int
    reference: ReferenceStatistics
    weights: str
    precision: str

    def __call__(self, checkpoint: Checkpoint, chunk: Chunk) -> ChunkResult:
        """Return the projected features of the chunk's pictures as rows (n, d).

        Raises:
            ValueError: the checkpoint has other weights or another engine on this machine than the job requires.
        """
        _check_same("weights", checkpoint.weights_fingerprint, self.weights)
        _check_same("engine", engine_name(checkpoint), self.precision)
        extractor = feature_extractor(checkpoint, self.kind, self.batch)
        device = checkpoint.predict_noise.device
        started = time.perf_counter()
        x_T = latent(checkpoint.shape, chunk.rows).to(device)
        pictures = to_uint8(sample(checkpoint, x_T, chunk.settings()))
        seconds = (time.perf_counter() - started) / len(pictures)
        return ChunkResult(self.reference.project(extractor, pictures), seconds, machine_name(device))


@dataclass(frozen=True, eq=False)
class ReconstructionJob:
    """Encodes held-out pictures and samples them back.

    Attributes:
        x_0: the pictures, float32 (N, C, H, W) in [-1, 1].
        weights: fingerprint that the checkpoint's weights must have.
    """

    x_0: torch.Tensor
    weights: str

    def __call__(self, checkpoint: Checkpoint, chunk: Chunk) -> ChunkResult:
        """Return the mean squared error of each of the chunk's pictures as rows (n,), for pictures in [0, 1].

        Raises:
            ValueError: the checkpoint has other weights on this machine than the job requires.
        """
        _check_same("weights", checkpoint.weights_fingerprint, self.weights)
        device = checkpoint.predict_noise.device
        started = time.perf_counter()
        x_0 = self.x_0[chunk.start : chunk.stop].to(device)
        x_T = encode(checkpoint, x_0, chunk.steps, **asdict(chunk.inversion))
        reconstructed = sample(checkpoint.float32, x_T, Settings(steps=chunk.steps))
        errors = ((reconstructed - x_0) / 2).cpu().double().square().mean((1, 2, 3)).numpy()
        return ChunkResult(errors, (time.perf_counter() - started) / len(x_0), machine_name(device))


def feature_extractor(checkpoint: Checkpoint, kind: FeatureKind, batch: int) -> FeatureExtractor:
    """Return the feature extractor of a kind. Raises as :func:`unet_features` and :func:`inception_features`."""
    if kind == "unet":
        return unet_features(checkpoint, batch)
    return inception_features(checkpoint.predict_noise.device, batch)


def engine_name(checkpoint: Checkpoint) -> str:
    """Return the name of the engine that computes the checkpoint's network, and its number format."""
    if not checkpoint.engine:  # the engine is chosen at the first call
        checkpoint.predict_noise(torch.zeros(1, *checkpoint.shape), 1)
    return checkpoint.engine


def machine_name(device: torch.device) -> str:
    """Return the name of a device for timings: the GPU's name, or "CPU" and the number of threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else device.type


def _check_same(what: str, actual: str, required: str) -> None:
    if actual != required:
        raise ValueError(f"this machine has the {what} {actual}, but the table was started with {required}")
