"""How far is the smoothest interpolant of m Gaussian measurements from the signal, with noise and without?"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from untrained.figures.drawing import THEORY, bars, cite, curve, head, key, legend, panels, plain_ticks, under
from untrained.figures.style import BLUE, GREY, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

_ERRORS = {0.0: ("no noise", BLUE, "o"), 0.1: ("noise 0.1", ORANGE, "s")}
_BOUNDS = {
    "range finder": ("range finder's bound, no noise", {"color": PURPLE, "linestyle": (0, (4, 1.2))}),
    "constant 1": ("Theorem 1, constant 1, no noise", THEORY["edge"]),
}


def fig_smooth_interpolation(folder: Path = FOLDER) -> Figure:
    """Draw the error of the smoothest interpolant against m by draws and by the deterministic equivalent, and bounds.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "interpolation", folder)
    figure, (axes,) = panels(1, 1, 3.5)
    for noise, (_, colour, marker) in _ERRORS.items():
        rows = pick(record["rows"], noise=noise)
        curve(axes, pick(rows, source="equivalent"), "m", color=colour)
        bars(axes, pick(rows, source="simulation"), "m", color=colour, linestyle="", marker=marker)
    for source, (_, look) in _BOUNDS.items():
        curve(axes, pick(record["rows"], source=source), "m", **look)
    n, p, width = (record["axes"][axis][0] for axis in ("n", "span", "half_width"))
    axes.axvline(n, color=GREY, linewidth=0.6, zorder=0)
    axes.set(yscale="log", xlim=(0, n + 5), ylim=(2e-4, 9), xlabel=f"measurements $m$ of $n$ = {n}")
    axes.set_ylabel(r"root mean square of $\|\hat x-x\|$, $\|x\|=1$")
    plain_ticks(axes, y=(0.001, 0.01, 0.1, 1))
    head(axes, "Without noise every measurement helps; with it the error peaks as m nears n", 54)
    draws = [key(name, color=colour, linestyle="", marker=marker) for name, colour, marker in _ERRORS.values()]
    law = [key(f"equivalent, {name}", color=colour) for name, colour, _ in _ERRORS.values()]
    bounds = [key(name, **look) for name, look in _BOUNDS.values()]
    legend(figure, {"simulation": draws, "theory": [*law, *bounds]}, "outside upper center")
    says = (
        f"Triangle of half-width {width}, x in its first {p} vectors, A normal, noise of deviation 0.1 a measurement "
        f"or none. Marks: medians of {record['seeds']} draws of A, bars "
        "from the least to the most; all else is theory, the range finder's of the mean error."
    )
    under(figure, says + cite(folder, *_CLAIMS))
    return figure


_CLAIMS = ("own.smooth.equivalent", "own.smooth.noise", "heckel20b.linear.error", "heckel20b.linear.constant_one")
