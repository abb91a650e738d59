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
DOWN_PROBE_INTERVAL = 0.25  # of a replica that is down, while calls are made
IDLE_PROBE_INTERVAL = 5.0  # of a replica that is up, while none are made
TICK = 0.1  # seconds between two looks at whose turn it is
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
        self._is_lost, self._last_call, self._closed = False, 0.0, Event()
        self._weights = ""
        self.info = self._first_info()
        self._weights = self.info.identity["weights"]
        self.probe_all()  # those that the first one announced
        self.rows = min((e.info.rows for e in self.endpoints if e.is_up and e.info), default=self.info.rows)
        Thread(target=_keep_probing, args=(weakref.ref(self), self._closed), name="replicas", daemon=True).start()

    def __del__(self) -> None:
        if closed := getattr(self, "_closed", None):
            closed.set()

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
        usable = [(endpoint.info.replica, endpoint) for endpoint in self.endpoints if endpoint.is_up and endpoint.info]
        return list(dict(reversed(usable)).values())[::-1]

    @property
    def engines(self) -> list[str]:
        """What computes the network at all replicas that have answered, for display."""
        return sorted({endpoint.info.engine for endpoint in self.endpoints if endpoint.info})

    def probe_all(self) -> None:
        """Ask all replicas about themselves now, and those that they announce."""
        list(self._probers.map(self._probe, self.endpoints))
        new = [endpoint for endpoint in self.endpoints if not endpoint.probed]
        list(self._probers.map(self._probe, new))

    def _update_endpoints(self) -> None:
        """Take the replicas into account that are announced by those that are up."""
        with self._endpoints_lock:
            up = [endpoint for endpoint in self._endpoints if endpoint.is_up]
            announced = {place for endpoint in up for place in self._announced_by(endpoint)}
            known = {endpoint.place for endpoint in self._endpoints}
            if announced:  # otherwise keep all, because any of them may be the first to come back
                self._endpoints = [e for e in self._endpoints if e.given or e.is_up or e.place in announced]
            self._endpoints += [self._endpoint(place) for place in sorted(announced - known)]

    def _announced_by(self, endpoint: Endpoint) -> set[Place]:
        """The places of all replicas, according to one of them. A loopback address means the host that has answered."""
        if not self._discovers or endpoint.info is None:
            return set()
        places = set()
        for place in map(Place.parse, endpoint.info.peers):
            places.add(place._replace(host=endpoint.place.host) if is_loopback(place.host) else place)
        return places

    def _probe(self, endpoint: Endpoint) -> None:
        """Ask a replica about itself."""
        endpoint.is_probing, endpoint.probed = True, time.monotonic()
        try:
            info = endpoint.probe(PROBE_TIMEOUT)
        except (*TRANSPORT_ERRORS, Refused, ValueError) as error:
            endpoint.set_down(error)
            return
        finally:
            endpoint.is_probing = False
        if self._weights and info.identity["weights"] != self._weights:
            if not endpoint.serves_other:
                logging.warning("%s serves other weights than %s: it is not used", endpoint.place, self.address)
            endpoint.serves_other = True
            endpoint.set_down("serves other weights")
            return
        endpoint.serves_other, endpoint.is_up = False, True
        self.info, self._is_lost = info, False
        self._update_endpoints()

    def probe_due(self) -> bool:
        """Probe those replicas whose turn it is, without waiting, and measure those that get no calls.

        Returns:
            Whether the client is in use, or a replica is down.
        """
        now, endpoints = time.monotonic(), self.endpoints
        is_used = now - self._last_call < USED_RECENTLY
        interval = PROBE_INTERVAL if is_used else IDLE_PROBE_INTERVAL
        for endpoint in endpoints:
            wait = interval if endpoint.is_up else DOWN_PROBE_INTERVAL if is_used else PROBE_INTERVAL
            if not endpoint.is_probing and now - endpoint.probed >= wait:
                self._probers.submit(self._probe, endpoint)
            elif endpoint.is_up and is_used and now - endpoint.measured > MEASURE_INTERVAL:
                endpoint.measured = now
                self._probers.submit(self._measure, endpoint)
        return is_used or not all(endpoint.is_up for endpoint in endpoints)

    def _measure(self, endpoint: Endpoint) -> None:
        """Measure a call on one row that nobody waits for, so that a replica that was slow gets calls again."""
        assert endpoint.info is not None
        rows = endpoint.begin(1)
        call = Call(torch.zeros(1, *endpoint.info.input_shape), torch.zeros(1, dtype=torch.long), self._weights)
        started = time.monotonic()
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
        hedged = HedgedCall(
            self._candidates, call.pack(), len(call.x), call.answer_bytes, self._attempts, NO_ANSWER_LIMIT, first
        )
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
        """All endpoints, the one with the shortest expected call first."""
        return sorted(self.endpoints, key=lambda e: e.latency.cautious(e.outstanding + rows))

    def _lost(self) -> NetworkLost:
        return NetworkLost(
            "network.lost",
            "No replica of the network answers at {address}. Try again when one is back",
            address=self.address,
        )


def _keep_probing(reference: weakref.ref[ReplicaClient], closed: Event) -> None:
    """Probe the replicas of a client as long as it exists."""
    is_busy = True
    while not closed.wait(TICK if is_busy else PROBE_INTERVAL):
        client = reference()
        if client is None:
            return
        try:
            is_busy = client.probe_due()
        except RuntimeError:  # the interpreter is shutting down and starts no more threads
            return
        del client
