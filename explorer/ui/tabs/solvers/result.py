"""The result of Solvers: a row of pictures for each solver, and errors over the number of network calls."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from explorer.networks.engine_choice import Timing
from explorer.runs.latent_spec import with_imports
from explorer.schedule import Schedule
from explorer.solvers import ORDERS, Solver, SolverSpacing, network_calls, solver_timesteps, steps_within
from explorer.storage.quality_file import SolverTable
from explorer.trajectory import evenly_spaced
from explorer.ui.localization import LocalizedMessage, to_json
from explorer.ui.quality_notes import localize_description, read_measurements
from explorer.ui.tab_result import TabResult
from explorer.ui.tabs.solvers.custom_solver import CustomSolver
from explorer.ui.tabs.solvers.exact_errors import CALLS, FITTED_FROM, POINTS, Point, slope

COLUMNS = 8
FINE_STEPS = 200  # S of the reference: with even steps in lambda, it is about as fine as DDIM with S = T


@dataclass(frozen=True)
class Reference:
    """The solution that the pictures are compared with.

    Attributes:
        solver: of order 2, with one call per step.
        steps: S.
        spacing: of tau.
    """

    solver: Solver
    steps: int
    spacing: SolverSpacing


@dataclass(frozen=True)
class SolverPlan:
    """What N network calls give one solver.

    Attributes:
        steps: S.
        calls: network calls of the run, at most N.
        first_jump: fraction of the range of the noise level s that the first jump crosses.
        order: theoretical order.
    """

    steps: int
    calls: int
    first_jump: float
    order: int


@dataclass(kw_only=True)
class SolversResult(TabResult):
    """Rows of one comparison. Pictures are named ``<solver>/<column>`` and ``<solver>/end``; ``reference`` is the solution's.

    Attributes:
        plans: of each row, by solver.
        columns: network calls after which a column shows predicted x_0.
        errors: rms difference of each row's picture to the reference over the range of a picture, by solver.
        sweep: errors over network calls, by solver.
        exact: the same on a mixture with the exact score, in the plane.
        dpm_solver_1: largest difference of DDIM's steps to those of DPM-Solver-1; None before the row of DDIM has ended.
        custom: the runs of the user's own step; None if the app has none.
    """

    plans: dict[Solver, SolverPlan]
    columns: list[int]
    errors: dict[Solver, float] = field(default_factory=dict)
    sweep: dict[Solver, list[Point]] = field(default_factory=dict)
    exact: Mapping[Solver, Sequence[Point]] = field(default_factory=dict)
    dpm_solver_1: float | None = None
    custom: CustomSolver | None = None

    @property
    def engine(self) -> str:
        """Everything is computed in float32: the errors are smaller than the rounding of faster formats."""
        return self.checkpoint.float32.engine

    @property
    def timings(self) -> tuple[Timing, ...]:
        return self.checkpoint.float32.predict_noise.timings

    @property
    def spacing(self) -> SolverSpacing:
        """Of tau."""
        return "log-snr" if self.request.options.even_lambda else self.request.settings.spacing

    @property
    def reference(self) -> Reference:
        T = self.checkpoint.schedule.T
        if self.request.options.fine:
            return Reference("plms", T, "linear")
        return Reference("dpm-solver++-2m", min(FINE_STEPS, T), "log-snr")

    @cached_property
    def measured(self) -> tuple[SolverTable | None, Any]:
        """The checkpoint's table in ``quality.json``, None if there is none, and a note that says so."""
        quality, note = read_measurements(self.checkpoint)
        if quality is not None and quality.solvers is None:
            note = to_json(LocalizedMessage("solvers.missing", {"name": self.checkpoint.name}))
        return (quality.solvers if quality else None), note

    def fixed(self) -> dict[str, Any]:
        return super().fixed() | {
            "plans": json.dumps({solver: asdict(plan) for solver, plan in self.plans.items()}),
            "columns": json.dumps(self.columns),
            "T": self.checkpoint.schedule.T,
            "reference": json.dumps(asdict(self.reference)),
            "of_exact": json.dumps({"from": FITTED_FROM, "to": CALLS[-1], "points": POINTS}),
            "measured": json.dumps(self._measured_to_page()),
        }

    def changing(self) -> dict[str, Any]:
        facts = {"errors": self.errors, "dpm_solver_1": self.dpm_solver_1}
        return super().changing() | {
            "facts": json.dumps(facts),
            "sweep": json.dumps(_with_slopes(self.sweep)),
            "exact": json.dumps(_with_slopes(self.exact, FITTED_FROM)),
            "custom": json.dumps(self.custom and self.custom.to_page()),
        }

    def _measured_to_page(self) -> dict[str, Any]:
        table, note = self.measured
        if table is None:
            return {"cells": [], "note": note}
        cells = [[c.solver, c.limit, c.distance, c.frechet and c.frechet.distance] for c in table.cells]
        return {
            "cells": cells,
            "note": "",
            "pictures": table.pictures,
            "reference": table.reference,
            "ddim_distance": table.ddim_distance,
            "features": localize_description(table.features, "measured.unet_features", "measured.inception_features"),
            "fewest": {solver: table.fewest_calls(solver) for solver in self.plans},
        }

    def script(self) -> str:
        """Return a script that makes the final pictures of the rows with the public API."""
        steps = ", ".join(f'"{solver}": {plan.steps}' for solver, plan in self.plans.items())
        return with_imports(f"""checkpoint = {self.checkpoint.to_python()}.float32
x_T = {self.request.latent.to_python()}
steps = {{{steps}}}
for solver, S in steps.items():
    for step in ex.solve(checkpoint, x_T, solver, S, spacing={self.spacing!r}, clip={self.request.settings.clip}):
        print(solver, step)
    ex.to_image(step.x_prev).save(f"{{solver}}.png")
""")


def _with_slopes(points: Mapping[Solver, Sequence[Point]], fitted_from: int = 0) -> dict[str, Any]:
    return {solver: {"points": row, "slope": slope(row, fitted_from)} for solver, row in points.items()}


def plan_of(solver: Solver, calls: int, schedule: Schedule, spacing: SolverSpacing) -> SolverPlan:
    """Return what ``calls`` network calls give a solver."""
    steps = min(steps_within(solver, calls), schedule.T)
    tau = solver_timesteps(schedule, steps, spacing)
    first, second = schedule.alpha_bar[tau[-1]], schedule.alpha_bar[tau[-2] if steps > 1 else 0]
    crossed = 1 - math.sqrt((1 / second - 1) / (1 / first - 1))
    return SolverPlan(steps, network_calls(solver, tau), crossed, ORDERS[solver])


def columns_of(calls: int) -> list[int]:
    """Return the numbers of calls after which predicted x_0 is shown, ascending, the last one ``calls``."""
    return [1 + index for index in evenly_spaced(calls, COLUMNS)]
