"""A network that replicas compute, as a denoiser like any other."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint, available, load
from explorer.cluster.endpoint import Endpoint
from explorer.cluster.replica_client import ReplicaClient
from explorer.cluster.wire_format import (
    IDENTITY_KEYS,
    Call,
    Wire,
    denoiser_of,
    identity,
    input_shape,
    unpack_rows,
)
from explorer.denoiser import Denoiser
from explorer.networks.engine_choice import Timing
from explorer.networks.network import Engine
from explorer.storage.diffusers_folder import Shape


class RemoteNetwork:
    """A U-Net that replicas compute: a :class:`explorer.networks.network.Network`.

    Rows are split among the replicas by their measured latencies. With ``unshared`` they are not, because the last digits
    of a row depend on the number of rows in its call.

    Args:
        shape: (C, H, W) of its input.
        wire: number format of x_t and of the network's output on the way; "half" keeps three digits.
        exact, unshared: see :class:`explorer.cluster.wire_format.Call`.
    """

    any_thread = True
    timings: tuple[Timing, ...] = ()  # those of the replicas are not sent

    def __init__(
        self, client: ReplicaClient, shape: Shape, wire: Wire, exact: bool = False, unshared: bool = False
    ) -> None:
        self._client, self._shape, self._wire, self._exact, self._unshared = client, shape, wire, exact, unshared

    @property
    def name(self) -> str:
        """What computes the network, for display."""
        info = self._client.info
        engine = "torch float32" if self._exact else " and ".join(self._client.engines)
        wire = ", half on the wire" if self._wire == "half" else ""
        return f"Ray, {info.replicas} replica{'s' * (info.replicas > 1)}, {engine}{wire}"

    @property
    def is_float32(self) -> bool:
        return self._exact

    def prepare(self) -> RemoteNetwork:
        """Do nothing: the replicas compile for every batch size when they start."""
        return self

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        """Raises as :meth:`explorer.cluster.replica_client.ReplicaClient.send`."""
        client, weights = self._client, self._client.info.identity["weights"]
        parts: list[tuple[Endpoint | None, int]] = [] if self._unshared else list(client.split(len(x)))
        parts = parts or [(None, len(rows)) for rows in x.split(client.rows)]
        sizes = [size for _, size in parts]
        calls = [
            (Call(x_rows, label_rows, weights, self._exact, self._unshared, self._wire), first)
            for x_rows, label_rows, (first, _) in zip(x.split(sizes), labels.split(sizes), parts, strict=True)
        ]
        return torch.cat([unpack_rows(answer, self._shape, self._wire) for answer in client.send_all(calls)])


class RemoteDenoiser:
    """eps_theta whose U-Net is computed by replicas: a :class:`explorer.networks.noise_predictor.NoisePredictor`.

    Everything else that :class:`explorer.denoiser.Denoiser` does is done on this machine. Calls raise as
    :meth:`explorer.cluster.replica_client.ReplicaClient.send`.

    Args:
        local: the checkpoint's denoiser on this machine; its U-Net is not called.
        shape: (C, H, W) of the U-Net's input.
        wire: number format on the way, see :class:`RemoteNetwork`.
        exact: compute with torch in float32 and send float32, whatever the engine.
        unshared: do not share a batch with other calls.
    """

    any_thread = True
    timings: tuple[Timing, ...] = ()

    def __init__(
        self,
        local: Denoiser,
        client: ReplicaClient,
        shape: Shape,
        wire: Wire = "float32",
        exact: bool = False,
        unshared: bool = False,
    ) -> None:
        self._local, self._client, self._shape, self._wire = local, client, shape, wire
        self._is_exact, self._is_unshared = exact, unshared
        self._network = RemoteNetwork(client, shape, "float32" if exact else wire, exact, unshared)
        self.device = torch.device("cpu")
        self.requested_engine: Engine = local.requested_engine

    @property
    def max_rows(self) -> int:
        """The most rows that the replicas compute at once."""
        return self._client.rows * max(1, len(self._client.up))

    def __repr__(self) -> str:
        return f"RemoteDenoiser({self.engine}, {self._local.prediction_type}, patch={self._local.patch})"

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return self._local.predict_with(self._network, x_t, t)

    @cached_property
    def exact(self) -> RemoteDenoiser:
        """The same predictor, computed by torch in float32 and sent in float32."""
        return self._variant(exact=True, unshared=self._is_unshared)

    @cached_property
    def unshared(self) -> RemoteDenoiser:
        """The same predictor, none of whose calls shares a batch with others: a repeat gives the same bits."""
        return self._variant(exact=self._is_exact, unshared=True)

    def _variant(self, exact: bool, unshared: bool) -> RemoteDenoiser:
        if (exact, unshared) == (self._is_exact, self._is_unshared):
            return self
        return RemoteDenoiser(self._local, self._client, self._shape, self._wire, exact, unshared)

    @property
    def engine(self) -> str:
        """What computes the network, for display."""
        return self._network.name

    def choose_engine(self, shape: Shape) -> str:
        """Return :attr:`engine`: the replicas have chosen theirs when they started."""
        return self.engine

    @property
    def float32(self) -> RemoteDenoiser:
        """The same as :attr:`exact`: that is what the replicas have in float32."""
        return self.exact

    def prepare(self) -> RemoteDenoiser:
        """Do nothing: the replicas compile for every batch size when they start."""
        return self


def connect(address: str, name: str | None = None, wire: Wire = "float32", discover: bool = True) -> Checkpoint:
    """Open the checkpoint that is served at ``address``: its files on this machine, its network on the replicas.

    Args:
        address: ray://HOST:PORT, see :class:`explorer.cluster.addresses.NetworkAddress`.
        name: the checkpoint's name, folder or hub id on this machine; by default the one that the replicas opened.
        wire: number format on the way, see :class:`RemoteNetwork`.
        discover: whether also to use the replicas that those at the address announce.

    Raises:
        ValueError: no replica answers, the checkpoint is not on this machine, or it differs from the one served.
    """
    client = ReplicaClient(address, discover)
    if name is None and client.info.checkpoint not in available():
        raise ValueError(
            f"{address} serves {client.info.checkpoint}, which is not in checkpoints/ on this machine; "
            "give it with --checkpoint"
        )
    checkpoint = load(name or client.info.checkpoint, "cpu", engine="auto")
    here, there = identity(checkpoint), client.info.identity
    differences = [
        f"{key} {here[key]} here and {there.get(key)} there" for key in IDENTITY_KEYS if here[key] != there.get(key)
    ]
    if differences:
        raise ValueError(f"{address} serves another checkpoint than {checkpoint.name}: {', '.join(differences)}")
    denoiser = RemoteDenoiser(denoiser_of(checkpoint), client, input_shape(checkpoint), wire)
    return replace(checkpoint, predict_noise=denoiser)
