"""The look of every figure: sizes in inches, matplotlib's parameters, colours for every eye, and marks."""

from __future__ import annotations

from typing import Any

HALF, FULL = 3.35, 6.9
"""Widths of a figure in inches: of half a page and of a whole one."""
SMALLEST = 6.3
"""Points of the smallest letters."""

STYLE: dict[str, Any] = {
    "text.usetex": False,
    "font.family": "DejaVu Sans",
    "mathtext.fontset": "dejavusans",
    "font.size": 7.0,
    "axes.labelsize": 7.2,
    "axes.labelpad": 2.5,
    "axes.titlesize": 7.2,
    "axes.titlelocation": "left",
    "axes.titlepad": 4.0,
    "xtick.labelsize": 6.8,
    "ytick.labelsize": 6.8,
    "xtick.major.size": 2.6,
    "ytick.major.size": 2.6,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.4,
    "lines.markeredgewidth": 0.7,
    "errorbar.capsize": 1.2,
    "legend.fontsize": 6.6,
    "legend.title_fontsize": 6.6,
    "legend.frameon": False,
    "legend.handlelength": 2.0,
    "legend.labelspacing": 0.3,
    "legend.borderaxespad": 0.2,
    "legend.columnspacing": 1.4,
    "figure.facecolor": "white",
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
    "savefig.dpi": 200,
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "untrained",
}

BLACK, GREY, PALE = "#000000", "#595959", "#d9d9d9"
BLUE, ORANGE, GREEN, RED = "#0072b2", "#d55e00", "#007a5a", "#b3321b"
SKY, AMBER, PURPLE = "#2d87bd", "#a97400", "#9a5480"
"""Okabe and Ito's colours, some darkened so that text in them reads on white."""

SHADES = ("#1a1042", "#59157e", "#942c80", "#cf4070", "#f2625d", "#fe9f6d")
"""From dark to light in steps of lightness that the eye takes as equal, with every kind of colour vision."""
MARKS = ("o", "s", "^", "D", "v", "P")
SHADED = "magma_r"
"""The colour map of what is shown as a surface."""


def shades(count: int) -> list[tuple[str, str]]:
    """Colour and marker of each level of an ordered quantity, darkest for the least.

    Raises
    ------
    ValueError
        where there are more levels than can be told apart.
    """
    if not 1 <= count <= len(SHADES):
        raise ValueError(f"count must be between 1 and {len(SHADES)}, got {count}")
    last = min(len(SHADES) - 1, count + 1)
    places = [round(i * last / max(1, count - 1)) for i in range(count)]
    return [(SHADES[place], MARKS[i]) for i, place in enumerate(places)]


VERDICTS: dict[str, tuple[str, str]] = {
    "PROVED": ("o", GREEN),
    "SUPPORTED": ("^", SKY),
    "CONSISTENT": ("s", AMBER),
    "INCONCLUSIVE": ("D", "#5b4a9e"),
    "VACUOUS": ("v", "#b0569c"),
    "REFUTED": ("X", RED),
    "UNTESTED": ("P", GREY),
}
"""Marker and colour of each verdict: the shape alone tells them apart in grey."""
