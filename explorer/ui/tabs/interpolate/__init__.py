"""The Interpolate tab."""

from explorer.ui.tabs.interpolate.tab import InterpolateTab

__all__ = ["InterpolateTab"]
