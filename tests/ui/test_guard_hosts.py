"""Requests of other sites and for other hosts are refused."""

from __future__ import annotations

import pytest

from explorer.ui.security.hosts import AllowedHosts, name_of

API = "/gradio_api"


def test_requests_of_other_pages_are_refused(user, guarded):
    own = guarded.local_url.rstrip("/")
    body = {"data": [], "session_hash": "a"}
    for origin in ("https://evil.example", "null", own.replace("127.0.0.1", "127.0.0.2"), own + "1"):
        assert user.post(f"{API}/queue/join", json=body, headers={"origin": origin}).status_code == 403
    answer = user.post(f"{API}/queue/join", json=body, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    answer = user.post(f"{API}/queue/join", json=body, headers={"origin": own, "sec-fetch-site": "same-origin"})
    assert answer.status_code != 403


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "", "localhost.evil.example", "[::1"])
def test_a_foreign_host_name_is_refused(stranger, name):
    assert stranger.get("", headers={"host": name}).status_code in (400, 403)


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("localhost:7860", True),
        ("LOCALHOST", True),
        ("127.0.0.1:1", True),
        ("[::1]:7860", True),
        ("192.168.0.7", True),
        ("ddim.example.org:443", True),
        ("a.school.example", True),
        ("a.b.school.example", False),
        ("school.example", False),
        ("example.org", False),
        ("evil", False),
    ],
)
def test_names_must_be_announced_and_addresses_need_not_be(host, is_allowed):
    assert (name_of(host) in AllowedHosts(["ddim.example.org", "*.School.example"])) == is_allowed


def test_a_proxy_that_is_not_announced_is_not_believed(user):
    answer = user.get("config", headers={"x-forwarded-host": "evil.example", "forwarded": "host=evil.example"})
    assert answer.status_code == 200
    assert "evil.example" not in answer.text
