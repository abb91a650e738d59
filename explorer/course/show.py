"""A row of pictures in a notebook."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from explorer.media.convert import to_image

WIDTH = 1.7  # inches of a picture


def show(pictures: Sequence[Tensor], titles: Sequence[str]) -> None:
    """Show pictures (C, H, W) or (1, C, H, W) in [-1, 1] side by side, with a title above each."""
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(1, len(pictures), figsize=(WIDTH * len(pictures), WIDTH + 0.3), squeeze=False)
    for axis, picture, title in zip(axes[0], pictures, titles, strict=True):
        axis.imshow(to_image(picture), cmap="gray", interpolation="nearest")
        axis.set_title(title, fontsize=9)
        axis.axis("off")
    plt.tight_layout()
    plt.show()
