"""The parts of the page as ``gr.HTML`` components, each made of the files of its name.

A part is a custom element, ``<explorer-compare>``, whose markup, style sheet and module lie in one folder:
``tabs/compare/tab.html``, ``tab.css``, ``tab.js``, or ``shell/guide.html`` and so on. Its style and script are served as files,
see :mod:`explorer.ui.static_files`; a few lines of script in the component connect the element to Gradio.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from explorer.ui import localization, static_files

HERE = Path(__file__).parent
INCLUDE = re.compile(r"<!-- (\w+\.html) -->")
CONNECT = """import(new URL("{files}/web/gradio.js", document.baseURI)).then((gradio) =>
  gradio.connect("{name}", "{module}", {{ element, trigger, props, server, watch }}));
// Gradio listens to the events whose names are quoted here: {events}"""


def markup(path: str) -> str:
    """A file of markup below ``explorer/ui``; a comment in it that names a file, beside it or in ``web/``, stands for that file.

    Two template engines of Gradio go over it, so it holds no backslash, backtick, ``${`` or ``{{``.
    """
    text = (HERE / path).read_text(encoding="utf-8")
    return INCLUDE.sub(lambda match: markup(_included(path, match[1])), text)


def _included(path: str, name: str) -> str:
    beside = Path(path).parent / name
    return beside.as_posix() if (HERE / beside).exists() else f"web/{name}"


def part(name: str, folder: str, file: str, value: Any = None, events: Sequence[str] = (), **props: Any) -> gr.HTML:
    """The component of an element ``<explorer-name>``.

    Args:
        folder, file: where its files are: ``folder/file.html`` and ``.js`` below ``explorer/ui``.
        events: what the page may trigger in Python, each with a listener of its name.
        props: of ``gr.HTML``; others are told to the page as they are, see ``web/gradio.js``.
    """
    script = CONNECT.format(
        files=static_files.address(),
        name=name,
        module=f"{folder}/{file}.js",
        events=", ".join(f"'{event}'" for event in events),
    )
    component = gr.HTML(
        value,
        # hidden until the style sheet is there, which Gradio loads while it draws: it shows what is of class part
        html_template=f'<explorer-{name} class="part" style="display: none">{markup(f"{folder}/{file}.html")}</explorer-{name}>',
        css_template="",
        js_on_load=script,
        apply_default_css=False,
        **({"elem_id": name} | props),
    )
    component.api_info = lambda: {"type": "object"}  # type: ignore[method-assign]
    return component


def tab(name: str, **props: Any) -> gr.HTML:
    """What a tab shows. Value: what the tab's ``stream`` makes of a run."""
    return part(name, f"tabs/{name}", "tab", events=["stop"], **props)


def controls(value: Any, tabs: Sequence[str], **props: Any) -> gr.HTML:
    """The control column. Value: the fields of :class:`explorer.ui.query.Query` and of every tab's options, and ``count``
    (rises with every change)."""
    return part("controls", "shell", "controls", value, ["input", *(f"run_{name}" for name in tabs)], **props)


def lesson_card() -> gr.HTML:
    """The card at the foot of the window that leads through the lesson and says what to look at in an example. No value."""
    return part("lesson", "shell", "lesson")


def guide() -> gr.HTML:
    """What the tab in front is about, below it. No value."""
    return part("guide", "shell", "guide")


def saver(**props: Any) -> gr.HTML:
    """What brings files to the browser, and opens pictures that were saved. No picture of its own.

    Value: a wish as :meth:`explorer.ui.saving.Exporter.parse` reads it, with ``count``; then what :meth:`~explorer.ui.saving.Exporter.make` answers.
    """
    return part("saver", "shell", "saver", events=["make", "stop"], **props)


def help_on_keys() -> gr.HTML:
    """The keys that all tabs share, the help that shows them, and the projector mode. No value."""
    return part("help", "shell", "help", elem_id="keys")


def lesson() -> dict[str, Any]:
    """The stops of the lesson and the examples, each with the query of its settings; their words are in the texts."""
    given: dict[str, Any] = json.loads((HERE / "lesson.json").read_text(encoding="utf-8"))
    return given


def page_head(tabs: Sequence[str]) -> str:
    """What the page loads before it draws anything; ``tabs`` in the order of the page."""
    return static_files.head({"languages": localization.LANGUAGE_NAMES, "tabs": list(tabs), "lesson": lesson()})
