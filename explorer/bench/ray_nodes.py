"""The nodes of a Ray cluster on virtual machines, started as on real ones: by ``ray start``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from explorer.bench.virtual_network import VirtualMachine, VirtualNetwork
from explorer.cluster.local_cluster import ADDRESS

RAY_PORT = 6379
START_TIMEOUT = 240  # seconds
STARTED = "Ray runtime started"  # in what ray start prints
SERVE_TIMEOUT, STOP_TIMEOUT = 300, 30  # seconds
OBJECT_STORE = 100 << 20  # bytes of each node
RAY = str(Path(sys.executable).with_name("ray"))


class RayNodes:
    """A Ray cluster whose head is the first virtual machine.

    Attributes:
        network: the virtual machines.
        head_address: HOST:PORT that other machines join.

    Args:
        cpus: of each node.
        folder: for Ray's files.
        token: Ray's authentication token; by default none is needed.
    """

    def __init__(self, network: VirtualNetwork, folder: Path, cpus: int = 1, token: str = "") -> None:
        self.network, self._folder, self._cpus, self._token = network, folder, cpus, token
        self.head_address = f"{network.machines[0].address}:{RAY_PORT}"

    @property
    def head(self) -> VirtualMachine:
        return self.network.machines[0]

    def environment(self, token: bool = True) -> dict[str, str]:
        """The environment variables of a process that uses the cluster, with or without its token."""
        # An address of another Ray that the caller uses, or its token, would be taken for this one's.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        settings = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
        if self._token and token:
            settings |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self._token}
        return inherited | settings

    def start(self, machine: VirtualMachine, environment: Mapping[str, str] | None = None, prepare: str = ":") -> None:
        """Start Ray on a machine: the head, or a node that joins it. Whenever it ends by itself it is started again.

        Args:
            environment: further variables of the node's processes.
            prepare: shell command that runs on the machine first; what it mounts is seen by this machine alone.

        Raises:
            RuntimeError: Ray does not start.
        """
        role = ["--head", f"--port={RAY_PORT}"] if machine == self.head else [f"--address={self.head_address}"]
        options = [f"--node-ip-address={machine.address}", f"--num-cpus={self._cpus}"]
        options += [f"--object-store-memory={OBJECT_STORE}", "--disable-usage-stats"]
        if machine == self.head:
            options += [f"--temp-dir={self._folder}", "--include-dashboard=false"]
        # As a service with Restart=always: a node that the head has given up ends, and has to be started again.
        script = f'{prepare}; while :; do "$@"; sleep 1; done'
        process = subprocess.Popen(
            machine.command(["sh", "-c", script, "sh", RAY, "start", "--block", *role, *options]),
            env=self.environment() | dict(environment or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        lines: list[str] = []
        started = Event()
        Thread(target=_read, args=(process, lines, started), daemon=True).start()
        if not started.wait(START_TIMEOUT):
            machine.kill()
            raise RuntimeError(f"Ray does not start on {machine.address}: {''.join(lines)[-2000:]}")

    def popen(self, machine: VirtualMachine, command: Sequence[str], token: bool = True) -> subprocess.Popen[str]:
        """Start a Python command of the project on a machine of the cluster; its output can be read."""
        return subprocess.Popen(
            machine.command([sys.executable, "-u", *command]),
            env=self.environment(token),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def _read(process: subprocess.Popen[str], lines: list[str], started: Event) -> None:
    """Read what ``ray start`` prints, so that it never blocks, and set ``started`` when Ray runs."""
    assert process.stdout is not None
    for line in process.stdout:
        if not started.is_set():
            lines.append(line)
        if STARTED in line:
            started.set()


@contextmanager
def ray_nodes(
    network: VirtualNetwork, cpus: int = 1, token: str = "", machines: int | None = None
) -> Iterator[RayNodes]:
    """Start Ray on the first machines of a network, by default on all. It ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="ddim-ray-", dir="/tmp"))  # a short path: those of sockets are limited
    try:
        nodes = RayNodes(network, folder, cpus, token)
        for machine in network.machines[:machines]:
            nodes.start(machine)
        yield nodes
    finally:
        for machine in network.machines:
            machine.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Serving:
    """A ``serve-network`` command on the head of a cluster.

    Args:
        options: further ones of the command.
    """

    def __init__(self, nodes: RayNodes, checkpoint: str, *options: str) -> None:
        command = ["-m", "explorer", "serve-network", checkpoint, "--ray", nodes.head_address, *options]
        self._process = nodes.popen(nodes.head, command)
        self._lines: list[str] = []
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.rstrip())

    @property
    def printed(self) -> str:
        """What the command has printed so far."""
        return "\n".join(self._lines)

    def address(self) -> str:
        """Wait for the address of the replicas, and return it.

        Raises:
            RuntimeError: the command ends, or prints none in time.
        """
        deadline = time.monotonic() + SERVE_TIMEOUT
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := ADDRESS.search(self.printed):
                return found[1]
            time.sleep(0.05)
        raise RuntimeError(f"the network is not served: {self.error() if self._process.poll() else self.printed}")

    def error(self) -> str:
        """Wait until the command has failed, and return what it has printed.

        Raises:
            RuntimeError: it does not fail.
        """
        if self._process.wait(SERVE_TIMEOUT) == 0:
            raise RuntimeError(f"serve-network did not fail: {self.printed}")
        self._reader.join(STOP_TIMEOUT)
        return self.printed

    def stop(self) -> None:
        """End the command and the replicas."""
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
