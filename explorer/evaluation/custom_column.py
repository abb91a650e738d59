"""The Fréchet distance of a user's own step, as a column beside that of Eq. 12."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.custom_sampler import CustomStep, denoise_custom
from explorer.evaluation.chunks import Chunk, FeatureJob, engine_name, feature_extractor
from explorer.evaluation.config import STEPS, EvaluationConfig, folder_and_device, progress_bar, resolve_steps
from explorer.evaluation.features import FeatureExtractor, ReferenceStatistics
from explorer.evaluation.frechet import Moments
from explorer.evaluation.frechet_table import existing_reference, fit_reference
from explorer.evaluation.reference_set import ReferenceSet
from explorer.latents import latent
from explorer.media.convert import to_uint8
from explorer.media.exports import table
from explorer.storage.diffusers_folder import fingerprint
from explorer.storage.quality_file import Quality, read_quality
from explorer.support.paper_tables import Eta


@dataclass(frozen=True)
class CustomCell:
    """A cell of the column.

    Attributes:
        steps: S.
        eta: as the step gets it; "large" for Eq. 12 alone is not measured.
        pictures: number of pictures, of both.
        frechet, spread: Fréchet distance of the step's pictures and its standard error.
        eq12_frechet, eq12_spread: the same of Eq. 12, with the same latents and noise seeds.
        largest_difference: of a step to Eq. 12 on the same arguments, over all pictures.
    """

    steps: int
    eta: float
    pictures: int
    frechet: float
    spread: float
    eq12_frechet: float
    eq12_spread: float
    largest_difference: float


def measure_custom(
    checkpoint: Checkpoint,
    reference_set: ReferenceSet,
    config: EvaluationConfig,
    step: CustomStep,
    quiet: bool = False,
) -> list[CustomCell]:
    """Measure a user's step over S and eta. Picture i of a cell has latent seed i and noise seed i, as in the Fréchet table.

    The distance of Eq. 12 is taken from ``quality.json`` if it has a cell with as many pictures, and measured otherwise.

    Raises:
        ValueError: the checkpoint has no folder or no U-Net, or an S is above T.
        CustomStepError: the step fails.
    """
    folder, _ = folder_and_device(checkpoint)
    weights = fingerprint(folder)
    extractor = feature_extractor(checkpoint, config.features, config.batch)
    reference = existing_reference(folder, reference_set, weights) if config.features == "unet" else None
    reference = reference or fit_reference(folder, reference_set, extractor, weights, keep=False)
    keys = [(S, eta) for S in resolve_steps(checkpoint, config.steps, STEPS) for eta in _numbers(config.etas)]
    known = _known_cells(folder, config, weights, reference)
    calls = config.pictures * sum(S * (1 if (S, eta) in known else 2) for S, eta in keys)
    cells = []
    with progress_bar("Your step", calls, quiet) as bar:
        column = _Column(checkpoint, config, extractor, reference, step, bar.update)
        for S, eta in keys:
            bar.set_postfix(S=S, eta=eta)
            own, largest = column.own(S, eta)
            frechet, spread = _distance(reference, own)
            ours = known.get((S, eta)) or _distance(reference, column.of_eq12(S, eta, weights))
            cells.append(CustomCell(S, eta, config.pictures, frechet, spread, *ours, largest))
    return cells


@dataclass(frozen=True, eq=False)
class _Column:
    """Samples the pictures of cells, and returns the moments of their features."""

    checkpoint: Checkpoint
    config: EvaluationConfig
    extractor: FeatureExtractor
    reference: ReferenceStatistics
    step: CustomStep
    count: Callable[[int], object]

    def own(self, steps: int, eta: float) -> tuple[Moments, float]:
        """Of the user's step; and its largest difference to Eq. 12."""
        rows, largest = [], 0.0
        for chunk in self._chunks(steps, eta):
            x_T = latent(self.checkpoint.shape, chunk.rows).to(self.checkpoint.predict_noise.device)
            plan, pictures = chunk.settings().plan(self.checkpoint.schedule), x_T
            for sample in denoise_custom(self.checkpoint, x_T, self.step, plan, eta, chunk.rows):
                largest, pictures = max(largest, sample.difference), sample.x_prev
            rows.append(self.reference.project(self.extractor, to_uint8(pictures)))
            self.count(len(chunk.rows) * steps)
        return Moments.of(np.concatenate(rows)), largest

    def of_eq12(self, steps: int, eta: float, weights: str) -> Moments:
        precision = engine_name(self.checkpoint)
        job = FeatureJob(self.config.features, self.config.batch, self.reference, weights, precision)
        rows = []
        for chunk in self._chunks(steps, eta):
            rows.append(job(self.checkpoint, chunk).rows)
            self.count(len(chunk.rows) * steps)
        return Moments.of(np.concatenate(rows))

    def _chunks(self, steps: int, eta: float) -> Iterator[Chunk]:
        for start in range(0, self.config.pictures, self.config.batch):
            yield Chunk(steps, start, min(start + self.config.batch, self.config.pictures), eta)


def _numbers(etas: Sequence[Eta]) -> list[float]:
    return [eta for eta in etas if eta != "large"]


def _distance(reference: ReferenceStatistics, moments: Moments) -> tuple[float, float]:
    distance = reference.distance_of(moments)
    return distance.distance, distance.standard_error


def _known_cells(
    folder: Path, config: EvaluationConfig, weights: str, reference: ReferenceStatistics
) -> dict[tuple[int, Eta], tuple[float, float]]:
    """Distances of Eq. 12 in ``quality.json`` that are comparable: same features, reference, weights, number of pictures."""
    found = (read_quality(folder) or Quality()).frechet
    if found is None or config.features != "unet" or (found.weights, found.reference) != (weights, reference.pictures):
        return {}
    cells = [cell for cell in found.cells if cell.pictures == config.pictures]
    return {(cell.steps, cell.eta): (cell.distance, cell.standard_error) for cell in cells}


def as_markdown(name: str, cells: Sequence[CustomCell]) -> str:
    """Return the table of both columns."""
    head = f"| S | η | Eq. 12 | {name} | largest difference of a step |\n|---|---|---|---|---|\n"
    return head + "\n".join(
        f"| {c.steps} | {c.eta:g} | {c.eq12_frechet:.4g} ± {c.eq12_spread:.2g} | {c.frechet:.4g} ± {c.spread:.2g} "
        f"| {c.largest_difference:.2g} |"
        for c in cells
    )


def write_csv(path: Path, cells: Sequence[CustomCell]) -> None:
    """Write a row for each cell."""
    path.write_bytes(table([asdict(cell) for cell in cells]))
