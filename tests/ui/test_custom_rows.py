"""The user's own step in the tabs: a row beside Eq. 12, and what an error of it leaves as it was."""

import json
import math

import pytest
from tab_values import SMALL, tab_of, values_of

from explorer.custom_sampler import CustomStep
from explorer.ui.command import read_custom_step
from explorer.ui.export_formats import ExportSource
from explorer.ui.show import show


def eq12(x_t, eps, z, alpha_bar, alpha_bar_prev, eta):
    sigma = eta * math.sqrt((1 - alpha_bar_prev) / (1 - alpha_bar)) * math.sqrt(1 - alpha_bar / alpha_bar_prev)
    x0 = (x_t - math.sqrt(1 - alpha_bar) * eps) / math.sqrt(alpha_bar)
    return math.sqrt(alpha_bar_prev) * x0 + math.sqrt(max(0, 1 - alpha_bar_prev - sigma**2)) * eps + sigma * z


def failing(x_t, eps, z, alpha_bar, alpha_bar_prev, eta):
    if alpha_bar > 0.5:
        raise RuntimeError("too late")
    return eq12(x_t, eps, z, alpha_bar, alpha_bar_prev, eta)


def last_of(name, step, **given):
    return values_of(tab_of(name, custom_step=step and CustomStep(step)), SMALL[name] | given)[-1]


@pytest.mark.parametrize("name", ["compare", "solvers", "paths"])
def test_without_a_step_there_is_no_row(name):
    assert json.loads(last_of(name, None)["custom"]) is None


def test_eq_12_by_hand_is_the_row_yours_of_compare():
    value = last_of("compare", eq12)
    facts = json.loads(value["facts"])
    assert list(json.loads(value["rows"]))[-1] == "mine"
    assert facts["mine"]["eq12"] < 1e-5
    assert facts["mine"]["to_yours"] < 1e-5
    assert facts["mine"]["distance"] == pytest.approx(facts["yours"]["distance"], abs=1e-5)
    assert json.loads(value["custom"]) == {"name": "eq12", "problem": None}


def test_eq_12_by_hand_is_ddim_in_solvers():
    value = last_of("solvers", eq12)
    custom, facts, sweep = (json.loads(value[name]) for name in ("custom", "facts", "sweep"))
    exact = json.loads(value["exact"])
    assert custom["difference"] < 1e-5
    assert custom["error"] == pytest.approx(facts["errors"]["ddim"], rel=1e-3)
    for mine, ddim in zip(custom["sweep"]["points"], sweep["ddim"]["points"], strict=True):
        assert mine == pytest.approx(ddim, rel=1e-2)
    assert custom["exact"]["slope"] == pytest.approx(exact["ddim"]["slope"], abs=1e-3)


def test_eq_12_by_hand_has_the_paths_of_yours():
    value = last_of("paths", eq12)
    runs = json.loads(value["runs"])
    assert runs["mine"]["energy"] == pytest.approx(runs["yours"]["energy"], abs=1e-4)
    assert json.loads(value["custom"])["difference"] < 1e-5


@pytest.mark.parametrize("name", ["compare", "solvers", "paths"])
def test_a_step_that_fails_ends_its_own_row_and_nothing_else(name):
    value = last_of(name, failing)
    problem = json.loads(value["custom"])["problem"]
    assert value["state"] == "ended"
    assert problem["say"] == "sampler.raises"
    assert "test_custom_rows.py, line" in problem["values"]["where"]
    assert problem["values"]["error"] == "RuntimeError: too late"


@pytest.mark.parametrize("step", [eq12, failing])
def test_files_have_the_row_if_it_came_to_its_end(step):
    for name, column in (("compare", "row"), ("solvers", "solver")):
        tab = tab_of(name, custom_step=CustomStep(step))
        *_, result = tab.results(tab.parse(SMALL[name]), lambda: "running")
        kinds = {form.name: form for form in tab.export_formats}
        source = ExportSource(result)
        rows = kinds["csv"].make(source).decode("utf-8-sig")
        assert kinds["sheet"].make(source)
        assert ("mine" in rows) == (step is eq12 or name == "solvers")
        assert column in rows


def test_a_file_that_is_broken_when_the_run_begins_is_reported_in_its_row(tmp_path):
    file = tmp_path / "my.py"
    file.write_text("def my_step(x_t, eps, z, alpha_bar, alpha_bar_prev, eta):\n    return x_t\n", encoding="utf-8")
    tab = tab_of("compare", custom_step=CustomStep.from_file(f"{file}:my_step"))
    file.write_text("def my_step(:\n", encoding="utf-8")
    custom = json.loads(values_of(tab, SMALL["compare"])[-1]["custom"])
    assert (custom["name"], custom["problem"]["say"]) == ("my_step", "sampler.import")


def test_a_public_app_takes_no_step(tmp_path):
    with pytest.raises(ValueError, match="--sampler runs your code for everybody"):
        read_custom_step("my.py:my_step", public=True)
    with pytest.raises(ValueError, match=r"expected FILE\.py:FUNCTION"):
        read_custom_step("my.py", public=False)
    with pytest.raises(ValueError, match="sampler runs your code for everybody who has the link"):
        show(sampler=eq12, share=True)
    assert read_custom_step(None, public=True) is None
