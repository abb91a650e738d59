"""Files on their way to the page, in the folder that Gradio serves from and clears; no copy of them lies elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import hash_bytes
from gradio.utils import get_upload_folder

from explorer.storage.atomic_write import write_file


def publish_file(data: bytes, name: str) -> dict[str, Any]:
    """A file as a part of a component's value.

    It lies where Gradio would copy it to. Whoever serves the same again finds it there: it is not written over while a
    page may be reading it.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    path = Path(get_upload_folder()).resolve() / hash_bytes(data) / name
    if path.exists():
        path.touch()  # Gradio clears files by their age
    else:
        write_file(path, data)
    return gr.FileData(path=str(path)).model_dump()
