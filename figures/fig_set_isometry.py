"""When is A isometric on the differences of Net-PGD's set, and how much nearer does a step then come?"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, cite, heads, key, looks, panels, plain_ticks, strip, under
from untrained.figures.style import BLUE, GREY, ORANGE
from untrained.sims.record.store import FOLDER
from untrained.theory.laws.wishart import eigenvalues_inside
from untrained.theory.ledger import ledger
from untrained.theory.objects import decoders
from untrained.theory.objects.isometry_enclosures import difference_faces, enclose_on_differences
from untrained.theory.objects.planar_contraction import contraction_of_planes
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import real_array

_ALPHAS = (Fraction(1, 20), Fraction(1, 5), Fraction(1, 2))
_ROWS = tuple(dict.fromkeys(round(10 ** (k / 8)) for k in range(8, 41)))
_LEAST = 1e-30
_CODE = ((1, 0), (0, 1), (1, 1))
_PIXELS = 2 * len(_CODE)
_MATRICES = (*((pixel, 0.0) for pixel in range(_PIXELS)), (1, 0.25), (1, 0.5), (1, 0.75))
"""Which pixel is measured with which weight, all others being measured with weight one."""
_CLAIMS = (
    "own.netpgd.set_isometry",
    "own.netpgd.polarised",
    "own.netpgd.factor",
    "jagatap19.thm1.on_differences",
    "jagatap19.thm1.on_S",
)


def fig_set_isometry(folder: Path = FOLDER) -> Figure:
    """Draw the probability that the isometry constant passes alpha against n, and the factor of a step against alpha.

    All is exact laws and enclosures; of the record only the verdicts in the caption are read.
    """
    figure, (left, right) = panels(1, 2, 2.9)
    styles = looks(_ALPHAS)
    for alpha, look in styles.items():
        _failures(left, alpha, look)
    _frame(left)
    _factors(right)
    heads(
        (left, right),
        (
            "The proved bound asks for a few times the rows needed",
            "Exact factors of a step stay below the proved 2 alpha",
        ),
        52,
    )
    exact = [key(f"exact law, alpha = {float(alpha):g} (a)", color=look["color"]) for alpha, look in styles.items()]
    dashed = THEORY["theorem"]["linestyle"]
    bounds = [
        key("proved bound, same colours (a)", color=GREY, linestyle=dashed),
        key("exact factor, a pixel unmeasured (b)", color=BLUE, marker="o", linestyle=""),
        key("or weighed less (b)", color=ORANGE, marker="s", linestyle=""),
    ]
    rates = [key(name, **look) for name, look in _RATES.values()]
    strip(figure, [*exact, *bounds, *rates], 3)
    says = (
        "Theory alone, no draws. a: one channel, code (1, -1), A normal of variance 1/n: probability that A is not "
        "isometric on S - S, a plane, to within alpha. b: decoder with the code (1, 0), (0, 1), (1, 1), upsampled "
        "along a line: isometry constant of A on S - S and the largest factor by which a step of length one multiplies "
        "the distance, each enclosed to 1 %; A leaves one of six pixels out, or takes the second with weight 1/4, 1/2, "
        "3/4."
    )
    under(figure, says + cite(folder, *_CLAIMS))
    return figure


def _failures(axes: Axes, alpha: Fraction, look: Mapping[str, Any]) -> None:
    """P(some eigenvalue of A^T A on the plane lies outside 1 -+ alpha), and the bound at k_1 = k_2 = 1 and d_1 = 2."""
    exact = [(n, p) for n in _ROWS if (p := _failure(n, alpha)) > _LEAST]
    axes.plot(*zip(*exact, strict=True), color=look["color"])
    bound = [(n, p) for n in _ROWS if _LEAST < (p := _bound(n, alpha)) <= 1]
    if bound:
        axes.plot(*zip(*bound, strict=True), color=look["color"], linestyle=THEORY["theorem"]["linestyle"])


def _bound(n: int, alpha: Fraction) -> float:
    """factor P^channels e^{-rate n t^power}, P = patterns. Source: own.netpgd.set_isometry"""
    c = {name: float(constant.value) for name, constant in ledger()["own.netpgd.set_isometry"].constants.items()}
    t = math.sqrt(1 + alpha) - 1 - math.sqrt(c["channels"] / n)
    return c["factor"] * c["patterns"] ** c["channels"] * math.exp(-c["rate"] * n * max(t, 0) ** c["power"])


@cache
def _failure(n: int, alpha: Fraction) -> float:
    return float(1 - eigenvalues_inside(2, n, (1 - alpha) * n, (1 + alpha) * n, relative_bits=140))


def _frame(axes: Axes) -> None:
    axes.set(xscale="log", yscale="log", ylim=(_LEAST, 5), xlabel="measurements, $n$")
    axes.set_ylabel(r"$P\{\alpha(S-S)>\alpha\}$")
    plain_ticks(axes, (10, 100, 1000, 10000, 100000))
    axes.set_yticks([10.0**-k for k in range(0, 31, 5)])


_RATES: dict[str, tuple[str, dict[str, Any]]] = {
    "distance": ("distance, proved: 2 alpha", THEORY["theorem"]),
    "misfit": ("misfit, proved here", THEORY["edge"]),
    "printed": ("misfit, Theorem 1", THEORY["printed"]),
}


def _factors(axes: Axes) -> None:
    alphas = [k / 200 for k in range(161)]
    laws = {
        "distance": [2 * a for a in alphas],
        "misfit": [4 * a / (1 + a) if a <= 1 / 3 else math.nan for a in alphas],
        "printed": [math.sqrt(2 * a / (1 - a)) for a in alphas],
    }
    for name, law in laws.items():
        axes.plot(alphas, law, **_RATES[name][1])
    for pixel, weight in _MATRICES:
        alpha, factor = _instance(pixel, weight)
        colour, marker = (ORANGE, "s") if weight else (BLUE, "o")
        axes.plot([alpha], [factor], color=colour, marker=marker)
    axes.axhline(1, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xlim=(0, 0.8), ylim=(0, 1.6), xlabel=r"isometry constant on $S-S$, $\alpha$")
    axes.set_ylabel("factor of a step")


@cache
def _instance(pixel: int, weight: float) -> tuple[float, float]:
    """alpha on S - S and the largest factor of a step, where one pixel is measured with a weight."""
    code = real_array("code", _CODE, 2).astype(int)
    S = TwoLayerRange(code, decoders.upsampling_line(len(_CODE)), 1)
    rows = [[float(i == j) * (weight if i == pixel else 1.0) for j in range(_PIXELS)] for i in range(_PIXELS)]
    A = real_array("A", [row for i, row in enumerate(rows) if weight or i != pixel], 2)
    return enclose_on_differences(A, difference_faces(S)).alpha[1], contraction_of_planes(S, A).attained
