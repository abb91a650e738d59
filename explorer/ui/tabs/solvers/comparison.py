"""The run of Solvers: a row for each solver, the errors on a mixture, then the reference and the errors over N."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.custom_sampler import CustomSample, CustomStep
from explorer.runs.cancellation import State, check_cancelled
from explorer.runs.latent_spec import LatentSpec
from explorer.runs.results import BATCH, ResultCache
from explorer.runs.throttle import Throttle
from explorer.solvers import (
    SOLVERS,
    SharedCall,
    Solver,
    SolverRun,
    SolverSpacing,
    SolverStep,
    dpm_solver_1_step,
    network_calls,
    solve_together,
    solver_timesteps,
    steps_within,
)
from explorer.trajectory import rms
from explorer.ui.custom_status import CustomStatus
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.solvers.custom_solver import MINE, CustomSolver
from explorer.ui.tabs.solvers.exact_errors import exact_errors
from explorer.ui.tabs.solvers.options import SolversOptions
from explorer.ui.tabs.solvers.result import SolversResult, columns_of, plan_of
from explorer.ui.tabs.solvers.stored import EXACT_ERRORS, SolverRow, StoredRows

SECONDS_BETWEEN_UPDATES = 0.2
SWEEP = (4, 8, 16, 32, 64)  # N of the chart
RANGE = 2.0  # of a picture's values


@dataclass(frozen=True)
class SolverRequest:
    """A request for the final picture of a solver. Its key is what the picture depends on, besides the checkpoint.

    Attributes:
        latent: x_T.
        solver, steps, spacing, clip: of the run.
    """

    latent: LatentSpec
    solver: Solver
    steps: int
    spacing: SolverSpacing
    clip: bool

    @property
    def key(self) -> tuple[str, str, Solver, int, SolverSpacing, bool]:
        return "solver", str(self.latent), self.solver, self.steps, self.spacing, self.clip

    @property
    def stored_key(self) -> tuple[object, ...]:
        """The key as values whose ``repr`` says it all."""
        return self.key


class SolverComparison:
    """One run of the Solvers tab. All network calls are made in float32.

    Args:
        request: the validated request.
        cache: of final pictures, shared by all tabs.
        state: called after every network call; see :mod:`explorer.runs.cancellation`.
        custom_step: the user's own step, for a row of its own.
    """

    def __init__(
        self,
        request: TabRequest[SolversOptions],
        cache: ResultCache,
        state: State,
        custom_step: CustomStep | None = None,
    ) -> None:
        self.checkpoint, self.cache, self.state = request.checkpoint.float32, cache, state
        self.x_T, self.options = request.latent.latent(self.checkpoint), request.options
        self.latent, self.clip = request.latent, request.settings.clip
        self.result = SolversResult(request=request, plans={}, columns=columns_of(self.options.calls))
        schedule, self.spacing = self.checkpoint.schedule, self.result.spacing
        self.result.plans = {s: plan_of(s, self.options.calls, schedule, self.spacing) for s in SOLVERS}
        self.rows = [self._request(solver, plan.steps) for solver, plan in self.result.plans.items()]
        steps = {(s, min(steps_within(s, N), schedule.T)) for s in SOLVERS for N in SWEEP if steps_within(s, N) > 1}
        self.sweep = [self._request(*key) for key in sorted(steps, key=lambda key: (key[1], SOLVERS.index(key[0])))]
        finer = self.result.reference
        self.reference = SolverRequest(self.latent, finer.solver, finer.steps, finer.spacing, self.clip)
        self.pictures: dict[SolverRequest, Tensor] = {}
        self.custom_picture: Tensor | None = None
        self._new_rows: dict[Solver, list[Tensor]] = {}  # columns of the rows that are computed now
        self._stored_rows = StoredRows(request, self.result.columns, cache.stored)
        self.missing_rows = [r for r in self.rows if not self._is_row_known(r)]
        others = [r for r in (self.reference, *self.sweep) if r not in self.rows and not self._is_known(r)]
        self.missing = list(dict.fromkeys(others))
        self.result.expected_evaluations = sum(self._calls(r) for r in (*self.missing_rows, *self.missing))
        self.custom_calls = [N for N in SWEEP if N <= schedule.T]
        status = CustomStatus.begin(custom_step)
        if status is not None:
            self.result.custom = CustomSolver(status, state)
            self.result.expected_evaluations += self.result.plans["ddim"].steps + sum(self.custom_calls)

    def run(self) -> Iterator[SolversResult]:
        """Yield the result after every visible change."""
        yield from self._run_rows()
        yield from self._run_custom()
        self._measure_exactly()
        yield self.result
        check_cancelled(self.state)
        yield from self._run_others()
        self._measure()
        yield from self._measure_custom()
        self.result.state = "ended"
        yield self.result

    def _run_rows(self) -> Iterator[SolversResult]:
        """Run the rows that are missing together. Yield the result when predicted x_0 of some columns is there."""
        throttle = Throttle(SECONDS_BETWEEN_UPDATES)
        yield self.result
        for call in self._call(self.missing_rows):
            for index, step in call.steps.items():
                self._add_step(self.missing_rows[index], step)
            if call.steps and throttle.ready():
                yield self.result
                throttle.done()
        yield self.result

    def _run_custom(self) -> Iterator[SolversResult]:
        """Run the row of the user's step. Yield the result when predicted x_0 of some columns is there."""
        custom, throttle = self.result.custom, Throttle(SECONDS_BETWEEN_UPDATES)
        if custom is None:
            return
        largest, shown = 0.0, 0
        for index, sample in enumerate(self._custom_samples(custom, self.result.plans["ddim"].steps)):
            largest = max(largest, sample.difference)
            if index + 1 in self.result.columns:
                self._show(MINE, shown, sample.x0[0])
                shown += 1
            if sample.t_prev == 0:
                self._show(MINE, len(self.result.columns), sample.x_prev[0])
                self.custom_picture, custom.difference = sample.x_prev[0], largest
            if throttle.ready():
                yield self.result
                throttle.done()
        yield self.result

    def _measure_custom(self) -> Iterator[SolversResult]:
        """Measure the row of the user's step, and its errors over N."""
        custom, reference = self.result.custom, self.pictures[self.reference]
        if custom is None or self.custom_picture is None:
            return
        custom.error = rms(self.custom_picture - reference) / RANGE
        yield self.result
        for calls in self.custom_calls:
            for sample in self._custom_samples(custom, calls):
                if sample.t_prev == 0:
                    custom.sweep.append((calls, rms(sample.x_prev[0] - reference) / RANGE))
                    yield self.result

    def _custom_samples(self, custom: CustomSolver, steps: int) -> Iterator[CustomSample]:
        for sample in custom.run(self.checkpoint, self.x_T, steps, self.spacing, self.clip):
            self.result.evaluations = (self.result.evaluations or 0) + 1
            yield sample

    def _run_others(self) -> Iterator[SolversResult]:
        """Run the reference and the other points of the chart, which share calls of the network."""
        throttle = Throttle(SECONDS_BETWEEN_UPDATES)
        for _ in self._call(self.missing):
            if throttle.ready():
                yield self.result
                throttle.done()

    def _call(self, requests: list[SolverRequest]) -> Iterator[SharedCall]:
        """Run the requests together, and cache their pictures. Yield every call of the network."""
        runs = [SolverRun(self.x_T, r.solver, r.steps, r.spacing, r.clip) for r in requests]
        for call in solve_together(self.checkpoint, runs, BATCH):
            self.result.evaluations = (self.result.evaluations or 0) + call.rows
            for index, step in call.steps.items():
                if step.t_prev == 0:
                    self.pictures[requests[index]] = step.x_prev[0]
                    self.cache.put_picture(self.checkpoint, requests[index], step.x_prev[0])
            yield call
            check_cancelled(self.state)

    def _add_step(self, request: SolverRequest, step: SolverStep) -> None:
        """Show predicted x_0 in the columns of the calls that this step took, and the picture in those after the last step."""
        solver, first = request.solver, step.calls - len(step.labels) + 1
        shown = self._new_rows.setdefault(solver, [])
        for calls in self.result.columns[len(shown) :]:
            if first <= calls <= step.calls:
                self._show(solver, len(shown), step.x0[0])
                shown.append(step.x0[0])
            elif step.t_prev == 0:
                self._show(solver, len(shown), step.x_prev[0])
                shown.append(step.x_prev[0])
        if solver == "ddim":
            other = dpm_solver_1_step(step.x_t, step.eps_theta, step.alpha_bar, step.alpha_bar_prev)
            difference = float((other - step.x_prev).abs().max())
            self.result.dpm_solver_1 = max(difference, self.result.dpm_solver_1 or 0.0)
        if step.t_prev == 0:
            self._show(solver, len(shown), step.x_prev[0])
            pictures = torch.stack([*self._new_rows.pop(solver), step.x_prev[0]])
            row = SolverRow(pictures, self.result.dpm_solver_1 if solver == "ddim" else None)
            self._stored_rows.put(solver, request.stored_key, row)

    def _show(self, solver: str, column: int, picture: Tensor) -> None:
        """Show a picture in a column; the one after all columns is for the final picture."""
        name = str(column) if column < len(self.result.columns) else "end"
        self.result.pictures.add(f"{solver}/{name}", picture)

    def _measure_exactly(self) -> None:
        """Measure the solvers with an exact score, or take the errors from the disk."""
        stored, plane = self.cache.stored, self.options.plane
        if self.result.custom:
            self.result.custom.measure_exactly(plane)
        found = stored and stored.get(EXACT_ERRORS, None, plane)
        if found:
            self.result.exact = found.value
            self.result.add_origin(found.origin)
            return
        self.result.exact = exact_errors(plane)
        if stored is not None:
            stored.put(EXACT_ERRORS, None, self.result.exact, 1 << 12, plane)

    def _measure(self) -> None:
        """Measure all pictures against the reference."""
        reference = self.pictures[self.reference]
        self.result.pictures.add("reference", reference)
        for request in self.rows:
            self.result.errors[request.solver] = rms(self.pictures[request] - reference) / RANGE
        for solver in SOLVERS:
            requests = [r for r in self.sweep if r.solver == solver]
            points = {self._calls(r): rms(self.pictures[r] - reference) / RANGE for r in requests}
            self.result.sweep[solver] = sorted(points.items())

    def _request(self, solver: Solver, steps: int) -> SolverRequest:
        return SolverRequest(self.latent, solver, steps, self.spacing, self.clip)

    def _calls(self, request: SolverRequest) -> int:
        """Network calls of a run."""
        return network_calls(request.solver, solver_timesteps(self.checkpoint.schedule, request.steps, request.spacing))

    def _is_row_known(self, request: SolverRequest) -> bool:
        """Whether a row was computed before; if so, it is shown."""
        found = self._stored_rows.get(request.solver, request.stored_key)
        if found is None:
            return False
        row = found.value
        for column, picture in enumerate(row.pictures):
            self._show(request.solver, column, picture)
        self.pictures[request] = row.pictures[-1]
        if row.dpm_solver_1 is not None:
            self.result.dpm_solver_1 = row.dpm_solver_1
        self.result.add_origin(found.origin)
        return True

    def _is_known(self, request: SolverRequest) -> bool:
        """Whether the picture was made before; if so, it is kept for this run."""
        picture = self.cache.picture(self.checkpoint, request)
        if picture is not None:
            self.pictures[request] = picture
            self.result.add_origin(self.cache.origin(self.checkpoint, request))
        return picture is not None
