"""A fake Hugging Face Hub on localhost: it lists the files of models and serves them."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from urllib.parse import unquote, urlsplit

import pytest
from huggingface_hub import constants


class HubServer:
    """A server of models, each a folder by id and revision.

    Attributes:
        url: the ``HF_ENDPOINT`` to use.
        requests: paths of all requests, in order.
        resume: while this event is cleared, downloads of weights stop half-way.
    """

    def __init__(self) -> None:
        self.models: dict[str, dict[str, Path]] = {}
        self.requests: list[str] = []
        self.resume = Event()
        self.resume.set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def put(self, repo: str, folder: Path, revision: str = "main") -> None:
        """Publish a folder."""
        self.models.setdefault(repo, {})[revision] = folder

    def __enter__(self) -> HubServer:
        Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.resume.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path.strip("/").split("/")
                hub.requests.append(unquote("/".join(path)))
                if path[:2] == ["api", "models"]:
                    self._describe("/".join(path[2:4]), unquote(path[5]) if len(path) > 5 else "main")
                elif path[2:3] != ["resolve"]:
                    self._refuse("")
                else:
                    owner, name, _, revision, *file = path
                    self._send_file(f"{owner}/{name}", unquote(revision), unquote("/".join(file)))

            do_HEAD = do_GET

            def _describe(self, repo: str, revision: str) -> None:
                folder = self._folder(repo, revision)
                if folder:
                    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
                    listed = [{"rfilename": p.relative_to(folder).as_posix(), "size": p.stat().st_size} for p in files]
                    content = {"id": repo, "sha": commit(folder), "siblings": listed}
                    self._send(json.dumps(content).encode(), {"Content-Type": "application/json"})

            def _send_file(self, repo: str, revision: str, name: str) -> None:
                folder = self._folder(repo, revision)
                if folder:
                    data = (folder / name).read_bytes()
                    etag = hashlib.sha256(data).hexdigest()
                    self._send(data, {"ETag": f'"{etag}"', "X-Repo-Commit": commit(folder)})

            def _folder(self, repo: str, revision: str) -> Path | None:
                revisions = hub.models.get(repo, {})
                if revision in map(commit, revisions.values()):
                    return next(folder for folder in revisions.values() if commit(folder) == revision)
                if revision not in revisions:
                    self._refuse("RevisionNotFound" if revisions else "RepoNotFound")
                return revisions.get(revision)

            def _refuse(self, code: str) -> None:
                self.send_response(404)
                self.send_header("X-Error-Code", code)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _send(self, data: bytes, headers: dict[str, str]) -> None:
                self.send_response(200)
                for name, value in (headers | {"Content-Length": str(len(data))}).items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "GET":
                    half = len(data) // 2
                    self.wfile.write(data[:half])
                    if self.path.endswith(".safetensors"):
                        self.wfile.flush()
                        hub.resume.wait()
                    self.wfile.write(data[half:])

            def log_message(self, *_: object) -> None:
                pass

        return Handler


def reach(patch: pytest.MonkeyPatch, url: str) -> None:
    """Connect the hub's client to this address. It reads its settings at import, so they are patched."""
    patch.setattr(constants, "ENDPOINT", url)
    patch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    patch.setattr(constants, "HF_HUB_OFFLINE", False)


def commit(folder: Path) -> str:
    """The commit hash of a folder."""
    return hashlib.sha1(str(folder).encode()).hexdigest()
