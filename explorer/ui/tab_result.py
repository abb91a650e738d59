"""The result of a tab's run so far. The page's value and the exported files are both made from it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from explorer.checkpoint import Checkpoint
from explorer.networks.engine_choice import Timing
from explorer.runs.stored_results import Origin
from explorer.ui.picture_stream import PictureStream
from explorer.ui.query import TabRequest


@dataclass(kw_only=True)
class TabResult(ABC):
    """Base class of every tab's result. A running tab changes its result and yields it after every visible change.

    Attributes:
        request: the request that the tab runs.
        state: "running", "stopped" or "ended".
        evaluations: network evaluations (NFE) so far, counted for each picture; None for a tab without a network.
        expected_evaluations: total number of evaluations of the run; None for a tab without a network.
        pictures: the pictures by name.
        origins: of its parts that come from the disk.
        started: time at which the run began, from ``time.perf_counter``.
    """

    request: TabRequest[Any]
    state: str = "running"
    evaluations: int | None = 0
    expected_evaluations: int | None = 0
    pictures: PictureStream = field(default_factory=PictureStream)
    origins: set[Origin] = field(default_factory=set)
    started: float = field(default_factory=time.perf_counter)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.request.checkpoint

    @property
    def engine(self) -> str:
        """Display name of the engine that computed this result; empty before the first call."""
        return self.checkpoint.engine

    @property
    def timings(self) -> tuple[Timing, ...]:
        """What the engine was chosen by; empty if nothing was timed."""
        return self.checkpoint.predict_noise.timings

    def add_origin(self, origin: Origin | None) -> None:
        """Note how a part of the result was computed, if it comes from the disk."""
        if origin is not None:
            self.origins.add(origin)

    @property
    def origin(self) -> dict[str, Any] | None:
        """How the result was computed, for the page: {engine, made, prepared}; None if this run has called the network.

        ``made`` is when the last part was computed, in seconds as ``time.time``. ``prepared`` is whether all parts were
        prepared.
        """
        if self.evaluations or not self.origins:
            return None
        engines = sorted({origin.engine for origin in self.origins if origin.engine})
        return {
            "engine": " / ".join(engines),
            "made": max(origin.made for origin in self.origins),
            "prepared": all(origin.is_prepared for origin in self.origins),
        }

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
        return time.perf_counter() - self.started

    @property
    def progress(self) -> float:
        """Fraction of the run that is done, from 0 to 1."""
        return (self.evaluations or 0) / (self.expected_evaluations or 1)

    @abstractmethod
    def script(self) -> str:
        """Return a Python script that makes the same pictures, for "Copy as Python"."""

    def fixed(self) -> dict[str, Any]:
        """Return the entries of the page's value that stay the same during the run. A tab adds its own."""
        return {
            "settings": self.request.fields(),
            "script": self.script(),
            "shape": list(self.checkpoint.shape),
        }

    def changing(self) -> dict[str, Any]:
        """Return the entries of the page's value that change during the run. A tab adds its own."""
        return {
            "state": self.state,
            "pictures": self.pictures.to_page(),
            "evaluations": self.evaluations,
            "expected": self.expected_evaluations,
            "seconds": self.seconds,
        }

    @cached_property
    def _fixed(self) -> dict[str, Any]:
        return self.fixed()

    def to_page(self) -> dict[str, Any]:
        """Return the JSON value that the page shows."""
        return self._fixed | self.changing()
