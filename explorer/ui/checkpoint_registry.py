"""The checkpoints of the app: those it was started with, and the last few that people opened since.

Opening takes seconds to minutes (a download, weights, a network compiled for this machine), so it goes on in a thread of
its own, and a page asks again and again how far it is. What was opened is there for every page.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from explorer.checkpoint import Checkpoint
from explorer.runs.shared_network import prepare_when_idle, scheduled, warm_up
from explorer.storage.diffusers_folder import version_of
from explorer.storage.hub import Progress
from explorer.support.arguments import shorten
from explorer.ui.localization import LocalizedMessage, localize, to_json

MOST_OPENED = 3  # beside those of the start; each holds its weights in memory
MOST_WAITING = 4  # being opened or waiting for it
MOST_TOLD = 16  # ended openings whose outcome is remembered
MAX_TEXT = 400
Loader = Callable[[str, Progress], Checkpoint]


@dataclass
class PendingCheckpoint:
    """A checkpoint on its way: what a page is told of it, and at last the name it is there by."""

    message: str = field(default_factory=lambda: LocalizedMessage("opening.waiting"))
    share: float | None = None
    failed: bool = False
    name: str = ""

    @property
    def under_way(self) -> bool:
        return not self.failed and not self.name

    def progress(self, done: int, total: int) -> None:
        """So many bytes of a download are there."""
        self.message = LocalizedMessage(
            "opening.fetching", {"done": f"{done / 1e6:.0f}", "total": f"{total / 1e6:.0f}"}
        )
        self.share = done / total if total else None

    def say(self, message: str) -> None:
        self.message, self.share = message, None

    def fail(self, message: str) -> None:
        self.say(message)
        self.failed = True

    def answer(self) -> dict[str, Any]:
        return {"state": "error" if self.failed else "opening", "message": to_json(self.message), "share": self.share}


class CheckpointRegistry(Mapping[str, Checkpoint]):
    """Checkpoints by name; the first one is the default. Thread-safe, and never changed under one who iterates.

    Args:
        shipped: those of the start, which stay.
        load: opens what somebody typed; None if there are to be no others.
        left: called with a checkpoint that made room for another one.
    """

    def __init__(
        self,
        shipped: Mapping[str, Checkpoint],
        load: Loader | None = None,
        left: Callable[[Checkpoint], object] = lambda checkpoint: None,
    ) -> None:
        for checkpoint in shipped.values():
            warm_up(checkpoint)
        for checkpoint in list(shipped.values())[:1]:
            prepare_when_idle(checkpoint)
        self._shipped = {name: scheduled(checkpoint) for name, checkpoint in shipped.items()}
        self._all = dict(self._shipped)  # replaced, not changed
        self._load, self._left = load, left
        self._openings: dict[str, PendingCheckpoint] = {}  # by what was typed
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="opening")

    def __getitem__(self, name: str) -> Checkpoint:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def open_others(self) -> bool:
        """Whether others than those of the start can be opened."""
        return self._load is not None

    def described(self) -> dict[str, dict[str, Any]]:
        """What the control column needs to know of each, by name."""
        return {name: self._describe(name, checkpoint) for name, checkpoint in self._all.items()}

    def open(self, text: object, again: bool = True) -> dict[str, Any]:
        """Open what was typed, or say how far that is; to be asked until it is there.

        Args:
            text: a name, a folder or a hub id, as :func:`explorer.load` takes it.
            again: start anew if it failed the last time.

        Returns:
            {state: "open", name, about}, {state: "opening", message, share} or {state: "error", message}.
        """
        text = text.strip() if isinstance(text, str) else ""
        if not 0 < len(text) <= MAX_TEXT:
            return _refused(LocalizedMessage("opening.expected", {"most": MAX_TEXT}))
        with self._lock:
            opening = self._openings.get(text)
            for name in (text, opening.name if opening else ""):
                if self._is_current(name):
                    return {"state": "open", "name": name, "about": self._describe(name, self._all[name])}
            if self._load is None:
                return _refused(
                    LocalizedMessage("opening.not_there", {"choices": ", ".join(self._all), "given": shorten(text)})
                )
            if opening is None or opening.name or (opening.failed and again):
                under_way = {typed: other for typed, other in self._openings.items() if other.under_way}
                if len(under_way) >= MOST_WAITING:
                    return _refused(LocalizedMessage("opening.several"))
                opening = PendingCheckpoint()
                self._openings = dict(list(self._openings.items())[-MOST_TOLD:]) | under_way | {text: opening}
                self._thread.submit(self._go, text, self._load, opening)
            return opening.answer()

    def _go(self, text: str, load: Loader, opening: PendingCheckpoint) -> None:
        try:
            opening.say(LocalizedMessage("opening.under_way"))
            checkpoint = load(text, opening.progress)
            checkpoint = replace(checkpoint, name=checkpoint.source or checkpoint.name)
            if not self._is_current(checkpoint.name):
                opening.say(LocalizedMessage("opening.preparing"))
                warm_up(checkpoint).result()
                self._add(checkpoint)
            opening.name = checkpoint.name
        except ValueError as problem:
            opening.fail(localize(problem))
        except Exception:
            logging.exception("a checkpoint could not be opened: %s", text)
            opening.fail(LocalizedMessage("opening.failed"))

    def _add(self, checkpoint: Checkpoint) -> None:
        """Let it in as the newest; the one that was opened first makes room."""
        with self._lock:
            opened = {name: other for name, other in self._all.items() if name not in self._shipped}
            leaving = [opened.pop(checkpoint.name)] if checkpoint.name in opened else []
            while len(opened) >= MOST_OPENED:
                leaving.append(opened.pop(next(iter(opened))))
            self._all = self._shipped | opened | {checkpoint.name: scheduled(checkpoint)}
        for other in leaving:
            self._left(other)

    def _is_current(self, name: str) -> bool:
        """Whether it is there, and its files are those that it was opened from; those of the start stay as they are."""
        checkpoint = self._all.get(name)
        if checkpoint is None or name in self._shipped or checkpoint.folder is None:
            return checkpoint is not None
        return version_of(checkpoint.folder) == checkpoint.version

    def _describe(self, name: str, checkpoint: Checkpoint) -> dict[str, Any]:
        card = checkpoint.card
        return {
            "T": checkpoint.schedule.T,
            "seeds": list(card.seeds),
            "credit": card.licence,
            "clips": checkpoint.clips,
            "shipped": name in self._shipped,
        }


def _refused(message: str) -> dict[str, Any]:
    return {"state": "error", "message": to_json(message)}
