"""Attacks on a running server: each is a list of requests. The seeds are holes that were found in this app once."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from explorer.fuzz.hostile_values import TEXTS, mutate, mutate_bytes, nested, to_json

API = "/gradio_api"
JSON = {"content-type": "application/json"}
BOUNDARY = "fuzz"
LONG_COMPARE = [None, 5, 1000, 0.5, "linear", False, 0, True, 4]  # None: the checkpoint
MAX_SHOWN = 120  # bytes of a body in a report


@dataclass(frozen=True)
class HttpRequest:
    """A request.

    Attributes:
        method, path, headers, body: what is sent.
        must_fail: whether only a status from 400 on is right.
        sent: share of the request that is sent.
        is_left_open: whether the connection is left open then, and nothing is read.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=lambda: JSON)
    body: bytes = b""
    must_fail: bool = False
    sent: float = 1.0
    is_left_open: bool = False

    def __repr__(self) -> str:
        return f"{self.method} {self.path[:MAX_SHOWN]} {dict(self.headers)} {self.body[:MAX_SHOWN]!r} ({len(self.body)} bytes)"


@dataclass(frozen=True)
class Attack:
    """Requests that are sent at the same time."""

    name: str
    requests: tuple[HttpRequest, ...]


@dataclass(frozen=True)
class AppNumbers:
    """What an attacker reads in the config of the app.

    Attributes:
        checkpoint: name of one.
        controls: values of the control column.
        functions: number of the handler by event, such as "run_steps".
        components: number of the component by the name of its element.
    """

    checkpoint: str
    controls: dict[str, Any]
    functions: dict[str, int]
    components: dict[str, int]

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> AppNumbers:
        """Read the app's ``/config``."""
        components = {c["props"].get("elem_id") or str(c["id"]): c["id"] for c in config["components"]}
        controls = next(c for c in config["components"] if c["id"] == components["controls"])["props"]["value"]
        functions = {event: d["id"] for d in config["dependencies"] for _, event in d["targets"]}
        return cls(controls["checkpoint"], controls, functions, components)


def post(path: str, content: Any, must_fail: bool = False, **headers: str) -> HttpRequest:
    """A POST of a JSON value."""
    headers = JSON | {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest("POST", path, headers, to_json(content), must_fail)


def uploads(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Files that would stay on the disk."""
    content = rng.randbytes(200_000)
    requests = []
    for path in ("process_recording", "upload", "upload/", "upload?upload_id=1"):
        field = rng.choice(["video", "files", "wrong"])
        start = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="a.webm"\r\n\r\n'.encode()
        body = start + content + f"\r\n--{BOUNDARY}--\r\n".encode()
        body = body[: rng.choice([len(body), len(body) - 40])]
        kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
        requests.append(HttpRequest("POST", f"{API}/{path}", kind, body, must_fail=True))
    return requests


def junk(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Values that would stay in memory, under invented names of sessions."""
    size, name = rng.choice([1000, 60_000, 60_000, 2_000_000]), f"{rng.getrandbits(128):032x}"
    text = "j" * size
    change, run = app.functions["input"], app.functions["run_steps"]
    compare = [text, *LONG_COMPARE[1:]]
    return [
        post(f"{API}/component_server", {"data": [], "session_hash": text, "fn_name": "x", "component_id": 1}, True),
        post(f"{API}/run/predict", {"data": [{"junk": text, "count": 1}], "fn_index": change, "session_hash": name}),
        post(f"{API}/queue/join", {"data": [{"junk": text, "count": 1}], "fn_index": run, "session_hash": name}),
        post(f"{API}/call/compare", {"data": compare}),
        post(f"{API}/call/compare", {"data": [nested(5000)]}, must_fail=True),
    ]


@lru_cache(maxsize=1)
def large_picture(side: int = 7000) -> str:
    """A PNG of 16 bits that is small as a file and large in memory, in base64."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    stream, packer = io.BytesIO(), zlib.compressobj(9)
    for _ in range(side):
        stream.write(packer.compress(bytes(1 + 2 * side)))
    stream.write(packer.flush())
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 16, 0, 0, 0, 0))
    png = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", stream.getvalue()) + chunk(b"IEND", b"")
    return base64.b64encode(png).decode()


def pictures(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Pictures that take much memory to decode, several at once."""
    data = large_picture()
    if rng.random() < 0.5:
        data = base64.b64encode(mutate_bytes(base64.b64decode(data), rng)).decode()
    body = {"data": data, "fn_name": "receive_picture", "component_id": app.components["encode"], "session_hash": "p"}
    return [post(f"{API}/component_server", body)] * rng.choice([1, 3])


def greed(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Long runs whose results nobody fetches."""
    compare = post(f"{API}/call/compare", {"data": [app.checkpoint, *LONG_COMPARE[1:]]})
    values = app.controls | {"steps": 1000, "count": 1}
    run = {"data": [values], "fn_index": app.functions["run_steps"], "session_hash": f"{rng.getrandbits(64):x}"}
    return [compare] * rng.choice([5, 30, 112]) + [post(f"{API}/queue/join", run)]


def other_sites(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Requests that the browser of somebody else would send for a hostile page."""
    body = {"data": {"text": "x"}, "fn_name": "open_checkpoint", "component_id": app.components["controls"]}
    path, body = f"{API}/component_server", body | {"session_hash": "a"}
    return [
        post(path, body, True, origin="https://evil.example"),
        post(path, body, True, origin="null"),
        post(path, body, True, content_type="text/plain"),
        post(path, body, True, host="evil.example"),
        HttpRequest("GET", "/config", {"host": rng.choice(["evil.example", "127.0.0.1.evil.example"])}, must_fail=True),
        HttpRequest("GET", "/config", {"x-forwarded-host": "evil.example"}),
    ]


def addresses(app: AppNumbers, rng: random.Random, canary: str) -> list[HttpRequest]:
    """Addresses that the server must not fetch. ``canary`` is the URL of a listener that notices it."""
    file = {"path": canary, "url": canary, "meta": {"_type": "gradio.FileData"}}
    body = {"data": [rng.choice([file, {"seed": file}])], "session_hash": "a", "fn_index": app.functions["input"]}
    return [
        post(f"{API}/run/predict", body, must_fail=True),
        post(f"{API}/queue/join", body | {"fn_index": app.functions["run_steps"]}, must_fail=True),
        HttpRequest("GET", f"{API}/file={canary}", {}, must_fail=True),
        HttpRequest("GET", f"{API}/proxy={canary}", {}, must_fail=True),
    ]


def others_runs(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Ends runs of others, and reads what is not for everybody."""
    paths = ("/openapi.json", f"{API}/app_id", f"{API}/token", "/monitoring", f"{API}/queue/status", "/docs")
    cancel = {"session_hash": "a", "fn_index": app.functions["run_steps"], "event_id": "0"}
    return [
        post(f"{API}/cancel", cancel, must_fail=True),
        *(HttpRequest("GET", path, {}, must_fail=True) for path in paths),
    ]


def passwords(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Guesses."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    bodies = [f"username=teacher&password={rng.getrandbits(64)}".encode() for _ in range(20)]
    return [HttpRequest("POST", "/login", kind, body) for body in bodies]  # an app without logins accepts any


def slow(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Connections that are left open in the middle of a header or a body, and streams."""
    body = post(f"{API}/queue/join", {"data": [{}], "fn_index": app.functions["run_steps"], "session_hash": "slow"})
    header = HttpRequest("GET", "/" + "x" * 200, {"a": "b" * 200})
    paths = ["/dev/reload", "/heartbeat/slow", "/queue/data?session_hash=slow"]
    streams = [HttpRequest("GET", API + rng.choice(paths), {}, is_left_open=True) for _ in range(20)]
    headers = [replace(header, sent=rng.random() * 0.9, is_left_open=True) for _ in range(30)]
    return [replace(body, sent=0.99, is_left_open=True)] * 10 + headers + streams


def missing(app: AppNumbers, rng: random.Random) -> list[HttpRequest]:
    """Functions, components and endpoints that do not exist."""
    number: Any = rng.choice([-1, 10**6, 2**70, "0", None, [], {}, 0.5])
    body = {"data": [{}], "session_hash": "a"}
    server = {"data": [], "session_hash": "a", "fn_name": rng.choice(["open_checkpoint", "__init__", 7, ""])}
    return [
        post(f"{API}/queue/join", body | {"fn_index": number}, must_fail=True),
        post(f"{API}/run/x", body | {"fn_index": number}, must_fail=True),
        post(f"{API}/component_server", server | {"component_id": number}, must_fail=True),
        post(f"{API}/call/nothing", {"data": []}, must_fail=True),
        post(f"{API}/call/v2/nothing", {}, must_fail=True),
        post(f"{API}/call/steps", {"data": []}, must_fail=True),
    ]


SEEDS: dict[str, Callable[[AppNumbers, random.Random], list[HttpRequest]]] = {
    "uploads": uploads,
    "junk": junk,
    "pictures": pictures,
    "greed": greed,
    "other sites": other_sites,
    "others' runs": others_runs,
    "passwords": passwords,
    "slow": slow,
    "missing": missing,
}  # and "addresses", which needs a listener


def mutated(request: HttpRequest, rng: random.Random) -> HttpRequest:
    """Another request like this one, which may be right or wrong."""
    kind, request = rng.randrange(5), replace(request, must_fail=False)
    if kind == 0:
        return replace(request, path="/" + mutate_bytes(request.path.encode(), rng).decode("latin-1"))
    if kind == 1:
        return replace(request, body=mutate_bytes(request.body, rng)) if request.body else request
    if kind == 2:
        return replace(request, method=rng.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]))
    try:
        content = json.loads(request.body)
    except (ValueError, RecursionError):
        return replace(request, path=request.path + rng.choice(TEXTS)[:2000])
    return replace(request, body=to_json(mutate(content, rng)))
