"""A cluster of replicas on this machine."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from explorer.cluster.ray_session import require_ray
from explorer.support.ports import free_port

REPLICAS = 2
ADDRESS = re.compile(
    r"--network (ray://\S+)$", re.MULTILINE
)  # in the line that serve-network prints once the replicas answer


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
    command = [sys.executable, "-m", "explorer", "serve-network", checkpoint, "--while-read", "--cpus", "0"]
    command += ["--replicas", str(replicas), "--engine", engine, "--port", str(free_port())]
    if device != "auto":
        command += ["--device", device]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        address = next((found[1] for line in process.stdout if (found := ADDRESS.search(line.rstrip()))), None)
        if address is None:
            raise ValueError(f"the network of {checkpoint} cannot be served on this machine")
        yield address
    finally:
        process.stdin.close()  # with --while-read, the command stops at the end of its input
        process.wait()
