"""The Chromium that the browser tests drive."""

from __future__ import annotations

import shutil

# The headless shell is Chromium without windows and their compositor. It takes half the processor time.
EXECUTABLES = ("chromium-headless-shell", "chromium", "google-chrome")


def chromium() -> str | None:
    """Path of the first of :data:`EXECUTABLES` that is installed; ``None`` where there is none."""
    return next(filter(None, map(shutil.which, EXECUTABLES)), None)
