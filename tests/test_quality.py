"""The held-out loss, reading quality.json, and the tables of the paper."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hostile import LISTS

import explorer as ex
from explorer.checkpoint import CHECKPOINTS
from explorer.evaluation.features import ReferenceStatistics
from explorer.evaluation.frechet import bias_floor
from explorer.evaluation.held_out_loss import ROUNDS, held_out_loss
from explorer.storage.quality_file import BiasFloor, Quartiles, RealDistance, read_quality, write_quality
from explorer.support.paper_tables import TABLE_1, TABLE_1_STEPS, TABLE_2, TABLE_2_STEPS

SCHEDULE = ex.Schedule.linear()
BLACK = np.zeros((50, 16, 16, 1), np.uint8)  # x_0 = -1 everywhere


def predict_for_black(x_t, t):
    """The exact eps for data that consists of black pictures."""
    ab = torch.from_numpy(SCHEDULE.alpha_bar.copy())[t].view(-1, 1, 1, 1)
    return ((x_t + ab.sqrt()) / (1 - ab).sqrt()).float()


def test_an_exact_network_has_no_loss():
    assert held_out_loss(predict_for_black, SCHEDULE, BLACK).mean < 1e-6


def test_a_network_that_predicts_zero_has_the_variance_of_the_noise_as_loss():
    loss = held_out_loss(lambda x_t, t: torch.zeros_like(x_t), SCHEDULE, BLACK)
    assert loss.mean == pytest.approx(1, abs=4 * math.sqrt(2 / (50 * ROUNDS * 256)))


def test_the_loss_is_measured_at_its_t():
    """A network with the error t/1000 has the loss (t/1000)^2 at t."""
    loss = held_out_loss(lambda x, t: predict_for_black(x, t) + t.view(-1, 1, 1, 1) / 1000, SCHEDULE, BLACK)
    np.testing.assert_allclose(loss.loss, (np.array(loss.t) / 1000) ** 2, atol=1e-3)
    fifths = [np.mean((np.array(loss.t)[i * 40 : (i + 1) * 40] / 1000) ** 2) for i in range(5)]
    np.testing.assert_allclose(loss.fifths, fifths, atol=1e-3)
    assert loss.mean == pytest.approx(1 / 3, abs=0.01)


def test_the_time_steps_are_evenly_spaced_over_1_to_T():
    loss = held_out_loss(predict_for_black, SCHEDULE, BLACK)
    assert loss.t == tuple(range(1, 1001, 1000 // (50 * ROUNDS)))


def test_the_loss_is_reproducible_and_does_not_depend_on_the_batch():
    losses = [held_out_loss(lambda x, t: x, SCHEDULE, BLACK, batch=b).mean for b in (32, 7, 32)]
    assert losses[0] == losses[2]
    assert losses[1] == pytest.approx(losses[0], rel=1e-6)


def test_the_entry_of_the_loss_is_json_even_for_the_fewest_pictures():
    entry = held_out_loss(lambda x, t: x, SCHEDULE, BLACK[:5]).to_json()
    assert entry["pictures"] == 5
    assert len(entry["curve"]) == 20
    json.dumps(entry, allow_nan=False)


# quality.json

CELL = {
    "steps": 10,
    "eta": 0,
    "distance": 1.5,
    "spread": 0.1,
    "pictures": 256,
    "seconds_per_picture": 0.3,
    "batch": 32,
    "machine": "CPU",
}
TABLE = {"features": "f", "reference": "r", "weights": "w", "precision": "float32", "how": "h", "cells": [CELL]}


def write(folder, content) -> None:
    (folder / "quality.json").write_text(content if isinstance(content, str) else json.dumps(content))


def test_the_shipped_checkpoint_has_a_plausible_loss():
    loss = read_quality(CHECKPOINTS / "faces-64").loss
    assert 0 < loss.mean < 0.01
    assert len(loss.fifths_of_t) == 5
    t, values = zip(*loss.curve, strict=True)
    assert list(t) == sorted(t)
    assert values[0] > 10 * values[-1]


def test_the_entry_of_a_loss_can_be_read(tmp_path):
    measured = held_out_loss(predict_for_black, SCHEDULE, BLACK)
    write(tmp_path, {"loss": measured.to_json()})
    loss = read_quality(tmp_path).loss
    assert (loss.pictures, loss.weights) == (50, "")
    assert loss.fifths_of_t == pytest.approx(measured.fifths, rel=1e-3)


def test_a_missing_file_and_missing_parts_are_none(tmp_path):
    assert read_quality(tmp_path) is None
    write(tmp_path, {"frechet": TABLE, "later": {}})
    quality = read_quality(tmp_path)
    assert quality.loss is quality.reconstruction is quality.frechet_inception is None
    cell = quality.frechet.cell(10, 0.0)
    assert (cell.eta, cell.distance, cell.standard_error) == (0.0, 1.5, 0.1)
    assert quality.frechet.machine == "CPU, batches of 32"
    assert quality.frechet.real is None


def test_files_of_earlier_versions_keep_their_real_distance_and_have_no_floor(tmp_path):
    write(tmp_path, {"frechet": TABLE | {"real": {"distance": 0.5, "spread": 0.1, "pictures": 512}}})
    table = read_quality(tmp_path).frechet
    assert table.real == RealDistance(0.5, 0.1, 512, draws=1, deviation=None, source="")
    assert table.floor is None


def test_a_table_is_read_as_it_was_written_and_other_parts_are_kept(tmp_path):
    write(tmp_path, {"later": {"of a newer version": 1}, "frechet": TABLE})
    real = RealDistance(0.5, 0.1, 256, draws=16, deviation=0.4, source="others")
    table = replace(read_quality(tmp_path).frechet, real=real, floor=BiasFloor(0.4, 256, 4096))
    write_quality(tmp_path, frechet=table)
    assert read_quality(tmp_path).frechet == table
    assert json.loads((tmp_path / "quality.json").read_text())["later"] == {"of a newer version": 1}


@pytest.mark.parametrize("folder", sorted(CHECKPOINTS.glob("*/")), ids=lambda folder: folder.name)
def test_the_shipped_real_pictures_are_as_many_as_those_of_the_cells_and_near_the_floor(folder):
    table = read_quality(folder).frechet
    assert {cell.pictures for cell in table.cells} == {table.real.pictures, table.floor.pictures}
    assert table.floor.distance < table.real.distance < 1.25 * table.floor.distance
    reference = ReferenceStatistics.read(folder / "features_reference.npz")
    floor = bias_floor(reference.gaussian, table.floor.pictures, reference.count)
    assert table.floor.distance == pytest.approx(floor, rel=1e-3)


def test_a_reconstruction_without_quartiles_has_the_pictures_of_its_table(tmp_path):
    cells = [
        {"steps": 10, "mse": 0.01, "spread": 0.001},
        {"steps": 20, "mse": 0.005, "spread": 0.001, "inversion": "ahead", "pictures": 16}
        | {"quartiles": {"first": 0.001, "median": 0.002, "third": 0.003, "pictures": 8}},
    ]
    table = {"pictures": 128, "how": "h", "held_out": "o", "weights": "w", "cells": cells}
    write(tmp_path, {"reconstruction": table})
    read = read_quality(tmp_path).reconstruction
    earlier, newer = read.cells
    assert (read.pictures_of(earlier), earlier.quartiles) == (128, None)
    assert (read.pictures_of(newer), newer.quartiles) == (16, Quartiles(0.001, 0.002, 0.003, 8))
    write_quality(tmp_path, reconstruction=read)
    assert read_quality(tmp_path).reconstruction == read


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", r"quality\.json is not a readable JSON file"),
        ("[]", r"quality\.json: .*object, not \[\]"),
        ({"frechet": []}, r"quality\.json: frechet: .*object, not \[\]"),
        ({"frechet": {}}, r"frechet\.features: Field required"),
        ({"frechet": TABLE | {"cells": [{}]}}, r"frechet\.cells\.0\.steps: Field required"),
        ({"frechet": TABLE | {"cells": [CELL | {"eta": "small"}]}}, r"frechet\.cells\.0\.eta: .*number, not 'small'"),
        ({"frechet": TABLE | {"cells": [CELL | {"steps": 2.5}]}}, r"frechet\.cells\.0\.steps: .*integer, not 2\.5"),
        ({"frechet": TABLE | {"cells": [CELL | {"distance": math.nan}]}}, "NaN is not valid JSON"),
        ({"frechet": TABLE | {"real": 1}}, r"frechet\.real: .*object, not 1"),
        ({"loss": {"pictures": True}}, r"loss\.pictures: .*integer, not True"),
        (
            {"reconstruction": {"pictures": True, "how": "", "held_out": "", "weights": ""}},
            r"reconstruction\.pictures: .*integer, not True",
        ),
    ],
)
def test_the_message_for_an_invalid_file_names_the_entry(tmp_path, content, message):
    write(tmp_path, content)
    with pytest.raises(ValueError, match=message):
        read_quality(tmp_path)


# The tables of the paper


def test_the_tables_of_the_paper_agree_with_its_text():
    """DDIM is best up to S = 100, sigma-hat is best at S = 1000, and the errors decrease with S."""
    for table in TABLE_1.values():
        assert {len(row) for row in table.values()} == {len(TABLE_1_STEPS)}
        for i, S in enumerate(TABLE_1_STEPS):
            best = min(table, key=lambda eta, i=i: table[eta][i])
            assert best == ("large" if S == 1000 else 0.0)
        assert all(list(row) == sorted(row, reverse=True) for row in table.values())
    assert len(TABLE_2) == len(TABLE_2_STEPS)
    assert list(TABLE_2) == sorted(TABLE_2, reverse=True)


@pytest.mark.parametrize(
    "content",
    [
        LISTS,
        b'{"loss": ' + LISTS + b"}",
        b'{"loss": {"pictures": 1, "mean": 1' + b"0" * 400 + b"}}",
        b'{"loss": {"pictures": 1e999}}',
        b'{"frechet": NaN}',
        b'{"reconstruction": {"pictures": 1, "how": "' + b"x" * 100_000 + b'", "held_out": "", "weights": ""}}',
        b'{"reconstruction": {"pictures": -1, "how": "", "held_out": "", "weights": ""}}',
        b'{"loss": {"pictures": 1, "mean": 1, "how": "", "curve": [], "fifths_of_t": [' + b"1," * 5000 + b"1]}}",
        b'{"loss": "\\ud800"}',
        b'"quality"',
    ],
    ids=range(10),
)
def test_hostile_files_are_refused_with_a_short_message(tmp_path, content):
    (tmp_path / "quality.json").write_bytes(content)
    with pytest.raises(ValueError, match=r"quality\.json") as raised:
        read_quality(tmp_path)
    assert type(raised.value) is ValueError
    assert len(str(raised.value)) < 800
