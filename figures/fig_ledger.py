"""What is the verdict on every claim, and on what evidence?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.style import BLACK, GREY, PALE, VERDICTS
from untrained.figures.verdict_table import informative_share, margin
from untrained.sims.record.store import FOLDER, read_all
from untrained.theory.ledger import ledger

_Entry = Mapping[str, Any]
SECTIONS = (
    (r"own\.(practice|image)\.", "Our own: Theorem 4.1's conclusion at widths that people use"),
    (r"own\.descent\.", "Our own: the descent of the two-layer generator"),
    (r"own\.(netpgd|held_out)", "Our own: Net-PGD's set, isometry and contraction"),
    (r"own\.smooth\.", "Our own: the smoothest interpolant of Gaussian measurements"),
    (r"own\.dual_kernel\.", "Our own: the dual kernel of convolutional generators"),
    (r"own\.denoising\.", "Our own: denoising in the linearised model"),
    (
        r"own\.(double|upsampling|validation)\.",
        "Our own: stopping by hold-out, double over-parameterisation, upsampling",
    ),
    (r"own\.", "Our own: sharper constants and exact thresholds"),
    (r"buskulic23\.", "Buskulic, Fadili and Queau 2023: smooth networks"),
    (r"you20\.", "You, Zhu, Qu and Ma 2020: double over-parameterisation"),
    (r"heckel20a\.", "Heckel and Soltanolkotabi 2020: denoising by structural bias"),
    (r"jagatap19\.", "Jagatap and Hegde 2019: Net-PGD"),
    (r"heckel20b\.", "Heckel and Soltanolkotabi 2020: compressive sensing"),
    (r"oymak19\.", "Oymak and Soltanolkotabi 2019: proof of the meta-theorem"),
    (r"textbook\.", "Theorems of textbooks that proofs rest on"),
    (r"vanveen18\.(eq4|eq6|eq8|eq11|gradient)", "Van Veen et al.: loss, Jacobian and gradient"),
    (r"vanveen18\.eq5", "Van Veen et al.: learned regularisation"),
    (r"vanveen18\.(thmC1|sigma|h$|lemB1)", "Van Veen et al., Lemma B.1: smallest singular value of the Jacobian"),
    (r"vanveen18\.(eq12|eq13|eq14|lemC|lemB2)", "Van Veen et al., Lemma B.2: perturbation of the Jacobian"),
    (r"vanveen18\.lemB3", "Van Veen et al., Lemma B.3: largest singular value"),
    (r"vanveen18\.lemB4", "Van Veen et al., Lemma B.4: initial misfit"),
    (r"vanveen18\.thmB5", "Van Veen et al., Theorem B.5: the meta-theorem"),
    (r"vanveen18\.(alpha|beta|width|union)", "Van Veen et al., Section B.4: constants, width and union bound"),
    (r"vanveen18\.(thm41|early)", "Van Veen et al., Theorem 4.1"),
    (r"vanveen18\.remark", "Van Veen et al., Section 4: which measurements keep the network Gaussian"),
)
"""The heading of the claims whose ids begin like this; the first that fits."""
_COLUMNS = {"claim": 0.03, "verdict": 0.52, "margin": 0.8, "informative": 0.885, "by": 0.905}
"""Where each column stands across its half of the page; numbers end there, words begin there."""
_NUMBERS = ("margin", "informative")
_UNTESTED: _Entry = {"verdict": "UNTESTED", "margin": None, "informative": None, "decided_by": []}
_WIDTH, _HEIGHT, _ROW, _SIZE = 8.27, 11.69, 0.092, 6.0
"""A4 in inches, longer where the ledger asks for it; the height of a row, and the size of the letters in points."""
_HALVES = ((0.04, 0.46), (0.53, 0.46))
"""Left edge and width of each half of the page, as shares of it."""
_BY = {"Symbolic": "S", "Exact": "E", "Enclosed": "B", "Searched": "D", "Counted": "C"}
_FOOT = (
    "Margin: least slack of the conclusion in units of its bound, negative where it fails. Informative (inf.): share "
    "of tested cases in which the hypotheses held and the bound said something. By: S symbolic, E exact law or "
    "rational, B ball arithmetic, D search by drawn cases, C counted by Monte Carlo."
)


def fig_ledger(folder: Path = FOLDER) -> Figure:
    """Draw the whole ledger on one page in two columns: a row a claim, with its verdict and what decided it.

    Raises
    ------
    ValueError
        where the folder holds no record.
    """
    record = read_all("claim", folder)
    if not record:
        raise ValueError(f"record must hold at least one claim, got none in {folder.name}")
    entries = {claim_id: record.get(claim_id, _UNTESTED) for claim_id in ledger()}
    lines = list(_lines(entries))
    half = -(-len(lines) // 2)
    figure = Figure(figsize=(_WIDTH, max(_HEIGHT, _ROW * (half + 14))))
    _top(figure, entries)
    bottom, height = 0.7 / figure.get_figheight(), 1 - 1.15 / figure.get_figheight()
    for (left, width), part in zip(_HALVES, (lines[:half], lines[half:]), strict=True):
        axes = figure.add_axes((left, bottom, width, height), frameon=False, xticks=[], yticks=[])
        axes.set(xlim=(0, 1), ylim=(half - 0.5, -1.8))
        _half(axes, part)
    text = f"{_FOOT}{_recorded(record)}"
    figure.supxlabel(
        "\n".join(wrap(text, 165)), x=0.04, y=0.15 / figure.get_figheight(), ha="left", fontsize=_SIZE, color=GREY
    )
    return figure


def _half(axes: Axes, lines: Sequence[str | tuple[str, _Entry]]) -> None:
    for name in _COLUMNS:
        _cell(axes, name, -1.1, name.replace("informative", "inf."), color=GREY)
    axes.axhline(-0.55, color=BLACK, linewidth=0.6)
    for y, line in enumerate(lines):
        _heading(axes, y, line) if isinstance(line, str) else _claim(axes, y, *line)


def section(claim_id: str) -> str:
    """Return the heading under which a claim stands."""
    return next((name for start, name in SECTIONS if re.match(start, claim_id)), claim_id.partition(".")[0])


def _lines(entries: Mapping[str, _Entry]) -> Iterator[str | tuple[str, _Entry]]:
    """Headings in the order in which the ledger first has them, and claims in the ledger's order below each."""
    order = list(dict.fromkeys(map(section, entries)))
    for name, group in groupby(sorted(entries, key=lambda claim_id: order.index(section(claim_id))), key=section):
        yield name
        yield from ((claim_id, entries[claim_id]) for claim_id in group)


def _recorded(record: Mapping[str, _Entry]) -> str:
    budgets = sorted({(entry["budget"], entry["seed"]) for entry in record.values()})
    return " Recorded with " + " and ".join(f"budget {budget}, seed {seed}" for budget, seed in budgets) + "."


def _top(figure: Figure, entries: Mapping[str, _Entry]) -> None:
    """The title with how many claims have which verdict."""
    counts = Counter(entry["verdict"] for entry in entries.values())
    height = figure.get_figheight()
    axes = figure.add_axes((0.04, 1 - 0.42 / height, 0.94, 0.34 / height), frameon=False, xticks=[], yticks=[])
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0, 0.5, f"{len(entries)} claims", fontsize=10, fontweight="bold", va="center")
    x = 0.14
    for verdict in (v for v in VERDICTS if counts[v]):
        _mark(axes, x, 0.5, verdict, 22)
        label = f"{counts[verdict]} {verdict}"
        axes.text(x + 0.013, 0.5, label, fontsize=7, va="center")
        x += 0.035 + 0.0095 * len(label)


def _mark(axes: Axes, x: float, y: float, verdict: str, area: float) -> None:
    marker, colour = VERDICTS[verdict]
    axes.scatter([x], [y], s=area, marker=marker, color=colour, linewidths=0, clip_on=False)


def _heading(axes: Axes, y: float, name: str) -> None:
    axes.axhline(y - 0.45, color=PALE, linewidth=0.6, zorder=0)
    axes.text(0, y + 0.06, name, fontsize=_SIZE, fontweight="bold", va="center")


def _claim(axes: Axes, y: float, claim_id: str, entry: _Entry) -> None:
    """One row: name, mark and word of the verdict, margin, share and kinds of evidence."""
    verdict = entry["verdict"]
    _mark(axes, _COLUMNS["verdict"] - 0.025, y, verdict, 11)
    _cell(axes, "claim", y, claim_id.partition(".")[2])
    _cell(axes, "verdict", y, verdict, color=VERDICTS[verdict][1])
    _cell(axes, "margin", y, _short(margin(entry)))
    _cell(axes, "informative", y, informative_share(entry))
    _cell(axes, "by", y, " ".join(_BY[kind] for kind in entry["decided_by"]) or "-")


def _cell(axes: Axes, column: str, y: float, text: str, color: str = BLACK) -> None:
    ha = "right" if column in _NUMBERS else "left"
    axes.text(_COLUMNS[column], y, text, ha=ha, va="center", fontsize=_SIZE, color=color, parse_math=False)


def _short(text: str) -> str:
    """1e9 for 1e+09, and true minus signs."""
    text = re.sub(r"e([+-])0*(\d)", lambda match: f"e{match[1].strip('+')}{match[2]}", text)
    return re.sub(r"-(?=\d)", "−", text)
