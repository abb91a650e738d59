"""Checks of JSON bodies before Gradio reads them."""

from __future__ import annotations

import json
import re
from typing import Any

from explorer.ui.security.routes import SMALL_BODY, is_session_hash

MAX_DEPTH = 32  # of nested lists and objects; the page's own requests have five levels
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


class BadBody(ValueError):
    """A body that is refused. The message says what was expected."""


def check_json(body: bytes) -> dict[str, Any]:
    """Check the JSON body of a request and return its content.

    Large requests are those with a picture, which is one long string. What remains without the longest string must be
    small, so that no request holds many values.

    Raises:
        BadBody: the body is no JSON object, is nested too deep, has an invalid session hash, or names a file: Gradio
            would download it, or copy it to where it can be read.
    """
    if len(body) > SMALL_BODY and len(body) - _longest_string(body) > SMALL_BODY:
        raise BadBody(
            f"The request is too large: expected one picture and at most {SMALL_BODY >> 10} KiB of other data."
        )
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        raise BadBody("The body is not valid JSON.") from None
    if not isinstance(content, dict):
        raise BadBody("The body must be a JSON object.")
    session = content.get("session_hash")
    if session is not None and not (isinstance(session, str) and is_session_hash(session)):
        raise BadBody("session_hash must have 1 to 64 letters, digits, hyphens and underscores.")
    _check_values(content)
    return content


def _longest_string(body: bytes) -> int:
    """Return the length of the longest run of bytes without a quotation mark, as an upper bound of a picture's length."""
    return max(len(part) for part in body.split(b'"', 1000))


def _check_values(content: Any) -> None:
    level, depth = [content], 0
    while level:
        if depth > MAX_DEPTH:
            raise BadBody(f"The body is nested deeper than {MAX_DEPTH} levels.")
        below: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                path, meta = value.get("path"), value.get("meta")
                if isinstance(path, str) and URL.match(path):
                    raise BadBody("A file must not be given by a URL.")
                if isinstance(meta, dict) and "_type" in meta:  # by which Gradio knows files
                    raise BadBody("A file must not be given by its path.")
                below += value.values()
            elif isinstance(value, list):
                below += value
        level, depth = below, depth + 1
