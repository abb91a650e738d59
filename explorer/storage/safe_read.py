"""Files that strangers wrote: read with a limit, from regular files alone, and parsed into plain values. No pickle, ever."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy

from explorer.support.arguments import shorten
from explorer.support.messages import LocalizedError

MAX_JSON = 1 << 20  # bytes; the largest that is written here has 10,000
MAX_PICTURES = 256 << 20  # bytes, unpacked


class CheckpointError(LocalizedError):
    """A checkpoint that cannot be opened; the message says what was expected and what to do."""


def read_file(path: Path, most: int) -> bytes:
    """The bytes of a file. A link is followed wherever it points, since the hub's cache is made of links.

    Raises:
        FileNotFoundError: there is none.
        OSError: it is a folder, a device or a pipe, which might never end, has more than ``most`` bytes, or cannot be read.
    """
    if path.exists() and not path.is_file():
        raise OSError("not a regular file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > most:
            raise OSError(f"more than the {most:,} bytes that are read")
        data = file.read(size + 1)  # as many as there are: what is asked for takes memory at once
    if len(data) > size:
        raise OSError("more than it has by its own account")
    return data


def parse_json(text: str | bytes) -> Any:
    """The value of a JSON text; ValueError if it is none, nests too deeply, or holds NaN or half a surrogate pair."""
    try:
        value = json.loads(text, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()  # what it says is sent on
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("half a surrogate pair") from None
    return value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def read_json(path: Path, name: str) -> dict[str, Any]:
    """The object in a JSON file of the checkpoint ``name``; :class:`CheckpointError` if there is none."""
    try:
        content = parse_json(read_file(path, MAX_JSON))
    except FileNotFoundError:
        raise CheckpointError(
            "opening.missing", "{name}: {file} is missing", name=name, file=f"{path.parent.name}/{path.name}"
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(
            "opening.no_json", "{path}: not a readable JSON file ({error})", path=str(path), error=str(error)
        ) from error
    if not isinstance(content, dict):
        raise CheckpointError(
            "opening.no_object", "{path}: expected a JSON object, not {given}", path=str(path), given=shorten(content)
        )
    return content


def read_pictures(path: Path, shape: tuple[int, int, int]) -> np.ndarray:
    """The array ``images`` of an .npz: uint8 (N, H, W, C).

    What it says of itself is looked at before it is unpacked, so that a small file cannot fill the memory.

    Args:
        shape: (H, W, C).

    Raises:
        OSError: no regular file.
        ValueError: not to be read, no .npz, no such array in it, another shape or kind, or more than ``MAX_PICTURES`` bytes.
    """
    if not path.is_file():
        raise OSError("not a regular file")
    try:
        with ZipFile(path) as archive, archive.open("images.npy") as member:
            version = npy.read_magic(member)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            given, by_columns, dtype = header(member)
            if dtype != np.uint8 or by_columns or given[1:] != shape:
                raise ValueError(
                    f"expected uint8 of (N, {', '.join(map(str, shape))}), not {dtype} of {shorten(given)}"
                )
            size = math.prod(given)
            if not 0 <= size <= MAX_PICTURES:
                raise ValueError(f"{size:,} bytes of pictures; at most {MAX_PICTURES:,} are read")
            data = member.read(size)
    except Exception as error:  # zipfile, its compressors, and Python's parser of the header each have their own
        raise ValueError(str(error) or type(error).__name__) from error
    if len(data) != size:
        raise ValueError(f"{len(data):,} bytes of pictures, where {size:,} were expected")
    return np.frombuffer(data, dtype=np.uint8).reshape(given)
