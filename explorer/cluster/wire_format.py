"""What goes over the wire for a call of the network: a line of JSON, then the numbers of its rows.

Nothing is ever unpickled: whoever reaches the port can ask for calls of the network, and for nothing else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.denoiser import Denoiser
from explorer.storage.diffusers_folder import Shape
from explorer.support.arguments import shorten

Wire = Literal["float32", "half"]
DTYPES: dict[str, Any] = {"float32": np.dtype("<f4"), "half": np.dtype("<f2")}
MOST_HEAD = 1 << 16  # bytes of the line
SAME = ("weights", "shape", "patch", "prediction_type", "schedule")  # what makes two checkpoints the same network


def identity(checkpoint: Checkpoint) -> dict[str, Any]:
    """What both sides must agree on, by its names in :data:`SAME`.

    Raises:
        ValueError: the checkpoint has no U-Net of its own.
    """
    denoiser = denoiser_of(checkpoint)
    return {
        "weights": checkpoint.weights_fingerprint,
        "shape": list(checkpoint.shape),
        "patch": denoiser.patch,
        "prediction_type": denoiser.prediction_type,
        "schedule": hashlib.sha256(checkpoint.schedule.alpha_bar.astype("<f8").tobytes()).hexdigest()[:16],
    }


def input_shape(checkpoint: Checkpoint) -> Shape:
    """(C, H, W) of the U-Net's input."""
    C, H, W = checkpoint.shape
    p = denoiser_of(checkpoint).patch
    return C * p * p, H // p, W // p


def denoiser_of(checkpoint: Checkpoint) -> Denoiser:
    """The checkpoint's denoiser, a U-Net on this machine.

    Raises:
        ValueError: it has another kind of noise predictor.
    """
    if not isinstance(checkpoint.predict_noise, Denoiser):
        raise ValueError(f"{checkpoint.name} has no U-Net that replicas could compute")
    return checkpoint.predict_noise


@dataclass(frozen=True, eq=False)
class Call:
    """Rows for the network.

    Attributes:
        x: (B, C, H, W) float32.
        labels: (B,) ints.
        weights: fingerprint of the checkpoint that is meant.
        exact: compute it by torch in float32, whatever the engine.
        unshared: do not share a batch with other rows.
        wire: number format of the rows and of the answer.
    """

    x: Tensor
    labels: Tensor
    weights: str = ""
    exact: bool = False
    unshared: bool = False
    wire: Wire = "float32"

    def pack(self) -> bytes:
        head = {"weights": self.weights, "exact": self.exact, "unshared": self.unshared, "wire": self.wire}
        return json.dumps(head | {"labels": self.labels.tolist()}).encode() + b"\n" + pack_rows(self.x, self.wire)

    @classmethod
    def unpack(cls, data: bytes, shape: Shape, T: int) -> Call:
        """A call for a network of that input shape, with labels in 0..T-1.

        Raises:
            ValueError: if it is none; the message says what was expected.
        """
        line, _, _ = data[:MOST_HEAD].partition(b"\n")
        try:
            head = json.loads(line)
            labels, wire = head["labels"], head["wire"]
            size = DTYPES[wire].itemsize * int(np.prod(shape))
            whole = all(type(label) is int and 0 <= label < T for label in labels) and len(labels) > 0
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ValueError(f"expected a line of JSON with labels and a wire, not {shorten(line)}") from None
        rows = memoryview(data)[len(line) + 1 :]
        if not whole or len(rows) != size * len(labels):
            raise ValueError(f"expected labels from 0 to {T - 1} and as many rows of {shape}, {wire}")
        x = unpack_rows(rows, shape, wire)
        flags = head.get("exact") is True, head.get("unshared") is True
        return cls(x, torch.tensor(labels), str(head.get("weights", "")), *flags, wire)


def pack_rows(x: Tensor, wire: Wire) -> bytes:
    return x.contiguous().cpu().numpy().astype(DTYPES[wire]).tobytes()


def unpack_rows(data: bytes | memoryview, shape: Shape, wire: Wire) -> Tensor:
    """float32 (B, C, H, W).

    Raises:
        ValueError: if these are not whole rows.
    """
    return torch.from_numpy(np.frombuffer(data, DTYPES[wire]).reshape(-1, *shape).astype(np.float32))


@dataclass(frozen=True)
class ReplicaInfo:
    """What a network that is served says of itself.

    Attributes:
        checkpoint: what it was opened by.
        identity: see :func:`identity`.
        engine: what computes it.
        replicas: how many of them there are to be.
        rows: of one call, at the most, that one of them computes at once.
        process: the number of the one that answered.
    """

    checkpoint: str
    identity: dict[str, Any] = field(hash=False)
    engine: str
    replicas: int
    rows: int
    process: int = 0
