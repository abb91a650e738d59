"""``python -m explorer evaluate --only solvers``, and reading its table."""

import json
import shutil

import numpy as np
import pytest
from files import edit
from flat import flat_pictures

import explorer as ex
from explorer.evaluation.command import main
from explorer.evaluation.features import ReferenceStatistics, unet_features
from explorer.media.convert import to_uint8
from explorer.solvers import steps_within
from explorer.storage.quality_file import SolverCell, SolverTable, read_quality, write_quality

SMALL = ["--only=solvers", "--solver-pictures=16", "--batch=8", "--device=cpu", "--solver-calls", "3", "6"]


def table_of(distances):
    """A table with these distances by solver and N."""
    cells = tuple(SolverCell(s, N, N, N, d, 0.0) for s, row in distances.items() for N, d in row.items())
    return SolverTable(4, "plms, S = 1000", "", "", "", "", "", 0.001, cells)


def test_the_fewest_calls_that_reach_ddims_distance():
    table = table_of(
        {"ddim": {10: 0.1, 50: 0.02, 100: 0.01}, "heun": {10: 0.03, 30: 0.02}, "rk4": {10: 0.5, 100: 0.03}}
    )
    assert [table.fewest_calls(solver) for solver in ("ddim", "heun", "rk4", "plms")] == [50, 30, None, None]
    assert table.fewest_calls("heun", steps=10) == 10
    assert table.fewest_calls("heun", steps=20) is None


def test_a_file_without_solvers_stays_valid_and_a_table_is_read_as_it_was_written(tmp_path):
    (tmp_path / "quality.json").write_text("{}")
    assert read_quality(tmp_path).solvers is None
    table = table_of({"ddim": {50: 0.02}})
    write_quality(tmp_path, solvers=table)
    assert read_quality(tmp_path).solvers == table
    edit(tmp_path / "quality.json", solvers={"pictures": 4})
    with pytest.raises(ValueError, match=r"solvers.reference: Field required"):
        read_quality(tmp_path)


@pytest.fixture(scope="module")
def measured(tiny_folder, tmp_path_factory):
    """A tiny checkpoint of T = 40 whose solvers were measured."""
    out = shutil.copytree(tiny_folder, tmp_path_factory.mktemp("solvers") / "tiny")
    np.savez(out / "examples.npz", images=flat_pictures(20))
    edit(out / "scheduler" / "scheduler_config.json", num_train_timesteps=40)
    assert main([str(out), *SMALL]) == 0
    return out


@pytest.mark.slow
def test_the_table_has_every_solver_at_every_number_of_calls(measured):
    table = read_quality(measured).solvers
    assert [(cell.solver, cell.limit) for cell in table.cells] == [(s, N) for s in ex.SOLVERS for N in (3, 6)]
    assert (table.pictures, table.reference) == (16, "dpm-solver++-2m, S = 40, log-snr")
    assert all(cell.calls <= cell.limit and cell.frechet.pictures == 16 for cell in table.cells)


@pytest.mark.slow
def test_a_cell_is_what_the_solver_gives(measured):
    checkpoint, table = ex.load(measured, "cpu"), read_quality(measured).solvers
    x_T = ex.latent(checkpoint.shape, range(16))

    def pictures(solver, steps, spacing="linear"):
        *_, last = ex.solve(checkpoint, x_T, solver, steps, spacing)
        return last.x_prev

    reference, features = pictures("dpm-solver++-2m", 40, "log-snr"), unet_features(checkpoint)
    statistics = ReferenceStatistics.fit(features, checkpoint.examples(), "", "")
    for solver in ("ddim", "rk4"):
        cell, made = table.cell(solver, 6), pictures(solver, steps_within(solver, 6))
        distances = (made - reference).square().mean((1, 2, 3)).sqrt() / 2
        assert cell.distance == pytest.approx(float(distances.mean()), rel=1e-3)
        assert cell.standard_error == pytest.approx(float(distances.std()) / 4, rel=0.05)
        assert cell.frechet.distance == pytest.approx(statistics.distance(features, to_uint8(made)).distance, rel=1e-2)
    whole = (pictures("ddim", 40) - reference)[:2].square().mean((1, 2, 3)).sqrt() / 2
    assert table.ddim_distance == pytest.approx(float(whole.mean()), rel=1e-3)


@pytest.mark.slow
def test_measured_cells_are_kept_and_others_added(measured, monkeypatch):
    before = json.loads((measured / "quality.json").read_text())
    monkeypatch.setattr("explorer.evaluation.solver_table.solution", None)  # no picture is sampled again
    assert main([str(measured), *SMALL]) == 0
    assert json.loads((measured / "quality.json").read_text()) == before
    monkeypatch.undo()
    assert main([str(measured), *SMALL, "10"]) == 0
    table = read_quality(measured).solvers
    assert {cell.limit for cell in table.cells} == {3, 6, 10}
    assert table.cell("heun", 6).distance == before["solvers"]["cells"][3]["distance"]
    assert json.loads((measured / "quality.json").read_text()).keys() == before.keys()
