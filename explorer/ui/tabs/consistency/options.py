"""The settings of Consistency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from explorer.runs.latent_spec import LatentSpec, parse_list, split
from explorer.support.arguments import as_int
from explorer.support.number_text import read_whole
from explorer.ui.fields import Check, InvalidField, Options, field_label
from explorer.ui.localization import LocalizedMessage

MAX_LATENTS, MAX_COLUMNS = 12, 8


def parse_latents(value: Any) -> list[LatentSpec]:
    """Parse the list of latents, see :func:`explorer.runs.latent_spec.parse_list`."""
    return parse_list(str(value) if isinstance(value, int) else value, 1, MAX_LATENTS)


def parse_steps(value: Any, T: int | None = None) -> list[int]:
    """Parse the list of S, the numbers of steps. Return it in ascending order.

    Args:
        value: a text such as "5, 10, 20", or a single int.
        T: the maximum of S, if known.

    Raises:
        ValueError: an entry is not an integer in 1..T or occurs twice, or there are too few or too many entries.
    """
    parts = split(str(value) if isinstance(value, int) and not isinstance(value, bool) else value)
    numbers = [as_int(field_label("steps"), p if (number := read_whole(p)) is None else number, 1, T) for p in parts]
    repeated = [n for i, n in enumerate(numbers) if n in numbers[:i]]
    if repeated:
        raise ValueError(LocalizedMessage("error.steps_twice", {"given": repeated[0]}))
    if not 2 <= len(numbers) <= MAX_COLUMNS:
        raise ValueError(LocalizedMessage("error.steps_count", {"most": MAX_COLUMNS, "count": len(numbers)}))
    return sorted(numbers)


@dataclass(frozen=True)
class ConsistencyOptions(Options):
    """Settings of the Consistency tab.

    Attributes:
        latents: of the rows, as a comma-separated list.
        lengths: S of each column, as a comma-separated list.
    """

    latents: str = "22, 10, 29, 3"
    lengths: str = "5, 10, 20, 50"

    checks: ClassVar[Mapping[str, Check]] = {
        "latents": lambda value: ", ".join(str(latent) for latent in parse_latents(value)),
        "lengths": lambda value: ", ".join(map(str, parse_steps(value))),
    }


def default_lengths(T: int) -> str:
    """Return the default columns for a checkpoint: those with S up to its T.

    Raises:
        InvalidField: T is 1, so there is nothing to compare.
    """
    if T == 1:
        raise InvalidField("checkpoint", LocalizedMessage("error.one_step"))
    columns = [S for S in parse_steps(ConsistencyOptions.lengths) if S <= T]
    return ", ".join(map(str, columns if len(columns) > 1 else [1, T]))
