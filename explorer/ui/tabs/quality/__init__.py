"""The Quality tab."""

from explorer.ui.tabs.quality.tab import QualityTab

__all__ = ["QualityTab"]
