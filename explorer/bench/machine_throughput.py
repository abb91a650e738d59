"""How much two machines compute, what their calls weigh on the wire, and a sweep on both while one is cut off."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from explorer.bench.measures import BenchConfig, Row
from explorer.bench.ray_nodes import RayNodes, Serving, ray_nodes
from explorer.bench.virtual_network import VirtualNetwork, virtual_network
from explorer.checkpoint import Checkpoint, load
from explorer.cluster.addresses import Place
from explorer.cluster.remote_network import connect
from explorer.cluster.replica_client import ReplicaClient
from explorer.cluster.wire_format import Wire
from explorer.latents import latent

REPLICAS = 2  # and processors, on one machine or on two
WIRE_CALLS = 50
WIRES: tuple[Wire, ...] = ("float32", "half")
WAIT_TIMEOUT = 180.0  # seconds
SWEEP = ["--pictures", "48", "--batch", "8", "--steps", "5", "10", "20", "--etas", "0", "1", "large", "--encoded", "8"]
SWEEP += ["--encode-steps", "5", "10", "--device", "cpu"]


def measure_throughput(config: BenchConfig, seconds: float, delay: float, loss: float) -> Iterator[Row]:
    """Compare one machine with two that have as many processors together, and count the bytes of calls.

    Args:
        seconds: of each measurement.
        delay, loss: of the link of the second machine in the last measurements.

    Raises:
        ValueError: virtual machines cannot be made here.
    """
    with virtual_network(2) as network, ray_nodes(network, cpus=REPLICAS, machines=1) as nodes:
        distant = network.machines[1]
        serving = Serving(nodes, config.checkpoint, "--replicas", str(REPLICAS), "--engine", config.engine)
        try:
            remote = connect(serving.address(), config.checkpoint)
            client = ReplicaClient(serving.address())
            one = _rows_per_second(remote, seconds)
            nodes.start(distant)
            _wait_for_machines(client, 2)
            remote = connect(serving.address(), config.checkpoint)
            two = _rows_per_second(remote, seconds)
            yield "throughput on two machines with a processor each", f"{two:.0f} picture-steps/s", _ratio(two, one)
            yield from _wire_rows(network, client, config)
            network.set_link(distant, delay=delay, loss=loss)
            far = _rows_per_second(remote, seconds)
            how = f"{1000 * delay:.0f} ms each way and {loss:.0%} loss to the second machine; {_ratio(far, one)}"
            yield "the same, with a distant machine", f"{far:.0f} picture-steps/s", how
        finally:
            serving.stop()


def _ratio(value: float, one: float) -> str:
    return f"{value / one:.2f} times the {one:.0f} of one machine with two"


def _rows_per_second(remote: Checkpoint, seconds: float) -> float:
    """Rows that the network computes per second, in calls that are as large as the replicas compute at once."""
    x_t = latent(remote.shape, range(remote.predict_noise.max_rows))
    rows, started, ended = 0, 0.0, 0.0
    while not started or ended - started < seconds:
        remote.predict_noise(x_t, 500)
        ended = time.perf_counter()
        if not started:
            started = ended  # without the first call
        else:
            rows += len(x_t)
    return rows / (ended - started)


def _wire_rows(network: VirtualNetwork, client: ReplicaClient, config: BenchConfig) -> Iterator[Row]:
    """The bytes of calls at the replica of the second machine."""
    machine = network.machines[1]
    place = next(endpoint.place for endpoint in client.up if endpoint.place.host == machine.address)
    for wire in WIRES:
        counts = {rows: _bytes_per_call(network, place, config, wire, rows) for rows in (1, 8)}
        sent, received = counts[1]
        yield (
            f"bytes of a call on one row, {wire}",
            f"{sent + received:,.0f}",
            f"{received:,.0f} to the replica and {sent:,.0f} back, with all headers; on 8 rows {sum(counts[8]):,.0f}",
        )


def _bytes_per_call(
    network: VirtualNetwork, place: Place, config: BenchConfig, wire: Wire, rows: int
) -> tuple[float, float]:
    """Bytes that the second machine sends and receives for a call."""
    machine = network.machines[1]
    remote = connect(f"ray://{place}", config.checkpoint, wire, discover=False)
    x_t = latent(remote.shape, range(rows))
    remote.predict_noise(x_t, 500)
    before = network.traffic(machine)
    for _ in range(WIRE_CALLS):
        remote.predict_noise(x_t, 500)
    sent, received = (after - b for after, b in zip(network.traffic(machine), before, strict=True))
    return sent / WIRE_CALLS, received / WIRE_CALLS


def _wait_for_machines(client: ReplicaClient, count: int) -> None:
    """Wait until replicas on so many machines answer, and no others.

    Raises:
        RuntimeError: they do not.
    """
    deadline = time.monotonic() + WAIT_TIMEOUT
    while len({endpoint.place.host for endpoint in client.up}) != count or len(client.up) != REPLICAS:
        client.probe_all()
        if time.monotonic() > deadline:
            raise RuntimeError(f"no replicas on {count} machines within {WAIT_TIMEOUT:.0f} s: {client.endpoints}")
        time.sleep(0.5)


def measure_sweep(config: BenchConfig, outage: float) -> Iterator[Row]:
    """Compute a sweep in one process and on two machines, one of which is cut off in the middle.

    Args:
        outage: seconds for which it is cut off.

    Raises:
        ValueError: virtual machines cannot be made here.
        RuntimeError: the sweep fails, or its table has other digits.
    """
    folder = load(config.checkpoint, "cpu").folder
    if folder is None:
        raise ValueError(f"{config.checkpoint} has no folder with examples")
    tables, durations = [], []
    with ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ddim-sweep-")))
        nodes = stack.enter_context(ray_nodes(stack.enter_context(virtual_network(2))))
        for name, cut in (("here", None), ("there", outage)):
            unmeasured = shutil.ignore_patterns("quality.json", "evaluation")
            copy = Path(shutil.copytree(folder, temporary / name / folder.name, ignore=unmeasured))
            started = time.perf_counter()
            _evaluate(nodes, copy, cut)
            durations.append(time.perf_counter() - started)
            tables.append(_digits(copy))
    if tables[0] != tables[1]:
        raise RuntimeError("the sweep on two machines has other digits than in one process")
    cells = len(tables[0]["frechet"]["cells"])
    yield (
        f"a sweep on two machines, one of which is cut off for {outage:.0f} s",
        "the same table in all digits",
        f"loss, {cells} Fréchet distances and the reconstructions; {durations[1]:.0f} s against {durations[0]:.0f} s in one "
        "process",
    )


def _evaluate(nodes: RayNodes, folder: Path, outage: float | None) -> None:
    """Run ``evaluate`` on the head: on the cluster while a link is cut, or with None in one process."""
    command = ["-m", "explorer", "evaluate", str(folder), *SWEEP]
    process = nodes.popen(nodes.head, command + ["--ray", nodes.head_address] * (outage is not None))
    if outage is not None:
        deadline = time.monotonic() + WAIT_TIMEOUT
        while (
            not any(folder.glob("evaluation/frechet-*.npz")) and time.monotonic() < deadline and process.poll() is None
        ):
            time.sleep(0.05)
        nodes.network.set_link(nodes.network.machines[1], up=False)
        time.sleep(outage)
        nodes.network.set_link(nodes.network.machines[1], up=True)
    printed = process.communicate()[0]
    if process.returncode:
        raise RuntimeError(f"the sweep failed: {printed[-1000:]}")


def _digits(folder: Path) -> dict[str, Any]:
    """``quality.json`` without what depends on the machine."""
    quality = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
    for cell in quality["frechet"]["cells"]:
        del cell["seconds_per_picture"], cell["machine"]
    return quality
