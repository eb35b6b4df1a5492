"""How long does a reconstruction take: Table 2 of the CS-DIP paper, and here?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from untrained.figures.drawing import cite, under
from untrained.figures.recipe_curves import beside_paper, images_words, runtimes_of
from untrained.figures.recipe_tables import labels_of, printed_number
from untrained.sims.experiments.recipes.recipe import NAMES
from untrained.sims.experiments.recipes.records import blank
from untrained.sims.experiments.recipes.vanveen18 import RECIPES
from untrained.sims.record.store import FOLDER, read_all

_NAME = "table2"


def fig_runtimes(folder: Path = FOLDER) -> Figure:
    """Draw seconds an image against m for each method, the paper's and ours.

    Raises
    ------
    ValueError
        where the record is damaged.
    """
    record = read_all("recipe", folder).get(_NAME)
    title = _title(record) if record else "The paper's seconds; ours are not recorded"
    figure = beside_paper(runtimes_of, record or blank(RECIPES[_NAME]), title, 3.3, 50)
    under(figure, _caption(record) + cite(folder))
    return figure


def _title(record: Mapping[str, Any]) -> str:
    """How many times the paper's seconds each method takes here."""
    words = []
    for label in labels_of(record):
        pairs = [
            (p["seconds"][0], printed_number(record, p["setup"], label))
            for p in record["points"]
            if p["label"] == label
        ]
        ratios = [ours / theirs for ours, theirs in pairs if theirs]
        if ratios:
            words.append(f"{NAMES.get(label, label)} {min(ratios):.2g} to {max(ratios):.2g}")
    return f"Seconds here over the paper's: {', '.join(words)}"


def _caption(record: Mapping[str, Any] | None) -> str:
    says = "Chest x-ray, Table 2. The paper: CS-DIP on a GPU (GTX 1080-Ti), the others on a CPU. "
    if record is None:
        return f"{says}Not recorded: untrained reproduce {_NAME}."
    devices = " and ".join(sorted({p["device"] for p in record["points"]}))
    here = (
        f"Here: all on {devices}, {images_words(record)} image a point; bars, where there are several: 95 % intervals."
    )
    return f"{says}{here}"
