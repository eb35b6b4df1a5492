"""The look of every figure: a plain dict of matplotlib's parameters, a palette for every eye, and marks."""

from __future__ import annotations

from typing import Any

STYLE: dict[str, Any] = {
    "text.usetex": False,
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 8.0,
    "axes.labelsize": 8.5,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "lines.linewidth": 1.2,
    "figure.facecolor": "white",
    "savefig.dpi": 150,
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "untrained",
}

BLACK, GREY, PALE = "#000000", "#595959", "#d9d9d9"
BLUE, ORANGE, GREEN, RED = "#0072b2", "#d55e00", "#007a5a", "#b3321b"
SKY, AMBER, PURPLE = "#2d87bd", "#a97400", "#9a5480"
"""Okabe and Ito's colours, some darkened so that text in them reads on white."""

SHADES, MARKS = ("#3b0f70", "#8c2981", "#de4968", "#f0904f"), ("o", "s", "^", "D")
"""Colour and marker of each level of an ordered quantity, from dark to light as it grows, told apart in grey too."""

VERDICTS: dict[str, tuple[str, str]] = {
    "PROVED": ("o", GREEN),
    "SUPPORTED": ("^", SKY),
    "CONSISTENT": ("s", BLUE),
    "INCONCLUSIVE": ("D", AMBER),
    "VACUOUS": ("v", PURPLE),
    "REFUTED": ("X", RED),
    "UNTESTED": ("P", GREY),
}
"""Marker and colour of each verdict: the shape alone tells them apart in grey."""
