"""What is measured of a checkpoint: its loss over t on held-out pictures, and what its ``quality.json`` says."""

from __future__ import annotations

import json
import types
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from explorer.paper import Eta
from explorer.storage.atomic_write import replace_file
from explorer.storage.safe_read import MAX_JSON, parse_json, read_file
from explorer.support.arguments import shorten

MOST_ROWS, LONGEST, LARGEST = 1000, 2000, 1e15  # of a table, a text and a number in quality.json


@dataclass(frozen=True)
class LossEntry:
    """The held-out eps-MSE: its mean, its means over fifths of the range of t, and (t, loss) as a curve."""

    pictures: int
    mean: float
    fifths_of_t: tuple[float, ...]
    curve: tuple[tuple[float, float], ...]
    how: str
    held_out: str = ""
    weights: str = ""


@dataclass(frozen=True)
class Distance:
    """A Fréchet distance to real pictures, its standard error, and of how many pictures: it falls with their number."""

    distance: float
    spread: float
    pictures: int


@dataclass(frozen=True)
class FrechetCell:
    """One cell of a Fréchet table; ``eta`` is in [0, 1], or "large" for sigma-hat."""

    steps: int
    eta: Eta
    distance: float
    spread: float
    pictures: int
    seconds_per_picture: float
    batch: int
    machine: str


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

    features: str
    reference: str
    weights: str
    precision: str
    how: str
    real: Distance | None = None
    cells: tuple[FrechetCell, ...] = ()

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

    steps: int
    mse: float
    spread: float
    inversion: str = "plain"


@dataclass(frozen=True)
class ReconstructionTable:
    """Reconstruction error of the first ``pictures`` of which held-out ones, and how measured.

    ``cells`` stand by inversion, the paper's first, and ascend in S.
    """

    pictures: int
    how: str
    held_out: str
    weights: str
    cells: tuple[ReconstructionCell, ...] = ()


@dataclass(frozen=True)
class Quality:
    """A checkpoint's ``quality.json``; parts that have not been measured are None."""

    loss: LossEntry | None = None
    frechet: FrechetTable | None = None
    frechet_inception: FrechetTable | None = None
    reconstruction: ReconstructionTable | None = None


def read_quality(folder: Path) -> Quality | None:
    """What ``quality.json`` in a checkpoint folder says; None if there is no such file.

    Raises:
        ValueError: if it is no JSON, or an entry is missing or of another kind; the message says which.
    """
    path = folder / "quality.json"
    if not path.exists():
        return None
    try:
        content = parse_json(read_file(path, MAX_JSON))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a readable JSON file ({error}); measure again without it") from error
    return _decode(Quality, content, str(path))


def _decode(kind: Any, value: Any, where: str) -> Any:
    """``value``, as it came from JSON, as the annotated ``kind``; entries that are not known are passed over."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        literal = next((a for a in arguments if get_origin(a) is Literal and value in get_args(a)), None)
        return value if literal else _decode(arguments[0], value, where)
    if (
        origin is tuple
        and isinstance(value, list)
        and len(value) <= MOST_ROWS
        and (arguments[-1] is ... or len(value) == len(arguments))
    ):
        kinds = arguments[:1] * len(value) if arguments[-1] is ... else arguments
        return tuple(_decode(k, v, f"{where}[{i}]") for i, (k, v) in enumerate(zip(kinds, value, strict=True)))
    if is_dataclass(kind) and isinstance(value, dict):
        hints = get_type_hints(kind)
        if missing := [f.name for f in fields(kind) if f.default is MISSING and f.name not in value]:
            raise ValueError(f"{where} has no {missing[0]}")
        return kind(**{name: _decode(hints[name], value[name], f"{where}: {name}") for name in hints if name in value})  # type: ignore[operator]
    if kind is float and type(value) in (int, float) and abs(value) <= LARGEST:  # NaN is not
        return float(value)
    if kind is int and type(value) is int and 0 <= value <= LARGEST:
        return value
    if kind is str and isinstance(value, str) and len(value) <= LONGEST:
        return value
    raise ValueError(f"{where} must be {getattr(kind, '__name__', kind)}, not {shorten(value)}")


def write_quality(out: Path, measured: dict[str, Any]) -> None:
    """Put ``measured`` into ``quality.json``, keeping what else stands there."""
    path = out / "quality.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    replace_file(path, lambda part: part.write_text(json.dumps(known | measured, indent=2) + "\n", encoding="utf-8"))
