"""The real pictures of an evaluation: held-out pictures, and reference pictures for Fréchet distances."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.evaluation.frechet import MIN_PICTURES
from explorer.support.arguments import as_int

REFERENCE_PICTURES = 4096


@dataclass(frozen=True, eq=False)
class PictureView:
    """Some pictures of a data set: those at ``indices`` (n,) of ``data``, uint8 (N, H, W, C)."""

    data: np.ndarray
    indices: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)

    def first(self, count: int) -> np.ndarray:
        """Return a copy of the first ``count`` pictures, or of all if there are fewer."""
        return self.data[self.indices[:count]]


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Real pictures, uint8 (N, H, W, C), and their descriptions in ``quality.json``.

    Attributes:
        held_out: pictures that were not used in training.
        held_out_name: their description.
        reference: pictures to which Fréchet distances are measured; without a data set, the held-out pictures.
        reference_name: their description.
        others: training pictures that are not in the reference, in random order; a view of the data set that copies
            only what is read.
        others_name: their description.
    """

    held_out: np.ndarray
    held_out_name: str
    reference: np.ndarray
    reference_name: str
    others: PictureView | None = None
    others_name: str = ""

    @property
    def has_data(self) -> bool:
        """Whether the reference pictures come from a data set and are not the held-out ones."""
        return self.reference is not self.held_out

    def real_pictures(self, count: int) -> tuple[np.ndarray, str]:
        """Return real pictures to compare with the reference as if a sampler had made them, and their description.

        They come from the distribution of the reference pictures, and none of them is in the reference: training
        pictures if there are at least as many as the held-out ones, otherwise the held-out ones.

        Args:
            count: maximum number of pictures.
        """
        if self.others is not None and len(self.others) >= len(self.held_out):
            pictures, name = self.others.first(count), self.others_name
        else:
            pictures, name = self.held_out[:count], self.held_out_name
        return pictures, name

    @classmethod
    def of_examples(cls, checkpoint: Checkpoint) -> ReferenceSet:
        """Use the held-out examples in the checkpoint folder.

        Raises:
            ValueError: there are too few examples.
        """
        examples = checkpoint.examples()
        if len(examples) < MIN_PICTURES:
            raise ValueError(
                f"{checkpoint.name} has {len(examples)} held-out pictures; at least {MIN_PICTURES} are needed: give --data"
            )
        _check_shape(checkpoint, examples)
        name = f"{len(examples)} held-out pictures (examples.npz)"
        return cls(examples, name, examples, name)

    @classmethod
    def of_data(cls, checkpoint: Checkpoint, data: np.ndarray, name: str, held_out: int = 512) -> ReferenceSet:
        """Split a data set. The reference is up to ``REFERENCE_PICTURES`` training pictures, evenly spaced.

        Args:
            data: uint8 (N, H, W, C).
            name: of the data set.
            held_out: number of pictures at the end that were not used in training.

        Raises:
            ValueError: there are too few pictures, or they have another shape than the checkpoint's.
        """
        as_int("held_out", held_out, MIN_PICTURES, None)
        training = len(data) - held_out
        if training < MIN_PICTURES:
            raise ValueError(
                f"{name} has {len(data)} pictures; with {held_out} of them held out, at least {MIN_PICTURES} must remain"
            )
        _check_shape(checkpoint, data)
        count = min(REFERENCE_PICTURES, training)
        chosen = np.arange(count) * training // count
        reference = np.ascontiguousarray(data[chosen])
        others = np.setdiff1d(np.arange(training), chosen)
        digest = hashlib.sha256(reference.tobytes()).hexdigest()[:16]
        return cls(
            held_out=data[training:],
            held_out_name=f"the last {held_out} pictures of {name}",
            reference=reference,
            reference_name=f"{count} pictures spread over the first {training} of {name} (sha256 {digest})",
            others=PictureView(data, np.random.default_rng(0).permutation(others)),
            others_name=f"pictures of the first {training} of {name} that are not in the reference",
        )


def _check_shape(checkpoint: Checkpoint, pictures: np.ndarray) -> None:
    C, H, W = checkpoint.shape
    if pictures.shape[1:] != (H, W, C):
        actual = "x".join(map(str, pictures.shape[1:]))
        raise ValueError(f"the pictures are {actual}, but {checkpoint.name} is for {H}x{W}x{C}")
