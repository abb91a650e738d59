"""Checkpoints: a diffusers pipeline folder, plus what the explorer needs, read as one value.

They lie below ``checkpoints/``, in any folder, or on the Hugging Face Hub; :mod:`explorer.storage.diffusers_folder` says which files are
read, :mod:`explorer.storage.hub` how they are fetched.
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

from explorer.denoiser import Denoiser, NoisePredictor, PredictNoise, as_noise_predictor, resolve_device
from explorer.networks.network import ENGINES, Engine
from explorer.schedule import Schedule
from explorer.storage.diffusers_folder import (
    CARD,
    EXAMPLES,
    INDEX,
    Card,
    CheckpointError,
    Shape,
    fingerprint,
    is_pipeline,
    read_scheduler,
    read_unet,
    read_unet_config,
    version_of,
)
from explorer.storage.hub import HubId, Progress, fetch
from explorer.storage.safe_read import read_pictures
from explorer.storage.unet import MAX_SIDE, sides_of
from explorer.support.arguments import shorten
from explorer.support.messages import Message

BESIDE_US = Path(__file__).resolve().parent.parent / "checkpoints"
CHECKPOINTS = BESIDE_US if BESIDE_US.is_dir() else Path("checkpoints")  # the latter for a package in site-packages


@dataclass(frozen=True, eq=False, repr=False)
class Checkpoint:
    """A denoiser eps_theta with the schedule and the picture shape it was trained for.

    Attributes:
        name: what it was loaded by.
        shape: (C, H, W) of a picture, values in [-1, 1].
        schedule: alpha_bar, float64.
        predict_noise: eps_theta(x_t, t): (B, C, H, W) float32 -> the same; t an int in 1..T, or (B,) ints.
        card: title, licence line, seeds worth showing.
        folder: where it lies on disk, if it does.
        source: what :func:`load` opens it by; the name if it is empty.
        version: differs when its files do; empty for a callable of one's own.
        clips: whether its own pipeline clips predicted x_0, which small S may need.
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
        """The same checkpoint, its network computed by torch in float32; itself if eps_theta is a callable of one's own."""
        exact = self.predict_noise.exact
        return self if exact is self.predict_noise else replace(self, predict_noise=exact)

    @property
    def engine(self) -> str:
        """What computes the network, for people; empty before the first call and for a callable of one's own."""
        return self.predict_noise.engine

    @property
    def key(self) -> tuple[str, str]:
        """Equal for checkpoints that make the same pictures."""
        return self.name, self.version

    @property
    def weights_fingerprint(self) -> str:
        """The start of the SHA-256 of its weights; empty without a folder."""
        return fingerprint(self.folder) if self.folder else ""

    def to_python(self) -> str:
        """The call that opens it again."""
        engine, source = self.predict_noise.requested_engine, self.source or self.name
        return f"ex.load({source!r})" if engine == "exact" else f'ex.load({source!r}, engine="{engine}")'

    def examples(self) -> np.ndarray:
        """Held-out real pictures of the checkpoint, uint8 (N, H, W, C); N = 0 if it ships none.

        Raises:
            CheckpointError: if the file is damaged.
        """
        path = self.folder / EXAMPLES if self.folder else None
        shape = *self.shape[1:], self.shape[0]
        if path is None or not os.path.exists(path):  # unlike Path's own, no error where the folder cannot be read
            return np.zeros((0, *shape), dtype=np.uint8)
        return _read_examples(path, os.stat(path).st_mtime_ns, shape).copy()


@lru_cache(maxsize=4)
def _read_examples(path: Path, changed: int, shape: Shape) -> np.ndarray:
    """The pictures in ``path`` as it was when ``changed``: unpacking them takes longer than a step of a small network."""
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
    """Wrap any callable eps(x_t, t) as a checkpoint: toys, tests, teaching.

    Args:
        predict_noise: (B, C, H, W) and an int t in 1..T -> noise of the same shape.
        shape: (C, H, W).
        schedule: the linear one of DDPM if None.
    """
    C, H, W = shape
    return Checkpoint(name, (C, H, W), schedule or Schedule.linear(), as_noise_predictor(predict_noise))


def available(root: Path = CHECKPOINTS) -> list[str]:
    """Names of the checkpoints below ``root``, sorted."""
    return sorted(path.parent.name for path in root.glob(f"*/{INDEX}"))


def load(
    name: str | Path,
    device: str = "auto",
    root: Path = CHECKPOINTS,
    engine: Engine = "exact",
    progress: Progress | None = None,
) -> Checkpoint:
    """Open a checkpoint by its name below ``root``, by its folder, or by its hub id.

    Args:
        name: such as "faces-64", "runs/mine", "google/ddpm-cifar10-32" or "owner/name@revision". A folder comes before a
            hub id of the same name. What comes from the hub is kept in its cache, and is opened from there offline.
        device: see :func:`explorer.denoiser.resolve_device`.
        engine: "exact", "fast" or "auto", see :class:`explorer.denoiser.Denoiser`. :func:`explorer.encode` is always exact.
        progress: told (bytes there, bytes in all) of a download; a bar in the terminal if None.

    Raises:
        CheckpointError: no such checkpoint, the hub cannot be reached, no weights, pickled weights, a truncated or
            corrupt file, weights that do not fit the network, another U-Net class or prediction type than supported,
            a scheduler without betas.
        ValueError: a device or an engine that is unknown or not there.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {shorten(engine)}")
    resolve_device(device)  # an unknown device is named before any file is read
    folder = _find(name, root)
    if folder is not None:
        below_root = folder.parent == root.resolve()
        return _open(folder, folder.name, folder.name if below_root else str(folder), device, engine)
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
    return _open(fetch(hub_id, progress), str(hub_id), str(hub_id), device, engine)


def _find(name: str | Path, root: Path) -> Path | None:
    """The folder of that name, None if there is none."""
    for place in (root / name, Path(name)):
        folder = Path(os.path.expanduser(place))
        if str(name).strip() and os.path.isdir(folder):  # unlike Path's own, these raise for no name whatever
            if is_pipeline(folder):
                return folder.resolve()
            raise CheckpointError(
                "opening.no_folder",
                "{folder} is not a diffusers pipeline folder: it has no {file}",
                folder=str(folder),
                file=INDEX,
            )
    return None


def _open(folder: Path, name: str, source: str, device: str, engine: Engine) -> Checkpoint:
    card = Card.read(folder / CARD)
    config = read_unet_config(folder, name)
    shape = _shape(folder, name, config, card)
    schedule, prediction_type, clips = read_scheduler(folder, name)
    version = version_of(folder)
    unet = read_unet(folder, name, config)
    if engine == "exact" or not unet.converted:
        _ = unet.module  # what was converted was whole; else what is wrong is told now
    denoiser = Denoiser(unet, schedule, patch=card.patch, prediction_type=prediction_type, device=device, engine=engine)
    if engine == "fast":
        denoiser(torch.zeros(1, *shape), 1)  # an engine that is not there is told now
    return Checkpoint(name, shape, schedule, denoiser, card, folder, source, version, clips)


def _shape(folder: Path, name: str, config: Mapping[str, Any], card: Card) -> Shape:
    """(C, H, W) of a picture."""
    channels, (height, width) = config.get("in_channels", 3), sides_of(config)
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
