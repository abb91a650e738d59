"""``python -m explorer serve-network``: serve replicas of a checkpoint's network to apps on this and other machines."""

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
    args = _parser().parse_args(arguments)
    try:
        require_ray()
        if args.replicas < 1 or args.gpus < 0 or args.cpus < 0 or not 0 < args.port < 65536:
            raise ValueError(
                "expected --replicas of at least 1, --gpus and --cpus of at least 0, and --port from 1 to 65535"
            )
        serve_until_stopped(args)
    except (ValueError, RuntimeError) as error:
        print(f"serve-network: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m explorer serve-network",
        description="Serve a checkpoint's network on Ray. Apps use it with python app.py --network ray://HOST:PORT. "
        "Whoever reaches the port can use it: open it only to machines that you trust.",
    )

    def add(name: str, text: str, **options: object) -> None:
        parser.add_argument(name, help=text, **options)  # type: ignore[arg-type]

    add("checkpoint", "name in checkpoints/, folder or hub id; the same on every machine")
    add("--replicas", "number of replicas (default 1)", type=int, default=1)
    add("--gpus", "GPUs for each replica, such as 0.5 (default 0)", type=float, default=0.0)
    add("--cpus", "CPUs that Ray reserves for each replica (default 1)", type=float, default=1.0)
    add("--ray", "Ray cluster to join: auto or HOST:PORT (default: start Ray on this machine until the command ends)")
    add("--host", "address to listen on (default 127.0.0.1)", default="127.0.0.1")
    add("--port", f"port to listen on (default {PORT})", type=int, default=PORT)
    add("--engine", "what computes the network (default auto)", choices=ENGINES, default="auto")
    add("--device", f"one of {', '.join(DEVICES)} (default: cuda with --gpus, else cpu)")
    # Stop at the end of standard input, so that the command ends with the process that started it.
    parser.add_argument("--while-read", action="store_true", help=argparse.SUPPRESS)
    return parser


def serve_until_stopped(args: argparse.Namespace) -> None:
    """Serve the network until SIGTERM, SIGINT, or with ``--while-read`` the end of standard input.

    Raises:
        ValueError: the checkpoint cannot be opened, or Ray does not start.
        RuntimeError: the replicas do not start.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    folder = load(args.checkpoint, "cpu", engine="auto").folder  # reports a bad checkpoint before Ray starts
    checkpoint = args.checkpoint if folder is None or not os.path.isdir(args.checkpoint) else str(folder)
    if args.while_read:
        threading.Thread(target=stop_at_end_of_input, args=(stop,), daemon=True).start()
    cpus = max(os.cpu_count() or 1, round(args.replicas * args.cpus + 0.5))
    with haproxy(), ray_session(args.ray or "", cpus):
        from explorer.cluster.replica import ServedNetwork, delete_deployment, deploy

        device = args.device or ("cuda" if args.gpus else "cpu")
        deploy(
            ServedNetwork(checkpoint, device, args.engine, args.replicas, args.cpus, args.gpus), args.host, args.port
        )
        try:
            address = f"{SCHEME}{args.host}:{args.port}"
            info = ReplicaClient(address).info
            print(f"{info.checkpoint}, {info.replicas} × {info.engine}: python app.py --network {address}", flush=True)
            stop.wait()
        finally:
            if args.ray:
                delete_deployment()


def stop_at_end_of_input(stop: threading.Event) -> None:
    """Set ``stop`` when standard input ends."""
    sys.stdin.read()
    stop.set()
