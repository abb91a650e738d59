"""Simulated users of the app, over HTTP.

A simulated user sends what a page sends: it reports every change of a setting, requests a run, and reads the values that are
streamed back.
"""

from __future__ import annotations

import asyncio
import json
import random
import ssl
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from gradio_client.utils import apply_diff

from explorer.bench.app_process import Server

ABANDONED_SHARE = 0.3  # of runs: the user changes a setting before the run ends
ABANDON_PROBABILITY = 0.3  # per update of such a run
SEEDS = 12  # few, because every distinct run is repeated to check it
MEMORY_INTERVAL = 2.0  # seconds between two measurements of the server's memory


@dataclass
class SimulatedRun:
    """One run that a user requests, and what comes back.

    Attributes:
        tab, settings: what is requested; other settings have their defaults.
        abandon: whether the user leaves the run before it ends.
        requested_at: seconds since the start of the test.
        first_update: seconds from the request to the first picture; 0 if there was none.
        duration: seconds from the request to the end.
        longest_pause: the most seconds between two updates.
        value: the last value that the page received.
        sheet: content of the sprite sheet, for Steps.
        error: what went wrong.
    """

    tab: str
    settings: dict[str, Any]
    abandon: bool = False
    requested_at: float = 0.0
    first_update: float = 0.0
    duration: float = 0.0
    longest_pause: float = 0.0
    value: dict[str, Any] = field(default_factory=dict)
    sheet: bytes = b""
    error: str = ""

    @property
    def ended(self) -> bool:
        """Whether the user saw the run to its end."""
        return self.value.get("state") == "ended"


def random_run(rng: random.Random) -> SimulatedRun:
    """A run that a user might request: mostly Steps, of any length.

    At eta = 1 the noise seed equals the latent seed, so that there are few distinct runs.
    """
    seed, eta = rng.randrange(SEEDS), rng.choice([0, 0, 0.5, 1])
    tab = rng.choices(["steps", "compare", "consistency", "encode", "forward", "paths"], [60, 12, 10, 8, 5, 5])[0]
    settings: dict[str, dict[str, Any]] = {
        "steps": {
            "seed": seed,
            "noise_seed": seed,
            "eta": eta,
            "steps": rng.choices([10, 20, 50, 100, 1000], [20, 35, 35, 8, 2])[0],
        },
        "compare": {"seed": seed, "steps": 10, "others": 1},
        "consistency": {"latents": f"{seed}, {seed + 1}", "lengths": "5, 10"},
        "encode": {"picture": seed % 4, "steps": 10},
        "forward": {"real": seed % 4},
        "paths": {"seed": seed, "eta": eta, "steps": 20},
    }
    return SimulatedRun(tab, settings[tab], abandon=rng.random() < ABANDONED_SHARE or tab == "encode")


@dataclass(frozen=True)
class AppConfig:
    """What a page learns about the app when it is opened.

    Attributes:
        defaults: all settings with their defaults.
        events: index of each event's handler, by the event's name.
    """

    defaults: dict[str, Any]
    events: dict[str, int]

    @classmethod
    def fetch(cls, server: Server) -> AppConfig:
        config = httpx.get(f"{server.url}config", timeout=60).raise_for_status().json()
        controls = next(c for c in config["components"] if c["props"].get("elem_id") == "controls")
        events = {
            event: dependency["id"]
            for dependency in config["dependencies"]
            for target, event in dependency["targets"]
            if target == controls["id"]
        }
        return cls(controls["props"]["value"], events)


class SimulatedUser:
    """One open page: a session with one run at a time.

    Args:
        client: with its own cookies, by which a proxy recognizes the page.
        seed: of the user's choices.
    """

    def __init__(self, server: Server, config: AppConfig, client: httpx.AsyncClient, seed: int) -> None:
        self._url, self._config, self._client = server.url.rstrip("/") + "/gradio_api", config, client
        self._session, self._count, self._rng = uuid.uuid4().hex[:12], 0, random.Random(seed)

    async def use(self, seconds: float, runs: list[SimulatedRun]) -> None:
        """Request one run after another for ``seconds``, and append each to ``runs``."""
        started = time.perf_counter()
        heartbeat = asyncio.create_task(self._keep_session_alive())
        try:
            while (elapsed := time.perf_counter() - started) < seconds:
                run = random_run(self._rng)
                run.requested_at = elapsed
                runs.append(run)
                try:
                    await self.request(run)
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    run.error = repr(error)
        finally:
            heartbeat.cancel()

    async def request(self, run: SimulatedRun) -> None:
        """Request a run and read its values until it ends.

        Raises:
            httpx.HTTPError: the server cannot be reached or answers with an error.
            ValueError: the run failed.
        """
        self._count += 1
        values = self._config.defaults | run.settings | {"count": self._count}
        started = time.perf_counter()
        await self._report_change(values)
        event_id = await self._join_queue(f"run_{run.tab}", values)
        abandoned, last_update = False, 0.0
        async for message in self._messages():
            if message.get("event_id") != event_id:
                continue
            output = message.get("output") or {}
            if message["msg"] == "process_generating" and output.get("data"):
                update = output["data"][0]
                run.value = apply_diff(run.value, update) if isinstance(update, list) else update
                now = time.perf_counter()
                run.longest_pause = max(run.longest_pause, now - last_update if last_update else 0.0)
                last_update = now
                if not run.first_update and run.value.get("state") in ("running", "ended"):
                    run.first_update = time.perf_counter() - started
                if run.abandon and run.first_update and not abandoned and self._rng.random() < ABANDON_PROBABILITY:
                    abandoned, self._count = True, self._count + 1
                    # A newer change: the server ends the run at its next step.
                    await self._report_change(values | {"count": self._count})
            elif message["msg"] == "process_completed":
                if not message["success"]:
                    raise ValueError(f"the run failed: {output}")
                break
        run.duration = time.perf_counter() - started
        if run.value.get("state") == "error" or not (run.ended or abandoned):
            raise ValueError(f"{run.value.get('state')}: {run.value.get('message')}")
        if run.ended and run.tab == "steps":
            run.sheet = (await self._client.get(f"{self._url}/file={run.value['sheet']['file']['path']}")).content

    async def _report_change(self, values: dict[str, Any]) -> None:
        body = {"data": [values], "fn_index": self._config.events["input"], "session_hash": self._session}
        (await self._client.post(f"{self._url}/run/predict", json=body)).raise_for_status()

    async def _join_queue(self, event: str, values: dict[str, Any]) -> str:
        """Trigger an event. Returns the id of its messages."""
        body = {"data": [values], "fn_index": self._config.events[event], "session_hash": self._session}
        return (await self._client.post(f"{self._url}/queue/join", json=body)).raise_for_status().json()["event_id"]

    async def _messages(self) -> AsyncIterator[dict[str, Any]]:
        """The session's server-sent events."""
        async with self._client.stream("GET", f"{self._url}/queue/data?session_hash={self._session}") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])

    async def _keep_session_alive(self) -> None:
        with suppress(httpx.HTTPError):
            async with self._client.stream("GET", f"{self._url}/heartbeat/{self._session}") as stream:
                async for _ in stream.aiter_lines():
                    pass


@dataclass(frozen=True)
class Simulation:
    """The outcome of a load test.

    Attributes:
        runs: all runs that were requested.
        memory: pairs of seconds since the start and MiB that the server used.
    """

    runs: list[SimulatedRun] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)

    @property
    def completed(self) -> list[SimulatedRun]:
        """The runs that were seen to their end."""
        return [run for run in self.runs if run.ended]


async def simulate(server: Server, users: int, seconds: float) -> Simulation:
    """Let ``users`` simulated users request runs for ``seconds``."""
    config, simulation = AppConfig.fetch(server), Simulation()
    started = time.perf_counter()
    limits, verify = httpx.Limits(max_connections=None), ssl.create_default_context()  # creating a context is slow
    async with AsyncExitStack() as clients:

        async def open_page() -> httpx.AsyncClient:
            client = httpx.AsyncClient(timeout=httpx.Timeout(300), limits=limits, verify=verify)
            await clients.enter_async_context(client)
            (await client.get(server.url)).raise_for_status()
            return client

        async def measure_memory() -> None:
            while True:
                simulation.memory.append((time.perf_counter() - started, server.memory()))
                await asyncio.sleep(MEMORY_INTERVAL)

        measuring = asyncio.create_task(measure_memory())
        simulated = [SimulatedUser(server, config, await open_page(), seed) for seed in range(users)]
        await asyncio.gather(*(user.use(seconds, simulation.runs) for user in simulated))
        measuring.cancel()
    return simulation
