"""The Encode tab."""

from explorer.ui.tabs.encode.tab import EncodeTab

__all__ = ["EncodeTab"]
