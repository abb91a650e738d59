"""Components of our own: ``gr.HTML`` subclasses whose markup, style and script are files under ``web/``."""

from __future__ import annotations

from base64 import b64encode
from pathlib import Path
from typing import Any

import gradio as gr

HERE = Path(__file__).parent
KATEX_FONTS = {"KaTeX_Main": "KaTeX_Main-Regular.woff2", "KaTeX_Math": "KaTeX_Math-Italic.woff2"}


def read(name: str) -> str:
    return (HERE / "web" / name).read_text(encoding="utf-8")


def page_css() -> str:
    """The style of the whole page, with the two fonts of the formulas inside it, so that nothing is fetched for them."""
    faces = "".join(
        f'@font-face {{ font-family: "{family}"; src: url(data:font/woff2;base64,'
        f"{b64encode((HERE / 'fonts' / file).read_bytes()).decode()}) }}\n"
        for family, file in KATEX_FONTS.items()
    )
    return faces + read("theme.css")


class WebComponent(gr.HTML):
    """``gr.HTML`` from ``web/<name>.html``, ``.css`` and the scripts given, which share one scope in that order.

    Its value is any JSON value. Markup and style pass through two template engines, so they hold no backslash, backtick,
    ``${`` or ``{{``.
    """

    name = ""
    scripts: tuple[str, ...] = ()

    def __init__(self, value: Any = None, **kwargs: Any) -> None:
        super().__init__(
            value,
            html_template=read(f"{self.name}.html"),
            css_template=read(f"{self.name}.css"),
            js_on_load="\n".join(read(script) for script in self.scripts),
            apply_default_css=False,
            **kwargs,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}


class Controls(WebComponent):
    """The control column. Value: the fields of :class:`explorer.ui.state.Query`, ``count`` (rises with every change)."""

    name = "controls"
    scripts = ("math.js", "controls.js")


class Player(WebComponent):
    """The Steps stage. Value: what :mod:`explorer.ui.stream` makes of a run."""

    name = "player"
    scripts = (
        "math.js",
        "charts.js",
        "run.js",
        "charts_of_run.js",
        "panels.js",
        "track.js",
        "status.js",
        "player.js",
    )
