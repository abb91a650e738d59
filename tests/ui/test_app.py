"""How the app is put together and served."""

import json
import re
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
