"""The store of computed results on disk: one file for each result, within a budget.

Several processes may use one folder. Files are written atomically, and a reader takes a file that is missing or damaged as a
result that was never stored. Results that were prepared are kept longer than those of normal use: beyond the budget, results
of other program versions are deleted first, then those of normal use, then prepared ones, each the least recently used first.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from explorer.storage import disk_cache, limits
from explorer.storage.atomic_write import write_file
from explorer.storage.result_file import DIGEST_BYTES, ResultFile, read_header
from explorer.storage.safe_read import read_file

DEFAULT_MAX_BYTES = 512_000_000
PREPARED, KEPT = "prepared", "kept"
NAME = re.compile(r"(prepared|kept)-([0-9a-f]{8})-([0-9a-f]{40})\.result")
TEMPORARY_SECONDS = 3600  # age at which a temporary file is left over from a process that was killed
# Several processes count for themselves what they write, and look at the folder after every SCAN of the budget. They delete
# so early and so much that four of them stay within the budget together.
SCAN, HIGH, LOW = 1 / 64, 15 / 16, 7 / 8


@dataclass(frozen=True)
class Entry:
    """A file of the store.

    Attributes:
        path: of the file.
        program: first eight digits of the program version that computed it.
        is_prepared: whether it was prepared, and not stored during normal use.
        nbytes: its size.
        used: time of its last use, as ``time.time``.
    """

    path: Path
    program: str
    is_prepared: bool
    nbytes: int
    used: float

    def header(self) -> dict[str, object] | None:
        """Return the header of the file; None if it is damaged or unreadable."""
        try:
            with self.path.open("rb") as file:
                return read_header(file.read(DIGEST_BYTES + 8 + limits.MAX_RESULT_HEADER_BYTES))
        except (OSError, ValueError):
            return None


@dataclass(frozen=True, eq=False)
class Found:
    """A result that was found in the store."""

    file: ResultFile
    is_prepared: bool


class ResultStore:
    """Results by key. Thread-safe; reading never raises an error.

    Args:
        program: the program version whose results are read and written.
        max_bytes: the budget. With 0 nothing is stored or read.
        folder: by default the folder ``results`` in the user's cache folder, see :mod:`explorer.storage.disk_cache`.
    """

    def __init__(self, program: str, max_bytes: int = DEFAULT_MAX_BYTES, folder: Path | None = None) -> None:
        self.folder = folder or disk_cache.folder() / "results"
        self.max_bytes = max_bytes
        self.program = program[:8]
        self._lock = Lock()
        self._nbytes: int | None = None  # of all files when they were last counted, and what was written since
        self._uncounted = 0  # bytes that were written since
        self._stamp: int | None = None  # of the folder after the last write of this process

    def read(self, key: str) -> Found | None:
        """Return the result of a key; None if it is missing or damaged. A damaged file is deleted.

        Args:
            key: 40 hex digits, see :func:`explorer.storage.disk_cache.key_of`.
        """
        if not self.max_bytes:
            return None
        for kind in (PREPARED, KEPT):
            path = self._path(kind, key)
            try:
                file = ResultFile.from_bytes(read_file(path, limits.MAX_RESULT_BYTES))
                if file.header.get("key") != key:
                    raise ValueError("the file has another name than it was written under")
            except OSError:
                continue
            except ValueError:
                _delete(path)
                continue
            with suppress(OSError):
                os.utime(path)  # mark as recently used
            return Found(file, kind == PREPARED)
        return None

    def write(self, key: str, file: ResultFile, prepared: bool = False) -> None:
        """Store a result, and delete others if the budget is exceeded. A result larger than the budget is not stored.

        Args:
            file: its header gets the entry ``key``.
            prepared: whether it is kept longer than results of normal use.

        Raises:
            OSError: the disk is full or read-only. No partial file is left.
        """
        data = ResultFile({**file.header, "key": key}, file.arrays).to_bytes()
        if len(data) > min(self.max_bytes * LOW, limits.MAX_RESULT_BYTES):
            return
        with self._lock:
            self._make_room(len(data))
            write_file(self._path(PREPARED if prepared else KEPT, key), data)
            if prepared:
                _delete(self._path(KEPT, key))
            self._stamp = self._folder_stamp()

    def keep_longer(self, key: str) -> None:
        """Let a result of normal use count as prepared."""
        with suppress(OSError):
            os.replace(self._path(KEPT, key), self._path(PREPARED, key))

    def forget(self, key: str) -> None:
        """Delete the result of a key."""
        for kind in (PREPARED, KEPT):
            _delete(self._path(kind, key))

    def entries(self) -> list[Entry]:
        """Return all files of the store, those that are to be deleted first at the start."""
        return sorted(self._files(), key=lambda e: (e.program == self.program, e.is_prepared, e.used))

    def clear(self) -> list[Entry]:
        """Delete all files of the store, and return them."""
        entries = self.entries()
        for entry in entries:
            _delete(entry.path)
        with self._lock:
            self._nbytes = None
        return entries

    def _files(self) -> Iterator[Entry]:
        """The files, in any order. Temporary files of processes that were killed are deleted."""
        try:
            with os.scandir(self.folder) as files:
                for file in files:
                    with suppress(OSError):  # deleted by another process meanwhile
                        status = file.stat(follow_symlinks=False)
                        name = NAME.fullmatch(file.name)
                        if name:
                            kind, program, _ = name.groups()
                            used = status.st_mtime
                            yield Entry(Path(file.path), program, kind == PREPARED, status.st_size, used)
                        elif file.name.startswith(".") and status.st_mtime < time.time() - TEMPORARY_SECONDS:
                            _delete(Path(file.path))
        except OSError:
            return

    def _make_room(self, nbytes: int) -> None:
        """Delete files until there is room for one of this size. The lock is held."""
        self._uncounted += nbytes
        is_alone = self._stamp == self._folder_stamp()  # no other process has written since
        if self._nbytes is not None and is_alone and self._uncounted < SCAN * self.max_bytes:
            self._nbytes += nbytes
            if self._nbytes <= HIGH * self.max_bytes:
                return
        entries = self.entries()
        total = sum(entry.nbytes for entry in entries) + nbytes
        if total > HIGH * self.max_bytes:
            for entry in entries:
                if total <= LOW * self.max_bytes:
                    break
                _delete(entry.path)
                total -= entry.nbytes
        self._nbytes, self._uncounted = total, 0

    def _folder_stamp(self) -> int | None:
        """What changes when a file is added to the folder or deleted."""
        try:
            return self.folder.stat().st_mtime_ns
        except OSError:
            return None

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / f"{kind}-{self.program}-{key}.result"


def _delete(path: Path) -> None:
    with suppress(OSError):  # read-only, deleted by another process, or open in one on Windows
        path.unlink()
