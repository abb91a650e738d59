"""Measurement of the Fréchet distance over S and eta, as in Table 1 of the paper.

Picture i of a cell has latent seed i and noise seed i, so the table does not depend on how the work was split or
interrupted. Cells of ``quality.json`` that are still valid are not measured again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.evaluation.chunks import Chunk, ChunkResult, FeatureJob, engine_name, feature_extractor
from explorer.evaluation.config import (
    STEPS,
    EvaluationConfig,
    folder_and_device,
    progress_bar,
    resolve_steps,
    round_digits,
)
from explorer.evaluation.features import FeatureExtractor, ReferenceStatistics
from explorer.evaluation.frechet import JACKKNIFE_GROUPS
from explorer.evaluation.moments_file import MomentsFile
from explorer.evaluation.real_distance import with_real
from explorer.evaluation.reference_set import ReferenceSet
from explorer.evaluation.resumable import FOLDER
from explorer.runs.tasks import Distribute, in_this_process
from explorer.storage.diffusers_folder import fingerprint
from explorer.storage.quality_file import FrechetCell, FrechetTable, Quality, read_quality, write_quality
from explorer.support.paper_tables import Eta

REFERENCE_FILE = "features_reference.npz"
HOW = (
    "linear tau, no clip, pictures of 8 bits; picture i has latent seed i and noise seed i; spread is the standard error by "
    f"a jackknife over {JACKKNIFE_GROUPS} groups; a distance falls with the number of pictures; real is the mean over draws of "
    "as many real pictures, floor what a perfect sampler of Gaussian features is expected to have; seconds_per_picture is the "
    "median over batches"
)
CellKey = tuple[int, Eta]  # (S, eta)


def measure_frechet(
    checkpoint: Checkpoint,
    reference_set: ReferenceSet,
    config: EvaluationConfig,
    quiet: bool = False,
    distribute: Distribute = in_this_process,
) -> None:
    """Measure the Fréchet distance and the seconds per picture over S and eta, and write them to ``quality.json``.

    Existing cells are kept if they have the same weights, reference, features, precision and number of pictures. So a
    table can be measured in several runs, for example with fewer pictures for large S.

    Args:
        quiet: hide the progress bar.
        distribute: where the chunks of pictures are computed; the table does not depend on it.

    Raises:
        ValueError: the checkpoint has no folder or no U-Net, an S is above T, or torchmetrics is not installed.
    """
    folder, _ = folder_and_device(checkpoint)
    steps, weights = resolve_steps(checkpoint, config.steps, STEPS), fingerprint(folder)
    own_features = config.features == "unet"
    entry = "frechet" if own_features else "frechet_inception"
    extractor = feature_extractor(checkpoint, config.features, config.batch)
    reference = existing_reference(folder, reference_set, weights) if own_features else None
    table = FrechetTable(
        features=extractor.name,
        reference=reference.pictures if reference else reference_set.reference_name,
        weights=weights,
        precision=engine_name(checkpoint),
        how=HOW,
    )
    cells = _existing_cells(folder, entry, table)
    missing = [
        key
        for key in [(S, eta) for S in steps for eta in config.etas]
        if key not in cells or cells[key].pictures != config.pictures
    ]
    if not missing:
        return
    with progress_bar("Fréchet distance", config.pictures * sum(S for S, _ in missing), quiet) as bar:
        if reference is None:
            bar.set_postfix(reference=f"{len(reference_set.reference)} pictures")
            reference = fit_reference(folder, reference_set, extractor, weights, keep=own_features)
        table = with_real(table, reference, extractor, reference_set, config.pictures)
        job = FeatureJob(config.features, config.batch, reference, weights, table.precision)
        files = {key: _moments_file(folder, entry, config, key, table, reference) for key in missing}
        chunks = [Chunk(S, rows.start, rows.stop, eta) for (S, eta), file in files.items() for rows in file.remaining()]
        with closing(distribute(checkpoint, job, chunks)) as results:
            for (S, eta), file in files.items():
                bar.set_postfix(S=S, eta=eta)
                _complete(file, results, lambda pictures, S=S: bar.update(pictures * S))  # type: ignore[misc]
                cells[S, eta] = FrechetCell(
                    steps=S,
                    eta=eta,
                    **asdict(reference.distance_of(file.moments)),
                    seconds_per_picture=round_digits(float(np.median(file.seconds)), 3),
                    batch=config.batch,
                    machine=file.machine,
                )
                ordered = tuple(cells[key] for key in sorted(cells, key=_sort_key))
                write_quality(folder, **{entry: replace(table, cells=ordered)})


def measure_real(checkpoint: Checkpoint, reference_set: ReferenceSet, config: EvaluationConfig) -> None:
    """Measure the real pictures and the bias floor of the Fréchet table in ``quality.json``. Its cells are kept.

    Raises:
        ValueError: the checkpoint has no folder or no U-Net, or no table, or no statistics of the table's reference.
    """
    folder, _ = folder_and_device(checkpoint)
    table = (read_quality(folder) or Quality()).frechet
    if table is None or not table.cells:
        raise ValueError(f"{folder}/quality.json has no Fréchet table; measure one first")
    reference = existing_reference(folder, reference_set, table.weights)
    if reference is None or reference.pictures != table.reference:
        raise ValueError(
            f"{folder}/{REFERENCE_FILE} is missing or not that of the Fréchet table; measure the table again"
        )
    ((pictures, _),) = Counter(cell.pictures for cell in table.cells).most_common(1)
    extractor = feature_extractor(checkpoint, "unet", config.batch)
    write_quality(folder, frechet=with_real(replace(table, how=HOW), reference, extractor, reference_set, pictures))


def _existing_cells(folder: Path, entry: str, table: FrechetTable) -> dict[CellKey, FrechetCell]:
    """The cells in ``quality.json``, if their table was measured like ``table``."""
    existing: FrechetTable | None = getattr(read_quality(folder) or Quality(), entry)
    if existing is None or replace(existing, how=table.how, real=None, floor=None, cells=()) != table:
        return {}
    return {(cell.steps, cell.eta): cell for cell in existing.cells}


def _sort_key(key: CellKey) -> tuple[int, float]:
    S, eta = key
    return S, 2.0 if eta == "large" else eta


def existing_reference(folder: Path, reference_set: ReferenceSet, weights: str) -> ReferenceStatistics | None:
    """The statistics in ``folder``, if they have these weights and are of this data set, or if no data set is given."""
    if not (folder / REFERENCE_FILE).exists():
        return None
    reference = ReferenceStatistics.read(folder / REFERENCE_FILE)
    same_pictures = not reference_set.has_data or reference.pictures == reference_set.reference_name
    return reference if reference.weights == weights and same_pictures else None


def fit_reference(
    folder: Path, reference_set: ReferenceSet, extractor: FeatureExtractor, weights: str, keep: bool
) -> ReferenceStatistics:
    """The statistics of the reference pictures; with ``keep``, those of a data set are written to ``folder``."""
    reference = ReferenceStatistics.fit(extractor, reference_set.reference, reference_set.reference_name, weights)
    if keep and reference_set.has_data:
        reference.write(folder / REFERENCE_FILE)
    return reference


def _moments_file(
    folder: Path,
    entry: str,
    config: EvaluationConfig,
    cell: CellKey,
    table: FrechetTable,
    reference: ReferenceStatistics,
) -> MomentsFile:
    """The intermediate results of a cell."""
    S, eta = cell
    path = folder / FOLDER / f"{entry}-S{S:04d}-eta-{eta}.npz"
    key = {
        "weights": table.weights,
        "precision": table.precision,
        "features": table.features,
        "reference": reference.key,
        "steps": S,
        "eta": eta,
    }
    return MomentsFile.read(path, key, config.pictures, config.batch, reference.projection.shape[1])


def _complete(file: MomentsFile, results: Iterator[ChunkResult], progress: Callable[[int], object]) -> None:
    """Add the results of all remaining chunks of a cell. An interruption keeps those that were added."""
    progress(len(file.moments))
    try:
        for _ in file.remaining():
            result = next(results)
            file.add(result)
            progress(len(result.rows))
    finally:
        file.write()
