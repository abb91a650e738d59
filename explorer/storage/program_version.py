"""A text that identifies the program that computes results: its source and the packages whose numbers it uses."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from explorer.storage.disk_cache import key_of

PACKAGE = Path(__file__).resolve().parent.parent
NUMERIC_PACKAGES = ("torch", "numpy", "openvino")


@cache
def program_version() -> str:
    """Return a text that changes with any module of this package, and with the versions of :data:`NUMERIC_PACKAGES`.

    It depends on the content of the modules, so that it changes in a working copy too, whose version number stays the same.
    """
    modules = sorted(PACKAGE.rglob("*.py"))
    sources = (part for path in modules for part in (path.relative_to(PACKAGE).as_posix(), path.read_bytes()))
    return key_of(*sources, *map(package_version, NUMERIC_PACKAGES))


def package_version(package: str) -> str:
    """Return the installed version of a package; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
