"""Checkpoints: a pretrained denoiser with its schedule and picture shape, loaded from a diffusers pipeline folder.

:func:`load` opens checkpoints of this repository, of any local folder, and of the Hugging Face Hub. The files of a
folder are described in :mod:`explorer.storage.diffusers_folder`, and downloads in :mod:`explorer.storage.hub`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from explorer.denoiser import Denoiser, resolve_device
from explorer.networks.network import ENGINES, Engine
from explorer.networks.noise_predictor import NoisePredictor, PredictNoise, as_noise_predictor
from explorer.schedule import Schedule
from explorer.storage.diffusers_folder import (
    CARD,
    EXAMPLES,
    INDEX,
    Card,
    Shape,
    fingerprint,
    is_pipeline,
    read_scheduler,
    read_unet,
    read_unet_config,
    version_of,
)
from explorer.storage.hub import HubId, Progress, fetch
from explorer.storage.limits import MAX_SIDE
from explorer.storage.safe_read import CheckpointError, read_pictures
from explorer.storage.validation import sample_size
from explorer.support.arguments import shorten
from explorer.support.messages import Message

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "_checkpoints"  # where the build puts them; see pyproject.toml
CHECKPOINTS = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "checkpoints"


@dataclass(frozen=True, eq=False, repr=False)
class Checkpoint:
    """A denoiser eps_theta with the schedule and the picture shape that it was trained with.

    Attributes:
        name: display name: the folder's name or the hub id.
        shape: (C, H, W) of a picture. Values are in [-1, 1].
        schedule: alpha_bar, float64.
        predict_noise: eps_theta(x_t, t). It maps (B, C, H, W) float32 to the same shape; t is an int in 1..T, or (B,)
            ints.
        card: title, licence and sample seeds.
        folder: the folder that it was loaded from; None if :func:`from_denoiser` made it.
        source: the name that :func:`load` opens it by; ``name`` if empty.
        version: changes whenever the files change; empty without a folder.
        clips: whether its scheduler clips predicted x_0 by default. Pictures with few steps may need it.
    """

    name: str
    shape: Shape
    schedule: Schedule
    predict_noise: NoisePredictor
    card: Card = field(default_factory=Card)
    folder: Path | None = None
    source: str = ""
    version: str = ""
    clips: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "predict_noise", as_noise_predictor(self.predict_noise))

    def __repr__(self) -> str:
        return f"Checkpoint({self.name!r}, shape={self.shape}, {self.schedule!r})"

    @property
    def exact(self) -> Checkpoint:
        """The same checkpoint computed by torch in float32; the checkpoint itself if :func:`from_denoiser` made it."""
        exact = self.predict_noise.exact
        return self if exact is self.predict_noise else replace(self, predict_noise=exact)

    @property
    def float32(self) -> Checkpoint:
        """The same checkpoint computed in float32, on the engine that is fastest at it. It differs by rounding only."""
        float32 = self.predict_noise.float32
        return self if float32 is self.predict_noise else replace(self, predict_noise=float32)

    @property
    def engine(self) -> str:
        """Display name of the inference engine; empty before the first call and if :func:`from_denoiser` made it."""
        return self.predict_noise.engine

    @property
    def key(self) -> tuple[str, str]:
        """Cache key: equal for checkpoints that generate the same pictures."""
        return self.name, self.version

    @property
    def weights_fingerprint(self) -> str:
        """First 16 digits of the SHA-256 of the weights file; empty without a folder."""
        return fingerprint(self.folder) if self.folder else ""

    def to_python(self) -> str:
        """The Python expression that loads this checkpoint; ``ex`` is the package ``explorer``."""
        engine, source = self.predict_noise.requested_engine, self.source or self.name
        return f"ex.load({source!r})" if engine == "exact" else f'ex.load({source!r}, engine="{engine}")'

    def examples(self) -> np.ndarray:
        """Return the held-out real pictures of the checkpoint, uint8 (N, H, W, C). N = 0 if it has none.

        Raises:
            CheckpointError: the file is damaged.
        """
        path = self.folder / EXAMPLES if self.folder else None
        shape = *self.shape[1:], self.shape[0]
        if path is None or not os.path.exists(path):  # Path.exists raises if the folder is not readable
            return np.zeros((0, *shape), dtype=np.uint8)
        return _read_examples(path, os.stat(path).st_mtime_ns, shape).copy()


@lru_cache(maxsize=4)
def _read_examples(path: Path, mtime_ns: int, shape: Shape) -> np.ndarray:
    """Read the pictures, cached until the modification time changes, since unpacking is slower than a small network."""
    try:
        return read_pictures(path, shape)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            "brought.examples",
            "{path} is damaged or holds no array named images; copy it again ({error})",
            path=str(path),
            error=str(error),
        ) from error


def from_denoiser(
    predict_noise: PredictNoise, shape: Sequence[int], schedule: Schedule | None = None, name: str = "denoiser"
) -> Checkpoint:
    """Wrap any function eps(x_t, t) as a checkpoint, for toy models, tests and teaching.

    Args:
        predict_noise: maps x_t (B, C, H, W) and an int t in 1..T to the predicted noise, same shape.
        shape: (C, H, W) of a picture.
        schedule: DDPM's linear schedule if None.
        name: display name.
    """
    C, H, W = shape
    return Checkpoint(name, (C, H, W), schedule or Schedule.linear(), as_noise_predictor(predict_noise))


def available(root: Path = CHECKPOINTS) -> list[str]:
    """Return the names of the checkpoints in ``root``, sorted."""
    return sorted(path.parent.name for path in root.glob(f"*/{INDEX}"))


def load(
    name: str | Path,
    device: str = "auto",
    root: Path = CHECKPOINTS,
    engine: Engine = "exact",
    progress: Progress | None = None,
) -> Checkpoint:
    """Load a checkpoint from ``root``, from any folder, or from the Hugging Face Hub.

    Args:
        name: a name in ``root`` such as "faces-64", the path of a folder such as "runs/mine", or a hub id such as
            "google/ddpm-cifar10-32" or "owner/name@revision". A folder takes precedence over a hub id of the same name.
            Downloads are cached by huggingface_hub and can be loaded offline afterwards.
        device: "auto", "cpu", "cuda" or "mps", see :func:`explorer.denoiser.resolve_device`.
        root: folder of the named checkpoints.
        engine: "exact", "fast" or "auto", see :class:`explorer.denoiser.Denoiser`. :func:`explorer.encode` is always
            exact.
        progress: called with (bytes loaded, total bytes) during a download; if None, the terminal shows a progress bar.

    Raises:
        CheckpointError: there is no such checkpoint, the hub is unreachable, the weights are missing or pickled, a
            file is truncated or corrupt, the weights do not match the network, the U-Net class or prediction type is
            not supported, or the scheduler has no betas.
        ValueError: the device or the engine is unknown or not available.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {shorten(engine)}")
    resolve_device(device)  # fails before any file is read
    folder = _find_folder(name, root)
    if folder is not None:
        in_root = folder.parent == root.resolve()
        return _load_folder(folder, folder.name, folder.name if in_root else str(folder), device, engine)
    hub_id = HubId.parse(str(name))
    if hub_id is None:
        names = ", ".join(available(root)) or Message("opening.none", "none")
        raise CheckpointError(
            "opening.nothing",
            "no checkpoint {given}: give a name below {root}/ (there are: {names}), the path of a "
            "folder, or a hub id such as google/ddpm-cifar10-32",
            given=shorten(str(name), 80),
            root=root.name,
            names=names,
        )
    return _load_folder(fetch(hub_id, progress), str(hub_id), str(hub_id), device, engine)


def _find_folder(name: str | Path, root: Path) -> Path | None:
    """The folder of that name, or None."""
    for candidate in (root / name, Path(name)):
        folder = Path(os.path.expanduser(candidate))
        if str(name).strip() and os.path.isdir(folder):  # Path.expanduser and Path.is_dir raise for some names
            if is_pipeline(folder):
                return folder.resolve()
            raise CheckpointError(
                "opening.no_folder",
                "{folder} is not a diffusers pipeline folder: it has no {file}",
                folder=str(folder),
                file=INDEX,
            )
    return None


def _load_folder(folder: Path, name: str, source: str, device: str, engine: Engine) -> Checkpoint:
    card = Card.read(folder / CARD)
    config = read_unet_config(folder, name)
    shape = _picture_shape(folder, name, config, card)
    schedule, prediction_type, clips = read_scheduler(folder, name)
    version = version_of(folder)
    unet = read_unet(folder, name, config)
    if engine == "exact" or not unet.converted:
        _ = unet.module  # reports damaged weights now; weights that were converted before were intact
    denoiser = Denoiser(unet, schedule, patch=card.patch, prediction_type=prediction_type, device=device, engine=engine)
    if engine == "fast":
        denoiser(torch.zeros(1, *shape), 1)  # reports a missing engine now
    return Checkpoint(name, shape, schedule, denoiser, card, folder, source, version, clips)


def _picture_shape(folder: Path, name: str, config: Mapping[str, Any], card: Card) -> Shape:
    """(C, H, W) of a picture, checked against the card and against what can be shown."""
    channels, (height, width) = config.get("in_channels", 3), sample_size(config)
    patch = card.patch
    shape = (channels // patch**2, height * patch, width * patch)
    if channels % patch**2 or (card.shape is not None and card.shape != shape):
        raise CheckpointError(
            "opening.other_shape",
            "{folder}/explorer.json says shape {shape} at patch size {patch}, but the U-Net works on "
            "{channels} channels of {size}; correct shape or patch there",
            folder=str(folder),
            shape=str(card.shape),
            patch=patch,
            channels=channels,
            size=f"{height}x{width}",
        )
    if max(shape) > MAX_SIDE:
        raise CheckpointError(
            "opening.too_wide",
            "{name}: pictures of {size}; at most {most} pixels a side are supported",
            name=name,
            size=f"{shape[1]}x{shape[2]}",
            most=MAX_SIDE,
        )
    if shape[0] not in (1, 3):
        raise CheckpointError(
            "opening.channels",
            "{name}: pictures of {channels} channels; only 1 (grey) and 3 (colour) can be shown",
            name=name,
            channels=shape[0],
        )
    return shape
