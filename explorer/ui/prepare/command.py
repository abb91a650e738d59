"""``python -m explorer prepare``: compute pages before they are shown, so that the app has them at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from explorer.networks.network import ENGINES

if TYPE_CHECKING:  # slow imports are made where they are used, so that --help and --list respond at once
    from explorer.checkpoint import Checkpoint
    from explorer.runs.stored_results import StoredResults
    from explorer.ui.prepare.links import Link
    from explorer.ui.prepare.preparation import Progress

INTERRUPTED = 130  # exit code after Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return the exit code: 0, 1 if a page could not be stored, 2 for invalid arguments, or 130."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.store_size < 1:
        parser.error(f"--store-size must be at least 1 MB, not {args.store_size}")
    if args.list or args.clear:
        if args.links or args.lesson or args.examples or (args.list and args.clear):
            parser.error("--list and --clear stand alone")
        return _show_or_clear(args)
    if not (args.links or args.lesson or args.examples):
        parser.error("nothing to prepare: give --lesson, --examples, a link or a file with links")
    try:
        return _prepare(args)
    except ValueError as error:
        print(f"prepare: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m explorer prepare",
        description="Compute everything that pages of the app show, before anybody opens them. What is interrupted goes on "
        "where it was when the same command is given again.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "links",
        nargs="*",
        metavar="LINK|FILE",
        help="an address of the app, such as '/?tab=steps&seed=22&steps=50&eta=0.5', or a file with one per line",
    )
    parser.add_argument("--lesson", action="store_true", help="all stops of the lesson")
    parser.add_argument("--examples", action="store_true", help="all examples of the tabs")
    parser.add_argument(
        "--checkpoint", help="of the links that name none, as for the app (default: the first in checkpoints/)"
    )
    parser.add_argument("--device", default="auto", help="as for the app: auto (default), cpu, cuda or mps")
    parser.add_argument("--engine", choices=ENGINES, default="auto", help="as for the app (default auto)")
    parser.add_argument(
        "--store-size", type=int, default=512, metavar="MB", help="as for the app: size of the store (default 512)"
    )
    parser.add_argument("--list", action="store_true", help="show what the store has")
    parser.add_argument("--clear", action="store_true", help="delete everything in the store")
    return parser


def _show_or_clear(args: argparse.Namespace) -> int:
    from explorer.storage.program_version import program_version
    from explorer.storage.result_store import ResultStore
    from explorer.ui.prepare.contents import describe

    store = ResultStore(program_version(), args.store_size * 1_000_000)
    if args.list:
        print(describe(store))
        return 0
    deleted = store.clear()
    print(f"deleted {len(deleted):,} files, {sum(entry.nbytes for entry in deleted) / 1e6:,.1f} MB, in {store.folder}")
    remaining = len(store.entries())
    if remaining:
        print(f"prepare: {remaining:,} files could not be deleted", file=sys.stderr)
    return 1 if remaining else 0


def _prepare(args: argparse.Namespace) -> int:
    """Prepare the pages that the arguments name. Raise ValueError for a link or a checkpoint that does not exist."""
    from explorer.runs.shared_network import SCHEDULER, reserve_threads_for_the_network
    from explorer.runs.stored_results import StoredResults
    from explorer.ui.prepare.links import lesson_links, read_links

    links = [*lesson_links(args.lesson, args.examples), *read_links(args.links)]
    stored = StoredResults.open(args.store_size * 1_000_000, prepares=True)
    reserve_threads_for_the_network()
    try:
        return _run(links, _open_checkpoints(links, args), stored, cards=args.lesson or args.examples)
    except KeyboardInterrupt:
        stored.flush()
        print("\nprepare: interrupted; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        print(f"prepare: cannot write to {stored.store.folder} ({error})", file=sys.stderr)
        return 1
    finally:
        SCHEDULER.close()


def _run(links: Sequence[Link], checkpoints: dict[str, Checkpoint], stored: StoredResults, cards: bool) -> int:
    from explorer.ui.prepare.preparation import Preparation

    preparation = Preparation(checkpoints, stored)
    pages = preparation.plan(links)
    engines = ", ".join(f"{name} on {checkpoint.engine}" for name, checkpoint in checkpoints.items())
    print(f"{len(pages)} pages with {engines}, about {sum(page.evaluations for page in pages):,} network evaluations")
    line = ProgressLine()
    for progress in preparation.run(pages):
        line.show(progress)
    if cards:
        print(f"{preparation.check_derivations()} derivation cards")
    missing = preparation.incomplete(pages)
    for page in missing:
        print(f"prepare: {page.link} does not fit into --store-size", file=sys.stderr)
    return 1 if missing else 0


def _open_checkpoints(links: Sequence[Link], args: argparse.Namespace) -> dict[str, Checkpoint]:
    """The checkpoints of the links by name, that of the app first."""
    from explorer.checkpoint import available, load
    from explorer.ui.prepare.preparation import on_serving_engine

    default = args.checkpoint or next(iter(available()), "")
    names = dict.fromkeys([default, *(link.entries.get("checkpoint", default) for link in links)])
    opened = {name: load(name, args.device, engine=args.engine) for name in names}
    by_name = {checkpoint.name if name == default else name: checkpoint for name, checkpoint in opened.items()}
    return {name: on_serving_engine(checkpoint) for name, checkpoint in by_name.items()}


class ProgressLine:
    """Shows the progress: one line for each page, which changes on a terminal while the page is computed."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()

    def show(self, progress: Progress) -> None:
        """Show the progress; on no terminal, only that a page is done."""
        head = f"[{progress.number}/{progress.count}] {progress.page.link}"
        left = "" if progress.seconds_left is None else f", about {duration(progress.seconds_left)} left"
        if progress.done:
            how = f"{progress.seconds:.1f} s" if progress.evaluations else "nothing to compute"
            self._print(f"{head}: {how}{left if progress.number < progress.count else ''}", "\n")
        elif self._is_terminal:
            self._print(f"{head}: {progress.share:.0%}{left}", "")

    def _print(self, text: str, end: str) -> None:
        print(f"\r\033[K{text}" if self._is_terminal else text, end=end, flush=True)


def duration(seconds: float) -> str:
    """Return a rounded duration, such as 40 s or 3 min."""
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
