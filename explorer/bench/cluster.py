"""The network on replicas: the overhead of remote calls, and a load test of two apps behind nginx while replicas are killed."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import httpx

from explorer.bench.app_process import Server, start_app
from explorer.bench.load_test import load_test
from explorer.bench.measures import BenchConfig, Row
from explorer.checkpoint import Checkpoint, load
from explorer.cluster.addresses import is_loopback
from explorer.cluster.local_cluster import local_cluster
from explorer.cluster.remote_network import connect
from explorer.cluster.replica_client import ReplicaClient
from explorer.latents import latent
from explorer.sampler import sample
from explorer.settings import Settings
from explorer.support.ports import free_port

NGINX_CONFIG = Path(__file__).parents[1] / "cluster" / "nginx.conf"
APP_PORTS = (7860, 7861)  # in that file
TEMPORARY_FOLDERS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
WARM_UP_CALLS = 3


def measure_cluster(config: BenchConfig, users: int, seconds: float, address: str = "") -> Iterator[Row]:
    """Yield rows of the overhead of remote calls, and of a load test during which the replicas are killed in turn.

    Args:
        address: ray://HOST:PORT of a served network; if empty, two replicas are started on this machine. Replicas on
            other machines are not killed.

    Raises:
        ValueError: Ray or nginx is not installed here.
        RuntimeError: after the last row, if a run failed or showed wrong pictures.
    """
    if shutil.which("nginx") is None:
        raise ValueError("--cluster needs nginx; on Debian, install nginx-light")
    with ExitStack() as stack:
        address = address or stack.enter_context(local_cluster(config.checkpoint, config.engine))
        yield from remote_overhead(config, address)
        client = ReplicaClient(address)
        outages: list[float] = []

        @contextmanager
        def start(config: BenchConfig) -> Iterator[Server]:
            with apps_behind_nginx(config, address) as server, killed_replicas(client, seconds, outages):
                yield server

        yield from load_test(config, users, seconds, start)
        durations = ", ".join(f"{outage:.1f} s" for outage in outages) or "none"
        yield "replicas killed during the test", str(len(outages)), f"{durations} until each was replaced"


def remote_overhead(config: BenchConfig, address: str) -> Iterator[Row]:
    """Compare remote calls with calls in this process: their time, and the pictures."""
    local = load(config.checkpoint, "cpu", engine=config.engine)
    float32, half = connect(address, config.checkpoint), connect(address, config.checkpoint, "half")
    checkpoints = {"local": local, "float32": float32, "half": half}
    for rows in (1, 8):
        seconds = _call_seconds(checkpoints, rows, calls=WARM_UP_CALLS + 5 * config.rounds)
        median = {name: 1000 * statistics.median(values) for name, values in seconds.items()}
        fastest = {name: 1000 * min(values) for name, values in seconds.items()}
        yield (
            f"overhead of a remote call on {rows} row{'s' * (rows > 1)}",
            f"{median['float32'] - median['local']:+.1f} ms",
            f"median {median['float32']:.1f} ms against {median['local']:.1f} ms in the process, "
            f"minimum {fastest['float32']:.1f} against {fastest['local']:.1f} ms; in half precision {median['half']:.1f} ms",
        )
    settings = Settings(config.steps)
    x_T = latent(local.shape, range(4))
    expected = sample(local, x_T, settings)
    for name, remote in (("float32", float32), ("half", half)):
        difference = (sample(remote, x_T, settings) - expected).abs() * 127.5
        yield (
            f"difference of pictures computed remotely, {name}",
            f"{float(difference.mean()):.3f}/255",
            f"S = {config.steps}, at most {float(difference.max()):.2f}; {remote.engine}",
        )


def _call_seconds(checkpoints: dict[str, Checkpoint], rows: int, calls: int) -> dict[str, list[float]]:
    """Seconds of each call of the networks, called in turn, without the first few calls."""
    seconds: dict[str, list[float]] = {name: [] for name in checkpoints}
    x_t = latent(next(iter(checkpoints.values())).shape, range(rows))
    for t in range(1, calls + 1):
        for name, checkpoint in checkpoints.items():
            started = time.perf_counter()
            checkpoint.predict_noise(x_t, t)
            seconds[name].append(time.perf_counter() - started)
    return {name: values[WARM_UP_CALLS:] for name, values in seconds.items()}


@dataclass(frozen=True, kw_only=True)
class ProxiedServer(Server):
    """Several apps behind one address; ``pid`` is that of the proxy."""

    apps: tuple[Server, ...]

    def memory(self) -> float:
        """Resident memory of all apps in MiB."""
        return sum(app.memory() for app in self.apps)


@contextmanager
def apps_behind_nginx(config: BenchConfig, network: str) -> Iterator[ProxiedServer]:
    """Start two apps that share a network, behind nginx with the configuration in ``explorer/cluster/nginx.conf``.

    Args:
        network: ray://HOST:PORT.

    Raises:
        RuntimeError: an app or nginx does not start.
    """
    started = time.perf_counter()
    with ExitStack() as stack:
        apps = [stack.enter_context(start_app(config, arguments=("--network", network))) for _ in APP_PORTS]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nginx-")))
        folder.chmod(0o755)  # nginx's worker processes run as another user
        port = free_port()
        text = NGINX_CONFIG.read_text(encoding="utf-8").replace("listen 8080", f"listen 127.0.0.1:{port}")
        for configured, app in zip(APP_PORTS, apps, strict=True):
            text = text.replace(f"127.0.0.1:{configured} ", f"127.0.0.1:{app.port} ")
        paths = "".join(f"{name}_temp_path {folder / name};\n" for name in TEMPORARY_FOLDERS) + "access_log off;\n"
        (folder / "nginx.conf").write_text(text.replace("http {", f"http {{\n{paths}", 1), encoding="utf-8")
        command = ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
        nginx = subprocess.Popen([*command, "-g", f"daemon off; pid {folder / 'pid'};"])
        stack.callback(nginx.wait)
        stack.callback(nginx.terminate)
        url = f"http://127.0.0.1:{port}/"
        if not _answers(url):
            raise RuntimeError(f"nginx does not answer: {(folder / 'error.log').read_text()}")
        yield ProxiedServer(url, nginx.pid, started, apps=tuple(apps))


def _answers(url: str) -> bool:
    for _ in range(100):
        with suppress(httpx.TransportError):
            httpx.get(url, timeout=60).raise_for_status()
            return True
        time.sleep(0.05)
    return False


@contextmanager
def killed_replicas(client: ReplicaClient, seconds: float, outages: list[float]) -> Iterator[None]:
    """Kill one replica after the other while the block runs, each once all replicas are alive.

    Replicas on another machine are left alone.

    Args:
        seconds: duration of the load test.
        outages: receives the seconds until each killed replica was replaced.
    """
    if not all(is_loopback(endpoint.place.host) for endpoint in client.endpoints):
        yield
        return
    stop = Event()

    def kill_each() -> None:
        for number in range(client.info.replicas):
            if stop.wait(seconds / 5):
                return
            pids = wait_for_replicas(client, stop)
            if stop.is_set():
                return
            pid = pids[number % len(pids)]
            os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # Windows has no SIGKILL; its SIGTERM is as hard
            started = time.perf_counter()
            wait_for_replicas(client, stop, without=pid)
            outages.append(time.perf_counter() - started)

    thread = Thread(target=kill_each, name="kill replicas")
    thread.start()
    try:
        yield
    finally:
        thread.join(60)  # until the last replica is replaced
        stop.set()
        thread.join()


def wait_for_replicas(client: ReplicaClient, stop: Event, without: int = 0) -> list[int]:
    """Wait until all replicas have answered, or ``stop`` is set. Returns their process ids, ascending.

    Args:
        without: process id of a replica that does not count, because it was killed.
    """
    while not stop.wait(0.05):
        client.probe_all()
        pids = {endpoint.info.process for endpoint in client.up if endpoint.info} - {without}
        if len(pids) >= client.info.replicas:
            return sorted(pids)
    return []
