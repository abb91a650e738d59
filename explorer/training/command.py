"""``python -m explorer train``: arguments to :func:`explorer.training.loop.train`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import get_args

from explorer.storage.picture_dataset import load_pictures
from explorer.training.loop import Objective, TrainingConfig, describe, train

HELP = {
    "pictures": "pictures to see in all; raise it to go on",
    "batch": "pictures per step",
    "lr": "learning rate",
    "lr_end": "learning rate at the end of the cosine decay",
    "warmup": "steps over which the learning rate rises",
    "decay": "share of the run in which it falls",
    "ema": "decay of the moving average of the weights",
    "patch": "pixel_unshuffle factor before the U-Net",
    "head": "width of an attention head",
    "held_out": "pictures at the end of the data that are only measured on",
    "seed": "of picture order, t and noise",
    "snapshot": "minutes between snapshots of the run",
    "evaluate": "minutes between measurements of the held-out loss",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m explorer train", description="Train a denoiser; go on if --out holds a run."
    )
    parser.add_argument("--data", required=True, help=".npz with images, a folder of pictures, or idx.gz")
    parser.add_argument("--out", required=True, type=Path, help="checkpoint folder to write")
    parser.add_argument("--size", type=int, help="side of the pictures in pixels")
    parser.add_argument("--init", help="checkpoint whose weights to start from")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--objective", choices=get_args(Objective), default="v", help="what the network predicts")
    parser.add_argument("--balance", action="store_true", help="less weight on large t, whose loss is mostly noise")
    parser.add_argument("--widths", type=int, nargs="+", help="channels of the U-Net's levels")
    defaults = {field.name: field.default for field in fields(TrainingConfig)}
    for name, text in HELP.items():
        default = defaults[name]
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(default), default=default, help=f"{text} (default {default})"
        )
    given = parser.parse_args(arguments)
    widths = tuple(given.widths or TrainingConfig.widths)
    plain = {name: getattr(given, name) for name in HELP}
    try:
        config = TrainingConfig(objective=given.objective, balance=given.balance, widths=widths, **plain)
        pictures = load_pictures(given.data, given.size)
        print(f"{len(pictures)} pictures; {describe(config)}", flush=True)
        train(pictures, given.out, config, given.init, given.device)
    except ValueError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last snapshot", file=sys.stderr)
        return 130
    return 0
