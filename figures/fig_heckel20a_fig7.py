"""What does the Jacobian of a line generator prefer, before and after it is fitted to a step with noise?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import band, bars, cite, curve, heads, looks, panels, plain_ticks, under
from untrained.figures.style import BLUE, GREY, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_TITLES = ("The spectrum falls in training, then recovers its tail", "Leading vectors hold the step, not the noise")


def fig_heckel20a_fig7(folder: Path = FOLDER) -> Figure:
    """Draw a line generator's singular values, and what of a step and of noise its leading vectors hold, by training.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig7", folder)
    moments = _moments(record["rows"], record["axes"]["steps"])
    figure, (left, right) = panels(1, 2, 2.6)
    for name, look in looks(moments).items():
        values = [row for row in pick(moments[name], quantity="value") if row["value"] is not None]
        band(left, values, "place", look["color"], 0.15)
        curve(left, values, "place", label=name, **look)
    left.set(xscale="log", yscale="log", xlabel="place of the singular value", ylabel="singular value")
    plain_ticks(left, (1, 2, 5, 10, 20, 50, 100))
    left.legend(loc="lower left")
    _energies(right, moments)
    heads((left, right), _TITLES, 60)
    n = record["axes"]["n"][0]
    says = (
        f"Four layers of {record['axes']['channels'][0]} channels on {n} points, fitted to a step with noise of "
        f"deviation 0.2; marks are medians of {record['seeds']} seeds, bands and bars from the least to the most. "
        f"Grey: what {n // 16} vectors at random hold."
    )
    under(figure, says + cite(folder, "own.low_pass", "heckel20a.sigma", about="for one layer"))
    return figure


def _moments(rows: _Rows, steps: list[int]) -> dict[str, _Rows]:
    """The rows at the start, which each number of steps tells alike, and after each of them."""
    after = {f"after {count} steps": pick(rows, when="after", steps=count) for count in sorted(steps)}
    return {"at the start": pick(rows, when="before", steps=min(steps)), **after}


def _energies(axes: Axes, moments: dict[str, _Rows]) -> None:
    n = moments["at the start"][0]["n"]
    for quantity, colour, marker in (("step", BLUE, "o"), ("noise", ORANGE, "s")):
        points = [
            row | {"time": time} for time, rows in enumerate(moments.values()) for row in pick(rows, quantity=quantity)
        ]
        bars(axes, points, "time", color=colour, marker=marker, label=f"of the {quantity}")
    axes.axhline((n // 16) / n, color=GREY, linewidth=0.6, zorder=0)
    axes.set_xticks(range(len(moments)), list(moments))
    axes.set(xlim=(-0.3, len(moments) - 0.7), ylim=(0, 1.02), ylabel=f"share of energy in {n // 16} leading vectors")
    axes.legend(loc="center right")
