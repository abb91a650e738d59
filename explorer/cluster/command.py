"""``python -m explorer serve-network``: replicas of a checkpoint's network, for apps on this machine and others."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence

from explorer.checkpoint import load
from explorer.cluster.ray_session import haproxy, ray_session, require_ray
from explorer.cluster.remote_network import SCHEME, ReplicaClient
from explorer.denoiser import DEVICES
from explorer.networks.network import ENGINES

PORT = 8000


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        "python -m explorer serve-network",
        description="Serve a checkpoint's network on Ray; apps use it with python app.py --network ray://HOST:PORT. "
        "Whoever reaches the port can use it: keep it within a network that you trust.",
    )

    def add(name: str, text: str, **options: object) -> None:
        parser.add_argument(name, help=text, **options)  # type: ignore[arg-type]

    add("checkpoint", "name below checkpoints/, folder or hub id; the same on every machine")
    add("--replicas", "how many (default 1)", type=int, default=1)
    add("--gpus", "GPUs for one replica, such as 0.5 (default 0)", type=float, default=0.0)
    add("--cpus", "CPUs that Ray keeps for one replica (default 1)", type=float, default=1.0)
    add("--ray", "the Ray cluster: auto or HOST:PORT (default: one on this machine, which ends with the command)")
    add("--host", "address to listen on (default 127.0.0.1)", default="127.0.0.1")
    add("--port", f"port to listen on (default {PORT})", type=int, default=PORT)
    add("--engine", "of the replicas (default auto)", choices=ENGINES, default="auto")
    add("--device", f"one of {', '.join(DEVICES)} (default: cuda with --gpus, else cpu)")
    parser.add_argument("--while-read", action="store_true", help=argparse.SUPPRESS)  # ends with who started it
    given = parser.parse_args(arguments)
    try:
        require_ray()
        if given.replicas < 1 or given.gpus < 0 or given.cpus < 0 or not 0 < given.port < 65536:
            raise ValueError("expected --replicas of at least 1, --gpus and --cpus of at least 0, --port up to 65535")
        serve_until_stopped(given)
    except (ValueError, RuntimeError) as error:
        print(f"serve-network: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def serve_until_stopped(given: argparse.Namespace) -> None:
    """Returns when somebody stops it; errors as for the parts of it."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    folder = load(given.checkpoint, "cpu", engine="auto").folder  # what is wrong with it is said before Ray starts
    name = given.checkpoint if folder is None or not os.path.isdir(given.checkpoint) else str(folder)
    if given.while_read:
        threading.Thread(target=wait_for_end, args=(stop,), daemon=True).start()
    cpus = max(os.cpu_count() or 1, round(given.replicas * given.cpus + 0.5))
    with haproxy(), ray_session(given.ray or "", cpus):
        from explorer.cluster.replica import ServedNetwork, deploy, withdraw

        device = given.device or ("cuda" if given.gpus else "cpu")
        deploy(
            ServedNetwork(name, device, given.engine, given.replicas, given.cpus, given.gpus), given.host, given.port
        )
        try:
            address = f"{SCHEME}{given.host}:{given.port}"
            about = ReplicaClient(address).about
            print(
                f"{about.checkpoint}, {about.replicas} × {about.engine}: python app.py --network {address}", flush=True
            )
            stop.wait()
        finally:
            if given.ray:
                withdraw()


def wait_for_end(stop: threading.Event) -> None:
    """Stop when who started this ends, however that happens."""
    sys.stdin.read()
    stop.set()
