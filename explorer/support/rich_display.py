"""Rich display of values in notebooks: types inherit :class:`RichDisplay`; another module registers how to draw them.

The drawing code, :mod:`explorer.media.notebook`, depends on the types that it draws, so these cannot import it. It
registers an implementation of the generic functions :func:`html` and :func:`png` for each type instead.
"""

from __future__ import annotations

from functools import singledispatch


@singledispatch
def html(value: object) -> str | None:
    """Return ``value`` as HTML; None if its type has no HTML representation."""
    return None


@singledispatch
def png(value: object) -> bytes | None:
    """Return ``value`` as the bytes of a PNG file; None if its type has no picture."""
    return None


class RichDisplay:
    """Mixin for values that Jupyter displays by :func:`html` and :func:`png`."""

    def _repr_html_(self) -> str | None:
        return html(self)

    def _repr_png_(self) -> bytes | None:
        return png(self)
