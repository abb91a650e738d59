"""Logins: the cookie, and how long wrong passwords must wait."""

from __future__ import annotations

import time

from explorer.ui.security.login_throttle import LoginThrottle


def test_the_cookie_of_a_login_is_not_sent_by_other_sites(stranger):
    answer = stranger.post("login", data={"username": "teacher", "password": "secret"})
    cookies = answer.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "samesite=lax" in cookie.lower()
        assert "samesite=none" not in cookie.lower()


def test_wrong_passwords_must_wait(stranger):
    answers = [stranger.post("login", data={"username": f"u{i}", "password": "no"}) for i in range(6)]
    assert [answer.status_code for answer in answers[:2]] == [400, 400]
    assert {answer.status_code for answer in answers[3:]} == {429}
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Try again in" in answers[-1].json()["detail"]
    deadline = time.monotonic() + 20
    while (answer := stranger.post("login", data={"username": "teacher", "password": "secret"})).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert answer.status_code == 200


def test_the_delay_doubles_per_address_and_is_short_for_a_user():
    now = [0.0]
    throttle = LoginThrottle(clock=lambda: now[0])
    delays = []
    for _ in range(8):
        throttle.failed("1.2.3.4", "teacher")
        delays.append(throttle.delay("1.2.3.4", "x"))
    assert delays == [0, 1, 2, 4, 8, 16, 32, 64]
    assert throttle.delay("5.6.7.8", "teacher") == 10
    assert throttle.delay("5.6.7.8", "somebody") == 0
    now[0] = 11
    assert throttle.delay("5.6.7.8", "teacher") <= 0
    throttle.succeeded("1.2.3.4", "teacher")
    assert throttle.delay("1.2.3.4", "teacher") == 0
