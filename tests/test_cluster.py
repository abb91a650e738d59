"""The network on replicas and sweeps as Ray tasks, on a Ray cluster of this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from flat import flat_pictures
from sweeps import SWEEP, saved_chunks, wait_for_another_chunk, without_timings

import explorer as ex
from explorer.bench.command import main as bench
from explorer.cluster import ray_session
from explorer.cluster.command import main as serve_network
from explorer.cluster.remote_network import connect
from explorer.cluster.replica_client import ReplicaClient
from explorer.evaluation.command import main as evaluate
from explorer.runs.shared_network import unshared
from explorer.ui.command import main as serve_app

# Without Ray


def test_without_ray_one_line_says_what_to_install(monkeypatch, capsys, tiny_folder):
    monkeypatch.setattr(ray_session, "find_spec", lambda name: None)
    assert serve_network([str(tiny_folder)]) == 2
    assert capsys.readouterr().err == f"serve-network: {ray_session.RAY_MISSING}\n"
    assert serve_app(["--checkpoint", str(tiny_folder), "--network", "ray"]) == 2
    assert capsys.readouterr().err == f"app.py: {ray_session.RAY_MISSING}\n"


def test_without_ray_a_sweep_says_what_to_install(monkeypatch, capsys, tiny_copy):
    np.savez(tiny_copy / "examples.npz", images=flat_pictures(20))
    monkeypatch.setattr(ray_session, "find_spec", lambda name: None)
    assert evaluate([str(tiny_copy), *SWEEP, "--ray"]) == 2
    assert capsys.readouterr().err == f"evaluate: {ray_session.RAY_MISSING}\n"


# On two replicas


@pytest.fixture(scope="module")
def served(tiny_folder) -> Iterator[str]:
    """The address of a network of two replicas."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ddim-explorer[ray]'")
    from explorer.cluster.local_cluster import local_cluster

    with local_cluster(str(tiny_folder), "exact", "cpu", replicas=2) as address:
        yield address


@pytest.mark.cluster
def test_pictures_computed_remotely_equal_those_of_this_process(served, tiny, tiny_folder):
    """Up to rounding, which depends on the number of rows in a call; in half precision to three digits."""
    x_T = ex.latent(tiny.shape, range(5))
    settings = ex.Settings(steps=6, eta=0.5)
    remote = connect(served, str(tiny_folder))
    assert remote.engine == "Ray, 2 replicas, torch float32"
    assert remote.predict_noise.max_rows == 16
    torch.testing.assert_close(ex.sample(remote, x_T, settings), ex.sample(tiny, x_T, settings), atol=1e-4, rtol=1e-4)
    assert ex.sample(unshared(remote), x_T, settings).equal(ex.sample(unshared(remote), x_T, settings))
    labels = torch.tensor([1, 2, 500, 999, 1000])
    torch.testing.assert_close(
        remote.predict_noise.exact(x_T, labels), tiny.predict_noise(x_T, labels), atol=1e-4, rtol=1e-4
    )
    half = connect(served, str(tiny_folder), "half").predict_noise(x_T, labels)
    torch.testing.assert_close(half, tiny.predict_noise(x_T, labels), atol=2e-2, rtol=2e-2)


@pytest.mark.cluster
def test_a_checkpoint_other_than_the_served_one_is_refused_when_connecting(served, tiny_copy):
    (tiny_copy / "explorer.json").write_text(json.dumps({"patch": 1, "title": "the same"}))
    connect(served, str(tiny_copy))
    path = tiny_copy / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"beta_schedule": "squaredcos_cap_v2"}))
    with pytest.raises(ValueError, match=r"serves another checkpoint than tiny: schedule .* here and .* there"):
        connect(served, str(tiny_copy))


@pytest.mark.cluster
def test_no_call_is_lost_when_a_replica_dies(served, tiny, tiny_folder):
    remote, client = connect(served, str(tiny_folder)), ReplicaClient(served)
    x_T = ex.latent(tiny.shape, range(4))
    threading.Timer(0.3, os.kill, (client.fetch_info().process, signal.SIGKILL)).start()
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        torch.testing.assert_close(remote.predict_noise(x_T, 500), tiny.predict_noise(x_T, 500), atol=1e-4, rtol=1e-4)


# Sweeps


@pytest.fixture(scope="module")
def local_table(with_examples, tmp_path_factory) -> dict:
    """The table of the same sweep without Ray."""
    folder = Path(shutil.copytree(with_examples, tmp_path_factory.mktemp("local") / "tiny"))
    assert evaluate([str(folder), *SWEEP]) == 0
    return without_timings(folder)


@pytest.fixture
def folder(with_examples, tmp_path) -> Path:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ddim-explorer[ray]'")
    return Path(shutil.copytree(with_examples, tmp_path / "tiny"))


@pytest.mark.cluster
def test_a_sweep_that_loses_its_command_and_then_a_worker_gives_the_same_table(local_table, folder):
    command = subprocess.Popen([sys.executable, "-m", "explorer", "evaluate", str(folder), *SWEEP, "--ray"])
    try:
        wait_for_another_chunk(folder, saved_chunks(folder))
    finally:
        command.kill()
    assert command.wait() == -signal.SIGKILL  # it was still running
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_worker, args=(folder, saved_chunks(folder), killed))
    killer.start()
    try:
        assert evaluate([str(folder), *SWEEP, "--ray"]) == 0
    finally:
        killer.join()
    assert len(killed) == 1
    assert without_timings(folder) == local_table


def kill_a_worker(folder: Path, before: dict[Path, int], killed: list[int]) -> None:
    """Kill a Ray worker of this process while it computes, once another chunk is saved."""
    wait_for_another_chunk(folder, before)
    deadline = time.monotonic() + 60
    while not killed and time.monotonic() < deadline:  # between two chunks no worker computes
        for pid in computing_workers():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)
            return


def computing_workers() -> Iterator[int]:
    """Processes started by this one that compute a chunk."""
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            name = cmdline.read_bytes()
        except OSError:  # the process has ended
            continue
        pid = int(cmdline.parent.name)
        if name.startswith(b"ray::compute") and is_descendant(pid):
            yield pid


def is_descendant(pid: int) -> bool:
    """Whether a process was started by this one, directly or indirectly."""
    while pid > 1 and pid != os.getpid():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid == os.getpid()


# Users


@pytest.mark.cluster
def test_users_of_two_apps_behind_nginx_get_their_own_pictures_while_replicas_are_killed(served, with_examples, capsys):
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    options = ["--quick", "--engine", "exact", "--users", "4", "--seconds", "10"]
    with ThreadPoolExecutor(1) as thread:  # the thread of the tests may have an event loop, that of Playwright
        assert thread.submit(bench, [str(with_examples), "--cluster", served, *options]).result() == 0
    table = capsys.readouterr().out
    assert "| errors and wrong pictures | 0 |" in table
    assert "| replicas killed during the test | 2 |" in table
