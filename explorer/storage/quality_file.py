"""A checkpoint's ``quality.json``: its measured loss, Fréchet distances and reconstruction errors."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from explorer.storage import limits
from explorer.storage.atomic_write import replace_file
from explorer.storage.safe_read import parse_json, read_file
from explorer.support.arguments import shorten
from explorer.support.paper_tables import Eta

Item = TypeVar("Item")
Count = Annotated[int, Field(ge=0, le=limits.MAX_NUMBER)]
Number = Annotated[float, Field(ge=-limits.MAX_NUMBER, le=limits.MAX_NUMBER)]
Text = Annotated[str, Field(max_length=limits.MAX_TEXT)]
Rows = Annotated[tuple[Item, ...], Field(max_length=limits.MAX_ROWS)]
StandardError = Annotated[Number, Field(alias="spread")]  # the JSON key


@dataclass(frozen=True)
class LossEntry:
    """The mean squared error of predicted noise on held-out pictures.

    Attributes:
        pictures: number of held-out pictures.
        mean: over all of them and over t.
        fifths_of_t: means over fifths of the range of t, small t first.
        curve: points (t, loss), ascending in t.
        how: how it was measured.
        held_out: which pictures; empty if the training wrote the entry.
        weights: fingerprint of the network's weights; empty if the training wrote the entry.
    """

    pictures: Count
    mean: Number
    fifths_of_t: Rows[Number]
    curve: Rows[tuple[Number, Number]]
    how: Text
    held_out: Text = ""
    weights: Text = ""


@dataclass(frozen=True)
class Distance:
    """A Fréchet distance to real pictures. It is biased: it decreases with the number of pictures."""

    distance: Number
    standard_error: StandardError
    pictures: Count


@dataclass(frozen=True)
class RealDistance(Distance):
    """The distance of real pictures that are not in the reference.

    Attributes:
        pictures: N, for which the distance holds.
        draws: number of disjoint sets of N pictures; ``distance`` is their mean and ``standard_error`` that of the mean.
            0 if there were fewer than N pictures, so that the distance was extrapolated to N.
        deviation: standard deviation of the distance between two or more draws: the scatter of one set of N pictures.
        source: which real pictures; empty in files that do not name them.
    """

    draws: Count = 1
    deviation: Number | None = None
    source: Text = ""


@dataclass(frozen=True)
class BiasFloor:
    """The expected distance of a perfect sampler.

    Attributes:
        pictures: N, number of sampled pictures.
        reference_pictures: M, number of reference pictures; 0 if it is not known, which takes the reference as exact.
    """

    distance: Number
    pictures: Count
    reference_pictures: Count = 0


@dataclass(frozen=True)
class FrechetCell:
    """One cell of a Fréchet table.

    Attributes:
        steps: S.
        eta: in [0, 1], or "large" for sigma-hat.
        pictures: number of sampled pictures.
        batch: pictures per call of the network, for the timing.
        machine: device and engine of the timing.
    """

    steps: Count
    eta: Eta
    distance: Number
    standard_error: StandardError
    pictures: Count
    seconds_per_picture: Number
    batch: Count
    machine: Text


@dataclass(frozen=True)
class FrechetTable:
    """Fréchet distance over S and eta.

    Attributes:
        features: name of the metric: which features, and that it is not comparable with published FID.
        reference: which real pictures the distance is measured to.
        weights: fingerprint of the network's weights.
        precision: engine and number format of the sampling.
        how: how it was measured.
        real: distance of real pictures.
        floor: the expected distance of a perfect sampler with Gaussian features.
        cells: ascending in S, then in eta, "large" last.
    """

    features: Text
    reference: Text
    weights: Text
    precision: Text
    how: Text
    real: RealDistance | None = None
    floor: BiasFloor | None = None
    cells: Rows[FrechetCell] = ()

    @property
    def machine(self) -> str:
        """Machines and batch sizes of the timings."""
        return "; ".join(dict.fromkeys(f"{cell.machine}, batches of {cell.batch}" for cell in self.cells))

    def cell(self, steps: int, eta: Eta) -> FrechetCell | None:
        """The cell of S = ``steps`` and ``eta``; None if it was not measured."""
        return next((cell for cell in self.cells if (cell.steps, cell.eta) == (steps, eta)), None)


@dataclass(frozen=True)
class Quartiles:
    """Quartiles of the errors of single pictures, interpolated linearly as by ``numpy.quantile``.

    A mean over pictures is ruled by a few outliers if their errors spread over orders of magnitude. The quartiles are
    not.

    Attributes:
        first, median, third: 25 %, 50 % and 75 % of the pictures have a smaller error.
        pictures: number of held-out pictures; the first ones.
    """

    first: Number
    median: Number
    third: Number
    pictures: Count


@dataclass(frozen=True)
class ReconstructionCell:
    """Reconstruction error after encoding and sampling.

    Attributes:
        steps: S, of the encoding and of the sampling.
        mse: mean over the pictures of the mean squared error per dimension, pictures in [0, 1].
        inversion: the inversion method, in the text form of :class:`explorer.inversion.Inversion`.
        pictures: number of held-out pictures of ``mse``; the first ones. 0 in older files: that of the table.
        quartiles: of the same errors, perhaps over fewer pictures; None in older files.
    """

    steps: Count
    mse: Number
    standard_error: StandardError
    inversion: Text = "plain"
    pictures: Count = 0
    quartiles: Quartiles | None = None


@dataclass(frozen=True)
class ReconstructionTable:
    """Reconstruction error over S.

    Attributes:
        pictures: how many of the held-out pictures were reconstructed, at most; the first ones.
        how: how it was measured.
        held_out: which pictures.
        weights: fingerprint of the network's weights.
        cells: grouped by inversion method, the paper's first, and ascending in S.
    """

    pictures: Count
    how: Text
    held_out: Text
    weights: Text
    cells: Rows[ReconstructionCell] = ()

    def pictures_of(self, cell: ReconstructionCell) -> int:
        """Number of pictures of the cell's mean."""
        return cell.pictures or self.pictures


@dataclass(frozen=True)
class SolverCell:
    """Pictures of one solver of the probability-flow ODE.

    Attributes:
        solver: a name in :data:`explorer.solvers.SOLVERS`.
        limit: N, the number of network calls that a picture may take.
        steps: S, the largest that N allows.
        calls: network calls of a picture, at most N.
        distance: rms difference of a picture to the reference, over the range of a picture; the mean over the pictures.
        frechet: the Fréchet distance of the pictures; None if there were too few.
    """

    solver: Text
    limit: Count
    steps: Count
    calls: Count
    distance: Number
    standard_error: StandardError
    frechet: Distance | None = None


@dataclass(frozen=True)
class SolverTable:
    """Solvers of the probability-flow ODE at equal numbers of network calls.

    Attributes:
        pictures: number of latents.
        reference: which solution the pictures are compared with.
        features: name of the Fréchet distance; empty if there is none.
        real_pictures: to which the Fréchet distance is measured; empty if there is none.
        weights: fingerprint of the network's weights.
        precision: engine and number format of the sampling.
        how: how it was measured.
        ddim_distance: the distance of DDIM with S = T to the reference.
        cells: grouped by solver, ascending in N.
    """

    pictures: Count
    reference: Text
    features: Text
    real_pictures: Text
    weights: Text
    precision: Text
    how: Text
    ddim_distance: Number
    cells: Rows[SolverCell] = ()

    def cell(self, solver: str, limit: int) -> SolverCell | None:
        """The cell of a solver at N = ``limit``; None if it was not measured."""
        return next((cell for cell in self.cells if (cell.solver, cell.limit) == (solver, limit)), None)

    def fewest_calls(self, solver: str, steps: int = 50) -> int | None:
        """The smallest N at which a solver is as near to the reference as DDIM with S = ``steps``; None if no cell is."""
        goal = self.cell("ddim", steps)
        reached = [c.limit for c in self.cells if goal and c.solver == solver and c.distance <= goal.distance]
        return min(reached, default=None)


@dataclass(frozen=True)
class Quality:
    """The content of ``quality.json``; parts that were not measured are None."""

    loss: LossEntry | None = None
    frechet: FrechetTable | None = None
    frechet_inception: FrechetTable | None = None
    reconstruction: ReconstructionTable | None = None
    solvers: SolverTable | None = None


QUALITY_ADAPTER = TypeAdapter(Quality)


def read_quality(folder: Path) -> Quality | None:
    """Read ``quality.json`` of a checkpoint folder; None if it does not exist. Unknown entries are ignored.

    Raises:
        ValueError: invalid JSON, or an entry is missing or has an invalid value. The message names the entry.
    """
    path = folder / "quality.json"
    if not path.exists():
        return None
    try:
        data = read_file(path, limits.MAX_JSON_BYTES)
        parse_json(data)  # refuses NaN and other invalid JSON that pydantic accepts
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable JSON file ({error}); delete it and measure again") from error
    try:
        return QUALITY_ADAPTER.validate_json(data, strict=True)
    except ValidationError as error:
        raise ValueError(f"{path}: {_first_error(error)}") from None


def _first_error(error: ValidationError) -> str:
    """The path of the first invalid entry and what was expected, such as ``loss.mean: Field required``."""
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"] if part not in ("float", "literal['large']"))
    actual = "" if first["type"] == "missing" else f", not {shorten(first['input'])}"
    return f"{path}: {first['msg']}{actual}".removeprefix(": ")


def write_quality(folder: Path, **parts: Any) -> None:
    """Set entries of ``quality.json``, and keep all others.

    Args:
        parts: attributes of :class:`Quality`, as values of their classes or as JSON objects.
    """
    path = folder / "quality.json"
    existing = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    changes = {
        name: part if isinstance(part, dict) else TypeAdapter(type(part)).dump_python(part, mode="json", by_alias=True)
        for name, part in parts.items()
    }
    content = json.dumps(existing | changes, indent=2) + "\n"
    replace_file(path, lambda temporary: temporary.write_text(content, encoding="utf-8"))
