"""The arithmetic of training: the fastest one is used, and a run keeps its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from flat import flat_pictures

import explorer as ex
from explorer.storage import disk_cache
from explorer.training import arithmetic, loop
from explorer.training.arithmetic import ARITHMETICS, Arithmetic
from explorer.training.loop import TrainingConfig, batch_loss, make_unet, train

pytestmark = pytest.mark.slow

SCHEDULE = ex.Schedule.linear()
SMALL = {"widths": (16, 16), "head": 8, "patch": 1, "batch": 8, "warmup": 10, "held_out": 8}


def test_a_run_uses_the_fastest_arithmetic_and_keeps_it_when_it_is_continued(tmp_path, monkeypatch):
    monkeypatch.setenv(disk_cache.ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    fastest = Arithmetic(bfloat16=False, channels_last=True)
    monkeypatch.setattr(arithmetic, "measure", lambda unet, step: {a: float(a != fastest) for a in ARITHMETICS})
    used = []

    def recorded(*arguments):
        used.append(arguments[-1])
        return batch_loss(*arguments)

    monkeypatch.setattr(loop, "batch_loss", recorded)
    config = TrainingConfig(**SMALL, pictures=16)
    train(flat_pictures(64), tmp_path / "run", config, device="cpu", quiet=True)
    assert used == [fastest] * 2
    monkeypatch.setattr(arithmetic, "measure", lambda unet, step: {a: float(a == fastest) for a in ARITHMETICS})
    monkeypatch.setenv(disk_cache.ENVIRONMENT_VARIABLE, str(tmp_path / "another machine"))
    train(flat_pictures(64), tmp_path / "run", replace(config, pictures=32), device="cpu", quiet=True)
    assert used == [fastest] * 4
    train(flat_pictures(64), tmp_path / "other", config, device="cpu", quiet=True)
    assert used[4:] != [fastest] * 2


@pytest.mark.parametrize("bfloat16", [True, False])
def test_the_arithmetics_are_timed_without_a_change_of_the_weights(monkeypatch, bfloat16):
    monkeypatch.setattr(arithmetic, "has_bfloat16", lambda: bfloat16)
    config = TrainingConfig(**SMALL)
    unet = make_unet((3, 8, 8), config)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    losses = {}

    def step(candidate):
        losses[candidate] = batch_loss(unet, flat_pictures(8), 0, config, SCHEDULE, candidate)
        return losses[candidate]

    seconds = arithmetic.measure(unet, step)
    assert set(seconds) == set(losses) == {a for a in ARITHMETICS if bfloat16 or not a.bfloat16}
    assert all(0 < value < float("inf") for value in seconds.values())
    exact = losses[arithmetic.PLAIN].item()
    assert [loss.item() for loss in losses.values()] == pytest.approx([exact] * len(losses), rel=0.02)
    assert all(torch.equal(weight, before[name]) for name, weight in unet.state_dict().items())
    assert all(weight.grad is None for weight in unet.parameters())
