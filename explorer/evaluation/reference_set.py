"""Real pictures to measure against: the held-out ones, and those that are the reference of a Fréchet distance."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from explorer.checkpoint import Checkpoint
from explorer.evaluation.frechet import MIN_PICTURES
from explorer.support.arguments import as_int

REFERENCE_PICTURES = 4096


@dataclass(frozen=True, eq=False)
class ReferenceSet:
    """Real pictures, uint8 (N, H, W, C), and what ``quality.json`` calls them.

    Attributes:
        held_out, held_out_name: not trained on.
        reference, reference_name: the reference; without a data set the held-out pictures again.
    """

    held_out: np.ndarray
    held_out_name: str
    reference: np.ndarray
    reference_name: str

    @property
    def has_data(self) -> bool:
        """Whether the reference is of other pictures than the held-out ones."""
        return self.reference is not self.held_out

    @classmethod
    def of_examples(cls, checkpoint: Checkpoint) -> ReferenceSet:
        """The examples that ship with the checkpoint.

        Raises:
            ValueError: if there are too few of them.
        """
        examples = checkpoint.examples()
        if len(examples) < MIN_PICTURES:
            raise ValueError(
                f"{checkpoint.name} ships {len(examples)} held-out pictures, too few to measure with: give --data"
            )
        _check_shape(checkpoint, examples)
        name = f"{len(examples)} held-out pictures (examples.npz)"
        return cls(examples, name, examples, name)

    @classmethod
    def of_data(cls, checkpoint: Checkpoint, data: np.ndarray, name: str, held_out: int = 512) -> ReferenceSet:
        """Of a data set, uint8 (N, H, W, C), whose last ``held_out`` pictures were not trained on.

        The reference is up to ``REFERENCE_PICTURES`` pictures, evenly spread over the rest.

        Raises:
            ValueError: too few pictures, or of another shape than the checkpoint's.
        """
        as_int("held_out", held_out, MIN_PICTURES, None)
        rest = len(data) - held_out
        if rest < MIN_PICTURES:
            raise ValueError(f"{name} holds {len(data)} pictures, too few with {held_out} of them held out")
        _check_shape(checkpoint, data)
        count = min(REFERENCE_PICTURES, rest)
        reference = np.ascontiguousarray(data[np.arange(count) * rest // count])
        digest = hashlib.sha256(reference.tobytes()).hexdigest()[:16]
        return cls(
            held_out=data[rest:],
            held_out_name=f"the last {held_out} pictures of {name}",
            reference=reference,
            reference_name=f"{count} pictures spread over the first {rest} of {name} (sha256 {digest})",
        )


def _check_shape(checkpoint: Checkpoint, pictures: np.ndarray) -> None:
    C, H, W = checkpoint.shape
    if pictures.shape[1:] != (H, W, C):
        got = "x".join(map(str, pictures.shape[1:]))
        raise ValueError(f"the pictures are {got}, but {checkpoint.name} is for {H}x{W}x{C}")
