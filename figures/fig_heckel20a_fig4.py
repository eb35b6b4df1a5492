"""How much sooner than noise do networks fit an image, by architecture and width?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import (
    band,
    bars,
    cite,
    curve,
    heads,
    key,
    levels,
    looks,
    panels,
    plain_ticks,
    strip,
    under,
)
from untrained.figures.style import BLUE, GREEN, GREY, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_ARCHITECTURES = {
    "deep decoder": (BLUE, "o"),
    "fixed convolutions": (GREEN, "s"),
    "deconvolutions": (PURPLE, "^"),
    "trained convolutions": (ORANGE, "D"),
}
_TITLES = (
    "A deep decoder fits an image long before noise",
    "Trained convolutions: the wider, the sooner noise",
    "Down to 0.5 noise is later in all but trained convolutions",
    "Down to 0.1 at every width only with fixed kernels",
)
_TARGETS = {"shepp-logan": ("image", "-"), "noise": ("noise", (0, (4, 1.2)))}


def fig_heckel20a_fig4(folder: Path = FOLDER) -> Figure:
    """Draw losses against steps at two architectures, and how much later noise is fitted than an image, at all four.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig4", folder)
    figure, places = panels(2, 2, 4.5)
    for axes, architecture in zip(places, ("deep decoder", "trained convolutions"), strict=False):
        _losses(axes, pick(record["rows"], architecture=architecture))
    places[1].sharey(places[0])
    places[0].set_ylabel("loss over that of the mean")
    places[2].set_ylabel("steps: noise over image")
    _key_of_losses(places[0], levels(record["rows"], "width"))
    for axes, level in zip(places[2:], ("0.5", "0.1"), strict=True):
        _ratios(axes, record["rows"], level)
    heads(places, _TITLES, 60)
    strip(figure, [key(name, color=colour, marker=marker) for name, (colour, marker) in _ARCHITECTURES.items()])
    size, steps = record["axes"]["size"][0], record["axes"]["steps"][0]
    says = (
        f"Shepp-Logan and uniform noise at {size}x{size}, gradient descent with momentum, {steps} steps; marks are "
        f"medians of {record['seeds']} seeds, bands and bars from the least to the most. c, d: steps until the loss is "
        "so small; hollow: a lower bound, as noise was not fitted to that level in every run."
    )
    under(figure, says + cite(folder, "own.low_pass", about="for one layer"))
    return figure


def _losses(axes: Axes, rows: _Rows) -> None:
    for width, look in looks(levels(rows, "width")).items():
        for target, (_, line) in _TARGETS.items():
            chosen = [row for row in pick(rows, quantity="loss", target=target, width=width) if row["step"]]
            curve(axes, chosen, "step", **{**look, "markersize": 2.8, "linestyle": line})
            band(axes, chosen, "step", look["color"], 0.12)
    axes.set(xscale="log", yscale="log", xlabel="steps", ylim=(1e-3, 12))
    plain_ticks(axes, (1, 10, 100, 1000), (0.001, 0.01, 0.1, 1, 10))


def _key_of_losses(axes: Axes, widths: list[int]) -> None:
    entries = [key(f"width {width}", **look) for width, look in looks(widths).items()]
    lines = [key(name, color=GREY, linestyle=line) for name, line in _TARGETS.values()]
    axes.legend(handles=[*entries, *lines], loc="lower left")


def _ratios(axes: Axes, rows: _Rows, level: str) -> None:
    """Bars against weights; hollow where noise was not fitted in some run, so that the ratio is a lower bound."""
    for architecture, (colour, marker) in _ARCHITECTURES.items():
        chosen = pick(rows, quantity=f"ratio at {level}, at least", architecture=architecture)
        whole = pick(rows, quantity=f"noise fitted to {level}", architecture=architecture, value=1.0)
        fitted = {row["width"] for row in whole}
        look = {"color": colour, "linestyle": "", "marker": marker}
        curve(axes, chosen, "weights", color=colour, linewidth=0.8)
        bars(axes, [row for row in chosen if row["width"] in fitted], "weights", **look)
        bars(axes, [row for row in chosen if row["width"] not in fitted], "weights", markerfacecolor="white", **look)
    axes.axhline(1, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xscale="log", yscale="log", xlabel="weights of the network", ylim=(0.4, 26))
    plain_ticks(axes, (3000, 10000, 30000), (0.5, 1, 2, 5, 10, 20))
