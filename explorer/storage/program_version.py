"""A text that identifies the program that computes results: its source and the packages whose numbers it uses."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from explorer.storage.disk_cache import key_of

PACKAGE = Path(__file__).resolve().parent.parent
COMPUTES_NO_RESULTS = ("bench", "cluster", "fuzz", "training", "ui/prepare", "ui/security")
NUMERIC_PACKAGES = ("torch", "numpy", "openvino")


@cache
def program_version() -> str:
    """Return a text that changes with the modules that compute results, and with the versions of :data:`NUMERIC_PACKAGES`.

    These are all modules but those in :data:`COMPUTES_NO_RESULTS`. The text depends on the content of the modules, so that it changes in a working copy too, whose version number stays the same.
    """
    modules = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    computing = [name for name in sorted(modules) if not name.startswith(COMPUTES_NO_RESULTS)]
    sources = (part for name in computing for part in (name, modules[name].read_bytes()))
    return key_of(*sources, *map(package_version, NUMERIC_PACKAGES))


def package_version(package: str) -> str:
    """Return the installed version of a package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
