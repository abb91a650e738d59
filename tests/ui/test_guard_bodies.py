"""What the body of a request may hold."""

from __future__ import annotations

import json
import os

import pytest

from explorer.ui.security.json_body import MAX_DEPTH, BadBody, check_json
from explorer.ui.security.routes import PICTURE_BODY, SMALL_BODY

API = "/gradio_api"


def test_recordings_and_uploads_leave_no_file(user, guarded):
    def files():
        return sorted(os.listdir(guarded.GRADIO_CACHE)) if os.path.isdir(guarded.GRADIO_CACHE) else []

    before = files()
    for path in (f"{API}/process_recording", f"{API}/upload"):
        for field in ("video", "files", "file", "wrong"):
            assert user.post(path, files={field: ("a.webm", b"x" * 100_000)}).status_code == 404
    assert files() == before


@pytest.mark.parametrize("path", ["queue/join", "run/predict", "call/steps", "call/v2/steps", "api/predict"])
def test_a_request_without_a_picture_is_small(user, path):
    answer = user.post(f"{API}/{path}", json={"data": ["x" * SMALL_BODY], "session_hash": "a"})
    assert answer.status_code == 413


def test_a_request_with_a_picture_has_little_else():
    picture = "A" * (PICTURE_BODY // 2)
    check_json(json.dumps({"data": [picture], "fn_name": "receive_picture", "session_hash": "a"}).encode())
    for junk in ([picture, picture[: SMALL_BODY + 1]], [picture, ["x"] * SMALL_BODY], [picture, "x," * SMALL_BODY]):
        with pytest.raises(BadBody, match="one picture"):
            check_json(json.dumps({"data": junk}).encode())


@pytest.mark.parametrize("session", ["", "a" * 65, "a b", "../x", 7, ["a"], {"a": 1}, "ä"])
def test_a_session_is_named_by_a_short_word(user, session):
    for path in (f"{API}/queue/join", f"{API}/run/predict", f"{API}/component_server"):
        answer = user.post(path, json={"data": [], "session_hash": session})
        assert answer.status_code == 400
        assert "session_hash" in answer.text
    if isinstance(session, str) and session:
        assert user.get(f"{API}/queue/data", params={"session_hash": session}).status_code == 404
        assert user.get(f"{API}/heartbeat/{session}").status_code == 404


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "object"),
        (b"\xff", "JSON"),
        (b'{"data": ' + b"[" * 30_000 + b"]" * 30_000 + b"}", "JSON|nested"),
        (b'{"data": ' + b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1) + b"}", "nested"),
    ],
)
def test_a_body_that_is_no_flat_json_object_is_refused(body, message):
    with pytest.raises(BadBody, match=message):
        check_json(body)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x", "https://example.org/x", "ftp://x/y", "data:text/plain,x"])
def test_the_server_fetches_no_url_for_others(user, url):
    file = {"path": url, "meta": {"_type": "gradio.FileData"}}
    for data in ([file], [{"a": [file]}]):
        answer = user.post(f"{API}/run/predict", json={"data": data, "session_hash": "a"})
        assert (answer.status_code, "URL" in answer.text) == (400, True)
    if ":/" in url:
        assert user.get(f"{API}/file={url}").status_code == 404


def test_only_json_changes_anything(user):
    body = json.dumps({"data": [{"text": "x"}], "fn_name": "open_checkpoint", "session_hash": "a"})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        answer = user.post(f"{API}/component_server", content=body, headers={"content-type": kind})
        assert answer.status_code == 415
