"""What do the reconstructions of the CS-DIP paper look like: its Figures 2 and 5 to 14, by kind of image?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import cite, panels, under
from untrained.figures.recipe_pictures import ORIGINAL, PictureRow, Tile, draw_tile, nothing, picture_grid, picture_rows
from untrained.sims.experiments.recipes.recipe import NAMES
from untrained.sims.experiments.recipes.vanveen18 import RECIPES
from untrained.sims.record.store import FOLDER, read_all

_SETS = {
    "mnist": (("fig5", "fig2", "fig6"), "MNIST (784 pixels)"),
    "xray": (("fig7", "fig2", "fig8"), "chest x-ray (65536 pixels)"),
    "retina": (("fig9", "fig10", "fig11", "fig12"), "retinopathy (49152 values)"),
}
"""The recipes whose pictures are of a set."""
_BELOW = (
    "Below each picture its MSE on [-1, 1], the least of each image in bold. The images are the first of the set, "
    "which ones the paper shows is not said; pictures of the record may be smaller than what was measured."
)


def fig_recipes_mnist(folder: Path = FOLDER) -> Figure:
    """Draw the digits of Figures 2, 5 and 6 of the CS-DIP paper from the records.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    return _of_set("mnist", folder)


def fig_recipes_xray(folder: Path = FOLDER) -> Figure:
    """Draw the x-ray of Figures 2, 7 and 8 of the CS-DIP paper from the records.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    return _of_set("xray", folder)


def fig_recipes_retina(folder: Path = FOLDER) -> Figure:
    """Draw the retina of Figures 9 to 12 of the CS-DIP paper from the records.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    return _of_set("retina", folder)


def _of_set(dataset: str, folder: Path) -> Figure:
    names, words = _SETS[dataset]
    records = {name: record for name, record in read_all("recipe", folder).items() if name in names}
    rows = [row for name in names if name in records for row in picture_rows(_only(records[name], dataset))]
    if not rows:
        return nothing(", ".join(names))
    rows.sort(key=lambda row: int(row[0].removeprefix("m = ")))
    figure = picture_grid(rows)
    head = f"{words}, Gaussian measurements: least error by {_winners(rows)}"
    figure.suptitle(head, x=0.01, ha="left", fontsize=7.6)
    absent = [name for name in names if name not in records]
    left = f" Not recorded: {', '.join(absent)}." if absent else ""
    under(figure, f"{_sources(names)}. {_BELOW}{left}{cite(folder)}")
    return figure


def _only(record: Mapping[str, Any], dataset: str) -> Mapping[str, Any]:
    return {**record, "pictures": [p for p in record["pictures"] if p["dataset"] == dataset]}


def _winners(rows: Sequence[PictureRow]) -> str:
    """Which methods have the least error in how many of the rows' images."""
    wins: dict[str, int] = {}
    for _, tiles in rows:
        scored = {label: row for label, row in tiles.items() if row and row[0].score is not None}
        for scores in zip(*([(tile.score, label) for tile in row] for label, row in scored.items()), strict=False):
            wins[min(scores)[1]] = wins.get(min(scores)[1], 0) + 1
    total = sum(wins.values())
    return ", ".join(
        f"{NAMES[label]} in {count} of {total}" for label, count in sorted(wins.items(), key=lambda w: -w[1])
    )


def _sources(names: Sequence[str]) -> str:
    return "Figures " + ", ".join(re.sub(r"\D", "", RECIPES[name].source.removeprefix("vanveen18 ")) for name in names)


def fig_recipes_fourier(folder: Path = FOLDER) -> Figure:
    """Draw the sampling patterns and the x-ray from Fourier coefficients, Figures 13 and 14 of the CS-DIP paper.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = read_all("recipe", folder)
    rows = {name: picture_rows(records[name]) if name in records else [] for name in ("fig13", "fig14")}
    if not any(rows.values()):
        return nothing(", ".join(rows))
    figure, places = panels(2, _ACROSS, 3.5)
    for axes in places:
        axes.set(xticks=[], yticks=[], frame_on=False)
    for axes, (name, tiles) in zip(places, rows["fig13"], strict=False):
        draw_tile(axes, tiles["pattern"][0])
        axes.set_title(name.replace("\n", " "))
    for name, tiles in rows["fig14"]:
        _one_row(places[_ACROSS:], name, tiles)
    under(figure, _fourier_caption(rows) + cite(folder, "vanveen18.remark.fourier.corrected"))
    return figure


_ACROSS = 4


def _one_row(places: Sequence[Axes], name: str, tiles: Mapping[str, Sequence[Tile]]) -> None:
    """The original and what each method made of it, under their names."""
    best = min(tile.score for row in tiles.values() for tile in row if tile.score is not None)
    for axes, (label, row) in zip(places, tiles.items(), strict=False):
        draw_tile(axes, row[0], best)
        axes.set_title(name.replace("\n", " ") if label == ORIGINAL else NAMES.get(label, label))


def _fourier_caption(rows: Mapping[str, Sequence[PictureRow]]) -> str:
    absent = "".join(f" Not recorded: untrained reproduce {name}." for name, part in rows.items() if not part)
    counts = "Above: Figure 13 and Appendix A, the Fourier coefficients that are measured, white, with their number."
    below = "Below: Figure 14, the first x-ray of the set,"
    below += " what methods make of it, and their MSE on [-1, 1], the least in bold."
    return f"{counts} {below}{absent}"
