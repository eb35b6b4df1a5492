"""What do untrained networks denoise, beside controls and the numbers of the paper?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from untrained.figures.drawing import cite, head, under
from untrained.figures.recipe_curves import dots_of
from untrained.figures.recipe_pictures import Tile, draw_tile
from untrained.figures.style import FULL, GREY, SMALLEST
from untrained.sims.experiments.recipes.recipe import NAMES
from untrained.sims.record.store import FOLDER, read_all

_TABLE, _EXAMPLE = "heckel20a-table1", "heckel20a-fig2"
_COLUMNS = 5


def fig_recipes_denoising(folder: Path = FOLDER) -> Figure:
    """Draw PSNR by method beside the paper's, and the example denoised; what is not recorded is said.

    Raises
    ------
    ValueError
        where a record is damaged.
    """
    records = read_all("recipe", folder)
    figure = Figure(figsize=(FULL, 3.3), layout="constrained")
    grid = figure.add_gridspec(1, 2, width_ratios=(1, 2.4))
    left, right = grid[0], grid[1]
    axes, table, example = figure.add_subplot(left), records.get(_TABLE), records.get(_EXAMPLE)
    if table:
        dots_of(axes, table)
        head(axes, _message(table), 21, "a")
    else:
        _nothing(axes, _TABLE)
    if example and example["pictures"]:
        _tiles(figure, right, example)
    else:
        _nothing(figure.add_subplot(right), _EXAMPLE)
    claims = ("own.low_pass", "heckel20a.early_stopping.mean")
    under(figure, _caption(table, example) + cite(folder, *claims, about="on the linear model"))
    return figure


def _message(record: Mapping[str, Any]) -> str:
    best = max((p for p in record["points"] if p["psnr"]), key=lambda p: p["psnr"][0])
    return f"Highest mean here: {NAMES.get(best['label'], best['label'])}"


def _caption(table: Mapping[str, Any] | None, example: Mapping[str, Any] | None) -> str:
    words = ""
    if table:
        used = table["images"][0]
        words = (
            f"a: {table['title']}: mean over {used['used']} images and its 95 % t-interval; hollow: the paper's, of "
            f"{used['paper']} images of 512x512. "
        )
    return words + (f"b: {example['title']}, with the PSNR of each, the highest in bold." if example else "")


def _nothing(axes: Axes, name: str) -> None:
    axes.set(xticks=[], yticks=[], frame_on=False)
    axes.text(0.5, 0.5, f"not recorded:\nuntrained reproduce {name}", ha="center", color=GREY)


def _tiles(figure: Figure, place: SubplotSpec, record: Mapping[str, Any]) -> None:
    """The original and what was made of the noisy image, each with its PSNR."""
    means = {p["label"]: p["psnr"][0] for p in record["points"] if p["psnr"] is not None}
    pictures = record["pictures"]
    grid = place.subgridspec(-(-len(pictures) // _COLUMNS), _COLUMNS)
    places = list(grid.subplots(squeeze=False).flat)
    for axes in places:
        axes.set(xticks=[], yticks=[], frame_on=False)
    for i, (axes, picture) in enumerate(zip(places, pictures, strict=False)):
        label = picture["label"]
        draw_tile(axes, Tile(picture["png"], means.get(label)), max(means.values()), "PSNR, dB")
        name = "\n".join(wrap(NAMES.get(label, label).removeprefix("deep "), 12))
        axes.set_title(r"$\bf{b}$  " * (not i) + name, fontsize=SMALLEST)
