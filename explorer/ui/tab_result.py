"""What a tab has computed so far. The page and the saved files are two views of the same result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from explorer.checkpoint import Checkpoint
from explorer.ui.picture_stream import PictureStream
from explorer.ui.query import TabRequest


@dataclass(kw_only=True)
class TabResult:
    """The base of every tab's result. A tab changes its result while it runs, and yields it after every change worth showing.

    Attributes:
        request: what was asked for.
        state: "running", "stopped" or "ended".
        evaluations: calls of the network so far, counted for each picture; None for a tab that makes none.
        expected: how many there will be in all; None for a tab that makes none.
        pictures: the pictures by name.
        started: when the run began, as ``time.perf_counter`` has it.
    """

    request: TabRequest[Any]
    state: str = "running"
    evaluations: int | None = 0
    expected: int | None = 0
    pictures: PictureStream = field(default_factory=PictureStream)
    started: float = field(default_factory=time.perf_counter)

    @property
    def checkpoint(self) -> Checkpoint:
        return self.request.checkpoint

    @property
    def seconds(self) -> float:
        """How long the run has been going on."""
        return time.perf_counter() - self.started

    @property
    def share(self) -> float:
        """The share of the run that is done, from 0 to 1."""
        return (self.evaluations or 0) / (self.expected or 1)

    def script(self) -> str:
        """A Python script that makes the same pictures, for "Copy as Python"."""
        raise NotImplementedError

    def fixed(self) -> dict[str, Any]:
        """The entries of the page's value that stay the same while the run goes on. A tab adds its own."""
        return {
            "settings": self.request.fields(),
            "script": self.script(),
            "shape": list(self.checkpoint.shape),
        }

    def changing(self) -> dict[str, Any]:
        """The entries of the page's value that change while the run goes on. A tab adds its own."""
        return {
            "state": self.state,
            "pictures": self.pictures.to_page(),
            "evaluations": self.evaluations,
            "expected": self.expected,
            "seconds": self.seconds,
        }

    @cached_property
    def _fixed(self) -> dict[str, Any]:
        return self.fixed()

    def to_page(self) -> dict[str, Any]:
        """The result as the JSON value that the page shows."""
        return self._fixed | self.changing()
