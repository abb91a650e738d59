"""The custom elements of the page as ``gr.HTML`` components.

A custom element such as ``<explorer-compare>`` has its markup, style sheet and module in one folder: ``tabs/compare/tab.html``,
``tab.css`` and ``tab.js``, or ``shell/guide.html`` and so on. Styles and modules are served as static files, see
:mod:`explorer.ui.static_files`. A few lines of script in each component connect the element to Gradio.
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
CONNECT_SCRIPT = """import(new URL("{files}/web/gradio.js", document.baseURI)).then((gradio) =>
  gradio.connect("{name}", "{module}", {{ element, trigger, props, server, watch }}));
// Gradio listens to the events whose names are quoted here: {events}"""


def markup(path: str) -> str:
    """Read a file of markup and expand its includes.

    A comment ``<!-- name.html -->`` includes a file from the same folder or from ``web/``. Two of Gradio's template engines
    process the markup, so it must not contain a backslash, a backtick, ``${`` or ``{{``.

    Args:
        path: of the file, below ``explorer/ui``.
    """
    text = (HERE / path).read_text(encoding="utf-8")
    return INCLUDE.sub(lambda match: markup(_included_path(path, match[1])), text)


def _included_path(path: str, name: str) -> str:
    same_folder = Path(path).parent / name
    return same_folder.as_posix() if (HERE / same_folder).exists() else f"web/{name}"


def custom_element(
    name: str, folder: str, file: str, value: Any = None, events: Sequence[str] = (), **props: Any
) -> gr.HTML:
    """Create the component of the element ``<explorer-name>``.

    Args:
        name: of the element.
        folder: of its files, below ``explorer/ui``.
        file: stem of its ``.html``, ``.css`` and ``.js`` files.
        value: of the component, as JSON.
        events: events that the page can trigger; the component has a listener method for each.
        props: arguments of ``gr.HTML``; the page's module receives unknown ones as they are, see ``web/gradio.js``.
    """
    script = CONNECT_SCRIPT.format(
        files=static_files.base_url(),
        name=name,
        module=f"{folder}/{file}.js",
        events=", ".join(f"'{event}'" for event in events),
    )
    content = markup(f"{folder}/{file}.html")
    component = gr.HTML(
        value,
        # Hidden until the style sheet has loaded: it sets the display of class "part".
        html_template=f'<explorer-{name} class="part" style="display: none">{content}</explorer-{name}>',
        css_template="",
        js_on_load=script,
        apply_default_css=False,
        **({"elem_id": name} | props),
    )
    component.api_info = lambda: {"type": "object"}  # type: ignore[method-assign]
    return component


def tab(name: str, **props: Any) -> gr.HTML:
    """The content of a tab. Its value is what :meth:`explorer.ui.tab.Tab.run` yields."""
    return custom_element(name, f"tabs/{name}", "tab", events=["stop"], **props)


def controls(value: Any, tabs: Sequence[str], **props: Any) -> gr.HTML:
    """The control column.

    Args:
        value: the fields of :class:`explorer.ui.query.Query` and of every tab's options. The page adds ``count``, which rises
            with every change.
        tabs: names of the tabs; each has an event ``run_<name>``.
        props: see :func:`custom_element`.
    """
    return custom_element("controls", "shell", "controls", value, ["input", *(f"run_{name}" for name in tabs)], **props)


def lesson_card() -> gr.HTML:
    """The card at the bottom of the window with the steps of the lesson and the hints of the examples. It has no value."""
    return custom_element("lesson", "shell", "lesson")


def guide() -> gr.HTML:
    """The explanations below the selected tab. It has no value."""
    return custom_element("guide", "shell", "guide")


def derivations(**props: Any) -> gr.HTML:
    """The derivation cards of the selected tab. It has no value."""
    return custom_element("derivations", "shell", "derivations", **props)


def saver(**props: Any) -> gr.HTML:
    """Downloads exported files and opens saved pictures. It is invisible.

    The page sets its value to a request with a ``count``, see :meth:`explorer.ui.saving.Exporter.parse`. Python answers with
    the values of :meth:`explorer.ui.saving.Exporter.make`.
    """
    return custom_element("saver", "shell", "saver", events=["make", "stop"], **props)


def keyboard_help() -> gr.HTML:
    """The keyboard shortcuts of all tabs, the help that lists them, and the projector mode. It has no value."""
    return custom_element("help", "shell", "help", elem_id="keys")


def handout() -> gr.HTML:
    """The handout of two pages, which lies over the page when it is open. It has no value."""
    return custom_element("handout", "shell", "handout")


def lesson() -> dict[str, Any]:
    """Read ``lesson.json``: the steps of the lesson and the examples, each with its settings as a query string."""
    lesson_json: dict[str, Any] = json.loads((HERE / "lesson.json").read_text(encoding="utf-8"))
    return lesson_json


def references() -> list[dict[str, Any]]:
    """Read ``references.json``: key, topic, authors, year, title and arXiv id of everything that a text may cite."""
    entries: list[dict[str, Any]] = json.loads((HERE / "references.json").read_text(encoding="utf-8"))
    return entries


def page_head(tabs: Sequence[str]) -> str:
    """Return the page's HTML for ``<head>``.

    Args:
        tabs: names of the tabs in their order on the page.
    """
    config = {
        "languages": localization.LANGUAGE_NAMES,
        "tabs": list(tabs),
        "lesson": lesson(),
        "references": references(),
    }
    return static_files.head_html(config)
