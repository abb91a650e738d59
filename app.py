"""DDIM Explorer's app: ``python app.py`` and open the address it prints."""

from __future__ import annotations

import argparse
import os
import socket
import sys

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from explorer.checkpoint import Checkpoint, available, load
from explorer.denoiser import DEVICES
from explorer.engine import ENGINES, Engine
from explorer.hub import Progress
from explorer.ui.app import build, launch_options


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="See how DDIM works.")
    parser.add_argument(
        "--checkpoint", help="name below checkpoints/, folder or hub id (default: all below checkpoints/)"
    )
    host = os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1")
    parser.add_argument("--host", default=host, help=f"address to listen on (default {host})")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    parser.add_argument("--device", default="auto", choices=DEVICES, help="where the network runs")
    parser.add_argument(
        "--engine", default="auto", choices=ENGINES, help="fast, exact (torch, float32), or the best there is"
    )
    parser.add_argument(
        "--public", action="store_true", help="for strangers: no other checkpoints can be opened by folder or hub id"
    )
    parser.add_argument("--share", action="store_true", help="make a public link")
    return parser.parse_args()


def open_checkpoints(wanted: str | None = None, device: str = "auto", engine: Engine = "auto") -> dict[str, Checkpoint]:
    """The checkpoint asked for, or all below checkpoints/, by name."""
    opened = [load(name, device, engine=engine) for name in ([wanted] if wanted else available())]
    if not opened:
        load("", device)  # says what is missing
    return {checkpoint.name: checkpoint for checkpoint in opened}


def check_port(host: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise ValueError(f"--port must be from 1 to 65535, not {port}")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise ValueError(f"cannot listen on {host}:{port} ({error.strerror}); give another --port") from None


def main() -> int:
    given = arguments()

    def another(name: str, progress: Progress) -> Checkpoint:
        return load(name, given.device, engine=given.engine, progress=progress)

    try:
        if given.port is not None:
            check_port(given.host, given.port)
        demo = build(open_checkpoints(given.checkpoint, given.device, given.engine), None if given.public else another)
    except ValueError as error:
        print(f"app.py: {error}", file=sys.stderr)
        return 2
    demo.launch(server_name=given.host, server_port=given.port, share=given.share, **launch_options())
    return 0


if __name__ == "__main__":
    sys.exit(main())
