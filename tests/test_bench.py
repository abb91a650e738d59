"""The bench: that it measures what it says, not how fast anything is."""

from __future__ import annotations

import re

import numpy as np
import pytest

from explorer.bench import command, measures
from explorer.bench.player import Player


def test_both_sides_of_a_pair_draw_the_same_pictures(tiny_folder, tmp_path):
    files = {"sampler": tmp_path / "ours.npy", "pipeline": tmp_path / "theirs.npy"}
    for kind, file in files.items():
        options = {"engine": "exact"} if kind == "sampler" else {}
        with Player(kind, str(tiny_folder), **options) as player:
            assert player(batch=2, steps=4, save=str(file))["seconds"] > 0
    ours, theirs = (np.load(file) for file in files.values())
    assert ours.shape == theirs.shape == (2, 3, 8, 8)
    assert ours.std() > 0.1
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_a_player_that_fails_is_told(tiny_folder):
    with (
        Player("sampler", str(tiny_folder), engine="exact") as player,
        pytest.raises(RuntimeError, match="ended with code"),
    ):
        player(batch=0, steps=-4)


def test_the_network_is_a_part_of_the_run_of_steps(tiny_folder):
    with Player("steps_tab", str(tiny_folder), engine="exact") as steps:
        run = steps(steps=8, forget=False)
        assert 0 < run["network"] < run["seconds"]
        assert run["values"] > 1
        again = steps(steps=8, forget=False)
        assert (again["network"], again["values"]) == (0, 1)


def test_the_table_is_markdown_with_the_machine_above(tiny_folder, capsys):
    assert command.main([str(tiny_folder), "--quick", "--engine", "exact", "--only", "peak", "training"]) == 0
    machine, empty, head, line, *rows = capsys.readouterr().out.splitlines()
    assert "torch" in machine
    assert (empty, head, line) == ("", "| what | measured | how |", "|---|---|---|")
    assert [re.sub(r"\d+(\.\d+)?", "N", row.split(" | ")[1]) for row in rows] == ["N%", "N×"]


def test_every_part_is_there():
    assert list(command.PARTS) == ["diffusers", "peak", "steps", "batches", "page", "training"]
    assert all(callable(part) for part in command.PARTS.values())
    assert measures.Plan().batches == (1, 8, 32)


def test_an_unknown_checkpoint_is_told_in_a_line(capsys):
    assert command.main(["nothing", "--only", "peak"]) == 2
    assert "no checkpoint 'nothing'" in capsys.readouterr().err
