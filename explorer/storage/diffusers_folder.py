"""A diffusers pipeline folder on the disk: what its files say, and every way they can be wrong.

    model_index.json                                          DDPMPipeline
    unet/config.json, unet/diffusion_pytorch_model.safetensors    UNet2DModel
    scheduler/scheduler_config.json                           betas, prediction_type, clip_sample
    explorer.json                                             optional: title, shape, patch, licence, seeds
    examples.npz, quality.json                                optional

The first pipelines of the field, such as google/ddpm-cifar10-32, have the files of both parts beside ``model_index.json``;
diffusers opens them so, and so do we. Weights are read from safetensors only; a pickle is refused, since opening one can
run any code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np

from explorer.networks.network import LazyUNet
from explorer.schedule import PredictionType, Schedule
from explorer.storage.disk_cache import key_of
from explorer.storage.safe_read import CheckpointError, read_file, read_json
from explorer.storage.safetensors_file import MAX_BYTES
from explorer.storage.unet import MAX_SIDE, WEIGHTS, check_config, make_unet
from explorer.storage.validation import SWITCH, check_entries, list_of, number, or_null, text, whole
from explorer.support.arguments import shorten
from explorer.support.messages import LocalizedError, message_of

UNET_CONFIG, SCHEDULER_CONFIG = "unet/config.json", "scheduler/scheduler_config.json"
INDEX, CARD, EXAMPLES, QUALITY = "model_index.json", "explorer.json", "examples.npz", "quality.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
Shape = tuple[int, int, int]
MAX_T = 10_000  # steps that a model was trained with; the field's have 1000 to 4000
CARD_ENTRIES = {
    "title": text(200),
    "shape": list_of(whole(1, MAX_SIDE), 3, 3),
    "patch": whole(1, 16),
    "licence": text(1000),
    "seeds": list_of(whole(0, 2**53 - 1), 1, 100),
}
SCHEDULER_ENTRIES = {
    "num_train_timesteps": whole(0, MAX_T),
    "beta_start": number(0, 1),
    "beta_end": number(0, 1),
    "trained_betas": or_null(list_of(number(0, 1), 1, MAX_T)),
    "clip_sample": or_null(SWITCH),
    "rescale_betas_zero_snr": or_null(SWITCH),
}


@dataclass(frozen=True)
class Card:
    """What ``explorer.json`` says of a checkpoint; every entry has a default, so the file may be absent."""

    title: str = ""
    shape: Shape | None = None
    patch: int = 1
    licence: str = ""
    seeds: tuple[int, ...] = (0,)

    @classmethod
    def read(cls, path: Path) -> Card:
        """The card in ``path``, or the default one if there is no such file."""
        if not path.exists():
            return cls()
        given = read_json(path, path.parent.name)
        known: dict[str, Any] = {f.name: given[f.name] for f in fields(cls) if given.get(f.name) is not None}
        check_entries(known, CARD_ENTRIES, str(path))
        known |= {key: tuple(value) for key, value in known.items() if isinstance(value, list)}
        return cls(**known)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def is_pipeline(folder: Path) -> bool:
    """Whether a folder looks like one that diffusers saved."""
    return (folder / INDEX).is_file() or (folder / "unet").is_dir()


def place_of(folder: Path, name: str) -> Path:
    """Where a file of a part lies, such as unet/config.json: in the part's own folder, or without one beside the index."""
    part, _, file = name.partition("/")
    return folder / name if (folder / part).is_dir() else folder / file


def version_of(folder: Path) -> str:
    """A text that changes when the files that make a picture do: their sizes and times."""
    places = [place_of(folder, name) for name in (WEIGHTS, UNET_CONFIG, SCHEDULER_CONFIG)]
    stats = [path.stat() for path in [*places, folder / CARD] if path.is_file()]
    return key_of(*(f"{s.st_size} {s.st_mtime_ns}" for s in stats))


def fingerprint(folder: Path) -> str:
    """The start of the SHA-256 of the weights in a checkpoint folder."""
    return _fingerprint(folder, version_of(folder))


@lru_cache(maxsize=8)
def _fingerprint(folder: Path, version: str) -> str:
    """The fingerprint of the folder at that version; reading all weights takes longer than a small batch."""
    return hashlib.sha256(place_of(folder, WEIGHTS).read_bytes()).hexdigest()[:16]


def pickled(names: Iterable[str]) -> str | None:
    """The first of ``names`` that is a pickle of weights, or None."""
    return next((name for name in sorted(names) if name.endswith(PICKLES)), None)


def refuse_pickle(checkpoint: str, file: str) -> CheckpointError:
    """The error for a checkpoint whose only weights are a pickle."""
    return CheckpointError(
        "opening.pickle",
        "{name}: the weights are a pickle ({file}), which can run any code when it is opened, "
        "so it is refused; save them as {weights} (save_pretrained with safe_serialization=True)",
        name=checkpoint,
        file=file,
        weights=WEIGHTS,
    )


def read_unet_config(folder: Path, name: str) -> dict[str, Any]:
    """What the U-Net's config says.

    Args:
        name: of the checkpoint, for messages.

    Raises:
        CheckpointError: no config, another network than UNet2DModel, one that the sampler cannot use or that is too large,
            or one that works on the latents of another.
    """
    index = read_json(folder / INDEX, name) if (folder / INDEX).is_file() else {}
    if coder := next((part for part in ("vae", "vqvae", "movq") if index.get(part)), None):
        raise CheckpointError(
            "opening.latent_model",
            "{name}: a latent diffusion model, whose U-Net works on what its {coder} makes of a picture; only models "
            "that work on the pictures themselves are supported",
            name=name,
            coder=coder,
        )
    config = read_json(place_of(folder, UNET_CONFIG), name)
    check_config(name, config)
    return config


def read_unet(folder: Path, name: str, config: dict[str, Any]) -> LazyUNet:
    """The U-Net of a config from :func:`read_unet_config`, which is put together when it is first needed.

    Raises:
        CheckpointError: at once for no weights, too many or pickled ones; when it is put together as :func:`make_unet`.
    """
    path = place_of(folder, WEIGHTS)
    if not path.is_file():
        if pickle := pickled(file.name for file in path.parent.glob("*")):
            raise refuse_pickle(name, pickle)
        raise CheckpointError("opening.no_weights", "{name}: no weights; expected {file}", name=name, file=WEIGHTS)
    try:
        data = read_file(path, MAX_BYTES)
    except OSError as error:
        raise CheckpointError(
            "opening.unreadable", "{name}: {file} cannot be read ({error})", name=name, file=WEIGHTS, error=str(error)
        ) from error
    return LazyUNet(lambda: make_unet(name, config, data), lambda: key_of(json.dumps(config, sort_keys=True), data))


def read_scheduler(folder: Path, name: str) -> tuple[Schedule, PredictionType, bool]:
    """What the network was trained with, and whether its own pipeline clips predicted x_0 (``clip_sample``).

    Raises:
        CheckpointError: no config, a prediction type that is not supported, no betas.
    """
    config = read_json(place_of(folder, SCHEDULER_CONFIG), name)
    check_entries(config, SCHEDULER_ENTRIES, f"{name}: {SCHEDULER_CONFIG}")
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
    """The betas (T,) float64 that a diffusers scheduler config describes.

    Raises:
        ValueError: if there are none, or a kind that is not known.
    """
    if config.get("rescale_betas_zero_snr"):
        raise LocalizedError("opening.zero_snr", "rescale_betas_zero_snr is not supported: alpha_bar[T] would be 0")
    if config.get("trained_betas") is not None:
        return np.asarray(config["trained_betas"], dtype=np.float64)
    kind = config.get("beta_schedule")
    if kind == "squaredcos_cap_v2" and "num_train_timesteps" in config:
        T = config["num_train_timesteps"]
        level = np.cos((np.arange(T + 1) / T + 0.008) / 1.008 * np.pi / 2) ** 2
        return np.minimum(1 - level[1:] / level[:-1], 0.999)
    if kind is None or any(key not in config for key in ("num_train_timesteps", "beta_start", "beta_end")):
        raise LocalizedError(
            "opening.no_betas",
            "the scheduler has no betas: expected trained_betas, or num_train_timesteps with beta_schedule, "
            "beta_start and beta_end",
        )
    T, start, end = config["num_train_timesteps"], config["beta_start"], config["beta_end"]
    if kind == "linear":
        return np.linspace(start, end, T, dtype=np.float64)
    if kind == "scaled_linear":
        return np.linspace(start**0.5, end**0.5, T, dtype=np.float64) ** 2
    raise LocalizedError(
        "opening.beta_schedule",
        "beta_schedule {given} is not one of linear, scaled_linear, squaredcos_cap_v2",
        given=shorten(kind),
    )
