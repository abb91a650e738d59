"""Starting Ray on this machine or joining a cluster, without Ray's dashboard and usage statistics."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

STANDARD_ERROR = 2  # file descriptor
UNAUTHENTICATED = "InvalidAuthToken"  # in what Ray logs when a token is missing or wrong
TOKEN_ENABLED = "Token authentication is enabled"  # by default, with a token that Ray keeps in the user's folder
TOKEN_REQUIRED = (
    "it requires Ray's authentication token, and the one of this process is missing or another one. Set RAY_AUTH_MODE=token, "
    "and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH to the token with which ray start was called (without either, Ray reads "
    "~/.ray/auth_token)"
)
RAY_MISSING = "this needs Ray: pip install 'ddim-explorer[ray]'"


def require_ray() -> None:
    """Check that Ray is installed.

    Raises:
        ValueError: it is not; the message says how to install it.
    """
    if find_spec("ray") is None:
        raise ValueError(RAY_MISSING)


@contextmanager
def ray_session(address: str = "", cpus: int | None = None) -> Iterator[None]:
    """Connect to the Ray cluster at ``address`` during the block, or start Ray on this machine and stop it at the end.

    Args:
        address: HOST:PORT of a cluster that this machine belongs to, "auto", or ray://HOST:PORT of a Ray client server.
        cpus: number of CPUs of the Ray that is started here; all if None.

    Raises:
        ValueError: Ray is not installed, there is no such cluster, or it requires a token that this process does not have.
    """
    require_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    messages: list[str] = []
    try:
        with _captured_messages(messages):
            if address:
                ray.init(address, log_to_driver=False, logging_level="warning")
            else:
                ray.init("local", num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level="warning")
    except (ConnectionError, RuntimeError, ValueError, OSError, ray.exceptions.RayError) as error:
        problem = f"no Ray cluster can be joined at {address}" if address else "Ray does not start on this machine"
        reason = str(error).splitlines()[0]
        if isinstance(error, ray.exceptions.AuthenticationError) or any(UNAUTHENTICATED in text for text in messages):
            reason = TOKEN_REQUIRED
        raise ValueError(f"{problem}: {reason}") from None
    try:
        yield
    finally:
        ray.shutdown()


@contextmanager
def _captured_messages(messages: list[str]) -> Iterator[None]:
    """Keep what is written to standard error, also by Ray's C++, and append it to ``messages``.

    It is written at the end of the block, unless Ray repeats in it that a token is refused.
    """
    sys.stderr.flush()
    with tempfile.TemporaryFile("w+", errors="replace") as file:
        kept = os.dup(STANDARD_ERROR)
        os.dup2(file.fileno(), STANDARD_ERROR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, STANDARD_ERROR)
            os.close(kept)
            file.seek(0)
            messages.append(file.read())
            if UNAUTHENTICATED not in messages[0]:
                for line in messages[0].splitlines():
                    if TOKEN_ENABLED not in line:
                        print(line, file=sys.stderr)
