"""The Forward tab."""

from explorer.ui.tabs.forward.tab import ForwardTab

__all__ = ["ForwardTab"]
