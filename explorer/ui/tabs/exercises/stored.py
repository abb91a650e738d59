"""What Exercises keeps on disk: the pictures of its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.runs.latent_spec import uses_upload
from explorer.runs.stored_results import Content, Kind, Stored, StoredResults
from explorer.ui.tab import TabRequest
from explorer.ui.tabs.exercises.options import ExercisesOptions


@dataclass(frozen=True, eq=False)
class GalleryRow:
    """A row of the gallery.

    Attributes:
        pictures: (columns + 1, C, H, W) float32: predicted x_0 at the columns, and the final picture; may hold NaN.
        steps: how many steps the run had.
    """

    pictures: Tensor
    steps: int


class StoredGallery:
    """The rows of a request on disk. Without a disk, every request runs them again.

    Args:
        request: of the gallery.
        stored: the results on disk, or None.
    """

    def __init__(self, request: TabRequest[ExercisesOptions], stored: StoredResults | None) -> None:
        self._checkpoint = request.checkpoint
        self._stored = None if uses_upload(request.latent) else stored
        s = request.settings
        self._key = str(request.latent), s.steps, s.eta, s.noise_seed

    def get(self, name: str, columns: Sequence[int]) -> Stored[GalleryRow] | None:
        """Return the row of a slip, or that of the correct function of a task."""
        if self._stored is None:
            return None
        return self._stored.get(self._kind(len(columns)), self._checkpoint, *self._key, name, tuple(columns))

    def put(self, name: str, columns: Sequence[int], row: GalleryRow) -> None:
        """Store a row that was computed now."""
        if self._stored is not None:
            kind, nbytes = self._kind(len(columns)), row.pictures.nbytes
            self._stored.put(kind, self._checkpoint, row, nbytes, *self._key, name, tuple(columns))

    def _kind(self, columns: int) -> Kind[GalleryRow]:
        shape = columns + 1, *self._checkpoint.shape

        def unpack(content: Content) -> GalleryRow:
            steps = content.facts["steps"]
            if type(steps) is not int or steps < 0:
                raise ValueError("steps is not a number of steps")
            return GalleryRow(content.tensor("pictures", *shape), steps)

        def pack(row: GalleryRow) -> Content:
            return Content({"pictures": row.pictures.contiguous().numpy()}, {"steps": row.steps})

        return Kind("gallery row", pack, unpack)


def stacked(pictures: Sequence[Tensor]) -> Tensor:
    """Stack pictures (C, H, W) to (N, C, H, W)."""
    return torch.stack(list(pictures)).contiguous()
