"""How probable is it that Lemma B.1 fails: by its exact law, by the proof, as claimed and as drawn?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, bars, cite, head, key, legend, looks, panels, plain_ticks, under
from untrained.figures.style import GREY
from untrained.sims.record.store import FOLDER, pick, read_record
from untrained.theory.laws.masked import masked_smallest_below

_WIDTHS = {
    4: (2, 4, 8, 12, 17, 24, 34, 48, 70, 100, 150, 220, 330, 500),
    16: (4, 8, 12, 17, 22, 28, 36, 48, 65, 90, 120, 150, 170),
    64: (12, 17, 20, 23, 26, 30, 37, 47),
}
"""d/n at which the exact law is drawn for each n."""
_LEAST, _WIDEST = 1e-30, 6000
_SHARES = tuple(k / 400 for k in range(1, 200))
_CLAIMS = ("vanveen18.lemB1.printed", "vanveen18.lemB1.proof", "own.lemB1_200", "own.lemB1_threshold")


def fig_failure_probability(folder: Path = FOLDER) -> Figure:
    """Draw P(sigma_min(J) < nu sqrt(d) ||z|| / 2) against d/n by draws and exact law, and what proof and lemma say.

    Raises
    ------
    ValueError
        where the studies of sigma_min were not recorded.
    """
    draws, table = (read_record("study", name, folder) for name in ("sigma", "sigma_min"))
    figure, (axes,) = panels(1, 1, 3.5)
    styles = looks(_WIDTHS)
    for n, look in styles.items():
        (least,) = pick(table["rows"], source="threshold", n=n)
        _one_size(axes, n, look, draws["rows"], least["d_over_n"])
    (printed,) = pick(table["rows"], source="lemma", quantity="printed")
    _claimed(axes, styles, printed["d_over_n"])
    axes.set(xscale="log", yscale="log", xlim=(2, _WIDEST), ylim=(_LEAST, 5))
    axes.set(xlabel=r"width over outputs, $d/n$")
    axes.set_ylabel(r"$P\{\sigma_{\min}(J)<\nu\sqrt{d}\,\|z\|/2\}$")
    plain_ticks(axes, (3, 10, 30, 100, 300, 1000, 3000))
    axes.set_yticks([10.0**-k for k in range(0, 31, 4)])
    head(axes, "Draws end where the exact law still has 25 digits to go", 56)
    legend(figure, _entries(styles), "outside upper center")
    under(figure, _caption(draws) + cite(folder, *_CLAIMS))
    return figure


@cache
def _failure(n: int, ratio: int) -> float:
    """P(sigma_min(J) < nu sqrt(d) ||z|| / 2) at d = ratio n by the exact law, to a tenth of itself."""
    d = n * ratio
    return float(masked_smallest_below(n, d, Fraction(d, 4), relative_width=0.5).mid())


def _proof(n: int, ratio: float) -> float:
    """The least over x of P{few columns} + P{small value of x d columns}, as the proof of 200 n bounds each."""
    return min(math.exp(-n * _few(x) * ratio) + math.exp(-n * _small(x, ratio)) for x in _SHARES)


def _few(x: float) -> float:
    """The rate in d at which at most x d of the d neurons are on. Source: textbook.chernoff"""
    return x * math.log(2 * x) + (1 - x) * math.log(2 * (1 - x))


def _small(x: float, ratio: float) -> float:
    """The rate in n at which x d columns have a value below sqrt(d)/2. Source: textbook.davidson_szarek.smallest"""
    return max(0.0, math.sqrt(x * ratio) - 1 - math.sqrt(ratio) / 2) ** 2 / 2


def _one_size(axes: Axes, n: int, look: Mapping[str, Any], rows: list[dict[str, Any]], reached: float) -> None:
    """Draws, exact law and bound for one n; `reached` is the recorded d/n at which the law comes down to 2e^-n."""
    draws = [row for row in pick(rows, source="simulation", quantity="below half", n=n) if row["value"] > 0]
    bars(axes, draws, "ratio", linestyle="", **look)
    law = sorted([*((ratio, _failure(n, ratio)) for ratio in _WIDTHS[n]), (reached, 2 * math.exp(-n))])
    axes.plot(*zip(*law, strict=True), color=look["color"])
    axes.plot([reached], [2 * math.exp(-n)], "o", color=look["color"], markersize=6, markerfacecolor="none")
    ratios = [3 * 10 ** (k / 20) for k in range(67)]
    bound = [(ratio, value) for ratio in ratios if _LEAST < (value := _proof(n, ratio)) <= 1]
    axes.plot(*zip(*bound, strict=True), color=look["color"], linestyle=THEORY["proof"]["linestyle"])


def _claimed(axes: Axes, styles: Mapping[int, Mapping[str, Any]], first: float) -> None:
    """The lemma's 2e^-n from the width on that it asks for."""
    for n, look in styles.items():
        axes.plot([first, _WIDEST], 2 * [2 * math.exp(-n)], color=look["color"], linewidth=1.8)
        axes.plot([2, first], 2 * [2 * math.exp(-n)], color=look["color"], linewidth=0.5, linestyle=(0, (1, 2)))


def _entries(styles: Mapping[int, Mapping[str, Any]]) -> dict[str, Sequence[Any]]:
    draws = [key(f"n = {n}", linestyle="", **look) for n, look in styles.items()]
    theory = [
        key("exact law (ring: $2e^{-n}$)", color=GREY),
        key("bound of the proof for 200 n", color=GREY, linestyle=THEORY["proof"]["linestyle"]),
        key("$2e^{-n}$, claimed from 3828 n on", color=GREY, linewidth=1.8),
    ]
    return {"simulation": draws, "theory, in the same colours": theory}


def _caption(record: Mapping[str, Any]) -> str:
    return (
        f"Marks: share of {record['axes']['trials'][0]} draws with their 95 % intervals (widths without a failure are "
        "left out); lines: exact law to within a factor of 1.5, rings where it comes down to 2e^-n; dash-dotted: the "
        "union bound of Chernoff and Davidson-Szarek "
        "at its best split; thick: what the lemma claims, dotted to where it is reached."
    )
