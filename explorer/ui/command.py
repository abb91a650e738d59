"""Command line that serves the app: ``ddim-explorer``, ``python -m explorer serve`` and ``python app.py``.

Modules that are slow to load are imported where they are used, so that invalid arguments are refused at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Event
from typing import TYPE_CHECKING

from explorer.ui.process import handle_signals, has_browser, limit_memory
from explorer.ui.server_options import allowed_names, check_port, check_root_path, check_runs, check_store_size, logins

if TYPE_CHECKING:
    import gradio as gr

    from explorer.checkpoint import Checkpoint
    from explorer.custom_sampler import CustomStep
    from explorer.networks.network import Engine
    from explorer.storage.hub import Progress


def main(
    arguments: Sequence[str] | None = None,
    program: str = "app.py",
    opens_browser: bool = False,
    on_built: Callable[[gr.Blocks], object] = lambda demo: None,
) -> int:
    """Serve the app until a signal stops it, and return the exit code.

    Args:
        arguments: the options; those of the process if None.
        program: name of the command in its messages.
        opens_browser: whether a browser opens if neither ``--browser`` nor ``--no-browser`` is given.
        on_built: called with the app before it is served.
    """
    configure_environment()
    limit_memory()
    args = parse_arguments(arguments, program, opens_browser)
    with ExitStack() as stack:
        return serve(args, stack, program, on_built)


def configure_environment() -> None:
    """Set what Gradio reads when it is imported, unless it is set already."""
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("MPLBACKEND", "agg")  # Gradio queries it at every event; detecting it takes a second


def parse_arguments(arguments: Sequence[str] | None, program: str, opens_browser: bool) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=program,
        description="See how DDIM works: an app that runs a diffusion model step by step.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--checkpoint", help="name of a shipped checkpoint, path of a folder, or hub id (default: all shipped ones)"
    )
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    parser.add_argument("--host", default=host, help=f"address to listen on (default: {host})")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument(
        "--browser",
        action=argparse.BooleanOptionalAction,
        default=opens_browser,
        help=f"open the page in a browser, where there is one (default: {'yes' if opens_browser else 'no'})",
    )
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
        "--sampler",
        metavar="FILE.py:FUNCTION",
        help="your own step, a function of (x_t, eps, z, alpha_bar, alpha_bar_prev, eta) that returns x_prev, as a row "
        "in Compare, Solvers and Paths. The file is read again when it has changed. Not with --public or --share",
    )
    parser.add_argument(
        "--public",
        action="store_true",
        help="for untrusted users: do not open further checkpoints by folder or hub id (implied by --share, and on a "
        "Space)",
    )
    parser.add_argument("--share", action="store_true", help="create a public link")
    return parser.parse_args(arguments)


def open_checkpoints(name: str | None = None, device: str = "auto", engine: Engine = "auto") -> dict[str, Checkpoint]:
    """Load the named checkpoint, or all shipped ones. Return them by name."""
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


def read_custom_step(text: str | None, public: bool) -> CustomStep | None:
    """Read the step of ``--sampler``; None without that option.

    Raises:
        ValueError: the app is public, or the step cannot be read.
    """
    if text is None:
        return None
    if public:
        raise ValueError(
            "--sampler runs your code for everybody who opens the page, so it is for local use: leave out --public and "
            "--share; on a Space it cannot be used"
        )
    from explorer.custom_sampler import CustomStep

    return CustomStep.from_file(text)


def serve(args: argparse.Namespace, stack: ExitStack, program: str, on_built: Callable[[gr.Blocks], object]) -> int:
    """Serve the app until a signal stops it. Processes that it starts end with ``stack``. Return the exit code."""
    try:
        if args.port is not None:
            check_port(args.host, args.port)
        check_runs(args.runs_per_address)
        check_store_size(args.store_size)
        users = logins(args.auth)
        root_path = None if args.root_path is None else check_root_path(args.root_path)
        on_space = "SPACE_ID" in os.environ
        public = args.public or args.share or on_space
        custom_step = read_custom_step(args.sampler, public)
        handle_signals(lambda *_: sys.exit(0))  # until the app is launched
        if args.network:
            checkpoints = open_network(args.network, args.checkpoint, args.wire, args.engine, stack)
        else:
            checkpoints = open_checkpoints(args.checkpoint, args.device, args.engine)
    except ValueError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return 2
    from explorer.checkpoint import load
    from explorer.runs.stored_results import StoredResults
    from explorer.ui.app import build, launch_options, limit_connections, shut_down

    def load_other(name: str, progress: Progress) -> Checkpoint:
        return load(name, args.device, engine=args.engine, progress=progress)

    stored = StoredResults.open(args.store_size * 1_000_000)
    demo = build(checkpoints, None if public else load_other, args.runs_per_address, stored, custom_step)
    on_built(demo)
    stopped = Event()
    handle_signals(lambda *_: stopped.set())
    demo.launch(
        prevent_thread_lock=True,
        inbrowser=args.browser and has_browser(),
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


def build_demo() -> gr.Blocks:
    """Build the app with all shipped checkpoints."""
    configure_environment()
    from explorer.ui.app import build

    return build(open_checkpoints())
