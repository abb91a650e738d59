"""The app behind nginx with TLS, below a path and with a login, in the browser."""

import shutil
import ssl
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tab_values import TOY

from explorer.support.ports import free_port
from explorer.ui.app import build, launch_options
from explorer.ui.localization import texts
from explorer.ui.tabs import TABS

ROOT = "/ddim"
CONFIG = """
daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;
        client_max_body_size 40m;
        location {root}/ {{
            proxy_pass http://127.0.0.1:{app}/;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_buffering off;
        }}
    }}
}}
"""


def program(name):
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@pytest.fixture
def address(tmp_path, folder):
    """Address of the app as nginx serves it."""
    nginx, openssl = program("nginx"), program("openssl")
    pictures, folder = folder, tmp_path / "nginx"
    folder.mkdir()
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    new = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
    subprocess.run([*new, *subject, *files], check=True, capture_output=True)
    options = launch_options([("teacher", "secret")], behind_proxy=True)
    demo = build({"toy": replace(TOY, folder=pictures)})
    demo.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", root_path=ROOT, **options)
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, app=demo.server_port, root=ROOT))
    process = subprocess.Popen([nginx, "-p", str(folder), "-c", str(config), "-e", str(folder / "error.log")])
    url = f"https://127.0.0.1:{port}{ROOT}/"
    while not answers(url, folder / "certificate.pem"):
        assert process.poll() is None, (folder / "error.log").read_text()
        time.sleep(0.05)
    yield url
    process.terminate()
    process.wait()
    demo.close()


def answers(url: str, certificate: Path) -> bool:
    try:
        return httpx.get(url, verify=ssl.create_default_context(cafile=certificate)).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.slow
def test_every_tab_works_behind_nginx_with_tls_a_root_path_and_a_login(address, browser):
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1366, "height": 900})
    page, requests, errors = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("response", lambda answer: errors.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    page.goto(f"{address}?steps=4&frames=8&side=5&lengths=2,4&latents=1,2&walks=500&points=300&samples=0")
    page.get_by_label("username").fill("teacher")
    page.get_by_label("password").fill("secret")
    page.get_by_role("button", name="Login").click()
    page.locator("#controls explorer-controls").wait_for(timeout=60_000)
    errors.clear()  # before the login nothing could be read
    for tab in TABS:
        page.get_by_role("tab", name=texts("en")[f"tabs.{tab.name}"]).click()
        page.locator(f'#{tab.name} .status[data-state="ended"]').wait_for(timeout=60_000)
    context.close()
    host = urlsplit(address).netloc
    contacted = {urlsplit(url)[:2] for url in requests if not url.startswith(("data:", "blob:"))}
    assert contacted == {("https", host)}
    assert all(urlsplit(url).path.startswith(ROOT + "/") for url in requests if url.startswith("https"))
    assert errors == []
