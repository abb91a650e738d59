"""The Solvers tab."""

from explorer.ui.tabs.solvers.tab import SolversTab

__all__ = ["SolversTab"]
