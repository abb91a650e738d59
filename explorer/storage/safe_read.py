"""Reading of untrusted files: regular files only, up to a limit, parsed into plain values. No pickles."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
from numpy.lib import format as npy

from explorer.storage import limits
from explorer.support.arguments import shorten
from explorer.support.messages import LocalizedError


class CheckpointError(LocalizedError):
    """A checkpoint cannot be opened; the message says what was expected and what to do."""


def read_file(path: Path, max_bytes: int) -> bytes:
    """Read a regular file. Symbolic links are followed to any target, because the hub's cache consists of links.

    Raises:
        FileNotFoundError: the file does not exist.
        OSError: it is not a regular file (a pipe may never end), larger than ``max_bytes``, or unreadable.
    """
    if path.exists() and not path.is_file():
        raise OSError("not a regular file")
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise OSError(f"larger than the limit of {max_bytes:,} bytes")
        data = file.read(size + 1)  # read() allocates the requested size at once, so do not request max_bytes
    if len(data) > size:
        raise OSError("larger than its reported size")
    return data


def parse_json(text: str | bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: invalid JSON, NaN or Infinity, nesting that is too deep, or an unpaired surrogate.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(value, ensure_ascii=False).encode()  # fails where the value could not be sent to the page
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("unpaired surrogate") from None
    return value


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not valid JSON")


def read_json(path: Path, name: str) -> dict[str, Any]:
    """Read the object in a JSON file.

    Args:
        name: of the checkpoint, for messages.

    Raises:
        CheckpointError: the file is missing, unreadable, or not a JSON object.
    """
    try:
        content = parse_json(read_file(path, limits.MAX_JSON_BYTES))
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
    """Read the array ``images`` of an .npz file: uint8 (N, H, W, C).

    The array's header is checked before decompression, so a small file cannot fill the memory.

    Args:
        shape: the expected (H, W, C).

    Raises:
        OSError: not a regular file.
        ValueError: unreadable, not an .npz, no such array, another shape or dtype, or more than
            :data:`limits.MAX_PICTURES_BYTES`.
    """
    if not path.is_file():
        raise OSError("not a regular file")
    try:
        with ZipFile(path) as archive, archive.open("images.npy") as member:
            version = npy.read_magic(member)
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            array_shape, fortran_order, dtype = read_header(member)
            if dtype != np.uint8 or fortran_order or array_shape[1:] != shape:
                expected = f"(N, {', '.join(map(str, shape))})"
                raise ValueError(f"expected uint8 of shape {expected}, not {dtype} of shape {shorten(array_shape)}")
            size = math.prod(array_shape)
            if not 0 <= size <= limits.MAX_PICTURES_BYTES:
                raise ValueError(f"{size:,} bytes of pictures; the limit is {limits.MAX_PICTURES_BYTES:,}")
            data = member.read(size)
    except Exception as error:  # zipfile, its decompressors and numpy's header parser raise many types
        raise ValueError(str(error) or type(error).__name__) from error
    if len(data) != size:
        raise ValueError(f"{len(data):,} bytes of pictures instead of {size:,}")
    return np.frombuffer(data, dtype=np.uint8).reshape(array_shape)
