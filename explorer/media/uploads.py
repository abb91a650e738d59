"""Uploaded pictures: decoding of untrusted files, conversion to a checkpoint's shape, and a cache of recent uploads."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Condition

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from explorer.media.convert import to_unit
from explorer.support.bounded_cache import BoundedCache
from explorer.support.messages import LocalizedError

MAX_FILE = 20 << 20  # bytes
MAX_PIXELS = 50_000_000
MIN_SIDE, MAX_RATIO = 8, 20
CACHED_SIDE = 512  # pixels per side of a cached picture, at most
STRIP_PIXELS = 1 << 20
MAX_CACHED = 64  # pictures
FORMATS = ("AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TGA", "TIFF", "WEBP")  # none executes code


class PictureError(LocalizedError):
    """A picture cannot be used. The message says what was expected."""


def read_picture(data: bytes) -> Image.Image:
    """Decode a picture file, rotate it by its EXIF orientation, put transparency on white, and crop the center square.

    Args:
        data: contents of a file in one of :data:`FORMATS`, in any colour mode. The first frame of an animation is used.

    Returns:
        RGB, square, at most :data:`CACHED_SIDE` pixels per side.

    Raises:
        PictureError: the file is not a picture, damaged, or too large; it has too many pixels; a side is below 8
            pixels; or one side is more than 20 times as long as the other.
    """
    if len(data) > MAX_FILE:
        raise PictureError(
            "brought.too_many_bytes",
            "the file has {size} MB, more than the limit of {most} MB",
            size=len(data) >> 20,
            most=MAX_FILE >> 20,
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_available_formats()) as picture:
                _check_size(*picture.size)
                with DECODING.pixels(picture.width * picture.height):
                    return _centre_square(picture)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PictureError(
            "brought.too_many_pixels",
            "the picture has more than {most} million pixels, the limit",
            most=MAX_PIXELS // 10**6,
        ) from error
    except Exception as error:  # Pillow raises errors of many types for damaged files
        raise PictureError(
            "brought.unreadable", "this picture cannot be read or is damaged: try a PNG or a JPEG"
        ) from error


class DecodingBudget:
    """Limits how many pixels are decoded at the same time, by all threads together.

    Args:
        max_pixels: at least the number of pixels of the largest picture.
    """

    def __init__(self, max_pixels: int) -> None:
        self._free = self._max_pixels = max_pixels
        self._changed = Condition()

    @contextmanager
    def pixels(self, count: int) -> Iterator[None]:
        """Wait until ``count`` more pixels may be decoded, and keep them reserved."""
        with self._changed:
            self._changed.wait_for(lambda: count <= self._free)
            self._free -= count
        try:
            yield
        finally:
            with self._changed:
                self._free += count
                self._changed.notify_all()


DECODING = DecodingBudget(MAX_PIXELS)  # about 12 bytes for each pixel


def _centre_square(picture: Image.Image) -> Image.Image:
    """Decode an open picture. Return its centre square, see :func:`read_picture`."""
    picture.load()
    ImageOps.exif_transpose(picture, in_place=True)
    rgb = _on_white(picture)
    side = min(rgb.size)
    square = ImageOps.fit(rgb, (side, side))
    return square if side <= CACHED_SIDE else square.resize((CACHED_SIDE, CACHED_SIDE), Image.Resampling.LANCZOS)


def _available_formats() -> list[str]:
    """The formats of :data:`FORMATS` that the installed Pillow can decode."""
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _check_size(width: int, height: int) -> None:
    size = f"{width}x{height}"
    if width * height > MAX_PIXELS:
        raise PictureError(
            "brought.too_large",
            "the picture is {size}, more than the limit of {most} million pixels",
            size=size,
            most=MAX_PIXELS // 10**6,
        )
    if min(width, height) < MIN_SIDE:
        raise PictureError(
            "brought.too_small",
            "the picture is {size}; each side needs at least {least} pixels",
            size=size,
            least=MIN_SIDE,
        )
    if max(width, height) > MAX_RATIO * min(width, height):
        raise PictureError(
            "brought.too_long",
            "the picture is {size}: its middle square would show almost nothing of it",
            size=size,
        )


def _on_white(picture: Image.Image) -> Image.Image:
    """Convert a picture to RGB on a white ground, in strips of rows: full-size copies would take much memory."""
    if picture.mode in ("I", "F", "I;16", "I;16B", "I;16L"):  # high bit depth: scale the range of values to 0..255
        extremes = [(values.min(), values.max()) for values in map(_values, _strips(picture))]
        low, high = min(low for low, _ in extremes), max(high for _, high in extremes)
        factor = 255 / (high - low) if high > low else 0

        def to_rgb(strip: Image.Image) -> Image.Image:
            return Image.fromarray(((_values(strip) - low) * factor).round().astype(np.uint8)).convert("RGB")

    elif "A" in picture.getbands() or "transparency" in picture.info:

        def to_rgb(strip: Image.Image) -> Image.Image:
            layer = strip.convert("RGBA")
            return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")

    else:
        return picture.convert("RGB")
    rgb, top = Image.new("RGB", picture.size), 0
    for strip in _strips(picture):
        rgb.paste(to_rgb(strip), (0, top))
        top += strip.height
    return rgb


def _strips(picture: Image.Image) -> Iterator[Image.Image]:
    """Yield a picture from top to bottom in strips of about a million pixels."""
    rows = max(1, STRIP_PIXELS // picture.width)
    for top in range(0, picture.height, rows):
        yield picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _values(picture: Image.Image) -> np.ndarray:
    return np.nan_to_num(np.asarray(picture, dtype=np.float64))


def as_tensor(picture: Image.Image, shape: Sequence[int]) -> Tensor:
    """Convert a square picture to a checkpoint's shape (C, H, W): float32 (1, C, H, W) in [-1, 1], grey if C = 1."""
    C, H, W = shape
    fitted = ImageOps.fit(picture.convert("L" if C == 1 else "RGB"), (W, H), Image.Resampling.LANCZOS)
    return to_unit(np.array(fitted).reshape(1, H, W, C))  # np.array copies, since torch requires writable memory


class UploadedPictures:
    """The most recently uploaded pictures, in memory, named by a hash of their content. Thread-safe."""

    def __init__(self, max_cached: int = MAX_CACHED) -> None:
        self._pictures: BoundedCache[Image.Image] = BoundedCache(max_cached)

    def put(self, data: bytes) -> str:
        """Store a picture file and return its name, 16 hexadecimal digits. Errors as for :func:`read_picture`."""
        picture = read_picture(data)
        name = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
        self._pictures.put(name, picture)
        return name

    def get(self, name: str) -> Image.Image:
        """Return the picture of that name.

        Raises:
            PictureError: it is not in the cache, or not any more.
        """
        picture = self._pictures.get(name)
        if picture is None:
            raise PictureError(
                "brought.gone", "this picture was uploaded earlier and is no longer in memory: choose the file again"
            )
        return picture


UPLOADS = UploadedPictures()
