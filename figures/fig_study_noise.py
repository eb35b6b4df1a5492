"""Is a signal fitted before noise is?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.study_drawing import LABEL, bars, levels
from untrained.figures.style import BLUE, GREY, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

SIGNALS = {"picture": (BLUE, "o"), "noisy picture": (PURPLE, "^"), "noise": (ORANGE, "s")}
STEPS = {"steps_to_1e-1": 1e-1, "steps_to_1e-2": 1e-2, "steps_to_1e-6": 1e-6}
ERRORS = ("noise", "least_error", "last_error")
TITLES = {"gaussian": "Gaussian V", "smooth": "smoothed V"}


def fig_study_noise(folder: Path = FOLDER) -> Figure:
    """Draw the steps that each kind of signal takes for both generators, and the errors to a picture under noise.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "noise", folder)["rows"]
    n, ratio = levels(rows, "n")[-1], levels(rows, "ratio")[-1]
    held = [row for row in rows if (row["n"], row["ratio"]) == (n, ratio)]
    figure = Figure(figsize=(8.2, 3.0), layout="constrained")
    gaussian, smooth, errors = figure.subplots(1, 3)
    smooth.sharey(gaussian)
    for axes, (generator, title) in zip((gaussian, smooth), TITLES.items(), strict=True):
        _steps(axes, [row for row in held if row["generator"] == generator])
        axes.set_title(f"{title}, n = {n}, d/n = {ratio:g}", fontsize=8)
    gaussian.set_ylabel("steps")
    gaussian.legend(loc="upper left", **LABEL)
    _errors(errors, held)
    return figure


def _steps(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for signal, (colour, marker) in SIGNALS.items():
        found = [
            row | {"level": STEPS[row["quantity"]]} for row in pick(rows, signal=signal) if row["quantity"] in STEPS
        ]
        bars(axes, found, "level", color=colour, marker=marker, linewidth=1.0, label=signal)
    axes.set(xscale="log", yscale="log", xlabel=r"misfit to reach, $\|r\|/\|y\|$")
    axes.invert_xaxis()
    axes.set_xticks(list(STEPS.values()), ["0.1", "0.01", "1e-6"])
    axes.set_xticks([], minor=True)


def _errors(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for shift, (generator, colour) in enumerate(zip(TITLES, (GREY, PURPLE), strict=True)):
        found = [
            row | {"place": place + 0.12 * (2 * shift - 1)}
            for place, name in enumerate(ERRORS)
            for row in pick(rows, generator=generator, signal="noisy picture", quantity=name)
        ]
        bars(axes, found, "place", color=colour, marker="o", linestyle="", label=TITLES[generator])
    axes.set_xticks(range(len(ERRORS)), ["noise in y", "least on\nthe way", "at the end"])
    axes.set(ylim=(0, None), xlim=(-0.5, 2.5), ylabel=r"distance to the picture, $\|u-x\|/\|y\|$")
    axes.legend(loc="lower left", **LABEL)
