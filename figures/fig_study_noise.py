"""Is a picture fitted before noise is, with Gaussian V and with V smoothed, and does that denoise?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import bars, cite, heads, key, panels, plain_ticks, strip, under
from untrained.figures.style import BLACK, BLUE, GREEN, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_SIGNALS = {"picture": (BLUE, "o", 1 / 1.06), "noisy picture": (PURPLE, "^", 1.0), "noise": (ORANGE, "s", 1.06)}
"""Colour and marker of each signal, and how far beside the misfit its marks stand, as they may hide each other."""
_STEPS = {"steps_to_1e-1": 1e-1, "steps_to_1e-2": 1e-2, "steps_to_1e-6": 1e-6}
_ERRORS = {"noise": "noise in y", "least_error": "least on the way", "last_error": "at the end"}
_GENERATORS = {"gaussian": ("Gaussian V", GREEN, "D"), "smooth": ("smoothed V", BLACK, "v")}
_TITLES = (
    "Gaussian V: noise is fitted as fast as a picture",
    "Smoothed V: the picture comes first",
    "Only then a stop on the way takes noise off",
)


def fig_study_noise(folder: Path = FOLDER) -> Figure:
    """Draw the steps that each kind of signal takes for both generators, and the errors to a picture under noise.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "noise", folder)
    at = record["axes"]
    n, ratio = at["n"][-1], at["ratio"][-1]
    rows = pick(record["rows"], n=n, ratio=ratio)
    figure, places = panels(1, 3, 2.6)
    places[1].sharey(places[0])
    for axes, generator in zip(places, _GENERATORS, strict=False):
        _steps(axes, pick(rows, generator=generator))
    places[0].set_ylabel("steps of descent")
    _errors(places[2], rows)
    heads(places, _TITLES, 30)
    signals = [key(name, color=colour, marker=marker) for name, (colour, marker, _) in _SIGNALS.items()]
    strip(figure, [*signals, *(key(name, color=c, marker=m, linestyle="") for name, c, m in _GENERATORS.values())])
    says = (
        f"n = {n}, d/n = {ratio:g}, {at['runs'][0]} runs; marks are medians, bars the middle half of the runs. a, b: "
        "steps until the misfit is so small; marks of one misfit stand a little apart. c: distance of the output to "
        "the clean picture while the noisy one is fitted."
    )
    under(figure, says + cite(folder, "vanveen18.early_stopping", "own.low_pass"))
    return figure


def _steps(axes: Axes, rows: _Rows) -> None:
    for signal, (colour, marker, beside) in _SIGNALS.items():
        points = [row for row in pick(rows, signal=signal) if row["quantity"] in _STEPS]
        shifted = [row | {"level": _STEPS[row["quantity"]] * beside ** (1 + 2 * (beside != 1))} for row in points]
        bars(axes, shifted, "level", color=colour, marker=marker)
    axes.set(xscale="log", yscale="log", xlabel=r"misfit to reach, $\|r\|/\|y\|$", xlim=(0.4, 2.5e-7), ylim=(5, 6000))
    axes.set_xticks([0.1, 1e-2, 1e-4, 1e-6], ["0.1", "0.01", r"$10^{-4}$", r"$10^{-6}$"])
    axes.set_xticks([], minor=True)
    plain_ticks(axes, y=(10, 100, 1000))


def _errors(axes: Axes, rows: _Rows) -> None:
    for shift, (generator, (_, colour, marker)) in enumerate(_GENERATORS.items()):
        points = [
            row | {"place": place + 0.16 * (2 * shift - 1)}
            for place, name in enumerate(_ERRORS)
            for row in pick(rows, generator=generator, signal="noisy picture", quantity=name)
        ]
        bars(axes, points, "place", color=colour, marker=marker, linestyle="")
    axes.set_xticks(range(len(_ERRORS)), [name.replace(" ", "\n", 1) for name in _ERRORS.values()])
    axes.set(xlim=(-0.5, 2.5), ylabel=r"distance to the picture, $\|u-x\|/\|y\|$")
