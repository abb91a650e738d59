"""Reading of a diffusers pipeline folder.

    model_index.json                                              DDPMPipeline
    unet/config.json, unet/diffusion_pytorch_model.safetensors    UNet2DModel
    scheduler/scheduler_config.json                               betas, prediction_type, clip_sample
    explorer.json                                                 optional: title, shape, patch, licence, seeds
    examples.npz, quality.json                                    optional

Early pipelines such as google/ddpm-cifar10-32 keep the files of ``unet/`` and ``scheduler/`` beside
``model_index.json``; both layouts can be read. Weights are read from safetensors only. A pickle is refused, because
opening one can run any code. The files may come from anybody: :mod:`explorer.storage.validation` checks the configs,
and :mod:`explorer.storage.limits` holds the limits.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np

from explorer.schedule import PredictionType, Schedule
from explorer.storage import limits
from explorer.storage.disk_cache import key_of
from explorer.storage.lazy_unet import LazyUNet
from explorer.storage.safe_read import CheckpointError, read_file, read_json
from explorer.storage.unet import WEIGHTS, build_unet
from explorer.storage.validation import CARD_SCHEMA, SCHEDULER_SCHEMA, check_fields, check_unet_config
from explorer.support.arguments import shorten
from explorer.support.messages import LocalizedError, message_of

UNET_CONFIG, SCHEDULER_CONFIG = "unet/config.json", "scheduler/scheduler_config.json"
INDEX, CARD, EXAMPLES, QUALITY = "model_index.json", "explorer.json", "examples.npz", "quality.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Card:
    """The content of ``explorer.json``. The file is optional, so every entry has a default.

    Attributes:
        shape: (C, H, W) of a picture.
        patch: the U-Net works on ``pixel_unshuffle(x, patch)``.
        seeds: latent seeds whose pictures are worth showing.
    """

    title: str = ""
    shape: Shape | None = None
    patch: int = 1
    licence: str = ""
    seeds: tuple[int, ...] = (0,)

    @classmethod
    def read(cls, path: Path) -> Card:
        """Read the card at ``path``; the default card if the file does not exist.

        Raises:
            CheckpointError: the file is unreadable, or an entry has a value that is not allowed.
        """
        if not path.exists():
            return cls()
        content = read_json(path, path.parent.name)
        values: dict[str, Any] = {f.name: content[f.name] for f in fields(cls) if content.get(f.name) is not None}
        check_fields(values, CARD_SCHEMA, str(path))
        values |= {key: tuple(value) for key, value in values.items() if isinstance(value, list)}
        return cls(**values)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def is_pipeline(folder: Path) -> bool:
    """Whether a folder looks like a pipeline saved by diffusers."""
    return (folder / INDEX).is_file() or (folder / "unet").is_dir()


def path_of(folder: Path, name: str) -> Path:
    """Return the path of a file such as "unet/config.json", in its own subfolder or, without one, beside the index."""
    subfolder, _, file = name.partition("/")
    return folder / name if (folder / subfolder).is_dir() else folder / file


def version_of(folder: Path) -> str:
    """Return a text that changes with the files that determine the pictures, by their sizes and modification times."""
    paths = [path_of(folder, name) for name in (WEIGHTS, UNET_CONFIG, SCHEDULER_CONFIG)]
    stats = [path.stat() for path in [*paths, folder / CARD] if path.is_file()]
    return key_of(*(f"{s.st_size} {s.st_mtime_ns}" for s in stats))


def fingerprint(folder: Path) -> str:
    """Return the first 16 hex digits of the SHA-256 of the weights file."""
    return _fingerprint(folder, version_of(folder))


@lru_cache(maxsize=8)
def _fingerprint(folder: Path, version: str) -> str:
    """``version`` invalidates the cache. Hashing the weights takes longer than drawing a small batch."""
    return hashlib.sha256(path_of(folder, WEIGHTS).read_bytes()).hexdigest()[:16]


def content_key(folder: Path, version: str) -> str:
    """Return a hash of the files that determine the pictures and of the held-out pictures; empty if they are not readable.

    Unlike :func:`version_of` it is the same for every copy of the folder.

    Args:
        folder: a checkpoint's folder.
        version: of the files that were loaded. If they have changed since, the hash is empty.
    """
    try:
        return _content_key(folder, version, os.stat(folder / EXAMPLES).st_mtime_ns)
    except OSError:
        return _content_key(folder, version, None)


@lru_cache(maxsize=32)
def _content_key(folder: Path, version: str, examples_mtime_ns: int | None) -> str:
    """The hash is cached until the held-out pictures change, which are read at every use, unlike the weights."""
    try:
        if version_of(folder) != version:
            return ""
        paths = [path_of(folder, name) for name in (WEIGHTS, UNET_CONFIG, SCHEDULER_CONFIG)]
        optional = [path for path in (folder / CARD, folder / EXAMPLES) if path.is_file()]
        return key_of(*(part for path in [*paths, *optional] for part in (path.name, path.read_bytes())))
    except OSError:
        return ""


def find_pickle(names: Iterable[str]) -> str | None:
    """Return the first of the file names, sorted, that is a pickle of weights; None if there is none."""
    return next((name for name in sorted(names) if name.endswith(PICKLE_SUFFIXES)), None)


def pickle_error(checkpoint: str, file: str) -> CheckpointError:
    """Return the error for a checkpoint whose only weights are a pickle."""
    return CheckpointError(
        "opening.pickle",
        "{name}: the weights are a pickle ({file}), which can run any code when it is opened, "
        "so it is refused; save them as {weights} (save_pretrained with safe_serialization=True)",
        name=checkpoint,
        file=file,
        weights=WEIGHTS,
    )


def read_unet_config(folder: Path, name: str) -> dict[str, Any]:
    """Read and check the config of the U-Net.

    Args:
        name: of the checkpoint, for messages.

    Raises:
        CheckpointError: no config, a latent diffusion model, or a U-Net that
            :func:`~explorer.storage.validation.check_unet_config` refuses.
    """
    index = read_json(folder / INDEX, name) if (folder / INDEX).is_file() else {}
    if autoencoder := next((component for component in ("vae", "vqvae", "movq") if index.get(component)), None):
        raise CheckpointError(
            "opening.latent_model",
            "{name}: a latent diffusion model, whose U-Net works on what its {coder} makes of a picture; only models "
            "that work on the pictures themselves are supported",
            name=name,
            coder=autoencoder,
        )
    config = read_json(path_of(folder, UNET_CONFIG), name)
    check_unet_config(name, config)
    return config


def read_unet(folder: Path, name: str, config: dict[str, Any]) -> LazyUNet:
    """Read the weights, and return the U-Net, which is built at first use.

    Args:
        name: of the checkpoint, for messages.
        config: from :func:`read_unet_config`.

    Raises:
        CheckpointError: no weights, too large or pickled ones. At first use, the errors of
            :func:`~explorer.storage.unet.build_unet`.
    """
    path = path_of(folder, WEIGHTS)
    if not path.is_file():
        if pickle := find_pickle(file.name for file in path.parent.glob("*")):
            raise pickle_error(name, pickle)
        raise CheckpointError("opening.no_weights", "{name}: no weights; expected {file}", name=name, file=WEIGHTS)
    try:
        weights_file = read_file(path, limits.MAX_WEIGHTS_BYTES)
    except OSError as error:
        raise CheckpointError(
            "opening.unreadable", "{name}: {file} cannot be read ({error})", name=name, file=WEIGHTS, error=str(error)
        ) from error
    return LazyUNet(
        build=lambda: build_unet(name, config, weights_file),
        describe=lambda: key_of(json.dumps(config, sort_keys=True), weights_file),
    )


def read_scheduler(folder: Path, name: str) -> tuple[Schedule, PredictionType, bool]:
    """Read what the network was trained with.

    Args:
        name: of the checkpoint, for messages.

    Returns:
        The schedule, the prediction type, and whether the pipeline clips predicted x_0 (``clip_sample``).

    Raises:
        CheckpointError: no config, an unsupported prediction type, or no usable betas.
    """
    config = read_json(path_of(folder, SCHEDULER_CONFIG), name)
    check_fields(config, SCHEDULER_SCHEMA, f"{name}: {SCHEDULER_CONFIG}")
    prediction_type = config.get("prediction_type", "epsilon")
    if prediction_type not in get_args(PredictionType):
        raise CheckpointError(
            "opening.prediction_type",
            "{name}: prediction type {given} is not supported; expected one of {choices}",
            name=name,
            given=shorten(prediction_type),
            choices=", ".join(get_args(PredictionType)),
        )
    try:
        return Schedule.from_betas(betas(config)), prediction_type, bool(config.get("clip_sample", False))
    except (ValueError, TypeError) as error:
        raise CheckpointError(
            "opening.scheduler", "{name}: {file}: {reason}", name=name, file=SCHEDULER_CONFIG, reason=message_of(error)
        ) from error


def betas(config: dict[str, Any]) -> np.ndarray:
    """Return the betas (T,) float64 that the config of a diffusers scheduler describes.

    Raises:
        ValueError: the config has no betas, an unknown ``beta_schedule``, or asks for zero terminal SNR.
    """
    if config.get("rescale_betas_zero_snr"):
        raise LocalizedError("opening.zero_snr", "rescale_betas_zero_snr is not supported: alpha_bar[T] would be 0")
    if config.get("trained_betas") is not None:
        return np.asarray(config["trained_betas"], dtype=np.float64)
    beta_schedule = config.get("beta_schedule")
    if beta_schedule == "squaredcos_cap_v2" and "num_train_timesteps" in config:
        T = config["num_train_timesteps"]
        alpha_bar = np.cos((np.arange(T + 1) / T + 0.008) / 1.008 * np.pi / 2) ** 2
        return np.minimum(1 - alpha_bar[1:] / alpha_bar[:-1], 0.999)
    if beta_schedule is None or any(key not in config for key in ("num_train_timesteps", "beta_start", "beta_end")):
        raise LocalizedError(
            "opening.no_betas",
            "the scheduler has no betas: expected trained_betas, or num_train_timesteps with beta_schedule, "
            "beta_start and beta_end",
        )
    T, start, end = config["num_train_timesteps"], config["beta_start"], config["beta_end"]
    if beta_schedule == "linear":
        return np.linspace(start, end, T, dtype=np.float64)
    if beta_schedule == "scaled_linear":
        return np.linspace(start**0.5, end**0.5, T, dtype=np.float64) ** 2
    raise LocalizedError(
        "opening.beta_schedule",
        "beta_schedule {given} is not one of linear, scaled_linear, squaredcos_cap_v2",
        given=shorten(beta_schedule),
    )
