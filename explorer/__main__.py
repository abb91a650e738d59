"""Command line: ``python -m explorer train|evaluate|bench|fuzz|prepare|serve-network …``."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "train": "explorer.training.command",
    "evaluate": "explorer.evaluation.command",
    "bench": "explorer.bench.command",
    "fuzz": "explorer.fuzz.command",
    "prepare": "explorer.ui.prepare.command",
    "serve-network": "explorer.cluster.command",
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(f"usage: python -m explorer {{{','.join(COMMANDS)}}} …", file=sys.stderr)
        sys.exit(2)
    sys.exit(import_module(COMMANDS[sys.argv[1]]).main(sys.argv[2:]))
