"""Figures for cards and papers, by matplotlib."""

from __future__ import annotations

from matplotlib.figure import Figure

from explorer.evaluation.held_out_loss import HeldOutLoss

INK, SECOND, REFERENCE, NOISE = "#16191D", "#59616B", "#A9B0B8", "#80185A"


def loss_figure(measured: HeldOutLoss, bins: int = 40) -> Figure:
    """The held-out eps-MSE over t: hardest where there is least noise to find. Logarithmic in the loss."""
    curve = measured.curve(bins)
    figure = Figure(figsize=(6.4, 3.2), layout="constrained", dpi=150)
    axes = figure.subplots()
    axes.plot([t for t, _ in curve], [loss for _, loss in curve], color=NOISE, linewidth=2)
    axes.set(
        yscale="log", xlim=(0, None), xlabel="t", title="Mean squared error of predicted noise on held-out pictures"
    )
    axes.title.set(fontsize=10, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(REFERENCE)
    axes.tick_params(colors=SECOND)
    axes.grid(axis="y", color="#EEF0F2")
    return figure
