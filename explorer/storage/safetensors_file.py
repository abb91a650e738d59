"""Reading of untrusted safetensors files: the header is checked before any tensor is allocated.

A file consists of the length of the header (8 bytes, little endian), the header, and the bytes of the tensors. The
header is a JSON object of the form {name: {dtype, shape, data_offsets}}. The safetensors library itself checks that the
offsets lie in the file and that the tensors follow each other without gaps.
"""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from explorer.storage import limits
from explorer.storage.safe_read import parse_json
from explorer.support.arguments import shorten

DTYPES = ("F16", "BF16", "F32", "F64")


def load_tensors(data: bytes) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file by name, float32.

    Raises:
        ValueError: an invalid file, a header larger than :data:`limits.MAX_HEADER_BYTES`, or a tensor that is not of
            floating point, has more than four dimensions or is empty.
    """
    header_size = int.from_bytes(data[:8], "little")
    if header_size > limits.MAX_HEADER_BYTES:
        raise ValueError(f"the header has {header_size:,} bytes; the limit is {limits.MAX_HEADER_BYTES:,}")
    header = parse_json(data[8 : 8 + header_size])
    if not isinstance(header, dict):
        raise ValueError("the header is not a JSON object")
    for name, entry in header.items():
        if name != "__metadata__":
            _check_entry(shorten(name), entry)
    try:
        return {name: tensor.float() for name, tensor in load(data).items()}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _check_entry(name: str, entry: object) -> None:
    """Raise ValueError unless a header entry describes a tensor that a U-Net may have."""
    if not isinstance(entry, dict):
        raise ValueError(f"the header entry of {name} is not a JSON object")
    dtype, shape = entry.get("dtype"), entry.get("shape")
    if dtype not in DTYPES:
        raise ValueError(f"the dtype of {name} must be one of {', '.join(DTYPES)}, not {shorten(dtype)}")
    dimensions, largest = limits.MAX_TENSOR_DIMENSIONS, limits.MAX_TENSOR_SIZE
    sizes = shape if isinstance(shape, list) and len(shape) <= dimensions else [None]
    if not all(type(n) is int and 1 <= n <= largest for n in sizes):
        raise ValueError(
            f"{name} must have at most {dimensions} dimensions of size 1 to {largest:,}, not shape {shorten(shape)}"
        )
