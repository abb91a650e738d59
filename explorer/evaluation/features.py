"""Pictures to features: what a Fréchet distance sees of them.

The checkpoint's own U-Net looks at the pictures as they are, at t = 1. Of the last residual layer of every down block and
of the mid block, each channel's mean and standard deviation over space are kept. The first block sees grain and blur, the
last ones shapes and how parts go together. Each block is standardised, reduced to its first principal components and given
the same weight, so that no scale drowns another: distances grow with blur, with fine grain, with lost modes and with
mixed-up parts alike.
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

COMPONENTS = 64  # principal components in all, shared by the blocks; few enough for some hundred pictures
FeatureKind = Literal["unet", "inception"]
NOT_FID = "not comparable with published FID"
Extract = Callable[[np.ndarray], list[np.ndarray]]  # uint8 (N, H, W, C) -> one float32 (N, D) for each block


@dataclass(frozen=True, eq=False)
class Features:
    """A way to turn pictures into features.

    Attributes:
        name: of a distance between such features; it says which they are, and that it is not the published FID.
        extract: uint8 pictures (N, H, W, C) -> one float32 array (N, D) for each block.
    """

    name: str
    extract: Extract


def unet_features(checkpoint: Checkpoint, batch: int = 32) -> Features:
    """Features of the checkpoint's own U-Net, in float32.

    Raises:
        ValueError: if its denoiser is not a U-Net with down blocks.
    """
    denoiser = checkpoint.predict_noise
    if not isinstance(denoiser, Denoiser) or not hasattr(denoiser.unet, "down_blocks"):
        raise ValueError(f"{checkpoint.name} has no U-Net to take features from; a checkpoint folder has one")
    unet = denoiser.unet
    layers = [block.resnets[-1] for block in unet.down_blocks]  # type: ignore[union-attr]
    if getattr(unet, "mid_block", None) is not None:
        layers.append(unet.mid_block)

    def extract(pictures: np.ndarray) -> list[np.ndarray]:
        batches = [_look(denoiser, layers, to_unit(part)) for part in _batches(pictures, batch)]
        return [torch.cat(block).numpy() for block in zip(*batches, strict=True)]

    return Features(f"Fréchet distance of the checkpoint's own U-Net features ({NOT_FID})", extract)


def inception_features(device: torch.device, batch: int = 32) -> Features:
    """The 2048 pooled features of Inception-v3, by torchmetrics, which fetches the weights from the network.

    Raises:
        ValueError: if torchmetrics or what it needs for this is not installed.
    """
    try:
        inception = _inception(device)
    except ImportError as error:
        raise ValueError(
            "--features inception needs the extra of that name: pip install 'ddim-explorer[inception]'"
        ) from error

    def extract(pictures: np.ndarray) -> list[np.ndarray]:
        rows = []
        for part in _batches(to_rgb(pictures), batch):
            with torch.inference_mode():
                rows.append(inception(torch.from_numpy(part).permute(0, 3, 1, 2).to(device)).float().cpu())
        return [torch.cat(rows).numpy()]

    return Features(f"Fréchet distance of {COMPONENTS} components of Inception-v3 features ({NOT_FID})", extract)


@lru_cache(maxsize=1)
def _inception(device: torch.device) -> torch.nn.Module:
    from torchmetrics.image.fid import FrechetInceptionDistance

    return FrechetInceptionDistance(feature=2048).inception.to(device)


@dataclass(frozen=True, eq=False)
class Reference:
    """Real pictures as features: what distances are measured to.

    Features x become (x - offset) @ projection. The real pictures' features have a total variance of 1, the same share of
    it from every block; so a distance of 1 is as far as the mean can be off by all of the real pictures' spread.

    Attributes:
        pictures: which real pictures.
        weights: fingerprint of the network's weights.
        offset, projection: (D,) float64 and (D, d) float32.
        gaussian: of the real pictures, after projection.
    """

    pictures: str
    weights: str
    offset: np.ndarray
    projection: np.ndarray
    gaussian: Gaussian

    @classmethod
    def fit(cls, features: Features, real: np.ndarray, pictures: str, weights: str) -> Reference:
        """The reference of ``real``, uint8 (N, H, W, C), N >= 2."""
        blocks = [block.astype(np.float64) for block in features.extract(real)]
        D, d = sum(block.shape[1] for block in blocks), COMPONENTS // len(blocks)
        offset, projection = (
            np.concatenate([block.mean(0) for block in blocks]),
            np.zeros((D, d * len(blocks)), np.float32),
        )
        row = 0
        for i, block in enumerate(blocks):
            rows, columns = slice(row, row + block.shape[1]), slice(i * d, i * d + min(d, block.shape[1]))
            projection[rows, columns] = _principal_components(block, d) / np.sqrt(len(blocks))
            row = rows.stop
        projected = (np.concatenate(blocks, 1) - offset) @ projection
        return cls(pictures, weights, offset, projection, Gaussian.of(projected))

    def distance(self, features: Features, pictures: np.ndarray) -> Distance:
        """Of ``pictures``, uint8 (N, H, W, C), to the reference; errors as for :func:`distance_to`."""
        return self.distance_of(Moments.of(self.project(features, pictures)))

    def distance_of(self, moments: Moments) -> Distance:
        """Of pictures of which the sums are there; errors as for :func:`distance_to`."""
        distance, error = distance_to(self.gaussian, moments)
        return Distance(float(f"{distance:.4g}"), float(f"{error:.2g}"), len(moments))

    def project(self, features: Features, pictures: np.ndarray) -> np.ndarray:
        """``pictures``, uint8 (N, H, W, C), as rows (N, d) float64."""
        rows = np.concatenate(features.extract(pictures), 1).astype(np.float64)
        return (rows - self.offset) @ self.projection

    @property
    def key(self) -> str:
        """Another one for every other projection."""
        return key_of(self.offset.tobytes(), self.projection.tobytes())

    def write(self, path: Path) -> None:
        """Keep the reference, so that others can compare without the real pictures."""
        arrays = {
            "offset": self.offset,
            "projection": self.projection,
            "mean": self.gaussian.mean,
            "covariance": self.gaussian.covariance,
        }
        names = {"pictures": self.pictures, "weights": self.weights}
        replace_file(path, lambda part: np.savez_compressed(part, **arrays, **names))  # type: ignore[arg-type]

    @classmethod
    def read(cls, path: Path) -> Reference:
        """What :meth:`write` has kept.

        Raises:
            ValueError: if the file is damaged.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                names = str(file["pictures"]), str(file["weights"])
                arrays = file["offset"], file["projection"]
                gaussian = Gaussian(file["mean"], file["covariance"])
        except Exception as error:  # numpy, zipfile and zlib each have their own
            raise ValueError(f"{path} is damaged; copy it again, or delete it") from error
        return cls(*names, *arrays, gaussian)


def _principal_components(block: np.ndarray, d: int) -> np.ndarray:
    """(D, min(d, D)): standardised features to their first components, scaled to a total variance of 1."""
    spread = block.std(0)
    constant = spread <= 1e-6 * spread.max()
    scale = np.where(constant, 0.0, 1 / np.where(constant, 1.0, spread))
    values, vectors = np.linalg.eigh(Gaussian.of(block * scale).covariance)
    values, vectors = values[::-1][:d], vectors[:, ::-1][:, :d]
    return scale[:, None] * vectors / np.sqrt(max(values.clip(min=0).sum(), np.finfo(np.float64).tiny))


class _SeenEnough(Exception):
    """Ends the network's forward pass once the last wanted layer has run."""


def _look(denoiser: Denoiser, layers: list[torch.nn.Module], x: Tensor) -> list[Tensor]:
    """Mean and standard deviation over space of what ``layers`` give for pictures (B, C, H, W): (B, 2 channels) each."""
    seen: list[Tensor] = []

    def keep(layer: torch.nn.Module, inputs: tuple, output: Tensor) -> None:
        activation = output.float().flatten(2)
        seen.append(torch.cat([activation.mean(2), activation.std(2, correction=0)], 1).cpu())
        if len(seen) == len(layers):
            raise _SeenEnough

    hooks = [layer.register_forward_hook(keep) for layer in layers]
    try:
        denoiser.predict_with(denoiser.exact_network, x, 1)  # the layers are torch's
    except _SeenEnough:
        pass
    finally:
        for hook in hooks:
            hook.remove()
    return seen


def _batches(pictures: np.ndarray, batch: int) -> list[np.ndarray]:
    return [pictures[i : i + batch] for i in range(0, len(pictures), batch)]
