"""How many neurons change sign, and how far does the Jacobian move, against the distance R that W has gone?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, bars, cite, curve, heads, key, legend, panels, plain_ticks, under
from untrained.figures.style import BLUE, GREEN, GREY, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_COUNTS = (
    ("simulation", "off", "end of descent", BLUE, "o"),
    ("worst case", "worst_on", "worst of those on", GREEN, "^"),
    ("worst case", "worst_all", "worst of all neurons", ORANGE, "s"),
)
_CHANGES = (("simulation", "change", BLUE, "o"), ("worst case", "worst_change", ORANGE, "s"))
"""Source, quantity, name and look of what was drawn or searched."""
_NEAR, _FAR = 0.012, 1.6


def fig_study_signs(folder: Path = FOLDER) -> Figure:
    """Draw neurons switched off and ||J - J_0|| against R/sqrt(d): marks, in the worst case and bounded.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "signs", folder)
    n = record["axes"]["n"][-1]
    rows = _against_radius(pick(record["rows"], n=n))
    figure, places = panels(1, 2, 2.95)
    for axes in places:
        axes.set(xscale="log", yscale="log", xlim=(_NEAR, _FAR), xlabel=r"distance gone, $R/\sqrt{d}$")
        plain_ticks(axes, (0.02, 0.05, 0.1, 0.2, 0.5, 1))
        _widths(axes, rows)
    _signs(places[0], rows)
    _changes(places[1], rows)
    heads(places, _titles(rows), 48)
    legend(figure, _entries(), "outside upper center")
    under(figure, _caption(record, n) + cite(folder, *_CLAIMS))
    return figure


_CLAIMS = (
    "vanveen18.lemC2",
    "vanveen18.lemB2.printed",
    "vanveen18.lemB2.corrected",
    "own.descent.off_stays_off",
    "own.descent.jacobian",
)


def _against_radius(rows: _Rows) -> _Rows:
    """Each row with R/sqrt(d) at the end of its runs; counts as shares of the width."""
    radii = {row["ratio"]: row["value"] for row in pick(rows, quantity="radius")}
    result = []
    for row in rows:
        d = round(row["n"] * row["ratio"])
        scale = d if row["quantity"].split()[0] in ("off", "worst_all", "worst_on") else 1
        numbers = {end: None if row[end] is None else row[end] / scale for end in ("value", "low", "high")}
        result.append({**row, **numbers, "R": radii[row["ratio"]] / math.sqrt(d)})
    return result


def _worst_share(count: int = 80) -> tuple[list[float], list[float]]:
    """R/sqrt(d) and the share that a ball of that radius can flip as d grows, by the normal law of |<w, z>|/||z||."""
    levels = [0.02 * (200 ** (k / count)) for k in range(count + 1)]
    shares = [math.erf(t / math.sqrt(2)) for t in levels]
    costs = [q - t * math.sqrt(2 / math.pi) * math.exp(-t * t / 2) for q, t in zip(shares, levels, strict=True)]
    return [math.sqrt(max(cost, 0)) for cost in costs], shares


def _signs(axes: Axes, rows: _Rows) -> None:
    axes.plot(*_worst_share(), **THEORY["exact law"])
    places = [_NEAR * (_FAR / _NEAR) ** (k / 100) for k in range(101)]
    axes.plot(places, [min(1, 2 * (2 * x) ** (2 / 3)) for x in places], **THEORY["theorem"])
    for source, quantity, _, colour, marker in _COUNTS:
        bars(axes, pick(rows, source=source, quantity=quantity), "R", color=colour, marker=marker, linestyle="")
    axes.set(ylabel=r"neurons that change sign, share of $d$", ylim=(3e-3, 1.9))
    plain_ticks(axes, y=(0.01, 0.1, 1))


def _changes(axes: Axes, rows: _Rows) -> None:
    curve(axes, pick(rows, source="theorem", quantity="change at the distance gone"), "R", **THEORY["theorem"])
    curve(axes, pick(rows, source="simulation", quantity="allowed"), "R", **THEORY["proof"])
    for source, quantity, colour, marker in _CHANGES:
        bars(axes, pick(rows, source=source, quantity=quantity), "R", color=colour, marker=marker, linestyle="")
    axes.set(ylabel=r"$\|J-J_0\|\;/\;\nu\sqrt{d}\,\|z\|$", ylim=(0.04, 3))
    plain_ticks(axes, y=(0.05, 0.1, 0.2, 0.5, 1, 2))


def _widths(axes: Axes, rows: _Rows) -> None:
    """The d/n of the least and the farthest point, above them."""
    ends = sorted(pick(rows, quantity="radius"), key=lambda row: row["R"])
    for row in (ends[0], ends[-1]):
        place = axes.get_xaxis_transform()
        axes.text(
            row["R"], 0.99, f"d/n = {row['ratio']:g}", transform=place, ha="center", va="top", color=GREY, fontsize=6.3
        )


def _titles(rows: _Rows) -> tuple[str, str]:
    allowed = {row["ratio"]: row["value"] for row in pick(rows, quantity="allowed")}
    moved = {row["ratio"]: row["value"] for row in pick(rows, source="simulation", quantity="change")}
    inside = [ratio for ratio, value in moved.items() if value <= allowed[ratio]]
    ending = f"only from d = {min(inside):g} n on" if inside else "at no width shown"
    return (
        "Descent flips fewer signs than a ball of its radius can, and the lemma allows more still",
        f"The Jacobian moves by as little as the proof allows {ending}",
    )


def _entries() -> dict[str, Sequence[Any]]:
    marks = [key(name, color=colour, marker=marker, linestyle="") for _, _, name, colour, marker in _COUNTS]
    theory = [
        key("worst of a ball, exact, d without end", **THEORY["exact law"]),
        key("Lemma C.2 (a), Lemma B.2 as corrected (b)", **THEORY["theorem"]),
        key(r"allowed, $\alpha/3$ (b)", **THEORY["proof"]),
    ]
    return {"simulation and search (b: bad case)": marks, "theory": theory}


def _caption(record: dict[str, Any], n: int) -> str:
    axes = record["axes"]
    return (
        f"n = {n}, d/n from {axes['ratio'][0]:g} to {axes['ratio'][-1]:g}, {axes['runs'][0]} runs at each to their "
        "end, at distance R = ||W - W_0||: medians, bars the middle half. Squares and triangles: the most that any W "
        "as far away flips, of all neurons and of those that are on; in b a set chosen to move J far. The proof's own "
        "R = 60 √n lies at 60/√(d/n), right of 0.9 at every width here, where its bounds say nothing."
    )
