"""Command line: ``python -m explorer train …``."""

from __future__ import annotations

import sys

from explorer.training.command import main

COMMANDS = {"train": main}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        print(f"usage: python -m explorer {{{','.join(COMMANDS)}}} …", file=sys.stderr)
        sys.exit(2)
    sys.exit(COMMANDS[sys.argv[1]](sys.argv[2:]))
