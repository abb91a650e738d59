"""``python -m explorer train``: the command line of :func:`explorer.training.loop.train`."""

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
    "pictures": "total number of training pictures to see; raise it to continue a finished run",
    "batch": "pictures per step",
    "lr": "learning rate",
    "lr_end": "learning rate at the end of the cosine decay",
    "warmup": "steps of the linear warm-up of the learning rate",
    "decay": "fraction of the run in which the learning rate decays",
    "ema": "decay of the moving average of the weights",
    "patch": "pixel_unshuffle factor before the U-Net",
    "head": "channels of an attention head",
    "held_out": "pictures at the end of the data that are only used for evaluation",
    "seed": "seed of the picture order, of t and of the noise",
    "snapshot": "minutes between snapshots of the run",
    "evaluate": "minutes between measurements of the held-out loss",
}


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        config = TrainingConfig(
            objective=args.objective,
            balance=args.balance,
            widths=tuple(args.widths or TrainingConfig.widths),
            **{name: getattr(args, name) for name in HELP},
        )
        pictures = load_pictures(args.data, args.size)
        print(f"{len(pictures)} pictures; {describe(config)}", flush=True)
        train(pictures, args.out, config, args.init, args.device)
    except ValueError as error:
        print(f"train: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; run the same command again to continue from the last snapshot", file=sys.stderr)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m explorer train", description="Train a network. If --out contains an unfinished run, continue it."
    )
    parser.add_argument("--data", required=True, help=".npz with images, a folder of pictures, or an idx.gz file")
    parser.add_argument("--out", required=True, type=Path, help="checkpoint folder to write")
    parser.add_argument("--size", type=int, help="width and height of the pictures in pixels")
    parser.add_argument("--init", help="checkpoint whose weights to start from")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--objective", choices=get_args(Objective), default="v", help="what the network predicts")
    parser.add_argument(
        "--balance", action="store_true", help="weight the loss at large t less, where most of it cannot be reduced"
    )
    parser.add_argument("--widths", type=int, nargs="+", help="channels of the U-Net's levels")
    defaults = {field.name: field.default for field in fields(TrainingConfig)}
    for name, text in HELP.items():
        default = defaults[name]
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(default), default=default, help=f"{text} (default {default})")
    return parser
