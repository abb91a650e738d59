"""A network that is computed elsewhere, as a denoiser like any other."""

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
from explorer.cluster.wire_format import SAME, Call, ReplicaInfo, Wire, denoiser_of, identity, input_shape, unpack_rows
from explorer.denoiser import Denoiser
from explorer.networks.network import Engine, NetworkLost
from explorer.storage.diffusers_folder import Shape
from explorer.support.arguments import shorten

SCHEME = "ray://"
PATIENCE = 15.0  # seconds that a call waits for: in less a replica that died makes room for another
SLOWER = 10  # or so many times the longest that a call has taken
LOOK = 1.0  # seconds that a look whether one is back may take, and between two of them
WAITS = (0.02, 0.05, 0.1, 0.2, 0.4)  # between two tries; the last one again and again
CONNECT = 2.0
MOST_CALLS = 32  # under way at once


class ReplicaClient:
    """The way to the replicas, for as many threads as want.

    Args:
        address: ray://HOST:PORT, as ``python -m explorer serve-network`` prints it.

    Raises:
        ValueError: an address of another kind, or nobody there.
    """

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix(SCHEME).rpartition(":")
        if not address.startswith(SCHEME) or not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"--network must be ray or {SCHEME}HOST:PORT, not {shorten(address)}")
        self.address, self.host = address, host
        self._client = httpx.Client(
            base_url=f"http://{host}:{port}", timeout=httpx.Timeout(PATIENCE, connect=CONNECT), trust_env=False
        )
        self._lost, self._looked, self._looking = False, 0.0, Lock()
        self._slowest = 0.0
        try:
            self.about = self.look(PATIENCE)
        except (httpx.HTTPError, ValueError, TypeError) as error:
            raise ValueError(
                f"no network answers at {address} ({error}); start one: python -m explorer serve-network CHECKPOINT"
            ) from None
        self._threads = ThreadPoolExecutor(MOST_CALLS, thread_name_prefix="wire")

    def look(self, seconds: float = LOOK) -> ReplicaInfo:
        """What one of the replicas says of itself; errors of httpx if none does within so many seconds."""
        return ReplicaInfo(**self._client.get("/about", timeout=seconds).raise_for_status().json())

    def ask_all(self, calls: Sequence[Call]) -> list[bytes]:
        """The answers of calls that go to several replicas at once; errors as for :meth:`ask`."""
        if len(calls) == 1:
            return [self.ask(calls[0])]
        return list(self._threads.map(self.ask, calls))

    def ask(self, call: Call) -> bytes:
        """The answer to a call, by whichever replica is alive. Once there was none, a quick look comes first.

        Raises:
            NetworkLost: if there is none left, or another checkpoint is served by now.
            ValueError: if the call is refused, with the replica's words.
        """
        if self._lost:
            self._look_again()
        started = time.monotonic()
        until, content, why, tries = started + max(PATIENCE, SLOWER * self._slowest), call.pack(), "", 0
        while (left := until - time.monotonic()) > 0:
            try:
                response = self._client.post("/", content=content, timeout=httpx.Timeout(left, connect=CONNECT))
                if response.status_code == httpx.codes.OK:
                    self._slowest = max(self._slowest, time.monotonic() - started)
                    return response.content
                if response.status_code == httpx.codes.CONFLICT:
                    raise NetworkLost(
                        "network.other",
                        "{address} serves another checkpoint by now. Start the app anew for that one",
                        address=self.address,
                    )
                if response.status_code == httpx.codes.BAD_REQUEST:
                    raise ValueError(response.text)
                why = str(response.status_code)
            except httpx.TransportError as error:
                why = repr(error)
            time.sleep(WAITS[min(tries, len(WAITS) - 1)])
            tries += 1
        self._lost = True
        raise self._gone() from RuntimeError(why)

    def _gone(self) -> NetworkLost:
        return NetworkLost(
            "network.lost",
            "No replica of the network answers at {address}. Try again when one is back",
            address=self.address,
        )

    def _look_again(self) -> None:
        """:class:`NetworkLost` unless a replica is back; many who ask at once cost one look."""
        with self._looking:
            if not self._lost:
                return
            if time.monotonic() - self._looked > LOOK:
                try:
                    self.about, self._lost = self.look(), False
                    return
                except (httpx.HTTPError, ValueError, TypeError):
                    self._looked = time.monotonic()
        raise self._gone()


class RemoteNetwork:
    """A U-Net on the replicas; rows are split evenly between them.

    Args:
        shape: (C, H, W) of its input.
        wire: "half" sends 16 bits for a number instead of 32: x_t and the network's output to three digits.
        exact, unshared: see :class:`explorer.cluster.wire_format.Call`.
    """

    any_thread = True

    def __init__(
        self, link: ReplicaClient, shape: Shape, wire: Wire, exact: bool = False, unshared: bool = False
    ) -> None:
        self._link, self._shape, self._wire, self._exact, self._unshared = link, shape, wire, exact, unshared

    @property
    def name(self) -> str:
        about = self._link.about
        engine = "torch float32" if self._exact else about.engine
        half = ", half on the wire" if self._wire == "half" else ""
        return f"Ray, {about.replicas} replica{'s' * (about.replicas > 1)}, {engine}{half}"

    def prepare(self) -> None:
        """The replicas have compiled everything already."""

    def __call__(self, x: Tensor, labels: Tensor) -> Tensor:
        """Errors as for :meth:`ReplicaClient.ask`."""
        about = self._link.about
        size = min(about.rows, -(-len(x) // about.replicas))
        weights = about.identity["weights"]
        calls = [
            Call(rows, of_rows, weights, self._exact, self._unshared, self._wire)
            for rows, of_rows in zip(x.split(size), labels.split(size), strict=True)
        ]
        return torch.cat([unpack_rows(answer, self._shape, self._wire) for answer in self._link.ask_all(calls)])


class RemoteDenoiser:
    """eps_theta whose U-Net is computed by replicas; the rest of :class:`explorer.denoiser.Denoiser` is done here.

    A :class:`explorer.denoiser.NoisePredictor`. Its calls raise the errors of :meth:`ReplicaClient.ask`.

    Args:
        local: the checkpoint's denoiser on this machine, which is not called.
        shape: (C, H, W) of the U-Net's input.
        exact: let torch in float32 compute it, with float32 on the wire, whatever the engine.
        unshared: share no batch with another app.
    """

    any_thread = True  # another machine does not see which thread calls

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
        self.max_rows = client.about.rows * client.about.replicas

    def __repr__(self) -> str:
        return f"RemoteDenoiser({self.engine}, {self._local.prediction_type}, patch={self._local.patch})"

    def __call__(self, x_t: Tensor, t: int | Tensor) -> Tensor:
        return self._local.predict_with(self._network, x_t, t)

    @cached_property
    def exact(self) -> RemoteDenoiser:
        """The same, computed by torch in float32 and sent in float32."""
        return self._variant(exact=True, unshared=self._is_unshared)

    @cached_property
    def unshared(self) -> RemoteDenoiser:
        """The same, sharing no batch with another app: a repeat gives the same bits."""
        return self._variant(exact=self._is_exact, unshared=True)

    def _variant(self, exact: bool, unshared: bool) -> RemoteDenoiser:
        if (exact, unshared) == (self._is_exact, self._is_unshared):
            return self
        return RemoteDenoiser(self._local, self._client, self._shape, self._wire, exact, unshared)

    @property
    def engine(self) -> str:
        """What computes the network, for people."""
        return self._network.name

    def prepare(self) -> None:
        """The replicas have compiled everything already."""


def connect(address: str, name: str | None = None, wire: Wire = "float32") -> Checkpoint:
    """The checkpoint that is served at ``address``: its files from here, its network from there.

    Args:
        name: what to open here; what the network was opened by if None.

    Raises:
        ValueError: nobody there, no such checkpoint here, or another one than is served.
    """
    link = ReplicaClient(address)
    if name is None and link.about.checkpoint not in available():
        raise ValueError(
            f"{address} serves {link.about.checkpoint}, which is not below checkpoints/ here; name it: --checkpoint"
        )
    checkpoint = load(name or link.about.checkpoint, "cpu", engine="auto")
    mine, served = identity(checkpoint), link.about.identity
    different = [what for what in SAME if mine[what] != served.get(what)]
    if different:
        both = ", ".join(f"{what} {mine[what]} here and {served.get(what)} there" for what in different)
        raise ValueError(f"{address} serves another checkpoint than {checkpoint.name}: {both}")
    denoiser = RemoteDenoiser(denoiser_of(checkpoint), link, input_shape(checkpoint), wire)
    return replace(checkpoint, predict_noise=denoiser)
