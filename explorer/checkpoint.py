"""Checkpoints: a diffusers pipeline folder, plus what the explorer needs, read as one value.

    checkpoints/<name>/
      model_index.json                     DDPMPipeline; opens in diffusers as it is
      unet/config.json                     UNet2DModel
      unet/diffusion_pytorch_model.safetensors
      scheduler/scheduler_config.json      betas, prediction_type
      explorer.json                        optional: title, shape, patch, licence, seeds
      examples.npz, quality.json           optional

Weights are read from safetensors only; a pickle is refused, since opening one can run any code.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_weights

from explorer.cache import key_of
from explorer.denoiser import Denoiser, PredictionType, PredictNoise, resolve_device
from explorer.engine import ENGINES, Engine, Unet
from explorer.schedule import Schedule, short

if TYPE_CHECKING:
    from diffusers import UNet2DModel

BESIDE_US = Path(__file__).resolve().parent.parent / "checkpoints"
CHECKPOINTS = BESIDE_US if BESIDE_US.is_dir() else Path("checkpoints")  # the latter for a package in site-packages
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
Shape = tuple[int, int, int]


class CheckpointError(ValueError):
    """A checkpoint that cannot be opened; the message says what was expected and what to do."""


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
        given = _read_json(path)
        known = {key: given[key] for key in (f.name for f in fields(cls)) if given.get(key) is not None}
        for key in ("shape", "seeds"):
            if key in known:
                if not isinstance(known[key], list) or not all(type(n) is int and n >= 0 for n in known[key]):
                    raise CheckpointError(f"{path}: {key} must be a list of whole numbers, not {short(known[key])}")
                known[key] = tuple(known[key])
        if not isinstance(known.get("patch", 1), int) or known.get("patch", 1) < 1:
            raise CheckpointError(f"{path}: patch must be a whole number of at least 1, not {short(known['patch'])}")
        return cls(**known)

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


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
    """

    name: str
    shape: Shape
    schedule: Schedule
    predict_noise: PredictNoise
    card: Card = field(default_factory=Card)
    folder: Path | None = None

    def __repr__(self) -> str:
        return f"Checkpoint({self.name!r}, shape={self.shape}, {self.schedule!r})"

    @property
    def exact(self) -> Checkpoint:
        """The same checkpoint, its network computed by torch in float32; itself if eps_theta is a callable of one's own."""
        exact = getattr(self.predict_noise, "exact", None)
        return self if exact is None else replace(self, predict_noise=exact)

    @property
    def engine(self) -> str:
        """What computes the network, for people; empty before the first call and for a callable of one's own."""
        return getattr(self.predict_noise, "engine", "")

    def to_python(self) -> str:
        """The call that opens it again."""
        engine = getattr(self.predict_noise, "wanted", "exact")
        return f"ex.load({self.name!r})" if engine == "exact" else f'ex.load({self.name!r}, engine="{engine}")'

    def examples(self) -> np.ndarray:
        """Held-out real pictures of the checkpoint, uint8 (N, H, W, C); N = 0 if it ships none.

        Raises:
            CheckpointError: if the file is damaged.
        """
        path = self.folder / "examples.npz" if self.folder else None
        if path is None or not path.exists():
            return np.zeros((0, *self.shape[1:], self.shape[0]), dtype=np.uint8)
        return _read_examples(path, path.stat().st_mtime_ns).copy()


@lru_cache(maxsize=4)
def _read_examples(path: Path, changed: int) -> np.ndarray:
    """The pictures in ``path`` as it was when ``changed``: unpacking them takes longer than a step of a small network."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["images"]
    except Exception as error:  # numpy, zipfile and zlib each have their own
        raise CheckpointError(f"{path} is damaged or holds no array named images; copy it again") from error


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
    return Checkpoint(name, (C, H, W), schedule or Schedule.linear(), predict_noise)


def available(root: Path = CHECKPOINTS) -> list[str]:
    """Names of the checkpoints below ``root``, sorted."""
    return sorted(path.parent.name for path in root.glob("*/model_index.json"))


def load(name: str | Path, device: str = "auto", root: Path = CHECKPOINTS, engine: Engine = "exact") -> Checkpoint:
    """Open a checkpoint by its name below ``root`` or by its folder.

    Args:
        device: see :func:`explorer.denoiser.resolve_device`.
        engine: "exact", "fast" or "auto", see :class:`explorer.denoiser.Denoiser`. :func:`explorer.encode` is always exact.

    Raises:
        CheckpointError: no such checkpoint, no weights, pickled weights, a truncated or corrupt file, weights that do
            not fit the network, another U-Net class or prediction type than supported, a scheduler without betas.
        ValueError: a device or an engine that is unknown or not there.
    """
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {short(engine)}")
    resolve_device(device)  # an unknown device is named before any file is read
    folder = _find(name, root)
    card = Card.read(folder / "explorer.json")
    config, unet = _find_unet(folder)
    if engine == "exact" or not unet.converted:  # what was converted was whole, and is the same
        config = unet.module.config  # type: ignore[assignment]
    schedule, prediction_type = _load_schedule(folder)
    side, channels = config.get("sample_size"), config.get("in_channels", 3)
    sides = [side, side] if isinstance(side, int) else side
    if not isinstance(sides, (list, tuple)) or len(sides) != 2 or not all(isinstance(n, int) for n in sides):
        raise CheckpointError(
            f"{folder.name}: unet/config.json: sample_size must be the side in pixels, not {short(side)}"
        )
    height, width = sides
    patch = card.patch
    shape = (channels // patch**2, height * patch, width * patch)
    if channels % patch**2 or (card.shape is not None and card.shape != shape):
        raise CheckpointError(
            f"{folder}/explorer.json says shape {card.shape} at patch size {patch}, but the U-Net works on "
            f"{channels} channels of {height}x{width}; correct shape or patch there"
        )
    denoiser = Denoiser(unet, schedule, patch=patch, prediction_type=prediction_type, device=device, engine=engine)
    if engine == "fast":
        denoiser(torch.zeros(1, *shape), 1)  # an engine that is not there is told now
    return Checkpoint(folder.name, shape, schedule, denoiser, card, folder)


def _find(name: str | Path, root: Path) -> Path:
    for place in (root / name, Path(name)):
        folder = Path(os.path.expanduser(place))
        if str(name).strip() and os.path.isdir(folder):  # unlike Path's own, these raise for no name whatever
            if (folder / "model_index.json").is_file() or (folder / "unet").is_dir():
                return folder.resolve()
            raise CheckpointError(f"{folder} is not a diffusers pipeline folder: it has no model_index.json")
    names = ", ".join(available(root)) or "none"
    raise CheckpointError(
        f"no checkpoint {short(str(name), 80)}: give a name below {root.name}/ (there are: {names}) or the path of a folder"
    )


def _find_unet(folder: Path) -> tuple[dict[str, Any], Unet]:
    """What the U-Net's config says, and the U-Net, which is put together when it is first needed."""
    config = _read_json(folder / "unet" / "config.json")
    if config.get("_class_name") != "UNet2DModel":
        raise CheckpointError(
            f"{folder.name}: the U-Net is a {short(config.get('_class_name'))}; only UNet2DModel is supported"
        )
    path = folder / WEIGHTS
    if not path.is_file():
        if pickles := [p.name for pattern in PICKLES for p in sorted((folder / "unet").glob(pattern))]:
            raise CheckpointError(
                f"{folder.name}: the weights are a pickle ({pickles[0]}), which can run any code when it is opened, "
                f"so it is refused; save them as {WEIGHTS} (save_pretrained with safe_serialization=True)"
            )
        raise CheckpointError(f"{folder.name}: no weights; expected {WEIGHTS}")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{folder.name}: {WEIGHTS} cannot be read ({error})") from error
    unet = Unet(lambda: _make_unet(folder.name, config, data), lambda: key_of(json.dumps(config, sort_keys=True), data))
    return config, unet


def _make_unet(name: str, config: dict[str, Any], data: bytes) -> UNet2DModel:
    from diffusers.models.unets.unet_2d import UNet2DModel

    try:
        weights = load_weights(data)
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(f"{name}: {WEIGHTS} is truncated or corrupt ({error}); fetch or copy it again") from error
    try:
        unet = UNet2DModel.from_config(config)
    except Exception as error:  # diffusers raises many kinds for a bad config
        raise CheckpointError(f"{name}: unet/config.json does not describe a UNet2DModel: {error}") from error
    if unet.config["out_channels"] != unet.config["in_channels"]:
        raise CheckpointError(
            f"{name}: the U-Net turns {unet.config['in_channels']} channels into {unet.config['out_channels']} "
            "(a learned variance?); only networks that predict the noise alone are supported"
        )
    if unet.config["class_embed_type"] is not None or unet.config["num_class_embeds"] is not None:
        raise CheckpointError(f"{name}: the U-Net needs class labels; only unconditional ones are supported")
    try:
        unet.load_state_dict(weights)
    except RuntimeError as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise CheckpointError(f"{name}: the weights do not fit unet/config.json: {reason}") from error
    return unet.float()


def _load_schedule(folder: Path) -> tuple[Schedule, PredictionType]:
    config = _read_json(folder / "scheduler" / "scheduler_config.json")
    prediction_type = config.get("prediction_type", "epsilon")
    if prediction_type not in get_args(PredictionType):
        raise CheckpointError(
            f"{folder.name}: prediction type {short(prediction_type)} is not supported; expected one of "
            f"{', '.join(get_args(PredictionType))}"
        )
    try:
        return Schedule.from_betas(betas(config)), prediction_type
    except (ValueError, TypeError) as error:
        raise CheckpointError(f"{folder.name}: scheduler/scheduler_config.json: {error}") from error


def betas(config: dict[str, Any]) -> np.ndarray:
    """The betas (T,) float64 that a diffusers scheduler config describes.

    Raises:
        ValueError: if there are none, or a kind that is not known.
    """
    if config.get("rescale_betas_zero_snr"):
        raise ValueError("rescale_betas_zero_snr is not supported: alpha_bar[T] would be 0")
    if config.get("trained_betas") is not None:
        return np.asarray(config["trained_betas"], dtype=np.float64)
    kind = config.get("beta_schedule")
    if kind == "squaredcos_cap_v2" and "num_train_timesteps" in config:
        T = config["num_train_timesteps"]
        level = np.cos((np.arange(T + 1) / T + 0.008) / 1.008 * np.pi / 2) ** 2
        return np.minimum(1 - level[1:] / level[:-1], 0.999)
    if kind is None or any(key not in config for key in ("num_train_timesteps", "beta_start", "beta_end")):
        raise ValueError(
            "the scheduler has no betas: expected trained_betas, or num_train_timesteps with beta_schedule, "
            "beta_start and beta_end"
        )
    T, start, end = config["num_train_timesteps"], config["beta_start"], config["beta_end"]
    if kind == "linear":
        return np.linspace(start, end, T, dtype=np.float64)
    if kind == "scaled_linear":
        return np.linspace(start**0.5, end**0.5, T, dtype=np.float64) ** 2
    raise ValueError(f"beta_schedule {short(kind)} is not one of linear, scaled_linear, squaredcos_cap_v2")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{path.parent.parent.name}: {path.parent.name}/{path.name} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not a readable JSON file ({error})") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path}: expected a JSON object, not {short(content)}")
    return content
