"""The app in a separate process, so that it can be measured from outside."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from explorer.bench.measures import BenchConfig
from explorer.support.memory import resident_memory
from explorer.support.ports import free_port

SERVE = "import sys; from explorer.ui.command import main; sys.exit(main())"
ATTACKER = "127.0.0.3"  # local address from which the app is attacked


@dataclass(frozen=True)
class Server:
    """A running app.

    Attributes:
        url: its address, with a trailing slash.
        pid: its process id.
        started: when the process was launched, as ``time.perf_counter`` measures it.
    """

    url: str
    pid: int
    started: float = field(default_factory=time.perf_counter)

    @property
    def port(self) -> int:
        port = httpx.URL(self.url).port
        assert port is not None
        return port

    def memory(self) -> float:
        """Resident memory in MiB; 0 on systems without ``/proc``."""
        return resident_memory(self.pid) / 2**20


@contextmanager
def start_app(config: BenchConfig, setup: str = "", arguments: Sequence[str] = ()) -> Iterator[Server]:
    """Start the app and wait until it accepts connections. It is terminated at the end of the block.

    Args:
        setup: Python code that the process runs before it imports the app.
        arguments: further command-line arguments of the app.

    Raises:
        RuntimeError: the app does not start.
    """
    port = free_port()
    code = f"{setup}\n{SERVE}"
    options = ["--checkpoint", config.checkpoint, "--engine", config.engine, "--port", str(port)]
    options += ["--store-size", str(config.store_size), *arguments]
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", code, *options], stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None and not _accepts_connections(port):
            time.sleep(0.05)
        if process.poll() is not None:
            raise RuntimeError(f"the app exited with code {process.poll()}")
        yield Server(f"http://127.0.0.1:{port}/", process.pid, started)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def start_attacked_app(config: BenchConfig) -> Iterator[Server]:
    """Start the app as for the open internet, and attack it from another local address as ``fuzz server`` does."""
    with start_app(config, arguments=["--public"]) as server:
        options = ["--url", server.url, "--source", ATTACKER, "--seconds", "1e9"]
        attacker = subprocess.Popen([sys.executable, "-m", "explorer", "fuzz", "server", *options])
        try:
            yield server
            if attacker.poll() is not None:
                raise RuntimeError("the attacker ended before the test")
        finally:
            attacker.terminate()
            attacker.wait()


def _accepts_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
