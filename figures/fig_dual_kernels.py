"""What does a convolution kernel prefer? Kernels, their dual kernels and spectra, exact and of draws."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import cite, curve, heads, key, looks, panels, strip, under
from untrained.figures.style import GREY
from untrained.sims.record.store import FOLDER, pick, read_record

_FAMILIES = (
    ("delta", "triangle-10", "triangle-30"),
    ("gaussian-0.005", "gaussian-0.01", "gaussian-0.05"),
)
_CURVES = {
    "kernel": ("kernel $u$", "distance in points"),
    "dual": ("dual kernel", "distance in points"),
    "value": (r"spectrum $\sigma_i^2$", "frequency in turns"),
}
_TITLES = ("Triangles: the wider a kernel ...", "... the wider its dual kernel ...", "... and the steeper its spectrum")
_ALSO = ("Gaussians: the wider ...", "... the wider ...", "... and the steeper")
_EXTREMES: dict[str, dict[str, Any]] = {
    "published code": {"marker": "x", "markersize": 4},
    "simulation": {"marker": "o", "markersize": 6, "markerfacecolor": "none"},
}
_NAMES = {"published code": "published notebook", "simulation": "draws"}


def fig_dual_kernels(folder: Path = FOLDER) -> Figure:
    """Draw kernels, their dual kernels and spectra: exact, as the notebook has them (a third), and of draws.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig6", folder)
    figure, places = panels(2, 3, 4.0, sharex="col", sharey="col")
    for line, family in enumerate(_FAMILIES):
        for axes, (quantity, (label, across)) in zip(places[3 * line :], _CURVES.items(), strict=False):
            _kernels(axes, record["rows"], family, quantity)
            axes.set(ylabel=label, xlabel=across if line else "")
        _extremes(places[3 * line + 2], record["rows"], family)
        places[3 * line].legend(loc="upper right")
    for axes in places[:2]:
        axes.set(xlim=(-1, 60))
    places[2].set(xscale="symlog", yscale="log", xlim=(-0.3, 220), ylim=(8e-4, 40))
    heads(places, (*_TITLES, *_ALSO), 34)
    strip(
        figure,
        [key("exact", color=GREY), *(key(_NAMES[s], color=GREY, linestyle="", **_EXTREMES[s]) for s in _EXTREMES)],
    )
    at = record["axes"]
    says = (
        f"n = {at['n'][0]}, kernels of norm 1. Lines with marks: exact law; rings: medians of {record['seeds']} draws "
        f"of the least and largest eigenvalue of JJ^T at {at['channels'][0]} channels; crosses: the same two by the "
        "published notebook, a third of the true ones."
    )
    under(figure, says + cite(folder, "heckel20a.sigma", "heckel20a.sigma.trigonometric", "heckel20a.sigma.code"))
    return figure


def _kernels(axes: Axes, rows: list[dict[str, Any]], family: tuple[str, ...], quantity: str) -> None:
    for kernel, look in looks(family).items():
        chosen = pick(rows, source="exact law", quantity=quantity, kernel=kernel)
        name = kernel.replace("triangle-", "half-width ").replace("gaussian-", "width ")
        curve(axes, chosen, "place", label=name, **{**look, "markersize": 2.4})


def _extremes(axes: Axes, rows: list[dict[str, Any]], family: tuple[str, ...]) -> None:
    """The notebook's and the draws' least and largest values, where the exact ones are."""
    for kernel, look in looks(family).items():
        law = pick(rows, source="exact law", quantity="value", kernel=kernel)
        ends = {"largest": max(law, key=lambda row: row["value"]), "least": min(law, key=lambda row: row["value"])}
        for quantity, end in ends.items():
            _extreme(axes, pick(rows, quantity=quantity, kernel=kernel), end["place"], look)


def _extreme(axes: Axes, rows: list[dict[str, Any]], place: float, look: Mapping[str, Any]) -> None:
    for source, mark in _EXTREMES.items():
        (row,) = pick(rows, source=source)
        axes.plot([place], [row["value"]], color=look["color"], linestyle="", **mark)
