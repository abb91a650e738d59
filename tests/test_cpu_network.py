"""The engine that a CPU is found to be fastest with, and half precision."""

from __future__ import annotations

import pytest
import torch
from small import relative_error

import explorer as ex
from explorer.networks import cpu_network, engine_choice, openvino_model
from explorer.networks.engine_choice import Candidate, EngineChoice, Timing
from explorer.networks.half_precision_network import HalfPrecisionNetwork
from explorer.networks.network import EngineError
from explorer.networks.openvino_model import OpenVinoModel

pytestmark = pytest.mark.slow
ROUNDING, HALF = 1e-5, 0.04  # relative errors of eps; this network is untrained


@pytest.fixture(autouse=True)
def converted(own_cache, tiny_model, monkeypatch):
    """The cache is empty, and converting the tiny network takes no time."""
    monkeypatch.setattr(openvino_model, "convert", lambda *_: tiny_model.clone())


def test_the_engines_are_timed_once_on_a_machine(tiny_copy, monkeypatch):
    monkeypatch.setattr(engine_choice, "MAX_SECONDS", 60.0)  # a busy machine compiles slowly
    first = ex.load(tiny_copy, device="cpu", engine="fast")
    guessed = first.predict_noise
    assert not guessed.timings
    prepared = guessed.prepare()
    assert {(t.candidate.engine, t.batch) for t in prepared.timings} >= {("OpenVINO", 1), ("torch", 1)}
    assert not guessed.timings  # a run that uses it keeps its engine
    assert prepared.prepare() is prepared
    monkeypatch.setattr(cpu_network, "measure", None)
    second = ex.load(tiny_copy, device="cpu", engine="fast")
    assert second.predict_noise.timings == prepared.timings
    assert second.engine == prepared.engine


@pytest.mark.parametrize("small", [("torch", "float32"), ("OpenVINO", "float32")])
def test_small_and_large_batches_may_be_computed_by_different_engines(tiny_copy, tiny, monkeypatch, small):
    choice = EngineChoice(
        Candidate(*small, 1), Candidate("torch", "float32", 1), (Timing(Candidate("torch", "float32", 1), 1, 1.0),)
    )
    monkeypatch.setattr(cpu_network, "measure", lambda *_: choice)
    denoiser = ex.load(tiny_copy, device="cpu", engine="fast").predict_noise.prepare()
    x_t = ex.latent(tiny.shape, range(11))
    assert relative_error(denoiser(x_t, 300), tiny.predict_noise(x_t, 300)) < ROUNDING
    assert denoiser.engine == " / ".join(dict.fromkeys((" ".join(small), "torch float32")))
    assert not denoiser.any_thread


def test_an_engine_that_is_fast_and_wrong_is_not_chosen(tiny_copy, tiny, monkeypatch):
    wrong = Candidate("OpenVINO", "bfloat16", 1)
    timing = Timing(wrong, 1, 1.0)
    monkeypatch.setattr(cpu_network, "measure", lambda *_: EngineChoice(wrong, wrong, (timing,)))
    monkeypatch.setattr(cpu_network, "instruction_sets", lambda: ())
    compile_model = OpenVinoModel.compile

    def compile_wrongly(self, candidate, batch):
        compute = compile_model(self, candidate, batch)
        return (lambda x, labels: 0 * compute(x, labels)) if candidate == wrong else compute

    monkeypatch.setattr(OpenVinoModel, "compile", compile_wrongly)
    denoiser = ex.load(tiny_copy, device="cpu", engine="fast").predict_noise.prepare()
    assert denoiser.engine == "OpenVINO float32"
    assert denoiser.timings == (timing,)
    x_t = ex.latent(tiny.shape, [0])
    assert relative_error(denoiser(x_t, 300), tiny.predict_noise(x_t, 300)) < ROUNDING


def test_an_engine_that_cannot_be_compiled_is_passed_over(tiny_copy, tiny, monkeypatch):
    compile_model = OpenVinoModel.compile

    def compile_or_fail(self, candidate, batch):
        if candidate.precision != "float32":
            raise EngineError("no such instructions")
        return compile_model(self, candidate, batch)

    monkeypatch.setattr(OpenVinoModel, "precisions", ("float32", "bfloat16"))
    monkeypatch.setattr(OpenVinoModel, "compile", compile_or_fail)
    monkeypatch.setattr(cpu_network, "instruction_sets", lambda: ())
    denoiser = ex.load(tiny_copy, device="cpu", engine="fast").predict_noise.prepare()
    assert {timing.candidate.precision for timing in denoiser.timings} == {"float32"}
    x_t = ex.latent(tiny.shape, [0])
    assert relative_error(denoiser(x_t, 300), tiny.predict_noise(x_t, 300)) < ROUNDING


def test_a_damaged_choice_is_measured_again(tiny_copy, own_cache):
    ex.load(tiny_copy, device="cpu", engine="fast").predict_noise.prepare()
    for path in own_cache.iterdir():
        if path.stat().st_size < 10_000:
            path.write_bytes(b"damaged")
    assert not ex.load(tiny_copy, device="cpu", engine="fast").predict_noise.timings


@pytest.mark.parametrize("amx", [True, False])
def test_float32_is_the_guess_without_amx_and_always_available(tiny_copy, tiny, monkeypatch, amx):
    monkeypatch.setattr(cpu_network, "instruction_sets", lambda: ("AMX_BF16",) if amx else ())
    monkeypatch.setattr(OpenVinoModel, "precisions", ("float32", "bfloat16"))
    checkpoint = ex.load(tiny_copy, device="cpu", engine="fast")
    assert checkpoint.engine == ("OpenVINO bfloat16" if amx else "OpenVINO float32")
    float32, x_t = checkpoint.float32, ex.latent(tiny.shape, range(3))
    assert relative_error(float32.predict_noise(x_t, 300), tiny.predict_noise(x_t, 300)) < ROUNDING
    assert float32.engine == "OpenVINO float32"
    assert float32.float32 is float32
    assert (float32 is checkpoint) == (not amx)
    exact = checkpoint.exact
    assert exact.float32 is exact


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_holds_its_weights_once_in_that_format(tiny, dtype):
    exact = tiny.predict_noise.exact_network
    network = HalfPrecisionNetwork(exact, tiny.shape, dtype)
    assert {weight.dtype for weight in network.module.parameters()} == {dtype}
    assert {weight.dtype for weight in exact.module.parameters()} == {torch.float32}
    x, labels = ex.latent(tiny.shape, range(3)), torch.tensor([1, 500, 999])
    output = network(x, labels)
    assert output.dtype == torch.float32
    assert 0 < relative_error(output, exact(x, labels)) < HALF
    assert network.prepare() is network
