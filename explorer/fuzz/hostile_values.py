"""Values that break programs, and good values with one of them somewhere inside."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

TEXTS = (
    "",
    " ",
    "0",
    "-1",
    "1e309",
    "NaN",
    "inf",
    "-0.0",
    "9" * 25,
    "9" * 5000,
    "٣",
    "½",
    "１０",
    "\0",
    "a\nb\r\t",
    "\ud800",
    "\u202egnp.exe",
    "e\u0301" * 50,
    "𝔵" * 40,
    "../../etc/passwd",
    "/dev/zero",
    "file:///etc/passwd",
    "http://127.0.0.1:1/x",
    "<img src=x onerror=alert(1)>",
    "${7*7}{{7*7}}",
    "__import__('os')",
    "%s%n%00",
    "slerp(" * 400,
    "slerp(1, 2, 0.5)",
    "lerp(slerp(1,2,.5), encode(0, 10), 1)",
    "encode(0, 1000, 5, quadratic)",
    "encode(0, 20, 1, ahead, ahead)",
    "encode(99999999999999999999, 3)",
    "1," * 300,
    "x" * 100_000,
)
NUMBERS = (0, -1, 1, 2, 7, 2**31, 2**53, 2**63, 10**40, 10**400, 0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"))


def nested(depth: int) -> list[Any]:
    """Lists inside each other."""
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def value(rng: random.Random) -> Any:
    """Any JSON value, a bad one more often than not."""
    kind = rng.randrange(9)
    if kind < 3:
        return rng.choice(TEXTS)
    if kind < 6:
        return rng.choice(NUMBERS)
    if kind == 6:
        return rng.choice(
            (None, True, False, [], {}, [0], {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}})
        )
    if kind == 7:
        return rng.choice(([1] * 2000, [[1, 2], [3]], nested(60), nested(300), {"a" * 1000: 1}))
    return [value(rng) for _ in range(rng.randrange(4))]


def changed(tree: Any, rng: random.Random) -> Any:
    """A copy of a JSON value in which one entry, at any depth, is another one, gone, or there twice."""
    tree = _copied(tree)
    spots: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        place = stack.pop()
        keys = list(place) if isinstance(place, dict) else list(range(len(place))) if isinstance(place, list) else []
        spots += [(place, key) for key in keys]
        stack += [place[key] for key in keys if isinstance(place[key], (dict, list))]
    if not spots or rng.random() < 0.03:
        return value(rng)
    place, key = rng.choice(spots)
    what = rng.randrange(8)
    if what == 0:
        del place[key]
    elif what == 1 and isinstance(place, dict):
        place[rng.choice(TEXTS)[:1000]] = value(rng)
    elif what == 2 and type(place[key]) is int:
        place[key] = place[key] * rng.choice((-1, 0, 2, 10**6, 10**18)) + rng.choice((0, 0, 1))
    elif what == 3:
        other, another = rng.choice(spots)
        place[key] = _copied(other[another])
    else:
        place[key] = value(rng)
    return tree


def _copied(tree: Any) -> Any:
    try:
        return copy.deepcopy(tree)
    except RecursionError:  # it was changed before
        return []


def as_json(tree: Any) -> bytes:
    """JSON text, also of what JSON does not know, as Python writes it; of what nests too deeply, a part."""
    try:
        return json.dumps(tree).encode()
    except (RecursionError, ValueError):
        return b"[" * 2000


def cut(data: bytes, rng: random.Random) -> bytes:
    """Bytes with a few of them changed, cut off, doubled or put in."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(content) + 1) if rng.random() < 0.5 else rng.randrange(min(len(content), 400) + 1)
        what = rng.randrange(5)
        if what == 0:
            del content[at:]
        elif what == 1:
            content[at : at + 8] = rng.randbytes(8)
        elif what == 2:
            content[at : at + 8] = rng.choice((0, 1, 2**31, 2**63 - 1, 2**64 - 1)).to_bytes(8, "little")
        elif what == 3:
            content[at:at] = content[at : at + rng.randrange(64)]
        elif at < len(content):
            content[at] ^= 1 << rng.randrange(8)
    return bytes(content)
