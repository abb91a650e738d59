"""How the app is started: its command line, its logins, and what an importer of app.py finds."""

import importlib.util
import json
import re
import socket
import subprocess
import sys
from pathlib import Path

import gradio as gr
import httpx
import pytest
from tab_values import TOY

from explorer.ui import components, static_files
from explorer.ui.app import build, launch_options
from explorer.ui.localization import LANGUAGES


def test_a_login_guards_the_page_and_its_endpoints_below_a_root_path():
    demo = build({"toy": TOY})
    options = launch_options([("teacher", "opensesame"), ("class", "a:b")])
    assert options["mcp_server"] is False  # it would let everyone in
    try:
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, root_path="/ddim", **options)
        assert httpx.get(f"{url}config").status_code == 401
        assert httpx.post(f"{url}login", data={"username": "class", "password": "a"}).status_code == 400
        with httpx.Client() as browser:
            assert browser.post(f"{url}login", data={"username": "class", "password": "a:b"}).status_code == 200
            config = browser.get(f"{url}config")
        assert "opensesame" not in config.text
        assert json.loads(config.text)["root"].endswith("/ddim")
    finally:
        demo.close()


@pytest.fixture
def app(root):
    """The module app.py."""
    spec = importlib.util.spec_from_file_location("explorers_app", root / "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_whoever_imports_the_app_finds_its_demo(app, monkeypatch):
    asked = []
    monkeypatch.setattr(app, "open_checkpoints", lambda: asked.append(1) or {"toy": TOY})
    assert asked == []
    assert isinstance(app.demo, gr.Blocks)
    assert app.demo is app.demo
    assert asked == [1]
    with pytest.raises(AttributeError, match="no attribute 'dema'"):
        _ = app.dema


def test_logins_come_from_arguments_and_files(app, tmp_path):
    file = tmp_path / "logins"
    file.write_text("ann:x:y\n\nbob:z\n", encoding="utf-8")
    assert app.logins(["eve:1", f"@{file}"]) == [("eve", "1"), ("ann", "x:y"), ("bob", "z")]
    assert app.logins([]) == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--auth", "topsecret"], "expected USER:PASSWORD"),
        (["--auth", ":topsecret"], "expected USER:PASSWORD"),
        (["--auth", "ann:topsecret", "--auth", "ann:topsecret2"], "the user ann occurs twice"),
        (["--auth", "@no-such-file"], "cannot read no-such-file, a text file with one USER:PASSWORD per line"),
        (["--root-path", "ddim"], "--root-path must begin with /"),
        (["--port", "99999"], "--port must be from 1 to 65535"),
        (["--runs-per-address", "0"], "--runs-per-address must be from 1 to 48, not 0"),
        (["--runs-per-address", "49"], "--runs-per-address must be from 1 to 48, not 49"),
        (["--port", "TAKEN"], "cannot listen on 127.0.0.1:"),
    ],
)
def test_a_bad_argument_ends_with_one_line_that_shows_no_password(app, monkeypatch, capsys, arguments, expected):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        monkeypatch.setattr(sys, "argv", ["app.py", *(port if word == "TAKEN" else word for word in arguments)])
        monkeypatch.setattr(app, "open_checkpoints", lambda *given: pytest.fail("a bad argument is told first"))
        assert app.main() == 2
    said = capsys.readouterr()
    assert expected in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "topsecret" not in said.err + said.out


@pytest.mark.slow
def test_an_unknown_checkpoint_ends_with_one_line_and_code_2(root):
    command = [sys.executable, "app.py", "--checkpoint", "no-such"]
    ended = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "faces-64" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


def test_a_component_of_the_page_has_the_events_that_its_script_names():
    with gr.Blocks():
        controls = components.controls({}, ["steps"], about={"kinds": {}})
        assert callable(controls.input)
        assert callable(controls.run_steps)
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            _ = controls.nonsense
    config = controls.get_config()
    assert config["html_template"].startswith("<explorer-controls")
    assert config["props"] == {"about": {"kinds": {}}}
    assert len(config["js_on_load"]) < 500  # the page's script comes as files
    assert controls.api_info() == {"type": "object"}


def test_the_page_has_its_files_from_addresses_that_change_with_them():
    demo = build({"toy": TOY})
    options = launch_options([("teacher", "opensesame")])
    addresses = re.findall(r'(?:href)="([^"]+)"', options["head"])
    assert len(addresses) == len(set(addresses)) > 30
    relative = [address for address in addresses if not address.startswith(("/", "http"))]
    assert relative == addresses  # a proxy may put the page anywhere
    fonts = re.findall(r"url\((web/[^)]+)\)", static_files.files()["page.css"].decode())
    assert len(fonts) == 6
    more = [*fonts, "tabs/steps/tab.js", *(f"texts/{name}.json" for name in LANGUAGES)]
    try:
        _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, root_path="/ddim", **options)
        for address in [*addresses, *(f"{static_files.base_url()}/{path}" for path in more)]:
            answer = httpx.get(url + address)
            assert answer.status_code == 200, address
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-type"].startswith(static_files.CONTENT_TYPES[Path(address).suffix])
            assert answer.headers["x-content-type-options"] == "nosniff"
        plain = httpx.get(url + addresses[0], headers={"accept-encoding": "identity"})
        zipped = httpx.get(url + addresses[0])
        assert plain.content == zipped.content == static_files.files()["page.css"]
        now = static_files.base_url()
        for other in (
            "explorer-static/0123456789abcdef/web/stage.js",
            f"{now}/app.py",
            f"{now}/web/../app.py",
            f"{now}/%2e%2e/app.py",
            f"{now}/shell/controls.html",
            f"{now}/",
        ):
            assert httpx.get(url + other).status_code in (401, 404), other
    finally:
        demo.close()


def test_another_content_has_another_address(monkeypatch):
    before = static_files.base_url()
    changed = static_files.files() | {"web/stage.js": b"// other"}
    monkeypatch.setattr(static_files, "files", lambda: changed)
    static_files.base_url.cache_clear()
    try:
        assert static_files.base_url() != before
    finally:
        static_files.base_url.cache_clear()
