"""The network on replicas and sweeps as tasks, on a Ray of this machine."""

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
from pathlib import Path

import httpx
import numpy as np
import pytest
import torch
from flat import flat_pictures

import app
import explorer as ex
from explorer.bench.command import main as bench
from explorer.cluster import ray_session
from explorer.cluster.command import main as serve_network
from explorer.cluster.remote_network import ReplicaClient, connect
from explorer.cluster.wire_format import Call, ReplicaInfo
from explorer.evaluation.command import main as evaluate
from explorer.networks.network import NetworkLost
from explorer.runs.shared_network import unshared

SHAPE, T = (3, 8, 8), 1000
SWEEP = ["--pictures=36", "--batch=4", "--encoded=6", "--device=cpu", "--steps", "3", "20", "--etas", "0", "large"]
SWEEP += ["--encode-steps", "2", "5"]


# Without Ray


def test_without_ray_a_line_says_what_to_install(monkeypatch, capsys, tiny_folder):
    monkeypatch.setattr(ray_session, "find_spec", lambda name: None)
    assert serve_network([str(tiny_folder)]) == 2
    assert capsys.readouterr().err == f"serve-network: {ray_session.NEEDED}\n"
    monkeypatch.setattr("sys.argv", ["app.py", "--checkpoint", str(tiny_folder), "--network", "ray"])
    assert app.main() == 2
    assert capsys.readouterr().err == f"app.py: {ray_session.NEEDED}\n"


def test_without_ray_a_sweep_says_what_to_install(monkeypatch, capsys, tiny_copy):
    np.savez(tiny_copy / "examples.npz", images=flat_pictures(20))
    monkeypatch.setattr(ray_session, "find_spec", lambda name: None)
    assert evaluate([str(tiny_copy), *SWEEP, "--ray"]) == 2
    assert capsys.readouterr().err == f"evaluate: {ray_session.NEEDED}\n"


# The wire


@pytest.mark.parametrize(("wire", "off"), [("float32", 0), ("half", 2e-3)])
def test_a_call_arrives_as_it_was_sent(wire, off):
    x = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(0))
    sent = Call(x, torch.tensor([0, 7, 999]), "abc", True, False, wire)
    got = Call.unpack(sent.pack(), SHAPE, T)
    assert (got.weights, got.exact, got.unshared, got.wire) == ("abc", True, False, wire)
    assert got.labels.tolist() == [0, 7, 999]
    assert float((got.x - x).abs().max()) <= off


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}\n",
        b'{"labels": [1], "wire": "pickle"}\n',
        b'{"labels": [1], "wire": "float32"}\n123',
        b'{"labels": [1000], "wire": "half"}\n' + bytes(2 * 192),
        b'{"labels": [true], "wire": "half"}\n' + bytes(2 * 192),
        b'{"labels": [], "wire": "half"}\n',
    ],
)
def test_what_is_no_call_is_refused_in_words(data):
    with pytest.raises(ValueError, match="expected"):
        Call.unpack(data, SHAPE, T)


@pytest.mark.parametrize("address", ["http://a:1", "ray://", "ray://host", "ray://:80", "ray://host:99999"])
def test_an_address_of_another_kind_is_refused(address):
    with pytest.raises(ValueError, match="--network must be ray or ray://HOST:PORT, not"):
        ReplicaClient(address)


def test_where_nobody_listens_a_line_says_how_to_start_a_network():
    with pytest.raises(ValueError, match=r"no network answers at ray://127\.0\.0\.1:9 .*serve-network CHECKPOINT"):
        connect("ray://127.0.0.1:9")


# On two replicas


@pytest.fixture(scope="module")
def shown(tiny_folder, tmp_path_factory) -> Path:
    """The tiny checkpoint with pictures to forward and encode."""
    folder = Path(shutil.copytree(tiny_folder, tmp_path_factory.mktemp("shown") / "tiny"))
    np.savez(folder / "examples.npz", images=flat_pictures(40))
    return folder


@pytest.fixture(scope="module")
def served(tiny_folder) -> Iterator[str]:
    """A network of two replicas, and its address."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ddim-explorer[ray]'")
    from explorer.cluster.local_cluster import local_cluster

    with local_cluster(str(tiny_folder), "exact", "cpu", replicas=2) as address:
        yield address


@pytest.mark.cluster
def test_pictures_over_the_wire_are_those_of_the_process(served, tiny, tiny_folder):
    """By the same engine: to the rounding of kernels, which depends on the rows of a call; half by three digits."""
    x_T = ex.latent(tiny.shape, range(5))
    settings = ex.Settings(steps=6, eta=0.5)
    there = connect(served, str(tiny_folder))
    assert there.engine == "Ray, 2 replicas, torch float32"
    assert there.predict_noise.max_rows == 16
    torch.testing.assert_close(ex.sample(there, x_T, settings), ex.sample(tiny, x_T, settings), atol=1e-4, rtol=1e-4)
    assert ex.sample(unshared(there), x_T, settings).equal(ex.sample(unshared(there), x_T, settings))
    labels = torch.tensor([1, 2, 500, 999, 1000])
    torch.testing.assert_close(
        there.predict_noise.exact(x_T, labels), tiny.predict_noise(x_T, labels), atol=1e-4, rtol=1e-4
    )
    half = connect(served, str(tiny_folder), "half").predict_noise(x_T, labels)
    torch.testing.assert_close(half, tiny.predict_noise(x_T, labels), atol=2e-2, rtol=2e-2)


@pytest.mark.cluster
def test_another_checkpoint_than_is_served_is_refused_when_connecting_and_later(served, tiny_copy, save_pipeline):
    (tiny_copy / "explorer.json").write_text(json.dumps({"patch": 1, "title": "the same"}))
    connect(served, str(tiny_copy))
    path = tiny_copy / "scheduler" / "scheduler_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"beta_schedule": "squaredcos_cap_v2"}))
    with pytest.raises(ValueError, match=r"serves another checkpoint than tiny: schedule .* here and .* there"):
        connect(served, str(tiny_copy))
    link = ReplicaClient(served)
    with pytest.raises(NetworkLost, match="serves another checkpoint by now"):
        link.ask(Call(torch.zeros(1, *SHAPE), torch.tensor([1]), "other weights"))
    with pytest.raises(ValueError, match="expected labels from 0 to 999"):
        link.ask(Call(torch.zeros(1, *SHAPE), torch.tensor([1000])))


@pytest.mark.cluster
def test_a_replica_that_dies_loses_no_call(served, tiny, tiny_folder):
    there, link = connect(served, str(tiny_folder)), ReplicaClient(served)
    x_T = ex.latent(tiny.shape, range(4))
    threading.Timer(0.3, os.kill, (link.look().process, signal.SIGKILL)).start()
    until = time.monotonic() + 2
    while time.monotonic() < until:
        torch.testing.assert_close(there.predict_noise(x_T, 500), tiny.predict_noise(x_T, 500), atol=1e-4, rtol=1e-4)


# When none is left


def test_when_none_is_left_that_is_said_at_once_and_it_goes_on_when_one_is_back(monkeypatch):
    """The way to the replicas, with a network that comes and goes in the place of theirs."""
    up, asked = True, []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if not up:
            raise httpx.ConnectError("nobody")
        if request.method == "GET":
            return httpx.Response(200, json=vars(ReplicaInfo("tiny", {"weights": "w"}, "torch", 2, 8)))
        return httpx.Response(200, content=request.content.partition(b"\n")[2])

    plain = httpx.Client
    monkeypatch.setattr(httpx, "Client", lambda **given: plain(transport=httpx.MockTransport(answer), **given))
    monkeypatch.setattr("explorer.cluster.remote_network.PATIENCE", 0.3)
    monkeypatch.setattr("explorer.cluster.remote_network.LOOK", 0.1)
    link, call = ReplicaClient("ray://somewhere:1"), Call(torch.ones(1, *SHAPE), torch.tensor([1]), "w")
    assert len(link.ask(call)) == 4 * 192
    up = False
    with pytest.raises(NetworkLost, match="No replica of the network answers at ray://somewhere:1"):
        link.ask(call)
    asked.clear()
    for _ in range(5):  # runs that wait are told in turn; one look is enough for all
        with pytest.raises(NetworkLost):
            link.ask(call)
    assert asked == ["/about"]
    up = True
    time.sleep(0.15)
    assert len(link.ask(call)) == 4 * 192


# Sweeps


@pytest.fixture(scope="module")
def usual_table(shown, tmp_path_factory) -> dict:
    """The table that a sweep without Ray comes to."""
    folder = Path(shutil.copytree(shown, tmp_path_factory.mktemp("alone") / "tiny"))
    assert evaluate([str(folder), *SWEEP]) == 0
    return without_machines(folder)


@pytest.fixture
def there(shown, tmp_path) -> Path:
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ddim-explorer[ray]'")
    return Path(shutil.copytree(shown, tmp_path / "tiny"))


@pytest.mark.cluster
def test_a_sweep_that_loses_its_command_and_then_a_worker_comes_to_the_same_table(usual_table, there):
    command = subprocess.Popen([sys.executable, "-m", "explorer", "evaluate", str(there), *SWEEP, "--ray"])
    try:
        wait_for_another_chunk(there, kept(there))
    finally:
        command.kill()
    assert command.wait() == -signal.SIGKILL  # it had not come to its end
    killed: list[int] = []
    killer = threading.Thread(target=kill_a_worker, args=(there, kept(there), killed))
    killer.start()
    try:
        assert evaluate([str(there), *SWEEP, "--ray"]) == 0
    finally:
        killer.join()
    assert len(killed) == 1
    assert without_machines(there) == usual_table


def kept(folder: Path) -> dict[Path, int]:
    """The chunks that are kept, as files that are replaced with every chunk, and when that was."""
    return {path: path.stat().st_mtime_ns for path in folder.glob("evaluation/frechet-*.npz")}


def wait_for_another_chunk(folder: Path, before: dict[Path, int]) -> None:
    until = time.monotonic() + 120
    while kept(folder) == before and time.monotonic() < until:
        time.sleep(0.005)


def kill_a_worker(folder: Path, before: dict[Path, int], killed: list[int]) -> None:
    """One of this process's, as soon as another chunk is kept."""
    wait_for_another_chunk(folder, before)
    for status in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            name = status.read_bytes()
        except OSError:  # it ended
            continue
        if name.startswith(b"ray::compute") and is_ours(int(status.parent.name)):
            os.kill(int(status.parent.name), signal.SIGKILL)
            killed.append(int(status.parent.name))
            return


def is_ours(process: int) -> bool:
    """Whether this process began it, or what began it."""
    while process > 1 and process != os.getpid():
        process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return process == os.getpid()


def without_machines(folder: Path) -> dict:
    """``quality.json``, less the clock's and the machines'."""
    quality = json.loads((folder / "quality.json").read_text())
    for cell in quality["frechet"]["cells"]:
        del cell["seconds_per_picture"], cell["machine"]
    return quality


# Users


@pytest.mark.cluster
def test_a_class_at_two_apps_behind_nginx_sees_its_own_pictures_while_replicas_are_killed(served, shown, capsys):
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    arguments = [
        str(shown),
        "--cluster",
        served,
        "--quick",
        "--engine",
        "exact",
        "--users",
        "4",
        "--seconds",
        "10",
    ]
    assert bench(arguments) == 0
    told = capsys.readouterr().out
    assert "| errors and mixed-up pictures | 0 |" in told
    assert "| replicas killed in turn meanwhile | 2 |" in told
