"""Keep the modules that earlier scripts import under the names that they had then."""

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
    "explorer.paths": "explorer.plane",
}


class RenamedModules(MetaPathFinder, Loader):
    """Import a module of :data:`RENAMED` by its earlier name, with a :class:`DeprecationWarning`."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of a module that has another name now; None for any other module."""
        return spec_from_loader(fullname, self) if fullname in RENAMED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module with the public names of the one that it is called now."""
        new = RENAMED[spec.name]
        warnings.warn(f"{spec.name} is called {new} now", DeprecationWarning, stacklevel=2)
        module = ModuleType(spec.name, f"The earlier name of :mod:`{new}`.")
        module.__getattr__ = importlib.import_module(new).__getattribute__  # type: ignore[method-assign]
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is left to do."""


def install() -> None:
    """Make the earlier names importable in this process."""
    if not any(isinstance(finder, RenamedModules) for finder in sys.meta_path):
        sys.meta_path.append(RenamedModules())
