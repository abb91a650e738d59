"""Fuzzing of checkpoint folders: one or two files of a valid folder are changed, and the folder is opened as the app does."""

from __future__ import annotations

import json
import os
import random
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from explorer.checkpoint import load
from explorer.fuzz.hostile_values import mutate, mutate_bytes, to_json
from explorer.storage.diffusers_folder import CARD, EXAMPLES, INDEX, QUALITY, SCHEDULER_CONFIG, UNET_CONFIG, Card
from explorer.storage.quality_file import read_quality
from explorer.storage.unet import WEIGHTS

FILES = (UNET_CONFIG, UNET_CONFIG, SCHEDULER_CONFIG, CARD, QUALITY, INDEX, WEIGHTS, WEIGHTS, EXAMPLES)
LINKS = {"device": "/dev/zero", "link": "/etc/hostname"} if os.name == "posix" else {}
KINDS = ("gone", "folder", *["pipe"] * hasattr(os, "mkfifo"), *LINKS, *["loop"] * bool(LINKS), "pickle")
LOSS = {"pictures": 2, "mean": 0.1, "fifths_of_t": [0.1] * 5, "curve": [[1, 0.1], [2, 0.2]], "how": "so"}
FRECHET = {"features": "f", "reference": "r", "weights": "w", "precision": "float32", "how": "so", "cells": [
    {"steps": 10, "eta": "large", "distance": 1.0, "spread": 0.1, "pictures": 8, "seconds_per_picture": 0.1, "batch": 4,
     "machine": "m"}]}  # fmt: skip


def write_valid_checkpoint(folder: Path, T: int = 50) -> None:
    """Write a checkpoint for pictures of 8x8 and T time steps, with all files that a checkpoint can have."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=8,
        layers_per_block=1,
        block_out_channels=(8, 8),
        norm_num_groups=4,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D"),
    )
    DDPMPipeline(unet=unet, scheduler=DDPMScheduler(num_train_timesteps=T)).save_pretrained(folder)
    Card(title="Tiny", shape=(3, 8, 8), licence="none", seeds=(1, 2)).write(folder / CARD)
    np.savez_compressed(folder / EXAMPLES, images=np.zeros((2, 8, 8, 3), dtype=np.uint8))
    (folder / QUALITY).write_bytes(to_json({"loss": LOSS, "frechet": FRECHET}))


class CheckpointTarget:
    """The reader of checkpoint folders. An input is a description of the changes that were made to the folder."""

    expected_errors: type[Exception] = ValueError

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="explorer-fuzz-")
        self._valid, self._mutated = Path(self._folder.name) / "good", Path(self._folder.name) / "bad"
        write_valid_checkpoint(self._valid)

    def generate(self, rng: random.Random) -> str:
        """Change a copy of the valid folder, and describe the changes."""
        shutil.rmtree(self._mutated, ignore_errors=True)
        shutil.copytree(self._valid, self._mutated)
        return "; ".join(self._mutate_file(rng) for _ in range(rng.choice((1, 1, 2))))

    def _mutate_file(self, rng: random.Random) -> str:
        name = rng.choice(FILES)
        path = self._mutated / name
        if not path.is_file():
            return f"{name}: missing already"
        data, kind = path.read_bytes(), rng.random()
        if kind < 0.06:
            return f"{name}: {_replace(path, rng)}"
        if kind < 0.8 and name != EXAMPLES:
            try:
                changed = _mutate_header(data, rng) if name == WEIGHTS else to_json(mutate(json.loads(data), rng))
            except (ValueError, RecursionError):  # an earlier change left no valid JSON
                changed = mutate_bytes(data, rng)
        else:
            changed = mutate_bytes(data, rng)
        path.write_bytes(changed)
        return f"{name}: {changed[:300]!r}"

    def run(self, test_input: str) -> str:
        """Open the folder and read everything in it."""
        checkpoint = load(self._mutated, device="cpu")
        eps = checkpoint.predict_noise(torch.zeros(1, *checkpoint.shape), checkpoint.schedule.T)
        assert eps.shape == (1, *checkpoint.shape)
        assert checkpoint.card.seeds
        json.dumps([checkpoint.card.title, checkpoint.card.licence], ensure_ascii=False).encode()
        checkpoint.examples()
        read_quality(self._mutated)
        return "opened"


def _mutate_header(data: bytes, rng: random.Random) -> bytes:
    """A safetensors file whose header has been changed."""
    size = int.from_bytes(data[:8], "little")
    header = to_json(mutate(json.loads(data[8 : 8 + size]), rng))
    length = len(header) if rng.random() < 0.9 else rng.choice((0, 1, 2**20, 2**40, 2**63))
    return length.to_bytes(8, "little") + header + data[8 + size :]


def _replace(path: Path, rng: random.Random) -> str:
    """Replace a file with something that is not a regular file, or delete it. Returns what was done."""
    path.unlink()
    kind = rng.choice(KINDS)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "pickle":
        path.with_suffix(".bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    elif kind != "gone":
        path.symlink_to(LINKS.get(kind, path.name))
    return kind
