"""Replicas of the network, and calls to them when they are slow, silent or gone. Without Ray."""

from __future__ import annotations

import asyncio
import itertools
import logging
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
import torch
from faulty_link import FaultyLink
from hypothesis import given
from hypothesis import strategies as st

import explorer as ex
from explorer.cluster import addresses, hedged_call, replica_client
from explorer.cluster.addresses import NetworkAddress, Place
from explorer.cluster.call_batcher import CallBatcher
from explorer.cluster.latency import Latency, split_rows
from explorer.cluster.placement import node_for_next, node_to_relieve
from explorer.cluster.remote_network import connect
from explorer.cluster.replica import MAX_ROWS_OF_CALL, Replica, ServedNetwork, listen
from explorer.cluster.replica_client import ReplicaClient
from explorer.cluster.wire_format import Call, ReplicaInfo, identity
from explorer.networks.network import NetworkLost
from explorer.support.ports import free_port

pytestmark = pytest.mark.slow

SHAPE, T = (3, 8, 8), 1000
CONFIG = Path(replica_client.__file__).with_name("nginx-replicas.conf")


# The wire format


@pytest.mark.parametrize(("wire", "tolerance"), [("float32", 0), ("half", 2e-3)])
def test_a_call_arrives_as_it_was_sent(wire, tolerance):
    x = torch.randn(3, *SHAPE, generator=torch.Generator().manual_seed(0))
    sent = Call(x, torch.tensor([0, 7, 999]), "abc", True, False, wire)
    received = Call.unpack(sent.pack(), SHAPE, T)
    assert (received.weights, received.exact, received.unshared, received.wire) == ("abc", True, False, wire)
    assert received.labels.tolist() == [0, 7, 999]
    assert float((received.x - x).abs().max()) <= tolerance


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
def test_an_invalid_call_is_refused_with_what_was_expected(data):
    with pytest.raises(ValueError, match="expected"):
        Call.unpack(data, SHAPE, T)


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"checkpoint": "a", "identity": {}, "engine": "", "rows": 8}'])
def test_what_is_not_a_replica_is_refused(data):
    with pytest.raises(ValueError, match="expected the description of a replica"):
        ReplicaInfo.from_json(data)


# Addresses


def test_an_address_may_have_several_places_and_tls():
    address = NetworkAddress.parse("rays://a.example.org:8443,[2001:db8::1]:9000")
    assert address.places == (Place("a.example.org", 8443), Place("2001:db8::1", 9000))
    assert address.tls
    assert str(NetworkAddress.of(address.places, tls=True)) == str(address)


@pytest.mark.parametrize(
    "address", ["http://a:1", "ray://", "ray://host", "ray://:80", "ray://host:99999", "ray://a:1,"]
)
def test_an_invalid_address_is_refused(address):
    with pytest.raises(ValueError, match="--network must be ray or ray://HOST:PORT, not"):
        ReplicaClient(address)


def test_if_nothing_listens_the_message_says_how_to_start_a_network():
    with pytest.raises(ValueError, match=r"no network answers at ray://127\.0\.0\.1:9 .*serve-network CHECKPOINT"):
        connect("ray://127.0.0.1:9")


def test_replicas_of_a_machine_listen_on_successive_ports_of_its_own_addresses():
    with listen("127.0.0.1", free_port()) as first:
        port = first.getsockname()[1]
        with listen("127.0.0.1", port) as second:
            assert second.getsockname()[1] > port
    with pytest.raises(ValueError, match=r"cannot listen on 192\.0\.2\.77:8000 \(Cannot assign requested address\)"):
        listen("192.0.2.77", 8000)  # an address for documentation, RFC 5737


# Latencies


def test_the_usual_time_of_a_call_is_learned():
    latency = Latency()
    for _ in range(20):
        latency.add_request(0.004)
        for rows in (1, 2, 8):
            latency.add_call(rows, 0.004 + 0.01 * rows)
    assert latency.expected(4) == pytest.approx(0.044, rel=0.01)
    assert latency.cautious(4) == pytest.approx(0.044, rel=0.01)  # nothing deviates
    latency.add_call(1, 1.0)
    assert latency.cautious(4) > 5 * latency.expected(4) / 4


@given(
    st.integers(1, 7),
    st.lists(st.tuples(st.floats(0, 0.3), st.floats(0.001, 0.1), st.integers(0, 5)), min_size=1, max_size=3),
)
def test_the_rows_of_a_call_are_split_so_that_the_last_one_is_ready_first(rows, replicas):
    """Compared with all possible ways to split them."""
    latencies = [Latency(per_request, per_row) for per_request, per_row, _ in replicas]
    outstanding = [busy for *_, busy in replicas]

    def ready(shares):
        used = [i for i, share in enumerate(shares) if share]
        return max(latencies[i].expected(outstanding[i] + shares[i]) for i in used)

    shares = split_rows(rows, latencies, outstanding)
    assert sum(shares) == rows
    ways = itertools.product(range(rows + 1), repeat=len(replicas))
    assert ready(shares) == pytest.approx(min(ready(way) for way in ways if sum(way) == rows))


# Batches


def test_calls_that_arrive_while_another_one_is_computed_are_batched():
    batches, started, go = [], threading.Event(), threading.Event()

    def compute(calls):
        batches.append([len(call.x) for call in calls])
        started.set()
        go.wait(10)
        if any(int(call.labels[0]) == 13 for call in calls):
            raise ValueError("unlucky")
        return [2 * call.x for call in calls]

    async def arrive():
        batcher = CallBatcher(compute, max_rows=4)
        calls = [Call(torch.full((rows, 1), float(rows)), torch.tensor([label])) for rows, label in SENT]
        tasks = [asyncio.create_task(batcher.output(calls[0]))]
        await asyncio.to_thread(started.wait, 10)
        tasks += [asyncio.create_task(batcher.output(call)) for call in calls[1:]]
        await asyncio.sleep(0)
        go.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    SENT = [(1, 0), (2, 0), (2, 0), (3, 0), (2, 13), (9, 0)]
    outputs = asyncio.run(arrive())
    assert batches == [[1], [2, 2], [3], [2], [9]]
    assert str(outputs[4]) == "unlucky"
    assert [float(output[0]) for i, output in enumerate(outputs) if i != 4] == [2, 4, 4, 6, 18]


# Placement


def test_replicas_are_spread_over_the_machines_with_room():
    room, counts = {"a": 4, "b": 2, "c": 0}, {}
    order = []
    while (node := node_for_next(counts, room)) is not None:
        counts[node] = counts.get(node, 0) + 1
        order.append(node)
    assert "".join(order) == "ababaa"


def test_a_replica_moves_to_a_machine_that_has_joined():
    assert node_to_relieve({"a": 2}, {"a": 2}) is None
    assert node_to_relieve({"a": 2}, {"a": 2, "b": 1}) == "a"
    assert node_to_relieve({"a": 1, "b": 1}, {"a": 2, "b": 2}) is None
    assert node_to_relieve({"a": 2, "b": 1}, {"a": 2, "b": 2}) is None  # it would be as uneven the other way round


# Replicas in this process


@pytest.fixture
def start(tiny_folder):
    """``start(folder, **options)`` starts a replica and returns its link."""
    replicas, links = [], []

    def start_replica(folder=tiny_folder, replicas_served=2, **options):
        replica = Replica()
        served = ServedNetwork(str(folder), "cpu", "exact", replicas_served, **options)
        _, port = replica.start(served, "127.0.0.1", free_port())
        replicas.append(replica)
        links.append(FaultyLink(port))
        return links[-1]

    yield start_replica
    for link in links:
        link.is_silent = False
        link.close()
    for replica in replicas:
        replica.stop()


@pytest.fixture
def pair(start, monkeypatch):
    """The links of two replicas, and the shortest times that the tests can use."""
    monkeypatch.setattr(replica_client, "PROBE_INTERVAL", 0.1)
    monkeypatch.setattr(hedged_call, "PATIENCE_UNKNOWN", 0.2)
    monkeypatch.setattr(replica_client, "PROBE_TIMEOUT", 0.3)
    monkeypatch.setattr(replica_client, "MEASURE_INTERVAL", 0.3)
    return start(), start()


def address_of(*links):
    return "ray://" + ",".join(map(str, links))


def wait_until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "too late"
        time.sleep(0.01)


def timed(function, *arguments):
    started = time.monotonic()
    result = function(*arguments)
    return result, time.monotonic() - started


def client_of(checkpoint):
    return checkpoint.predict_noise._client


def test_a_run_goes_on_while_a_replica_is_silent_and_uses_it_again_afterwards(pair, tiny, tiny_folder):
    remote = connect(address_of(*pair), str(tiny_folder))
    x_T, settings = ex.latent(tiny.shape, range(6)), ex.Settings(steps=40, eta=0.5)
    expected = ex.sample(tiny, x_T, settings)
    pauses, last = [], time.monotonic()
    for number, step in enumerate(  # noqa: B007
        ex.denoise(remote, x_T, settings)
    ):
        pair[0].is_silent = 10 <= number < 30
        pauses.append(time.monotonic() - last)
        last = time.monotonic()
    torch.testing.assert_close(step.x_prev, expected, atol=1e-4, rtol=1e-4)
    assert max(pauses) < 1.5  # far below the time after which a connection or a node is given up
    wait_until(lambda: len(client_of(remote).up) == 2)


def test_a_slow_replica_slows_nobody_down_and_gets_calls_again_when_it_is_quick(pair, tiny, tiny_folder):
    remote = connect(address_of(*pair), str(tiny_folder))
    slow, client, x = pair[0], client_of(remote), ex.latent(tiny.shape, range(8))

    def shares():
        remote.predict_noise(x, 500)
        return {endpoint.place.port: rows for endpoint, rows in client.split(8)}

    slow.delay = 0.3
    wait_until(lambda: slow.port not in shares())
    _, seconds = timed(remote.predict_noise, x, 500)
    assert seconds < 0.3
    slow.delay = 0.0
    wait_until(lambda: slow.port in shares(), 30)


def test_concurrent_calls_use_all_replicas(pair, tiny, tiny_folder):
    client = client_of(connect(address_of(*pair), str(tiny_folder)))
    for link in pair:
        link.delay = 0.05
    client.send_all([(Call(torch.zeros(1, *SHAPE), torch.tensor([1]), client.info.identity["weights"]), None)] * 4)
    before = {endpoint.place.port: endpoint.outstanding for endpoint in client.endpoints}
    assert set(before.values()) == {0}
    busiest = client.endpoints[0]
    busiest.begin(100)
    assert {endpoint.place.port for endpoint, _ in client.split(4)} == {client.endpoints[1].place.port}
    busiest.end(100)


def test_a_run_fails_only_if_no_replica_has_answered_for_the_limit(pair, tiny_folder, monkeypatch):
    monkeypatch.setattr(replica_client, "NO_ANSWER_LIMIT", 1.0)
    remote = connect(address_of(*pair), str(tiny_folder))
    x = torch.zeros(1, *SHAPE)
    for link in pair:
        link.is_silent = True
    started = time.monotonic()
    with pytest.raises(NetworkLost, match="No replica of the network answers at ray://"):
        remote.predict_noise(x, 1)
    assert 1.0 <= time.monotonic() - started < 4
    with pytest.raises(NetworkLost):  # the next ones fail at once
        assert timed(remote.predict_noise, x, 1)[1] < 0.1
    pair[1].is_silent = False
    wait_until(lambda: client_of(remote).up)
    remote.predict_noise(x, 1)


def test_while_a_replica_is_alive_no_call_fails_however_long_another_one_is_silent(
    pair, tiny, tiny_folder, monkeypatch
):
    monkeypatch.setattr(replica_client, "NO_ANSWER_LIMIT", 0.5)
    monkeypatch.setattr(hedged_call, "MIN_PATIENCE", 0.05)
    remote = connect(address_of(*pair), str(tiny_folder))
    pair[0].is_silent = True
    deadline = time.monotonic() + 2
    while time.monotonic() < deadline:
        remote.predict_noise(torch.zeros(2, *SHAPE), 500)


def test_an_answer_that_ends_early_is_not_taken_for_a_whole_one(pair, tiny, tiny_folder):
    remote = connect(address_of(*pair), str(tiny_folder))
    x_T = ex.latent(tiny.shape, range(4))
    for link in pair:
        link.cut_after = 300  # bytes: within the first row of the answer
        torch.testing.assert_close(remote.predict_noise(x_T, 9), tiny.predict_noise(x_T, 9), atol=1e-4, rtol=1e-4)
        link.cut_after = None


def test_replicas_that_another_one_announces_are_used(start, tiny_folder):
    one, other = start(), start()
    replica_info = ReplicaClient(f"ray://127.0.0.1:{one.target}").info
    assert replica_info.peers == ()
    with_peers = Replica()
    served = ServedNetwork(str(tiny_folder), "cpu", "exact", 2)
    _, port = with_peers.start(served, "127.0.0.1", free_port())
    with_peers.set_peers([Place("127.0.0.1", port), Place("127.0.0.1", other.target)])
    client = ReplicaClient(f"ray://localhost:{port}")
    assert sorted(
        endpoint.place for endpoint in client.up
    ) == sorted(  # a loopback address is that of the one that says it
        [Place("localhost", port), Place("localhost", other.target)]
    )
    assert len(ReplicaClient(f"ray://localhost:{port}", discover=False).up) == 1
    with_peers.stop()


def test_a_replica_with_other_weights_is_named_and_not_used(start, tiny_folder, tmp_path, caplog):
    folder = Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))
    path = folder / "unet" / "diffusion_pytorch_model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    same, other = start(), start(folder)
    with caplog.at_level(logging.WARNING):
        client = ReplicaClient(address_of(same, other))
    assert [endpoint.place.port for endpoint in client.up] == [same.port]
    assert f"{other} serves other weights than ray://" in caplog.text
    with pytest.raises(NetworkLost, match="now serves another checkpoint"):
        client.send(Call(torch.zeros(1, *SHAPE), torch.tensor([1]), "third weights"))


def test_a_machine_with_other_weights_or_without_the_checkpoint_refuses_to_serve(tiny, tiny_folder, tmp_path):
    expected = identity(tiny) | {"weights": "0123"}
    with pytest.raises(ValueError, match=r"it has another checkpoint tiny: weights \w+ instead of 0123"):
        Replica().start(ServedNetwork(str(tiny_folder), "cpu", "exact", identity=expected), "127.0.0.1", free_port())
    with pytest.raises(ValueError, match="gone"):
        Replica().start(ServedNetwork(str(tmp_path / "gone"), "cpu", "exact"), "127.0.0.1", free_port())


def test_invalid_calls_are_refused_with_the_reason(start, tiny):
    client = ReplicaClient(address_of(start()))
    weights = client.info.identity["weights"]
    with pytest.raises(ValueError, match="expected labels from 0 to 999"):
        client.send(Call(torch.zeros(1, *SHAPE), torch.tensor([1000]), weights))
    rows = 10 * MAX_ROWS_OF_CALL
    with pytest.raises(ValueError, match=f"at most {MAX_ROWS_OF_CALL} rows"):
        client.send(Call(torch.zeros(rows, *SHAPE), torch.ones(rows, dtype=torch.long), weights))
    client.send(Call(torch.zeros(1, *SHAPE), torch.tensor([1]), weights))


def test_a_token_is_required_if_the_replicas_have_one(start, monkeypatch):
    link = start(token="secret")
    for wrong in ("", "other"):
        monkeypatch.setenv(addresses.TOKEN_VARIABLE, wrong)
        with pytest.raises(ValueError, match="requires a token: set DDIM_NETWORK_TOKEN"):
            ReplicaClient(address_of(link))
    monkeypatch.setenv(addresses.TOKEN_VARIABLE, "secret")
    assert ReplicaClient(address_of(link)).info.replicas == 2


def test_nginx_encrypts_the_calls_as_its_configuration_says(start, tiny, tiny_folder, tmp_path, monkeypatch):
    nginx, openssl = (
        shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin") for name in ("nginx", "openssl")
    )
    if not nginx or not openssl:
        pytest.skip("nginx or openssl is not installed")
    tmp_path.chmod(0o755)
    link, port = start(token="secret"), free_port()
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")]
    new = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run([*new, *subject, *files], check=True, capture_output=True)
    text = (
        CONFIG.read_text()
        .replace("127.0.0.1:8000 ", f"127.0.0.1:{link.target} ")
        .replace("8443 ssl", f"127.0.0.1:{port} ssl")
    )
    text = text.replace("/etc/ssl/certs/replicas.pem", files[3]).replace("/etc/ssl/private/replicas.key", files[1])
    folders = "".join(
        f"{name}_temp_path {tmp_path / name};\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(text.replace("http {", f"http {{\n{folders}access_log off;\n", 1))
    options = ["-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "error.log")]
    process = subprocess.Popen([nginx, *options, "-g", f"daemon off; pid {tmp_path / 'pid'};"])
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        monkeypatch.setenv(addresses.TOKEN_VARIABLE, "secret")
        with pytest.raises(ValueError, match="certificate verify failed"):
            ReplicaClient(f"rays://127.0.0.1:{port}")
        monkeypatch.setenv("SSL_CERT_FILE", files[3])
        remote = connect(f"rays://127.0.0.1:{port}", str(tiny_folder))
        x_T = ex.latent(tiny.shape, range(3))
        torch.testing.assert_close(remote.predict_noise(x_T, 9), tiny.predict_noise(x_T, 9), atol=1e-4, rtol=1e-4)
    finally:
        process.terminate()
        process.wait()
