"""The body of an HTTP request for a network call: a line of JSON, then the rows as raw numbers.

Nothing is unpickled, so whoever reaches the port can only request network calls.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint
from explorer.cluster.addresses import Place
from explorer.denoiser import Denoiser
from explorer.storage.diffusers_folder import Shape
from explorer.support.arguments import shorten

Wire = Literal["float32", "half"]
DTYPES: dict[str, Any] = {"float32": np.dtype("<f4"), "half": np.dtype("<f2")}
MAX_HEADER = 1 << 16  # bytes of the line of JSON
IDENTITY_KEYS = ("weights", "shape", "patch", "prediction_type", "schedule")


def identity(checkpoint: Checkpoint) -> dict[str, Any]:
    """The properties in which two checkpoints with the same network agree: a value for each of :data:`IDENTITY_KEYS`.

    Raises:
        ValueError: the checkpoint has no U-Net.
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
    """Shape (C, H, W) of the U-Net's input."""
    C, H, W = checkpoint.shape
    p = denoiser_of(checkpoint).patch
    return C * p * p, H // p, W // p


def denoiser_of(checkpoint: Checkpoint) -> Denoiser:
    """The checkpoint's denoiser, with a U-Net on this machine.

    Raises:
        ValueError: the checkpoint has another kind of noise predictor.
    """
    if not isinstance(checkpoint.predict_noise, Denoiser):
        raise ValueError(f"{checkpoint.name} has no U-Net that replicas could compute")
    return checkpoint.predict_noise


@dataclass(frozen=True, eq=False)
class Call:
    """A call of the network.

    Attributes:
        x: (B, C, H, W) float32.
        labels: (B,) ints, the time step labels.
        weights: fingerprint of the checkpoint that the caller expects.
        exact: compute with torch in float32, whatever the engine.
        unshared: do not put the rows into a batch with those of other calls.
        wire: number format of the rows in the request and in the answer.
    """

    x: Tensor
    labels: Tensor
    weights: str = ""
    exact: bool = False
    unshared: bool = False
    wire: Wire = "float32"

    def pack(self) -> bytes:
        """The call as the body of a request."""
        header = {"weights": self.weights, "exact": self.exact, "unshared": self.unshared, "wire": self.wire}
        return json.dumps(header | {"labels": self.labels.tolist()}).encode() + b"\n" + pack_rows(self.x, self.wire)

    @property
    def answer_bytes(self) -> int:
        """Length of the answer: the network's output has the shape of its input."""
        return DTYPES[self.wire].itemsize * self.x.numel()

    @classmethod
    def unpack(cls, data: bytes, shape: Shape, T: int) -> Call:
        """Read the body of a request for a network with input shape (C, H, W) and labels in 0..T-1.

        Raises:
            ValueError: it is invalid; the message says what was expected.
        """
        line, _, _ = data[:MAX_HEADER].partition(b"\n")
        try:
            header = json.loads(line)
            labels, wire = header["labels"], header["wire"]
            row_bytes = DTYPES[wire].itemsize * int(np.prod(shape))
            valid = all(type(label) is int and 0 <= label < T for label in labels) and len(labels) > 0
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ValueError(f"expected a line of JSON with labels and wire, not {shorten(line)}") from None
        rows = memoryview(data)[len(line) + 1 :]
        if not valid or len(rows) != row_bytes * len(labels):
            raise ValueError(f"expected labels from 0 to {T - 1} and as many rows of {shape}, {wire}")
        x = unpack_rows(rows, shape, wire)
        flags = header.get("exact") is True, header.get("unshared") is True
        return cls(x, torch.tensor(labels), str(header.get("weights", "")), *flags, wire)


def pack_rows(x: Tensor, wire: Wire) -> bytes:
    """Rows (B, C, H, W) as raw little-endian numbers."""
    return x.contiguous().cpu().numpy().astype(DTYPES[wire]).tobytes()


def unpack_rows(data: bytes | memoryview, shape: Shape, wire: Wire) -> Tensor:
    """Rows of shape (C, H, W) as a float32 tensor (B, C, H, W).

    Raises:
        ValueError: the length is not a multiple of the row size.
    """
    return torch.from_numpy(np.frombuffer(data, DTYPES[wire]).reshape(-1, *shape).astype(np.float32))


@dataclass(frozen=True)
class ReplicaInfo:
    """What a replica says about itself, in answer to GET.

    Attributes:
        checkpoint: name, folder or hub id by which the checkpoint was opened.
        identity: see :func:`identity`.
        engine: what computes the network, for display.
        replicas: number of replicas that are served.
        rows: the most rows that a replica computes in one call.
        process: process id of the replica.
        replica: random id of the replica.
        peers: HOST:PORT of all replicas, also this one, as apps reach them.
    """

    checkpoint: str
    identity: dict[str, Any] = field(hash=False)
    engine: str
    replicas: int
    rows: int
    process: int = 0
    replica: str = ""
    peers: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, data: bytes) -> ReplicaInfo:
        """Read the answer of a replica. Fields that a later version may add are ignored.

        Raises:
            ValueError: it is something else.
        """
        try:
            values = json.loads(data)
            known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
            info = cls(**known | {"peers": tuple(map(str, known.get("peers", ())))})
            for peer in info.peers:
                Place.parse(peer)
            valid = all(key in info.identity for key in IDENTITY_KEYS) and info.replicas > 0 and info.rows > 0
        except (ValueError, KeyError, TypeError, RecursionError):
            valid = False
        if not valid:
            raise ValueError(f"expected the description of a replica, not {shorten(data)}")
        return info

    @property
    def input_shape(self) -> Shape:
        """Shape (C, H, W) of the U-Net's input."""
        C, H, W = self.identity["shape"]
        p = self.identity["patch"]
        return C * p * p, H // p, W // p
