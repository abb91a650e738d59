"""The training loop: L_gamma on eps or v (Eq. 5) with a moving average of the weights. It can be resumed after a kill.

All randomness of step k (pictures, t, noise) depends only on (seed, k), so a resumed run takes the same steps as an
uninterrupted one.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pixel_unshuffle
from tqdm import tqdm

from explorer.checkpoint import load
from explorer.denoiser import Denoiser, resolve_device
from explorer.evaluation.held_out_loss import MIN_HELD_OUT, held_out_loss
from explorer.evaluation.plots import loss_figure
from explorer.forward import noise_level
from explorer.media.convert import to_unit
from explorer.schedule import PredictionType, Schedule
from explorer.storage.atomic_write import replace_file
from explorer.storage.quality_file import write_quality
from explorer.support.arguments import as_int
from explorer.training.arithmetic import PLAIN, TIMED_PICTURES, Arithmetic, arithmetic_for
from explorer.training.snapshots import TrainingState, write_folder, write_sample_sheet, write_weights

if TYPE_CHECKING:
    from diffusers import UNet2DModel

Objective = Literal["v", "epsilon"]
PREDICTION_TYPES: dict[str, PredictionType] = {"v": "v_prediction", "epsilon": "epsilon"}
STEPS_BETWEEN_LOGS = 50  # reading the loss makes the CPU wait for the accelerator


@dataclass(frozen=True)
class TrainingConfig:
    """Hyperparameters of a run. The defaults are those of ``checkpoints/faces-64``.

    Attributes:
        objective: what the network predicts. The loss on "v" is the loss on eps weighted by gamma_t = 1 / alpha_bar_t,
            which has the same optimum.
        balance: weight the squared error at t by max(sqrt(alpha_bar_t), 1/4), another gamma_t with the same optimum.
            Without it, four fifths of the loss on v come from t > 0.6 T, where most of the loss cannot be reduced. With
            it, small t, where pictures get their details, have more influence.
        pictures: total number of training pictures to see. Raise it to continue a finished run.
        batch: pictures per step.
        lr, lr_end, warmup, decay: AdamW's learning rate rises to ``lr`` over ``warmup`` steps, stays constant, and falls
            by a half cosine to ``lr_end`` in the last ``decay`` (a fraction) of the run.
        ema: upper limit of the decay of the moving average of the weights. The average is saved as the checkpoint.
        patch, widths, head: the U-Net's pixel_unshuffle factor, block_out_channels and attention_head_dim.
        held_out: this many pictures at the end of the data are only used for evaluation.
        seed: of the order of the pictures, of t and of the noise.
        snapshot: minutes between snapshots of the run and of the checkpoint.
        evaluate: minutes between measurements of the held-out loss, each with a sample sheet.
    """

    objective: Objective = "v"
    balance: bool = False
    pictures: int = 1_000_000
    batch: int = 32
    lr: float = 7e-4
    lr_end: float = 2e-5
    warmup: int = 200
    decay: float = 0.4
    ema: float = 0.999
    patch: int = 2
    widths: tuple[int, ...] = (64, 128, 192)
    head: int = 32
    held_out: int = 512
    seed: int = 0
    snapshot: float = 3.0
    evaluate: float = 20.0

    def __post_init__(self) -> None:
        for name in ("pictures", "batch", "patch", "head"):
            as_int(name, getattr(self, name), 1, None)
        as_int("warmup", self.warmup, 0, None)
        as_int("seed", self.seed, 0, 2**32)
        if self.held_out and self.held_out < MIN_HELD_OUT:
            raise ValueError(f"held_out must be 0 or at least {MIN_HELD_OUT}, not {self.held_out}")
        if not (self.lr >= 0 and self.lr_end >= 0 and 0 <= self.decay <= 1 and 0 <= self.ema < 1):
            raise ValueError("expected lr >= 0, lr_end >= 0, decay from 0 to 1 and ema from 0 to below 1")

    @property
    def steps(self) -> int:
        """Number of optimizer steps of the run."""
        return math.ceil(self.pictures / self.batch)

    def learning_rate(self, step: int) -> float:
        """Learning rate of step 0..steps-1."""
        decay_steps = max(1, round(self.steps * self.decay))
        progress = min(max((step - (self.steps - decay_steps)) / decay_steps, 0.0), 1.0)
        decayed = self.lr_end + (self.lr - self.lr_end) * (1 + math.cos(math.pi * progress)) / 2
        return decayed * min(1.0, (step + 1) / max(1, self.warmup))


def describe(config: TrainingConfig) -> str:
    """The hyperparameters in one line, for the log and the model card."""
    return ", ".join(f"{key} {value}" for key, value in asdict(config).items())


def make_unet(shape: tuple[int, int, int], config: TrainingConfig) -> UNet2DModel:
    """A U-Net with random weights for pictures of shape (C, H, W), with attention at its lowest level.

    Raises:
        ValueError: H or W cannot be divided by the patch size and by 2 for every level but the last.
    """
    from diffusers import UNet2DModel
    from diffusers.models.attention_processor import Attention, AttnProcessor

    C, H, W = shape
    patch, halvings = config.patch, len(config.widths) - 1
    if H % (patch << halvings) or W % (patch << halvings):
        raise ValueError(
            f"{H}x{W} pictures do not divide by patch {patch} and {halvings} halvings: give another --size"
        )
    torch.manual_seed(config.seed)
    unet = UNet2DModel(
        sample_size=(H // patch) if H == W else (H // patch, W // patch),
        in_channels=C * patch**2,
        out_channels=C * patch**2,
        layers_per_block=1,
        block_out_channels=config.widths,
        down_block_types=("DownBlock2D",) * halvings + ("AttnDownBlock2D",),
        up_block_types=("AttnUpBlock2D",) + ("UpBlock2D",) * halvings,
        norm_num_groups=8,
        attention_head_dim=config.head,
    )
    for module in unet.modules():
        if isinstance(module, Attention):
            module.set_processor(AttnProcessor())  # on a CPU, the backward pass of fused attention is slower
    return unet


def batch_loss(
    unet: torch.nn.Module,
    batch: np.ndarray,
    step: int,
    config: TrainingConfig,
    schedule: Schedule,
    arithmetic: Arithmetic = PLAIN,
) -> Tensor:
    """L_gamma of one batch: the mean squared error of eps or v at t uniform in 1..T.

    t is stratified: one draw from each of B equal parts of 1..T. Every t alone is uniform, and the variance of the batch's
    mean is lower.

    Args:
        batch: uint8 (B, H, W, C).
        step: selects the random t and noise, together with ``config.seed``.
    """
    device = next(unet.parameters()).device
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
    x_0 = pixel_unshuffle(to_unit(batch, device), config.patch)
    B = len(batch)
    strata = (torch.randperm(B, generator=generator) + torch.rand(B, generator=generator)) / B
    t = (strata * schedule.T).long().clamp(max=schedule.T - 1) + 1
    if device.type != "cpu":  # draw the noise on the accelerator, so that it does not wait for the CPU
        generator = torch.Generator(device).manual_seed(config.seed * 1_000_003 + step)
    eps = torch.randn(x_0.shape, generator=generator, device=device)
    sqrt_alpha_bar, sqrt_one_minus = noise_level(t, schedule, x_0)
    x_t = sqrt_alpha_bar * x_0 + sqrt_one_minus * eps
    target = eps if config.objective == "epsilon" else sqrt_alpha_bar * eps - sqrt_one_minus * x_0
    x_t = x_t.contiguous(memory_format=arithmetic.memory_format)
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=arithmetic.bfloat16):
        output = unet(x_t, (t - 1).to(device), return_dict=False)[0]
    error = (output.float() - target).square().mean((1, 2, 3))
    weight = sqrt_alpha_bar.flatten().clamp(min=0.25) if config.balance else torch.ones_like(error)
    return (weight * error).mean()


def batch_indices(step: int, count: int, config: TrainingConfig) -> np.ndarray:
    """Indices (B,) of the pictures of a step, out of ``count``. Each epoch is a new permutation; batches may span two."""
    positions = np.arange(step * config.batch, (step + 1) * config.batch)
    epochs, offsets = positions // count, positions % count
    permutations = {
        epoch: np.random.default_rng([config.seed, epoch]).permutation(count) for epoch in np.unique(epochs)
    }
    return np.array([permutations[epoch][offset] for epoch, offset in zip(epochs, offsets, strict=True)])


def train(
    pictures: np.ndarray,
    out: Path,
    config: TrainingConfig,
    init: str | Path | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> None:
    """Train a network and write a checkpoint folder.

    A run that ``out/training/state.safetensors`` contains is continued. Every few minutes the folder gets the averaged
    weights, ``quality.json`` and a sample sheet. Files are replaced atomically, so a killed run leaves its last snapshot.

    Args:
        pictures: uint8 (N, H, W, C).
        out: the checkpoint folder.
        init: checkpoint whose weights to start from; random weights if None.
        quiet: show no progress bar.

    Raises:
        ValueError: there are too few pictures, their shape does not fit the U-Net, or ``out`` or ``init`` belongs to
            another kind of network.
    """
    if len(pictures) < config.held_out + config.batch:
        raise ValueError(
            f"{len(pictures)} pictures are too few for {config.held_out} held out and a batch of {config.batch}"
        )
    training, held_out = pictures[: len(pictures) - config.held_out], pictures[len(pictures) - config.held_out :]
    N, H, W, C = training.shape
    schedule = Schedule.linear()
    torch_device = resolve_device(device)
    unet = make_unet((C, H, W), config)
    if init is not None:
        unet.load_state_dict(_initial_weights(init, (C, H, W), config))
    unet = unet.to(torch_device)

    def timed_loss(arithmetic: Arithmetic) -> Tensor:
        return batch_loss(unet, training[:TIMED_PICTURES], 0, config, schedule, arithmetic)

    arithmetic = arithmetic_for(unet, timed_loss, out / "training" / "arithmetic.json")
    arithmetic.apply(unet)
    if torch_device.type == "cuda":
        unet.compile()  # takes a minute; not worth it on a CPU
    state = TrainingState.create(unet, config.lr, config.objective)
    state_file = out / "training" / "state.safetensors"
    if state_file.exists():
        state.read(state_file)
    write_folder(out, unet, (C, H, W), config.patch, PREDICTION_TYPES[config.objective], held_out)

    def snapshot() -> UNet2DModel:
        """Write the state and the averaged weights. Returns a U-Net with these weights."""
        state.write(state_file)
        averaged = make_unet((C, H, W), config)
        averaged.load_state_dict(dict(zip(averaged.state_dict(), [e.clone() for e in state.ema], strict=True)))
        write_weights(out, averaged)
        return averaged

    def evaluate(averaged: UNet2DModel) -> None:
        """Write a sample sheet and the held-out loss."""
        denoiser = Denoiser(
            averaged,
            schedule,
            patch=config.patch,
            prediction_type=PREDICTION_TYPES[config.objective],
            device=device,
        )
        write_sample_sheet(denoiser, (C, H, W), schedule, out / "training" / f"samples-{state.step:07d}.webp")
        if config.held_out:
            loss = held_out_loss(denoiser, schedule, held_out)
            write_quality(out, loss=loss.to_json())
            replace_file(out / "training" / "loss.png", loss_figure(loss).savefig)
            _log(out, step=state.step, held_out=loss.mean, fifths=loss.fifths)

    progress = tqdm(
        total=config.pictures, initial=state.step * config.batch, unit="picture", disable=quiet, mininterval=1
    )
    mean_loss = torch.zeros((), device=torch_device)
    first = state.step
    last_snapshot = last_evaluation = time.monotonic()
    while state.step < config.steps:
        step = state.step
        loss = batch_loss(unet, training[batch_indices(step, N, config)], step, config, schedule, arithmetic)
        state.update(loss, config.learning_rate(step), config.ema)
        mean_loss.lerp_(loss.detach(), 1.0 if step == first else 0.02)
        progress.update(config.batch)
        if step % STEPS_BETWEEN_LOGS == 0 or state.step == config.steps:
            value, lr = float(mean_loss), config.learning_rate(step)
            progress.set_postfix(loss=f"{value:.5f}", lr=f"{lr:.1e}")
            _log(out, step=step, loss=value, lr=lr, pictures=state.step * config.batch)
        now = time.monotonic()
        if now - last_snapshot > config.snapshot * 60 or state.step == config.steps:
            averaged, last_snapshot = snapshot(), now
            if now - last_evaluation > config.evaluate * 60 or state.step == config.steps:
                evaluate(averaged)
                last_evaluation = time.monotonic()
    progress.close()


def _initial_weights(init: str | Path, shape: tuple[int, int, int], config: TrainingConfig) -> dict[str, Tensor]:
    checkpoint = load(init, device="cpu")
    denoiser = checkpoint.predict_noise
    expected = (shape, config.patch, PREDICTION_TYPES[config.objective])
    if not isinstance(denoiser, Denoiser) or (checkpoint.shape, denoiser.patch, denoiser.prediction_type) != expected:
        raise ValueError(
            f"{init} is for another picture shape, patch size or objective: expected "
            f"shape {shape}, patch {config.patch} and {PREDICTION_TYPES[config.objective]}"
        )
    return denoiser.unet.state_dict()


def _log(out: Path, **entry: object) -> None:
    with (out / "training" / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps({"time": round(time.time()), **entry}) + "\n")
