"""The app's HTTP interface and its command line, without a browser."""

import socket
import subprocess
import sys

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

import explorer as ex


@pytest.fixture(scope="module")
def client(app_url):
    return Client(app_url, verbose=False)


def test_the_steps_endpoint_returns_the_numbers_of_every_step(client):
    rows = client.predict(seed=5, steps=10, eta=0.5, api_name="/steps")
    assert [(row["t"], row["t_prev"]) for row in rows] == ex.jumps(ex.timesteps(1000, 10))
    c = ex.Schedule.linear().coefficients(600, 500, 0.5)
    row = next(row for row in rows if row["t"] == 600)
    assert row["noise"] == pytest.approx(c.noise)
    assert row["term_noise"] == pytest.approx(c.noise * row["z"], rel=1e-5)
    assert all(row["sum_residual"] < 1e-6 for row in rows)


def test_a_short_run_does_not_wait_for_the_end_of_a_long_one(client):
    long = client.submit(steps=200, api_name="/steps")
    assert len(client.predict(steps=2, api_name="/steps")) == 2
    assert not long.done()
    assert len(long.result()) == 200


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ({"steps": 0}, "from 1 to 1000"),
        ({"steps": 10**30}, "from 1 to 1000"),
        ({"steps": "many"}, "from 1 to 1000"),
        ({"eta": 7}, "from 0 to 1"),
        ({"eta": -1}, "from 0 to 1"),
        ({"eta": "<b>"}, "from 0 to 1"),
        ({"seed": -1}, "from 0 to"),
        ({"noise_seed": 2**64}, "from 0 to"),
        ({"spacing": "zigzag"}, "linear, quadratic, leading"),
        ({"variance": "huge"}, "eta, large"),
        ({"clip": "yes"}, "True or False"),
        ({"checkpoint": "../../etc"}, "faces-64"),
    ],
)
def test_a_bad_field_is_refused_with_the_allowed_range(client, bad, expected):
    with pytest.raises((AppError, ValueError), match=expected):
        client.predict(**bad, api_name="/steps")
    assert len(client.predict(steps=2, api_name="/steps")) == 2  # and the next call works


def run_app(root, *arguments):
    return subprocess.run(
        [sys.executable, "app.py", *arguments], cwd=root, capture_output=True, text=True, timeout=120, check=False
    )


def test_an_unknown_checkpoint_ends_with_one_line_and_code_2(root):
    ended = run_app(root, "--checkpoint", "no-such")
    assert ended.returncode == 2
    assert "faces-64" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_taken_port_ends_with_one_line_and_code_2(root):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run_app(root, "--port", str(port))
    assert ended.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_an_impossible_port_ends_with_code_2(root):
    ended = run_app(root, "--port", "99999")
    assert ended.returncode == 2
    assert "65535" in ended.stderr
