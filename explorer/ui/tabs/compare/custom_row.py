"""The row of the user's own step in Compare."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from explorer.custom_sampler import CustomSample, denoise_custom
from explorer.evaluation.metrics import grain
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.results import PREVIEW_STEPS
from explorer.settings import Settings
from explorer.trajectory import rms
from explorer.ui.custom_status import CustomStatus
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.compare.options import CompareOptions
from explorer.ui.tabs.compare.result import MINE, CompareResult, RowFacts

Add = Callable[[str, Tensor], None]


@dataclass(frozen=True, eq=False)
class CustomRow:
    """The run of a user's step with the settings of the row "yours".

    Attributes:
        request: of the comparison.
        x_T: (1, C, H, W).
        status: of the user's step.
        result: receives pictures and measurements.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.
        has_preview: whether a run with few steps comes first.
    """

    request: TabRequest[CompareOptions]
    x_T: Tensor
    status: CustomStatus
    result: CompareResult
    state: State
    has_preview: bool

    @property
    def evaluations(self) -> int:
        """Network calls of the row and its preview."""
        return self._settings.steps + self._preview_steps

    def preview(self) -> None:
        """Run with few steps, and show its pictures until those of the row are there."""
        if not self._preview_steps:
            return
        samples = list(self._run(replace(self._settings, steps=self._preview_steps)))
        if not samples:
            return
        for index in self.result.moments:
            found = [samples[0], *(s for s in samples if s.t >= self.result.plan[index].t)][-1]
            self._preview(f"{MINE}/{index}/x0", found.x0)
            self._preview(f"{MINE}/{index}/x_t", found.x_t)
        if samples[-1].t_prev == 0:
            self._preview(f"{MINE}/end", samples[-1].x_prev)

    def run(self, add: Add, yours: Tensor, ddim: Tensor) -> Iterator[None]:
        """Run all steps, and yield after every column.

        Args:
            add: takes the name and the picture (C, H, W) of a column.
            yours, ddim: final pictures (C, H, W) of these rows.
        """
        largest, started = 0.0, time.perf_counter()
        for index, sample in enumerate(self._run(self._settings)):
            largest = max(largest, sample.difference)
            if index in self.result.moments:
                add(f"{MINE}/{index}/x0", sample.x0[0])
                add(f"{MINE}/{index}/x_t", sample.x_t[0])
                yield
            if sample.t_prev == 0:
                picture = sample.x_prev[0]
                add(f"{MINE}/end", picture)
                self.result.facts[MINE] = RowFacts(
                    calls=self._settings.steps,
                    seconds=time.perf_counter() - started,
                    distance=rms(picture - ddim),
                    grain=float(grain(picture[None])),
                    eq12=largest,
                    to_yours=rms(picture - yours),
                )
        yield

    @property
    def _settings(self) -> Settings:
        return replace(self.request.settings, variance="eta")

    @property
    def _preview_steps(self) -> int:
        return PREVIEW_STEPS if self.has_preview else 0

    def _run(self, settings: Settings) -> Iterator[CustomSample]:
        """The steps until the last one, or until one fails; the status then says why."""
        checkpoint = self.request.checkpoint
        plan, seeds = settings.plan(checkpoint.schedule), settings.noise_seeds(1)
        if self.status.problem is not None:
            return
        with self.status.reported():
            samples = denoise_custom(checkpoint, self.x_T, self.status.step, plan, settings.eta, seeds, settings.clip)
            for sample in samples:
                self.result.evaluations = (self.result.evaluations or 0) + 1
                yield sample
                check_cancelled(self.state)

    def _preview(self, name: str, picture: Tensor) -> None:
        self.result.pictures.add_preview(name, picture[0], self._preview_steps, self._settings.steps)
