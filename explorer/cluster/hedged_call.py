"""A call that goes to another replica when it is not answered in time: a hedged request.

The network is a pure function, so a call may be computed twice (Dean & Barroso 2013, The Tail at Scale).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from http.client import BAD_REQUEST, CONFLICT, REQUEST_ENTITY_TOO_LARGE, HTTPException

from explorer.cluster.endpoint import TRANSPORT_ERRORS, Endpoint, Exchange, Refused

HEDGE_FACTOR = 3.0  # a call is late after this multiple of its usual time at the replica
MIN_PATIENCE = 0.1  # seconds, within which no call is late
PATIENCE_UNKNOWN = 2.0  # seconds at a replica whose calls have not been measured
MAX_ATTEMPTS = 4  # at a time
INVALID = (BAD_REQUEST, REQUEST_ENTITY_TOO_LARGE)  # statuses of calls that every replica would refuse
RETRY_INTERVAL = 0.1  # seconds between two looks for a replica that is up


class NoAnswer(Exception):
    """No replica has answered the call, or any other request, for the limit."""


class OtherCheckpoint(Exception):
    """All replicas that answer serve another checkpoint."""


def patience(endpoint: Endpoint, rows: int) -> float:
    """Seconds after which a call on so many rows is late at a replica."""
    if endpoint.latency.per_row is None:
        return PATIENCE_UNKNOWN
    return max(MIN_PATIENCE, HEDGE_FACTOR * endpoint.latency.expected(rows))


@dataclass(frozen=True, eq=False)
class Attempt:
    """A call at one replica.

    Attributes:
        rows: that the replica had to compute when it was sent, those of other calls included.
        since: when it was sent, as ``time.monotonic`` measures it.
        patience: seconds after which it is late.
    """

    endpoint: Endpoint
    exchange: Exchange
    rows: int
    patience: float
    since: float = field(default_factory=time.monotonic)


class HedgedCall:
    """One call and its attempts, see :meth:`answer`.

    Args:
        candidates: the endpoints at the moment, the best one first.
        body, rows: of the call.
        answer_bytes: length of the answer.
        pool: threads in which the attempts wait.
        limit: seconds without any answer from any endpoint, after which the call fails.
        first: the endpoint of the first attempt, if it is up.
    """

    def __init__(
        self,
        candidates: Callable[[int], Sequence[Endpoint]],
        body: bytes,
        rows: int,
        answer_bytes: int,
        pool: ThreadPoolExecutor,
        limit: float,
        first: Endpoint | None = None,
    ) -> None:
        self._candidates, self._body, self._rows, self._pool = candidates, body, rows, pool
        self._answer_bytes, self._limit, self._first = answer_bytes, limit, first
        self._attempts: dict[Future[bytes], Attempt] = {}
        self._problem: BaseException | None = None
        self._started = time.monotonic()

    def answer(self) -> bytes:
        """The first answer of any replica. Attempts that are not needed any more are given up.

        Raises:
            NoAnswer: see ``limit``.
            OtherCheckpoint: all replicas serve another one.
            ValueError: a replica refuses the call; the message is the replica's.
        """
        try:
            while True:
                waiting = self._start_attempt()
                done, _ = wait(self._attempts, waiting, FIRST_COMPLETED) if self._attempts else (set(), set())
                for future in done:
                    if (content := self._take(future)) is not None:
                        return content
                if not self._attempts:
                    time.sleep(RETRY_INTERVAL if not done else 0)
                self._check_limit()
        finally:
            self._give_up()

    def _start_attempt(self) -> float:
        """Start an attempt at the best endpoint, if there is one. Returns seconds to wait before the next attempt."""
        endpoint = self._next_endpoint()
        if endpoint is None:
            return RETRY_INTERVAL
        exchange, rows = Exchange(endpoint, "POST", self._body), endpoint.begin(self._rows)
        attempt = Attempt(endpoint, exchange, rows, patience(endpoint, rows))
        self._attempts[self._pool.submit(exchange.answer)] = attempt
        return attempt.patience

    def _next_endpoint(self) -> Endpoint | None:
        """The best endpoint that is up and has no attempt of this call; if possible on another host than those."""
        if len(self._attempts) >= MAX_ATTEMPTS:
            return None
        if self._first is not None:
            first, self._first = self._first, None
            if first.is_up:
                return first
        tried = [attempt.endpoint for attempt in self._attempts.values()]
        hosts = {endpoint.place.host for endpoint in tried}
        fresh = [e for e in self._candidates(self._rows) if e.is_up and e not in tried]
        elsewhere = [endpoint for endpoint in fresh if endpoint.place.host not in hosts]
        return next(iter(elsewhere or fresh), None)

    def _take(self, future: Future[bytes]) -> bytes | None:
        """The content of an ended attempt, or None if it failed."""
        attempt = self._attempts.pop(future)
        endpoint, now = attempt.endpoint, time.monotonic()
        endpoint.end(self._rows)
        try:
            content = future.result()
            if len(content) != self._answer_bytes:
                raise HTTPException(f"an answer of {len(content)} instead of {self._answer_bytes} bytes")
        except Refused as refused:
            if refused.status in INVALID:
                raise ValueError(refused.text) from None
            endpoint.serves_other = refused.status == CONFLICT
            endpoint.set_down(refused)
            self._problem = refused
            return None
        except TRANSPORT_ERRORS as error:
            endpoint.set_down(error)
            self._problem = error
            return None
        endpoint.answered = endpoint.measured = now
        endpoint.latency.add_call(attempt.rows, now - attempt.since)
        return content

    def _check_limit(self) -> None:
        endpoints = self._candidates(self._rows)
        if not self._attempts and endpoints and all(endpoint.serves_other for endpoint in endpoints):
            raise OtherCheckpoint
        answered = max((endpoint.answered for endpoint in endpoints), default=0.0)
        now = time.monotonic()
        if now - max(answered, self._started) > self._limit:
            raise NoAnswer(str(self._problem)) from self._problem

    def _give_up(self) -> None:
        """End the attempts that are left. A replica that is late gets no calls until it has answered a probe."""
        now = time.monotonic()
        for attempt in self._attempts.values():
            attempt.exchange.abort()
            attempt.endpoint.end(self._rows)
            if (waited := now - attempt.since) >= attempt.patience:
                attempt.endpoint.latency.add_call(attempt.rows, waited)
                attempt.endpoint.set_down(f"a call was not answered within {waited:.1f} s")
