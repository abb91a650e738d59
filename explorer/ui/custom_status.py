"""The state of the user's own step in a run of a tab: its name, and why it has ended early."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from explorer.custom_sampler import CustomStep, CustomStepError
from explorer.runs.failures import RunFailure
from explorer.ui.localization import localize, to_json


@dataclass
class CustomStatus:
    """The user's step in one run. A failure of it ends its own row and nothing else.

    Attributes:
        step: the step, as its file has it when the run begins.
        problem: what went wrong, as JSON for the page; None so far.
    """

    step: CustomStep
    problem: Any = None

    @classmethod
    def begin(cls, step: CustomStep | None) -> CustomStatus | None:
        """Return the state at the beginning of a run, with the step read again if its file has changed; None without a step."""
        if step is None:
            return None
        status = cls(step)
        with status.reported():
            status.step = step.current()
        return status

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Keep an error of the step, or of the network on a state that it has made, as the problem."""
        try:
            yield
        except (CustomStepError, RunFailure) as error:
            self.problem = to_json(localize(error))

    def to_page(self) -> dict[str, Any]:
        return {"name": self.step.name, "problem": self.problem}
