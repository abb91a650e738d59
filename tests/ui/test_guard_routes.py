"""Which routes of Gradio's server are open, and to whom."""

from __future__ import annotations

import pytest

from explorer.ui.security.routes import ALLOWED, MCP_ROUTES, REFUSED, RELOAD_ROUTES


def registered(routes, prefix=""):
    """The paths of all routes of a FastAPI app, those of included routers and mounted apps as well."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from registered(route.original_router.routes, prefix + route.include_context.prefix)
        elif hasattr(route, "path"):
            yield prefix + route.path, tuple(sorted(getattr(route, "methods", None) or ()))


def test_every_route_of_the_installed_gradio_is_allowed_or_refused_by_name(guarded):
    known = {route.path for route in (*ALLOWED, *MCP_ROUTES, *RELOAD_ROUTES)} | set(REFUSED)
    found = {path.rstrip("/") or "/" for path, _ in registered(guarded.app.routes)}
    assert len(found) > 40
    assert found - known == set()


def test_every_method_of_an_allowed_route_is_listed(guarded):
    listed = {route.path: set(route.methods.split()) for route in ALLOWED}
    for path, methods in registered(guarded.app.routes):
        path = path.rstrip("/") or "/"
        if path in listed:
            assert set(methods) - {"HEAD"} <= listed[path], path


def filled(path: str) -> str:
    """A path with values for its parameters."""
    values = {"session_hash": "abc", "event_id": "0" * 32, "api_name": "steps", "size": "64"}
    for name in ("path:path", "url_path:path", "path_or_url:path"):
        path = path.replace(f"{{{name}}}", "x")
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", value)
    return path.replace("{", "").replace("}", "")


@pytest.mark.parametrize("path", REFUSED)
def test_a_refused_route_is_not_found_even_for_a_user(guarded, user, path):
    for method in ("GET", "POST"):
        assert user.request(method, filled(path)).status_code in (404, 405)


@pytest.mark.parametrize("path", ["/gradio_api/new-route", "/docs", "/redoc", "/gradio_api/queue", "/gradio_api/"])
def test_an_unknown_route_is_not_found(user, path):
    assert user.get(path).status_code == 404


def test_nothing_but_the_login_and_the_files_of_its_page_can_be_read_without_a_login(stranger):
    for path in {route.path for route in ALLOWED if route.needs_login}:
        for method in ("GET", "POST"):
            answer = stranger.request(method, filled(path), json={} if method == "POST" else None)
            assert answer.status_code in (401, 405), path
    assert stranger.get("").status_code == 200
    assert "controls" not in stranger.get("").text
