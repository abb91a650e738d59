"""Checkpoint folders, good but for one or two files, opened and used as the app does."""

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
from explorer.fuzz.hostile_values import as_json, changed, cut
from explorer.storage.diffusers_folder import CARD, EXAMPLES, INDEX, QUALITY, SCHEDULER_CONFIG, UNET_CONFIG, Card
from explorer.storage.quality_file import read_quality
from explorer.storage.unet import WEIGHTS

FILES = (UNET_CONFIG, UNET_CONFIG, SCHEDULER_CONFIG, CARD, QUALITY, INDEX, WEIGHTS, WEIGHTS, EXAMPLES)
LOSS = {"pictures": 2, "mean": 0.1, "fifths_of_t": [0.1] * 5, "curve": [[1, 0.1], [2, 0.2]], "how": "so"}
FRECHET = {"features": "f", "reference": "r", "weights": "w", "precision": "float32", "how": "so", "cells": [
    {"steps": 10, "eta": "large", "distance": 1.0, "spread": 0.1, "pictures": 8, "seconds_per_picture": 0.1, "batch": 4,
     "machine": "m"}]}  # fmt: skip


def write_good(folder: Path) -> None:
    """A checkpoint with all files, for pictures of 8x8."""
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
    DDPMPipeline(unet=unet, scheduler=DDPMScheduler(num_train_timesteps=50)).save_pretrained(folder)
    Card(title="Tiny", shape=(3, 8, 8), licence="none", seeds=(1, 2)).write(folder / CARD)
    np.savez_compressed(folder / EXAMPLES, images=np.zeros((2, 8, 8, 3), dtype=np.uint8))
    (folder / QUALITY).write_bytes(as_json({"loss": LOSS, "frechet": FRECHET}))


class Checkpoints:
    """Makes inputs, and takes them to the reader. ``named`` are the errors that it may answer with."""

    named: type[Exception] = ValueError

    def __init__(self) -> None:
        self._place = TemporaryDirectory(prefix="explorer-fuzz-")
        self._good, self._bad = Path(self._place.name) / "good", Path(self._place.name) / "bad"
        write_good(self._good)

    def make(self, rng: random.Random) -> str:
        """Change the folder, and say how."""
        shutil.rmtree(self._bad, ignore_errors=True)
        shutil.copytree(self._good, self._bad)
        return "; ".join(self._change(rng) for _ in range(rng.choice((1, 1, 2))))

    def _change(self, rng: random.Random) -> str:
        name = rng.choice(FILES)
        path = self._bad / name
        if not path.is_file():
            return f"{name}: gone already"
        data, what = path.read_bytes(), rng.random()
        if what < 0.06:
            return f"{name}: {_replace(path, rng)}"
        if what < 0.8 and name != EXAMPLES:
            try:
                path.write_bytes(
                    _other_header(data, rng) if name == WEIGHTS else as_json(changed(json.loads(data), rng))
                )
            except (ValueError, RecursionError):  # it was changed before
                path.write_bytes(cut(data, rng))
        else:
            path.write_bytes(cut(data, rng))
        return f"{name}: {path.read_bytes()[:300]!r}"

    def take(self, _: str) -> str:
        """Open it, and use all that it has; what came of it."""
        checkpoint = load(self._bad, device="cpu")
        made = checkpoint.predict_noise(torch.zeros(1, *checkpoint.shape), checkpoint.schedule.T)
        assert made.shape == (1, *checkpoint.shape)
        assert checkpoint.card.seeds
        json.dumps([checkpoint.card.title, checkpoint.card.licence], ensure_ascii=False).encode()
        checkpoint.examples()
        read_quality(self._bad)
        return "opened"


def _other_header(data: bytes, rng: random.Random) -> bytes:
    """A safetensors file that says something else of its tensors."""
    size = int.from_bytes(data[:8], "little")
    header = as_json(changed(json.loads(data[8 : 8 + size]), rng))
    length = len(header) if rng.random() < 0.9 else rng.choice((0, 1, 2**20, 2**40, 2**63))
    return length.to_bytes(8, "little") + header + data[8 + size :]


def _replace(path: Path, rng: random.Random) -> str:
    """Something else in the place of a file."""
    path.unlink()
    what = rng.choice(("gone", "folder", "pipe", "device", "loop", "link", "pickle"))
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "pickle":
        path.with_suffix(".bin").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    elif what != "gone":
        path.symlink_to({"device": "/dev/zero", "loop": path.name, "link": "/etc/hostname"}[what])
    return what
