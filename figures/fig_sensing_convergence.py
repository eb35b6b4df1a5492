"""Compressive sensing with a decoder that is not stopped: error to the image and loss along descent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import LABEL, LINES, band, curve, levels
from untrained.sims.record.store import FOLDER, pick, read_record

_TITLES = {"gaussian": "Gaussian, $m=n/4$", "inpainting": "one pixel in three", "multicoil": "four coils"}
_QUANTITIES = {"error": "mean squared error", "loss": r"$\|Au-y\|^2/\|y\|^2$"}


def fig_sensing_convergence(folder: Path = FOLDER) -> Figure:
    """Draw error and loss against steps, a column for each operator and a line for each level of noise.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    rows = read_record("study", "heckel20b-fig1", folder)["rows"]
    figure = Figure(figsize=(8.2, 4.2), layout="constrained")
    panels = figure.subplots(2, len(_TITLES), sharex=True, sharey="row")
    for axes_of_row, (quantity, label) in zip(panels, _QUANTITIES.items(), strict=True):
        for axes, operator in zip(axes_of_row, _TITLES, strict=True):
            _lines(axes, pick(rows, quantity=quantity, operator=operator))
        axes_of_row[0].set_ylabel(label)
    for axes, title in zip(panels[0], _TITLES.values(), strict=True):
        axes.set_title(title, fontsize=8)
    for axes in panels[1]:
        axes.set_xlabel("steps")
    panels[1][-1].legend(loc="lower left", **LABEL)
    return figure


def _lines(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for noise, colour in zip(levels(rows, "noise"), LINES, strict=False):
        chosen = pick(rows, noise=noise)
        band(axes, chosen, "step", colour)
        curve(axes, chosen, "step", color=colour, label=f"noise {100 * noise:g} %" if noise else "no noise")
    axes.set(xscale="log", yscale="log")
