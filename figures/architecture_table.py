"""What `check` found, for the terminal: tables of conditions and predictions, and the words; several side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from untrained.figures.style import VERDICTS

if TYPE_CHECKING:
    from untrained.sims.diagnosis.answer import Quantity, Report


def report(found: Report, console: Console) -> None:
    """Print all about one network."""
    facts = found.facts
    console.print(Text(found.name, style="bold"), Text(_about(found)), sep="  ")
    console.print(_measured(found.measured))
    console.print(_conditions(found))
    if found.predictions:
        console.print(_predictions(found))
    if facts.get("notes"):
        for note in facts["notes"]:
            console.print(f"Note: {note}", highlight=False)
    console.print(Text(f"\n{found.words}\n"))


def compare(reports: Sequence[Report], console: Console) -> None:
    """Print several networks beside each other: verdicts, then numbers."""
    table = _plain("", *(one.name for one in reports))
    for name in _names([one.name for r in reports for one in r.conditions]):
        held = [{c.name: c for c in r.conditions}.get(name) for r in reports]
        table.add_row(name, *(_verdict(c.verdict.status) if c else Text("-") for c in held))
    for name in _names([one.name for r in reports for one in r.measured]):
        values = [{m.name: m for m in r.measured}.get(name) for r in reports]
        table.add_row(name, *(_value(m) if m else "-" for m in values))
    for name in _names([one.name for r in reports for one in r.predictions]):
        kept = [{p.name: p for p in r.predictions}.get(name) for r in reports]
        table.add_row(
            f"{name}: predicted, real", *(f"{number(p.predicted)}, {number(p.real)}" if p else "-" for p in kept)
        )
    console.print(table)


def number(value: float) -> str:
    """A number in three digits; one that never comes is "never", one that was not tried "-"."""
    if math.isnan(value):
        return "-"
    return "never" if math.isinf(value) else f"{value:.3g}"


def _about(found: Report) -> str:
    f = found.facts
    shape = "x".join(map(str, f["output"]))
    how = "full spectrum" if f["exact"] else "spectrum by Lanczos"
    return f"{f['weights']} weights that train, output {shape} (n = {f['n']}), {how}, {f['seeds']} seeds"


def _names(given: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(given))


def _plain(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _verdict(status: str) -> Text:
    return Text(status, style=VERDICTS[status][1])


def _value(measured: Quantity) -> str:
    if measured.interval:
        centre, low, high = measured.interval
        return f"{centre:.3g} ({low:.3g}, {high:.3g})"
    if measured.bars:
        low, high = measured.bars[0]
        return f"{measured.values[0]:.3g} [{low:.3g}, {high:.3g}]"
    low, high = min(measured.values), max(measured.values)
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _measured(rows: Sequence[Quantity]) -> Table:
    table = _plain("measured at the start", "over seeds")
    for row in rows:
        table.add_row(row.name, _value(row))
    return table


def _conditions(found: Report) -> Table:
    table = _plain("condition", "needs", "has", "margin", "verdict", "what it means")
    for one in found.conditions:
        margin = one.verdict.margin
        told = "-" if margin is None or not math.isfinite(margin) else f"{margin:.3g}"
        table.add_row(one.name, one.needs, one.has, told, _verdict(one.verdict.status), one.means)
    return table


def _predictions(found: Report) -> Table:
    table = _plain("what happens", "linearised theory", "real descent", "in", "")
    for one in found.predictions:
        table.add_row(one.name, number(one.predicted), number(one.real), one.unit, one.note)
    return table
