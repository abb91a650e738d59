"""What the store of results saves and costs: prepared pages after a restart, and a class with the store at its budget."""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
import numpy as np

from explorer.bench.app_process import Server, start_app
from explorer.bench.load_test import WARM_UP_SECONDS
from explorer.bench.measures import BenchConfig, Row
from explorer.bench.simulated_users import AppConfig, SimulatedRun, SimulatedUser, Simulation, simulate
from explorer.checkpoint import load
from explorer.storage import disk_cache
from explorer.storage.result_file import ResultFile
from explorer.storage.result_store import ResultStore
from explorer.ui.address import settings_in
from explorer.ui.prepare.links import Link, lesson_links
from explorer.ui.tab import Services
from explorer.ui.tabs import TABS

STORE_SIZE = 512  # MB
FILLER_BYTES = 1_000_000
LIMIT = 0.5  # seconds until a prepared page is complete


def prepared_pages(config: BenchConfig) -> Iterator[Row]:
    """Prepare the lesson and the examples, start the app, and measure how long each of these pages takes.

    The app has compiled its network by then, which takes all processors for some seconds after the start.
    """
    config = replace(config, store_size=config.store_size or STORE_SIZE)
    options = ["--checkpoint", config.checkpoint, "--engine", config.engine, "--store-size", str(config.store_size)]
    command = [sys.executable, "-m", "explorer", "prepare", "--lesson", "--examples", *options]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    yield "prepare --lesson --examples", f"{time.perf_counter() - started:.1f} s", "what was missing"
    with start_app(config) as server:
        time.sleep(WARM_UP_SECONDS)
        runs = asyncio.run(_open_all(server, config))
    for link, run in runs:
        origin = run.value.get("origin")
        how = f"prepared by {origin['engine'] or 'no network'}" if origin else "computed"
        yield str(link), f"{run.duration:.2f} s", f"{how}, {run.value.get('evaluations') or 0} network evaluations"
    within = sum(run.duration <= LIMIT for _, run in runs)
    yield f"complete within {LIMIT} s", f"{within} of {len(runs)}", f"longest {max(r.duration for _, r in runs):.2f} s"


async def _open_all(server: Server, config: BenchConfig) -> list[tuple[Link, SimulatedRun]]:
    """Request all pages one after the other as one user."""
    checkpoint = load(config.checkpoint, engine=config.engine)
    services = Services({checkpoint.name: checkpoint})
    tabs = {tab.name: tab(services) for tab in TABS}
    runs = []
    async with httpx.AsyncClient(timeout=httpx.Timeout(300)) as client:
        user = SimulatedUser(server, AppConfig.fetch(server), client, seed=0)
        for link in lesson_links(stops=True, examples=True):
            tab = link.entries["tab"]
            settings, _ = settings_in(link.entries, tab, tabs, services.checkpoints)
            run = SimulatedRun(tab, settings)
            await user.request(run)
            runs.append((link, run))
    return runs


def store_cost(config: BenchConfig, users: int, seconds: float, pairs: int) -> Iterator[Row]:
    """Let a class use the app without a store and with one at its budget, in turn, and compare.

    Args:
        config: ``store_size`` is the budget, in MB.
        users, seconds: of each load test.
        pairs: how often both are measured.
    """
    without, stored = list[Simulation](), list[Simulation]()
    largest = 0
    with _empty_cache_folder():
        _simulate(replace(config, store_size=0), 1, 1.0)  # compiles the network
        for _ in range(pairs):
            without.append(_simulate(replace(config, store_size=0), users, seconds))
            store = _full_store(config)
            stored.append(_simulate(config, users, seconds))
            largest = max(largest, sum(entry.nbytes for entry in store.entries()))
    yield "store after each load test", f"at most {largest / 1e6:.0f} MB", f"budget {config.store_size} MB"
    yield from (
        _compared("first picture, median", [[_median(s, "first_update") for s in side] for side in (without, stored)]),
        _compared("complete run, median", [[_median(s, "duration") for s in side] for side in (without, stored)]),
        _compared("runs completed", [[float(len(s.completed)) for s in side] for side in (without, stored)]),
    )


@contextmanager
def _empty_cache_folder() -> Iterator[None]:
    """Let the apps that are started in the block use an empty cache folder, so that the user's results stay."""
    before = os.environ.get(disk_cache.ENVIRONMENT_VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[disk_cache.ENVIRONMENT_VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[disk_cache.ENVIRONMENT_VARIABLE]
            else:
                os.environ[disk_cache.ENVIRONMENT_VARIABLE] = before


def _simulate(config: BenchConfig, users: int, seconds: float) -> Simulation:
    with start_app(config) as server:
        time.sleep(WARM_UP_SECONDS)
        return asyncio.run(simulate(server, users, seconds))


def _full_store(config: BenchConfig) -> ResultStore:
    """Empty the store and fill it to its budget."""
    store = ResultStore("0" * 8, config.store_size * 1_000_000)
    store.clear()
    filler = ResultFile({"kind": "filler"}, {"x": np.zeros(FILLER_BYTES // 4, np.float32)})
    for number in range(store.max_bytes // FILLER_BYTES):
        store.write(f"{number:040x}", filler)
    return store


def _median(simulation: Simulation, name: str) -> float:
    values = [getattr(run, name) for run in simulation.completed if getattr(run, name)]
    return statistics.median(values) if values else float("nan")


def _compared(title: str, sides: list[list[float]]) -> Row:
    """The median ratio of the pairs, with a store to without, and the two medians."""
    ratios = [b / a for a, b in zip(*sides, strict=True)]
    medians = [f"{statistics.median(side):.2f}" for side in sides]
    listed = ", ".join(f"{ratio:.2f}" for ratio in ratios)
    return (
        f"{title}, with a store relative to without",
        f"{statistics.median(ratios):.2f}×",
        f"{medians[1]} against {medians[0]}; pairs {listed}",
    )
