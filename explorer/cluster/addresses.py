"""Addresses of replicas: as users write them, and as replicas announce them to apps."""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from typing import NamedTuple

from explorer.support.arguments import shorten

SCHEME, TLS_SCHEME = "ray://", "rays://"
TOKEN_VARIABLE = "DDIM_NETWORK_TOKEN"  # environment variable with the token of the replicas


class Place(NamedTuple):
    """A host and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Place:
        """Read HOST:PORT; an IPv6 address is in brackets.

        Raises:
            ValueError: it is something else.
        """
        host, _, port = text.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536 or "/" in host:
            raise ValueError(f"expected HOST:PORT, not {shorten(text)}")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))


@dataclass(frozen=True)
class NetworkAddress:
    """Where the replicas of a network are reached.

    Attributes:
        text: as it was written.
        places: at least one; the replicas there announce the others.
        tls: whether the connections are encrypted.
    """

    text: str
    places: tuple[Place, ...]
    tls: bool = False

    def __str__(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> NetworkAddress:
        """Read ray://HOST:PORT, rays://HOST:PORT for TLS, or either with several HOST:PORT, separated by commas.

        Raises:
            ValueError: it is something else.
        """
        scheme = TLS_SCHEME if text.startswith(TLS_SCHEME) else SCHEME
        try:
            if not text.startswith(scheme):
                raise ValueError
            places = tuple(Place.parse(part) for part in text.removeprefix(scheme).split(","))
        except ValueError:
            raise ValueError(f"--network must be ray or {SCHEME}HOST:PORT, not {shorten(text)}") from None
        return cls(text, places, scheme == TLS_SCHEME)

    @classmethod
    def of(cls, places: tuple[Place, ...], tls: bool = False) -> NetworkAddress:
        """The address of known places."""
        return cls((TLS_SCHEME if tls else SCHEME) + ",".join(map(str, places)), places, tls)

    def tls_context(self) -> ssl.SSLContext | None:
        """The settings of TLS connections; None without TLS. ``SSL_CERT_FILE`` may name further authorities."""
        return ssl.create_default_context() if self.tls else None


def network_token() -> str:
    """The token that replicas require, from the environment; empty if none is set."""
    return os.environ.get(TOKEN_VARIABLE, "").strip()


def is_loopback(host: str) -> bool:
    """Whether only the machine itself reaches the host."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name
        return False


def is_wildcard(host: str) -> bool:
    """Whether listening on the host means listening on all addresses of a machine."""
    return host in ("", "0.0.0.0", "::")
