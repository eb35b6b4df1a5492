"""Gradient descent on the two-layer generator: does it converge, how fast, and what does it fit first?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import LABEL, LINES, SOURCES, band, bars, curve, levels
from untrained.figures.style import BLACK, BLUE, GREY, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

_NOISE_SIGNALS = {"picture": (BLUE, "o"), "noisy picture": (PURPLE, "^"), "noise": (ORANGE, "s")}
_NOISE_STEPS = {"steps_to_1e-1": 1e-1, "steps_to_1e-2": 1e-2, "steps_to_1e-6": 1e-6}
_NOISE_ERRORS = ("noise", "least_error", "last_error")
_NOISE_TITLES = {"gaussian": "Gaussian V", "smooth": "smoothed V"}


def fig_study_noise(folder: Path = FOLDER) -> Figure:
    """Draw the steps that each kind of signal takes for both generators, and the errors to a picture under noise.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "noise", folder)["rows"]
    n, ratio = levels(rows, "n")[-1], levels(rows, "ratio")[-1]
    panel = [row for row in rows if (row["n"], row["ratio"]) == (n, ratio)]
    figure = Figure(figsize=(8.2, 3.0), layout="constrained")
    gaussian, smooth, errors = figure.subplots(1, 3)
    smooth.sharey(gaussian)
    for axes, (generator, title) in zip((gaussian, smooth), _NOISE_TITLES.items(), strict=True):
        _noise_steps(axes, [row for row in panel if row["generator"] == generator])
        axes.set_title(f"{title}, n = {n}, d/n = {ratio:g}", fontsize=8)
    gaussian.set_ylabel("steps")
    gaussian.legend(loc="upper left", **LABEL)
    _noise_errors(errors, panel)
    return figure


def _noise_steps(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for signal, (colour, marker) in _NOISE_SIGNALS.items():
        points = [
            row | {"level": _NOISE_STEPS[row["quantity"]]}
            for row in pick(rows, signal=signal)
            if row["quantity"] in _NOISE_STEPS
        ]
        bars(axes, points, "level", color=colour, marker=marker, linewidth=1.0, label=signal)
    axes.set(xscale="log", yscale="log", xlabel=r"misfit to reach, $\|r\|/\|y\|$")
    axes.invert_xaxis()
    axes.set_xticks(list(_NOISE_STEPS.values()), ["0.1", "0.01", "1e-6"])
    axes.set_xticks([], minor=True)


def _noise_errors(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for shift, (generator, colour) in enumerate(zip(_NOISE_TITLES, (GREY, PURPLE), strict=True)):
        points = [
            row | {"place": place + 0.12 * (2 * shift - 1)}
            for place, name in enumerate(_NOISE_ERRORS)
            for row in pick(rows, generator=generator, signal="noisy picture", quantity=name)
        ]
        bars(axes, points, "place", color=colour, marker="o", linestyle="", label=_NOISE_TITLES[generator])
    axes.set_xticks(range(len(_NOISE_ERRORS)), ["noise in y", "least on\nthe way", "at the end"])
    axes.set(ylim=(0, None), xlim=(-0.5, 2.5), ylabel=r"distance to the picture, $\|u-x\|/\|y\|$")
    axes.legend(loc="lower left", **LABEL)


_PHASE_THRESHOLDS = {
    "half converged_quarter": ("converge in {} steps", 4, GREY, "s"),
    "half converged": ("converge in {} steps", 1, BLACK, "o"),
    "half stalled": ("not stuck after {} steps", 1, BLUE, "^"),
}
"""Which thresholds are shown: name, part of the budget, and look of each."""


def fig_study_phase(folder: Path = FOLDER) -> Figure:
    """Draw the share of runs that converge against d/n for each n, and the d/n at which half do against n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    study = read_record("study", "phase", folder)
    figure = Figure(figsize=(7.2, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    _phase_shares(left, study["rows"])
    _phase_thresholds(right, study["rows"], study["axes"]["steps"][0])
    return figure


def _phase_shares(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for n, colour in zip(levels(rows, "n"), LINES, strict=False):
        simulation = pick(rows, source="simulation", quantity="converged", n=n)
        band(axes, simulation, "ratio", colour, 0.1)
        curve(axes, simulation, "ratio", color=colour, marker="o", markersize=2.5, label=f"n = {n}")
        exact = pick(rows, source="exact law", quantity="fit exists", n=n)
        curve(axes, exact, "ratio", color=colour, linestyle=(0, (1, 1.2)), linewidth=0.9)
    axes.plot([], [], color=GREY, linestyle=(0, (1, 1.2)), linewidth=0.9, label="a fit exists (exact)")
    axes.axhline(0.5, color=GREY, linewidth=0.5, zorder=0)
    axes.set_xscale("log")
    axes.set(ylim=(-0.02, 1.02), xlabel=r"width over outputs, $d/n$", ylabel="share of runs that converge")
    _phase_plain_ticks(axes, (2, 3, 4, 5, 6, 8, 10, 14))
    axes.legend(loc="lower right", **LABEL)


def _phase_thresholds(axes: Axes, rows: list[dict[str, Any]], steps: int) -> None:
    for quantity, (name, part, colour, marker) in _PHASE_THRESHOLDS.items():
        points = pick(rows, source="simulation", quantity=quantity)
        points = [row for row in points if row["n"] is not None]
        bars(axes, points, "n", color=colour, marker=marker, linewidth=0.8, label=name.format(steps // part))
    curve(
        axes,
        pick(rows, source="exact law", quantity="half converged"),
        "n",
        **SOURCES["edge"],
        label="have a fit (exact)",
    )
    axes.set_xscale("log", base=2)
    axes.set(xlabel=r"outputs, $n$", ylabel=r"$d/n$ from which on half of the runs ...", ylim=(2.4, None))
    _phase_plain_ticks(axes, tuple(levels(rows, "n")))
    axes.legend(loc="lower right", **LABEL)


def _phase_plain_ticks(axes: Axes, at: tuple[float, ...]) -> None:
    axes.set_xticks(at, [f"{x:g}" for x in at])
    axes.set_xticks([], minor=True)


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
        _rate_panel(axes, [row for row in rows if row["n"] == n])
        axes.set_title(f"n = {n}", fontsize=8)
    panels[0].set_ylabel(r"$1-$ factor per step, at $\eta=1/\beta^2$")
    panels[-1].legend(loc="lower right", **LABEL)
    return figure


def _rate_panel(axes: Axes, rows: list[dict[str, Any]]) -> None:
    simulation, late = (pick(rows, source="simulation", quantity=name) for name in ("rate", "rate_late"))
    band(axes, simulation, "ratio", BLUE)
    curve(axes, simulation, "ratio", color=BLUE, marker="o", markersize=2.5, label="seen, whole run")
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


_STEP_QUANTITIES = {
    "converged": "share of runs that converge",
    "rate": r"$1-$ factor per step",
    "sharpness_end": r"$\eta\,\|J\|^2$ at the end",
}
"""What is drawn, a panel each, and the name of its axis."""


def fig_study_step(folder: Path = FOLDER) -> Figure:
    """Draw outcome, rate and final sharpness against the step in multiples of the proof's, a line for each d/n.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "step", folder)["rows"]
    figure = Figure(figsize=(8.2, 3.3), layout="constrained")
    for axes, (quantity, label) in zip(figure.subplots(1, 3), _STEP_QUANTITIES.items(), strict=True):
        _step_panel(axes, rows, quantity)
        axes.set(ylabel=label, xlabel=r"step over $1/\beta^2$")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), **LABEL)
    figure.axes[1].set_yscale("log")
    figure.axes[2].axhline(2, color=GREY, linewidth=0.6, zorder=0)
    return figure


def _step_panel(axes: Axes, rows: list[dict[str, Any]], quantity: str) -> None:
    """Curves, and for each d/n the step printed (a mark) and the edge of stability (a thin line)."""
    for ratio, colour in zip(levels(rows, "ratio"), LINES, strict=False):
        simulation = pick(rows, source="simulation", quantity=quantity, ratio=ratio)
        curve(axes, simulation, "multiple", color=colour, marker="o", markersize=2.2, label=f"d/n = {ratio:g}")
        for row in pick(rows, source="simulation", quantity="edge_multiple", ratio=ratio):
            axes.axvline(row["value"], color=colour, linewidth=0.6, linestyle=(0, (4, 1.5)), zorder=0)
        for row in pick(rows, source="printed", quantity="step_multiple", ratio=ratio):
            axes.plot(row["value"], 1.0, "v", transform=axes.get_xaxis_transform(), color=colour, clip_on=False, ms=4)
    axes.plot([], [], color=BLACK, linewidth=0.6, linestyle=(0, (4, 1.5)), label=r"$2/\|J_0\|^2$")
    axes.plot([], [], "v", color=BLACK, ms=4, label="printed step")
    axes.set_xscale("log", base=2)
    axes.set_xticks([0.25, 1, 4, 16], ["0.25", "1", "4", "16"])
