"""Weights in safetensors, read without trust: what the header promises is looked at before a tensor is made of it.

A file is eight bytes with the length of the header, the header, which is JSON of {name: dtype, shape, data_offsets}, and the
tensors' bytes. That the offsets lie in the file, one tensor after the other without a gap, is the library's own check.
"""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from explorer.storage.safe_read import parse_json
from explorer.support.arguments import shorten

MAX_BYTES = 4 << 30  # of a file: a pixel-space DDPM of 256x256 has half a gigabyte
MAX_HEADER = 4 << 20  # bytes; that DDPM has 100,000
DTYPES = ("F16", "BF16", "F32", "F64")
DIMENSIONS, SIZE = 4, 1 << 20


def tensors_of(data: bytes) -> dict[str, Tensor]:
    """The tensors of a safetensors file by name, float32.

    Raises:
        ValueError: what the format does not allow; a header of more than ``MAX_HEADER`` bytes; a tensor that is not of
            floats, has more than four dimensions, or none of its values.
    """
    end = 8 + int.from_bytes(data[:8], "little")
    if end > 8 + MAX_HEADER:
        raise ValueError(f"its header would have {end - 8:,} bytes, more than {MAX_HEADER:,}")
    header = parse_json(data[8:end])
    if not isinstance(header, dict):
        raise ValueError("its header is no JSON object")
    for name, entry in header.items():
        if name != "__metadata__":
            _check(shorten(name), entry)
    try:
        return {name: tensor.float() for name, tensor in load(data).items()}
    except SafetensorError as error:
        raise ValueError(str(error)) from error


def _check(name: str, entry: object) -> None:
    """ValueError unless a header's entry is of a tensor that a U-Net may have."""
    if not isinstance(entry, dict):
        raise ValueError(f"the entry of {name} is no JSON object")
    dtype, shape = entry.get("dtype"), entry.get("shape")
    if dtype not in DTYPES:
        raise ValueError(f"{name} must be of {', '.join(DTYPES)}, not {shorten(dtype)}")
    sizes = shape if isinstance(shape, list) and len(shape) <= DIMENSIONS else [None]
    if not all(type(n) is int and 1 <= n <= SIZE for n in sizes):
        raise ValueError(f"{name} must have at most {DIMENSIONS} sizes from 1 to {SIZE:,}, not {shorten(shape)}")
