"""Table 1 of the paper for one's own checkpoint, measured cell by cell and kept batch by batch.

Picture i of a cell has latent seed i and noise seed i, however the work was cut up, so a table comes out the same whether it
was made in one go or not. What stands in ``quality.json`` and still holds is not measured again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from explorer.checkpoint import Checkpoint
from explorer.denoiser import Denoiser
from explorer.evaluation.chunks import Chunk, ChunkResult, FeatureJob, features_of, precision
from explorer.evaluation.features import FeatureKind, Reference
from explorer.evaluation.frechet import GROUPS, MIN_PICTURES
from explorer.evaluation.held_out_loss import held_out_loss
from explorer.evaluation.moments_file import MomentsFile
from explorer.evaluation.reference_set import ReferenceSet
from explorer.evaluation.resumable import FOLDER
from explorer.inversion import Inversion
from explorer.paper import TABLE_1_STEPS, Eta
from explorer.runs.tasks import Distribute, in_this_process
from explorer.storage.diffusers_folder import fingerprint
from explorer.storage.quality_file import FrechetCell, FrechetTable, Quality, read_quality, write_quality
from explorer.support.arguments import as_int

ETAS: tuple[Eta, ...] = (0.0, 0.2, 0.5, 1.0, "large")
STEPS = (5, *TABLE_1_STEPS)
REFERENCE = "features_reference.npz"


@dataclass(frozen=True)
class EvaluationConfig:
    """What is measured, and how.

    Attributes:
        pictures: in each cell of the Fréchet table.
        steps: its S; those of ``STEPS`` up to the checkpoint's T if None.
        etas: its eta, each in [0, 1], or "large" for sigma-hat.
        encoded: how many held-out pictures are encoded and sampled back.
        encode_steps: S of each way; those of Table 2 up to T if None.
        inversions: how the way up finds its eps, each for all of ``encode_steps``.
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
    inversions: tuple[Inversion, ...] = (Inversion(), Inversion(ahead=True), Inversion(1))
    batch: int = 32
    features: FeatureKind = "unet"

    def __post_init__(self) -> None:
        as_int("pictures", self.pictures, MIN_PICTURES, None)
        as_int("encoded", self.encoded, 2, None)
        as_int("batch", self.batch, 1, None)
        for eta in self.etas:
            Chunk(1, 0, 1, eta).settings()


def measure_loss(checkpoint: Checkpoint, real: ReferenceSet, config: EvaluationConfig) -> None:
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
    write_quality(folder, loss=measured | {"held_out": real.held_out_name, "weights": weights})


def measure_frechet(
    checkpoint: Checkpoint,
    real: ReferenceSet,
    config: EvaluationConfig,
    quiet: bool = False,
    distribute: Distribute = in_this_process,
) -> None:
    """Put the Fréchet distance and the seconds per picture over S and eta into ``quality.json``: Table 1.

    Cells that stand there are kept if they were measured with the same weights, reference, features and precision and on
    as many pictures; so a table can be made in several runs, with fewer pictures where S is large.

    Args:
        distribute: where the chunks of pictures are computed; the table does not depend on it.

    Raises:
        ValueError: a checkpoint without a folder or a U-Net, S beyond T, no torchmetrics for the Inception features.
    """
    folder, _ = checkpoint_place(checkpoint)
    steps, weights = steps_up_to(checkpoint, config.steps, STEPS), fingerprint(folder)
    own = config.features == "unet"
    features = features_of(checkpoint, config.features, config.batch)
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
    with bar_of("Fréchet distance", config.pictures * sum(S for S, _ in wanted), quiet) as bar:
        if reference is None:
            bar.set_postfix(reference=f"{len(real.reference)} pictures")
            reference = Reference.fit(features, real.reference, real.reference_name, weights)
            if own and real.has_data:
                reference.write(folder / REFERENCE)
        if reference.pictures != real.held_out_name:
            table = replace(table, real=reference.distance(features, real.held_out[: config.pictures]))
        job = FeatureJob(config.features, config.batch, reference, weights, table.precision)
        key = {"weights": weights, "precision": table.precision, "features": table.features, "reference": reference.key}
        part = "frechet" if own else "frechet_inception"
        kept = {place: _sums(folder, part, config, place, key, reference) for place in wanted}
        chunks = [Chunk(S, r.start, r.stop, eta) for (S, eta), sums in kept.items() for r in sums.left()]
        with closing(distribute(checkpoint, job, chunks)) as results:
            for (S, eta), sums in kept.items():
                bar.set_postfix(S=S, eta=eta)
                _fill(sums, results, lambda n, S=S: bar.update(n * S))  # type: ignore[misc]
                cells[S, eta] = FrechetCell(
                    steps=S,
                    eta=eta,
                    **asdict(reference.distance_of(sums.moments)),
                    seconds_per_picture=digits(float(np.median(sums.seconds)), 3),
                    batch=config.batch,
                    machine=sums.machine,
                )
                order = sorted(cells, key=lambda place: (place[0], 2.0 if place[1] == "large" else place[1]))
                write_quality(folder, **{part: replace(table, cells=tuple(cells[place] for place in order))})


def _sums(
    folder: Path, part: str, config: EvaluationConfig, place: tuple[int, Eta], key: dict[str, str], reference: Reference
) -> MomentsFile:
    """What is there of a cell."""
    S, eta = place
    path = folder / FOLDER / f"{part}-S{S:04d}-eta-{eta}.npz"
    own = key | {"steps": S, "eta": eta}
    return MomentsFile.read(path, own, config.pictures, config.batch, reference.projection.shape[1])


def _fill(sums: MomentsFile, results: Iterator[ChunkResult], progress: Callable[[int], object]) -> None:
    """Add the chunks that a cell lacks; what there is when that is broken off is kept."""
    progress(len(sums.moments))
    try:
        for _ in sums.left():
            made = next(results)
            sums.add(made)
            progress(len(made.rows))
    finally:
        sums.write()


def checkpoint_place(checkpoint: Checkpoint) -> tuple[Path, torch.device]:
    """The folder and the device of a checkpoint that can be measured; ValueError for one without a folder or a U-Net."""
    denoiser = checkpoint.predict_noise
    if checkpoint.folder is None or not isinstance(denoiser, Denoiser):
        raise ValueError(
            f"{checkpoint.name} does not lie in a folder with a U-Net; only such checkpoints are evaluated"
        )
    return checkpoint.folder, denoiser.device


def steps_up_to(checkpoint: Checkpoint, given: tuple[int, ...] | None, usual: tuple[int, ...]) -> tuple[int, ...]:
    T = checkpoint.schedule.T
    if given is None:
        return tuple(S for S in usual if S <= T)
    return tuple(as_int("S (number of steps)", S, 1, T) for S in given)


def _known_reference(folder: Path, real: ReferenceSet, weights: str) -> Reference | None:
    """The reference in ``folder``, if it is of these weights and of ``real``, or of a data set that is not at hand."""
    if not (folder / REFERENCE).exists():
        return None
    known = Reference.read(folder / REFERENCE)
    fits = known.weights == weights and (not real.has_data or known.pictures == real.reference_name)
    return known if fits else None


def bar_of(title: str, calls: int, quiet: bool) -> tqdm:
    return tqdm(desc=title, total=calls, unit="call", unit_scale=True, disable=quiet or not calls, mininterval=1)


def digits(value: float, count: int) -> float:
    """``value`` to so many significant digits."""
    return float(f"{value:.{count}g}")
