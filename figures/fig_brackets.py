"""How much stronger may each constant be: proved or supported how far, and refuted from where?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from untrained.figures.mutant_tables import constant_text, current_brackets
from untrained.figures.style import BLACK, BLUE, FULL, GREY, HALF, ORANGE, PALE
from untrained.sims.record.brackets import Bracket
from untrained.sims.record.store import FOLDER, read_all
from untrained.theory.ledger import ledger

_ROW, _SIZE = 0.102, 6.0
"""Height of a row in inches; letters in points."""
_TOP, _BOTTOM = 0.45, 0.75
"""Inches above and below the rows."""
_MOST = 40
"""More rows than this are put side by side in two columns."""
_FARTHEST = 100
"""Ratios beyond this stand at the edge."""
_SHARP = 1.01
_LOOKS: dict[str, dict[str, Any]] = {
    "proved": {"marker": "o", "color": BLUE, "markersize": 4.4},
    "supported": {"marker": "o", "color": BLUE, "markersize": 4.4, "markerfacecolor": "white"},
    "refuted": {"marker": "X", "color": ORANGE, "markersize": 3.4},
    "stated": {"marker": "|", "color": BLACK, "markersize": 5.0},
}


def fig_brackets(folder: Path = FOLDER) -> Figure:
    """Draw a row for each one-sided constant that is not sharp as it stands: how far affirmed, from where refuted."""
    verdicts = {claim_id: entry["verdict"] for claim_id, entry in read_all("claim", folder).items()}
    every = [row for row in current_brackets(read_all("mutants", folder), ledger(), verdicts) if _is_one_sided(row)]
    rows = [row for row in every if not _is_sharp_as_stated(row)]
    columns = 2 if len(rows) > _MOST else 1
    longest = max(1, math.ceil(len(rows) / columns))
    height = _TOP + _ROW * longest + _BOTTOM
    figure = Figure(figsize=(FULL if columns > 1 else HALF, height))
    for i in range(columns):
        place = ((i + 0.68) / columns, _BOTTOM / height, 0.3 / columns, 1 - (_TOP + _BOTTOM) / height)
        _column(figure.add_axes(place), rows[i * longest : (i + 1) * longest], longest)
    _words(figure, every, len(every) - len(rows))
    return figure


def _is_sharp_as_stated(row: Bracket) -> bool:
    """Whether both ends lie within one per cent of the value that is stated."""
    ends = (row.affirmed, row.refuted)
    return row.is_sharp and all(end is not None and 1 / _SHARP <= end / row.value <= _SHARP for end in ends)


def _column(axes: Axes, rows: Sequence[Bracket], longest: int) -> None:
    axes.set(xscale="log", xlim=(1 / (2 * _FARTHEST), 2 * _FARTHEST), ylim=(longest - 0.4, -0.6), yticks=[])
    axes.set_xticks([1 / _FARTHEST, 0.1, 1, 10, _FARTHEST], ["1/100", "0.1", "1", "10", "100"], fontsize=_SIZE)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.axvline(1, color=PALE, linewidth=0.6, zorder=0)
    axes.set_xlabel("times stronger than stated", fontsize=_SIZE, labelpad=1)
    for y, row in enumerate(rows):
        _row(axes, y, row)


def _is_one_sided(row: Bracket) -> bool:
    """Whether only one way makes the statement stronger and the numbers can stand on an axis of ratios."""
    claim = ledger()[row.claim]
    ends = [end for end in (row.affirmed, row.refuted) if end is not None and end * row.value > 0]
    return not claim.is_textbook and claim.constants[row.name].stronger != "both" and bool(ends)


def _row(axes: Axes, y: int, row: Bracket) -> None:
    """One constant: how many times stronger each end is, to the right; a line over what is open between them."""
    stronger = ledger()[row.claim].constants[row.name].stronger
    ends = {row.strength: row.affirmed, "refuted": row.refuted}
    places = {name: _stronger(row.value, end, stronger) for name, end in ends.items() if name and end is not None}
    if len(places) == 2:
        axes.plot(list(places.values()), [y, y], color=GREY, linewidth=0.8, zorder=1)
    for name, x in {"stated": 1.0, **places}.items():
        axes.plot([x], [y], linestyle="none", zorder=2 + (name != "stated"), **_LOOKS[name], markeredgewidth=0.7)
    sharp = "  sharp" if row.is_sharp else ""
    label = f"{row.claim.partition('.')[2]}  {row.name} {constant_text(row.value)}{sharp}"
    axes.text(
        -0.02, y, label, transform=axes.get_yaxis_transform(), ha="right", va="center", fontsize=_SIZE, color=BLACK
    )


def _stronger(value: float, end: float, stronger: str) -> float:
    """How many times stronger an end is than the value, inside of the axis."""
    if not end * value > 0:
        return _FARTHEST if (end > value) == (stronger == "up") else 1 / _FARTHEST
    ratio = float(end / value) if stronger == "up" else float(value / end)
    return min(max(ratio if value > 0 else 1 / ratio, 1 / _FARTHEST), _FARTHEST)


def _words(figure: Figure, rows: Sequence[Bracket], sharp_as_stated: int) -> None:
    handles = [
        Line2D([], [], linestyle="none", label=name, markeredgewidth=0.7, **look) for name, look in _LOOKS.items()
    ]
    figure.legend(handles=handles, loc="upper center", ncols=4, handletextpad=0.1, columnspacing=1.0)
    claims, sharp = len({row.claim for row in rows}), sum(row.is_sharp for row in rows)
    text = f"n = {len(rows)} constants of {claims} claims, {sharp} of them sharp (ends within 1 %)."
    left = f" The {sharp_as_stated} that are sharp as they stand are left out; paper_notes/ledger.md has all." * bool(
        sharp_as_stated
    )
    width, height = figure.get_size_inches()
    lines = wrap(text + left, int(21 * width))
    figure.supxlabel("\n".join(lines), x=0.02, y=0.06 / height, ha="left", fontsize=_SIZE, color=GREY)
