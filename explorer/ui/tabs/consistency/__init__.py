"""The Consistency tab."""

from explorer.ui.tabs.consistency.tab import ConsistencyTab

__all__ = ["ConsistencyTab"]
