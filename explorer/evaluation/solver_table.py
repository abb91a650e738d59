"""Measurement of ODE solvers at equal numbers of network calls: distance to the solution, and Fréchet distance.

Picture i has latent seed i. Cells of ``quality.json`` that are still valid are not measured again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from explorer.checkpoint import Checkpoint
from explorer.evaluation.chunks import engine_name, feature_extractor
from explorer.evaluation.config import EvaluationConfig, folder_and_device, progress_bar, round_digits
from explorer.evaluation.features import FeatureExtractor, ReferenceStatistics
from explorer.evaluation.frechet import MIN_PICTURES, Moments
from explorer.evaluation.frechet_table import existing_reference, fit_reference
from explorer.evaluation.reference_set import ReferenceSet
from explorer.evaluation.resumable import FOLDER, resumable_rows
from explorer.latents import latent
from explorer.media.convert import to_uint8
from explorer.solvers import SOLVERS, Solver, SolverSpacing, network_calls, solution, solver_timesteps, steps_within
from explorer.storage.diffusers_folder import fingerprint
from explorer.storage.quality_file import Quality, SolverCell, SolverTable, read_quality, write_quality

RANGE = 2.0  # of a picture's values
REFERENCE_SOLVER: Solver = "dpm-solver++-2m"  # one call per step, and of order 2
REFERENCE_SPACING: SolverSpacing = "log-snr"  # its last jump is 1 -> 0, as that of DDIM with S = T
REFERENCE_STEPS = 200
DDIM_PICTURES = 2  # latents on which DDIM with S = T is measured, since it costs more than all other cells
HOW = (
    "linear tau, no clip; picture i has latent seed i; distance is the rms difference of a picture to the reference over the range of a "
    "picture, its mean over the pictures; spread is the standard error of that mean; S is the largest whose network calls do not "
    "exceed N; the Fréchet distance is that of the Quality tab, but of so few pictures that it is only comparable within this table"
)
CellKey = tuple[Solver, int]  # (solver, N)


def measure_solvers(
    checkpoint: Checkpoint, reference_set: ReferenceSet, config: EvaluationConfig, quiet: bool = False
) -> None:
    """Measure every solver at every N, and write the table to ``quality.json``. Sampling is in float32.

    The reference is the solution by "dpm-solver++-2m" with 200 steps that are even in lambda. On faces-64 it was nearer to a solution of
    order 2 with S = T than DDIM with S = T was. The table says how far DDIM with S = T is from the reference.

    Args:
        quiet: hide the progress bar.

    Raises:
        ValueError: the checkpoint has no folder or no U-Net, or an N allows more steps than T.
    """
    folder, _ = folder_and_device(checkpoint)
    checkpoint = checkpoint.float32
    T, weights = checkpoint.schedule.T, fingerprint(folder)
    finest = min(REFERENCE_STEPS, T)
    keys = [(solver, calls) for calls in config.solver_calls for solver in SOLVERS if steps_within(solver, calls) <= T]
    extractor = feature_extractor(checkpoint, "unet", config.batch)
    statistics = existing_reference(folder, reference_set, weights)
    if statistics is None:
        statistics = fit_reference(folder, reference_set, extractor, weights, keep=True)
    measures_frechet = config.solver_pictures >= MIN_PICTURES
    table = SolverTable(
        pictures=config.solver_pictures,
        reference=f"{REFERENCE_SOLVER}, S = {finest}, {REFERENCE_SPACING}",
        features=extractor.name if measures_frechet else "",
        real_pictures=statistics.pictures if measures_frechet else "",
        weights=weights,
        precision=engine_name(checkpoint),
        how=HOW,
        ddim_distance=0.0,
    )
    cells, ddim_distance = _existing_cells(folder, table)
    missing = [key for key in keys if key not in cells]
    if not missing:
        return
    with progress_bar("Solvers", _evaluations(checkpoint, config, missing), quiet) as bar:
        job = _Job(checkpoint, folder, config, table, bar.update)
        reference = job.pictures(REFERENCE_SOLVER, finest, spacing=REFERENCE_SPACING)
        if ddim_distance is None:
            few = min(DDIM_PICTURES, config.solver_pictures)
            ddim = job.pictures("ddim", T, count=few)
            ddim_distance = round_digits(float(_distances(ddim, reference[:few]).mean()), 4)
        for solver, limit in missing:
            bar.set_postfix(solver=solver, N=limit)
            pictures = job.pictures(solver, steps_within(solver, limit))
            cells[solver, limit] = _cell(job, (solver, limit), pictures, reference, (extractor, statistics))
            ordered = tuple(cells[key] for key in sorted(cells, key=lambda key: (SOLVERS.index(key[0]), key[1])))
            write_quality(folder, solvers=replace(table, ddim_distance=ddim_distance, cells=ordered))


def _evaluations(checkpoint: Checkpoint, config: EvaluationConfig, missing: Sequence[CellKey]) -> int:
    """Network evaluations of the missing cells, the reference, and DDIM with S = T."""
    schedule = checkpoint.schedule
    calls = sum(network_calls(s, solver_timesteps(schedule, steps_within(s, N))) for s, N in missing)
    return (
        config.solver_pictures * (calls + min(REFERENCE_STEPS, schedule.T))
        + min(DDIM_PICTURES, config.solver_pictures) * schedule.T
    )


class _Job:
    """Samples pictures in batches, and keeps them on disk until the table is complete."""

    def __init__(
        self, checkpoint: Checkpoint, folder: Path, config: EvaluationConfig, table: SolverTable, progress
    ) -> None:  # type: ignore[no-untyped-def]
        self.checkpoint, self.folder, self.config, self.table, self.progress = (
            checkpoint,
            folder,
            config,
            table,
            progress,
        )

    def calls(self, solver: Solver, steps: int) -> int:
        """Network calls of a picture."""
        return network_calls(solver, solver_timesteps(self.checkpoint.schedule, steps))

    def pictures(
        self, solver: Solver, steps: int, spacing: SolverSpacing = "linear", count: int | None = None
    ) -> torch.Tensor:
        """Return the first ``count`` pictures of a solver, by default all of the table, float32 (N, C, H, W)."""

        suffix = "" if spacing == "linear" else f"-{spacing}"
        key = {"weights": self.table.weights, "precision": self.table.precision, "solver": solver, "steps": steps}

        def compute(rows: range) -> np.ndarray:
            x_T = latent(self.checkpoint.shape, rows).to(self.checkpoint.predict_noise.device)
            return solution(self.checkpoint, x_T, solver, steps, spacing).cpu().numpy()

        pictures, _ = resumable_rows(
            self.folder / FOLDER / f"solvers-{solver}-S{steps:04d}{suffix}.npz",
            key if spacing == "linear" else key | {"spacing": spacing},
            count or self.config.solver_pictures,
            self.config.batch,
            compute,
            lambda count: self.progress(count * self.calls(solver, steps)),
        )
        return torch.from_numpy(pictures)


def _cell(
    job: _Job,
    key: CellKey,
    pictures: torch.Tensor,
    reference: torch.Tensor,
    features: tuple[FeatureExtractor, ReferenceStatistics],
) -> SolverCell:
    solver, limit = key
    steps, distances = steps_within(solver, limit), _distances(pictures, reference)
    extractor, statistics = features
    has_frechet = bool(job.table.features)
    return SolverCell(
        solver=solver,
        limit=limit,
        steps=steps,
        calls=job.calls(solver, steps),
        distance=round_digits(float(distances.mean()), 4),
        standard_error=round_digits(float(distances.std(ddof=1)) / math.sqrt(len(distances)), 2),
        frechet=statistics.distance_of(Moments.of(statistics.project(extractor, to_uint8(pictures))))
        if has_frechet
        else None,
    )


def _distances(pictures: torch.Tensor, reference: torch.Tensor) -> np.ndarray:
    """The rms difference of each picture to its reference over the range of a picture, float64 (N,)."""
    return ((pictures - reference).double().square().mean((1, 2, 3)).sqrt() / RANGE).numpy()


def _existing_cells(folder: Path, table: SolverTable) -> tuple[dict[CellKey, SolverCell], float | None]:
    """The cells in ``quality.json`` and the distance of DDIM, if their table was measured like ``table``."""
    existing = (read_quality(folder) or Quality()).solvers
    if existing is None or replace(existing, how=table.how, ddim_distance=0.0, cells=()) != table:
        return {}, None
    known = {name: name for name in SOLVERS}
    cells = {(known[c.solver], c.limit): c for c in existing.cells if c.solver in known}
    return cells, existing.ddim_distance
