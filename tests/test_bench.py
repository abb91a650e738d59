"""The benchmark: it measures what it claims to. How fast anything is, is not tested."""

from __future__ import annotations

import re

import numpy as np
import pytest

from explorer.bench import command, measures
from explorer.bench.worker_process import WorkerProcess, pipeline, sampler, steps_tab, trainer
from explorer.networks.processor import has_bfloat16
from explorer.storage import disk_cache
from explorer.training.arithmetic import ARITHMETICS


def test_both_sides_of_a_comparison_sample_the_same_pictures(tiny_folder, tmp_path):
    ours, theirs = (str(tmp_path / f"{side}.npy") for side in ("ours", "theirs"))
    for work, file in ((sampler(str(tiny_folder), "exact"), ours), (pipeline(str(tiny_folder)), theirs)):
        assert work(batch=2, steps=4, save=file)["seconds"] > 0
    assert np.load(ours).shape == (2, 3, 8, 8)
    assert np.load(ours).std() > 0.1
    np.testing.assert_allclose(np.load(ours), np.load(theirs), atol=1e-4)


@pytest.mark.slow
def test_a_worker_process_answers_and_reports_its_failure(tiny_folder):
    with WorkerProcess("sampler", str(tiny_folder), engine="exact") as worker:
        answer = worker(batch=1, steps=2)
        assert answer["engine"] == "torch float32"
        assert answer["seconds"] > 0
        with pytest.raises(RuntimeError, match="exited with code"):
            worker(batch=1, steps=-4)


def test_the_network_takes_a_part_of_the_time_of_a_run_of_steps(tiny_folder):
    work = steps_tab(str(tiny_folder), "exact")
    run = work(steps=8, cached=True)
    assert 0 < run["network"] < run["seconds"]
    assert run["values"] > 1
    cached = work(steps=8, cached=True)
    assert (cached["network"], cached["values"]) == (0, 1)


@pytest.mark.slow
@pytest.mark.parametrize("plain", [False, True])
def test_a_training_step_is_timed(tiny_folder, plain):
    work = trainer(str(tiny_folder), plain)
    answer = work(index=0)
    assert answer["pictures"] == 32
    assert answer["arithmetic"] in ({""} if plain else {arithmetic.name for arithmetic in ARITHMETICS})


@pytest.mark.slow
def test_the_engines_and_their_times_are_listed(tiny_folder, tmp_path, monkeypatch):
    pytest.importorskip("openvino", reason="OpenVINO is not installed: torch is the only engine here")
    monkeypatch.setenv(disk_cache.ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    rows = list(measures.engine_timings(measures.BenchConfig(checkpoint=str(tiny_folder))))
    assert rows[0][0] == "engines, B = 1"
    for what, engine, times in rows:
        assert what in ("engines, B = 1", "engines, B = 8")
        assert re.match(r"(OpenVINO|torch) \w+", engine)
        assert re.findall(r"(?:OpenVINO|torch) \w+ on \d+: \d+\.\d ms", times)


@pytest.mark.slow
def test_the_table_is_markdown_below_a_description_of_the_machine(tiny_folder, capsys):
    assert command.main([str(tiny_folder), "--quick", "--engine", "exact", "--only", "peak"]) == 0
    machine, empty, header, line, *rows = capsys.readouterr().out.splitlines()
    assert "torch" in machine
    assert (empty, header, line) == ("", "| what | measured | how |", "|---|---|---|")
    assert [re.sub(r"\d+(\.\d+)?", "N", row.split(" | ")[1]) for row in rows] == [
        *["N GFLOP/s"] * (1 + has_bfloat16()),
        "N%",
    ]


def test_every_part_can_be_selected():
    assert list(command.PARTS) == ["diffusers", "engines", "peak", "steps", "batches", "page", "training"]
    assert all(callable(part) for part in command.PARTS.values())
    assert measures.BenchConfig().batches == (1, 8, 32)


def test_an_unknown_checkpoint_is_reported_in_one_line(capsys):
    assert command.main(["nothing", "--only", "peak"]) == 2
    assert "no checkpoint 'nothing'" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--attacked", "--unshared"])
def test_options_of_the_load_test_need_users(option, capsys):
    with pytest.raises(SystemExit):
        command.main([option])
    assert f"{option} needs --users" in capsys.readouterr().err
