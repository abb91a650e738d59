"""A checkpoint's ``quality.json``: what was measured of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from explorer.paper import Eta
from explorer.storage.atomic_write import replace_file
from explorer.storage.safe_read import MAX_JSON, parse_json, read_file
from explorer.support.arguments import shorten

Item = TypeVar("Item")
LARGEST = 1e15
Count = Annotated[int, Field(ge=0, le=LARGEST)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Text = Annotated[str, Field(max_length=2000)]
Rows = Annotated[tuple[Item, ...], Field(max_length=1000)]
StandardError = Annotated[Number, Field(alias="spread")]  # its name in the file


@dataclass(frozen=True)
class LossEntry:
    """The held-out eps-MSE: its mean, its means over fifths of the range of t, and (t, loss) as a curve."""

    pictures: Count
    mean: Number
    fifths_of_t: Rows[Number]
    curve: Rows[tuple[Number, Number]]
    how: Text
    held_out: Text = ""
    weights: Text = ""


@dataclass(frozen=True)
class Distance:
    """A Fréchet distance to real pictures, its standard error, and of how many pictures: it falls with their number."""

    distance: Number
    standard_error: StandardError
    pictures: Count


@dataclass(frozen=True)
class FrechetCell:
    """One cell of a Fréchet table; ``eta`` is in [0, 1], or "large" for sigma-hat."""

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
        features: the name of the number: which features, and that it is not the published FID.
        reference: which real pictures it is measured to.
        weights: fingerprint of the network's weights.
        precision, how: of the measurement.
        real: the distance of held-out real pictures, which no sampler can be expected to beat.
        cells: ascending in S, then in eta, "large" last.
    """

    features: Text
    reference: Text
    weights: Text
    precision: Text
    how: Text
    real: Distance | None = None
    cells: Rows[FrechetCell] = ()

    @property
    def machine(self) -> str:
        """What the seconds per picture were taken on, and in batches of how many pictures."""
        return "; ".join(dict.fromkeys(f"{cell.machine}, batches of {cell.batch}" for cell in self.cells))

    def cell(self, steps: int, eta: Eta) -> FrechetCell | None:
        """The cell of S = ``steps`` and ``eta``, if it has been measured."""
        return next((cell for cell in self.cells if (cell.steps, cell.eta) == (steps, eta)), None)


@dataclass(frozen=True)
class ReconstructionCell:
    """Mean squared error per dimension, pictures in [0, 1], after S steps each way, and its standard error.

    ``inversion`` is how the way up found its eps, as :class:`explorer.inversion.Inversion` writes it.
    """

    steps: Count
    mse: Number
    standard_error: StandardError
    inversion: Text = "plain"


@dataclass(frozen=True)
class ReconstructionTable:
    """Reconstruction error of the first ``pictures`` of which held-out ones, and how measured.

    ``cells`` stand by inversion, the paper's first, and ascend in S.
    """

    pictures: Count
    how: Text
    held_out: Text
    weights: Text
    cells: Rows[ReconstructionCell] = ()


@dataclass(frozen=True)
class Quality:
    """A checkpoint's ``quality.json``; parts that have not been measured are None."""

    loss: LossEntry | None = None
    frechet: FrechetTable | None = None
    frechet_inception: FrechetTable | None = None
    reconstruction: ReconstructionTable | None = None


QUALITY = TypeAdapter(Quality)


def read_quality(folder: Path) -> Quality | None:
    """Read ``quality.json`` in a checkpoint folder; None if there is no such file. Unknown entries are ignored.

    Raises:
        ValueError: it is not JSON, or an entry is missing or of another type; the message names the entry.
    """
    path = folder / "quality.json"
    if not path.exists():
        return None
    try:
        data = read_file(path, MAX_JSON)
        parse_json(data)  # refuses what JSON does not allow but Python's and pydantic's parsers do, such as NaN
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable JSON file ({error}); measure again without it") from error
    try:
        return QUALITY.validate_json(data, strict=True)
    except ValidationError as error:
        raise ValueError(f"{path}: {_first_problem(error)}") from None


def _first_problem(error: ValidationError) -> str:
    """The first entry that cannot be used, where it stands, and what was expected, such as ``loss.mean: Field required``."""
    problem = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in problem["loc"] if part not in ("float", "literal['large']"))
    given = "" if problem["type"] == "missing" else f", not {shorten(problem['input'])}"
    return f"{place}: {problem['msg']}{given}".removeprefix(": ")


def write_quality(folder: Path, **parts: Any) -> None:
    """Put parts of :class:`Quality` into ``quality.json``, as values of its classes or as JSON; keep everything else."""
    path = folder / "quality.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    measured = {
        name: part if isinstance(part, dict) else TypeAdapter(type(part)).dump_python(part, mode="json", by_alias=True)
        for name, part in parts.items()
    }
    replace_file(path, lambda part: part.write_text(json.dumps(known | measured, indent=2) + "\n", encoding="utf-8"))
