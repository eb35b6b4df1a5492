"""How fast does gradient descent converge against d/n: seen, linearised, promised by the proof, and printed?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, bars, cite, curve, heads, legend, panels, plain_ticks, under
from untrained.figures.style import BLUE, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record

_SEEN = {"rate": ("whole run", BLUE, "o"), "rate_late": ("last half of it", ORANGE, "s")}
_THEORY = (
    ("edge", "rate", r"$\eta\,\sigma_{\min}(J_0)^2$, limit"),
    ("theorem", "rate_promised", r"Theorem B.5, actual $\alpha$"),
    ("printed", "rate", "Theorem 4.1 as printed"),
    ("proof", "rate", "Theorem 4.1 by its proof"),
)


def fig_study_rate(folder: Path = FOLDER) -> Figure:
    """Draw 1 - factor per step against d/n, a panel for each n: seen, linearised, promised by theorem and proof.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "rate", folder)
    rows, sizes = record["rows"], record["axes"]["n"]
    figure, places = panels(1, len(sizes), 2.9, sharey=True)
    for n, axes in zip(sizes, places, strict=True):
        _panel(axes, pick(rows, n=n))
    places[0].set_ylabel(r"$1-$ factor per step")
    heads(places, [_title(n, pick(rows, n=n)) for n in sizes], 54)
    handles = dict(zip(*reversed(places[0].get_legend_handles_labels()), strict=True))
    kinds = {"simulation": list(_names()), "theory": [name for _, _, name in _THEORY]}
    legend(figure, {kind: [handles[name] for name in names] for kind, names in kinds.items()}, "outside upper center")
    runs = record["axes"]["runs"][0] * record["seeds"]
    says = (
        f"Marks: medians of up to {runs} runs that converged, at the proof's step 1/β²; bars: the middle half of them. "
        "Dotted: the linearised rate as n grows. The printed rate belongs to the printed step, which is longer: it "
        "lies above what is seen at narrow widths."
    )
    claims = (
        "vanveen18.thm41.printed",
        "vanveen18.thm41.proof",
        "own.practice.rate.printed",
        "own.practice.rate.proof",
    )
    under(figure, says + cite(folder, *claims))
    return figure


def _names() -> list[str]:
    return [name for name, _, _ in _SEEN.values()]


def _panel(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for source, quantity, name in _THEORY:
        chosen = [row for row in pick(rows, source=source, quantity=quantity) if row["value"] > 0]
        curve(axes, chosen, "ratio", label=name, **THEORY[source])
    for quantity, (name, colour, marker) in _SEEN.items():
        rates = pick(rows, source="simulation", quantity=quantity)
        face = {"markersize": 5, "markerfacecolor": "none"} if marker == "s" else {}
        bars(axes, rates, "ratio", color=colour, marker=marker, linestyle="", label=name, **face)
    axes.set(xscale="log", yscale="log", xlabel=r"width over outputs, $d/n$", ylim=(1e-3, 1))
    plain_ticks(axes, (10, 100, 1000, 10000), (0.001, 0.01, 0.1, 1))


def _title(n: int, rows: list[dict[str, Any]]) -> str:
    """How many times faster than the proof's promise it is, at the least and at the widest."""
    promised = {row["ratio"]: row["value"] for row in pick(rows, source="theorem", quantity="rate_promised")}
    rates = {row["ratio"]: row["value"] for row in pick(rows, source="simulation", quantity="rate")}
    times = [rates[ratio] / promised[ratio] for ratio in rates if ratio in promised]
    return f"n = {n}: {min(times):.0f} to {max(times):.0f} times as fast as Theorem B.5 promises"
