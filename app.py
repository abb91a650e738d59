"""The app: run ``python app.py`` and open the URL that it prints. A Hugging Face Space runs this file unchanged."""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("MPLBACKEND", "agg")  # Gradio queries the backend at every event; detecting it takes a second

SECONDS_BETWEEN_TRIMS = 10

if TYPE_CHECKING:  # slow imports are made where they are used, so that --help and invalid arguments respond at once
    import gradio as gr

    from explorer.checkpoint import Checkpoint
    from explorer.networks.network import Engine
    from explorer.storage.hub import Progress

    demo: gr.Blocks  # see __getattr__


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="See how DDIM works: an app that runs a diffusion model step by step.", allow_abbrev=False
    )
    parser.add_argument(
        "--checkpoint", help="name in checkpoints/, path of a folder, or hub id (default: all in checkpoints/)"
    )
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    parser.add_argument("--host", default=host, help=f"address to listen on (default: {host})")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--root-path", help="path or URL at which a reverse proxy serves the app, such as /ddim")
    parser.add_argument(
        "--auth",
        action="append",
        default=[],
        metavar="USER:PASSWORD",
        help="require a login; can be repeated, or @FILE with one USER:PASSWORD per line",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a host name by which the app is reached, such as ddim.example.org or *.example.org; can be repeated. IP "
        "addresses and the names of this machine are always allowed",
    )
    parser.add_argument(
        "--behind-proxy",
        action="store_true",
        help="a reverse proxy is in front: believe its X-Forwarded headers (implied by --root-path, and on a Space)",
    )
    parser.add_argument(
        "--runs-per-address",
        type=int,
        default=36,
        metavar="N",
        help="how many runs of one network address execute at once, from 1 to 48 (default 36, enough for a class of 30 "
        "behind one address). With 48, one address can take all places",
    )
    parser.add_argument("--device", default="auto", help="device of the network: auto (default), cpu, cuda or mps")
    parser.add_argument(
        "--engine",
        default="auto",
        help="inference engine: exact (torch, float32), fast, or auto (default): the fastest",
    )
    parser.add_argument(
        "--network",
        metavar="ADDRESS",
        help="let replicas on Ray compute the network: ray://HOST:PORT as printed by serve-network, or ray to start "
        "two replicas on this machine (requires the extra ray)",
    )
    parser.add_argument("--wire", default="float32", help="number format for --network: float32 (default) or half")
    parser.add_argument(
        "--store-size",
        type=int,
        default=512,
        metavar="MB",
        help="keep computed results on disk for the next start, in the user's cache folder (default 512; 0 for none)",
    )
    parser.add_argument(
        "--public",
        action="store_true",
        help="for untrusted users: do not open further checkpoints by folder or hub id (implied by --share, and on a "
        "Space)",
    )
    parser.add_argument("--share", action="store_true", help="create a public link")
    return parser.parse_args()


def open_checkpoints(name: str | None = None, device: str = "auto", engine: Engine = "auto") -> dict[str, Checkpoint]:
    """Load the named checkpoint, or all in checkpoints/. Return them by name."""
    from explorer.checkpoint import available, load

    checkpoints = [load(name, device, engine=engine) for name in ([name] if name else available())]
    if not checkpoints:
        load("", device)  # raises an error that says what is missing
    return {checkpoint.name: checkpoint for checkpoint in checkpoints}


def open_network(address: str, name: str | None, wire: str, engine: Engine, stack: ExitStack) -> dict[str, Checkpoint]:
    """Connect to the network served at ``address``. Return its checkpoint by name.

    For the address "ray", start a local cluster, which ends with ``stack``.
    """
    from explorer.checkpoint import available
    from explorer.cluster.local_cluster import local_cluster
    from explorer.cluster.remote_network import connect
    from explorer.cluster.wire_format import DTYPES

    if wire not in DTYPES:
        raise ValueError(f"--wire must be one of {', '.join(DTYPES)}, not {wire!r}")
    if address == "ray":
        name = name or next(iter(available()), "")
        address = stack.enter_context(local_cluster(name, engine))
    checkpoint = connect(address, name, wire)  # type: ignore[arg-type]
    return {checkpoint.name: checkpoint}


def check_port(host: str, port: int) -> None:
    """Raise ValueError unless the port is valid and free."""
    if not 1 <= port <= 65535:
        raise ValueError(f"--port must be from 1 to 65535, not {port}")
    name = f"[{host}]" if ":" in host else host
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ValueError(
            f"cannot listen on {name}:{port} ({error.strerror}); choose another --port or --host"
        ) from None


def check_runs(count: int) -> None:
    """Raise ValueError unless so many runs of one address may execute at once."""
    if not 1 <= count <= 48:
        raise ValueError(f"--runs-per-address must be from 1 to 48, not {count}")


def check_store_size(megabytes: int) -> None:
    """Raise ValueError unless the store may have this size."""
    if megabytes < 0:
        raise ValueError(f"--store-size must be at least 0 MB, not {megabytes}")


def check_root_path(path: str) -> str:
    """Return the root path without a trailing slash. Raise ValueError if it is neither a path nor a URL."""
    if not path.startswith(("/", "http://", "https://")):
        raise ValueError(f"--root-path must begin with / (or be a URL that begins with http), not {path!r}")
    return path.rstrip("/")


def allowed_names(root_path: str | None) -> list[str]:
    """Return the host name in a root path that is a URL."""
    name = urlsplit(root_path or "").hostname
    return [name] if name else []


def logins(values: Sequence[str]) -> list[tuple[str, str]]:
    """Return the users and passwords of the ``--auth`` options. Error messages never contain a password.

    Raises:
        ValueError: an entry lacks the user or the password, a user occurs twice, or a file cannot be read.
    """
    entries: list[tuple[str, str]] = []  # (source for error messages, USER:PASSWORD)
    for value in values:
        if value.startswith("@"):
            file = value[1:]
            try:
                lines = Path(file).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                raise ValueError(f"--auth: cannot read {file}, a text file with one USER:PASSWORD per line") from None
            entries += [(f"{file}, line {number}", line) for number, line in enumerate(lines, 1) if line.strip()]
            if not entries:
                raise ValueError(f"--auth: {file} is empty; expected one USER:PASSWORD per line")
        else:
            entries.append(("--auth", value))
    users: dict[str, str] = {}
    for source, entry in entries:
        user, _, password = entry.partition(":")
        if not user or not password:
            raise ValueError(f"{source}: expected USER:PASSWORD, both non-empty (the value is not shown)")
        if user in users:
            raise ValueError(f"{source}: the user {user} occurs twice")
        users[user] = password
    return list(users.items())


def limit_memory() -> None:
    """Configure glibc's allocator to return freed memory to the system. Do nothing on other systems.

    The server has one thread per run. By default glibc keeps a separate arena for each thread, and small allocations
    that live long keep freed memory from being returned, so the process would grow with the number of runs.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-8, 2)  # M_ARENA_MAX
        libc.mallopt(-3, 1 << 20)  # M_MMAP_THRESHOLD
        trim = libc.malloc_trim
    except (OSError, AttributeError):  # not glibc
        return

    def trim_periodically() -> None:
        while True:
            time.sleep(SECONDS_BETWEEN_TRIMS)
            trim(0)

    Thread(target=trim_periodically, name="memory", daemon=True).start()


def handle_signals(handler: Callable[..., object]) -> None:
    """Install the handler of SIGINT (Ctrl-C) and SIGTERM."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def main() -> int:
    """Run the command line and return the exit code."""
    limit_memory()
    args = parse_arguments()
    with ExitStack() as stack:
        return serve(args, stack)


def serve(args: argparse.Namespace, stack: ExitStack) -> int:
    """Serve the app until a signal stops it. Processes that it starts end with ``stack``. Return the exit code."""
    global demo
    try:
        if args.port is not None:
            check_port(args.host, args.port)
        check_runs(args.runs_per_address)
        check_store_size(args.store_size)
        users = logins(args.auth)
        root_path = None if args.root_path is None else check_root_path(args.root_path)
        handle_signals(lambda *_: sys.exit(0))  # until the app is launched
        if args.network:
            checkpoints = open_network(args.network, args.checkpoint, args.wire, args.engine, stack)
        else:
            checkpoints = open_checkpoints(args.checkpoint, args.device, args.engine)
    except ValueError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    from explorer.checkpoint import load
    from explorer.runs.stored_results import StoredResults
    from explorer.ui.app import build, launch_options, limit_connections, shut_down

    def load_other(name: str, progress: Progress) -> Checkpoint:
        return load(name, args.device, engine=args.engine, progress=progress)

    on_space = "SPACE_ID" in os.environ
    public = args.public or args.share or on_space
    stored = StoredResults.open(args.store_size * 1_000_000)
    demo = build(checkpoints, None if public else load_other, args.runs_per_address, stored)
    stopped = Event()
    handle_signals(lambda *_: stopped.set())
    demo.launch(
        prevent_thread_lock=True,
        server_name=f"[{args.host}]" if ":" in args.host else args.host,  # so that Gradio's URLs are valid
        server_port=args.port,
        root_path=root_path,
        share=args.share,
        **launch_options(
            users,
            hosts=[*args.allow_host, *allowed_names(root_path), *["*.gradio.live"] * args.share],
            behind_proxy=args.behind_proxy or root_path is not None or on_space,
        ),
    )
    limit_connections(demo)
    while not stopped.wait(1):  # without a timeout, some systems do not deliver Ctrl-C
        pass
    shut_down(demo)
    stored.flush()
    return 0


def __getattr__(name: str) -> Any:
    """Build ``demo``, the app with all checkpoints, when it is first used by a program that imports this file."""
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["demo"] = build_demo()
    return globals()["demo"]


def build_demo() -> gr.Blocks:
    """Build the app with all checkpoints in checkpoints/."""
    from explorer.ui.app import build

    return build(open_checkpoints())


if __name__ == "__main__":
    if current_thread() is main_thread():
        sys.exit(main())
    demo = build_demo()  # ``gradio app.py`` runs this file again in another thread after every change
