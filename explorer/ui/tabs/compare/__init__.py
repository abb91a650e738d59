"""The Compare tab."""

from explorer.ui.tabs.compare.tab import CompareTab

__all__ = ["CompareTab"]
