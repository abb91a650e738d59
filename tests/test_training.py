"""Training: the loss falls, a killed run can be continued, and diffusers opens the checkpoint."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from flat import flat_pictures
from PIL import Image
from safetensors import safe_open
from safetensors.torch import load_file

import explorer as ex
from explorer.denoiser import Denoiser
from explorer.evaluation.held_out_loss import held_out_loss
from explorer.storage.atomic_write import replace_file
from explorer.storage.diffusers_folder import WEIGHTS
from explorer.training.command import main
from explorer.training.loop import PREDICTION_TYPES, TrainingConfig, batch_indices, batch_loss, make_unet, train
from explorer.training.snapshots import TrainingState

pytestmark = pytest.mark.slow

SCHEDULE = ex.Schedule.linear()
SMALL = {"widths": (16, 16), "head": 8, "patch": 1, "batch": 8, "warmup": 10, "held_out": 8}


@pytest.fixture(scope="module", params=["v", "epsilon"])
def trained(request, tmp_path_factory) -> tuple[Path, TrainingConfig]:
    """A folder trained for a few seconds on flat pictures, and how."""
    out = tmp_path_factory.mktemp("training") / f"flat-{request.param}"
    config = TrainingConfig(
        **{**SMALL, "batch": 16, "held_out": 64}, objective=request.param, pictures=16 * 80, lr=5e-3
    )
    train(flat_pictures(320), out, config, device="cpu", quiet=True)
    return out, config


# The loop


def test_training_lowers_the_held_out_loss(trained):
    out, config = trained
    held_out = flat_pictures(320)[-64:]
    kind = PREDICTION_TYPES[config.objective]
    untrained = Denoiser(make_unet((3, 8, 8), config), SCHEDULE, prediction_type=kind, device="cpu")
    before = held_out_loss(untrained, SCHEDULE, held_out).mean
    after = held_out_loss(ex.load(out, device="cpu").predict_noise, SCHEDULE, held_out).mean
    assert after < 0.6 * before


def test_the_folder_opens_here_and_in_diffusers(trained):
    from diffusers import DDPMPipeline

    out, config = trained
    checkpoint = ex.load(out, device="cpu")
    assert checkpoint.shape == (3, 8, 8)
    assert checkpoint.card.title == out.name
    assert checkpoint.predict_noise.prediction_type == PREDICTION_TYPES[config.objective]
    np.testing.assert_array_equal(checkpoint.examples(), flat_pictures(320)[-64:])
    pipeline = DDPMPipeline.from_pretrained(out)
    assert pipeline.scheduler.config.prediction_type == PREDICTION_TYPES[config.objective]
    x_t = ex.latent((3, 8, 8), [0])
    with torch.no_grad():
        output = pipeline.unet(x_t, 499).sample
    ab = SCHEDULE.alpha_bar[500]
    eps = output if config.objective == "epsilon" else (1 - ab) ** 0.5 * x_t + ab**0.5 * output
    torch.testing.assert_close(checkpoint.predict_noise(x_t, 500), eps, rtol=0, atol=1e-4)


def test_the_folder_holds_the_averaged_weights(trained):
    out, _ = trained
    weights, state = load_file(out / WEIGHTS), load_file(out / "training" / "state.safetensors")
    assert {f"ema.{name}" for name in weights} == {key for key in state if key.startswith("ema.")}
    assert all(torch.equal(value, state[f"ema.{name}"]) for name, value in weights.items())
    assert any(not torch.equal(value, state[f"weight.{name}"]) for name, value in weights.items())


def test_the_folder_contains_the_held_out_loss(trained):
    out, config = trained
    measured = held_out_loss(ex.load(out, device="cpu").predict_noise, SCHEDULE, flat_pictures(320)[-64:])
    quality = json.loads((out / "quality.json").read_text())
    assert quality["loss"]["mean"] == pytest.approx(measured.mean, rel=1e-3)
    assert quality["loss"]["pictures"] == 64
    log = [json.loads(line) for line in (out / "training" / "log.jsonl").read_text().splitlines()]
    assert log[0]["step"] == 0
    assert log[-1]["step"] == config.steps
    with Image.open(out / "training" / f"samples-{config.steps:07d}.webp") as sheet:
        assert sheet.size == (8 * 8 + 7 * 2, 8 * 8 + 7 * 2)


@pytest.mark.parametrize("objective", ["v", "epsilon"])
@pytest.mark.parametrize("patch", [1, 2])
def test_a_network_that_knows_its_target_has_no_loss(objective, patch):
    """With black pictures, x_0 = -1, eps and v follow from x_t. The label is t - 1."""

    class KnowsBlack(torch.nn.Linear):
        def forward(self, x_t, label, return_dict):
            ab = torch.from_numpy(SCHEDULE.alpha_bar.copy())[label + 1].view(-1, 1, 1, 1)
            eps = (x_t + ab.sqrt()) / (1 - ab).sqrt()
            return (eps if objective == "epsilon" else ab.sqrt() * eps + (1 - ab).sqrt(),)

    black = np.zeros((16, 8, 8, 3), np.uint8)
    config = TrainingConfig(objective=objective, patch=patch)
    assert batch_loss(KnowsBlack(1, 1), black, 0, config, SCHEDULE) < 1e-6
    assert batch_loss(KnowsBlack(1, 1), black + 255, 0, config, SCHEDULE) > 0.1


def test_a_batch_has_one_t_in_each_equal_part_of_1_to_T():
    labels = []

    class RecordsLabels(torch.nn.Linear):
        def forward(self, x_t, label, return_dict):
            labels.append(label)
            return (x_t,)

    for step in range(300):
        batch_loss(RecordsLabels(1, 1), np.zeros((20, 2, 2, 3), np.uint8), step, TrainingConfig(patch=1), SCHEDULE)
    t = torch.stack(labels) + 1
    assert all(sorted((row - 1) // 50) == list(range(20)) for row in t.tolist() for row in [torch.tensor(row)])
    assert (t.min(), t.max()) == (1, 1000)
    assert abs(t[:, 0].double().mean() - 500.5) < 4 * 289 / 300**0.5  # t does not depend on the position in the batch


def test_every_epoch_is_another_permutation_of_all_pictures():
    config = TrainingConfig(batch=6)
    seen = np.concatenate([batch_indices(step, 20, config) for step in range(10)])
    epochs = seen.reshape(3, 20)
    assert all(sorted(epoch) == list(range(20)) for epoch in epochs.tolist())
    assert len({tuple(epoch) for epoch in epochs.tolist()}) == 3
    np.testing.assert_array_equal(batch_indices(5, 20, config), seen[30:36])
    assert not np.array_equal(batch_indices(0, 20, TrainingConfig(batch=6, seed=1)), seen[:6])


def test_the_learning_rate_rises_stays_and_falls_by_a_half_cosine():
    config = TrainingConfig(pictures=1000, batch=1, lr=1.0, lr_end=0.1, warmup=100, decay=0.4)
    assert config.steps == 1000
    rates = [config.learning_rate(step) for step in range(1001)]
    np.testing.assert_allclose(rates[:100], np.arange(1, 101) / 100)
    np.testing.assert_allclose(rates[100:601], 1.0)
    np.testing.assert_allclose(rates[600:], 0.1 + 0.9 * (1 + np.cos(np.pi * np.arange(401) / 400)) / 2)
    assert rates[800] == pytest.approx(0.55)
    assert rates[1000] == pytest.approx(0.1)


def test_the_average_follows_the_weights_with_a_decay_that_warms_up_to_its_limit():
    layer = torch.nn.Linear(2, 1, bias=False)
    state = TrainingState.create(layer, lr=0.1, objective="v")
    expected = layer.weight.detach().clone()
    for step in range(30):
        before = layer.weight.detach().clone()
        state.update(layer(torch.ones(1, 2)).square().sum(), lr=0.1, decay=0.6)
        assert not torch.equal(layer.weight, before)
        keep = min(0.6, (1 + step) / (10 + step))
        expected = keep * expected + (1 - keep) * layer.weight.detach()
        torch.testing.assert_close(state.ema[0], expected)
    assert state.step == 30


def test_a_run_can_start_from_the_weights_of_another_checkpoint(trained, tmp_path):
    out, config = trained
    more = TrainingConfig(**{**SMALL, "lr": 0.0, "lr_end": 0.0, "pictures": 8, "objective": config.objective})
    train(flat_pictures(40), tmp_path / "more", more, init=out, device="cpu", quiet=True)
    old, new = load_file(out / WEIGHTS), load_file(tmp_path / "more" / WEIGHTS)
    assert all(torch.equal(old[key], new[key]) for key in old)
    other = TrainingConfig(**SMALL, objective="epsilon" if config.objective == "v" else "v")
    with pytest.raises(ValueError, match="is for another picture shape, patch size or objective: expected shape"):
        train(flat_pictures(40), tmp_path / "other", other, init=out, device="cpu", quiet=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"held_out": 40}, "40 pictures are too few for 40 held out and a batch of 8"),
        ({"batch": 0}, "batch must be a whole number of at least 1, not 0"),
        ({"pictures": 0}, "pictures must be a whole number of at least 1, not 0"),
        ({"decay": 1.5}, "decay from 0 to 1"),
        ({"held_out": 4}, "held_out must be 0 or at least 5, not 4"),
        ({"patch": 3}, "8x8 pictures do not divide by patch 3 and 1 halvings"),
        ({"widths": (8, 8, 8, 8, 8)}, "8x8 pictures do not divide by patch 1 and 4 halvings"),
    ],
)
def test_an_invalid_configuration_is_refused_before_the_run_starts(tmp_path, change, message):
    with pytest.raises(ValueError, match=message):
        train(flat_pictures(40), tmp_path / "out", TrainingConfig(**{**SMALL, **change}), device="cpu", quiet=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("widths", [(16, 32), (16, 16, 16)])
def test_a_run_is_not_continued_from_the_state_of_another_network(trained, widths):
    out, _ = trained
    before = (out / WEIGHTS).read_bytes()
    with pytest.raises(ValueError, match="belongs to another network; give another --out"):
        train(flat_pictures(40), out, TrainingConfig(**{**SMALL, "widths": widths}), device="cpu", quiet=True)
    assert (out / WEIGHTS).read_bytes() == before
    ex.load(out, device="cpu")


# Interrupted runs


def state_step(out: Path) -> int:
    """The step of the last snapshot, 0 if there is none. A partial file would raise an error."""
    path = out / "training" / "state.safetensors"
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        return int(file.metadata()["step"])


def test_a_killed_run_continues_to_the_weights_of_an_uninterrupted_one(tmp_path):
    pictures = flat_pictures(40, side=4)
    np.savez(tmp_path / "flat.npz", images=pictures)
    config = TrainingConfig(**SMALL, pictures=40 * 8, snapshot=0, evaluate=1000)
    out, output = tmp_path / "killed", tmp_path / "output.txt"
    options = "--device cpu --widths 16 16 --head 8 --patch 1 --batch 8 --warmup 10 --held-out 8 --pictures 320"
    command = [sys.executable, "-m", "explorer", "train", "--data", tmp_path / "flat.npz", "--out", out]
    command += [*options.split(), "--snapshot", "0", "--evaluate", "1000"]
    with output.open("wb") as file:
        process = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stdout=file, stderr=file)
        deadline = time.monotonic() + 120
        while state_step(out) < 5 and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, output.read_text()
    assert 5 <= state_step(out) < config.steps
    ex.load(out, device="cpu")  # the checkpoint of the last snapshot is complete
    train(pictures, out, config, device="cpu", quiet=True)
    train(pictures, tmp_path / "uninterrupted", config, device="cpu", quiet=True)

    assert state_step(out) == config.steps
    for name in (WEIGHTS, "training/state.safetensors"):
        resumed, uninterrupted = load_file(out / name), load_file(tmp_path / "uninterrupted" / name)
        assert resumed.keys() == uninterrupted.keys()
        for key in uninterrupted:
            torch.testing.assert_close(resumed[key], uninterrupted[key], rtol=0, atol=1e-6)
    files, expected = (
        {str(file.relative_to(folder)) for file in folder.rglob("*")} for folder in (out, tmp_path / "uninterrupted")
    )
    assert files == expected


def test_raising_the_number_of_pictures_continues_a_finished_run(tmp_path):
    short, long = (TrainingConfig(**{**SMALL, "held_out": 0}, pictures=n, lr=0.0, lr_end=0.0) for n in (16, 32))
    train(flat_pictures(20, side=4), tmp_path / "out", short, device="cpu", quiet=True)
    assert state_step(tmp_path / "out") == 2
    train(flat_pictures(20, side=4), tmp_path / "out", long, device="cpu", quiet=True)
    assert state_step(tmp_path / "out") == 4
    assert not (tmp_path / "out" / "quality.json").exists()  # there are no held-out pictures


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")

    def fail(part: Path) -> None:
        part.write_bytes(b"ha")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_file(path, fail)
    assert path.read_bytes() == b"old"
    replace_file(path, lambda part: part.write_bytes(b"new"))
    assert [p.name for p in tmp_path.iterdir()] == ["weights.bin"]
    assert path.read_bytes() == b"new"


# The command


def test_the_command_reports_errors_in_one_line(tmp_path, capsys):
    assert main(["--data", str(tmp_path / "none.npz"), "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err.startswith("train: no data at ")
    np.savez(tmp_path / "few.npz", images=flat_pictures(3))
    assert main(["--data", str(tmp_path / "few.npz"), "--out", str(tmp_path / "out")]) == 2
    assert "3 pictures are too few for 512 held out and a batch of 32" in capsys.readouterr().err
