"""Files that the training writes: its state, and the checkpoint folder. Every file is replaced atomically."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from explorer.checkpoint import from_denoiser
from explorer.denoiser import Denoiser
from explorer.latents import latent
from explorer.media.convert import grid, to_uint8
from explorer.sampler import sample
from explorer.schedule import PredictionType, Schedule
from explorer.settings import Settings
from explorer.storage.atomic_write import replace_file
from explorer.storage.diffusers_folder import WEIGHTS, Card

if TYPE_CHECKING:
    from diffusers import UNet2DModel

MAX_EXAMPLES = 256


@dataclass
class TrainingState:
    """Everything that a run needs to continue.

    Attributes:
        weights: the U-Net's parameters by name.
        ema: their moving averages, in the same order.
        optimizer: AdamW, with its moments.
        objective: what the network predicts.
        step: number of steps taken.
    """

    weights: dict[str, Tensor]
    ema: list[Tensor]
    optimizer: torch.optim.AdamW
    objective: str
    step: int = 0

    @classmethod
    def create(cls, unet: torch.nn.Module, lr: float, objective: str) -> TrainingState:
        """The state before the first step."""
        weights = dict(unet.named_parameters())
        optimizer = torch.optim.AdamW(weights.values(), lr=lr, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        return cls(dict(weights), [w.detach().clone() for w in weights.values()], optimizer, objective)

    def update(self, loss: Tensor, lr: float, decay: float) -> None:
        """Take one AdamW step with the gradient norm clipped at 1, and update the averages.

        Args:
            decay: upper limit of the averages' decay, which grows with the number of steps.
        """
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()
        ema_decay = min(decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.ema, [w.detach() for w in self.weights.values()], 1 - ema_decay)
        self.step += 1

    def write(self, path: Path) -> None:
        """Write the state as a safetensors file."""
        tensors: dict[str, Tensor] = {}
        for (name, weight), average in zip(self.weights.items(), self.ema, strict=True):
            tensors |= {f"weight.{name}": weight.detach(), f"ema.{name}": average}
            moments = self.optimizer.state.get(weight, {})
            tensors |= {f"{key}.{name}": moments[key] for key in ("exp_avg", "exp_avg_sq") if key in moments}
        tensors = {key: value.cpu().contiguous() for key, value in tensors.items()}
        metadata = {"step": str(self.step), "objective": self.objective}
        replace_file(path, lambda temporary: save_file(tensors, temporary, metadata=metadata))

    def read(self, path: Path) -> None:
        """Restore the state from a file.

        Raises:
            ValueError: the file belongs to a network with other weights or another objective.
        """
        with safe_open(path, "pt") as file:
            names = [key for key in file.keys() if key.startswith("weight.")]  # noqa: SIM118
            stored = {key.removeprefix("weight."): tuple(file.get_slice(key).get_shape()) for key in names}
            if stored != {name: tuple(weight.shape) for name, weight in self.weights.items()}:
                raise ValueError(
                    f"{path} belongs to another network; give another --out, or delete its training folder"
                )
            metadata = file.metadata()
            if metadata.get("objective", self.objective) != self.objective:
                raise ValueError(
                    f"{path} was trained on {metadata['objective']}; give that --objective, or another --out"
                )
            self.step = int(metadata["step"])
            for (name, weight), average in zip(self.weights.items(), self.ema, strict=True):
                with torch.no_grad():
                    weight.copy_(file.get_tensor(f"weight.{name}"))
                    average.copy_(file.get_tensor(f"ema.{name}"))
                self.optimizer.state[weight] = {
                    "step": torch.tensor(float(self.step), device=weight.device),
                    **{
                        key: torch.empty_like(weight).copy_(file.get_tensor(f"{key}.{name}"))
                        for key in ("exp_avg", "exp_avg_sq")
                    },
                }


def write_weights(out: Path, unet: UNet2DModel) -> None:
    """Write the U-Net's weights into the checkpoint folder ``out``."""
    weights = {key: value.cpu().contiguous() for key, value in unet.state_dict().items()}
    replace_file(out / WEIGHTS, lambda temporary: save_file(weights, temporary, metadata={"format": "pt"}))


def write_folder(
    out: Path,
    unet: UNet2DModel,
    shape: tuple[int, int, int],
    patch: int,
    prediction_type: PredictionType,
    held_out: np.ndarray,
) -> None:
    """Write all files of a checkpoint folder except the weights. An existing card is kept.

    Args:
        shape: (C, H, W) of the pictures.
        held_out: uint8 (N, H, W, C); the first :data:`MAX_EXAMPLES` become the checkpoint's example pictures.
    """
    from diffusers import DDPMScheduler

    (out / "training").mkdir(parents=True, exist_ok=True)
    scheduler = DDPMScheduler(prediction_type=prediction_type, clip_sample=False)
    replace_file(out / "unet" / "config.json", lambda temporary: unet.to_json_file(temporary))
    replace_file(out / "scheduler" / "scheduler_config.json", lambda temporary: scheduler.to_json_file(temporary))
    index = {
        "_class_name": "DDPMPipeline",
        "_diffusers_version": unet.config["_diffusers_version"],
        "scheduler": ["diffusers", "DDPMScheduler"],
        "unet": ["diffusers", "UNet2DModel"],
    }
    replace_file(out / "model_index.json", lambda temporary: temporary.write_text(json.dumps(index, indent=2) + "\n"))
    if not (out / "explorer.json").exists():
        replace_file(out / "explorer.json", Card(title=out.name, shape=shape, patch=patch).write)
    if len(held_out):
        replace_file(
            out / "examples.npz", lambda temporary: np.savez_compressed(temporary, images=held_out[:MAX_EXAMPLES])
        )


def write_sample_sheet(
    denoiser: Denoiser, shape: tuple[int, int, int], schedule: Schedule, path: Path, count: int = 64, steps: int = 50
) -> None:
    """Write a grid of samples of the seeds 0..count-1 at eta = 0 as a picture file."""
    checkpoint = from_denoiser(denoiser, shape, schedule)
    pictures = sample(checkpoint, latent(shape, range(count)), Settings(steps=steps))
    replace_file(path, lambda temporary: grid(to_uint8(pictures), columns=8, gap=2).save(temporary, quality=90))
