"""A network that replicas compute, as a denoiser like any other."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from threading import Lock

import httpx
import torch
from torch import Tensor

from explorer.checkpoint import Checkpoint, available, load
from explorer.cluster.wire_format import (
    IDENTITY_KEYS,
    Call,
    ReplicaInfo,
    Wire,
    denoiser_of,
    identity,
    input_shape,
    unpack_rows,
)
from explorer.denoiser import Denoiser
from explorer.networks.engine_choice import Timing
from explorer.networks.network import Engine, NetworkLost
from explorer.storage.diffusers_folder import Shape
from explorer.support.arguments import shorten

SCHEME = "ray://"
CALL_TIMEOUT = 15.0  # seconds with all retries; a replica that dies is replaced in less
TIMEOUT_FACTOR = 10  # the timeout is at least this multiple of the longest call so far
RETRY_DELAYS = (0.02, 0.05, 0.1, 0.2, 0.4)  # seconds; the last one repeats
CONNECT_TIMEOUT = 2.0  # seconds
PROBE_INTERVAL = 1.0  # seconds between two probes while no replica answers; also the timeout of a probe
MAX_CONCURRENT_CALLS = 32


class ReplicaClient:
    """An HTTP client of the replicas. It can be used from any thread.

    Attributes:
        address, host: where the replicas are served.
        info: the latest answer of a replica about itself.

    Args:
        address: ray://HOST:PORT, as ``python -m explorer serve-network`` prints it.

    Raises:
        ValueError: the address is invalid, or no replica answers.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix(SCHEME).rpartition(":")
        if not address.startswith(SCHEME) or not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"--network must be ray or {SCHEME}HOST:PORT, not {shorten(address)}")
        self.address, self.host = address, host
        self._client = httpx.Client(
            base_url=f"http://{host}:{port}",
            timeout=httpx.Timeout(CALL_TIMEOUT, connect=CONNECT_TIMEOUT),
            trust_env=False,
        )
        self._is_lost, self._last_probe, self._probe_lock = False, 0.0, Lock()
        self._longest_call = 0.0
        try:
            self.info = self.fetch_info(CALL_TIMEOUT)
        except (httpx.HTTPError, ValueError, TypeError) as error:
            raise ValueError(
                f"no network answers at {address} ({error}); start one: python -m explorer serve-network CHECKPOINT"
            ) from None
        self._threads = ThreadPoolExecutor(MAX_CONCURRENT_CALLS, thread_name_prefix="replica call")

    def fetch_info(self, timeout: float | None = None) -> ReplicaInfo:
        """Ask one of the replicas about itself.

        Args:
            timeout: seconds; by default :data:`PROBE_INTERVAL`.

        Raises:
            httpx.HTTPError: no replica answers in time.
        """
        response = self._client.get("/about", timeout=PROBE_INTERVAL if timeout is None else timeout)
        return ReplicaInfo(**response.raise_for_status().json())

    def send_all(self, calls: Sequence[Call]) -> list[bytes]:
        """Send calls at once, so that several replicas can compute them. Returns their answers; raises as :meth:`send`."""
        if len(calls) == 1:
            return [self.send(calls[0])]
        return list(self._threads.map(self.send, calls))

    def send(self, call: Call) -> bytes:
        """Send a call to any replica, and retry until one answers. Returns the answer.

        While no replica is known to be alive, a call fails at once unless a quick probe finds one.

        Raises:
            NetworkLost: no replica answers, or another checkpoint is served now.
            ValueError: the replica refuses the call; the message is the replica's.
        """
        if self._is_lost:
            self._probe()
        started = time.monotonic()
        deadline = started + max(CALL_TIMEOUT, TIMEOUT_FACTOR * self._longest_call)
        body, problem, attempts = call.pack(), "", 0
        while (remaining := deadline - time.monotonic()) > 0:
            try:
                timeout = httpx.Timeout(remaining, connect=CONNECT_TIMEOUT)
                response = self._client.post("/", content=body, timeout=timeout)
                if response.status_code == httpx.codes.OK:
                    self._longest_call = max(self._longest_call, time.monotonic() - started)
                    return response.content
                if response.status_code == httpx.codes.CONFLICT:
                    raise NetworkLost(
                        "network.other",
                        "{address} now serves another checkpoint. Restart the app to use it",
                        address=self.address,
                    )
                if response.status_code == httpx.codes.BAD_REQUEST:
                    raise ValueError(response.text)
                problem = str(response.status_code)
            except httpx.TransportError as error:
                problem = repr(error)
            time.sleep(RETRY_DELAYS[min(attempts, len(RETRY_DELAYS) - 1)])
            attempts += 1
        self._is_lost = True
        raise self._lost() from RuntimeError(problem)

    def _lost(self) -> NetworkLost:
        return NetworkLost(
            "network.lost",
            "No replica of the network answers at {address}. Try again when one is back",
            address=self.address,
        )

    def _probe(self) -> None:
        """Check whether a replica is back, at most once in :data:`PROBE_INTERVAL` for all threads.

        Raises:
            NetworkLost: none is.
        """
        with self._probe_lock:
            if not self._is_lost:
                return
            if time.monotonic() - self._last_probe > PROBE_INTERVAL:
                try:
                    self.info, self._is_lost = self.fetch_info(), False
                    return
                except (httpx.HTTPError, ValueError, TypeError):
                    self._last_probe = time.monotonic()
        raise self._lost()


class RemoteNetwork:
    """A U-Net that replicas compute: a :class:`explorer.networks.network.Network`. Rows are split evenly among them.

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
        engine = "torch float32" if self._exact else info.engine
        wire = ", half on the wire" if self._wire == "half" else ""
        return f"Ray, {info.replicas} replica{'s' * (info.replicas > 1)}, {engine}{wire}"

    @property
    def is_float32(self) -> bool:
        return self._exact

    def prepare(self) -> RemoteNetwork:
        """Do nothing: the replicas compile for every batch size when they start."""
        return self

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        """Raises as :meth:`ReplicaClient.send`."""
        info = self._client.info
        size = min(info.rows, -(-len(x) // info.replicas))
        calls = [
            Call(x_rows, label_rows, info.identity["weights"], self._exact, self._unshared, self._wire)
            for x_rows, label_rows in zip(x.split(size), labels.split(size), strict=True)
        ]
        return torch.cat([unpack_rows(answer, self._shape, self._wire) for answer in self._client.send_all(calls)])


class RemoteDenoiser:
    """eps_theta whose U-Net is computed by replicas: a :class:`explorer.denoiser.NoisePredictor`.

    Everything else that :class:`explorer.denoiser.Denoiser` does is done on this machine. Calls raise as
    :meth:`ReplicaClient.send`.

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
        self.max_rows = client.info.rows * client.info.replicas

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


def connect(address: str, name: str | None = None, wire: Wire = "float32") -> Checkpoint:
    """Open the checkpoint that is served at ``address``: its files on this machine, its network on the replicas.

    Args:
        address: ray://HOST:PORT.
        name: the checkpoint's name, folder or hub id on this machine; by default the one that the replicas opened.
        wire: number format on the way, see :class:`RemoteNetwork`.

    Raises:
        ValueError: no replica answers, the checkpoint is not on this machine, or it differs from the one served.
    """
    client = ReplicaClient(address)
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
