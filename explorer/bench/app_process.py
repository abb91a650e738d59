"""The app in a process of its own, for what measures it from outside."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from explorer.bench.measures import Plan


@dataclass(frozen=True)
class Server:
    """An app that answers.

    Attributes:
        address: with a slash at its end.
        process: its number.
    """

    address: str
    process: int

    def memory(self) -> float:
        """MiB that it holds; 0 where the system does not say."""
        status = Path(f"/proc/{self.process}/status")
        if not status.exists():
            return 0.0
        held = next((line for line in status.read_text().splitlines() if line.startswith("VmRSS:")), "VmRSS: 0")
        return int(held.split()[1]) / 1024


@contextmanager
def served(plan: Plan, before: str = "", more: Sequence[str] = ()) -> Iterator[tuple[Server, float]]:
    """The app, and when its start began; it ends with the block.

    Args:
        before: Python that its process runs first.
        more: arguments of its command line.

    Raises:
        RuntimeError: if it does not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    code = f"{before}\nimport sys, app; sys.exit(app.main())"
    arguments = ["--checkpoint", plan.checkpoint, "--engine", plan.engine, "--port", str(port), *more]
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL, env=dict(os.environ)
    )
    try:
        while process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        if process.poll() is not None:
            raise RuntimeError(f"the app ended with code {process.poll()}; run the bench in the project's folder")
        yield Server(f"http://127.0.0.1:{port}/", process.pid), started
    finally:
        process.terminate()
        process.wait()
