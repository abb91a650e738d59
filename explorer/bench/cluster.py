"""The network on replicas, and a class of users at two apps behind nginx that share them: what it costs, and that it holds."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx
import torch

from explorer.bench.app_process import Server, served
from explorer.bench.load_test import users
from explorer.bench.measures import Plan, Row
from explorer.checkpoint import load
from explorer.cluster import local_cluster
from explorer.cluster.ray_session import free_port
from explorer.cluster.remote_network import ReplicaClient, connect
from explorer.latents import latent
from explorer.sampler import sample
from explorer.settings import Settings

APPS = 2
CONFIG = Path(local_cluster.__file__).with_name("nginx.conf")
FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def cluster(plan: Plan, count: int, seconds: float, address: str = "") -> Iterator[Row]:
    """Rows of the wire's cost, and of what ``count`` users see while the replicas are killed in turn.

    Args:
        address: of a network that is served already; two replicas on this machine if empty. Only this machine's are killed.

    Raises:
        ValueError: no Ray, or no nginx here.
        RuntimeError: at the end, if anything went wrong, with what.
    """
    if shutil.which("nginx") is None:
        raise ValueError("the cluster's bench needs nginx, such as Debian's nginx-light")
    with ExitStack() as until:
        address = address or until.enter_context(local_cluster.local_cluster(plan.checkpoint, plan.engine))
        yield from wire(plan, address)
        link, kills = ReplicaClient(address), []  # type: ignore[var-annotated]

        @contextmanager
        def apps(plan: Plan) -> Iterator[tuple[Server, float]]:
            started = time.perf_counter()
            with behind_nginx(plan, address) as server, killing(link, seconds, kills):
                yield server, started

        yield from users(plan, count, seconds, apps)
        yield "replicas killed in turn meanwhile", str(len(kills)), f"{_seconds(kills)} until another one answered"


def wire(plan: Plan, address: str) -> Iterator[Row]:
    """What a call costs more than in the process itself, by turns, and whether it comes to the same."""
    here = load(plan.checkpoint, "cpu", engine=plan.engine)
    ways = {wire: connect(address, plan.checkpoint, wire) for wire in ("float32", "half")}  # type: ignore[arg-type]
    for rows in (1, 8):
        x = latent(here.shape, range(rows))
        calls: dict[str, Callable[[torch.Tensor, int], torch.Tensor]] = {"here": here.predict_noise}
        calls |= {wire: there.predict_noise for wire, there in ways.items()}
        took: dict[str, list[float]] = {name: [] for name in calls}
        for t in range(1, 4 + 5 * plan.rounds):
            for name, call in calls.items():
                started = time.perf_counter()
                call(x, t)
                took[name].append(time.perf_counter() - started)
        alone, float32, half = (1000 * statistics.median(took[name][3:]) for name in calls)
        quickest = [1000 * min(took[name][3:]) for name in calls]
        yield (
            f"a call on {rows} row{'s' * (rows > 1)} over the wire",
            f"{float32 - alone:+.1f} ms",
            f"{float32:.1f} ms against {alone:.1f} ms in the process, the quickest {quickest[1]:.1f} against {quickest[0]:.1f} ms; "
            f"half on the wire {half:.1f} ms",
        )
    settings = Settings(plan.steps)
    x_T = latent(here.shape, range(4))
    mine = sample(here, x_T, settings)
    for name, there in ways.items():
        difference = (sample(there, x_T, settings) - mine).abs() * 127.5
        yield (
            f"pictures over the wire, {name}, against the process's own",
            f"{float(difference.mean()):.3f}/255",
            f"S = {plan.steps}, at the most {float(difference.max()):.2f}; {there.engine}",
        )


@dataclass(frozen=True)
class Servers(Server):
    """Apps behind one address; ``process`` is nginx's."""

    apps: tuple[Server, ...] = ()

    def memory(self) -> float:
        """MiB that all apps hold."""
        return sum(app.memory() for app in self.apps)


@contextmanager
def behind_nginx(plan: Plan, network: str) -> Iterator[Servers]:
    """Apps that share a network, behind nginx as the file beside the package's code configures it.

    Raises:
        RuntimeError: if one of them does not start.
    """
    with ExitStack() as until:
        apps = [until.enter_context(served(plan, more=("--network", network)))[0] for _ in range(APPS)]
        folder = Path(until.enter_context(tempfile.TemporaryDirectory(prefix="nginx-")))
        folder.chmod(0o755)  # its workers are others than root
        port = free_port()
        text = CONFIG.read_text(encoding="utf-8").replace("listen 8080", f"listen 127.0.0.1:{port}")
        for usual, app in zip((7860, 7861), apps, strict=True):
            text = text.replace(f"127.0.0.1:{usual} ", f"127.0.0.1:{httpx.URL(app.address).port} ")
        places = "".join(f"{name}_temp_path {folder / name};\n" for name in FOLDERS) + "access_log off;\n"
        (folder / "nginx.conf").write_text(text.replace("http {", f"http {{\n{places}", 1), encoding="utf-8")
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        nginx = subprocess.Popen([*command, "-g", f"daemon off; pid {folder / 'pid'};"])
        until.callback(nginx.wait)
        until.callback(nginx.terminate)
        address = f"http://127.0.0.1:{port}/"
        for _ in range(100):
            with suppress(httpx.TransportError):
                httpx.get(address, timeout=60).raise_for_status()
                break
            time.sleep(0.05)
        else:
            raise RuntimeError(f"nginx does not answer: {(folder / 'error.log').read_text()}")
        yield Servers(address, nginx.pid, tuple(apps))


@contextmanager
def killing(link: ReplicaClient, seconds: float, missed: list[float]) -> Iterator[None]:
    """Kill the replicas one after the other, each when all are there; ``missed`` grows by the seconds that one was away."""
    if link.host not in ("127.0.0.1", "localhost"):  # the processes that they name are another machine's
        yield
        return
    end = Event()

    def kill() -> None:
        for _ in range(link.about.replicas):
            if end.wait(seconds / 5):
                return
            there = processes(link, end)
            if end.is_set():
                return
            killed = there[len(missed) % len(there)]
            os.kill(killed, signal.SIGKILL)
            started = time.perf_counter()
            processes(link, end, without=killed)
            missed.append(time.perf_counter() - started)

    thread = Thread(target=kill, name="killing")
    thread.start()
    try:
        yield
    finally:
        thread.join(60)  # until the last one is replaced
        end.set()
        thread.join()


def processes(link: ReplicaClient, end: Event, without: int = 0) -> list[int]:
    """The replicas' processes, oldest first, as soon as all answer."""
    seen: dict[int, None] = {}
    while len(seen) < link.about.replicas and not end.wait(0.05):
        with suppress(httpx.HTTPError):
            seen[link.look().process] = None
        seen.pop(without, None)
    return sorted(seen)


def _seconds(values: list[float]) -> str:
    return ", ".join(f"{value:.1f} s" for value in values) or "none"
