"""The Paths tab."""

from explorer.ui.tabs.paths.tab import PathsTab

__all__ = ["PathsTab"]
