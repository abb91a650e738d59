"""A cluster of replicas on this machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.cluster.ray_session import require_ray
from explorer.cluster.remote_network import SCHEME
from explorer.support.ports import free_port

REPLICAS = 2


@contextmanager
def local_cluster(
    checkpoint: str, engine: str = "auto", device: str = "auto", replicas: int = REPLICAS
) -> Iterator[str]:
    """Serve a checkpoint's network from processes on this machine. Yields its address, ray://HOST:PORT.

    The processes end with the block, and also when this process is killed.

    Raises:
        ValueError: Ray is not installed, or the network cannot be served; the reason is in the terminal.
    """
    require_ray()
    address = f"{SCHEME}127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "explorer", "serve-network", checkpoint, "--while-read", "--cpus", "0"]
    command += ["--replicas", str(replicas), "--engine", engine, "--port", address.rpartition(":")[2]]
    if device != "auto":
        command += ["--device", device]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not any(address in line for line in process.stdout):  # the command prints the address once replicas answer
            raise ValueError(f"the network of {checkpoint} cannot be served on this machine")
        yield address
    finally:
        process.stdin.close()  # with --while-read, the command stops at the end of its input
        process.wait()
