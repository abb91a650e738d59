"""What the Solvers tab computes: the rows, the columns, the errors, and the orders on a mixture."""

import json
import math

import numpy as np
import pytest
from tab_values import TOY, pictures_of, shown, tab_of, values_of

import explorer as ex
from explorer.solvers import ORDERS, solution, steps_within
from explorer.storage.quality_file import Distance, SolverCell, SolverTable, write_quality
from explorer.ui.tabs.solvers.comparison import SWEEP
from explorer.ui.tabs.solvers.exact_errors import exact_errors, slope

GIVEN = {"seed": 3, "calls": 9}


@pytest.fixture(scope="module")
def value():
    """The last value of a run with N = 9."""
    return values_of(tab_of("solvers"), GIVEN)[-1]


@pytest.fixture(scope="module")
def x_T():
    return ex.latent(TOY.shape, [3])


def test_every_row_takes_as_many_steps_as_its_calls_allow(value):
    plans = json.loads(value["plans"])
    assert {s: plan["steps"] for s, plan in plans.items()} == {s: steps_within(s, 9) for s in ex.SOLVERS}
    assert {s: plan["calls"] for s, plan in plans.items()} == dict(zip(ex.SOLVERS, (9, 9, 9, 9, 9, 9), strict=True))
    assert {s: plan["order"] for s, plan in plans.items()} == dict(ORDERS)


def test_the_first_jump_is_a_share_of_the_range_of_the_noise_level(value):
    ab = TOY.schedule.alpha_bar
    s = np.sqrt((1 - ab) / ab)
    plan = json.loads(value["plans"])["heun"]
    first = ex.timesteps(1000, plan["steps"])[-2]
    assert plan["first_jump"] == pytest.approx(1 - s[first] / s[1000])


def test_a_column_shows_predicted_x0_after_its_calls(value, x_T):
    columns, pictures = json.loads(value["columns"]), pictures_of(value)
    assert columns == [1, 2, 3, 4, 6, 7, 8, 9]
    for solver in ex.SOLVERS:
        steps = list(ex.solve(TOY, x_T, solver, steps_within(solver, 9)))
        for column, calls in enumerate(columns):
            step = next(step for step in steps if calls <= step.calls)
            assert np.array_equal(pictures[f"{solver}/{column}"], shown(step.x0)), (solver, calls)
        assert np.array_equal(pictures[f"{solver}/end"], shown(steps[-1].x_prev))


def test_errors_are_measured_to_a_finer_solution(value, x_T):
    reference = solution(TOY, x_T, "dpm-solver++-2m", 200, "log-snr")

    def error(solver, steps):
        return float((solution(TOY, x_T, solver, steps) - reference).square().mean().sqrt()) / 2

    facts, sweep = json.loads(value["facts"]), json.loads(value["sweep"])
    assert json.loads(value["reference"]) == {"solver": "dpm-solver++-2m", "steps": 200, "spacing": "log-snr"}
    assert np.array_equal(pictures_of(value)["reference"], shown(reference))
    for solver in ("ddim", "rk4"):
        assert facts["errors"][solver] == pytest.approx(error(solver, steps_within(solver, 9)), abs=1e-6)
    assert [calls for calls, _ in sweep["ddim"]["points"]] == list(SWEEP)
    assert sweep["heun"]["points"][1] == pytest.approx([7, error("heun", 4)], abs=1e-6)
    assert facts["dpm_solver_1"] < 1e-5


def test_the_finer_reference_and_even_steps_are_settings():
    last = values_of(tab_of("solvers"), GIVEN | {"fine": True, "even_lambda": True, "clip": True})[-1]
    assert json.loads(last["reference"]) == {"solver": "plms", "steps": 1000, "spacing": "linear"}
    assert "spacing='log-snr', clip=True" in last["script"]
    x_T = ex.latent(TOY.shape, [3])
    end = solution(TOY, x_T, "heun", 5, "log-snr", clip=True)
    assert np.array_equal(pictures_of(last)["heun/end"], shown(end))


def test_a_larger_number_of_calls_makes_the_rows_only(make):
    tab = make("solvers")
    first = values_of(tab, GIVEN)[-1]
    again = values_of(tab, GIVEN | {"calls": 20})[-1]
    assert again["expected"] <= 6 * 20 < first["expected"]
    assert json.loads(again["sweep"]) == json.loads(first["sweep"])


def test_the_default_view_needs_few_enough_calls():
    last = values_of(tab_of("solvers"), {})[-1]
    assert last["expected"] <= 1000  # 10 s at 10 ms a call


def test_a_checkpoint_of_few_time_steps_has_rows_of_at_most_T():
    last = values_of(tab_of("solvers"), {"checkpoint": "short", "calls": 100})[-1]
    plans = json.loads(last["plans"])
    assert all(plan["steps"] <= 100 for plan in plans.values())
    assert json.loads(last["reference"])["steps"] == 100


@pytest.mark.parametrize("preset", ["two moons", "ring"])
def test_on_a_mixture_the_measured_orders_are_near_the_theoretical_ones(preset):
    for solver, points in exact_errors(preset).items():
        measured = slope(points, 32)
        assert ORDERS[solver] - 0.2 <= measured <= ORDERS[solver] + (0.5 if solver == "rk4" else 0.3), solver


def test_a_slope_is_that_of_the_points_from_a_number_of_calls_on():
    points = [(8, 5.0), *((N, 3 * N**-2.0) for N in (29, 61, 125))]
    assert slope(points, 32) == pytest.approx(2)
    assert slope(points) != pytest.approx(2, abs=0.1)
    assert slope([(8, 1.0), (16, 0.0)]) is None
    assert slope([]) is None


def test_the_measured_table_is_shown_with_the_fewest_calls(make, folder):
    tab = make("solvers")
    (folder / "quality.json").write_text("{}")
    note = json.loads(values_of(tab, GIVEN, lambda: "stopped")[0]["measured"])["note"]
    assert note["say"] == "solvers.missing"
    cells = tuple(
        SolverCell(solver, N, N, N, distance, 0.001, Distance(0.1, 0.01, 16))
        for solver, N, distance in (("ddim", 50, 0.02), ("heun", 20, 0.03), ("heun", 30, 0.01))
    )
    write_quality(folder, solvers=SolverTable(16, "plms, S = 250", "f", "r", "w", "p", "h", 0.001, cells))
    measured = json.loads(values_of(tab, GIVEN, lambda: "stopped")[0]["measured"])
    assert measured["cells"][2] == ["heun", 30, 0.01, 0.1]
    assert measured["fewest"]["heun"] == 30
    assert measured["fewest"]["rk4"] is None
    assert math.isclose(measured["ddim_distance"], 0.001)
