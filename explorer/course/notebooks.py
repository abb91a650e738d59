"""Notebooks of the labs: for learners, with stubs; and the instructor's key, with solutions and answers.

The files are written as JSON, nbformat 4.5, so that no package of Jupyter's is needed to make them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from explorer.course.lab_source import Block, lab_names, read_lab

TEXTS = Path(__file__).parent / "texts.json"
LANGUAGES = ("en", "zh", "ko")
PACKAGE = "ddim-explorer"
HAND_IN = """for name, text in predictions.items():
    print(f"{name}: {text}")
for name, report in reports.items():
    print(f"{'✓' if report.passed else '✗'} {name}")"""


@dataclass(frozen=True)
class Version:
    """Which notebook of a lab.

    Attributes:
        language: "en", "zh" or "ko".
        key: the instructor's key instead of the learners' notebook.
        install: what pip installs on Colab and Kaggle: a package, the address of a wheel, or git+https://...
    """

    language: str
    key: bool = False
    install: str = PACKAGE


@cache
def course_texts(language: str) -> Mapping[str, Any]:
    """The texts of the course in a language."""
    return json.loads(TEXTS.read_text(encoding="utf-8"))[language]


def notebook(lab: str, version: Version) -> dict[str, Any]:
    """Return the notebook of a lab, nbformat 4.5."""
    cells = [cell for block in read_lab(lab) for cell in _cells(block, version)]
    if version.key:
        cells[0]["source"] += f"\n\n**{course_texts(version.language)['key']}**"
    for number, cell in enumerate(cells):
        cell["id"] = f"{lab[0]}-{number:02}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}


def write_notebooks(folder: Path, languages: tuple[str, ...], install: str = PACKAGE) -> list[Path]:
    """Write all labs and their keys: ``folder/<language>/<lab>.ipynb`` and ``folder/<language>/key/<lab>.ipynb``."""
    written = []
    for language in languages:
        for key in (False, True):
            for lab in lab_names():
                path = folder / language / ("key" if key else "") / f"{lab}.ipynb"
                path.parent.mkdir(parents=True, exist_ok=True)
                content = notebook(lab, Version(language, key, install))
                path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
                written.append(path)
    return written


def _cells(block: Block, version: Version) -> Iterator[dict[str, Any]]:
    texts, section = course_texts(version.language), block.sections
    if block.kind == "text":
        yield _text(section[version.language])
    elif block.kind == "code":
        yield _code(_filled(section[""], version))
    elif block.kind == "task":
        name, *how = block.words
        body = section["solution" if version.key else "stub"]
        yield _code(_filled(f"{section['']}\n{body}", version))
        yield _code(_solver_check(name) if how else f'check("{name}", {name})')
    elif block.kind == "question":
        (name,) = block.words
        yield _text(f"**{texts['predict']}.** {section[version.language]}")
        if version.key:
            yield _text(f"**{texts['answer']}.** {section[f'answer {version.language}']}")
        yield _code(f'predictions["{name}"] = ""')
    elif block.kind == "handin":
        yield _text(f"## {texts['hand_in']}\n{section[version.language]}")
        yield _code(HAND_IN)


def _solver_check(name: str) -> str:
    return f'reports["{name}"] = check_solver("{name}", {name}, language=LANGUAGE)\nreports["{name}"]'


def _filled(source: str, version: Version) -> str:
    values = {"todo": course_texts(version.language)["todo"], "language": version.language, "install": version.install}
    for name, value in values.items():
        source = source.replace(f"<<{name}>>", value)
    return source


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": source}
