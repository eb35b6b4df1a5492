"""How wide must the network of Theorem 4.1 be: by the paper, by the sharper theorem, as seen, and at least?"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, bars, cite, heads, key, legend, panels, plain_ticks, under
from untrained.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, PALE
from untrained.sims.record.store import FOLDER, pick, read_record
from untrained.theory.ledger import ledger
from untrained.theory.objects.covered_widths import rate_for, usual_rate
from untrained.theory.objects.path_budget import least_aspect
from untrained.theory.objects.width_chain import improvements
from untrained.theory.wording import written

_Rows = list[dict[str, Any]]

_ROWS = (4, 6, 10, 16, 25, 40, 64, 100, 160, 256, 400, 640, 1000)
_STEP, _FAILURE = Fraction(1, 10), Fraction(1, 100)
_FROM = 10
"""Least n at which a failure of 1 % is shown."""
_ONE_PERCENT: dict[str, Any] = {"color": GREEN, "linestyle": (0, (5, 1.2))}
_DESCENT, _HUNDRED, _LIMIT = "own.sharper.descent", "own.sharper.descent.hundred", "own.sharper.descent.limit"
_PRINTED, _CONE = "vanveen18.width.printed", "own.descent.cone"


def fig_sharper_width(folder: Path = FOLDER) -> Figure:
    """Draw what each improvement of the proof saves, the constants against n, and what is certified and what is seen.

    Raises
    ------
    ValueError
        where the study of the phase diagram was not recorded.
    """
    study = read_record("study", "phase", folder)
    rows, runs = study["rows"], study["axes"]["runs"][0] * study["seeds"]
    figure, (fall, against, near) = panels(1, 3, 3.0, gridspec_kw={"width_ratios": (1.25, 1, 1)})
    _waterfall(fall)
    _constants(against, rows)
    _region(near, rows)
    heads((fall, against, near), _titles(_halves(rows)), 24)
    under(
        figure,
        "a: the least d/n that each proof serves, every improvement with those above it (bars) and alone (diamonds); "
        "in ball arithmetic, four digits. b: descent with a tenth of the proof's step, failure 5e^{-n/2} and 1 %; "
        f"dots: the d/n at which half of the descents converge, {runs} runs a cell, with 95 % likelihood "
        "intervals; below the lowest line most random signals have no fit. c: the same, near; hatched: certified "
        "with a failure of 1 %."
        + cite(folder, _DESCENT, _HUNDRED, _LIMIT, _CONE, "vanveen18.width.minimal", "own.sharper.least.descent"),
    )
    return figure


def _titles(halves: _Rows) -> tuple[str, str, str]:
    together = {step.claim: step.together for step in improvements()}
    saved = math.log10(together["own.path_budget.margins"] / together["own.path_budget.angles"])
    times = [_least(row["n"]) / row["value"] for row in halves]
    return (
        f"Charging neurons by their price saves {saved:.1f} orders",
        f"What was {written(_printed())} is {certified(_ROWS[0], None):.0f}",
        f"Proved: {min(times):.0f} to {max(times):.0f} times what is seen",
    )


@cache
def certified(rows: int, failure: Fraction | None) -> float:
    """The least d/n certified for so many rows: at the paper's failure probability, or at a stated one."""
    rate = usual_rate(rows, _STEP) if failure is None else rate_for(failure, rows, _STEP)
    return float(least_aspect(rate, Fraction(1, rows), _STEP, 4, 64)[1])


def _least(rows: int) -> float:
    return min(certified(rows, None), certified(rows, _FAILURE) if rows >= _FROM else math.inf)


def _printed() -> int:
    aspect: int = ledger()[_PRINTED].values["aspect"]
    return aspect


def _fit() -> list[float]:
    """The d/n up to which at most half of the signals have a fit."""
    cone = ledger()[_CONE].values
    return [cone["per_row"] + cone["offset"] / n for n in _ROWS]


def _waterfall(axes: Axes) -> None:
    steps = improvements()
    places = range(len(steps))
    axes.barh(places, [float(step.together) for step in steps], color=BLUE, height=0.62, left=1)
    alone = [(float(step.alone), place) for step, place in zip(steps, places, strict=True) if step.alone]
    axes.plot(*zip(*alone, strict=True), "D", color=ORANGE, markersize=3.2)
    for step, place in zip(steps, places, strict=True):
        axes.text(
            float(max(step.together, step.alone or 0)) * 3,
            place,
            _short(float(step.together)),
            va="center",
            fontsize=6.3,
        )
    axes.set(xscale="log", xlim=(1, 1e22), xlabel=r"least $d/n$", ylim=(len(steps) - 0.4, -0.6))
    axes.set_yticks(places, [step.name for step in steps])
    axes.tick_params(axis="y", length=0)
    axes.set_xticks([1, 1e4, 1e8, 1e12, 1e16])
    legend(
        axes,
        {"": [key("together", color=BLUE, linewidth=4), key("alone", color=ORANGE, marker="D", linestyle="")]},
        "lower right",
    )


def _short(width: float) -> str:
    if width < 10**4:
        return f"{width:.4g}"
    power = math.floor(math.log10(width))
    return rf"${width / 10**power:.2f}\times10^{{{power}}}$"


def _halves(rows: _Rows) -> _Rows:
    return pick(rows, source="simulation", quantity="half converged")


def _theory(axes: Axes) -> None:
    axes.plot(_ROWS, [certified(n, None) for n in _ROWS], color=BLUE)
    many = [n for n in _ROWS if n >= _FROM]
    axes.plot(many, [certified(n, _FAILURE) for n in many], **_ONE_PERCENT)
    axes.plot(_ROWS, _fit(), **THEORY["edge"])


def _constants(axes: Axes, rows: _Rows) -> None:
    printed = _printed()
    axes.axhline(printed, **THEORY["printed"])
    axes.text(_ROWS[0], printed / 4, f"as printed, {written(printed)}", va="top", fontsize=6.3, color=GREY)
    _theory(axes)
    bars(axes, _halves(rows), "n", color=BLACK, marker="o", linestyle="")
    axes.set(xscale="log", yscale="log", ylim=(2, 1e17), xlim=(3.4, 1200), xlabel=r"outputs $n$", ylabel=r"$d/n$")
    plain_ticks(axes, (4, 10, 100, 1000))
    axes.set_yticks([1e1, 1e4, 1e8, 1e12, 1e16])
    entries = [
        key(r"certified, $5e^{-n/2}$", color=BLUE),
        key("certified, 1 %", **_ONE_PERCENT),
        key("half converge", color=BLACK, marker="o", linestyle=""),
        key("half have a fit", **THEORY["edge"]),
    ]
    legend(axes, {"": entries}, "center right")


def _region(axes: Axes, rows: _Rows) -> None:
    least = [_least(n) for n in _ROWS]
    axes.fill_between(_ROWS, least, 3000, facecolor="white", hatch="////", edgecolor=BLUE, linewidth=0)
    axes.fill_between(_ROWS, 1, _fit(), color=PALE, linewidth=0)
    _theory(axes)
    bars(axes, _halves(rows), "n", color=BLACK, marker="o", linestyle="")
    axes.text(60, 1.6, "most signals: no fit", fontsize=6.3, ha="center")
    axes.text(40, 45, "converges as seen,\nnot yet proved", fontsize=6.3, ha="center", va="center")
    axes.text(60, 1400, "proved", fontsize=6.3, ha="center", backgroundcolor="white")
    axes.set(xscale="log", yscale="log", ylim=(1, 3000), xlim=(4, 1000), xlabel=r"outputs $n$", ylabel=r"$d/n$")
    plain_ticks(axes, (4, 10, 100, 1000), (1, 4, 10, 100, 1000))
