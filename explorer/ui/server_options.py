"""Checks of the command-line options of the server: port, root path, logins, runs per address."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

MAX_RUNS_PER_ADDRESS = 48


def check_port(host: str, port: int) -> None:
    """Raise ValueError unless the port is valid and free."""
    if not 1 <= port <= 65535:
        raise ValueError(f"--port must be from 1 to 65535, not {port}")
    name = f"[{host}]" if ":" in host else host
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            if os.name == "posix":  # a port that was in use a moment ago is free; on Windows the option means any port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise ValueError(
            f"cannot listen on {name}:{port} ({error.strerror}); choose another --port or --host"
        ) from None


def check_runs(count: int) -> None:
    """Raise ValueError unless so many runs of one address may execute at once."""
    if not 1 <= count <= MAX_RUNS_PER_ADDRESS:
        raise ValueError(f"--runs-per-address must be from 1 to {MAX_RUNS_PER_ADDRESS}, not {count}")


def check_store_size(megabytes: int) -> None:
    """Raise ValueError unless the store may have this size."""
    if megabytes < 0:
        raise ValueError(f"--store-size must be at least 0 MB, not {megabytes}")


def check_root_path(path: str) -> str:
    """Return the root path without a trailing slash. Raise ValueError if it is neither a path nor a URL."""
    if not path.startswith(("/", "http://", "https://")):
        raise ValueError(f"--root-path must begin with / (or be a URL that begins with http), not {path!r}")
    return path.rstrip("/")


def allowed_names(root_path: str | None) -> list[str]:
    """Return the host name in a root path that is a URL."""
    name = urlsplit(root_path or "").hostname
    return [name] if name else []


def logins(values: Sequence[str]) -> list[tuple[str, str]]:
    """Return the users and passwords of the ``--auth`` options. Error messages never contain a password.

    Raises:
        ValueError: an entry lacks the user or the password, a user occurs twice, or a file cannot be read.
    """
    entries: list[tuple[str, str]] = []  # (source for error messages, USER:PASSWORD)
    for value in values:
        if value.startswith("@"):
            file = value[1:]
            try:
                lines = Path(file).read_text(encoding="utf-8").splitlines()
            except (OSError, UnicodeDecodeError):
                raise ValueError(f"--auth: cannot read {file}, a text file with one USER:PASSWORD per line") from None
            entries += [(f"{file}, line {number}", line) for number, line in enumerate(lines, 1) if line.strip()]
            if not entries:
                raise ValueError(f"--auth: {file} is empty; expected one USER:PASSWORD per line")
        else:
            entries.append(("--auth", value))
    users: dict[str, str] = {}
    for source, entry in entries:
        user, _, password = entry.partition(":")
        if not user or not password:
            raise ValueError(f"{source}: expected USER:PASSWORD, both non-empty (the value is not shown)")
        if user in users:
            raise ValueError(f"{source}: the user {user} occurs twice")
        users[user] = password
    return list(users.items())
