"""The settings of Quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from explorer.ui.fields import Check, Options, boolean


@dataclass(frozen=True)
class QualityOptions(Options):
    """Settings of the Quality tab.

    Attributes:
        samples: show pictures for each S and eta, which are generated in the run.
    """

    samples: bool = True

    checks: ClassVar[Mapping[str, Check]] = {"samples": boolean("samples")}
