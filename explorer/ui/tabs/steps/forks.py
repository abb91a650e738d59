"""Finished forks of a run, in memory and on disk."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from explorer.branching import pixel_std
from explorer.checkpoint import Checkpoint
from explorer.runs.latent_spec import uses_upload
from explorer.runs.results import PictureRequest
from explorer.runs.stored_results import Content, Kind, Origin, StoredResults
from explorer.support.bounded_cache import BoundedCache
from explorer.trajectory import evenly_spaced

COUNT = 8  # K, the futures of a fork
COLUMNS = 3  # predicted x_0 of each future that the tree shows before the final picture
CACHE_BYTES = 24 << 20


@dataclass(frozen=True, eq=False)
class Fork:
    """The finished continuations of one step.

    Attributes:
        index: of the step.
        predictions: predicted x_0 of the columns of the tree, each (K, C, H, W).
        pictures: the final pictures, (K, C, H, W).
        origin: how it was computed, if it comes from the disk.
    """

    index: int
    predictions: tuple[Tensor, ...]
    pictures: Tensor
    origin: Origin | None = None

    @property
    def pixel_std(self) -> float:
        return pixel_std(self.pictures)

    @property
    def largest(self) -> float:
        """Largest absolute difference between two of the pictures, at one value."""
        return float((self.pictures.amax(0) - self.pictures.amin(0)).max())

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.predictions, self.pictures))


def columns_of(index: int, steps: int) -> list[int]:
    """The steps after ``index`` whose predicted x_0 the tree shows. The last step is left out: its x_0 is the final picture."""
    between = range(index + 1, steps - 1)
    return [between[i] for i in evenly_spaced(len(between), COLUMNS)] if between else []


class ForkCache:
    """Finished forks of all runs, shared by all users.

    Args:
        stored: the results on disk; None for the memory alone.
    """

    def __init__(self, stored: StoredResults | None) -> None:
        self._memory: BoundedCache[Fork] = BoundedCache(CACHE_BYTES)
        self._stored = stored

    def get(self, checkpoint: Checkpoint, picture: PictureRequest, index: int) -> Fork | None:
        """Return the fork of a run at a step, or None."""
        key = checkpoint.key, picture.key, index
        fork = self._memory.get(key)
        if fork is None and self._stored is not None:
            found = self._stored.get(_kind(checkpoint, picture, index), checkpoint, *picture.stored_key, index)
            if found is not None:
                fork = Fork(index, found.value.predictions, found.value.pictures, found.origin)
                self._memory.put(key, fork, fork.nbytes)
        return fork

    def put(self, checkpoint: Checkpoint, picture: PictureRequest, fork: Fork) -> None:
        """Keep a fork of a run."""
        self._memory.put((checkpoint.key, picture.key, fork.index), fork, fork.nbytes)
        if self._stored is not None and not uses_upload(picture.latent):
            kind = _kind(checkpoint, picture, fork.index)
            self._stored.put(kind, checkpoint, fork, fork.nbytes, *picture.stored_key, fork.index)


def _kind(checkpoint: Checkpoint, picture: PictureRequest, index: int) -> Kind[Fork]:
    shape = COUNT, *checkpoint.shape
    columns = range(len(columns_of(index, picture.settings.steps)))

    def pack(fork: Fork) -> Content:
        arrays = {f"prediction_{j}": fork.predictions[j].numpy() for j in columns}
        return Content(arrays | {"pictures": fork.pictures.numpy()})

    def unpack(content: Content) -> Fork:
        predictions = tuple(content.tensor(f"prediction_{j}", *shape) for j in columns)
        return Fork(index, predictions, content.tensor("pictures", *shape))

    return Kind("fork", pack, unpack)
