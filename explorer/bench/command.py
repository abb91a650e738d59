"""``python -m explorer bench``: print a Markdown table of measurements on this machine."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version

import torch

from explorer.bench import measures
from explorer.bench.app_process import start_app, start_attacked_app
from explorer.bench.cluster import measure_cluster
from explorer.bench.load_test import load_test
from explorer.bench.machine_failures import measure_machines
from explorer.bench.measures import BenchConfig, Row
from explorer.bench.page import page_latency
from explorer.bench.prepared import prepared_pages, store_cost
from explorer.networks.network import ENGINES
from explorer.networks.processor import instruction_sets, processor_name

PARTS: dict[str, Callable[[BenchConfig], Iterator[Row]]] = {
    "diffusers": measures.compare_with_diffusers,
    "engines": measures.engine_timings,
    "peak": measures.peak_utilization,
    "steps": measures.steps_overhead,
    "batches": measures.batch_scaling,
    "page": page_latency,
    "training": measures.training_throughput,
}
ON_REQUEST: dict[str, Callable[[BenchConfig], Iterator[Row]]] = {"prepared": prepared_pages}
QUICK = {"steps": 10, "rounds": 2, "batches": (1, 2), "lengths": (10, 20)}
CLUSTER_USERS, MACHINE_USERS = 16, 12
SECONDS, MACHINE_SECONDS = 120.0, 60.0
ISA_LIMITS = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY")  # restrict the instructions that are used


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    args = parser.parse_args(arguments)
    config = BenchConfig(checkpoint=args.checkpoint, engine=args.engine, rounds=max(1, args.rounds))
    config = replace(config, store_size=args.store_size if args.store_pairs or "prepared" in args.only else 0)
    if args.quick:
        config = replace(config, **QUICK)  # type: ignore[arg-type]
    if args.users is not None and (args.users < 1 or (args.seconds is not None and args.seconds <= 0)):
        parser.error("expected --users of at least 1 and --seconds above 0")
    if args.attacked and (args.users is None or args.cluster is not None):
        parser.error("--attacked needs --users, and cannot be combined with --cluster")
    if args.unshared and (args.users is None or args.cluster is not None):
        parser.error("--unshared needs --users, and cannot be combined with --cluster")
    if args.store_pairs is not None and (args.users is None or args.store_pairs < 1 or args.store_size < 1):
        parser.error("--store-pairs of at least 1 needs --users, and --store-size of at least 1")
    print(f"{describe_machine()}\n\n| what | measured | how |\n|---|---|---|", flush=True)
    try:
        for row in _rows(args, config):
            print("| " + " | ".join(row) + " |", flush=True)
    except (ValueError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1 if args.users else 2
    return 0


def _parser() -> argparse.ArgumentParser:
    default = BenchConfig()
    parser = argparse.ArgumentParser(
        "python -m explorer bench",
        description="Measure speed on this machine. Close other programs first.",
    )
    parser.add_argument("checkpoint", nargs="?", default=default.checkpoint, help=f"default {default.checkpoint}")
    parser.add_argument(
        "--engine", choices=ENGINES, default=default.engine, help="what computes the network (default auto)"
    )
    parser.add_argument(
        "--rounds", type=int, default=default.rounds, help=f"repetitions of each measurement (default {default.rounds})"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[*PARTS, *ON_REQUEST],
        default=list(PARTS),
        help=f"measure only these parts (default: all but {', '.join(ON_REQUEST)})",
    )
    parser.add_argument(
        "--users",
        type=int,
        help="load test the app with this many simulated users instead; exit code 1 if a run fails or shows wrong pictures",
    )
    parser.add_argument("--seconds", type=float, help=f"duration of the load test (default {SECONDS:.0f})")
    parser.add_argument(
        "--unshared",
        action="store_true",
        help="with --users: repeat the load test on an app whose calls of the network have one row each",
    )
    parser.add_argument(
        "--attacked",
        action="store_true",
        help="with --users: beside one attacker, who sends what `python -m explorer fuzz server` sends, without pause",
    )
    parser.add_argument(
        "--store-pairs",
        type=int,
        metavar="N",
        help="with --users: N load tests of an app without a store of results, in turn with N of one whose store is full",
    )
    parser.add_argument("--store-size", type=int, default=512, metavar="MB", help="of that store (default 512)")
    parser.add_argument(
        "--cluster",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="load test two apps behind nginx that share the network at ray://HOST:PORT, or two replicas on this machine "
        f"without an address; replicas on this machine are killed in turn (default {CLUSTER_USERS} users; extra ray)",
    )
    parser.add_argument(
        "--machines",
        action="store_true",
        help="two machines in network namespaces, joined by a link that is slow, lossy and cut while users of one app and of "
        f"two apps are at work; a machine is killed, and the head restarted (default {MACHINE_USERS} users for "
        f"{MACHINE_SECONDS:.0f} s each; Linux, root, extra ray)",
    )
    parser.add_argument("--quick", action="store_true", help="few and short runs, to see whether the benchmark works")
    return parser


def _rows(args: argparse.Namespace, config: BenchConfig) -> Iterator[Row]:
    seconds = args.seconds or SECONDS
    if args.machines:
        return measure_machines(config, args.users or MACHINE_USERS, args.seconds or MACHINE_SECONDS)
    if args.cluster is not None:
        return measure_cluster(config, args.users or CLUSTER_USERS, seconds, args.cluster)
    if args.store_pairs:
        return store_cost(config, args.users, seconds, args.store_pairs)
    if args.users:
        start = start_attacked_app if args.attacked else start_app
        return load_test(config, args.users, seconds, start, args.unshared)
    return (row for name in args.only for row in (PARTS | ON_REQUEST)[name](config))


def describe_machine() -> str:
    """One line with the processor, its instruction sets, the operating system and the versions of the packages."""
    processor = processor_name()
    if torch.cuda.is_available():
        processor = f"{torch.cuda.get_device_name()}, {processor}"
    limits = [f"{name}={os.environ[name]}" for name in ISA_LIMITS if name in os.environ]
    instructions = ", ".join((*instruction_sets(), *limits)) or "unknown"
    packages = ", ".join(f"{package} {version(package)}" for package in ("torch", "diffusers", "gradio"))
    return (
        f"{processor} ({instructions}), {os.cpu_count()} processors, {platform.system()}, "
        f"Python {platform.python_version()}, {packages}."
    )
