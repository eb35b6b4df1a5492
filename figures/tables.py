"""Tables as plain data: the same rows for a terminal, a notebook, Markdown and a printed result."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import isinf, isnan
from typing import Any

_GAP = "  "


@dataclass(frozen=True)
class Table:
    """Rows of words under the names of columns; the columns of numbers stand to the right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    right: Collection[str] = ()

    def text(self) -> str:
        """Return the table in letters of one width."""
        lines = [self.columns, *self.rows]
        widths = [max(len(cell) for cell in cells) for cells in zip(*lines, strict=True)]
        return "\n".join(self._line(line, widths) for line in lines)

    def _line(self, cells: Sequence[str], widths: Sequence[int]) -> str:
        sides = (">" if name in self.right else "<" for name in self.columns)
        padded = (f"{cell:{side}{width}}" for cell, side, width in zip(cells, sides, widths, strict=True))
        return _GAP.join(padded).rstrip()

    def html(self) -> str:
        """Return the table for a notebook."""
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        rows = "".join(f"<tr>{''.join(map(self._cell, self.columns, row))}</tr>" for row in self.rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def _cell(self, column: str, cell: str) -> str:
        side = "right" if column in self.right else "left"
        return f'<td style="text-align: {side}">{escape(cell)}</td>'

    def markdown(self) -> str:
        """Return the table in Markdown; what stands in a cell is taken as Markdown but for its bars."""
        rules = ("---:" if name in self.right else "---" for name in self.columns)
        rows = ([cell.replace("|", "\\|") for cell in row] for row in self.rows)
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.columns, rules, *rows))


Parts = Sequence[str | Table]
"""What a result says, from the top: lines of text and tables."""


def text_of(parts: Iterable[str | Table]) -> str:
    """Return lines and tables as one text."""
    return "\n".join(part if isinstance(part, str) else part.text() for part in parts)


def html_of(parts: Iterable[str | Table]) -> str:
    """Return lines and tables for a notebook."""
    return "".join(f"<p>{escape(part)}</p>" if isinstance(part, str) else part.html() for part in parts)


def number(value: Any) -> str:
    """Three significant digits; a dash where there is nothing, words as they are, "never" for what is infinite.

    Numbers of a tuple or list are written one by one, in brackets.
    """
    if isinstance(value, tuple | list):
        return f"({', '.join(map(number, value))})"
    if value is None or (isinstance(value, float) and isnan(value)):
        return "-"
    if isinstance(value, str):
        return value
    return "never" if isinf(value) else f"{value:.3g}"
