"""``python -m explorer serve-network``: serve replicas of a checkpoint's network to apps on this and other machines."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from explorer.checkpoint import load
from explorer.cluster.addresses import TOKEN_VARIABLE, NetworkAddress, Place, network_token
from explorer.cluster.engine_differences import describe_differences
from explorer.cluster.ray_session import ray_session, require_ray
from explorer.cluster.replica import ServedNetwork
from explorer.cluster.wire_format import identity
from explorer.denoiser import DEVICES
from explorer.networks.network import ENGINES, NetworkLost

if TYPE_CHECKING:  # it needs Ray
    from explorer.cluster.supervisor import Supervisor

PORT = 8000
START_TIMEOUT = 180.0  # seconds
CHECK_INTERVAL = 1.0  # seconds between two looks at the replicas


def main(arguments: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(arguments)
    try:
        require_ray()
        if args.replicas < 1 or args.gpus < 0 or args.cpus < 0 or not 0 < args.port < 65536 or not args.timeout > 0:
            raise ValueError(
                "expected --replicas of at least 1, --gpus and --cpus of at least 0, --port from 1 to 65535, and --timeout "
                "above 0"
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
        f"Whoever reaches the port can use it, unless the environment variable {TOKEN_VARIABLE} holds a token: then "
        "apps need the same one.",
    )

    def add(name: str, text: str, **options: object) -> None:
        parser.add_argument(name, help=text, **options)  # type: ignore[arg-type]

    add("checkpoint", "name in checkpoints/, folder or hub id; the same on every machine")
    add("--replicas", "number of replicas (default 1)", type=int, default=1)
    add("--gpus", "GPUs for each replica, such as 0.5 (default 0)", type=float, default=0.0)
    add("--cpus", "CPUs that Ray reserves for each replica (default 1)", type=float, default=1.0)
    add("--ray", "Ray cluster to join: auto or HOST:PORT (default: start Ray on this machine until the command ends)")
    add(
        "--host",
        "address on which the replicas listen, the same on every machine (default: 127.0.0.1; with --ray, each machine's "
        "own address in the cluster)",
    )
    add(
        "--port",
        f"port of the first replica of each machine; further ones listen on the next ports (default {PORT})",
        type=int,
        default=PORT,
    )
    add(
        "--advertise",
        "where apps reach the replicas, if not where they listen: behind nginx or a router",
        nargs="+",
        metavar="HOST:PORT",
        default=[],
    )
    add(
        "--timeout",
        f"seconds within which all replicas must answer (default {START_TIMEOUT:.0f})",
        type=float,
        default=START_TIMEOUT,
    )
    add("--engine", "what computes the network (default auto)", choices=ENGINES, default="auto")
    add("--device", f"one of {', '.join(DEVICES)} (default: cuda with --gpus, else cpu)")
    # Stop at the end of standard input, so that the command ends with the process that started it.
    parser.add_argument("--while-read", action="store_true", help=argparse.SUPPRESS)
    return parser


def serve_until_stopped(args: argparse.Namespace) -> None:
    """Serve the network until SIGTERM, SIGINT, or with ``--while-read`` the end of standard input.

    Raises:
        ValueError: the checkpoint cannot be opened, Ray does not start, or a replica does not; the message names its
            machine.
    """
    stop = threading.Event()
    advertised = tuple(map(Place.parse, args.advertise))
    checkpoint = load(args.checkpoint, "cpu", engine="auto")  # reports a bad checkpoint before Ray starts
    folder = checkpoint.folder
    if args.while_read:
        threading.Thread(target=stop_at_end_of_input, args=(stop,), daemon=True).start()
    with ray_session(args.ray or "", max(os.cpu_count() or 1, round(args.replicas * args.cpus + 0.5))):
        from explorer.cluster.supervisor import OWN_ADDRESS, Supervisor

        for number in (signal.SIGTERM, signal.SIGINT):  # Ray has set its own
            signal.signal(number, lambda *_: stop.set())
        served = ServedNetwork(
            args.checkpoint if folder is None or not os.path.isdir(args.checkpoint) else str(folder),
            args.device or ("cuda" if args.gpus else "cpu"),
            args.engine,
            args.replicas,
            args.cpus,
            args.gpus,
            identity(checkpoint),
            network_token(),
        )
        host = args.host if args.host is not None else OWN_ADDRESS if args.ray else "127.0.0.1"
        supervisor = Supervisor(served, host, args.port, advertised)
        try:
            supervisor.start(args.timeout, stop.wait, may_grow=bool(args.ray))
            if stop.is_set():
                return
            announce(supervisor, served.checkpoint)
            while not stop.wait(CHECK_INTERVAL):
                for problem in supervisor.check():
                    print(f"{problem}; another replica will be started", file=sys.stderr, flush=True)
        finally:
            supervisor.stop()


def announce(supervisor: Supervisor, checkpoint: str) -> None:
    """Print how to reach the replicas, and how far their pictures differ if their engines do."""
    engines = Counter(replica.info.engine for replica in supervisor.ready if replica.info)
    described = ", ".join(f"{count} × {engine}" for engine, count in engines.items())
    address = NetworkAddress.of(supervisor.peers)
    if missing := supervisor.describe_missing():
        print(f"only {len(supervisor.ready)} of {supervisor.served.replicas} replicas: {missing}", flush=True)
    print(f"{checkpoint}, {described}: python app.py --network {address}", flush=True)
    if len(engines) > 1:
        places = {r.info.engine: r.place for r in supervisor.ready if r.info and r.place}
        try:
            print(describe_differences(places, checkpoint), flush=True)
        except (ValueError, NetworkLost) as error:
            print(f"the replicas compute with different engines; they could not be compared: {error}", flush=True)


def stop_at_end_of_input(stop: threading.Event) -> None:
    """Set ``stop`` when standard input ends."""
    sys.stdin.read()
    stop.set()
