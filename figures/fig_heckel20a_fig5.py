"""When should least squares stop under noise? Descent against its exact filters."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from untrained.figures.drawing import bars, cite, curve, head, key, legend, panels, plain_ticks, under
from untrained.figures.style import BLUE, GREY, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record

_DASHED = (0, (4, 1.2))
_GRADIENTS = {"published": ("half the gradient, as published", BLUE, "o"), "exact": ("exact gradient", ORANGE, "s")}


def fig_heckel20a_fig5(folder: Path = FOLDER) -> Figure:
    """Draw the error of least squares to a leading singular vector under noise, by descent and by its exact filters.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig5", folder)
    figure, (axes,) = panels(1, 1, 3.2)
    for gradient, (_, colour, marker) in _GRADIENTS.items():
        rows = [row for row in pick(record["rows"], quantity="error", gradient=gradient) if row["tau"]]
        curve(axes, pick(rows, source="exact law"), "tau", color=colour)
        curve(axes, pick(rows, source="mean over z"), "tau", color=colour, linestyle=_DASHED)
        bars(axes, pick(rows, source="simulation"), "tau", color=colour, linestyle="", marker=marker)
    axes.set(xscale="log", xlabel="steps", ylabel=r"error to the signal, $\|Ac-x\|$ ($\|x\|=1$)", ylim=(0, 1.3))
    plain_ticks(axes, (1, 10, 100, 1000))
    head(axes, "Descent is its filters: the error falls, then rises", 56)
    draws = [key(name, color=colour, linestyle="", marker=marker) for name, colour, marker in _GRADIENTS.values()]
    theory = [key("exact filters, same draws", color=GREY), key("mean over noise", color=GREY, linestyle=_DASHED)]
    legend(figure, {"simulation": draws, "theory": theory}, "outside upper center")
    says = (
        f"n = {record['axes']['n'][0]}, noise of the norm of x. Marks: descent, medians of {record['seeds']} draws of "
        "noise, bars from the least to the most; lines in the same colours: the exact filters at the median draw, and "
        "the root of the mean square over noise."
    )
    under(figure, says + cite(folder, "heckel20a.linear.residual", "heckel20a.linear.signal"))
    return figure
