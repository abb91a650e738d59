"""The tabs in their order on the page. Each tab is a package with the same modules:

- ``tab.py``: its settings and validation, and the run.
- ``result.py``: the typed result of a run, and its value for the page.
- ``exports.py``: the entries of its Save menu.
- ``endpoints.py``: its endpoints of the public API, if it has any.
- ``texts.json``: its English texts; ``tab.html``, ``tab.css``, ``tab.js``: its custom element.
"""

from __future__ import annotations

from typing import Any

from explorer.ui.tab import Tab
from explorer.ui.tabs.compare import CompareTab
from explorer.ui.tabs.consistency import ConsistencyTab
from explorer.ui.tabs.encode import EncodeTab
from explorer.ui.tabs.forward import ForwardTab
from explorer.ui.tabs.interpolate import InterpolateTab
from explorer.ui.tabs.paths import PathsTab
from explorer.ui.tabs.quality import QualityTab
from explorer.ui.tabs.steps import StepsTab

TABS: tuple[type[Tab[Any]], ...] = (
    StepsTab,
    CompareTab,
    ConsistencyTab,
    InterpolateTab,
    EncodeTab,
    ForwardTab,
    PathsTab,
    QualityTab,
)
