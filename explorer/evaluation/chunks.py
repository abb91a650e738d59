"""What a sweep is made of: chunks of pictures of a cell, each on its own, wherever it is computed.

A chunk is one batch of the network, on one machine or on many: a row's last digits depend on the batch that it is in. So a
table depends on the size of the chunks, but not on who computed which, nor when.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch

from explorer.checkpoint import Checkpoint
from explorer.evaluation.features import FeatureKind, Features, Reference, inception_features, unet_features
from explorer.inversion import Inversion, encode
from explorer.latents import latent
from explorer.media.convert import to_uint8
from explorer.paper import Eta
from explorer.sampler import sample
from explorer.settings import Settings


class Chunk(NamedTuple):
    """The pictures ``start`` to ``stop`` - 1 of a cell; eta says nothing of a reconstruction, inversion of nothing else."""

    steps: int
    start: int
    stop: int
    eta: Eta = 0.0
    inversion: Inversion = Inversion()

    @property
    def rows(self) -> range:
        return range(self.start, self.stop)

    def settings(self) -> Settings:
        """Picture i of a cell has noise seed i."""
        if self.eta == "large":
            return Settings(steps=self.steps, variance="large", noise_seed=tuple(self.rows))
        return Settings(steps=self.steps, eta=self.eta, noise_seed=tuple(self.rows))


@dataclass(frozen=True, eq=False)
class ChunkResult:
    """What a chunk came to.

    Attributes:
        rows: (n, ...) float64, one for each picture.
        seconds: that a picture took.
        machine: what it was made on.
    """

    rows: np.ndarray
    seconds: float
    machine: str


@dataclass(frozen=True, eq=False)
class FeatureJob:
    """Draws pictures, looks at them, and keeps their features only.

    Attributes:
        kind, batch: of the features; ``batch`` pictures are looked at in one call.
        reference: the projection of the features.
        weights, precision: what the table says of all its pictures.
    """

    kind: FeatureKind
    batch: int
    reference: Reference
    weights: str
    precision: str

    def __call__(self, checkpoint: Checkpoint, chunk: Chunk) -> ChunkResult:
        """Features of the chunk's pictures, rows (n, d).

        Raises:
            ValueError: if the weights or the engine are others than those of the table.
        """
        check_same("weights", checkpoint.weights_fingerprint, self.weights)
        check_same("engine", precision(checkpoint), self.precision)
        features = features_of(checkpoint, self.kind, self.batch)
        device = checkpoint.predict_noise.device
        started = time.perf_counter()
        x_T = latent(checkpoint.shape, chunk.rows).to(device)
        pictures = to_uint8(sample(checkpoint, x_T, chunk.settings()))
        seconds = (time.perf_counter() - started) / len(pictures)
        return ChunkResult(self.reference.project(features, pictures), seconds, machine(device))


@dataclass(frozen=True, eq=False)
class ReconstructionJob:
    """Encodes held-out pictures, float32 (N, C, H, W) in [-1, 1], and samples them back."""

    x_0: torch.Tensor
    weights: str

    def __call__(self, checkpoint: Checkpoint, chunk: Chunk) -> ChunkResult:
        """Mean squared error of each of the chunk's pictures, rows (n,); errors as for :class:`FeatureJob`."""
        check_same("weights", checkpoint.weights_fingerprint, self.weights)
        device = checkpoint.predict_noise.device
        started = time.perf_counter()
        x = self.x_0[chunk.start : chunk.stop].to(device)
        how = chunk.inversion
        x_T = encode(checkpoint, x, chunk.steps, iterations=how.iterations, ahead=how.ahead)
        back = sample(checkpoint.exact, x_T, Settings(steps=chunk.steps))
        errors = ((back - x) / 2).cpu().double().square().mean((1, 2, 3)).numpy()
        return ChunkResult(errors, (time.perf_counter() - started) / len(x), machine(device))


def features_of(checkpoint: Checkpoint, kind: FeatureKind, batch: int) -> Features:
    """The features of that kind; errors as for :func:`unet_features` and :func:`inception_features`."""
    return (
        unet_features(checkpoint, batch)
        if kind == "unet"
        else inception_features(checkpoint.predict_noise.device, batch)
    )


def precision(checkpoint: Checkpoint) -> str:
    """What computes the checkpoint's network, and in which numbers."""
    if not checkpoint.engine:  # it is chosen at the first call
        checkpoint.predict_noise(torch.zeros(1, *checkpoint.shape), 1)
    return checkpoint.engine


def machine(device: torch.device) -> str:
    """What pictures are drawn on, for the seconds that one takes."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else device.type


def check_same(what: str, mine: str, wanted: str) -> None:
    """:class:`ValueError` if a machine would measure something else than the table says."""
    if mine != wanted:
        raise ValueError(f"the {what} of a machine that computes chunks is {mine}, but the table is of {wanted}")
