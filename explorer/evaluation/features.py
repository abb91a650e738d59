"""Features of pictures, for Fréchet distances.

By default the features are activations of the checkpoint's own U-Net at t = 1: the mean and the standard deviation over
space of each channel, in the last residual layer of every down block and in the mid block. The first blocks respond to
grain and blur, the last ones to shapes and composition. Each block is standardised, reduced to its first principal
components and given the same weight, so that no scale dominates: the distance grows with blur, with grain, with missing
modes and with inconsistent parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.denoiser import Denoiser
from explorer.evaluation.frechet import Gaussian, Moments, distance_to
from explorer.media.convert import to_rgb, to_unit
from explorer.storage.atomic_write import replace_file
from explorer.storage.disk_cache import key_of
from explorer.storage.quality_file import Distance

COMPONENTS = 64  # principal components, divided among the blocks; few enough for a few hundred pictures
FeatureKind = Literal["unet", "inception"]
NOT_FID = "not comparable with published FID"


@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """A function that maps pictures to features.

    Attributes:
        name: of the Fréchet distance of these features; it says that the distance is not the published FID.
        extract: uint8 pictures (N, H, W, C) -> one float32 array (N, D) per block.
    """

    name: str
    extract: Callable[[np.ndarray], list[np.ndarray]]


def unet_features(checkpoint: Checkpoint, batch: int = 32) -> FeatureExtractor:
    """Return the feature extractor that uses the checkpoint's own U-Net, in float32.

    Args:
        batch: pictures per call of the network.

    Raises:
        ValueError: the denoiser is not a U-Net with down blocks.
    """
    denoiser = checkpoint.predict_noise
    if not isinstance(denoiser, Denoiser) or not hasattr(denoiser.unet, "down_blocks"):
        raise ValueError(f"{checkpoint.name} has no U-Net to take features from; use a checkpoint folder")
    unet = denoiser.unet
    layers = [block.resnets[-1] for block in unet.down_blocks]  # type: ignore[union-attr]
    if getattr(unet, "mid_block", None) is not None:
        layers.append(unet.mid_block)

    def extract(pictures: np.ndarray) -> list[np.ndarray]:
        batches = [_activation_statistics(denoiser, layers, to_unit(rows)) for rows in _split(pictures, batch)]
        return [torch.cat(block).numpy() for block in zip(*batches, strict=True)]

    return FeatureExtractor(f"Fréchet distance of the checkpoint's own U-Net features ({NOT_FID})", extract)


def inception_features(device: torch.device, batch: int = 32) -> FeatureExtractor:
    """Return the extractor of the 2048 pooled features of Inception-v3. torchmetrics downloads the weights.

    Args:
        batch: pictures per call of the network.

    Raises:
        ValueError: torchmetrics or one of its dependencies is not installed.
    """
    try:
        inception = _inception(device)
    except ImportError as error:
        raise ValueError(
            "--features inception needs the extra of that name: pip install 'ddim-explorer[inception]'"
        ) from error

    def extract(pictures: np.ndarray) -> list[np.ndarray]:
        features = []
        for rows in _split(to_rgb(pictures), batch):
            with torch.inference_mode():
                features.append(inception(torch.from_numpy(rows).permute(0, 3, 1, 2).to(device)).float().cpu())
        return [torch.cat(features).numpy()]

    return FeatureExtractor(
        f"Fréchet distance of {COMPONENTS} components of Inception-v3 features ({NOT_FID})", extract
    )


@lru_cache(maxsize=1)
def _inception(device: torch.device) -> torch.nn.Module:
    from torchmetrics.image.fid import FrechetInceptionDistance

    return FrechetInceptionDistance(feature=2048).inception.to(device)


@dataclass(frozen=True, eq=False)
class ReferenceStatistics:
    """Statistics of the features of real pictures, to which Fréchet distances are measured.

    Features x are projected to (x - offset) @ projection. After the projection, the features of the real pictures have
    a total variance of 1, and every block has the same share of it.

    Attributes:
        pictures: which real pictures.
        weights: fingerprint of the network's weights.
        offset: (D,) float64, the mean of the features.
        projection: (D, d) float32.
        gaussian: of the projected features.
        count: number of real pictures; 0 in files that do not say it.
    """

    pictures: str
    weights: str
    offset: np.ndarray
    projection: np.ndarray
    gaussian: Gaussian
    count: int = 0

    @classmethod
    def fit(
        cls, extractor: FeatureExtractor, real_pictures: np.ndarray, pictures: str, weights: str
    ) -> ReferenceStatistics:
        """Compute the projection and the statistics.

        Args:
            real_pictures: uint8 (N, H, W, C), N >= 2.
            pictures, weights: see the attributes.
        """
        blocks = [block.astype(np.float64) for block in extractor.extract(real_pictures)]
        D, d = sum(block.shape[1] for block in blocks), COMPONENTS // len(blocks)
        offset = np.concatenate([block.mean(0) for block in blocks])
        projection = np.zeros((D, d * len(blocks)), np.float32)
        row = 0
        for i, block in enumerate(blocks):
            rows, columns = slice(row, row + block.shape[1]), slice(i * d, i * d + min(d, block.shape[1]))
            projection[rows, columns] = _principal_components(block, d) / np.sqrt(len(blocks))
            row = rows.stop
        projected = (np.concatenate(blocks, 1) - offset) @ projection
        return cls(pictures, weights, offset, projection, Gaussian.of(projected), len(projected))

    def distance(self, extractor: FeatureExtractor, pictures: np.ndarray) -> Distance:
        """Return the distance of ``pictures``, uint8 (N, H, W, C). Raises as :func:`distance_to`."""
        return self.distance_of(Moments.of(self.project(extractor, pictures)))

    def distance_of(self, moments: Moments) -> Distance:
        """Return the distance of pictures with these moments of projected features. Raises as :func:`distance_to`."""
        distance, standard_error = distance_to(self.gaussian, moments)
        return Distance(float(f"{distance:.4g}"), float(f"{standard_error:.2g}"), len(moments))

    def project(self, extractor: FeatureExtractor, pictures: np.ndarray) -> np.ndarray:
        """Return the projected features (N, d) float64 of ``pictures``, uint8 (N, H, W, C)."""
        features = np.concatenate(extractor.extract(pictures), 1).astype(np.float64)
        return (features - self.offset) @ self.projection

    @property
    def key(self) -> str:
        """A hash that identifies the projection."""
        return key_of(self.offset.tobytes(), self.projection.tobytes())

    def write(self, path: Path) -> None:
        """Write an .npz file, so that others can measure distances without the real pictures."""
        arrays = {
            "offset": self.offset,
            "projection": self.projection,
            "mean": self.gaussian.mean,
            "covariance": self.gaussian.covariance,
            "count": np.array(self.count),
        }
        texts = {"pictures": self.pictures, "weights": self.weights}
        replace_file(path, lambda temporary: np.savez_compressed(temporary, **arrays, **texts))  # type: ignore[arg-type]

    @classmethod
    def read(cls, path: Path) -> ReferenceStatistics:
        """Read a file written by :meth:`write`.

        Raises:
            ValueError: the file is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                texts = str(file["pictures"]), str(file["weights"])
                arrays = file["offset"], file["projection"]
                gaussian = Gaussian(file["mean"], file["covariance"])
                count = int(file["count"]) if "count" in file else 0
        except Exception as error:  # numpy, zipfile and zlib raise many types
            raise ValueError(f"{path} is damaged; copy it again, or delete it") from error
        return cls(*texts, *arrays, gaussian, count)


def _principal_components(block: np.ndarray, d: int) -> np.ndarray:
    """(D, min(d, D)): the map from features to the first d components, scaled to a total variance of 1."""
    deviation = block.std(0)
    constant = deviation <= 1e-6 * deviation.max()
    scale = np.where(constant, 0.0, 1 / np.where(constant, 1.0, deviation))
    values, vectors = np.linalg.eigh(Gaussian.of(block * scale).covariance)
    values, vectors = values[::-1][:d], vectors[:, ::-1][:, :d]
    return scale[:, None] * vectors / np.sqrt(max(values.clip(min=0).sum(), np.finfo(np.float64).tiny))


class _StopForward(Exception):
    """Ends the network's forward pass after the last layer whose output is needed."""


def _activation_statistics(denoiser: Denoiser, layers: list[torch.nn.Module], x: Tensor) -> list[Tensor]:
    """Mean and standard deviation over space of each layer's output for x (B, C, H, W): (B, 2 channels) per layer."""
    statistics: list[Tensor] = []

    def record(layer: torch.nn.Module, inputs: tuple, output: Tensor) -> None:
        activation = output.float().flatten(2)
        statistics.append(torch.cat([activation.mean(2), activation.std(2, correction=0)], 1).cpu())
        if len(statistics) == len(layers):
            raise _StopForward

    hooks = [layer.register_forward_hook(record) for layer in layers]
    try:
        denoiser.predict_with(denoiser.exact_network, x, 1)  # hooks need the network in torch
    except _StopForward:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return statistics


def _split(pictures: np.ndarray, batch: int) -> list[np.ndarray]:
    return [pictures[i : i + batch] for i in range(0, len(pictures), batch)]
