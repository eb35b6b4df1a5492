"""What figures share: panels with letters, captions, legends by kind, curves and bars, and pictures as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from textwrap import wrap
from typing import Any

import matplotlib.style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.lines import Line2D

from untrained.figures.style import BLACK, BLUE, FULL, GREY, HALF, SHADED, SMALLEST, STYLE, shades
from untrained.sims.record.store import RECORD_KINDS, read_record

Rows = Sequence[Mapping[str, Any]]
THEORY: dict[str, dict[str, Any]] = {
    "exact law": {"color": BLACK, "linestyle": "-"},
    "theorem": {"color": BLACK, "linestyle": (0, (4, 1.3))},
    "edge": {"color": BLACK, "linestyle": (0, (1, 1.2))},
    "proof": {"color": GREY, "linestyle": (0, (5, 1.3, 1, 1.3))},
    "printed": {"color": GREY, "linestyle": (0, (9, 2))},
}
"""The line of each source that is not a simulation: theory has lines, what was simulated has markers."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LINE = 1.3 * SMALLEST / 72
"""Inches of a line of a caption."""


def panels(rows: int, columns: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of half a page's width, or a whole one's where there are several columns, and its panels row by row.

    `height` is that of the panels together, in inches.
    """
    figure = Figure(figsize=(FULL if columns > 1 else HALF, height), layout="constrained")
    return figure, list(figure.subplots(rows, columns, squeeze=False, **options).flat)


def head(axes: Axes, message: str, letters: int, letter: str = "") -> None:
    """The message of a panel above it, in lines of so many letters, behind the panel's own letter in bold."""
    lines = wrap(message, letters, break_on_hyphens=False)
    axes.set_title(rf"$\bf{{{letter}}}$  " * bool(letter) + "\n".join(lines))


def heads(places: Sequence[Axes], messages: Sequence[str], letters: int) -> None:
    """The messages of panels, which get the letters a, b, ... in their order."""
    for letter, axes, message in zip(_LETTERS, places, messages, strict=False):
        head(axes, message, letters, letter)


def under(figure: Figure, text: str) -> None:
    """A caption below the panels, for which the figure grows: what is shown, how often, what bars mean, and claims."""
    width, height = figure.get_size_inches()
    lines = wrap(text, int(19.4 * width), break_on_hyphens=False)
    figure.set_size_inches(width, height + _LINE * len(lines) + 0.08)
    place = {"x": 0.04 / width, "ha": "left"}
    figure.supxlabel("\n".join(lines), fontsize=SMALLEST, color=GREY, linespacing=1.3, **place)


def cite(folder: Path, *claims: str, about: str = "") -> str:
    """The ids of claims for the end of a caption, each with the word that it is refuted where the record has it so;
    `about` says what they are about where that is less than what is shown.
    """
    if not claims:
        return " No claim of the ledger rests on it."
    path = RECORD_KINDS["claim"].path
    verdicts = {name: read_record("claim", name, folder)["verdict"] for name in claims if path(name, folder).is_file()}
    words = [f"{name} (refuted)" if verdicts.get(name) == "REFUTED" else name for name in claims]
    return f" Claim{'s' * (len(claims) > 1)}{about and f' {about}'}: {', '.join(words)}."


def caption_of(figure: Figure) -> str:
    """The caption of a figure in one line, empty where it has none."""
    return " ".join(figure.get_supxlabel().split())


def bare(figure: Figure) -> None:
    """Take the caption off a figure, which shrinks again, for a page that sets captions itself."""
    lines = figure.get_supxlabel().count("\n") + 1
    if figure.get_supxlabel():
        width, height = figure.get_size_inches()
        figure.supxlabel("")
        figure.set_size_inches(width, height - _LINE * lines - 0.08)


def key(label: str, **look: Any) -> Line2D:
    """An entry of a legend that stands for no line in particular."""
    return Line2D([], [], label=label, **look)


def legend(owner: Axes | Figure, groups: Mapping[str, Sequence[Artist]], loc: str, columns: int = 0) -> Legend:
    """A legend with a column for each kind of entries under its name, or with so many; empty kinds are left out."""
    kinds = {name: list(entries) for name, entries in groups.items() if entries}
    longest = max(map(len, kinds.values()))
    entries: list[Artist] = []
    for name, handles in kinds.items():
        padding = [key("", linestyle="")] * (longest - len(handles) if not columns and len(kinds) > 1 else 0)
        entries += [key(name, linestyle=""), *handles, *padding] if name else [*handles, *padding]
    result: Legend = owner.legend(handles=entries, loc=loc, ncols=columns or len(kinds))  # type: ignore[call-overload]
    for text in (text for text in result.get_texts() if text.get_text() in kinds):
        text.set_fontweight("bold")
    return result


def strip(figure: Figure, entries: Iterable[Artist], columns: int = 0) -> Legend:
    """A legend above the panels, in one row or in so many columns."""
    handles = list(entries)
    return figure.legend(handles=handles, loc="outside upper center", ncols=columns or len(handles))


def looks(names: Iterable[Any]) -> dict[Any, dict[str, Any]]:
    """Colour and marker of each level of an ordered quantity."""
    levels_ = list(names)
    pairs = shades(len(levels_)) if levels_ else []
    return {name: {"color": colour, "marker": mark} for name, (colour, mark) in zip(levels_, pairs, strict=True)}


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
    ends = (zip(y, low, strict=True), zip(high, y, strict=True))
    reach = [[max(0, upper - lower) for upper, lower in pairs] for pairs in ends]
    axes.errorbar(x, y, yerr=reach, **{"elinewidth": 0.7, "linewidth": 0.8, **look})


def plain_ticks(axes: Axes, x: Sequence[float] = (), y: Sequence[float] = ()) -> None:
    """Ticks at these places alone, each with its number written out."""
    for axis, places in ((axes.xaxis, x), (axes.yaxis, y)):
        if places:
            axis.set_ticks(list(places), [f"{place:,.7g}".replace(",", "\u2009") for place in places])
            axis.set_ticks([], minor=True)


def between(places: Sequence[float], value: float) -> float:
    """Where a value lies along cells of one width whose middles have these values, from 0 at the first one's edge."""
    i = max((k for k, place in enumerate(places[:-1]) if place <= value), default=0)
    return i + 0.5 + (value - places[i]) / (places[i + 1] - places[i])


def share_cells(figure: Figure, axes: Axes, rows: Rows, across: str, up: str) -> tuple[list[Any], list[Any]]:
    """A cell for each pair of two parameters, all of one size, as dark as runs converge, with the key below them.

    Returns the values of the first parameter and of the second, whose cells are named along the axis.
    """
    columns, lines = levels(rows, across), levels(rows, up)
    share = {(row[up], row[across]): row["value"] for row in rows}
    surface = [[share[y, x] for x in columns] for y in lines]
    mesh = axes.pcolormesh(range(len(columns) + 1), range(len(lines) + 1), surface, cmap=SHADED, vmin=0, vmax=1)
    axes.set_yticks([i + 0.5 for i in range(len(lines))], [f"{y:g}" for y in lines])
    axes.tick_params(length=0)
    bar = figure.colorbar(mesh, ax=axes, location="bottom", fraction=0.06, aspect=28, pad=0.02)
    bar.set_label("share of runs that converge")
    bar.outline.set_visible(False)
    return columns, lines


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
        figure, (axes,) = panels(1, 1, 2.6)
        axes.plot(*zip(*numbers, strict=True), "o", color=BLUE)
        axes.set(xlabel=axis, ylabel=column)
    return figure


# Neither a date nor a version of the library, so that the same picture gives the same bytes.
_METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
}
PICTURE_SUFFIXES = tuple(f".{kind}" for kind in _METADATA)


_PLACES = 7
"""Digits of the place of a panel: the solver of layouts may differ from run to run in the last ones of a float."""


def _settle(figure: Figure) -> None:
    """Lay a figure out once for all: each drawing would move its panels a little further, and the next file differ."""
    engine = figure.get_layout_engine()
    if engine is not None:
        for _ in range(2):
            engine.execute(figure)
        figure.set_layout_engine("none")
        for axes in figure.axes:
            left, bottom, width, height = (round(float(x), _PLACES) for x in axes.get_position(original=True).bounds)
            axes.set_position((left, bottom, width, height))


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
        _settle(figure)
        figure.savefig(content, format=kind, metadata=_METADATA[kind])
    return content.getvalue()
