"""Table 2 of the paper for one's own checkpoint: how far held-out pictures are from what comes back of them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from explorer.checkpoint import Checkpoint
from explorer.evaluation.chunks import Chunk, ReconstructionJob
from explorer.evaluation.frechet_table import EvaluationConfig, bar_of, checkpoint_place, digits, steps_up_to
from explorer.evaluation.reference_set import ReferenceSet
from explorer.evaluation.resumable import FOLDER, resumable_rows, rows_left
from explorer.inversion import Inversion
from explorer.media.convert import to_unit
from explorer.paper import TABLE_2_STEPS
from explorer.runs.tasks import Distribute, Results, in_this_process
from explorer.storage.diffusers_folder import fingerprint
from explorer.storage.quality_file import Quality, ReconstructionCell, ReconstructionTable, read_quality, write_quality


def measure_reconstruction(
    checkpoint: Checkpoint,
    real: ReferenceSet,
    config: EvaluationConfig,
    quiet: bool = False,
    distribute: Distribute = in_this_process,
) -> None:
    """Put into ``quality.json`` how far held-out pictures are from what comes back of them: Table 2.

    Raises:
        ValueError: a checkpoint without a folder or a U-Net, S beyond T.
    """
    folder, _ = checkpoint_place(checkpoint)
    steps = steps_up_to(checkpoint, config.encode_steps, TABLE_2_STEPS)
    x_0 = to_unit(real.held_out[: config.encoded])
    table = ReconstructionTable(
        pictures=len(x_0),
        how="mean squared error per dimension, pictures in [0, 1], of held-out pictures that were encoded and sampled back "
        "at eta = 0, S steps each way, linear tau, in float32, nothing clamped; spread is the standard error",
        held_out=real.held_out_name,
        weights=fingerprint(folder),
    )
    known = (read_quality(folder) or Quality()).reconstruction
    cells = {_place(cell): cell for cell in known.cells} if known and replace(known, cells=()) == table else {}
    wanted = [place for place in itertools.product(config.inversions, steps) if place not in cells]
    with bar_of("Reconstruction", len(x_0) * sum(_calls(*place) for place in wanted), quiet) as bar:
        errors_of = {place: _Errors(folder, table, place, config.batch) for place in wanted}
        chunks = [chunk for errors in errors_of.values() for chunk in errors.left()]
        with closing(distribute(checkpoint, ReconstructionJob(x_0, table.weights), chunks)) as results:
            for place, errors in errors_of.items():
                inversion, S = place
                bar.set_postfix(S=S, inversion=str(inversion))
                cells[place] = errors.cell(results, lambda n, at=place: bar.update(n * _calls(*at)))  # type: ignore[misc]
                done = replace(table, cells=tuple(cells[at] for at in sorted(cells, key=_order)))
                write_quality(folder, reconstruction=done)


Place = tuple[Inversion, int]  # of a cell in its table, with its S


def _place(cell: ReconstructionCell) -> Place:
    return Inversion.parse(cell.inversion), cell.steps


def _order(place: Place) -> tuple[bool, int, int]:
    inversion, S = place
    return inversion.ahead, inversion.iterations, S


def _calls(inversion: Inversion, S: int) -> int:
    """Of the network for a picture, up and down."""
    return inversion.calls(S) + S


class _Errors:
    """The errors of one cell's pictures, kept in a file until all are there."""

    def __init__(self, folder: Path, table: ReconstructionTable, place: Place, batch: int) -> None:
        self._place, self._count, self._batch = place, table.pictures, batch
        inversion, S = place
        self._path = folder / FOLDER / f"reconstruction-{inversion}-S{S:04d}.npz"
        self._key = {"steps": S, "weights": table.weights, "held_out": table.held_out, "inversion": str(inversion)}

    def left(self) -> list[Chunk]:
        """What has yet to be computed, in the order in which :meth:`cell` takes it."""
        inversion, S = self._place
        left = rows_left(self._path, self._key, self._count, self._batch)
        return [Chunk(S, rows.start, rows.stop, inversion=inversion) for rows in left]

    def cell(self, results: Results, progress: Callable[[int], object]) -> ReconstructionCell:
        """The cell, with the next ``results`` for what is left."""
        inversion, S = self._place
        errors, _ = resumable_rows(
            self._path, self._key, self._count, self._batch, lambda rows: next(results).rows, progress
        )
        standard_error = float(errors.std(ddof=1)) / len(errors) ** 0.5
        return ReconstructionCell(S, digits(float(errors.mean()), 4), digits(standard_error, 2), str(inversion))
