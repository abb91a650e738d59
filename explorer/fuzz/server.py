"""Fuzzing of a running server: attacks, and whether it still serves others and what it has kept afterwards."""

from __future__ import annotations

import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Thread

import httpx

from explorer.fuzz.raw_http import RawClient
from explorer.fuzz.server_attacks import SEEDS, AppNumbers, Attack, HttpRequest, addresses, mutated
from explorer.fuzz.server_process import WatchedServer

MUTATED_SHARE = 0.5  # of the attacks
CONNECTIONS = 16  # at once
LEFT_OPEN = 600  # connections, at most
INPUTS_BETWEEN_CHECKS = 10
MAX_MEMORY = 1 << 30  # bytes above those at the start
MAX_DISK = 64 << 20
MAX_SOCKETS = LEFT_OPEN + 100
MAX_SOCKETS_AT_THE_END = 60
PROBE_SECONDS = 60.0  # for a short run of somebody else
RECOVERY_SECONDS = 90.0  # until the server has let go of everything
OTHER_ADDRESS = "127.0.0.2"  # from which the server is asked as by somebody else, if it is on this machine
PROBE = {"steps": 2, "eta": 0.0}


class ServerTarget:
    """A server. An input is an :class:`~explorer.fuzz.server_attacks.Attack`.

    Args:
        server: it is stopped at the end if it was started here.
        source: local address from which it is attacked; any if empty.
    """

    expected_errors: type[Exception] = httpx.TimeoutException
    timeout_seconds = 300.0

    def __init__(self, server: WatchedServer, source: str = "") -> None:
        self._server, self._client = server, RawClient(server.url, source)
        self._canary = socket.create_server(("127.0.0.1", 0))
        self._canary_url = f"http://127.0.0.1:{self._canary.getsockname()[1]}/canary"
        self._fetched = 0
        Thread(target=self._watch_canary, name="canary", daemon=True).start()
        self._app = AppNumbers.of(self._get("config").json())
        self._start = {"memory": server.memory(), "disk": server.disk(), "sockets": server.sockets()}
        self._peak, self._probes = dict(self._start), list[float]()
        self._inputs = self._requests = 0

    @property
    def url(self) -> str:
        """Address of the server."""
        return self._server.url

    # ---- inputs ----

    def generate(self, rng: random.Random) -> Attack:
        """A seed, or a mutated one."""
        name = rng.choice([*SEEDS, "addresses"])
        attack = self.seed(name, rng)
        if rng.random() < MUTATED_SHARE:
            requests = tuple(mutated(request, rng) for request in attack.requests[: rng.choice([1, 5, 30])])
            return Attack(f"{name}, mutated", requests)
        return attack

    def seed(self, name: str, rng: random.Random) -> Attack:
        """The seed of this name, see :data:`~explorer.fuzz.server_attacks.SEEDS`."""
        if name == "addresses":
            return Attack(name, tuple(addresses(self._app, rng, self._canary_url)))
        return Attack(name, tuple(SEEDS[name](self._app, rng)))

    def run(self, test_input: Attack) -> str:
        """Send the requests at the same time, and check the answers; from time to time also the server."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            answers = list(pool.map(self._client.send, test_input.requests))
        self._requests += len(answers)
        self._client.close(keep=LEFT_OPEN)
        problems = [
            f"{problem}: {request}"
            for request, (status, text) in zip(test_input.requests, answers, strict=True)
            if (problem := problem_of(request, status, text))
        ]
        self._inputs += 1
        problems += self._check() if self._inputs % INPUTS_BETWEEN_CHECKS == 1 else []
        assert not problems, "\n".join(problems[:5])
        statuses = ",".join(map(str, sorted({status for status, _ in answers})))
        return f"{test_input.name}: {statuses}"

    # ---- the server ----

    def _check(self) -> list[str]:
        """What is wrong with the server now. A thing is reported once."""
        if not self._server.is_running:
            return ["the server has ended"]
        problems = [] if self.probe() else [f"a short run from another address took more than {PROBE_SECONDS} s"]
        now = {"memory": self._server.memory(), "disk": self._server.disk(), "sockets": self._server.sockets()}
        for name, limit in (("memory", MAX_MEMORY), ("disk", MAX_DISK), ("sockets", MAX_SOCKETS)):
            self._peak[name] = max(self._peak[name], now[name])
            if now[name] - self._start[name] > limit:
                problems.append(f"{name} grew from {self._start[name]} to {now[name]}")
        if self._fetched:
            problems.append("the server fetched an address for a stranger")
            self._fetched = 0
        if text := self._server.traceback():
            problems.append(f"the log has a traceback: {text}")
        return problems

    def probe(self) -> bool:
        """Whether somebody else gets the result of a short run. The seconds are kept."""
        local = OTHER_ADDRESS if self._server.url.startswith("http://127.") else None
        started = time.monotonic()
        try:
            transport = httpx.HTTPTransport(local_address=local)
            with httpx.Client(base_url=self._server.url, timeout=PROBE_SECONDS, transport=transport) as client:
                started_run = client.post("gradio_api/call/v2/steps", json=PROBE).raise_for_status()
                with client.stream("GET", f"gradio_api/call/v2/steps/{started_run.json()['event_id']}") as answer:
                    text = "".join(answer.iter_text())
        except (httpx.HTTPError, ValueError, KeyError):
            return False
        self._probes.append(time.monotonic() - started)
        return "event: complete" in text and self._probes[-1] < PROBE_SECONDS

    def finish(self) -> list[str]:
        """Stop attacking, and check that the server lets go of what it holds. Stop it if it was started here."""
        self._client.close()
        deadline = time.monotonic() + RECOVERY_SECONDS
        while self._server.sockets() > self._start["sockets"] + MAX_SOCKETS_AT_THE_END and time.monotonic() < deadline:
            time.sleep(1)
        problems = self._check()
        if (sockets := self._server.sockets()) > self._start["sockets"] + MAX_SOCKETS_AT_THE_END:
            problems.append(f"{sockets} sockets are still open")
        self._end = {"memory": self._server.memory(), "disk": self._server.disk(), "sockets": sockets}
        self._canary.close()
        self._server.stop()
        return problems

    def figures(self) -> str:
        """Numbers of requests, memory, files and sockets at the start, at most and at the end, and seconds of the probes."""
        lines = [f"{self._requests} requests"]
        for name, unit in (("memory", 1 << 20), ("disk", 1 << 20), ("sockets", 1)):
            start, peak, end = (values[name] / unit for values in (self._start, self._peak, self._end))
            lines.append(
                f"{name}{' in MiB' * (unit > 1)}: {start:.0f} at the start, {peak:.0f} at most, {end:.0f} at the end"
            )
        if self._probes:
            seconds = sorted(self._probes)
            lines.append(
                f"short run from another address: median {seconds[len(seconds) // 2]:.2f} s, "
                f"longest {seconds[-1]:.2f} s of {len(seconds)}"
            )
        return "\n".join(lines)

    def _get(self, path: str) -> httpx.Response:
        return httpx.get(self._server.url + path, timeout=PROBE_SECONDS).raise_for_status()

    def _watch_canary(self) -> None:
        with suppress(OSError):  # closed at the end
            while True:
                self._canary.accept()[0].close()
                self._fetched += 1


def problem_of(request: HttpRequest, status: int, text: str) -> str:
    """What is wrong with the answer to a request; empty if nothing is."""
    if status >= 500 and status != 503:
        return f"status {status}"
    if "Traceback" in text:
        return "the answer has a traceback"
    if "evil.example" in text:
        return "the answer names a foreign host"
    if request.must_fail and 0 < status < 400:
        return f"status {status} for what must fail"
    return ""
