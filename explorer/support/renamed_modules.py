"""Deprecated module names: existing scripts can still import modules by their former names."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

RENAMED = {
    "explorer.exports": "explorer.media.exports",
    "explorer.given": "explorer.media.uploads",
    "explorer.paper": "explorer.support.paper_tables",
    "explorer.paths": "explorer.plane",
}


class RenamedModules(MetaPathFinder, Loader):
    """Import hook that resolves the names in :data:`RENAMED` and issues a :class:`DeprecationWarning`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a spec for a former name; None for any other module."""
        return spec_from_loader(fullname, self) if fullname in RENAMED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return a module that forwards attribute access to the renamed one."""
        new = RENAMED[spec.name]
        warnings.warn(f"{spec.name} is called {new} now", DeprecationWarning, stacklevel=2)
        module = ModuleType(spec.name, f"Former name of :mod:`{new}`.")
        module.__getattr__ = importlib.import_module(new).__getattribute__  # type: ignore[method-assign]
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: the module forwards to one that is imported already."""


def install() -> None:
    """Make the former names importable in this process."""
    if not any(isinstance(finder, RenamedModules) for finder in sys.meta_path):
        sys.meta_path.append(RenamedModules())
