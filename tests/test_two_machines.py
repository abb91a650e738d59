"""The network and sweeps on machines that are joined by links that fail: network namespaces on this machine.

They need root. Those that take longer run only if the environment variable DDIM_NETWORK_TESTS is set.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch
from sweeps import SWEEP, saved_chunks, wait_for_another_chunk, without_timings

import explorer as ex
from explorer.bench.ray_nodes import RayNodes, Serving, ray_nodes
from explorer.bench.virtual_network import VirtualNetwork, virtual_network, why_unavailable
from explorer.cluster.remote_network import connect
from explorer.evaluation.command import main as evaluate
from explorer.media.convert import to_uint8

pytest.importorskip("ray", reason="Ray is not installed: pip install 'ddim-explorer[ray]'")
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(bool(why_unavailable()), reason=why_unavailable() or "available"),
]
long = pytest.mark.skipif("DDIM_NETWORK_TESTS" not in os.environ, reason="set DDIM_NETWORK_TESTS=1 to run it")
USERS, STEPS = 6, 60


@pytest.fixture(scope="module")
def network() -> Iterator[VirtualNetwork]:
    with virtual_network(3) as network:
        yield network


@pytest.fixture(scope="module")
def nodes(network) -> Iterator[RayNodes]:
    """A cluster of the first two machines that requires a token. The third one joins in some tests."""
    with ray_nodes(network, cpus=2, machines=2, token="0123456789abcdef" * 2) as nodes:  # for a replica and a sweep
        yield nodes


def serve(nodes: RayNodes, checkpoint: Path | str, *options: str, engine: str = "exact") -> Serving:
    return Serving(nodes, str(checkpoint), "--replicas", "2", "--engine", engine, *options)


@pytest.fixture(scope="module")
def serving(nodes, tiny_folder) -> Iterator[Serving]:
    """A replica on each of two machines."""
    serving = serve(nodes, tiny_folder)
    yield serving
    serving.stop()


def wait_until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "too late"
        time.sleep(0.05)


class Runs:
    """Runs of several users at once, and how long each of them paused."""

    def __init__(self, checkpoint: ex.Checkpoint, steps: int = STEPS) -> None:
        self.pauses, self.started = [0.0] * USERS, threading.Event()
        self._pool = ThreadPoolExecutor(USERS)
        self._futures = [self._pool.submit(self._run, checkpoint, user, steps) for user in range(USERS)]

    def _run(self, checkpoint: ex.Checkpoint, user: int, steps: int) -> torch.Tensor:
        x_t, last = ex.latent(checkpoint.shape, [user]), time.monotonic()
        for number, step in enumerate(ex.denoise(checkpoint, x_t, ex.Settings(steps))):
            x_t = step.x_prev
            self.pauses[user] = max(self.pauses[user], time.monotonic() - last)
            last = time.monotonic()
            if number == 5:
                self.started.set()
            time.sleep(0.02)
        return x_t

    def pictures(self) -> torch.Tensor:
        """The pictures of all users; raises if a run failed."""
        self.started.wait(60)
        return torch.cat([future.result() for future in self._futures])


def expected_pictures(checkpoint, steps=STEPS):
    return ex.sample(checkpoint, ex.latent(checkpoint.shape, range(USERS)), ex.Settings(steps))


def both_up(remote):
    client = remote.predict_noise._client
    return lambda: {endpoint.place.host for endpoint in client.up} == {e.place.host for e in client.endpoints}


def test_no_run_is_lost_when_the_link_of_a_machine_is_cut_and_it_is_used_again_afterwards(
    network, nodes, serving, tiny, tiny_folder
):
    address = serving.address()
    assert [m.address in address for m in network.machines] == [True, True, False]  # a replica on each machine
    remote = connect(f"ray://{nodes.head.address}:8000", str(tiny_folder))
    client = remote.predict_noise._client
    assert len(client.up) == 2  # the other one is announced
    runs = Runs(remote)
    runs.started.wait(60)
    network.set_link(network.machines[1], up=False)
    try:
        torch.testing.assert_close(runs.pictures(), expected_pictures(tiny), atol=1e-4, rtol=1e-4)
    finally:
        network.set_link(network.machines[1], up=True)
    assert max(runs.pauses) < 5  # Ray notices the loss of a machine later
    wait_until(lambda: len(client.up) == 2)


def test_a_distant_machine_with_losses_slows_nobody_down(network, serving, tiny_folder):
    remote = connect(serving.address(), str(tiny_folder))
    client = remote.predict_noise._client
    distant = network.machines[1]
    x = torch.zeros(2, *remote.shape)
    for t in range(1, 20):
        remote.predict_noise(x, t)
    network.set_link(distant, delay=0.05, loss=0.01)
    try:
        wait_until(lambda: remote.predict_noise(x, 1) is not None and distant.address not in hosts(client.split(2)))
        started = time.monotonic()
        for t in range(1, 21):
            remote.predict_noise(x, t)
        assert time.monotonic() - started < 20 * 0.1  # the time of the signal to the distant machine and back alone
    finally:
        network.set_link(distant, delay=0.0, loss=0.0)


def hosts(split):
    return {endpoint.place.host for endpoint, _ in split}


def test_an_address_of_one_machine_is_refused_with_the_machine_and_the_error(network, nodes, tiny_folder):
    refused = serve(nodes, tiny_folder, "--host", nodes.head.address, "--port", "8100", "--cpus", "0")
    message = refused.error()
    assert f"node {network.machines[1].address} (" in message
    assert f"cannot listen on {nodes.head.address}:8100 (Cannot assign requested address)" in message
    assert "leave --host out" in message


@long
def test_a_loopback_address_is_refused_where_other_machines_need_it(nodes, tiny_folder):
    message = serve(nodes, tiny_folder, "--host", "127.0.0.1", "--cpus", "0").error()
    assert "--host 127.0.0.1 cannot be reached from other machines, and the cluster has 2" in message


@long
@pytest.mark.parametrize("command", ["serve-network", "evaluate"])
def test_without_the_token_of_the_cluster_the_message_names_it(nodes, with_examples, command):
    process = nodes.popen(
        nodes.head, ["-m", "explorer", command, str(with_examples), "--ray", nodes.head_address], token=False
    )
    message = process.communicate(timeout=120)[0]
    assert process.returncode == 2
    assert "requires Ray's authentication token" in message
    assert "RAY_AUTH_MODE=token" in message
    assert message.count("\n") <= 2  # and nothing else


@long
@pytest.mark.parametrize("what", ["other weights", "no checkpoint"])
def test_a_machine_that_is_not_alike_is_refused_by_name(network, nodes, tiny_folder, tmp_path, what):
    odd = network.machines[2]
    if what == "other weights":
        other = Path(shutil.copytree(tiny_folder, tmp_path / "other"))
        path = other / "unet" / "diffusion_pytorch_model.safetensors"
        path.write_bytes(path.read_bytes()[:-1] + b"\x01")
        mount = f"mount --bind {other} {tiny_folder}"
    else:
        mount = f"mount -t tmpfs none {tiny_folder}"
    try:
        nodes.start(odd, prepare=mount)
        message = serve(nodes, tiny_folder, "--cpus", "0", "--port", "8200", "--replicas", "3").error()
    finally:
        odd.kill()
    assert f"node {odd.address} (" in message
    assert ("weights" in message and "instead of" in message) if what == "other weights" else "model_index" in message


@long
def test_different_engines_are_stated_and_exact_makes_the_pictures_equal(network, nodes, tmp_path):
    """The third machine says that its processor has no AVX-512 and no AMX, and its libraries do not use them."""
    odd, name = network.machines[2], "fashion-mnist-32"
    processor = tmp_path / "cpuinfo"
    processor.write_text(re.sub(r" (amx|avx512)\w*", "", Path("/proc/cpuinfo").read_text()))
    limits = {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2", "DDIM_EXPLORER_CACHE": str(tmp_path)}
    options = ("--cpus", "0", "--replicas", "3", "--port")
    nodes.start(odd, limits, prepare=f"mount --bind {processor} /proc/cpuinfo")
    try:
        serving = serve(nodes, name, *options, "8300", engine="auto")
        serving.address()
        if len(engines(serving)) > 1:  # otherwise this machine itself has no AMX
            wait_until(lambda: "/255 on average" in serving.printed)
            assert "with --engine exact they are equal" in serving.printed
        serving.stop()
        serving = serve(nodes, name, *options, "8400")
        places = serving.address().removeprefix("ray://").split(",")
        pictures = []
        for place in places:
            alone = connect(f"ray://{place}", name, discover=False)
            pictures.append(to_uint8(ex.sample(alone, ex.latent(alone.shape, range(2)), ex.Settings(10))))
        assert len(pictures) == 3
        assert all(np.array_equal(other, pictures[0]) for other in pictures[1:])
        serving.stop()
    finally:
        odd.kill()


def engines(serving):
    return re.findall(r"\d+ × ([^,:]+)", serving.printed)


@long
def test_no_run_is_lost_when_a_machine_loses_its_power_and_it_is_used_again_afterwards(
    network, nodes, serving, tiny, tiny_folder
):
    remote = connect(serving.address(), str(tiny_folder))
    runs = Runs(remote)
    runs.started.wait(60)
    network.machines[1].kill()
    torch.testing.assert_close(runs.pictures(), expected_pictures(tiny), atol=1e-4, rtol=1e-4)
    nodes.start(network.machines[1])
    wait_until(lambda: len(remote.predict_noise._client.up) == 2)


# Sweeps


@pytest.fixture(scope="module")
def local_table(with_examples, tmp_path_factory) -> dict:
    """The table of the same sweep on one machine."""
    folder = Path(shutil.copytree(with_examples, tmp_path_factory.mktemp("local") / "tiny"))
    assert evaluate([str(folder), *SWEEP]) == 0
    return without_timings(folder)


@long
def test_a_sweep_on_two_machines_has_the_same_digits_when_one_is_cut_off_and_comes_back(
    network, nodes, with_examples, local_table, tmp_path
):
    folder = Path(shutil.copytree(with_examples, tmp_path / "tiny"))
    sweep = nodes.popen(nodes.head, ["-m", "explorer", "evaluate", str(folder), *SWEEP, "--ray", nodes.head_address])
    wait_for_another_chunk(folder, saved_chunks(folder))
    assert sweep.poll() is None
    network.set_link(network.machines[1], up=False)
    try:
        time.sleep(20)
    finally:
        network.set_link(network.machines[1], up=True)
    printed = sweep.communicate(timeout=240)[0]
    assert sweep.returncode == 0, printed
    assert without_timings(folder) == local_table
    assert {"frechet", "reconstruction"} <= local_table.keys()


@long
def test_a_sweep_has_the_same_digits_when_the_head_restarts_and_the_command_is_started_again(
    network, nodes, with_examples, local_table, tmp_path
):
    """The last test: it ends what the head runs."""
    folder = Path(shutil.copytree(with_examples, tmp_path / "tiny"))
    command = ["-m", "explorer", "evaluate", str(folder), *SWEEP, "--ray", nodes.head_address]
    sweep = nodes.popen(nodes.head, command)
    wait_for_another_chunk(folder, saved_chunks(folder))
    assert sweep.poll() is None
    nodes.head.kill()
    sweep.wait(60)
    nodes.start(nodes.head)
    sweep = nodes.popen(nodes.head, command)
    printed = sweep.communicate(timeout=240)[0]
    assert sweep.returncode == 0, printed
    assert without_timings(folder) == local_table
