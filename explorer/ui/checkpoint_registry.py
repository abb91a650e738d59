"""The app's checkpoints: those it was started with, and those that users have opened since.

Opening takes from seconds to minutes: a download, the weights, and a network compiled for this machine. It runs in a
background thread, and the page polls its progress. An opened checkpoint is available to every page.
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

MAX_OPENED = 3  # in addition to those of the start; each holds its weights in memory
MAX_PENDING = 4  # being opened or queued
MAX_REMEMBERED = 16  # finished openings whose outcome is kept
MAX_TEXT = 400  # characters of a name, folder or hub id
Loader = Callable[[str, Progress], Checkpoint]


@dataclass
class PendingCheckpoint:
    """The state of opening one checkpoint.

    Attributes:
        message: what the page shows.
        share: fraction of the download that is done; None if unknown.
        failed: whether it could not be opened.
        name: the checkpoint's name in the registry once it is open, else empty.
    """

    message: str = field(default_factory=lambda: LocalizedMessage("opening.waiting"))
    share: float | None = None
    failed: bool = False
    name: str = ""

    @property
    def is_pending(self) -> bool:
        return not self.failed and not self.name

    def report_download(self, done: int, total: int) -> None:
        """Report the progress of the download, in bytes."""
        megabytes = {"done": f"{done / 1e6:.0f}", "total": f"{total / 1e6:.0f}"}
        self.message = LocalizedMessage("opening.fetching", megabytes)
        self.share = done / total if total else None

    def report(self, message: str) -> None:
        self.message, self.share = message, None

    def fail(self, message: str) -> None:
        self.report(message)
        self.failed = True

    def to_page(self) -> dict[str, Any]:
        return {"state": "error" if self.failed else "opening", "message": to_json(self.message), "share": self.share}


class CheckpointRegistry(Mapping[str, Checkpoint]):
    """Checkpoints by name; the first one is the default. Thread-safe, and safe to iterate while others are opened.

    Args:
        shipped: the checkpoints of the start; they are never evicted.
        load: opens a checkpoint by name, folder or hub id; None if users must not open others.
        on_evicted: called with a checkpoint that was removed to make room for another.
    """

    def __init__(
        self,
        shipped: Mapping[str, Checkpoint],
        load: Loader | None = None,
        on_evicted: Callable[[Checkpoint], object] = lambda checkpoint: None,
    ) -> None:
        for checkpoint in shipped.values():
            warm_up(checkpoint)
        self._shipped = {name: scheduled(checkpoint) for name, checkpoint in shipped.items()}
        self._all = dict(self._shipped)  # replaced as a whole, never mutated
        self._load, self._on_evicted = load, on_evicted
        self._pending: dict[str, PendingCheckpoint] = {}  # by the user's text; finished ones too
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="opening")
        prepare_when_idle(list(self._shipped.values()), self._replace)

    def __getitem__(self, name: str) -> Checkpoint:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    @property
    def open_others(self) -> bool:
        """Whether users can open other checkpoints than those of the start."""
        return self._load is not None

    def to_page(self) -> dict[str, dict[str, Any]]:
        """Return what the control column shows about each checkpoint, by name."""
        return {name: self._describe(name, checkpoint) for name, checkpoint in self._all.items()}

    def open(self, text: object, again: bool = True) -> dict[str, Any]:
        """Start to open a checkpoint, or return how far that is. The page calls this until the checkpoint is open.

        Args:
            text: a name, folder or hub id, as for :func:`explorer.load`.
            again: retry if the last attempt failed.

        Returns:
            {state: "open", name, about}, {state: "opening", message, share} or {state: "error", message}.
        """
        text = text.strip() if isinstance(text, str) else ""
        if not 0 < len(text) <= MAX_TEXT:
            return _error(LocalizedMessage("opening.expected", {"most": MAX_TEXT}))
        with self._lock:
            pending = self._pending.get(text)
            for name in (text, pending.name if pending else ""):
                if self._is_current(name):
                    return {"state": "open", "name": name, "about": self._describe(name, self._all[name])}
            if self._load is None:
                values = {"choices": ", ".join(self._all), "given": shorten(text)}
                return _error(LocalizedMessage("opening.not_there", values))
            if pending is not None and (pending.is_pending or (pending.failed and not again)):
                return pending.to_page()
            return self._start(text, self._load)

    def _start(self, text: str, load: Loader) -> dict[str, Any]:
        """Open ``text`` in the background, unless too many are pending. The lock is held."""
        pending = {other: state for other, state in self._pending.items() if state.is_pending}
        if len(pending) >= MAX_PENDING:
            return _error(LocalizedMessage("opening.several"))
        new = PendingCheckpoint()
        self._pending = dict(list(self._pending.items())[-MAX_REMEMBERED:]) | pending | {text: new}
        self._thread.submit(self._open_in_background, text, load, new)
        return new.to_page()

    def _open_in_background(self, text: str, load: Loader, pending: PendingCheckpoint) -> None:
        try:
            pending.report(LocalizedMessage("opening.under_way"))
            checkpoint = load(text, pending.report_download)
            checkpoint = replace(checkpoint, name=checkpoint.source or checkpoint.name)
            if not self._is_current(checkpoint.name):
                pending.report(LocalizedMessage("opening.preparing"))
                warm_up(checkpoint).result()
                self._add(checkpoint)
            pending.name = checkpoint.name
        except ValueError as error:
            pending.fail(localize(error))
        except Exception:
            logging.exception("a checkpoint could not be opened: %s", text)
            pending.fail(LocalizedMessage("opening.failed"))

    def _add(self, checkpoint: Checkpoint) -> None:
        """Add an opened checkpoint. Evict its older version, and those opened first if there are too many."""
        with self._lock:
            opened = {name: other for name, other in self._all.items() if name not in self._shipped}
            evicted = [opened.pop(checkpoint.name)] if checkpoint.name in opened else []
            while len(opened) >= MAX_OPENED:
                evicted.append(opened.pop(next(iter(opened))))
            added = scheduled(checkpoint)
            self._all = self._shipped | opened | {checkpoint.name: added}
        for other in evicted:
            self._on_evicted(other)
        prepare_when_idle([added], self._replace)

    def _replace(self, prepared: Checkpoint) -> None:
        """Let new runs use ``prepared``, which is on a better engine. Those that have begun keep the old one."""
        with self._lock:
            old = self._all.get(prepared.name)
            if old is not None and old.version == prepared.version:
                self._all = self._all | {prepared.name: prepared}
                if prepared.name in self._shipped:
                    self._shipped = self._shipped | {prepared.name: prepared}

    def _is_current(self, name: str) -> bool:
        """Whether ``name`` is open and its files have not changed since. Files of the start are not watched."""
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


def _error(message: str) -> dict[str, Any]:
    return {"state": "error", "message": to_json(message)}
