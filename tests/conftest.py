"""Shared fixtures: small exact models, a tiny checkpoint written by diffusers, a test hub, and an uploaded picture."""

from __future__ import annotations

import atexit
import math
import os
import re
import shutil
import tempfile
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from files import file_of
from flat import flat_pictures
from hostile import MUCH
from hub_server import HubServer, reach
from hypothesis import settings
from torch import Tensor

import explorer as ex
from explorer.media.uploads import UPLOADS
from explorer.networks import openvino_model
from explorer.storage import disk_cache

pytest.register_assert_rewrite("stage")  # of the browser tests
os.environ["DDIM_EXPLORER_CACHE"] = tempfile.mkdtemp(prefix="explorer-tests-")
atexit.register(shutil.rmtree, os.environ["DDIM_EXPLORER_CACHE"], ignore_errors=True)
torch.set_num_threads(1)  # faster for tensors this small
settings.register_profile("shared-machine", deadline=None)  # times vary on a busy machine
settings.load_profile("shared-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test that uses the browser is marked as one."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def gaussian() -> Callable[..., ex.Checkpoint]:
    """``gaussian(mu, s, shape)``: a checkpoint with the exact eps for independent pixels with distribution N(mu, s^2).

    E[eps | x_t] = sqrt(1-ab) (x_t - sqrt(ab) mu) / (ab s^2 + 1 - ab).
    """

    def make(
        mu: float = 0.3, s: float = 0.5, shape: tuple[int, int, int] = (1, 4, 4), schedule: ex.Schedule | None = None
    ) -> ex.Checkpoint:
        schedule = schedule or ex.Schedule.linear()

        def predict_noise(x_t: Tensor, t: int | Tensor) -> Tensor:
            ab = float(schedule.alpha_bar[int(t)])
            return math.sqrt(1 - ab) * (x_t - math.sqrt(ab) * mu) / (ab * s**2 + 1 - ab)

        return ex.from_denoiser(predict_noise, shape, schedule)

    return make


def write_pipeline(
    folder: Path, sample_size: int | tuple[int, int] = 8, channels: int = 3, **scheduler: object
) -> Path:
    """Let diffusers save a DDPM pipeline with a tiny random U-Net."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=sample_size,
        in_channels=channels,
        out_channels=channels,
        layers_per_block=1,
        block_out_channels=(16, 16),
        norm_num_groups=8,
        attention_head_dim=8,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    DDPMPipeline(unet=unet, scheduler=DDPMScheduler(**scheduler)).save_pretrained(folder)
    return folder


@pytest.fixture
def save_pipeline(tmp_path: Path) -> Callable[..., Path]:
    """``save_pipeline(name, sample_size=8, channels=3, **scheduler)`` writes a new folder by diffusers."""
    return lambda name, **options: write_pipeline(tmp_path / name, **options)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an eps-network for 3x8x8 pictures. Tests must not modify it; see ``tiny_copy``."""
    return write_pipeline(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="module")
def with_examples(tiny_folder, tmp_path_factory) -> Path:
    """The tiny checkpoint with example pictures."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path_factory.mktemp("with-examples") / "tiny"))
    np.savez(folder / "examples.npz", images=flat_pictures(40))
    return folder


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> ex.Checkpoint:
    return ex.load(tiny_folder, device="cpu")


@pytest.fixture
def tiny_copy(tiny_folder: Path, tmp_path: Path) -> Path:
    """A copy of ``tiny_folder`` that a test may modify."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv(disk_cache.ENVIRONMENT_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="session")
def tiny_model(tiny: ex.Checkpoint) -> Any:
    """``tiny``'s network, converted to OpenVINO once for all tests, because that takes seconds."""
    pytest.importorskip("openvino", reason="OpenVINO is not installed: torch is the only engine here")
    return openvino_model.convert(tiny.predict_noise.unet, tiny.shape)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """An empty hub on localhost with an empty cache."""
    with HubServer() as server:
        reach(monkeypatch, server.url)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
        yield server


@pytest.fixture
def uploaded() -> tuple[bytes, str]:
    """The file of an uploaded picture of 8x8 pixels, and its name in the cache of uploads."""
    data = file_of(np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return data, UPLOADS.put(data)


@pytest.fixture
def refused(tiny_copy: Path) -> Callable[[str], None]:
    """``refused(message)`` checks that loading ``tiny_copy`` fails with a short error that contains the message."""

    def check(message: str) -> None:
        with pytest.raises(ex.CheckpointError, match=re.escape(message)) as raised:
            ex.load(tiny_copy, device="cpu")
        assert len(str(raised.value)) < 800

    return check


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Fail the test if it allocates more than :data:`hostile.MUCH`."""
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MUCH
