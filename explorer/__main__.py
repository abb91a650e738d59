"""Command line: ``ddim-explorer [OPTION…]`` serves the app, ``ddim-explorer train|evaluate|bench|… [OPTION…]`` does the rest.

``python -m explorer`` is the same command.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

PROGRAM = "ddim-explorer"
COMMANDS = {
    "train": "explorer.training.command",
    "evaluate": "explorer.evaluation.command",
    "bench": "explorer.bench.command",
    "fuzz": "explorer.fuzz.command",
    "prepare": "explorer.ui.prepare.command",
    "course": "explorer.course.command",
    "serve-network": "explorer.cluster.command",
}
USAGE = f"""usage: {PROGRAM} [OPTION…]             serve the app and open it in a browser (--help lists the options)
       {PROGRAM} COMMAND [OPTION…]     one of {", ".join(COMMANDS)} (COMMAND --help lists its options)"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that the first argument names, or serve the app if it names none. Return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # the encoding of a pipe on Windows lacks η and ᾱ
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    name = arguments[0] if arguments else ""
    if name in COMMANDS:
        return import_module(COMMANDS[name]).main(arguments[1:]) or 0
    if name and name != "serve" and not name.startswith("-"):
        print(f"{PROGRAM}: there is no command {name!r}\n{USAGE}", file=sys.stderr)
        return 2
    if arguments in (["--help"], ["-h"]):
        print(f"{USAGE}\n")
    serve = import_module("explorer.ui.command").main
    return serve(arguments[1:] if name == "serve" else arguments, program=PROGRAM, opens_browser=True)


if __name__ == "__main__":
    sys.exit(main())
