"""Requests that name no function of the app, or give it too little, are answered with 4xx and leave no traceback."""

from __future__ import annotations

import httpx
import pytest
from tab_values import TOY

from explorer.ui.app import build, launch_options

API = "/gradio_api"


@pytest.fixture(scope="module")
def client():
    demo = build({"toy": TOY})
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", **launch_options())
    with httpx.Client(base_url=url, timeout=60) as client:
        client.demo = demo
        yield client
    demo.close()


@pytest.fixture
def no_traceback(client, capfd):
    yield
    client.get("config").raise_for_status()  # the server has gone on
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.usefixtures("no_traceback")
@pytest.mark.parametrize("number", [-1, 10**6, 2**70, True, "0", "steps", [0], {}, 0.5, None])
def test_a_function_that_does_not_exist_is_not_found(client, number):
    body = {"data": [{}], "fn_index": number, "session_hash": "a"}
    for path in ("queue/join", "run/nothing", "api/nothing"):
        assert client.post(f"{API}/{path}", json=body).status_code == 404, path


@pytest.mark.usefixtures("no_traceback")
def test_a_function_of_the_browser_alone_is_not_found(client):
    numbers = [number for number, function in client.demo.fns.items() if function.fn is None]
    assert numbers
    for number in numbers:
        body = {"data": [], "fn_index": number, "session_hash": "a"}
        for path in ("queue/join", "run/nothing", f"run/{client.demo.fns[number].api_name}"):
            assert client.post(f"{API}/{path}", json=body).status_code == 404, path


@pytest.mark.usefixtures("no_traceback")
def test_an_endpoint_that_does_not_exist_is_not_found(client):
    for path in ("call/nothing", "call/v2/nothing", "run/nothing", "api/nothing"):
        assert client.post(f"{API}/{path}", json={"data": []}).status_code == 404, path


@pytest.mark.usefixtures("no_traceback")
@pytest.mark.parametrize("data", [[], None, {}, "x", 7, ["toy"]])
def test_a_call_with_too_few_values_is_told_how_many_there_are(client, data):
    answer = client.post(f"{API}/call/steps", json={"data": data})
    assert (answer.status_code, answer.text) == (422, "data must be a list with 8 values.")
    run = next(i for i, f in client.demo.fns.items() if f.name == "run")
    if data != ["toy"]:
        assert client.post(f"{API}/queue/join", json={"data": data, "fn_index": run}).status_code == 422
    assert client.post(f"{API}/call/steps", json={}).status_code == 422


@pytest.mark.usefixtures("no_traceback")
def test_a_call_by_names_takes_the_names_of_the_endpoint(client):
    for body in ({"step": 5}, {"session_hash": "a"}, {"": 1}):
        answer = client.post(f"{API}/call/v2/steps", json=body)
        assert (answer.status_code, "noise_seed" in answer.text) == (400, True)
    started = client.post(f"{API}/call/v2/steps", json={"steps": 2})
    with client.stream("GET", f"{API}/call/v2/steps/{started.json()['event_id']}") as answer:
        assert "event: complete" in "".join(answer.iter_text())


@pytest.mark.usefixtures("no_traceback")
def test_no_function_takes_batches(client):
    run = next(i for i, f in client.demo.fns.items() if f.name == "run")
    body = {"data": [{}], "fn_index": run, "session_hash": "a", "batched": True}
    assert client.post(f"{API}/queue/join", json=body).status_code == 400


@pytest.mark.usefixtures("no_traceback")
@pytest.mark.parametrize("number", [-1, 10**6, True, "1", [1], {}, None])
def test_a_component_that_does_not_exist_is_not_found(client, number):
    body = {"data": [], "fn_name": "open_checkpoint", "component_id": number, "session_hash": "a"}
    assert client.post(f"{API}/component_server", json=body).status_code == 404


@pytest.mark.usefixtures("no_traceback")
@pytest.mark.parametrize("name", ["nothing", "__class__", "postprocess", "", "\0", 7, ["a"], {}, None])
def test_a_function_of_a_component_that_the_page_must_not_call_is_not_found(client, name):
    for number in client.demo.blocks:
        body = {"data": [], "fn_name": name, "component_id": number, "session_hash": "a"}
        assert client.post(f"{API}/component_server", json=body).status_code == 404


def test_a_call_of_a_component_needs_data_and_a_session(client):
    controls = next(i for i, block in client.demo.blocks.items() if getattr(block, "elem_id", "") == "controls")
    body = {"fn_name": "open_checkpoint", "component_id": controls}
    answer = client.post(f"{API}/component_server", json=body)
    assert (answer.status_code, answer.text) == (400, "Expected data and session_hash.")


@pytest.mark.usefixtures("no_traceback")
def test_results_that_do_not_exist_are_not_found(client):
    answer = client.get(f"{API}/queue/data", params={"session_hash": "nobody"})
    assert (answer.headers["content-type"].split(";")[0], '"session_not_found":true' in answer.text) == (
        "text/event-stream",
        True,
    )
    assert client.get(f"{API}/call/steps/{'0' * 32}").text == 'event: error\ndata: "404: Not Found"\n\n'
