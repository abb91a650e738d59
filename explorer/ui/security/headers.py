"""The security headers of every response."""

from __future__ import annotations

import os
from collections.abc import Iterable

IFRAME_RESIZER_HOST = "https://cdnjs.cloudflare.com"  # Gradio loads its iframe resizer from here on Spaces


def content_security_policy(script_hosts: Iterable[str] = ()) -> str:
    """Return the Content-Security-Policy header.

    Gradio needs inline scripts and eval. Other hosts are blocked, except ``script_hosts`` for scripts. ``frame-ancestors`` is
    left open, because Spaces and notebooks show the page in an iframe.
    """
    return "; ".join(
        [
            "default-src 'self'",
            " ".join(["script-src 'self' 'unsafe-inline' 'unsafe-eval'", *script_hosts]),
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "media-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self' data: blob:",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
        ]
    )


def security_headers() -> dict[str, str]:
    """Return the headers by name. On a Space, Gradio's iframe resizer may be loaded from its host."""
    return {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Content-Security-Policy": content_security_policy([IFRAME_RESIZER_HOST] if "SPACE_ID" in os.environ else []),
    }
