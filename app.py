"""DDIM Explorer's app: ``python app.py`` and open the address it prints. A Hugging Face Space runs it as it is."""

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

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("MPLBACKEND", "agg")  # Gradio asks at every event; finding one takes matplotlib a second

SECONDS_BETWEEN_TRIMS = 10

if TYPE_CHECKING:  # what takes seconds to import is imported where it is used: --help and a bad argument answer at once
    import gradio as gr

    from explorer.checkpoint import Checkpoint
    from explorer.networks.network import Engine
    from explorer.storage.hub import Progress

    demo: gr.Blocks  # see __getattr__


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="See how DDIM works.", allow_abbrev=False)
    parser.add_argument(
        "--checkpoint", help="name below checkpoints/, folder or hub id (default: all below checkpoints/)"
    )
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    parser.add_argument("--host", default=host, help=f"address to listen on (default {host})")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--root-path", help="path below which a proxy serves the app, such as /ddim, or its address")
    parser.add_argument(
        "--auth",
        action="append",
        default=[],
        metavar="USER:PASSWORD",
        help="ask for a login; may be given several times, or as @FILE with one USER:PASSWORD a line",
    )
    parser.add_argument("--device", default="auto", help="where the network runs: auto, cpu, cuda or mps")
    parser.add_argument(
        "--engine", default="auto", help="fast, exact (torch, float32), or auto: the best there is (the default)"
    )
    parser.add_argument(
        "--network",
        metavar="ADDRESS",
        help="let replicas on Ray compute the network: ray://HOST:PORT as serve-network prints it, or ray for two on this "
        "machine (extra ray)",
    )
    parser.add_argument("--wire", default="float32", help="numbers on the way to --network: float32 (default) or half")
    parser.add_argument(
        "--public",
        action="store_true",
        help="for strangers: no other checkpoints can be opened by folder or hub id; so it is with --share, and on a Space",
    )
    parser.add_argument("--share", action="store_true", help="make a public link")
    return parser.parse_args()


def open_checkpoints(wanted: str | None = None, device: str = "auto", engine: Engine = "auto") -> dict[str, Checkpoint]:
    """The checkpoint asked for, or all below checkpoints/, by name."""
    from explorer.checkpoint import available, load

    opened = [load(name, device, engine=engine) for name in ([wanted] if wanted else available())]
    if not opened:
        load("", device)  # says what is missing
    return {checkpoint.name: checkpoint for checkpoint in opened}


def open_network(
    address: str, wanted: str | None, wire: str, engine: Engine, until: ExitStack
) -> dict[str, Checkpoint]:
    """The checkpoint whose network is served at ``address``; one that is served here is so until ``until`` ends."""
    from explorer.checkpoint import available
    from explorer.cluster.local_cluster import local_cluster
    from explorer.cluster.remote_network import connect
    from explorer.cluster.wire_format import DTYPES

    if wire not in DTYPES:
        raise ValueError(f"--wire must be one of {', '.join(DTYPES)}, not {wire!r}")
    if address == "ray":
        wanted = wanted or next(iter(available()), "")
        address = until.enter_context(local_cluster(wanted, engine))
    checkpoint = connect(address, wanted, wire)  # type: ignore[arg-type]
    return {checkpoint.name: checkpoint}


def check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise ValueError(f"--port must be from 1 to 65535, not {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ValueError(f"cannot listen on {host}:{port} ({error.strerror}); give another --port") from None


def check_root_path(path: str) -> str:
    if not path.startswith(("/", "http://", "https://")):
        raise ValueError(f"--root-path must begin with / (or be an address that begins with http), not {path!r}")
    return path.rstrip("/")


def logins(given: Sequence[str]) -> list[tuple[str, str]]:
    """Users and passwords from what ``--auth`` was given; no message ever shows a password.

    Raises:
        ValueError: an entry without a user or a password, a user with two passwords, a file that cannot be read.
    """
    entries: list[tuple[str, str]] = []  # where it is written, and USER:PASSWORD
    for value in given:
        if value.startswith("@"):
            try:
                lines = Path(value[1:]).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                raise ValueError(
                    f"--auth: cannot read {value[1:]}, a text file with one USER:PASSWORD a line"
                ) from None
            entries += [(f"{value[1:]}, line {n}", line) for n, line in enumerate(lines, 1) if line.strip()]
            if not entries:
                raise ValueError(f"--auth: {value[1:]} is empty; expected one USER:PASSWORD a line")
        else:
            entries.append(("--auth", value))
    users: dict[str, str] = {}
    for place, entry in entries:
        user, _, password = entry.partition(":")
        if not user or not password:
            raise ValueError(f"{place}: expected USER:PASSWORD, neither of them empty (what was given is not shown)")
        if user in users:
            raise ValueError(f"{place}: the user {user} is there twice")
        users[user] = password
    return list(users.items())


def bound_memory() -> None:
    """Let glibc keep what its threads free in two pools, not in one for each of them, give large pieces back at once, and
    small ones every few seconds.

    A server has a thread for each run; without this the process grows with every thread that ever held pictures, and
    with every gap that a short run leaves between what long ones hold.
    """
    try:
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(-8, 2)  # M_ARENA_MAX
        libc.mallopt(-3, 1 << 20)  # M_MMAP_THRESHOLD
        trim = libc.malloc_trim
    except (OSError, AttributeError):  # another system's library
        return

    def give_back() -> None:
        while True:
            time.sleep(SECONDS_BETWEEN_TRIMS)
            trim(0)

    Thread(target=give_back, name="memory", daemon=True).start()


def on_signals(act: Callable[..., object]) -> None:
    """What Ctrl-C does, and SIGTERM, with which systems end what they started."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, act)


def main() -> int:
    bound_memory()
    given = arguments()
    with ExitStack() as until:
        return serve(given, until)


def serve(given: argparse.Namespace, until: ExitStack) -> int:
    """Until it is stopped; what it needs for that ends with ``until``."""
    global demo
    try:
        if given.port is not None:
            check_port(given.host, given.port)
        users = logins(given.auth)
        root_path = None if given.root_path is None else check_root_path(given.root_path)
        on_signals(lambda *_: sys.exit(0))  # there is nothing to end yet
        if given.network:
            checkpoints = open_network(given.network, given.checkpoint, given.wire, given.engine, until)
        else:
            checkpoints = open_checkpoints(given.checkpoint, given.device, given.engine)
    except ValueError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    from explorer.checkpoint import load
    from explorer.ui.app import build, launch_options, shut_down

    def another(name: str, progress: Progress) -> Checkpoint:
        return load(name, given.device, engine=given.engine, progress=progress)

    for_strangers = given.public or given.share or "SPACE_ID" in os.environ
    demo = build(checkpoints, None if for_strangers else another)
    ended = Event()
    on_signals(lambda *_: ended.set())
    demo.launch(
        prevent_thread_lock=True,
        server_name=given.host,
        server_port=given.port,
        root_path=root_path,
        share=given.share,
        **launch_options(users),
    )
    while not ended.wait(1):  # without a limit, some systems would not hear of Ctrl-C
        pass
    shut_down(demo)
    return 0


def __getattr__(name: str) -> Any:
    """``demo``, for those who import this file: the app over all checkpoints, built when it is first asked for."""
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["demo"] = built()
    return globals()["demo"]


def built() -> gr.Blocks:
    """The app over all checkpoints."""
    from explorer.ui.app import build

    return build(open_checkpoints())


if __name__ == "__main__":
    if current_thread() is main_thread():
        sys.exit(main())
    demo = built()  # ``gradio app.py`` runs this file again in a thread of its own when it has changed
