"""Tables 1 and 2 of the paper for one's own checkpoint, measured cell by cell and kept batch by batch.

Picture i of a cell has latent seed i and noise seed i, however the work was cut up, so a table comes out the same whether it
was made in one go or not. What stands in ``quality.json`` and still holds is not measured again.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from explorer.checkpoint import Checkpoint
from explorer.denoiser import Denoiser
from explorer.evaluation.features import Reference, inception_features, unet_features
from explorer.evaluation.frechet import GROUPS, MIN_PICTURES
from explorer.evaluation.kept import FOLDER, compute_rows
from explorer.evaluation.real import RealPictures
from explorer.latents import latent
from explorer.paper import TABLE_1_STEPS, TABLE_2_STEPS, Eta
from explorer.pictures import to_uint8
from explorer.pipeline import WEIGHTS
from explorer.quality import (
    FrechetCell,
    FrechetTable,
    Quality,
    ReconstructionCell,
    ReconstructionTable,
    held_out_loss,
    read_quality,
    to_unit,
)
from explorer.sampler import Settings, encode, sample
from explorer.schedule import as_int
from explorer.training.folder import write_quality

FeatureKind = Literal["unet", "inception"]
ETAS: tuple[Eta, ...] = (0.0, 0.2, 0.5, 1.0, "large")
STEPS, ENCODE_STEPS = (5, *TABLE_1_STEPS), TABLE_2_STEPS
REFERENCE = "features_reference.npz"


@dataclass(frozen=True)
class EvaluationConfig:
    """What is measured, and how.

    Attributes:
        pictures: in each cell of the Fréchet table.
        steps: its S; those of ``STEPS`` up to the checkpoint's T if None.
        etas: its eta, each in [0, 1], or "large" for sigma-hat.
        encoded: how many held-out pictures are encoded and sampled back.
        encode_steps: S of each way; those of ``ENCODE_STEPS`` up to T if None.
        batch: pictures in one call of the network.
        features: "unet", the checkpoint's own, or "inception".

    Raises:
        ValueError: for a number out of range, naming the range.
    """

    pictures: int = 256
    steps: tuple[int, ...] | None = None
    etas: tuple[Eta, ...] = ETAS
    encoded: int = 32
    encode_steps: tuple[int, ...] | None = None
    batch: int = 32
    features: FeatureKind = "unet"

    def __post_init__(self) -> None:
        as_int("pictures", self.pictures, MIN_PICTURES, None)
        as_int("encoded", self.encoded, 2, None)
        as_int("batch", self.batch, 1, None)
        for eta in self.etas:
            self.settings(1, eta, range(1))

    def settings(self, steps: int, eta: Eta, rows: range) -> Settings:
        """Of the pictures ``rows`` of a cell."""
        if eta == "large":
            return Settings(steps=steps, variance="large", noise_seed=tuple(rows))
        return Settings(steps=steps, eta=eta, noise_seed=tuple(rows))


def measure_loss(checkpoint: Checkpoint, real: RealPictures, config: EvaluationConfig) -> None:
    """Put the held-out loss over t into ``quality.json``.

    An entry of these weights and at least as many pictures is kept; one that training wrote, which names no weights, is of
    those that lie beside it.

    Raises:
        ValueError: a checkpoint without a folder or a U-Net.
    """
    folder, _ = checkpoint_place(checkpoint)
    known, weights = (read_quality(folder) or Quality()).loss, fingerprint(folder)
    if known and known.weights in ("", weights) and known.pictures >= len(real.held_out):
        return
    measured = held_out_loss(checkpoint.exact.predict_noise, checkpoint.schedule, real.held_out, config.batch).to_json()
    write_quality(folder, {"loss": measured | {"held_out": real.held_out_name, "weights": weights}})


def measure_frechet(checkpoint: Checkpoint, real: RealPictures, config: EvaluationConfig, quiet: bool = False) -> None:
    """Put the Fréchet distance and the seconds per picture over S and eta into ``quality.json``: Table 1.

    Cells that stand there are kept if they were measured with the same weights, reference, features and precision and on
    as many pictures; so a table can be made in several runs, with fewer pictures where S is large.

    Raises:
        ValueError: a checkpoint without a folder or a U-Net, S beyond T, no torchmetrics for the Inception features.
    """
    folder, device = checkpoint_place(checkpoint)
    steps, weights = _steps(checkpoint, config.steps, STEPS), fingerprint(folder)
    own = config.features == "unet"
    features = unet_features(checkpoint, config.batch) if own else inception_features(device, config.batch)
    reference = _known_reference(folder, real, weights) if own else None
    table = FrechetTable(
        features=features.name,
        reference=reference.pictures if reference else real.reference_name,
        weights=weights,
        precision=precision(checkpoint),
        how="linear tau, no clip, pictures of 8 bits; picture i has latent seed i and noise seed i; spread is the standard "
        f"error by a jackknife over {GROUPS} groups; a distance falls with the number of pictures; real is that of "
        "held-out pictures; seconds_per_picture is the median over batches",
    )
    quality = read_quality(folder) or Quality()
    known = quality.frechet if own else quality.frechet_inception
    same = known is not None and replace(known, real=None, cells=()) == table
    cells = {(cell.steps, cell.eta): cell for cell in known.cells} if known and same else {}
    places = [(S, eta) for S in steps for eta in config.etas]
    wanted = [place for place in places if place not in cells or cells[place].pictures != config.pictures]
    if not wanted:
        return
    with _bar("Fréchet distance", config.pictures * sum(S for S, _ in wanted), quiet) as bar:
        if reference is None:
            bar.set_postfix(reference=f"{len(real.reference)} pictures")
            reference = Reference.fit(features, real.reference, real.reference_name, weights)
            if own and real.has_data:
                reference.write(folder / REFERENCE)
        if reference.pictures != real.held_out_name:
            table = replace(table, real=reference.distance(features, real.held_out[: config.pictures]))
        for S, eta in wanted:
            bar.set_postfix(S=S, eta=eta)
            pictures, seconds = _draw(checkpoint, config, S, eta, weights, bar)
            cells[S, eta] = FrechetCell(
                steps=S,
                eta=eta,
                **asdict(reference.distance(features, pictures)),
                seconds_per_picture=_digits(seconds, 3),
                batch=config.batch,
                machine=machine(device),
            )
            order = sorted(cells, key=lambda place: (place[0], 2.0 if place[1] == "large" else place[1]))
            part = "frechet" if own else "frechet_inception"
            write_quality(folder, {part: asdict(replace(table, cells=tuple(cells[place] for place in order)))})


def measure_reconstruction(
    checkpoint: Checkpoint, real: RealPictures, config: EvaluationConfig, quiet: bool = False
) -> None:
    """Put into ``quality.json`` how far held-out pictures are from what comes back of them: Table 2.

    Raises:
        ValueError: a checkpoint without a folder or a U-Net, S beyond T.
    """
    folder, _ = checkpoint_place(checkpoint)
    steps = _steps(checkpoint, config.encode_steps, ENCODE_STEPS)
    x_0 = to_unit(real.held_out[: config.encoded])
    table = ReconstructionTable(
        pictures=len(x_0),
        how="mean squared error per dimension, pictures in [0, 1], of held-out pictures that were encoded and sampled back "
        "at eta = 0, S steps each way, linear tau, in float32, nothing clamped; spread is the standard error",
        held_out=real.held_out_name,
        weights=fingerprint(folder),
    )
    known = (read_quality(folder) or Quality()).reconstruction
    cells = {cell.steps: cell for cell in known.cells} if known and replace(known, cells=()) == table else {}
    wanted = [S for S in steps if S not in cells]
    with _bar("Reconstruction", 2 * len(x_0) * sum(wanted), quiet) as bar:
        for S in wanted:
            bar.set_postfix(S=S)
            errors = _reconstruct(checkpoint, x_0, S, table, config.batch, bar)
            spread = float(errors.std(ddof=1)) / len(errors) ** 0.5
            cells[S] = ReconstructionCell(S, mse=_digits(float(errors.mean()), 4), spread=_digits(spread, 2))
            write_quality(
                folder, {"reconstruction": asdict(replace(table, cells=tuple(cells[S] for S in sorted(cells))))}
            )


def fingerprint(folder: Path) -> str:
    """Of the weights in a checkpoint folder: the start of their SHA-256."""
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:16]


def precision(checkpoint: Checkpoint) -> str:
    """What computes the checkpoint's network, and in which numbers."""
    if not checkpoint.engine:  # it is chosen at the first call
        checkpoint.predict_noise(torch.zeros(1, *checkpoint.shape), 1)
    return checkpoint.engine


def machine(device: torch.device) -> str:
    """What pictures are drawn on, for the seconds that one takes."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else device.type


def checkpoint_place(checkpoint: Checkpoint) -> tuple[Path, torch.device]:
    """The folder and the device of a checkpoint that can be measured; ValueError for one without a folder or a U-Net."""
    denoiser = checkpoint.predict_noise
    if checkpoint.folder is None or not isinstance(denoiser, Denoiser):
        raise ValueError(
            f"{checkpoint.name} does not lie in a folder with a U-Net; only such checkpoints are evaluated"
        )
    return checkpoint.folder, denoiser.device


def _steps(checkpoint: Checkpoint, given: tuple[int, ...] | None, usual: tuple[int, ...]) -> tuple[int, ...]:
    T = checkpoint.schedule.T
    if given is None:
        return tuple(S for S in usual if S <= T)
    return tuple(as_int("S (number of steps)", S, 1, T) for S in given)


def _known_reference(folder: Path, real: RealPictures, weights: str) -> Reference | None:
    """The reference in ``folder``, if it is of these weights and of ``real``, or of a data set that is not at hand."""
    if not (folder / REFERENCE).exists():
        return None
    known = Reference.read(folder / REFERENCE)
    fits = known.weights == weights and (not real.has_data or known.pictures == real.reference_name)
    return known if fits else None


def _draw(
    checkpoint: Checkpoint, config: EvaluationConfig, S: int, eta: Eta, weights: str, bar: tqdm
) -> tuple[np.ndarray, float]:
    """A cell's pictures, uint8 (N, H, W, C), and the seconds that one took."""
    folder, device = checkpoint_place(checkpoint)

    def pictures(rows: range) -> np.ndarray:
        x_T = latent(checkpoint.shape, rows).to(device)
        return to_uint8(sample(checkpoint, x_T, config.settings(S, eta, rows)))

    path = folder / FOLDER / f"pictures-S{S:04d}-eta-{eta}.npz"
    key = {"steps": S, "eta": eta, "weights": weights, "precision": precision(checkpoint)}
    return compute_rows(path, key, config.pictures, config.batch, pictures, lambda n: bar.update(n * S))


def _reconstruct(
    checkpoint: Checkpoint, x_0: Tensor, S: int, table: ReconstructionTable, batch: int, bar: tqdm
) -> np.ndarray:
    """Squared error of each picture (N, C, H, W) after S steps each way: float64 (N,)."""
    folder, device = checkpoint_place(checkpoint)

    def errors(rows: range) -> np.ndarray:
        x = x_0[rows.start : rows.stop].to(device)
        back = sample(checkpoint.exact, encode(checkpoint, x, S), Settings(steps=S))
        return ((back - x) / 2).cpu().double().square().mean((1, 2, 3)).numpy()

    path = folder / FOLDER / f"reconstruction-S{S:04d}.npz"
    key = {"steps": S, "weights": table.weights, "held_out": table.held_out}
    return compute_rows(path, key, len(x_0), batch, errors, lambda n: bar.update(2 * n * S))[0]


def _bar(title: str, calls: int, quiet: bool) -> tqdm:
    return tqdm(desc=title, total=calls, unit="call", unit_scale=True, disable=quiet or not calls, mininterval=1)


def _digits(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")
