"""What figures share: curves, bands and bars from the rows of a record, and a picture as a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from textwrap import wrap
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.style import AMBER, BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, STYLE

Rows = Sequence[Mapping[str, Any]]
LINES = (PURPLE, SKY, GREEN, AMBER, ORANGE, BLACK)
"""The colour of each curve of a family."""
SOURCES: dict[str, dict[str, Any]] = {
    "theorem": {"color": BLACK, "linestyle": (0, (4, 1.2))},
    "proof": {"color": GREY, "linestyle": (0, (4, 1.2, 1, 1.2))},
    "printed": {"color": GREY, "linestyle": (0, (1, 1.2))},
    "edge": {"color": BLACK, "linestyle": (0, (1, 1.2))},
    "exact law": {"color": BLACK, "linestyle": "-"},
}
"""The line of each source that is not a simulation."""
LABEL = {"fontsize": 7, "frameon": False, "handlelength": 1.8, "labelspacing": 0.3, "borderaxespad": 0.2}
"""How legends look."""


def values(rows: Rows, axis: str, name: str = "value") -> tuple[list[float], list[float]]:
    """A parameter and a number of each row, in the order of the parameter."""
    order = sorted(rows, key=lambda row: row[axis])
    return [row[axis] for row in order], [row[name] for row in order]


def levels(rows: Rows, axis: str) -> list[Any]:
    """The values of a parameter, in their order."""
    return sorted({row[axis] for row in rows if row[axis] is not None})


def curve(axes: Axes, rows: Rows, axis: str, **look: Any) -> None:
    """A line through the values against a parameter."""
    axes.plot(*values(rows, axis), **look)


def band(axes: Axes, rows: Rows, axis: str, colour: str, alpha: float = 0.2) -> None:
    """The intervals of the values against a parameter, shaded."""
    bounded = [row for row in rows if row["low"] is not None]
    x, low = values(bounded, axis, "low")
    axes.fill_between(x, low, values(bounded, axis, "high")[1], color=colour, alpha=alpha, linewidth=0)


def bars(axes: Axes, rows: Rows, axis: str, **look: Any) -> None:
    """The values against a parameter as marks, each with its interval."""
    x, y = values(rows, axis)
    low, high = values(rows, axis, "low")[1], values(rows, axis, "high")[1]
    reach = [[v - a for v, a in zip(y, low, strict=True)], [b - v for v, b in zip(y, high, strict=True)]]
    axes.errorbar(x, y, yerr=reach, markersize=3.5, elinewidth=0.9, capsize=1.8, **look)


def under(figure: Figure, text: str) -> None:
    """A caption below the panels: what was measured, how often, what bars mean, and the claims that it belongs to."""
    letters = int(19 * figure.get_figwidth())
    figure.supxlabel("\n".join(wrap(text, letters)), x=0.01, ha="left", fontsize=6.5, color=GREY, linespacing=1.3)


def scatter(rows: Rows, axis: str, column: str) -> Figure:
    """Draw a column of numbers against an axis, a dot a row.

    Raises
    ------
    ValueError
        where no row has such a number.
    """
    numbers = [(row[axis], row[column]) for row in rows if isinstance(row.get(column), int | float)]
    if not numbers:
        choices = ", ".join(rows[0]) if rows else "none"
        raise ValueError(f"column must be one of numbers ({choices}), got {column!r}")
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=(4.2, 3.0), layout="constrained")
        axes = figure.subplots()
        axes.plot(*zip(*numbers, strict=True), "o", color=BLUE, markersize=3)
        axes.set(xlabel=axis, ylabel=column)
    return figure


# Neither a date nor a version of the library, so that the same picture gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}
PICTURE_SUFFIXES = tuple(f".{kind}" for kind in _METADATA)


def picture_bytes(figure: Figure, suffix: str) -> bytes:
    """Return the file of a picture, by its suffix.

    Raises
    ------
    ValueError
        where the suffix is none of `PICTURE_SUFFIXES`.
    """
    if suffix not in PICTURE_SUFFIXES:
        raise ValueError(f"picture must end in {', '.join(PICTURE_SUFFIXES)}, got {suffix!r}")
    kind, content = suffix[1:], BytesIO()
    with matplotlib.style.context(["default", STYLE]):
        figure.savefig(content, format=kind, metadata=_METADATA[kind])
    return content.getvalue()
