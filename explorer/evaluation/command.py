"""The command line ``python -m explorer evaluate``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

from explorer.checkpoint import Checkpoint, load
from explorer.custom_sampler import CustomStep
from explorer.denoiser import DEVICES
from explorer.evaluation.config import ETAS, STEPS, EvaluationConfig
from explorer.evaluation.custom_column import as_markdown, measure_custom, write_csv
from explorer.evaluation.features import FeatureKind
from explorer.evaluation.frechet_table import measure_frechet, measure_real
from explorer.evaluation.loss_entry import measure_loss
from explorer.evaluation.reconstruction import measure_reconstruction
from explorer.evaluation.reference_set import ReferenceSet
from explorer.evaluation.solver_table import measure_solvers
from explorer.evaluation.timing import measure_seconds
from explorer.inversion import Inversion
from explorer.networks.network import ENGINES
from explorer.runs.tasks import Distribute, in_this_process
from explorer.storage.picture_dataset import load_pictures
from explorer.support.paper_tables import TABLE_2_STEPS, Eta

PARTS = ("loss", "frechet", "reconstruction")
SECONDS, REAL = "seconds", "real"  # normally measured together with the Fréchet distance
SOLVERS = "solvers"


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m explorer evaluate",
        description="Measure a checkpoint and write the results to its quality.json. Existing results are kept.",
    )
    default = EvaluationConfig()

    def add(name: str, text: str, **options: object) -> None:
        parser.add_argument(name, help=text, **options)  # type: ignore[arg-type]

    add("checkpoint", "name or folder of the checkpoint")
    add("--data", "training data set: .npz, folder or idx.gz (default: the checkpoint's examples)")
    add("--held-out", "pictures at the end of the data not used in training (default 512)", type=int, default=512)
    text = (
        "measure only this; seconds: time the existing Fréchet cells again; real: their real pictures and bias floor; "
        "solvers: ODE solvers at equal numbers of network calls, which are not measured otherwise"
    )
    add("--only", text, choices=(*PARTS, SECONDS, REAL, SOLVERS))
    add("--pictures", f"pictures per Fréchet cell (default {default.pictures})", type=int, default=default.pictures)
    add("--steps", f"S of the Fréchet cells (default {_join(STEPS)}, up to T)", type=int, nargs="+")
    text = f"eta of the Fréchet cells; large is sigma-hat (default {_join(ETAS)})"
    add("--etas", text, type=_parse_eta, nargs="+", default=ETAS)
    add("--encoded", f"held-out pictures to reconstruct (default {default.encoded})", type=int, default=default.encoded)
    add("--encode-steps", f"S of the reconstructions (default {_join(TABLE_2_STEPS)}, up to T)", type=int, nargs="+")
    text = f"inversion methods of the reconstructions (default {_join(default.inversions)})"
    add("--inversions", text, nargs="+", default=default.inversions)
    text = f"latents of the solver table (default {default.solver_pictures})"
    add("--solver-pictures", text, type=int, default=default.solver_pictures)
    text = f"N of the solver table, network calls per picture (default {_join(default.solver_calls)})"
    add("--solver-calls", text, type=int, nargs="+", default=default.solver_calls)
    add(
        "--sampler",
        "measure your own step instead, a function of (x_t, eps, z, alpha_bar, alpha_bar_prev, eta) that returns x_prev: its "
        "Fréchet distance is printed beside that of Eq. 12 and written to FUNCTION.csv in this folder",
        metavar="FILE.py:FUNCTION",
    )
    add("--batch", f"pictures per call of the network (default {default.batch})", type=int, default=default.batch)
    add("--features", "network for the features (default unet, the checkpoint's own)", choices=get_args(FeatureKind))
    add(
        "--engine",
        "engine that samples the pictures (default exact: torch in float32)",
        choices=ENGINES,
        default="exact",
    )
    add(
        "--ray",
        "compute on a Ray cluster: auto, HOST:PORT or ray://HOST:PORT; without an address, start one on this machine "
        "(needs the extra ray)",
        nargs="?",
        const="",
        metavar="ADDRESS",
    )
    add("--device", f"one of {', '.join(DEVICES)} (default auto)", default="auto")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    args = parse_arguments(arguments)
    try:
        config = EvaluationConfig(
            pictures=args.pictures,
            steps=tuple(args.steps) if args.steps else None,
            etas=tuple(args.etas),
            encoded=args.encoded,
            encode_steps=tuple(args.encode_steps) if args.encode_steps else None,
            inversions=tuple(Inversion.parse(str(text)) for text in args.inversions),
            batch=args.batch,
            solver_pictures=args.solver_pictures,
            solver_calls=tuple(args.solver_calls),
            features=args.features or EvaluationConfig.features,
        )
        step = CustomStep.from_file(args.sampler) if args.sampler else None
        checkpoint = load(args.checkpoint, args.device, engine=args.engine)
        if args.only == SECONDS:
            measure_seconds(checkpoint, config)
            print(f"wrote the seconds per picture to {checkpoint.folder}/quality.json")
            return 0
        if args.data:
            _, H, W = checkpoint.shape
            data = load_pictures(args.data, H if H == W else None)
            reference_set = ReferenceSet.of_data(checkpoint, data, Path(args.data).name, args.held_out)
        else:
            reference_set = ReferenceSet.of_examples(checkpoint)
        if step is not None:
            cells = measure_custom(checkpoint, reference_set, config, step)
            write_csv(Path(f"{step.name}.csv"), cells)
            print(f"{as_markdown(step.name, cells)}\n\nwrote {step.name}.csv")
            return 0
        with ExitStack() as stack:
            distribute = in_this_process if args.ray is None else connect_to_ray(args.ray, stack)
            measure(checkpoint, reference_set, config, (args.only,) if args.only else PARTS, distribute)
        print(f"wrote the results to {checkpoint.folder}/quality.json")
    except (ValueError, OSError) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; run the same command again to continue", file=sys.stderr)
        return 130
    return 0


def connect_to_ray(address: str, stack: ExitStack) -> Distribute:
    """Connect to the Ray cluster at ``address`` until ``stack`` closes; ValueError if there is none."""
    from explorer.cluster.ray_session import ray_session
    from explorer.cluster.ray_tasks import distribute_on_ray

    stack.enter_context(ray_session(address))
    return distribute_on_ray


def measure(
    checkpoint: Checkpoint,
    reference_set: ReferenceSet,
    config: EvaluationConfig,
    parts: Sequence[str],
    distribute: Distribute,
) -> None:
    """Measure the selected ``parts``. Loss and solvers are always computed here."""
    if "loss" in parts:
        measure_loss(checkpoint, reference_set, config)
    if "frechet" in parts:
        measure_frechet(checkpoint, reference_set, config, distribute=distribute)
    if REAL in parts:
        measure_real(checkpoint, reference_set, config)
    if SOLVERS in parts:
        measure_solvers(checkpoint, reference_set, config)
    if "reconstruction" in parts:
        measure_reconstruction(checkpoint, reference_set, config, distribute=distribute)


def _parse_eta(text: str) -> Eta:
    return "large" if text == "large" else float(text)


def _join(values: Sequence[object]) -> str:
    return " ".join(map(str, values))
