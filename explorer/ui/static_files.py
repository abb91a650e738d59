"""The page's own files: style sheets, ES modules, fonts and texts, below an address that changes with their content.

``explorer-static/<hash>/web/stage.js`` is ``explorer/ui/web/stage.js``. A browser keeps such a file for good, for another
version has another address. Texts are made of :mod:`explorer.ui.localization`: ``explorer-static/<hash>/texts/en.json``.
All addresses are relative to the page, so that proxies and Spaces may put it anywhere.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import posixpath
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from explorer.ui.localization import LANGUAGES, texts

HERE = Path(__file__).parent
FOLDERS = ("web", "shell", "tabs")
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".woff2": "font/woff2",
}
PREFIX = "explorer-static"
STYLE = "page.css"  # all style sheets as one file
# The style sheets that all parts share, in the order in which a later one may overrule an earlier one; those of the parts follow.
SHARED_SHEETS = ("vendor/katex/katex", "theme", "stage", "save_menu", "inputs", "film", "real_picture", "projector")
URL = re.compile(r"""url\(["']?(?!data:)([^)"']+)["']?\)""")
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


@cache
def files() -> dict[str, bytes]:
    """Every file that is served, by its path below ``explorer/ui``; they are few and small, so they stay in memory."""
    found = {
        path.relative_to(HERE).as_posix(): path.read_bytes()
        for folder in FOLDERS
        for path in sorted((HERE / folder).rglob("*"))
        if path.suffix in TYPES and path.name != "texts.json"  # they are in texts/en.json
    }
    for name in LANGUAGES:
        found[f"texts/{name}.json"] = json.dumps(texts(name), ensure_ascii=False).encode()
    return {path: content for path, content in found.items() if not path.endswith(".css")} | {STYLE: _style(found)}


def _style(found: Mapping[str, bytes]) -> bytes:
    """All style sheets after each other, their addresses relative to where they stand now."""
    shared = [f"web/{name}.css" for name in SHARED_SHEETS]
    own = sorted(path for path in found if path.endswith(".css") and path not in shared)

    def moved(path: str) -> str:
        folder = posixpath.dirname(path)
        text = found[path].decode()
        return URL.sub(lambda match: f"url({posixpath.normpath(posixpath.join(folder, match[1]))})", text)

    return "\n".join(f"/* {path} */\n{moved(path)}" for path in [*shared, *own]).encode()


@cache
def address() -> str:
    """Where the files are, relative to the page and without a slash at the end."""
    digest = hashlib.sha256()
    for path, content in files().items():
        digest.update(f"{path}\0{len(content)}\0".encode() + content)
    return f"{PREFIX}/{digest.hexdigest()[:16]}"


@cache
def _zipped(path: str) -> bytes:
    return gzip.compress(files()[path], mtime=0)


def _answer(request: Request) -> Response:
    path = request.path_params["path"]
    if path not in files() or f"{PREFIX}/{request.path_params['version']}" != address():
        return PlainTextResponse("Not found.", 404)  # of another version, too: nothing stale is kept for good
    headers = FOREVER | {"Content-Type": TYPES[Path(path).suffix]}
    if path.endswith(".woff2") or "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(files()[path], headers=headers)
    return Response(_zipped(path), headers=headers | {"Content-Encoding": "gzip"})


ROUTES = [Route(f"/{PREFIX}/{{version}}/{{path:path}}", _answer)]


def head(config: object) -> str:
    """The part of ``<head>`` that loads the page's files; the modules of a tab come when it is wanted.

    Args:
        config: what the modules have to know before anything else, as JSON.
    """
    modules = [path for path in files() if path.endswith(".js") and path.startswith(("web/", "shell/"))]
    text = json.dumps(config, ensure_ascii=False).replace("</", "<\\/")  # nothing in it may end it
    lines = [
        f'<link rel="stylesheet" href="{address()}/{STYLE}">',
        *(f'<link rel="modulepreload" href="{address()}/{path}">' for path in modules),
        f'<link rel="preload" as="fetch" crossorigin href="{address()}/texts/en.json">',
        f'<script type="application/json" id="explorer-config">{text}</script>',
    ]
    return "\n".join(lines)
