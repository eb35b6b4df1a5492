"""How fast does gradient descent converge, seen and promised?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.study_drawing import LABEL, SOURCES, band, curve, levels
from untrained.figures.style import BLUE, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record


def fig_study_rate(folder: Path = FOLDER) -> Figure:
    """Draw 1 - factor per step against d/n, a panel for each n: seen, linearised, promised by theorem and proof.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "rate", folder)["rows"]
    sizes = levels(rows, "n")
    figure = Figure(figsize=(3.6 * len(sizes), 3.3), layout="constrained")
    panels = figure.subplots(1, len(sizes), sharey=True, squeeze=False)[0]
    for n, axes in zip(sizes, panels, strict=True):
        _panel(axes, [row for row in rows if row["n"] == n])
        axes.set_title(f"n = {n}", fontsize=8)
    panels[0].set_ylabel(r"$1-$ factor per step, at $\eta=1/\beta^2$")
    panels[-1].legend(loc="lower right", **LABEL)
    return figure


def _panel(axes: Axes, rows: list[dict[str, Any]]) -> None:
    seen, late = (pick(rows, source="simulation", quantity=name) for name in ("rate", "rate_late"))
    band(axes, seen, "ratio", BLUE)
    curve(axes, seen, "ratio", color=BLUE, marker="o", markersize=2.5, label="seen, whole run")
    curve(axes, late, "ratio", color=ORANGE, marker="s", markersize=2.5, label="seen, last half")
    limit = [row for row in pick(rows, source="edge", quantity="rate") if row["value"] > 0]
    curve(axes, limit, "ratio", **SOURCES["edge"], label=r"$\eta\,\sigma_{\min}(J_0)^2$, limit")
    promised = pick(rows, source="theorem", quantity="rate_promised")
    curve(axes, promised, "ratio", **SOURCES["theorem"], label=r"theorem, actual $\alpha$")
    curve(
        axes,
        pick(rows, source="printed", quantity="rate"),
        "ratio",
        **SOURCES["printed"],
        label="as printed, at its own step",
    )
    curve(axes, pick(rows, source="proof", quantity="rate"), "ratio", **SOURCES["proof"], label="by the proof")
    axes.set(xscale="log", yscale="log", xlabel=r"width over outputs, $d/n$")
