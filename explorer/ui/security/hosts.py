"""Which hosts a request may name in its Host and Origin headers.

A foreign web page can send requests to this server from the browser of somebody who can reach it. The Origin header shows
such a request. With DNS rebinding the page's own name leads to this server, which the Host header shows. An IP address
cannot be rebound, so it is always allowed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

FORWARDED_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port")


def default_hosts() -> frozenset[str]:
    """Return the names by which this machine may be reached without further options. A Space has a name of its own."""
    own = {socket.gethostname().lower()}
    space = {host.lower() for host in os.environ.get("SPACE_HOST", "").split(",") if host}
    return frozenset({"localhost"} | own | {f"{name}.local" for name in own} | space)


def name_of(host: str) -> str:
    """Return the name or address in a Host header, in lower case and without port and brackets; "" if it is invalid."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class AllowedHosts:
    """The hosts that requests may name.

    Args:
        names: further names; ``*.example.org`` allows all names below ``example.org``, and ``*`` allows every name.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = default_hosts() | {name.lower() for name in names}

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or not name:
            return False
        try:
            ip_address(name)
        except ValueError:
            parent = name.partition(".")[2]
            return name in self.names or "*" in self.names or (bool(parent) and f"*.{parent}" in self.names)
        return True

    def refusal(self, method: str, headers: Mapping[str, str]) -> str:
        """Return why a request is refused, or an empty string.

        Args:
            headers: by their names in lower case.
        """
        host = headers.get("host", "")
        if name_of(host) not in self:
            return "This server does not answer to that host name. Start it with --allow-host NAME to allow it."
        if method in ("GET", "HEAD"):
            return ""
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "Requests of other web pages are not accepted."
        if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
            return "Requests of other web pages are not accepted."
        return ""
