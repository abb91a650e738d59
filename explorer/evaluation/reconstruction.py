"""Measurement of the reconstruction error over S, as in Table 2 of the paper, and over inversion methods."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.evaluation.chunks import Chunk, ReconstructionJob
from explorer.evaluation.config import EvaluationConfig, folder_and_device, progress_bar, resolve_steps, round_digits
from explorer.evaluation.reference_set import ReferenceSet
from explorer.evaluation.resumable import FOLDER, remaining_rows, resumable_rows
from explorer.inversion import Inversion
from explorer.media.convert import to_unit
from explorer.runs.tasks import Distribute, Results, in_this_process
from explorer.storage.diffusers_folder import fingerprint
from explorer.storage.quality_file import (
    Quality,
    Quartiles,
    ReconstructionCell,
    ReconstructionTable,
    read_quality,
    write_quality,
)
from explorer.support.paper_tables import TABLE_2_STEPS

HOW = (
    "mean squared error per dimension, pictures in [0, 1], of held-out pictures that were encoded and sampled back at "
    "eta = 0, S steps each way, linear tau, in float32, nothing clamped; spread is the standard error of the mean over "
    "pictures; quartiles are of the errors of single pictures"
)
CellKey = tuple[Inversion, int]  # (inversion, S)


def measure_reconstruction(
    checkpoint: Checkpoint,
    reference_set: ReferenceSet,
    config: EvaluationConfig,
    quiet: bool = False,
    distribute: Distribute = in_this_process,
) -> None:
    """Encode held-out pictures, sample them back, and write mean and quartiles of the errors to ``quality.json``.

    Existing cells over as many pictures or more are kept if they have the same weights and pictures. If a cell has a
    mean over more pictures, but no quartiles, only its quartiles are measured.

    Args:
        quiet: hide the progress bar.
        distribute: where the chunks of pictures are computed; the table does not depend on it.

    Raises:
        ValueError: the checkpoint has no folder or no U-Net, or an S is above T.
    """
    folder, _ = folder_and_device(checkpoint)
    steps = resolve_steps(checkpoint, config.encode_steps, TABLE_2_STEPS)
    x_0 = to_unit(reference_set.held_out[: config.encoded])
    table = ReconstructionTable(len(x_0), HOW, reference_set.held_out_name, fingerprint(folder))
    cells = _existing_cells(folder, table)
    missing = [
        key
        for key in itertools.product(config.inversions, steps)
        if key not in cells or _pictures_of_quartiles(cells[key]) < len(x_0)
    ]
    with progress_bar("Reconstruction", len(x_0) * sum(_calls(*key) for key in missing), quiet) as bar:
        files = {key: ErrorFile(folder, table, key, config.batch) for key in missing}
        chunks = [chunk for file in files.values() for chunk in file.remaining()]
        with closing(distribute(checkpoint, ReconstructionJob(x_0, table.weights), chunks)) as results:
            for (inversion, S), file in files.items():
                bar.set_postfix(S=S, inversion=str(inversion))
                calls = _calls(inversion, S)
                measured = file.complete(results, lambda n, calls=calls: bar.update(n * calls))  # type: ignore[misc]
                cells[inversion, S] = merge(cells.get((inversion, S)), measured)
                ordered = tuple(cells[key] for key in sorted(cells, key=_sort_key))
                most = max(cell.pictures for cell in ordered)
                write_quality(folder, reconstruction=replace(table, pictures=most, cells=ordered))


def summarize(inversion: Inversion, S: int, errors: np.ndarray) -> ReconstructionCell:
    """Return the cell of the mean squared errors (N,) of single pictures: their mean, its standard error, quartiles."""
    first, median, third = (round_digits(float(q), 4) for q in np.quantile(errors, (0.25, 0.5, 0.75)))
    return ReconstructionCell(
        steps=S,
        mse=round_digits(float(errors.mean()), 4),
        standard_error=round_digits(float(errors.std(ddof=1)) / len(errors) ** 0.5, 2),
        inversion=str(inversion),
        pictures=len(errors),
        quartiles=Quartiles(first, median, third, pictures=len(errors)),
    )


def merge(existing: ReconstructionCell | None, measured: ReconstructionCell) -> ReconstructionCell:
    """Return ``measured``, with the mean of ``existing`` if that is over more pictures."""
    if existing is None or existing.pictures <= measured.pictures:
        return measured
    return replace(existing, quartiles=measured.quartiles)


def _existing_cells(folder: Path, table: ReconstructionTable) -> dict[CellKey, ReconstructionCell]:
    """The cells in ``quality.json``, each with its number of pictures, if they have the pictures and weights of ``table``."""
    existing = (read_quality(folder) or Quality()).reconstruction
    if existing is None or (existing.held_out, existing.weights) != (table.held_out, table.weights):
        return {}
    cells = (replace(cell, pictures=existing.pictures_of(cell)) for cell in existing.cells)
    return {(Inversion.parse(cell.inversion), cell.steps): cell for cell in cells}


def _pictures_of_quartiles(cell: ReconstructionCell) -> int:
    return cell.quartiles.pictures if cell.quartiles else 0


def _sort_key(key: CellKey) -> tuple[bool, str, int, int]:
    inversion, S = key
    return inversion.ahead, inversion.label, inversion.iterations, S


def _calls(inversion: Inversion, S: int) -> int:
    """Network calls per picture, for encoding and sampling."""
    return inversion.calls(S) + S


class ErrorFile:
    """The reconstruction errors of one cell's pictures, written to disk batch by batch.

    Args:
        folder: the checkpoint folder.
        table: the table of the cell.
        key: inversion and S of the cell.
        batch: pictures per chunk.
    """

    def __init__(self, folder: Path, table: ReconstructionTable, key: CellKey, batch: int) -> None:
        self._inversion, self._S = key
        self._count, self._batch = table.pictures, batch
        self._path = folder / FOLDER / f"reconstruction-{self._inversion}-S{self._S:04d}.npz"
        self._key = {
            "steps": self._S,
            "weights": table.weights,
            "held_out": table.held_out,
            "inversion": str(self._inversion),
        }

    def remaining(self) -> list[Chunk]:
        """Return the chunks that are missing, in order."""
        ranges = remaining_rows(self._path, self._key, self._count, self._batch)
        return [Chunk(self._S, rows.start, rows.stop, inversion=self._inversion) for rows in ranges]

    def complete(self, results: Results, progress: Callable[[int], object]) -> ReconstructionCell:
        """Take the results of the remaining chunks, and return the cell."""
        errors, _ = resumable_rows(
            self._path, self._key, self._count, self._batch, lambda rows: next(results).rows, progress
        )
        return summarize(self._inversion, self._S, errors)
