"""Disk cache for data that can be computed again, such as compiled networks.

It lies in the user's cache folder and is kept between runs of the program. A damaged or unreadable file counts as
missing, and a failed write is ignored: the cache never raises an error.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_cache_path

from explorer.storage.atomic_write import write_file

ENVIRONMENT_VARIABLE = "DDIM_EXPLORER_CACHE"
MAX_BYTES = 2 << 30  # of all files; beyond that the least recently used ones are deleted
DIGEST = hashlib.sha256


def folder() -> Path:
    """The cache folder: the one that the environment variable names, or the user's default one."""
    path = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(path) if path else user_cache_path("ddim-explorer", appauthor=False)


def key_of(*parts: bytes | str) -> str:
    """Return a cache key for data that depends on ``parts``: a hash that differs if any of them differs."""
    digest = DIGEST()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:40]


def read(key: str) -> bytes | None:
    """Return the content stored under ``key``; None if it is missing or damaged."""
    path = folder() / key
    try:
        data = path.read_bytes()
        size = DIGEST().digest_size
        if DIGEST(data[size:]).digest() != data[:size]:
            return None
        os.utime(path)  # mark as recently used
    except OSError:
        return None
    return data[size:]


def has(key: str) -> bool:
    """Whether a file is stored under ``key``. It may be damaged."""
    return os.path.isfile(folder() / key)  # unlike Path.is_file, returns False if the folder is not accessible


def write(key: str, content: bytes) -> bool:
    """Store ``content`` under ``key``; return False if the folder is not writable. No partial file is left."""
    try:
        write_file(folder() / key, DIGEST(content).digest() + content)
        _delete_least_recently_used()
    except OSError:
        return False
    return True


def _delete_least_recently_used() -> None:
    files = [(path, path.stat()) for path in folder().iterdir() if path.is_file() and not path.name.startswith(".")]
    total = 0
    for path, status in sorted(files, key=lambda file: -file[1].st_mtime):
        total += status.st_size
        if total > MAX_BYTES:
            path.unlink(missing_ok=True)
