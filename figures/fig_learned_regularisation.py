"""By how much does learned regularisation lower the error of CS-DIP: Table 1 of the paper, and here?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from untrained.figures.drawing import cite, under
from untrained.figures.recipe_curves import beside_paper, gains_of
from untrained.sims.experiments.recipes.records import blank
from untrained.sims.experiments.recipes.vanveen18 import RECIPES
from untrained.sims.record.store import FOLDER, read_all

_NAME = "table1"


def fig_learned_regularisation(folder: Path = FOLDER) -> Figure:
    """Draw the percent decrease of the MSE against m for each noise, the paper's and ours.

    Raises
    ------
    ValueError
        where the record is damaged.
    """
    record = read_all("recipe", folder).get(_NAME)
    title = _title(record) if record else "The paper's gains; ours are not recorded"
    figure = beside_paper(gains_of, record or blank(RECIPES[_NAME]), title, 3.1, 50)
    under(figure, _caption(record) + cite(folder))
    return figure


def _title(record: Mapping[str, Any]) -> str:
    """The ranges of the gains where there are ours."""
    ours = {(g["setup"]["m"], g["setup"]["variance"]): g["gain"][0] for g in record["gains"] if g["gain"]}
    theirs = {(n["setup"]["m"], n["setup"]["variance"]): n["value"] for n in record["numbers"]}
    both = [place for place in ours if place in theirs]
    spans = [f"{min(row[p] for p in both):.1f} to {max(row[p] for p in both):.1f} %" for row in (theirs, ours)]
    ms = ", ".join(f"{m}" for m in sorted({m for m, _ in both}))
    return f"At m = {ms} the paper gains {spans[0]}, here it is {spans[1]}"


def _caption(record: Mapping[str, Any] | None) -> str:
    (part,) = RECIPES[_NAME].parts
    cells = len(part.setups)
    says = "Chest x-ray, Table 1: percent by which CS-DIP's mean MSE is lower with learned regularisation; "
    says += f"paper: {part.paper_count} images. "
    if record is None:
        return f"{says}Not recorded: untrained reproduce {_NAME}."
    counts = sorted({g["images"] for g in record["gains"]})
    images = f"{counts[0]} image" if counts == [1] else f"{counts[0]} to {counts[-1]} images"
    bars = "no intervals" if all(g["gain"][1] is None for g in record["gains"] if g["gain"]) else "bars: 95 % intervals"
    left = cells - len(record["gains"])
    return (
        f"{says}Here: {images} a cell, {bars}; {left} of {cells} cells are not recorded (untrained reproduce {_NAME})."
    )
