"""Configuration of an evaluation, and helpers that its measurements share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from explorer.checkpoint import Checkpoint
from explorer.denoiser import Denoiser
from explorer.evaluation.features import FeatureKind
from explorer.evaluation.frechet import MIN_PICTURES
from explorer.inversion import Inversion
from explorer.support.arguments import as_int, check_eta
from explorer.support.paper_tables import TABLE_1_STEPS, Eta

ETAS: tuple[Eta, ...] = (0.0, 0.2, 0.5, 1.0, "large")
STEPS = (5, *TABLE_1_STEPS)
SOLVER_CALLS = (4, 8, 12, 20, 30, 50)


@dataclass(frozen=True)
class EvaluationConfig:
    """What is measured, and how.

    Attributes:
        pictures: number of sampled pictures per cell of the Fréchet table, at least 16.
        steps: values of S in the Fréchet table; None means those of ``STEPS`` up to the checkpoint's T.
        etas: values of eta in the Fréchet table, each in [0, 1] or "large" for sigma-hat.
        encoded: number of held-out pictures to reconstruct, at least 2.
        encode_steps: values of S in the reconstruction table; None means those of Table 2 up to T.
        inversions: inversion methods in the reconstruction table.
        batch: pictures per call of the network.
        solver_pictures: number of latents of the solver table, at least 2.
        solver_calls: values of N, the network calls of a picture, in the solver table.
        features: "unet" for the checkpoint's own U-Net, or "inception".

    Raises:
        ValueError: a value is out of range; the message names the range.
    """

    pictures: int = 256
    steps: tuple[int, ...] | None = None
    etas: tuple[Eta, ...] = ETAS
    encoded: int = 32
    encode_steps: tuple[int, ...] | None = None
    inversions: tuple[Inversion, ...] = (Inversion(), Inversion(label="t"), Inversion(ahead=True), Inversion(1))
    batch: int = 32
    solver_pictures: int = 32
    solver_calls: tuple[int, ...] = SOLVER_CALLS
    features: FeatureKind = "unet"

    def __post_init__(self) -> None:
        as_int("pictures", self.pictures, MIN_PICTURES, None)
        as_int("encoded", self.encoded, 2, None)
        as_int("batch", self.batch, 1, None)
        as_int("solver pictures", self.solver_pictures, 2, None)
        for calls in self.solver_calls:
            as_int("N (network calls)", calls, 1, 1000)
        for eta in self.etas:
            if eta != "large":
                check_eta(eta)


def folder_and_device(checkpoint: Checkpoint) -> tuple[Path, torch.device]:
    """Return the folder and the device of a checkpoint that can be evaluated.

    Raises:
        ValueError: the checkpoint has no folder or no U-Net.
    """
    denoiser = checkpoint.predict_noise
    if checkpoint.folder is None or not isinstance(denoiser, Denoiser):
        raise ValueError(f"{checkpoint.name} is not a folder with a U-Net; only such checkpoints can be evaluated")
    return checkpoint.folder, denoiser.device


def resolve_steps(
    checkpoint: Checkpoint, requested: tuple[int, ...] | None, default: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the requested values of S, or if there are none, the default values up to T.

    Raises:
        ValueError: a requested S is outside 1..T.
    """
    T = checkpoint.schedule.T
    if requested is None:
        return tuple(S for S in default if S <= T)
    return tuple(as_int("S (number of steps)", S, 1, T) for S in requested)


def progress_bar(title: str, calls: int, quiet: bool) -> tqdm:
    """Return a progress bar that counts network calls; hidden if ``quiet`` or if there is nothing to do."""
    return tqdm(desc=title, total=calls, unit="call", unit_scale=True, disable=quiet or not calls, mininterval=1)


def round_digits(value: float, digits: int) -> float:
    """Round to a number of significant digits."""
    return float(f"{value:.{digits}g}")
