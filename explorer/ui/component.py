"""Components of our own: ``gr.HTML`` subclasses whose markup, style and script are files under ``web/``."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from typing import Any

import gradio as gr

from explorer.ui import localization as language

HERE = Path(__file__).parent
INCLUDE = re.compile(r"<!-- (\w+\.html) -->")
KATEX_FONTS = {
    "KaTeX_Main": ("normal", "KaTeX_Main-Regular.woff2"),
    "KaTeX_Math": ("italic", "KaTeX_Math-Italic.woff2"),
}


def read(name: str) -> str:
    return (HERE / "web" / name).read_text(encoding="utf-8")


def page_css() -> str:
    """The style of the whole page, with the two fonts of the formulas inside it, so that nothing is fetched for them."""
    faces = "".join(
        f'@font-face {{ font-family: "{family}"; font-style: {style}; src: url(data:font/woff2;base64,'
        f"{b64encode((HERE / 'fonts' / file).read_bytes()).decode()}) }}\n"
        for family, (style, file) in KATEX_FONTS.items()
    )
    return faces + read("theme.css") + read("projector.css") + read("asking.css")


def page_head() -> str:
    """The script that all components of the page share, see :mod:`explorer.ui.localization`."""
    text = language.script().replace("</", "<\\/")  # nothing in it may end it
    return f"<script>{text}</script>"


def lesson() -> dict[str, Any]:
    """The stops of the lesson and the examples, each with the query of its settings; their words are in the texts."""
    given: dict[str, Any] = json.loads((HERE / "lesson.json").read_text(encoding="utf-8"))
    return given


def markup(name: str) -> str:
    """A file of markup, with the files that its comments name put in their places."""
    return INCLUDE.sub(lambda match: markup(match[1]), read(name))


@lru_cache
def quoted(script: str) -> frozenset[str]:
    """The words that stand in quotes in a script."""
    return frozenset(re.findall(r"""(?<=['"`])\w+(?=['"`])""", script))


class WebComponent(gr.HTML):
    """``gr.HTML`` from files under ``web/``: ``<name>.html``, the styles and the scripts, each kind sharing one scope.

    A comment in the markup that names a file stands for that file. The value is any JSON value. Markup and style pass
    through two template engines, so they hold no backslash, backtick, ``${`` or ``{{``.
    """

    name = ""
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(
            value,
            html_template=markup(f"{self.name}.html"),
            css_template="\n".join(read(style) for style in self.styles),
            js_on_load="\n".join(read(script) for script in self.scripts),
            apply_default_css=False,
            **kwargs,
        )

    def __getattr__(self, name: str) -> Any:
        """An event that the script names, as in ``gr.HTML``; which reads the whole script for every name it does not have,
        some hundred of them whenever a page is opened."""
        if name not in quoted(self.__dict__.get("js_on_load") or ""):
            raise AttributeError(f"{type(self).__name__} has no attribute {name}, and its script no event of that name")
        return super().__getattr__(name)

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


class Controls(WebComponent):
    """The control column. Value: the fields of :class:`explorer.ui.query.Query` and of every tab's options, and ``count``
    (rises with every change)."""

    name = "controls"
    styles = ("controls.css", "inputs.css")
    scripts = ("math.js", "common.js", "checkpoint.js", "controls.js")


class Lesson(WebComponent):
    """The card at the foot of the window that leads through the lesson and says what to look at in an example. No value."""

    name = "lesson"
    styles = ("inputs.css", "lesson.css")
    scripts = ("math.js", "common.js", "keytable.js", "lesson.js")


class Guide(WebComponent):
    """What the tab in front is about, below it. No value."""

    name = "guide"
    styles = ("guide.css",)
    scripts = ("math.js", "common.js", "guide.js")


class Saver(WebComponent):
    """What brings files to the browser, and opens pictures that were saved. No picture of its own.

    Value: a wish as :meth:`explorer.ui.saving.Exporter.parse` reads it, with ``count``; then what ``Saves.make`` answers.
    """

    name = "saver"
    styles = ("saver.css",)
    scripts = ("common.js", "png.js", "saver.js")


class Keys(WebComponent):
    """The keys that all tabs share, the help that shows them, and the projector mode. No value."""

    name = "keys"
    styles = ("keys.css", "inputs.css")
    scripts = ("common.js", "keytable.js", "keys.js")


class Stage(WebComponent):
    """What a tab shows. Value: what the tab's ``stream`` makes of a run."""


SAVE_SCRIPTS = ("svg.js", "save.js")


class Player(Stage):
    """The Steps stage."""

    name = "player"
    styles = ("stage.css", "save.css", "player.css", "linked.css", "pin.css")
    scripts = (
        "math.js",
        "common.js",
        "charts.js",
        "keytable.js",
        "transport.js",
        "run.js",
        "charts_of_run.js",
        "panels.js",
        "track.js",
        "status.js",
        "memory.js",
        "player.js",
        "linked.js",
        "announce.js",
        *SAVE_SCRIPTS,
        "pin.js",
    )


PICTURE_STYLES = ("stage.css", "save.css", "inputs.css", "film.css")
PICTURE_SCRIPTS = (
    "math.js",
    "common.js",
    "charts.js",
    "keytable.js",
    "transport.js",
    "stage.js",
    "announce.js",
    *SAVE_SCRIPTS,
)


class CompareStage(Stage):
    """The Compare stage."""

    name = "compare"
    styles = PICTURE_STYLES
    scripts = (*PICTURE_SCRIPTS, "film.js", "compare.js")


class ConsistencyStage(Stage):
    """The Consistency stage."""

    name = "consistency"
    styles = (*PICTURE_STYLES, "consistency.css")
    scripts = (*PICTURE_SCRIPTS, "consistency.js")


class InterpolateStage(Stage):
    """The Interpolate stage."""

    name = "interpolate"
    styles = (*PICTURE_STYLES, "interpolate.css")
    scripts = (*PICTURE_SCRIPTS, "film.js", "interpolate.js")


class EncodeStage(Stage):
    """The Encode stage."""

    name = "encode"
    styles = (*PICTURE_STYLES, "chosen.css", "encode.css")
    scripts = (*PICTURE_SCRIPTS, "chosen.js", "film.js", "encode.js")


class ForwardStage(Stage):
    """The Forward stage."""

    name = "forward"
    styles = (*PICTURE_STYLES, "chosen.css", "forward.css")
    scripts = (*PICTURE_SCRIPTS, "chosen.js", "forward.js")


class PathsStage(Stage):
    """The Paths stage."""

    name = "paths"
    styles = (*PICTURE_STYLES, "paths.css")
    scripts = (*PICTURE_SCRIPTS, "png.js", "planes.js", "paths.js")


class QualityStage(Stage):
    """The Quality stage."""

    name = "quality"
    styles = (*PICTURE_STYLES, "quality.css")
    scripts = (*PICTURE_SCRIPTS, "quality.js")
