"""Conversion of tensors to pixels and back, the colour map of signed values, and grids of pictures."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from explorer.sampler import Step

# Diverging colour map at -scale, 0 and +scale: teal, off-white, brown. The ends differ in any colour vision.
SIGNED_COLOURS = np.array([[0x01, 0x5C, 0x55], [0xF6, 0xF5, 0xF1], [0x82, 0x44, 0x08]], dtype=np.float32)
SIGNED_SCALE = 1.5
PANELS = 5  # of a step, see :func:`step_panels`
SIGNED_TABLE = np.stack(  # lookup table, finer than the 255 levels of a colour channel
    [np.interp(np.linspace(-1, 1, 8193), [-1, 0, 1], channel).round() for channel in SIGNED_COLOURS.T], axis=-1
).astype(np.uint8)


def to_uint8(x: Tensor) -> np.ndarray:
    """Convert pictures (N, C, H, W) in [-1, 1] to uint8 (N, H, W, C). Values outside [-1, 1] are clipped."""
    values = np.clip(x.cpu().numpy(), -1, 1)  # numpy has less overhead per call than torch
    return np.rint((values + 1) * np.float32(127.5)).astype(np.uint8).transpose(0, 2, 3, 1)


def to_unit(pictures: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """Convert uint8 (N, H, W, C) in 0..255 to float32 (N, C, H, W) in [-1, 1] on ``device``."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).to(device).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_image(x: Tensor) -> Image.Image:
    """Convert one picture (C, H, W) or (1, C, H, W) in [-1, 1] to a Pillow image.

    Raises:
        ValueError: ``x`` is a batch of several pictures.
    """
    batch = x if x.ndim == 4 else x[None]
    if len(batch) != 1:
        raise ValueError(f"to_image takes one picture, not a batch of {len(batch)}")
    return Image.fromarray(to_rgb(to_uint8(batch))[0])


def signed_to_uint8(x: Tensor, scale: float = SIGNED_SCALE) -> np.ndarray:
    """Convert signed tensors (N, C, H, W) to uint8 (N, H, W, 3): the channel mean in a diverging colour map.

    The map is linear between -scale and scale with 0 in the middle. Values outside take the end colours.
    """
    level = x.mean(1).div(scale).clamp(-1, 1).cpu().numpy() + 1  # 0..2
    entries = (level * (len(SIGNED_TABLE) // 2) + 0.5).astype(np.int32)
    return SIGNED_TABLE.take(entries, axis=0)  # four times as fast as SIGNED_TABLE[entries]


def to_rgb(pictures: np.ndarray) -> np.ndarray:
    """Convert uint8 (N, H, W, 1 or 3) to RGB, (N, H, W, 3)."""
    return np.repeat(pictures, 3, axis=-1) if pictures.shape[-1] == 1 else pictures


def data_uri(image: Image.Image, kind: str = "png", **options: Any) -> str:
    """Return an image as a ``data:`` URI. ``kind`` and ``options`` are Pillow's format and its options."""
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def grid(pictures: np.ndarray, columns: int, gap: int = 0, background: int = 255) -> Image.Image:
    """Arrange uint8 (N, H, W, C) row by row, ``columns`` per row, with ``gap`` pixels between them."""
    pictures = to_rgb(pictures)
    N, H, W, _ = pictures.shape
    rows = -(-N // columns)
    sheet = np.full((rows * (H + gap) - gap, columns * (W + gap) - gap, 3), background, dtype=np.uint8)
    for i, picture in enumerate(pictures):
        top, left = i // columns * (H + gap), i % columns * (W + gap)
        sheet[top : top + H, left : left + W] = picture
    return Image.fromarray(sheet)


def step_panels(step: Step, row: int = 0) -> np.ndarray:
    """Return x_t, predicted x_0, eps, z and x_prev of one picture of the batch side by side, uint8 (H, 5 W, 3)."""
    one = slice(row, row + 1)
    z = step.x_t.new_zeros(step.x_t.shape) if step.z is None else step.z
    x_t, x0, x_prev = (to_rgb(to_uint8(x[one]))[0] for x in (step.x_t, step.x0, step.x_prev))
    eps, noise = (signed_to_uint8(x[one])[0] for x in (step.eps, z))
    return np.concatenate([x_t, x0, eps, noise, x_prev], axis=1)
