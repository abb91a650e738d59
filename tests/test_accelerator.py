"""The core on CUDA or MPS: the same noise, the same pictures as on the CPU, and training there."""

from __future__ import annotations

import json

import pytest
import torch
from flat import flat_pictures
from safetensors.torch import load_file

import explorer as ex
from explorer.evaluation.config import EvaluationConfig
from explorer.evaluation.held_out_loss import held_out_loss
from explorer.evaluation.reconstruction import measure_reconstruction
from explorer.evaluation.reference_set import ReferenceSet
from explorer.inversion import Inversion
from explorer.storage.diffusers_folder import WEIGHTS
from explorer.training.loop import TrainingConfig, train

PRESENT = [name for name, there in (("cuda", torch.cuda), ("mps", torch.backends.mps)) if there.is_available()]
EXACT = 2e-5  # of eps, relative: other kernels add up in another order
FAST = 0.04  # half precision on a network that is untrained

pytestmark = pytest.mark.skipif(not PRESENT, reason="needs an accelerator: CUDA or MPS")


@pytest.fixture(scope="module", params=PRESENT)
def device(request) -> str:
    return request.param


@pytest.fixture(scope="module", params=["exact", "auto"])
def opened(request, device, tiny_folder) -> tuple[ex.Checkpoint, float]:
    return ex.load(tiny_folder, device=device, engine=request.param), EXACT if request.param == "exact" else FAST


def relative(given: torch.Tensor, expected: torch.Tensor) -> float:
    return float((given.cpu() - expected).norm() / expected.norm())


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_eps_is_that_of_the_cpu_wherever_x_t_lies(opened, tiny, device, rows):
    checkpoint, tolerance = opened
    x_t, t = ex.latent(tiny.shape, range(rows)), torch.arange(rows) * 70 + 1
    expected = tiny.predict_noise(x_t, t)
    for place in ("cpu", device):
        given = checkpoint.predict_noise(x_t.to(place), t.to(place))
        assert (given.device.type, given.dtype) == (place, torch.float32)
        assert relative(given, expected) < tolerance


def test_the_engine_says_in_what_it_computes(opened):
    checkpoint, _ = opened
    checkpoint.predict_noise(ex.latent(checkpoint.shape, [0]), 1)
    exact = checkpoint.predict_noise.requested_engine == "exact"
    assert checkpoint.engine in ({"torch float32"} if exact else {"torch bfloat16", "torch float16"})


@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_a_run_has_the_cpus_noise_and_ends_in_its_pictures(opened, tiny, device, eta):
    checkpoint, tolerance = opened
    settings = ex.Settings(steps=10, eta=eta, noise_seed=3)
    expected = ex.sample(tiny, ex.latent(tiny.shape, range(4)), settings)
    run = ex.Trajectory(checkpoint, ex.latent(tiny.shape, range(4)).to(device), settings)
    for step in run:
        if step.z is not None:
            seeds = settings.noise_seeds(4)
            assert torch.equal(step.z.cpu(), ex.step_noise(tiny.shape, seeds, step.t))
        assert float((step.terms.x0 + step.terms.direction + step.terms.noise - step.x_prev).abs().max()) == 0
    assert relative(run.x_0, expected) < 3 * tolerance


def test_a_run_is_repeated_bit_for_bit(opened, tiny, device):
    checkpoint, _ = opened
    x_T, settings = ex.latent(tiny.shape, range(5)).to(device), ex.Settings(steps=5)
    assert torch.equal(ex.sample(checkpoint, x_T, settings), ex.sample(checkpoint, x_T, settings))


def test_encoding_is_exact_on_every_engine(opened, tiny, device):
    checkpoint, _ = opened
    x_0 = ex.latent(tiny.shape, [1]).clamp(-1, 1)
    assert relative(ex.encode(checkpoint, x_0.to(device), 5), ex.encode(tiny, x_0, 5)) < 10 * EXACT


@pytest.mark.parametrize("name", ["faces-64", "fashion-mnist-32"])
def test_pictures_of_the_checkpoints_differ_from_the_cpus_by_less_than_a_grey_level(device, name):
    reference = ex.load(name, device="cpu", engine="exact")
    x_T, settings = ex.latent(reference.shape, [22, 10]), ex.Settings(steps=10)
    expected = ex.sample(reference, x_T, settings).clamp(-1, 1)
    for engine, levels in (("exact", 0.01), ("fast", 1.0)):
        given = ex.sample(ex.load(name, device=device, engine=engine), x_T.to(device), settings).cpu().clamp(-1, 1)
        assert float((given - expected).abs().mean()) * 127.5 < levels


def test_training_learns_there_and_goes_on_from_its_state(device, tmp_path):
    config = {"widths": (16, 16), "head": 8, "patch": 1, "batch": 16, "warmup": 10, "held_out": 64, "lr": 5e-3}
    pictures = flat_pictures(320)
    losses = []
    for count in (16 * 2, 16 * 60, 16 * 80):
        train(pictures, tmp_path, TrainingConfig(**config, pictures=count), device=device, quiet=True)
        opened = ex.load(tmp_path, device="cpu")
        losses.append(held_out_loss(opened.predict_noise, opened.schedule, pictures[-64:]).mean)
    assert losses[2] < 0.6 * losses[0]
    state = load_file(tmp_path / "training" / "state.safetensors")
    assert all(torch.equal(value, state[f"ema.{name}"]) for name, value in load_file(tmp_path / WEIGHTS).items())


def test_a_checkpoint_is_measured_there(device, tiny_copy):
    checkpoint = ex.load(tiny_copy, device=device)
    pictures = flat_pictures(40)
    real = ReferenceSet.of_data(checkpoint, pictures, "flat", 16)
    measure_reconstruction(
        checkpoint, real, EvaluationConfig(encoded=4, encode_steps=(5,), inversions=(Inversion(),)), quiet=True
    )
    measured = json.loads((tiny_copy / "quality.json").read_text())["reconstruction"]["cells"]
    x_0 = torch.from_numpy(pictures[-16:-12]).permute(0, 3, 1, 2) / 127.5 - 1
    exact = ex.load(tiny_copy, device="cpu")
    back = ex.sample(exact, ex.encode(exact, x_0, 5), ex.Settings(5))
    assert measured[0]["mse"] == pytest.approx(float(((back - x_0) / 2).square().mean()), rel=1e-2)
