"""The Steps tab."""

from explorer.ui.tabs.steps.tab import StepsTab

__all__ = ["StepsTab"]
