"""Does the error rise again when a decoder fits few measurements without a stop, and by how much with noise?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import band, cite, curve, heads, key, levels, looks, panels, plain_ticks, strip, under
from untrained.sims.record.store import FOLDER, pick, read_record

_OPERATORS = {"gaussian": "Gaussian, m = n/4", "inpainting": "one pixel in three", "multicoil": "four coils"}
_QUANTITIES = {"error": "mean squared error", "loss": r"$\|Au-y\|^2/\|y\|^2$"}


def fig_sensing_convergence(folder: Path = FOLDER) -> Figure:
    """Draw error and loss against steps, a column for each operator and a line for each level of noise.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20b-fig1", folder)
    rows, at = record["rows"], record["axes"]
    figure, places = panels(2, len(_OPERATORS), 3.9, sharex=True, sharey="row")
    for line, (quantity, label) in enumerate(_QUANTITIES.items()):
        for axes, operator in zip(places[line * len(_OPERATORS) :], _OPERATORS, strict=False):
            _lines(axes, pick(rows, quantity=quantity, operator=operator))
        places[line * len(_OPERATORS)].set_ylabel(label)
    plain_ticks(places[0], y=(0.005, 0.01, 0.02, 0.05))
    for axes in places[len(_OPERATORS) :]:
        axes.set_xlabel("steps")
    titles = [f"{name}: {_rise(rows, operator)}" for operator, name in _OPERATORS.items()]
    heads(places, [*titles, *_OPERATORS.values()], 31)
    names = {noise: f"noise {100 * noise:g} %" if noise else "no noise" for noise in at["noise"]}
    strip(figure, [key(names[noise], **look) for noise, look in looks(at["noise"]).items()])
    says = (
        f"{at['image'][0]} at {at['size'][0]}x{at['size'][0]}, decoder of {at['channels'][0]} channels, not stopped. "
        f"Marks: medians of {record['seeds']} seeds, shaded from the least to the most. Numbers in a to c: how far the "
        "median error ends above its least; d to f: the loss."
    )
    under(figure, says + cite(folder, "own.self_regularisation.factor", "vanveen18.early_stopping"))
    return figure


def _rise(rows: list[dict[str, Any]], operator: str) -> str:
    noise = max(levels(rows, "noise"))
    (row,) = pick(rows, quantity="rise", operator=operator, noise=noise)
    return f"at {100 * noise:g} % noise it ends {100 * row['value']:.0f} % above its least"


def _lines(axes: Axes, rows: list[dict[str, Any]]) -> None:
    for noise, look in looks(levels(rows, "noise")).items():
        chosen = pick(rows, noise=noise)
        band(axes, chosen, "step", look["color"])
        curve(axes, chosen, "step", markevery=3, **{**look, "markersize": 2.8})
    axes.set(xscale="log", yscale="log")
    plain_ticks(axes, (10, 100, 1000))
