"""Reconstructions that were computed before, in memory and on disk."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.runs.stored_results import Content, Kind, Origin, StoredResults
from explorer.support.bounded_cache import BoundedCache

CACHE_BYTES = 32 << 20


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """A picture (C, H, W) that was encoded and sampled back.

    Attributes:
        picture: the reconstruction.
        mse: its mean squared error.
        up, down: the states x_t (C, H, W) of the encoding and of the sampling by t, from 0 to T; empty if not kept.
    """

    picture: Tensor
    mse: float
    up: dict[int, Tensor] = field(default_factory=dict)
    down: dict[int, Tensor] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        return self.picture.nbytes * (1 + len(self.up) + len(self.down))


class Reconstructions:
    """A cache of reconstructions, shared by all users.

    Args:
        stored: the results on disk; None for the memory alone.
        max_bytes: size limit of the memory.
    """

    def __init__(self, stored: StoredResults | None = None, max_bytes: int = CACHE_BYTES) -> None:
        self._stored = stored
        self._memory: BoundedCache[tuple[Reconstruction, Origin | None]] = BoundedCache(max_bytes)

    def get(
        self, checkpoint: Checkpoint, key: tuple[Hashable, ...], on_disk: bool = True
    ) -> tuple[Reconstruction, Origin | None] | None:
        """Return a reconstruction, and how it was computed if it comes from the disk; None if there is none.

        Args:
            checkpoint: on the engine that computes it.
            key: what else determines it, with a ``repr`` that says it all.
            on_disk: False for what depends on an uploaded picture.
        """
        found = self._memory.get((checkpoint.key, key))
        if found is None and self._stored is not None and on_disk:
            stored = self._stored.get(_kind(checkpoint), checkpoint, *key)
            if stored is not None:
                found = stored.value, stored.origin
                self._memory.put((checkpoint.key, key), found, stored.value.nbytes)
        return found

    def put(
        self, checkpoint: Checkpoint, key: tuple[Hashable, ...], value: Reconstruction, on_disk: bool = True
    ) -> None:
        """Keep a reconstruction. Arguments as for :meth:`get`."""
        self._memory.put((checkpoint.key, key), (value, None), value.nbytes)
        if self._stored is not None and on_disk:
            self._stored.put(_kind(checkpoint), checkpoint, value, value.nbytes, *key)


def _kind(checkpoint: Checkpoint) -> Kind[Reconstruction]:
    return Kind("reconstruction", _pack, lambda content: _unpack(content, checkpoint))


def _pack(value: Reconstruction) -> Content:
    arrays = {"picture": value.picture.numpy()}
    for name, states in (("up", value.up), ("down", value.down)):
        if states:
            arrays |= {f"{name}_t": np.array(list(states)), name: torch.stack(list(states.values())).numpy()}
    return Content(arrays, {"mse": value.mse})


def _unpack(content: Content, checkpoint: Checkpoint) -> Reconstruction:
    shape, T = checkpoint.shape, checkpoint.schedule.T
    states: dict[str, dict[int, Tensor]] = {"up": {}, "down": {}}
    for name, by_time in states.items():
        if name in content.arrays:
            times = content.arrays[f"{name}_t"].tolist()
            if not all(type(t) is int and 0 <= t <= T for t in times):
                raise ValueError("not the time steps of this checkpoint")
            by_time |= dict(zip(times, content.tensor(name, len(times), *shape), strict=True))
    return Reconstruction(content.tensor("picture", *shape), float(content.facts["mse"]), states["up"], states["down"])
