"""``python -m explorer evaluate``: arguments to :mod:`explorer.evaluation.frechet_table`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

from explorer.checkpoint import Checkpoint, load
from explorer.denoiser import DEVICES
from explorer.evaluation.features import FeatureKind
from explorer.evaluation.frechet_table import ETAS, STEPS, EvaluationConfig, measure_frechet, measure_loss
from explorer.evaluation.reconstruction import measure_reconstruction
from explorer.evaluation.reference_set import ReferenceSet
from explorer.evaluation.timing import measure_seconds
from explorer.inversion import Inversion
from explorer.networks.network import ENGINES
from explorer.paper import TABLE_2_STEPS, Eta
from explorer.runs.tasks import Distribute, in_this_process
from explorer.storage.picture_dataset import load_pictures

PARTS = ("loss", "frechet", "reconstruction")
AGAIN = "seconds"  # measured with the distances; asked for alone, it is measured anew


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m explorer evaluate",
        description="Measure a checkpoint and put the figures into its quality.json. What is measured already is kept.",
    )
    default = EvaluationConfig()

    def add(name: str, text: str, **options: object) -> None:
        parser.add_argument(name, help=text, **options)  # type: ignore[arg-type]

    add("checkpoint", "name or folder")
    add("--data", "data set it was trained on: .npz, folder or idx.gz; without it, the checkpoint's examples")
    add("--held-out", "pictures at the end of the data that were not trained on (default 512)", type=int, default=512)
    add("--only", "measure this part alone; seconds: time the cells that there are anew", choices=(*PARTS, AGAIN))
    add("--pictures", f"pictures per cell (default {default.pictures})", type=int, default=default.pictures)
    add("--steps", f"S of the cells (default {_list(STEPS)}, as far as T allows)", type=int, nargs="+")
    add("--etas", f"eta of the cells, large is sigma-hat (default {_list(ETAS)})", type=_eta, nargs="+", default=ETAS)
    add("--encoded", f"held-out pictures to reconstruct (default {default.encoded})", type=int, default=default.encoded)
    add("--encode-steps", f"S of each way of a reconstruction (default {_list(TABLE_2_STEPS)})", type=int, nargs="+")
    text = f"how the way up finds its eps, a row of the table for each (default {_list(default.inversions)})"
    add("--inversions", text, nargs="+", default=default.inversions)
    add("--batch", f"pictures per call of the network (default {default.batch})", type=int, default=default.batch)
    add("--features", "whose features (default unet, the checkpoint's own)", choices=get_args(FeatureKind))
    add("--engine", "what draws the pictures (default exact: torch in float32)", choices=ENGINES, default="exact")
    add(
        "--ray",
        "compute on a Ray cluster: auto, HOST:PORT or ray://HOST:PORT; without an address on one of this machine (extra ray)",
        nargs="?",
        const="",
        metavar="ADDRESS",
    )
    add("--device", f"one of {', '.join(DEVICES)} (default auto)", default="auto")
    given = parser.parse_args(arguments)
    try:
        config = EvaluationConfig(
            pictures=given.pictures,
            steps=tuple(given.steps) if given.steps else None,
            etas=tuple(given.etas),
            encoded=given.encoded,
            encode_steps=tuple(given.encode_steps) if given.encode_steps else None,
            inversions=tuple(Inversion.parse(str(text)) for text in given.inversions),
            batch=given.batch,
            features=given.features or default.features,
        )
        checkpoint = load(given.checkpoint, given.device, engine=given.engine)
        if given.only == AGAIN:
            measure_seconds(checkpoint, config)
            print(f"timed; the seconds are in {checkpoint.folder}/quality.json")
            return 0
        if given.data:
            _, H, W = checkpoint.shape
            data = load_pictures(given.data, H if H == W else None)
            real = ReferenceSet.of_data(checkpoint, data, Path(given.data).name, given.held_out)
        else:
            real = ReferenceSet.of_examples(checkpoint)
        with ExitStack() as until:
            distribute = in_this_process if given.ray is None else on_ray_at(given.ray, until)
            measure(checkpoint, real, config, (given.only,) if given.only else PARTS, distribute)
        print(f"measured; the figures are in {checkpoint.folder}/quality.json")
    except (ValueError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from the last batch", file=sys.stderr)
        return 130
    return 0


def on_ray_at(address: str, until: ExitStack) -> Distribute:
    """The Ray cluster at ``address``, joined until ``until`` ends; ValueError if there is none."""
    from explorer.cluster.ray_session import ray_session
    from explorer.cluster.ray_tasks import distribute_on_ray

    until.enter_context(ray_session(address))
    return distribute_on_ray


def measure(
    checkpoint: Checkpoint, real: ReferenceSet, config: EvaluationConfig, wanted: Sequence[str], distribute: Distribute
) -> None:
    """The parts that are wanted; the loss takes less than to send it anywhere."""
    if "loss" in wanted:
        measure_loss(checkpoint, real, config)
    if "frechet" in wanted:
        measure_frechet(checkpoint, real, config, distribute=distribute)
    if "reconstruction" in wanted:
        measure_reconstruction(checkpoint, real, config, distribute=distribute)


def _eta(text: str) -> Eta:
    return "large" if text == "large" else float(text)


def _list(values: Sequence[object]) -> str:
    return " ".join(map(str, values))
