"""The same settings give the same picture: in another run, in another batch, with another number of threads.

The tolerances are those of the README, in grey levels of 255.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import explorer as ex

pytestmark = pytest.mark.slow
SEEDS = (22, 10)
BATCH_MATES = (0, 1, 2)  # seeds of other pictures in the same batch
SCRIPT = """
import hashlib, sys, torch, explorer as ex
torch.set_num_threads(1)
for engine in ("exact", "fast"):
    faces = ex.load("faces-64", device="cpu", engine=engine)
    x_0 = ex.sample(faces, ex.latent(faces.shape, (22, 10)), ex.Settings(steps=5, noise_seed=(3, 4)))
    print(hashlib.sha256(x_0.numpy().tobytes()).hexdigest())
"""


def faces(engine: str, threads: int) -> ex.Checkpoint:
    """The shipped checkpoint, freshly opened, with this number of threads in torch and in OpenVINO."""
    torch.set_num_threads(threads)  # an engine takes over torch's number
    return ex.load("faces-64", device="cpu", engine=engine)


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def pictures(checkpoint: ex.Checkpoint, eta: float, batch_mates: tuple[int, ...] = ()) -> Tensor:
    """x_0 of the two seeds, drawn in one batch with the pictures of ``batch_mates``."""
    settings = ex.Settings(steps=5, eta=eta, noise_seed=(3, 4, *batch_mates))
    return ex.sample(checkpoint, ex.latent(checkpoint.shape, (*SEEDS, *batch_mates)), settings)[: len(SEEDS)]


def max_difference(a: Tensor, b: Tensor) -> float:
    """The largest difference, in grey levels of 255."""
    return float((a.clamp(-1, 1) - b.clamp(-1, 1)).abs().max()) * 127.5


@pytest.fixture(scope="module")
def alone() -> dict[tuple[str, float], Tensor]:
    """The pictures by engine and eta, in a batch of their own, on one thread."""
    checkpoints = {engine: faces(engine, 1) for engine in ("exact", "fast")}
    torch.set_num_threads(1)
    return {(engine, eta): pictures(checkpoints[engine], eta) for engine in checkpoints for eta in (0.0, 1.0)}


@pytest.fixture(scope="module")
def reopened() -> dict[str, ex.Checkpoint]:
    """The checkpoint by engine, opened another time than for ``alone``."""
    return {engine: faces(engine, 1) for engine in ("exact", "fast")}


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("engine", ["exact", "fast"])
def test_a_picture_is_the_same_in_another_run_and_in_another_batch(alone, reopened, engine, eta):
    torch.set_num_threads(1)
    checkpoint, expected = reopened[engine], alone[engine, eta]
    assert torch.equal(pictures(checkpoint, eta), expected)
    assert max_difference(pictures(checkpoint, eta, BATCH_MATES), expected) <= 1


@pytest.mark.parametrize(("engine", "tolerance"), [("exact", 1), ("fast", 4)])
def test_at_eta_zero_a_picture_is_the_same_on_another_number_of_threads(alone, engine, tolerance):
    assert max_difference(pictures(faces(engine, 2), 0.0), alone[engine, 0.0]) <= tolerance


def test_a_picture_is_the_same_in_another_process_bit_for_bit(alone):
    root = Path(__file__).resolve().parent.parent
    process = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=True)
    expected = [hashlib.sha256(alone[engine, 0.0].numpy().tobytes()).hexdigest() for engine in ("exact", "fast")]
    assert process.stdout.split() == expected
