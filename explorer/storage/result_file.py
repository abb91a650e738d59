"""The file of a computed result: arrays and a JSON header. It is read as untrusted input.

A file consists of the SHA-256 of all that follows (32 bytes), and a safetensors file whose metadata hold the header. The
digest detects damage; nothing in a file is executed or looked up. No pickle is involved.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from explorer.storage import limits
from explorer.storage.disk_cache import DIGEST
from explorer.storage.safe_read import parse_json
from explorer.support.arguments import shorten

DTYPES = {"F32": np.float32, "F64": np.float64, "I64": np.int64}
HEADER = "header"  # key of the safetensors metadata
DIGEST_BYTES = DIGEST().digest_size


@dataclass(frozen=True, eq=False)
class ResultFile:
    """The content of a file.

    Attributes:
        header: JSON object that says what the result is.
        arrays: float32, float64 or int64, at most five-dimensional.
    """

    header: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the file.

        Raises:
            ValueError: the header has a number that is not finite, or a value that JSON does not have.
        """
        arrays = {name: np.ascontiguousarray(array) for name, array in self.arrays.items()}
        header = json.dumps(self.header, allow_nan=False)
        content = save(arrays or {"empty": np.zeros(1, np.float32)}, {HEADER: header})
        return DIGEST(content).digest() + content

    @classmethod
    def from_bytes(cls, data: bytes) -> ResultFile:
        """Read what :meth:`to_bytes` returned.

        Raises:
            ValueError: the file is damaged, or it has a part that :meth:`to_bytes` does not write.
        """
        content = memoryview(data)[DIGEST_BYTES:]
        if DIGEST(content).digest() != data[:DIGEST_BYTES]:
            raise ValueError("the content does not match its checksum")
        header = read_header(data)
        try:
            arrays = load(bytes(content))
        except SafetensorError as error:
            raise ValueError(str(error)) from error
        return cls(header, {name: array for name, array in arrays.items() if name != "empty"})


def read_header(data: bytes) -> dict[str, Any]:
    """Return the header of a file whose first bytes are given, without verifying the checksum.

    Raises:
        ValueError: too large, not JSON, or with an array that :class:`ResultFile` cannot have.
    """
    start = DIGEST_BYTES + 8
    size = int.from_bytes(data[DIGEST_BYTES:start], "little")
    if not 0 < size <= limits.MAX_RESULT_HEADER_BYTES:
        raise ValueError(f"a header of {size:,} bytes; the limit is {limits.MAX_RESULT_HEADER_BYTES:,}")
    entries = parse_json(data[start : start + size])
    metadata = entries.get("__metadata__") if isinstance(entries, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get(HEADER), str):
        raise ValueError("the file has no header")
    arrays = {name: entry for name, entry in entries.items() if name != "__metadata__"}
    if len(arrays) > limits.MAX_RESULT_ARRAYS:
        raise ValueError(f"{len(arrays)} arrays; the limit is {limits.MAX_RESULT_ARRAYS}")
    for name, entry in arrays.items():
        _check_array(shorten(name), entry)
    header = parse_json(metadata[HEADER])
    if not isinstance(header, dict):
        raise ValueError("the header is not a JSON object")
    return header


def _check_array(name: str, entry: object) -> None:
    """Raise ValueError unless an entry describes an array that a result may have."""
    dtype, shape = (entry.get("dtype"), entry.get("shape")) if isinstance(entry, dict) else (None, None)
    if dtype not in DTYPES:
        raise ValueError(f"the dtype of {name} must be one of {', '.join(DTYPES)}, not {shorten(dtype)}")
    if not isinstance(shape, list) or len(shape) > limits.MAX_RESULT_DIMENSIONS:
        raise ValueError(f"{name} must have at most {limits.MAX_RESULT_DIMENSIONS} dimensions, not {shorten(shape)}")
