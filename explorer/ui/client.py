"""Clients: the network addresses from which requests come, among which the server's work is divided."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

MAX_NAME = 64  # characters of an address that is no IP address
PREFIX = 64  # bits of an IPv6 address: the network that is given to one customer


def client_name(host: str) -> str:
    """Return the name of the client at an address: an IPv4 address, or the network of an IPv6 address.

    Args:
        host: an IP address. Other texts, which only a proxy could send, are their own names.
    """
    try:
        address: IPv4Address | IPv6Address = ip_address(host.partition("%")[0])
    except ValueError:
        return host[:MAX_NAME]
    if isinstance(address, IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address) if address.is_loopback else str(IPv6Network((address, PREFIX), strict=False))


@dataclass(frozen=True)
class Visitor:
    """Who sent a request.

    Attributes:
        session: Gradio's name of the page; None without one.
        client: see :func:`client_name`; empty if unknown.
    """

    session: str | None
    client: str

    @classmethod
    def of(cls, connection: Any = None) -> Visitor:
        """The visitor of a ``gr.Request`` or of a request of FastAPI; one that is not known without a request."""
        host = getattr(getattr(connection, "client", None), "host", None)
        return cls(getattr(connection, "session_hash", None), client_name(host) if isinstance(host, str) else "")
