"""The app: run ``python app.py`` and open the URL that it prints. A Hugging Face Space runs this file unchanged."""

import sys
from threading import current_thread, main_thread
from typing import Any

from explorer.ui.command import build_demo, main


def __getattr__(name: str) -> Any:
    """Build ``demo``, the app with all checkpoints, when it is first used by a program that imports this file."""
    if name != "demo":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()["demo"] = build_demo()
    return globals()["demo"]


if __name__ == "__main__":
    if current_thread() is main_thread():
        sys.exit(main(on_built=lambda built: globals().update(demo=built)))
    demo = build_demo()  # ``gradio app.py`` runs this file again in another thread after every change
