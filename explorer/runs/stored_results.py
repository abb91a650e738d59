"""Results on disk: which key a result has, how it becomes arrays, and where a result that was found comes from.

The key of a result depends on everything that determines it: the request, the content of the checkpoint's files, the engine,
and the program version. So a result that no longer matches is not found, and is computed again. What depends on a picture
that a user has uploaded is never stored.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.runs.failures import ShuttingDown
from explorer.runs.shared_network import choose_engine
from explorer.storage.diffusers_folder import content_key
from explorer.storage.disk_cache import key_of
from explorer.storage.program_version import program_version
from explorer.storage.result_file import ResultFile
from explorer.storage.result_store import DEFAULT_MAX_BYTES, ResultStore
from explorer.storage.write_queue import WriteQueue

SECONDS_TO_FLUSH = 5.0  # at the end of the program
MAX_ENGINE = 200  # characters of an engine's name
Value = TypeVar("Value")


@dataclass(frozen=True)
class Origin:
    """How a stored result was computed.

    Attributes:
        engine: display name of the inference engine; empty if no network was called.
        made: when it was computed, in seconds as ``time.time``.
        is_prepared: whether it was prepared by ``python -m explorer prepare``; if not, a user requested it.
    """

    engine: str
    made: float
    is_prepared: bool


@dataclass(frozen=True, eq=False)
class Content:
    """What is stored of a result.

    Attributes:
        arrays: by name.
        facts: JSON values by name.
    """

    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def tensor(self, name: str, *shape: int) -> Tensor:
        """Return a float32 array as a tensor.

        Raises:
            KeyError: there is none of this name.
            ValueError: it has another dtype or shape.
        """
        array = self.arrays[name]
        if array.dtype != np.float32 or array.shape != shape:
            raise ValueError(f"{name} is {array.dtype} of shape {array.shape}, not float32 of shape {shape}")
        return torch.from_numpy(array if array.flags.writeable else array.copy())


@dataclass(frozen=True)
class Kind(Generic[Value]):
    """A kind of result.

    Attributes:
        name: part of the key.
        pack: returns what is stored of a result. It is called in the background, so the result must not change any more.
        unpack: inverse of ``pack``. It may raise any error for a content that ``pack`` does not return.
    """

    name: str
    pack: Callable[[Value], Content]
    unpack: Callable[[Content], Value]


@dataclass(frozen=True)
class Stored(Generic[Value]):
    """A result that was found, and its origin."""

    value: Value
    origin: Origin


class StoredResults:
    """The results on disk, shared by all users and by all processes with the same folder. Thread-safe.

    Args:
        store: the files.
        prepares: whether results are stored as prepared. Then :meth:`put` waits for the disk, and a result of normal use
            that is read counts as prepared from then on.
        queue: what writes in the background.
    """

    def __init__(self, store: ResultStore, prepares: bool = False, queue: WriteQueue | None = None) -> None:
        self.store, self.prepares = store, prepares
        self._queue = queue or WriteQueue()
        self._without_engine: set[tuple[str, str]] = set()  # keys of checkpoints whose predictor is a plain function

    @classmethod
    def open(cls, max_bytes: int = DEFAULT_MAX_BYTES, prepares: bool = False) -> StoredResults:
        """Open the store in the user's cache folder."""
        return cls(ResultStore(program_version(), max_bytes), prepares)

    def warm_up(self, checkpoints: Iterable[Checkpoint]) -> Thread | None:
        """Find out in the background on what the keys of prepared results depend, so that no page waits for that.

        That loads the network, and the one in float32 if it is another. Without prepared results nothing is done.

        Args:
            checkpoints: those of the app.
        """
        program = self.store.program
        if not any(entry.is_prepared and entry.program == program for entry in self.store.entries()):
            return None

        def find_keys() -> None:
            for checkpoint in checkpoints:
                with suppress(Exception):  # reported by the first run that uses the network
                    self._network(checkpoint)
                    self._network(checkpoint.float32)

        thread = Thread(target=find_keys, name="store keys", daemon=True)
        thread.start()
        return thread

    def get(self, kind: Kind[Value], checkpoint: Checkpoint | None, *key: object) -> Stored[Value] | None:
        """Return a stored result; None if there is none that matches.

        Args:
            kind: of the result.
            checkpoint: that the result depends on, on the engine that computes it; None if it depends on none.
            key: what else determines it, with a ``repr`` that says it all.
        """
        found = self._key(kind, checkpoint, key)
        file = found and self.store.read(found)
        if not found or not file:
            return None
        try:
            origin = _origin(file.file.header, file.is_prepared or self.prepares)
            value = kind.unpack(Content(file.file.arrays, file.file.header["facts"]))
        except Exception as error:  # the file is whole, but another program or a bug has written it
            logging.warning("a stored %s cannot be used and is computed again: %r", kind.name, error)
            self.store.forget(found)
            return None
        if self.prepares and not file.is_prepared:
            self.store.keep_longer(found)
        return Stored(value, origin)

    def put(self, kind: Kind[Value], checkpoint: Checkpoint | None, value: Value, nbytes: int, *key: object) -> None:
        """Store a result in the background.

        Args:
            kind, checkpoint, key: as for :meth:`get`.
            value: must not change any more.
            nbytes: about its size.
        """
        found = self._key(kind, checkpoint, key)
        if not found:
            return
        header = {
            "kind": kind.name,
            "what": " ".join(map(str, key))[:MAX_ENGINE],
            "checkpoint": checkpoint.name if checkpoint else "",
            "engine": checkpoint.engine if checkpoint else "",
            "made": time.time(),
        }

        def write() -> None:
            content = kind.pack(value)
            file = ResultFile({**header, "facts": dict(content.facts)}, content.arrays)
            self.store.write(found, file, self.prepares)

        self._queue.put(write, max(nbytes, 1), wait=self.prepares)

    def flush(self, timeout: float | None = SECONDS_TO_FLUSH) -> None:
        """Wait until everything is written, for ``timeout`` seconds at most."""
        self._queue.flush(timeout)

    @property
    def error(self) -> OSError | None:
        """The last error of the disk; None if everything could be written."""
        return self._queue.error

    def _key(self, kind: Kind[Any], checkpoint: Checkpoint | None, key: tuple[object, ...]) -> str | None:
        """The key in the store; None for what cannot be stored."""
        if not self.store.max_bytes:
            return None
        network = ("", "") if checkpoint is None else self._network(checkpoint)
        return network and key_of(program_version(), *network, kind.name, *map(repr, key))

    def _network(self, checkpoint: Checkpoint) -> tuple[str, str] | None:
        """The content and the engine of a checkpoint; None if it was not loaded from a folder that is as it was."""
        content = checkpoint.folder and content_key(checkpoint.folder, checkpoint.version)
        if not content:
            return None
        if not checkpoint.engine and checkpoint.key not in self._without_engine:
            with suppress(ShuttingDown):
                choose_engine(checkpoint)
            if not checkpoint.engine:
                self._without_engine.add(checkpoint.key)
        return (content, checkpoint.engine) if checkpoint.engine else None


def _origin(header: Mapping[str, Any], is_prepared: bool) -> Origin:
    """Read the origin of a result. Raise ValueError or KeyError if the header has none."""
    engine, made = header["engine"], header["made"]
    if not isinstance(engine, str) or len(engine) > MAX_ENGINE:
        raise ValueError("engine is not a short text")
    if type(made) not in (int, float) or not 0 <= made < math.inf:
        raise ValueError("made is not a time")
    return Origin(engine, float(made), is_prepared)
