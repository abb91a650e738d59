"""The bench: that it measures what it says, not how fast anything is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from explorer.bench import command, measures
from explorer.bench.worker_process import WorkerProcess, pipeline, sampler, steps_tab, trainer


def test_both_sides_of_a_pair_draw_the_same_pictures(tiny_folder, tmp_path):
    ours, theirs = (str(tmp_path / f"{side}.npy") for side in ("ours", "theirs"))
    for work, file in ((sampler(str(tiny_folder), "exact"), ours), (pipeline(str(tiny_folder)), theirs)):
        assert work(batch=2, steps=4, save=file)["seconds"] > 0
    assert np.load(ours).shape == (2, 3, 8, 8)
    assert np.load(ours).std() > 0.1
    np.testing.assert_allclose(np.load(ours), np.load(theirs), atol=1e-4)


@pytest.mark.slow
def test_a_player_answers_and_its_failure_is_told(tiny_folder):
    with WorkerProcess("sampler", str(tiny_folder), engine="exact") as player:
        answer = player(batch=1, steps=2)
        assert answer["engine"] == "torch float32"
        assert answer["seconds"] > 0
        with pytest.raises(RuntimeError, match="ended with code"):
            player(batch=1, steps=-4)


def test_the_network_is_a_part_of_the_run_of_steps(tiny_folder):
    steps = steps_tab(str(tiny_folder), "exact")
    run = steps(steps=8, cached=True)
    assert 0 < run["network"] < run["seconds"]
    assert run["values"] > 1
    again = steps(steps=8, cached=True)
    assert (again["network"], again["values"]) == (0, 1)


@pytest.mark.parametrize("plain", [False, True])
def test_a_step_of_training_is_a_step(tiny_folder, plain):
    step = trainer(str(tiny_folder), plain)
    assert step(index=0)["pictures"] == 32


def test_the_table_is_markdown_with_the_machine_above(tiny_folder, capsys):
    assert command.main([str(tiny_folder), "--quick", "--engine", "exact", "--only", "peak"]) == 0
    machine, empty, head, line, *rows = capsys.readouterr().out.splitlines()
    assert "torch" in machine
    assert (empty, head, line) == ("", "| what | measured | how |", "|---|---|---|")
    assert [re.sub(r"\d+(\.\d+)?", "N", row.split(" | ")[1]) for row in rows] == ["N%"]


def test_every_part_is_there():
    assert list(command.PARTS) == ["diffusers", "peak", "steps", "batches", "page", "training"]
    assert all(callable(part) for part in command.PARTS.values())
    assert measures.Plan().batches == (1, 8, 32)


def test_an_unknown_checkpoint_is_told_in_a_line(capsys):
    assert command.main(["nothing", "--only", "peak"]) == 2
    assert "no checkpoint 'nothing'" in capsys.readouterr().err
