"""The repeat of DDIM in Compare: two runs that differ in the noise seed alone."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from explorer.runs.latent_spec import uses_upload
from explorer.runs.stored_results import Content, Kind, Stored, StoredResults
from explorer.settings import Settings
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.compare.options import CompareOptions


@dataclass(frozen=True, eq=False)
class Repeat:
    """The pictures (C, H, W) of two runs with eta = 0, neither of which shared its batches with other runs.

    Both are stored, so that their difference is measured on the bits that were computed.
    """

    first: Tensor
    again: Tensor

    @property
    def difference(self) -> float:
        """Largest absolute difference."""
        return float((self.again - self.first).abs().max())


class StoredRepeat:
    """The repeat of a request on disk. Without a disk, every comparison runs it again.

    Args:
        request: of the comparison.
        settings: of the row of DDIM.
        stored: the results on disk, or None.
    """

    def __init__(self, request: TabRequest[CompareOptions], settings: Settings, stored: StoredResults | None) -> None:
        self._checkpoint = request.checkpoint
        self._stored = None if uses_upload(request.latent) else stored
        s = settings
        self._key = (str(request.latent), s.steps, s.spacing, s.clip, s.noise_seed)
        shape = self._checkpoint.shape
        self._kind = Kind(
            "repeat",
            lambda repeat: Content({"first": repeat.first.numpy(), "again": repeat.again.numpy()}),
            lambda content: Repeat(content.tensor("first", *shape), content.tensor("again", *shape)),
        )

    def get(self) -> Stored[Repeat] | None:
        """Return the repeat if it was run before."""
        return None if self._stored is None else self._stored.get(self._kind, self._checkpoint, *self._key)

    def put(self, repeat: Repeat) -> None:
        """Store a repeat that was run now."""
        if self._stored is not None:
            self._stored.put(self._kind, self._checkpoint, repeat, 2 * repeat.first.nbytes, *self._key)
