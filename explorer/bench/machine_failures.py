"""Two machines with a replica each, whose links and processes fail while users are at work.

The machines are network namespaces, see :mod:`explorer.bench.virtual_network`. The apps and the users are on this machine, a
third one of their network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Thread

from explorer.bench.app_process import Server, start_app
from explorer.bench.cluster import apps_behind_nginx
from explorer.bench.load_test import ExpectedPictures, check
from explorer.bench.machine_throughput import measure_sweep, measure_throughput
from explorer.bench.measures import BenchConfig, Row
from explorer.bench.ray_nodes import RayNodes, Serving, ray_nodes
from explorer.bench.simulated_users import SimulatedRun, simulate
from explorer.bench.virtual_network import VirtualNetwork, virtual_network
from explorer.checkpoint import Checkpoint, load
from explorer.cluster.remote_network import connect
from explorer.cluster.replica_client import ReplicaClient
from explorer.latents import latent
from explorer.networks.network import NetworkLost

DELAY, LOSS = 0.02, 0.01  # seconds each way, and probability, of the link of the second machine
OUTAGE = 20.0  # seconds for which the link is cut, or a machine has no power
WARM_UP = 20.0  # seconds after the apps have started
CALL_INTERVAL = 0.1  # seconds between two calls whose time is measured
RECOVERY_TIMEOUT = 180.0  # seconds


@dataclass(frozen=True)
class Cluster:
    """The machines under test, and the network that they serve.

    Attributes:
        network, nodes: see :func:`virtual_network` and :func:`ray_nodes`.
        checkpoint, engine: what is served.
    """

    network: VirtualNetwork
    nodes: RayNodes
    checkpoint: str
    engine: str

    def serve(self) -> Serving:
        """Start two replicas from the head, as a service would after the head has started."""
        return Serving(self.nodes, self.checkpoint, "--replicas", "2", "--engine", self.engine)

    def cut_link(self, stop: Event) -> None:
        """The link of the second machine is cut for a while."""
        machine = self.network.machines[1]
        self.network.set_link(machine, up=False)
        stop.wait(OUTAGE)
        self.network.set_link(machine, up=True)

    def kill_machine(self, stop: Event) -> None:
        """The second machine loses its power for a while."""
        machine = self.network.machines[1]
        machine.kill()
        stop.wait(OUTAGE)
        self.nodes.start(machine)

    def restart_head(self, stop: Event) -> None:
        """The processes of the head end, and are started again, with the command that serves the network."""
        self.nodes.head.kill()
        self.nodes.start(self.nodes.head)
        self.serve()  # ends with its machine


Failure = Callable[[Cluster, Event], None]
FAILURES: dict[str, Failure | None] = {
    "nothing fails": None,
    f"the link is cut for {OUTAGE:.0f} s": Cluster.cut_link,
    f"the second machine is killed, and started again after {OUTAGE:.0f} s": Cluster.kill_machine,
    "the head is killed and started again": Cluster.restart_head,
}


@contextmanager
def serving_cluster(config: BenchConfig) -> Iterator[tuple[Cluster, str]]:
    """Two machines with a processor and a replica each. Yields them and the address of the network.

    Raises:
        ValueError: virtual machines cannot be made here.
    """
    with virtual_network(2) as network, ray_nodes(network) as nodes:
        cluster = Cluster(network, nodes, config.checkpoint, config.engine)
        serving = cluster.serve()
        try:
            yield cluster, serving.address()
        finally:
            serving.stop()


def measure_machines(config: BenchConfig, users: int, seconds: float) -> Iterator[Row]:
    """Everything that is measured on two machines. Raises as the functions that it calls."""
    yield from measure_throughput(config, seconds / 6, DELAY, LOSS)
    yield from measure_sweep(config, OUTAGE)
    yield from measure_failures(config, users, seconds)


def measure_failures(config: BenchConfig, users: int, seconds: float) -> Iterator[Row]:
    """Let users work on one app, and on two apps behind nginx, while something fails. Yield a row for each failure.

    Args:
        users: at the one app, and again at the two.
        seconds: how long they request runs during each failure.

    Raises:
        ValueError: virtual machines or nginx are missing here.
        RuntimeError: after the last row, if a run was lost or mixed up.
    """
    problems: list[str] = []
    expected: ExpectedPictures = {}
    checkpoint = load(config.checkpoint, engine=config.engine)
    with serving_cluster(config) as (cluster, address):
        cluster.network.set_link(cluster.network.machines[1], delay=DELAY, loss=LOSS)
        client = ReplicaClient(address)
        for title, apps in (("one app", start_app), ("two apps behind nginx", apps_behind_nginx)):
            _wait_for_replicas(client)
            with ExitStack() as stack:
                if apps is start_app:
                    server: Server = stack.enter_context(start_app(config, arguments=("--network", address)))
                else:
                    server = stack.enter_context(apps_behind_nginx(config, address))
                time.sleep(min(WARM_UP, seconds))
                for failure, cause in FAILURES.items():
                    _wait_for_replicas(client)
                    with longest_call(address, config.checkpoint) as calls:
                        runs = _runs_during(cluster, cause, server, users, seconds)
                    row, found = _describe(f"{title}: {failure}", runs, max(calls), checkpoint, expected)
                    problems += found
                    yield row
    if problems:
        raise RuntimeError("\n".join(problems[:20]))


def _runs_during(
    cluster: Cluster, failure: Failure | None, server: Server, users: int, seconds: float
) -> list[SimulatedRun]:
    """The runs of users while something fails, from a sixth of the time on."""
    stop = Event()

    def fail() -> None:
        if not stop.wait(seconds / 6) and failure is not None:
            failure(cluster, stop)

    thread = Thread(target=fail, name="failure")
    thread.start()
    try:
        return asyncio.run(simulate(server, users, seconds)).runs
    finally:
        if failure is None:
            stop.set()
        thread.join()


@contextmanager
def longest_call(address: str, checkpoint: str) -> Iterator[list[float]]:
    """Call the network on one row again and again while the block runs, and yield the seconds of each call.

    What a page shows also waits for the other users; a call waits for the replicas alone.
    """
    remote, stop, seconds = connect(address, checkpoint), Event(), [0.0]
    x_t = latent(remote.shape, [0])

    def call() -> None:
        while not stop.wait(CALL_INTERVAL):
            started = time.perf_counter()
            with suppress(NetworkLost):
                remote.predict_noise(x_t, 500)
            seconds.append(time.perf_counter() - started)

    thread = Thread(target=call, name="calls")
    thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        thread.join()


def _wait_for_replicas(client: ReplicaClient) -> None:
    """Wait until both machines answer.

    Raises:
        RuntimeError: they do not.
    """
    deadline = time.monotonic() + RECOVERY_TIMEOUT
    while len({endpoint.place.host for endpoint in client.up}) < 2:
        client.probe_all()
        if time.monotonic() > deadline:
            raise RuntimeError(f"not all replicas answer {RECOVERY_TIMEOUT:.0f} s after a failure: {client.endpoints}")
        time.sleep(0.5)


def _describe(
    title: str, runs: list[SimulatedRun], call: float, checkpoint: Checkpoint, expected: ExpectedPictures
) -> tuple[Row, list[str]]:
    """A row on runs, and what was wrong with them."""
    lost = [f"{title}: {run.tab} {run.settings}: {run.error}" for run in runs if run.error]
    others = [run for run in runs if not run.error]
    mixed = [f"{title}: {problem}" for problem in check(others, checkpoint, expected)]
    ended = sum(run.ended for run in runs)
    pause = max((run.longest_pause for run in runs), default=0.0)
    measured = f"{len(runs)} runs, {ended} ended, {len(lost)} lost, {len(mixed)} mixed up"
    how = f"longest call {call:.1f} s, longest pause between two updates of a page {pause:.1f} s; users leave the others early"
    return (title, measured, how), lost + mixed
