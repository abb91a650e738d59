"""A network that is served by this machine alone, in processes of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.cluster.ray_session import free_port, require_ray
from explorer.cluster.remote_network import SCHEME

REPLICAS = 2


@contextmanager
def local_cluster(
    checkpoint: str, engine: str = "auto", device: str = "auto", replicas: int = REPLICAS
) -> Iterator[str]:
    """The address of a network that is served as long as the block lasts, and this process.

    Raises:
        ValueError: no Ray here, or the network cannot be served; why stands in the terminal.
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
        if not any(address in line for line in process.stdout):  # nothing more is said, or it is there
            raise ValueError(f"the network of {checkpoint} could not be served here")
        yield address
    finally:
        process.stdin.close()  # it ends by itself, as it does when this process is killed
        process.wait()
