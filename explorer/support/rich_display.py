"""How values show themselves in a notebook: a value inherits :class:`RichDisplay`, another module says how it looks.

The values stand far below the module that draws them, :mod:`explorer.media.notebook`, and must not import it. So the two
functions here dispatch on the type, and that module registers an implementation for each type that it can draw.
"""

from __future__ import annotations

from functools import singledispatch


@singledispatch
def html(value: object) -> str | None:
    """``value`` as HTML; None if it has no HTML form."""
    return None


@singledispatch
def png(value: object) -> bytes | None:
    """``value`` as a PNG file; None if it has no picture."""
    return None


class RichDisplay:
    """A value that Jupyter shows as HTML or as a picture, see :func:`html` and :func:`png`."""

    def _repr_html_(self) -> str | None:
        return html(self)

    def _repr_png_(self) -> bytes | None:
        return png(self)
