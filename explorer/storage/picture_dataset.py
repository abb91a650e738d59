"""Data sets of pictures for training and evaluation, read into one uint8 array (N, H, W, C)."""

from __future__ import annotations

import gzip
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

PICTURE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
IDX_IMAGES = 2051  # magic number of an idx file of uint8 images


class DataError(ValueError):
    """A data set cannot be read; the message says what was expected."""


def load_pictures(path: str | Path, size: int | None = None) -> np.ndarray:
    """Read a data set: an .npz file with an array ``images``, a folder of pictures, or an idx file.

    The idx format is that of MNIST and Fashion-MNIST.

    Args:
        path: the file or folder.
        size: side in pixels. Pictures of a folder are cropped to their centre square and resized; required if their
            sizes differ. Arrays are padded evenly with black, such as 28 -> 32; larger ones are refused.

    Returns:
        uint8 (N, H, W, C), C = 1 or 3.

    Raises:
        DataError: no such file, an unknown format, no pictures, or an unsuitable shape.
    """
    path = Path(path).expanduser()
    if path.is_dir():
        images = _read_folder(path, size)
    elif not path.is_file():
        raise DataError(f"no data at {path}: give an .npz, an idx or idx.gz file, or a folder of pictures")
    elif path.suffix == ".npz":
        images = _read_npz(path)
    elif "idx" in path.name:
        images = _read_idx(path)
    else:
        raise DataError(f"{path.name} has an unknown format: expected .npz, idx.gz or a folder of pictures")
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[-1] not in (1, 3) or len(images) == 0:
        raise DataError(f"{path.name}: expected uint8 images (N, H, W, 1 or 3), got {images.dtype} {images.shape}")
    return _pad(images, size) if size else images


def _read_npz(path: Path) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["images"]
    except KeyError:
        raise DataError(f"{path.name} holds no array named images") from None
    except Exception as error:  # numpy, zipfile and zlib raise many types
        raise DataError(f"{path.name} is not a readable .npz file ({error})") from error


def _read_idx(path: Path) -> np.ndarray:
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        magic, count, height, width = struct.unpack(">4I", raw[:16])
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{path.name} is not a readable idx file ({error})") from error
    if magic != IDX_IMAGES or len(raw) != 16 + count * height * width:
        raise DataError(f"{path.name} is not an idx file of uint8 images, or it is truncated")
    return np.frombuffer(raw, np.uint8, offset=16).reshape(count, height, width)


def _read_folder(folder: Path, size: int | None) -> np.ndarray:
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES)
    if not files:
        raise DataError(f"no pictures in {folder}: expected files like {', '.join(sorted(PICTURE_SUFFIXES))}")
    pictures = []
    for file in files:
        try:
            with Image.open(file) as picture:
                upright = ImageOps.exif_transpose(picture).convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise DataError(f"{file} cannot be read as a picture ({error})") from error
        pictures.append(np.asarray(ImageOps.fit(upright, (size, size), Image.Resampling.LANCZOS) if size else upright))
    if len({p.shape for p in pictures}) > 1:
        raise DataError(f"the pictures in {folder} differ in size: give --size to crop and resize them")
    return np.stack(pictures)


def _pad(images: np.ndarray, size: int) -> np.ndarray:
    height, width = images.shape[1:3]
    if height > size or width > size:
        raise DataError(f"the pictures are {height}x{width}, larger than --size {size}; scale them down first")
    top, left = (size - height) // 2, (size - width) // 2
    return np.pad(images, ((0, 0), (top, size - height - top), (left, size - width - left), (0, 0)))
