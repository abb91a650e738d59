"""The tabs in their order on the page. Each tab is a package with the same modules:

- ``options.py``: its own settings, if it has any, and their validation.
- ``tab.py``: the tab: checks of several fields, and the run; ``__init__.py`` exports its class, such as ``StepsTab``.
- ``result.py``: the typed result of a run, and its value for the page.
- ``exports.py``: the entries of its Save menu.
- ``endpoints.py``: its endpoints of the public API, if it has any.
- ``texts.json``: its English texts; ``tab.html``, ``tab.css``, ``tab.js``: its custom element.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from explorer.ui.tab import Tab

NAMES = (  # in their order on the page; each is a package in this folder
    "steps",
    "compare",
    "consistency",
    "interpolate",
    "encode",
    "forward",
    "paths",
    "quality",
    "solvers",
    "exercises",
)


def _tab_class(name: str) -> type[Tab[Any]]:
    """Import the class of a tab: ``StepsTab`` from the package ``steps``."""
    tab_class: type[Tab[Any]] = getattr(import_module(f"{__name__}.{name}"), f"{name.capitalize()}Tab")
    return tab_class


TABS = tuple(map(_tab_class, NAMES))
