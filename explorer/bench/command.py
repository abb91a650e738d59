"""``python -m explorer bench``: a table in Markdown of how fast it is on this machine."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import torch

from explorer.bench import measures
from explorer.bench.cluster import cluster
from explorer.bench.load_test import users
from explorer.bench.measures import Plan, Row
from explorer.bench.page import page
from explorer.networks.network import ENGINES

PARTS: dict[str, Callable[[Plan], Iterator[Row]]] = {
    "diffusers": measures.against_diffusers,
    "peak": measures.share_of_the_peak,
    "steps": measures.beyond_the_network,
    "batches": measures.over_batches,
    "page": page,
    "training": measures.training,
}
QUICK = {"steps": 10, "rounds": 2, "batches": (1, 2), "lengths": (10, 20)}


def main(arguments: Sequence[str] | None = None) -> int:
    default = Plan()
    parser = argparse.ArgumentParser(
        "python -m explorer bench", description="Measure how fast it is here. Nothing else should be running."
    )
    parser.add_argument("checkpoint", nargs="?", default=default.checkpoint, help=f"default {default.checkpoint}")
    parser.add_argument("--engine", choices=ENGINES, default=default.engine, help="of the explorer (default auto)")
    parser.add_argument("--rounds", type=int, default=default.rounds, help=f"default {default.rounds}")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="measure these parts alone")
    parser.add_argument(
        "--users", type=int, help="instead, let so many users at the app; ends with 1 if anything is wrong"
    )
    parser.add_argument("--seconds", type=float, default=120, help="how long the users stay (default 120)")
    parser.add_argument(
        "--unshared", action="store_true", help="with --users: let them, too, at an app whose calls are of one row each"
    )
    parser.add_argument(
        "--cluster",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="the users at two apps behind nginx, on two replicas (or those at ray://HOST:PORT) that are killed in turn "
        "if they are on this machine (default 16 users; extra ray)",
    )
    parser.add_argument("--quick", action="store_true", help="few and short runs: whether it works, not how fast it is")
    given = parser.parse_args(arguments)
    plan = replace(default, checkpoint=given.checkpoint, engine=given.engine, rounds=max(1, given.rounds))
    if given.quick:
        plan = replace(plan, **QUICK)  # type: ignore[arg-type]
    if given.users is not None and (given.users < 1 or given.seconds <= 0):
        parser.error("expected --users of at least 1 and --seconds above 0")
    if given.unshared and (given.users is None or given.cluster is not None):
        parser.error("--unshared goes with --users, and not with --cluster")
    print(f"{machine()}\n\n| what | measured | how |\n|---|---|---|", flush=True)
    try:
        rows: Iterator[Row] = (row for name in given.only for row in PARTS[name](plan))
        if given.cluster is not None:
            rows = cluster(plan, given.users or 16, given.seconds, given.cluster)
        elif given.users:
            rows = users(plan, given.users, given.seconds, unshared=given.unshared)
        for row in rows:
            print("| " + " | ".join(row) + " |", flush=True)
    except (ValueError, RuntimeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1 if given.users else 2
    return 0


def machine() -> str:
    """The machine and the versions, in a line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [
            line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")
        ]
        name = names[0] if names else name
    if torch.cuda.is_available():
        name = f"{torch.cuda.get_device_name()}, {name}"
    packages = ", ".join(f"{package} {version(package)}" for package in ("torch", "diffusers", "gradio"))
    return f"{name}, {os.cpu_count()} processors, {platform.system()}, Python {platform.python_version()}, {packages}."
