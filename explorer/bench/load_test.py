"""A class of users over HTTP: how long they wait, and whether everybody gets their own pictures.

A user here does what a page does: tells the server of every move of a slider, asks for a run, and reads the values that come
back. What every run should have shown is made afterwards, alone, by the same engine, and compared.
"""

from __future__ import annotations

import asyncio
import io
import json
import random
import ssl
import statistics
import time
import uuid
from base64 import b64decode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
from gradio_client.utils import apply_diff
from PIL import Image

from explorer.bench.app_process import Server, served
from explorer.bench.measures import Plan, Row
from explorer.checkpoint import Checkpoint, load
from explorer.media.convert import to_rgb, to_uint8
from explorer.runs.latent_spec import parse
from explorer.sampler import sample
from explorer.settings import Settings

MOVES_ON = 0.3  # share of runs that are left for another before their end
SAME = 3.0  # mean difference of a picture made alone from the same one, of 255 levels: bfloat16 and JPEG come to 1, another picture to 20
Serve = Callable[[Plan], AbstractContextManager[tuple[Server, float]]]
UNSHARED = "from explorer import denoiser; denoiser.MAX_ROWS_ON_CPU = denoiser.MAX_ROWS = 1"
SEEDS = 12  # so that what is checked need not all be made anew
MEMORY_EVERY = 2.0  # seconds
SETTLED = 20.0  # seconds from the start of the app to the users: by then it has prepared what it prepares when idle


@dataclass
class Asked:
    """One run that a user asked for, and what came of it. Times are in seconds from the asking, ``at`` from the start of all."""

    tab: str
    settings: dict[str, Any]
    leaves: bool = False
    at: float = 0.0
    first: float = 0.0
    ended: float = 0.0
    value: dict[str, Any] = field(default_factory=dict)
    sheet: bytes = b""
    error: str = ""


def wish(dice: random.Random) -> Asked:
    """What a user might ask for next: mostly Steps, of any length. At eta = 1 the noise alone makes the picture."""
    seed, eta = dice.randrange(SEEDS), dice.choice([0, 0, 0.5, 1])
    tab = dice.choices(["steps", "compare", "consistency", "encode", "forward", "paths"], [60, 12, 10, 8, 5, 5])[0]
    of_tab: dict[str, dict[str, Any]] = {
        "steps": {
            "seed": seed,
            "noise_seed": seed,
            "eta": eta,
            "steps": dice.choices([10, 20, 50, 100, 1000], [20, 35, 35, 8, 2])[0],
        },
        "compare": {"seed": seed, "steps": 10, "others": 1},
        "consistency": {"latents": f"{seed}, {seed + 1}", "lengths": "5, 10"},
        "encode": {"picture": seed % 4, "steps": 10},
        "forward": {"real": seed % 4},
        "paths": {"seed": seed, "eta": eta, "steps": 20},
    }
    return Asked(tab, of_tab[tab], leaves=dice.random() < MOVES_ON or tab == "encode")


class User:
    """A page: one session, one run at a time."""

    def __init__(self, server: Server, config: dict[str, Any], client: httpx.AsyncClient, number: int) -> None:
        self.url, self.client = server.address.rstrip("/") + "/gradio_api", client
        self.session, self.count, self.dice = uuid.uuid4().hex[:12], 0, random.Random(number)
        self.defaults = config["defaults"]
        self.events = config["events"]

    async def visit(self, seconds: float, done: list[Asked]) -> None:
        """Ask for one run after another until the time is over."""
        began = time.perf_counter()
        alive = asyncio.create_task(self._stay())
        try:
            while (at := time.perf_counter() - began) < seconds:
                asked = wish(self.dice)
                asked.at = at
                done.append(asked)
                try:
                    await self.run(asked)
                except (httpx.HTTPError, ValueError, KeyError) as error:
                    asked.error = repr(error)
        finally:
            alive.cancel()

    async def run(self, asked: Asked) -> None:
        """Ask for a run and read what comes, to its end or until the user moves on."""
        self.count += 1
        given = self.defaults | asked.settings | {"count": self.count}
        started = time.perf_counter()
        await self._tell(given)
        join = {"data": [given], "fn_index": self.events[f"run_{asked.tab}"], "session_hash": self.session}
        event = (await self.client.post(f"{self.url}/queue/join", json=join)).raise_for_status().json()["event_id"]
        left = False
        async for message in self._messages():
            if message.get("event_id") != event:
                continue
            output = message.get("output") or {}
            if message["msg"] == "process_generating" and output.get("data"):
                change = output["data"][0]
                asked.value = apply_diff(asked.value, change) if isinstance(change, list) else change
                if not asked.first and asked.value.get("state") in ("running", "ended"):
                    asked.first = time.perf_counter() - started
                if asked.leaves and asked.first and not left and self.dice.random() < 0.3:
                    left, self.count = True, self.count + 1
                    await self._tell(given | {"count": self.count})  # another move: the run ends at its next step
            elif message["msg"] == "process_completed":
                if not message["success"]:
                    raise ValueError(f"the run failed: {output}")
                break
        asked.ended = time.perf_counter() - started
        if not left and asked.value.get("state") != "ended":
            raise ValueError(f"{asked.value.get('state')}: {asked.value.get('message')}")
        if not left and asked.tab == "steps":
            asked.sheet = (await self.client.get(f"{self.url}/file={asked.value['sheet']['file']['path']}")).content

    async def _tell(self, given: dict[str, Any]) -> None:
        body = {"data": [given], "fn_index": self.events["input"], "session_hash": self.session}
        (await self.client.post(f"{self.url}/run/predict", json=body)).raise_for_status()

    async def _messages(self) -> Any:
        """What the server says to this session, until it has no more to say."""
        async with self.client.stream("GET", f"{self.url}/queue/data?session_hash={self.session}") as stream:
            async for line in stream.aiter_lines():
                if line.startswith("data:"):
                    yield json.loads(line[5:])

    async def _stay(self) -> None:
        """As long as this goes on the server knows that the page is open."""
        with suppress(httpx.HTTPError):
            async with self.client.stream("GET", f"{self.url}/heartbeat/{self.session}") as stream:
                async for _ in stream.aiter_lines():
                    pass


def config_of(server: Server) -> dict[str, Any]:
    """The page's settings with their defaults, and the numbers of its events, as the page itself is told them."""
    config = httpx.get(f"{server.address}config", timeout=60).raise_for_status().json()
    controls = next(c for c in config["components"] if c["props"].get("elem_id") == "controls")
    events = {
        event: d["id"] for d in config["dependencies"] for target, event in d["targets"] if target == controls["id"]
    }
    return {"defaults": controls["props"]["value"], "events": events}


async def visit(server: Server, users: int, seconds: float) -> tuple[list[Asked], list[tuple[float, float]]]:
    """Let so many users at the server for so long; what they asked for, and (seconds, MiB of the server) on the way."""
    config, done, memory = config_of(server), [], []  # type: ignore[var-annotated]
    started = time.perf_counter()
    limits, plain = httpx.Limits(max_connections=None), ssl.create_default_context()
    async with AsyncExitStack() as open_pages:

        async def page() -> httpx.AsyncClient:  # with cookies of its own, by which a proxy knows it
            client = httpx.AsyncClient(timeout=httpx.Timeout(300), limits=limits, verify=plain)
            await open_pages.enter_async_context(client)
            (await client.get(server.address)).raise_for_status()
            return client

        async def watch() -> None:
            while True:
                memory.append((time.perf_counter() - started, server.memory()))
                await asyncio.sleep(MEMORY_EVERY)

        watching = asyncio.create_task(watch())
        people = [User(server, config, await page(), number) for number in range(users)]
        await asyncio.gather(*(person.visit(seconds, done) for person in people))
        watching.cancel()
    return done, memory


def check(done: list[Asked], checkpoint: Checkpoint) -> Iterator[str]:
    """What is wrong: errors, settings of somebody else, pictures that are not those of the same run alone."""
    made: dict[Any, np.ndarray] = {}

    def alone(latent: Any, settings: Settings) -> np.ndarray:
        if (latent, settings) not in made:
            made[latent, settings] = to_rgb(to_uint8(sample(checkpoint, parse(latent).latent(checkpoint), settings)))[0]
        return made[latent, settings]

    def differs(picture: np.ndarray, latent: Any, settings: Settings) -> bool:
        return bool(np.abs(picture.astype(float) - alone(latent, settings)).mean() > SAME)

    for asked in done:
        told = asked.value.get("settings", {})
        if asked.error:
            yield f"{asked.tab} {asked.settings}: {asked.error}"
        elif any(told.get(name) != value for name, value in asked.settings.items()):
            yield f"{asked.tab} {asked.settings}: came with the settings {told}"
        elif asked.sheet:
            settings = Settings(told["steps"], told["eta"], noise_seed=told["noise_seed"])
            _, H, W = checkpoint.shape
            k, columns = len(json.loads(asked.value["kept"])) - 1, asked.value["sheet"]["columns"]
            sheet = np.asarray(Image.open(io.BytesIO(asked.sheet)).convert("RGB"))
            top, left = k // columns * H, k % columns * 5 * W + 4 * W
            if differs(sheet[top : top + H, left : left + W], told["seed"], settings):
                yield f"{asked.tab} {asked.settings}: another picture"
        elif asked.tab in ("compare", "consistency") and asked.value.get("state") == "ended":
            pictures = dict(line.split("\t") for line in asked.value["pictures"].splitlines())
            name, latent, S = (
                ("ddim/end", told["seed"], told["steps"])
                if asked.tab == "compare"
                else ("0/10/1", told["latents"].split(", ")[1], 10)
            )
            picture = np.asarray(Image.open(io.BytesIO(b64decode(pictures[name].split(",")[1]))).convert("RGB"))
            if differs(picture, latent, Settings(S)):
                yield f"{asked.tab} {asked.settings}: another picture"


def users(plan: Plan, count: int, seconds: float, serve: Serve = served, unshared: bool = False) -> Iterator[Row]:
    """Rows of what ``count`` users saw.

    Args:
        serve: starts what they come to.
        unshared: let them at an app, too, whose calls of the network are of one row each.

    Raises:
        RuntimeError: at the end, if anything went wrong, with what.
    """
    with serve(plan) as (server, _):
        time.sleep(min(SETTLED, seconds))
        done, memory = asyncio.run(visit(server, count, seconds))
    ended = _ended(done)
    yield "users, seconds", f"{count}, {seconds:.0f}", f"{len(done)} runs asked for, {len(ended)} seen to the end"
    for title, chosen in (("S = 50 in Steps", [a for a in done if a.settings.get("steps") == 50]), ("all runs", done)):
        first, whole = [a.first for a in chosen if a.first], [a.ended for a in chosen if a in ended]
        yield f"first preview, {title}", f"p50 {_p(first, 50)}, p95 {_p(first, 95)}", f"{len(first)} runs"
        yield f"to the end, {title}", f"p50 {_p(whole, 50)}, p95 {_p(whole, 95)}", f"{len(whole)} runs"
    sixths = [[mib for at, mib in memory if k <= 6 * at / seconds < k + 1] for k in range(6)]
    yield (
        "memory of the server",
        f"{statistics.median([mib for sixth in sixths[3:] for mib in sixth]):.0f} MiB",
        f"at the start {memory[0][1]:.0f}; by sixths of the time "
        + ", ".join(f"{statistics.median(sixth):.0f}" for sixth in sixths if sixth),
    )
    if unshared:
        yield from _against_unshared(plan, count, seconds, done)
    wrong = list(check(done, load(plan.checkpoint, engine=plan.engine)))
    yield "errors and mixed-up pictures", str(len(wrong)), f"of {len(done)} runs, each made again alone"
    if wrong:
        raise RuntimeError("\n".join(wrong[:20]))


def _against_unshared(plan: Plan, count: int, seconds: float, done: list[Asked]) -> Iterator[Row]:
    """How much more of the same wishes, of the same users in the same order, were fulfilled than without shared calls."""
    with served(plan, before=UNSHARED) as (server, _):
        time.sleep(min(SETTLED, seconds))
        alone, _ = asyncio.run(visit(server, count, seconds))
    for title, of in (
        ("runs to the end within the time", lambda asked: 1),
        ("steps of such runs in Steps", lambda asked: asked.settings["steps"] if asked.tab == "steps" else 0),
    ):
        shared, single = (
            sum(of(asked) for asked in _ended(runs) if asked.at + asked.ended <= seconds) for runs in (done, alone)
        )
        yield (
            f"{title}, against calls of one row",
            f"{shared / max(single, 1):.2f}×",
            f"{shared / seconds:.2f} against {single / seconds:.2f} a second",
        )


def _ended(done: list[Asked]) -> list[Asked]:
    """Those that were seen to the end."""
    return [asked for asked in done if asked.value.get("state") == "ended"]


def _p(values: list[float], percent: int) -> str:
    return f"{np.percentile(values, percent):.2f} s" if values else "none"
