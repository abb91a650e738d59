"""Files that are saved, as a page gets them, and as other readers open them."""

import csv
import io
import os
from types import SimpleNamespace

import numpy as np
from PIL import Image
from tab_values import ALL_TABS, SMALL

EXPORT_FORMATS = {name: tab.export_formats for name, tab in ALL_TABS.items()}
GIVEN = SMALL | {"steps": {"seed": 3, "steps": 6, "eta": 0.5, "noise_seed": 5}}


def answers_of(exporter, tab, kind, view=None, **change):
    """Every answer to a request for a file; the last one with the file's bytes."""
    values = {"tab": tab, "kind": kind, "settings": GIVEN.get(tab, {}) | change, "view": view or {}, "count": 3}
    answers = []
    for value in exporter.make(values, SimpleNamespace(session_hash="a")):
        assert value["count"] == 3
        if value["state"] == "done":
            value["data"] = open(value["file"]["path"], "rb").read()  # noqa: SIM115
            assert os.path.basename(value["file"]["path"]) == value["name"]
        answers.append(value)
    return answers


def file_of(exporter, tab, kind, view=None, **change):
    last = answers_of(exporter, tab, kind, view, **change)[-1]
    assert last["state"] == "done", last
    return last["data"]


def png_of(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def rows_of(data):
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))
