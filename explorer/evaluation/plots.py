"""Figures of measurements, drawn by matplotlib, for model cards."""

from __future__ import annotations

from matplotlib.figure import Figure

from explorer.evaluation.held_out_loss import HeldOutLoss

TITLE_COLOUR, TICK_COLOUR, AXIS_COLOUR, LINE_COLOUR, GRID_COLOUR = "#16191D", "#59616B", "#A9B0B8", "#80185A", "#EEF0F2"


def loss_figure(loss: HeldOutLoss, bins: int = 40) -> Figure:
    """Plot the held-out loss over t, averaged in ``bins`` bins, with a logarithmic loss axis."""
    curve = loss.curve(bins)
    figure = Figure(figsize=(6.4, 3.2), layout="constrained", dpi=150)
    axes = figure.subplots()
    axes.plot([t for t, _ in curve], [loss for _, loss in curve], color=LINE_COLOUR, linewidth=2)
    axes.set(
        yscale="log", xlim=(0, None), xlabel="t", title="Mean squared error of predicted noise on held-out pictures"
    )
    axes.title.set(fontsize=10, color=TITLE_COLOUR)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(AXIS_COLOUR)
    axes.tick_params(colors=TICK_COLOUR)
    axes.grid(axis="y", color=GRID_COLOUR)
    return figure
