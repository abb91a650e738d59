"""The tabs, one package each, in the order in which the page shows them."""

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
