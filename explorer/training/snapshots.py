"""What training leaves on disk. Every file is written beside its place and then renamed into it."""

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

EXAMPLES = 256


@dataclass
class State:
    """Weights, their average, and AdamW's moments; what a run needs to go on."""

    weights: dict[str, Tensor]
    ema: list[Tensor]
    optimizer: torch.optim.AdamW
    objective: str
    step: int = 0

    @classmethod
    def create(cls, unet: torch.nn.Module, lr: float, objective: str) -> State:
        weights = dict(unet.named_parameters())
        optimizer = torch.optim.AdamW(weights.values(), lr=lr, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
        return cls(dict(weights), [w.detach().clone() for w in weights.values()], optimizer, objective)

    def update(self, loss: Tensor, lr: float, decay: float) -> None:
        """One AdamW step (gradient norm clipped at 1) and one of the average, whose decay warms up with the steps."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights.values(), 1.0)
        self.optimizer.param_groups[0]["lr"] = lr
        self.optimizer.step()
        keep = min(decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.ema, [w.detach() for w in self.weights.values()], 1 - keep)
        self.step += 1

    def write(self, path: Path) -> None:
        tensors: dict[str, Tensor] = {}
        for (name, weight), average in zip(self.weights.items(), self.ema, strict=True):
            tensors |= {f"weight.{name}": weight.detach(), f"ema.{name}": average}
            moments = self.optimizer.state.get(weight, {})
            tensors |= {f"{key}.{name}": moments[key] for key in ("exp_avg", "exp_avg_sq") if key in moments}
        plain = {key: value.cpu().contiguous() for key, value in tensors.items()}
        metadata = {"step": str(self.step), "objective": self.objective}
        replace_file(path, lambda part: save_file(plain, part, metadata=metadata))

    def read(self, path: Path) -> None:
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
    """Replace the weights of the checkpoint folder ``out``."""
    weights = {key: value.cpu().contiguous() for key, value in unet.state_dict().items()}
    replace_file(out / WEIGHTS, lambda part: save_file(weights, part, metadata={"format": "pt"}))


def write_folder(
    out: Path,
    unet: UNet2DModel,
    shape: tuple[int, int, int],
    patch: int,
    prediction_type: PredictionType,
    held_out: np.ndarray,
) -> None:
    """Write all of a checkpoint folder but the weights; a card that is there already is kept."""
    from diffusers import DDPMScheduler

    (out / "training").mkdir(parents=True, exist_ok=True)
    scheduler = DDPMScheduler(prediction_type=prediction_type, clip_sample=False)
    replace_file(out / "unet" / "config.json", lambda part: unet.to_json_file(part))
    replace_file(out / "scheduler" / "scheduler_config.json", lambda part: scheduler.to_json_file(part))
    index = {
        "_class_name": "DDPMPipeline",
        "_diffusers_version": unet.config["_diffusers_version"],
        "scheduler": ["diffusers", "DDPMScheduler"],
        "unet": ["diffusers", "UNet2DModel"],
    }
    replace_file(out / "model_index.json", lambda part: part.write_text(json.dumps(index, indent=2) + "\n"))
    if not (out / "explorer.json").exists():
        replace_file(out / "explorer.json", Card(title=out.name, shape=shape, patch=patch).write)
    if len(held_out):
        replace_file(out / "examples.npz", lambda part: np.savez_compressed(part, images=held_out[:EXAMPLES]))


def sample_sheet(
    denoiser: Denoiser, shape: tuple[int, int, int], schedule: Schedule, path: Path, count: int = 64, steps: int = 50
) -> None:
    """``count`` samples of seeds 0, 1, ... at eta = 0 in one picture."""
    checkpoint = from_denoiser(denoiser, shape, schedule)
    pictures = sample(checkpoint, latent(shape, range(count)), Settings(steps=steps))
    replace_file(path, lambda part: grid(to_uint8(pictures), columns=8, gap=2).save(part, quality=90))
