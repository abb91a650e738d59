"""The engines: all of them give the same pictures, and torch is used where no faster one works."""

from __future__ import annotations

import os
import sys

import pytest
import torch
from small import relative_error

import explorer as ex
from explorer.checkpoint import Checkpoint
from explorer.denoiser import Denoiser
from explorer.networks import cpu_network, openvino_model
from explorer.networks.network import EngineError
from explorer.storage import disk_cache, lazy_unet

pytestmark = pytest.mark.slow

TOLERANCE = {
    "exact": 1e-5,
    "fast": 0.04,
}  # relative error of eps; bfloat16 has eight bits, and this network is untrained


@pytest.fixture(autouse=True)
def needs_openvino():
    pytest.importorskip("openvino", reason="OpenVINO is not installed: torch is the only engine here")


@pytest.fixture(scope="module", params=["exact", "fast"])
def checkpoint_and_tolerance(request, tiny_folder) -> tuple[Checkpoint, float]:
    """A checkpoint on an engine, and the relative tolerance of its eps against torch in float32."""
    return ex.load(tiny_folder, device="cpu", engine=request.param), TOLERANCE[request.param]


@pytest.mark.parametrize("rows", [1, 2, 3, 7, 8, 13])
def test_eps_equals_that_of_diffusers_for_any_batch_with_a_t_per_row(checkpoint_and_tolerance, tiny, rows):
    checkpoint, tolerance = checkpoint_and_tolerance
    x_t, t = ex.latent(tiny.shape, range(rows)), torch.arange(rows) * 70 + 1
    before = x_t.clone()
    with torch.no_grad():
        expected = tiny.predict_noise.unet(x_t, t - 1).sample
    eps = checkpoint.predict_noise(x_t, t)
    assert (eps.shape, eps.dtype) == (x_t.shape, torch.float32)
    assert relative_error(eps, expected) < tolerance
    assert torch.equal(x_t, before)
    eps += 1  # the caller owns the tensor: changing it does not affect the next call
    assert relative_error(checkpoint.predict_noise(x_t, t), expected) < tolerance


def test_a_run_repeats_bit_for_bit_and_does_not_depend_on_its_batch(checkpoint_and_tolerance, tiny):
    checkpoint, tolerance = checkpoint_and_tolerance
    x_T, settings = ex.latent(tiny.shape, range(5)), ex.Settings(steps=10, eta=0.0)
    together = ex.sample(checkpoint, x_T, settings)
    assert torch.equal(ex.sample(checkpoint, x_T, settings), together)
    for row in (0, 4):
        assert (
            relative_error(ex.sample(checkpoint, x_T[row : row + 1], settings), together[row : row + 1]) < 3 * tolerance
        )


def test_the_engine_has_a_name(checkpoint_and_tolerance):
    checkpoint, _ = checkpoint_and_tolerance
    checkpoint.predict_noise(ex.latent(checkpoint.shape, [0]), 1)
    fast = checkpoint.predict_noise.requested_engine == "fast"
    assert checkpoint.engine.startswith("OpenVINO" if fast else "torch float32")
    assert checkpoint.exact.predict_noise(ex.latent(checkpoint.shape, [0]), 1).shape == (1, *checkpoint.shape)
    assert checkpoint.to_python() == f"ex.load({str(checkpoint.folder)!r}" + (', engine="fast")' if fast else ")")


def test_encoding_is_in_float32_on_every_engine(checkpoint_and_tolerance, tiny):
    checkpoint, _ = checkpoint_and_tolerance
    x_0 = ex.latent(tiny.shape, [1]).clamp(-1, 1)
    assert relative_error(ex.encode(checkpoint, x_0, 5), ex.encode(tiny, x_0, 5)) < TOLERANCE["exact"]


def test_the_engines_give_faces_that_differ_by_less_than_a_grey_level():
    x_T = ex.latent((3, 64, 64), [22, 10])
    settings = ex.Settings(steps=10)
    exact, fast = (
        ex.sample(ex.load("faces-64", device="cpu", engine=name), x_T, settings).clamp(-1, 1)
        for name in ("exact", "fast")
    )
    assert float((exact - fast).abs().mean()) * 127.5 < 1
    assert not torch.equal(exact, fast)


def test_a_prepared_network_compiles_nothing_at_a_call(tiny_folder, monkeypatch):
    checkpoint = ex.load(tiny_folder, device="cpu", engine="fast")
    checkpoint.predict_noise(ex.latent(checkpoint.shape, [0]), 1)
    prepared = checkpoint.predict_noise.prepare()
    monkeypatch.setattr("openvino.Core.compile_model", None)
    for rows in (1, 2, 4, 8, 15):
        assert len(prepared(ex.latent(checkpoint.shape, range(rows)), 1)) == rows


# The cache


@pytest.fixture
def open_again(tiny_model, monkeypatch):
    """``open_again(folder)``: opens the folder on the fast engine and counts the conversions this needed."""
    conversions: list[str] = []

    def convert(*_):
        conversions.append("network")
        return tiny_model.clone()

    def again(folder) -> tuple[Checkpoint, int]:
        conversions.clear()
        return ex.load(folder, device="cpu", engine="fast"), len(conversions)

    monkeypatch.setattr(openvino_model, "convert", convert)
    return again


def test_a_network_is_converted_once(own_cache, tiny_copy, open_again, monkeypatch):
    _, conversions = open_again(tiny_copy)
    assert conversions == 1
    monkeypatch.setattr("explorer.storage.diffusers_folder.build_unet", None)  # the torch network is not even built
    checkpoint, conversions = open_again(tiny_copy)
    assert conversions == 0
    assert checkpoint.shape == (3, 8, 8)
    assert checkpoint.engine.startswith("OpenVINO")


@pytest.mark.parametrize("stale", ["weights", "version"])
def test_other_weights_or_another_version_are_converted_again(own_cache, tiny_copy, open_again, monkeypatch, stale):
    open_again(tiny_copy)
    if stale == "version":
        monkeypatch.setattr(lazy_unet, "package_version", lambda package: f"another {package}")
    else:
        unet = ex.load(tiny_copy, device="cpu").predict_noise.unet
        unet.conv_in.weight *= 1.0001
        unet.save_pretrained(tiny_copy / "unet")
    assert open_again(tiny_copy)[1] == 1


@pytest.mark.parametrize("content", [b"", b"no network", bytes(1000)])
@pytest.mark.parametrize("valid_digest", [False, True])
def test_a_damaged_cache_file_is_replaced(own_cache, tiny_copy, open_again, tiny, content, valid_digest):
    open_again(tiny_copy)
    (file,) = own_cache.iterdir()
    if valid_digest:
        disk_cache.write(file.name, content)
    else:
        file.write_bytes(content)
    checkpoint, conversions = open_again(tiny_copy)
    assert conversions == 1
    x_t = ex.latent(tiny.shape, [0])
    assert relative_error(checkpoint.predict_noise(x_t, 9), tiny.predict_noise(x_t, 9)) < TOLERANCE["fast"]
    assert open_again(tiny_copy)[1] == 0


def test_a_cache_folder_that_cannot_be_created_does_no_harm(own_cache, tiny_copy, open_again):
    own_cache.write_text("a file where the folder should be")
    for _ in range(2):
        checkpoint, conversions = open_again(tiny_copy)
        assert conversions == 1
        assert checkpoint.engine.startswith("OpenVINO")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not apply to the superuser")
def test_a_read_only_cache_folder_does_no_harm(own_cache, tiny_copy, open_again):
    own_cache.mkdir(mode=0o555)
    assert open_again(tiny_copy)[0].engine.startswith("OpenVINO")


# No faster engine


def test_without_openvino_torch_is_used(tiny_copy, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    checkpoint = ex.load(tiny_copy, device="cpu", engine="auto")
    checkpoint.predict_noise(ex.latent(checkpoint.shape, [0]), 1)
    assert checkpoint.engine == "torch float32"
    with pytest.raises(ValueError, match="openvino is not installed"):
        ex.load(tiny_copy, device="cpu", engine="fast")


@pytest.mark.usefixtures("open_again")
def test_an_engine_whose_output_differs_is_not_used(own_cache, tiny_copy, monkeypatch):
    def broken(self, x, labels):
        return x * float("nan")

    monkeypatch.setattr(cpu_network.CpuNetwork, "__call__", broken)
    with pytest.raises(EngineError, match="differs from torch by nan"):
        ex.load(tiny_copy, device="cpu", engine="fast")
    assert not own_cache.exists()
    checkpoint = ex.load(tiny_copy, device="cpu", engine="auto")
    assert torch.isfinite(checkpoint.predict_noise(ex.latent(checkpoint.shape, [0]), 1)).all()
    assert checkpoint.engine == "torch float32"


def test_a_network_that_openvino_may_not_convert_still_runs():
    class NumpyNetwork(torch.nn.Module):
        def forward(self, x, label, return_dict):
            return (torch.from_numpy(x.numpy() * 2),)

    denoiser = Denoiser(NumpyNetwork(), ex.Schedule.linear(), device="cpu", engine="auto")
    assert torch.equal(denoiser(torch.ones(1, 1, 2, 2), 1), 2 * torch.ones(1, 1, 2, 2))
    assert denoiser.engine in ("torch float32", "OpenVINO bfloat16", "OpenVINO float32")


def test_an_unknown_engine_is_refused(tiny_folder):
    with pytest.raises(ValueError, match="engine must be one of auto, exact, fast"):
        ex.load(tiny_folder, engine="quick")
