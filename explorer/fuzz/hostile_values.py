"""Values that break programs, and random mutations of valid values."""

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
    "encode(0, 1000, 5, quadratic-ddim)",
    "encode(0, 10, 0, quadratic-)",
    "encode(0, 20, 1, ahead, ahead)",
    "encode(99999999999999999999, 3)",
    "1," * 300,
    "x" * 100_000,
)
NUMBERS = (0, -1, 1, 2, 7, 2**31, 2**53, 2**63, 10**40, 10**400, 0.5, -0.0, 1e-320, 1e308, float("inf"), float("nan"))


def nested(depth: int) -> list[Any]:
    """An empty list inside ``depth`` other lists."""
    result: list[Any] = []
    for _ in range(depth):
        result = [result]
    return result


def random_value(rng: random.Random) -> Any:
    """A random JSON value, usually a hostile one."""
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
    return [random_value(rng) for _ in range(rng.randrange(4))]


def mutate(tree: Any, rng: random.Random) -> Any:
    """A copy of a JSON value in which one entry, at any depth, is replaced, removed or duplicated."""
    tree = _copy(tree)
    entries: list[tuple[Any, Any]] = []  # (list or dict, index or key)
    stack = [tree]
    while stack:
        parent = stack.pop()
        keys = (
            list(parent) if isinstance(parent, dict) else list(range(len(parent))) if isinstance(parent, list) else []
        )
        entries += [(parent, key) for key in keys]
        stack += [parent[key] for key in keys if isinstance(parent[key], (dict, list))]
    if not entries or rng.random() < 0.03:
        return random_value(rng)
    parent, key = rng.choice(entries)
    kind = rng.randrange(8)
    if kind == 0:
        del parent[key]
    elif kind == 1 and isinstance(parent, dict):
        parent[rng.choice(TEXTS)[:1000]] = random_value(rng)
    elif kind == 2 and type(parent[key]) is int:
        parent[key] = parent[key] * rng.choice((-1, 0, 2, 10**6, 10**18)) + rng.choice((0, 0, 1))
    elif kind == 3:
        other_parent, other_key = rng.choice(entries)
        parent[key] = _copy(other_parent[other_key])
    else:
        parent[key] = random_value(rng)
    return tree


def _copy(tree: Any) -> Any:
    """A deep copy; an empty list if the value is nested too deeply."""
    try:
        return copy.deepcopy(tree)
    except RecursionError:
        return []


def to_json(tree: Any) -> bytes:
    """The value as JSON, with Python's NaN and Infinity; unclosed brackets if it is nested too deeply."""
    try:
        return json.dumps(tree).encode()
    except (RecursionError, ValueError):
        return b"[" * 2000


def mutate_bytes(data: bytes, rng: random.Random) -> bytes:
    """A copy of ``data`` with a few bytes changed, inserted or cut off."""
    content = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(content) + 1) if rng.random() < 0.5 else rng.randrange(min(len(content), 400) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            del content[at:]
        elif kind == 1:
            content[at : at + 8] = rng.randbytes(8)
        elif kind == 2:
            content[at : at + 8] = rng.choice((0, 1, 2**31, 2**63 - 1, 2**64 - 1)).to_bytes(8, "little")
        elif kind == 3:
            content[at:at] = content[at : at + rng.randrange(64)]
        elif at < len(content):
            content[at] ^= 1 << rng.randrange(8)
    return bytes(content)
