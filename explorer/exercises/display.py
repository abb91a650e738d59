"""Display of reports in notebooks: the texts, and the solution's pictures beside the correct ones."""

from __future__ import annotations

from html import escape

import torch

from explorer.exercises.pictures import Pair
from explorer.exercises.report import Report
from explorer.exercises.texts import say
from explorer.media.convert import to_rgb, to_uint8
from explorer.media.notebook import figure, image, row
from explorer.support.rich_display import html

HEIGHT = 128  # of a picture, in pixels
COLOURS = {True: ("#1B7A3D", "#6FD08C"), False: ("#B3261E", "#FF8A80")}  # passed or not, for light and dark mode


@html.register
def report_html(report: Report) -> str:
    """The report with its pictures."""
    light, dark = COLOURS[report.passed]
    colour = f"{light};border-color:light-dark({light},{dark})"
    mark = "✓" if report.passed else "✗"
    title = f'<div style="font-weight:600">{mark} <code>{report.task}</code>: {escape(report.title)}</div>'
    body = "".join(f'<div style="max-width:72ch">{escape(line)}</div>' for line in report.lines)
    style = f"font:14px/1.6 system-ui,sans-serif;border-left:4px solid {colour};padding:2px 0 2px 12px"
    return f'<div style="{style}">{title}{body}{_pictures(report)}</div>'


def _pictures(report: Report) -> str:
    comparison = report.comparison
    if comparison is None:
        return ""
    pairs = [(_head(report, comparison.first), comparison.first)]
    if comparison.differ and comparison.final is not comparison.first:
        pairs.append((say(report.language, "pictures.final"), comparison.final))
    blocks = [f"<div>{escape(head)}</div>{row(_figures(report, pair), gap=24)}" for head, pair in pairs]
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px 40px;margin-top:6px">{_join(blocks)}</div>'


def _join(blocks: list[str]) -> str:
    return "".join(f"<div>{block}</div>" for block in blocks)


def _head(report: Report, pair: Pair) -> str:
    key = "pictures.first" if report.comparison and report.comparison.differ else "pictures.equal"
    return say(report.language, key, t=pair.t)


def _figures(report: Report, pair: Pair) -> list[str]:
    figures = []
    for name, picture in (("yours", pair.yours), ("correct", pair.correct)):
        caption = say(report.language, f"pictures.{name}")
        pixels = to_rgb(to_uint8(torch.nan_to_num(picture, 0.0, 1.0, -1.0)[None]))[0]
        figures.append(figure(escape(caption), image(pixels, escape(caption), HEIGHT)))
    return figures
