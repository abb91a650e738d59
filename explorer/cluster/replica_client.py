"""The app's side of the replicas: which there are, which of them are alive, and calls that go to the quickest."""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock, Thread

import torch

from explorer.cluster.addresses import TOKEN_VARIABLE, NetworkAddress, Place, is_loopback, network_token
from explorer.cluster.endpoint import TRANSPORT_ERRORS, Endpoint, Exchange, Refused
from explorer.cluster.hedged_call import HedgedCall, NoAnswer, OtherCheckpoint
from explorer.cluster.latency import Latency, split_rows
from explorer.cluster.wire_format import Call, ReplicaInfo
from explorer.networks.network import NetworkLost

NO_ANSWER_LIMIT = 30.0  # seconds without any answer from any replica, after which a call fails
PROBE_INTERVAL = 1.0  # seconds between two probes of a replica
MIN_PROBE_PAUSE = 0.25  # seconds between two probes when a call waits for them
IDLE_PROBE_INTERVAL = 5.0  # while nothing is computed and all replicas answer
PROBE_TIMEOUT = 2.0  # seconds
MEASURE_INTERVAL = 10.0  # seconds without a call, after which a replica is measured again
USED_RECENTLY = 30.0  # seconds since the last call
MAX_CONCURRENT_ATTEMPTS = 64
UNAUTHORIZED = 401


class ReplicaClient:
    """Calls the replicas of a network over HTTP. It can be used from any thread.

    A background thread probes all replicas. Those that do not answer get no calls until they do.

    Attributes:
        address: where the replicas are served.
        info: the latest answer of a replica about itself.
        rows: the most rows that every replica computes in one call.

    Args:
        address: ray://HOST:PORT, as ``python -m explorer serve-network`` prints it, see :class:`NetworkAddress`.
        discover: whether also to use the replicas that those at the address announce.

    Raises:
        ValueError: the address is invalid, no replica answers, or they require a token.
    """

    def __init__(self, address: str, discover: bool = True) -> None:
        parsed = NetworkAddress.parse(address)
        self.address, self._discovers = address, discover
        self._tls, self._token = parsed.tls_context(), network_token()
        self._endpoints = [self._endpoint(place, given=True) for place in parsed.places]
        self._endpoints_lock = Lock()
        self._attempts = ThreadPoolExecutor(MAX_CONCURRENT_ATTEMPTS, thread_name_prefix="replica call")
        self._callers = ThreadPoolExecutor(MAX_CONCURRENT_ATTEMPTS, thread_name_prefix="replica part")
        self._probers = ThreadPoolExecutor(MAX_CONCURRENT_ATTEMPTS, thread_name_prefix="replica probe")
        self._is_lost, self._last_call, self._wake = False, 0.0, Event()
        self._weights = ""
        self.info = self._first_info()
        self._weights = self.info.identity["weights"]
        self.probe_all()  # those that the first one announced
        self.rows = min(endpoint.info.rows for endpoint in self._endpoints if endpoint.is_up and endpoint.info)
        Thread(target=_keep_probing, args=(weakref.ref(self), self._wake), name="replicas", daemon=True).start()

    def __del__(self) -> None:
        if wake := getattr(self, "_wake", None):
            wake.set()

    def _endpoint(self, place: Place, given: bool = False) -> Endpoint:
        return Endpoint(place, self._tls, self._token, given)

    def _first_info(self) -> ReplicaInfo:
        """Probe the given addresses.

        Raises:
            ValueError: none answers.
        """
        self.probe_all()
        found = [endpoint.info for endpoint in self._endpoints if endpoint.is_up and endpoint.info]
        if found:
            return found[0]
        problems = "; ".join(f"{endpoint.place}: {endpoint.problem}" for endpoint in self._endpoints)
        if any(endpoint.problem.startswith(str(UNAUTHORIZED)) for endpoint in self._endpoints):
            raise ValueError(
                f"the network at {self.address} requires a token: set {TOKEN_VARIABLE} to that of serve-network"
            )
        raise ValueError(
            f"no network answers at {self.address} ({problems}); start one: python -m explorer serve-network CHECKPOINT"
        )

    @property
    def endpoints(self) -> list[Endpoint]:
        """All known addresses of replicas."""
        with self._endpoints_lock:
            return list(self._endpoints)

    @property
    def up(self) -> list[Endpoint]:
        """The endpoints that calls are sent to, without further addresses of the same replica."""
        found = {endpoint.info.replica or str(endpoint.place): endpoint for endpoint in self._usable() if endpoint.info}
        return list(found.values())

    @property
    def engines(self) -> list[str]:
        """What computes the network at all replicas that have answered, for display."""
        return sorted({endpoint.info.engine for endpoint in self.endpoints if endpoint.info})

    def _usable(self) -> list[Endpoint]:
        return [endpoint for endpoint in reversed(self.endpoints) if endpoint.is_up]

    def probe_all(self) -> None:
        """Ask all replicas about themselves, and take those into account that they announce."""
        endpoints = self.endpoints
        list(self._probers.map(self._probe, endpoints))
        announced = {place for endpoint in endpoints if endpoint.is_up for place in self._announced_by(endpoint)}
        with self._endpoints_lock:
            known = {endpoint.place for endpoint in self._endpoints}
            if announced:  # otherwise keep all, because any of them may be the first to come back
                self._endpoints = [e for e in self._endpoints if e.given or e.is_up or e.place in announced]
            new = [self._endpoint(place) for place in sorted(announced - known)]
            self._endpoints += new
        list(self._probers.map(self._probe, new))
        if any(endpoint.is_up for endpoint in self.endpoints):
            self._is_lost = False

    def _announced_by(self, endpoint: Endpoint) -> set[Place]:
        """The places of all replicas, according to one of them. A loopback address means the host that has answered."""
        if not self._discovers or endpoint.info is None:
            return set()
        places = set()
        for place in map(Place.parse, endpoint.info.peers):
            places.add(place._replace(host=endpoint.place.host) if is_loopback(place.host) else place)
        return places

    def _probe(self, endpoint: Endpoint) -> None:
        try:
            info = endpoint.probe(PROBE_TIMEOUT)
        except (*TRANSPORT_ERRORS, Refused, ValueError) as error:
            endpoint.set_down(error)
            return
        endpoint.serves_other = bool(self._weights) and info.identity["weights"] != self._weights
        if endpoint.serves_other:
            if endpoint.is_up or endpoint.problem == "no answer yet":
                logging.warning("%s serves other weights than %s: it is not used", endpoint.place, self.address)
            endpoint.set_down("serves other weights")
        else:
            endpoint.is_up, self.info = True, info

    def probe_later(self) -> bool:
        """Probe all replicas now, and measure those that get no calls. Returns whether to do so again soon."""
        self.probe_all()
        is_used = time.monotonic() - self._last_call < USED_RECENTLY
        if is_used:
            for endpoint in self.up:
                if time.monotonic() - endpoint.measured > MEASURE_INTERVAL:
                    self._probers.submit(self._measure, endpoint)
        return is_used or not all(endpoint.is_up for endpoint in self.endpoints)

    def _measure(self, endpoint: Endpoint) -> None:
        """Measure a call on one row that nobody waits for, so that a replica that was slow gets calls again."""
        assert endpoint.info is not None
        rows = endpoint.begin(1)
        call = Call(torch.zeros(1, *endpoint.info.input_shape), torch.zeros(1, dtype=torch.long), self._weights)
        started = endpoint.measured = time.monotonic()
        try:
            Exchange(endpoint, "POST", call.pack()).answer()
        except (*TRANSPORT_ERRORS, Refused) as error:
            endpoint.set_down(error)
            return
        finally:
            endpoint.end(1)
        endpoint.answered = endpoint.measured = time.monotonic()
        endpoint.latency.add_call(rows, endpoint.measured - started)

    def fetch_info(self) -> ReplicaInfo:
        """Ask the replicas about themselves, and return the answer of one.

        Raises:
            NetworkLost: none answers.
        """
        self.probe_all()
        up = self.up
        if not up or up[0].info is None:
            raise self._lost()
        return up[0].info

    def split(self, rows: int) -> list[tuple[Endpoint, int]]:
        """Split the rows of a call among the replicas that are up, by their latencies. Empty if no replica is up.

        No part is larger than :attr:`rows`.
        """
        endpoints = self.up
        if not endpoints:
            return []
        measured = [endpoint.latency for endpoint in endpoints if endpoint.latency.per_row is not None]
        usual = min((latency.per_row or 0.0 for latency in measured), default=0.0)
        latencies = [
            endpoint.latency
            if endpoint.latency.per_row is not None
            else Latency(endpoint.latency.per_request, usual or endpoint.latency.per_request)
            for endpoint in endpoints
        ]
        outstanding = [endpoint.outstanding for endpoint in endpoints]
        return [
            (endpoint, min(self.rows, share - start))
            for endpoint, share in zip(endpoints, split_rows(rows, latencies, outstanding), strict=True)
            for start in range(0, share, self.rows)
        ]

    def send_all(self, calls: Sequence[tuple[Call, Endpoint | None]]) -> list[bytes]:
        """Send calls at once, each first to its endpoint if it has one. Returns their answers; raises as :meth:`send`."""
        if len(calls) == 1:
            return [self.send(*calls[0])]
        return list(self._callers.map(lambda pair: self.send(*pair), calls))

    def send(self, call: Call, first: Endpoint | None = None) -> bytes:
        """Send a call to a replica, and to another one whenever it is late. Returns the answer.

        Raises:
            NetworkLost: no replica has answered for :data:`NO_ANSWER_LIMIT`, or another checkpoint is served now.
            ValueError: the replica refuses the call; the message is the replica's.
        """
        self._last_call = time.monotonic()
        if self._is_lost:
            raise self._lost()
        rows = len(call.x)
        hedged = HedgedCall(self._candidates, call.pack(), rows, self._attempts, NO_ANSWER_LIMIT, first)
        try:
            return hedged.answer()
        except OtherCheckpoint:
            raise NetworkLost(
                "network.other",
                "{address} now serves another checkpoint. Restart the app to use it",
                address=self.address,
            ) from None
        except NoAnswer as error:
            self._is_lost = True
            raise self._lost() from error

    def _candidates(self, rows: int) -> list[Endpoint]:
        """All endpoints, the one with the shortest expected call first. While one is down, probe soon."""
        endpoints = sorted(self.endpoints, key=lambda e: e.latency.cautious(e.outstanding + rows))
        if not all(endpoint.is_up for endpoint in endpoints):
            self._wake.set()
        return endpoints

    def _lost(self) -> NetworkLost:
        return NetworkLost(
            "network.lost",
            "No replica of the network answers at {address}. Try again when one is back",
            address=self.address,
        )


def _keep_probing(reference: weakref.ref[ReplicaClient], wake: Event) -> None:
    """Probe the replicas of a client as long as it exists."""
    soon = True
    while True:
        wake.wait(PROBE_INTERVAL if soon else IDLE_PROBE_INTERVAL)
        wake.clear()
        client = reference()
        if client is None:
            return
        soon = client.probe_later()
        del client
        time.sleep(MIN_PROBE_PAUSE)
