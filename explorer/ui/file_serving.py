"""Publishing files for download, in the folder from which Gradio serves files and which it clears by age."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
from gradio.processing_utils import hash_bytes
from gradio.utils import get_upload_folder

from explorer.storage.atomic_write import write_file


def publish_file(data: bytes, name: str) -> dict[str, Any]:
    """Write a file where Gradio would copy it, and return its ``gr.FileData`` as JSON.

    An identical file that exists already is not written again, because a page may be reading it.

    Raises:
        OSError: the disk is full or read-only.
    """
    path = Path(get_upload_folder()).resolve() / hash_bytes(data) / name
    if path.exists():
        path.touch()  # Gradio deletes files by their age
    else:
        write_file(path, data)
    return gr.FileData(path=str(path)).model_dump()
