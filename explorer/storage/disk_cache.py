"""Files that can be made again, kept between runs of the program outside the project: compiled networks.

A file that is damaged, cannot be read or cannot be written is as good as absent: the cache never makes anything fail.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_cache_path

from explorer.storage.atomic_write import write_file

VARIABLE = "DDIM_EXPLORER_CACHE"
MAX_BYTES = 2 << 30  # beyond, the files go that were not used for longest
DIGEST = hashlib.sha256


def folder() -> Path:
    """Where cached files lie: the folder that the environment variable names, or the user's own cache folder."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else user_cache_path("ddim-explorer", appauthor=False)


def key_of(*parts: bytes | str) -> str:
    """A name for what is made from ``parts``: another one as soon as any of them differs."""
    digest = DIGEST()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()[:40]


def read(key: str) -> bytes | None:
    """What was written as ``key``, or None if there is nothing or it is damaged."""
    path = folder() / key
    try:
        content = path.read_bytes()
        size = DIGEST().digest_size
        if DIGEST(content[size:]).digest() != content[:size]:
            return None
        os.utime(path)
    except OSError:
        return None
    return content[size:]


def has(key: str) -> bool:
    """Whether something was written as ``key``; it may be damaged since."""
    return os.path.isfile(folder() / key)  # unlike Path's own, no error where the folder cannot be read


def write(key: str, content: bytes) -> bool:
    """Keep ``content`` as ``key``, whole or not at all; False if the folder cannot be written."""
    try:
        write_file(folder() / key, DIGEST(content).digest() + content)
        _drop_oldest()
    except OSError:
        return False
    return True


def _drop_oldest() -> None:
    files = [(path, path.stat()) for path in folder().iterdir() if not path.name.startswith(".")]
    total = 0
    for path, status in sorted(files, key=lambda file: -file[1].st_mtime):
        total += status.st_size
        if total > MAX_BYTES:
            path.unlink(missing_ok=True)
