"""Which frequencies does a network fit first, of an image and of noise?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import band, cite, curve, heads, key, levels, looks, panels, plain_ticks, strip, under
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_FITTED = {
    "conv-decoder": "conv-decoder",
    "conv-generator": "conv-generator",
    "skip-unet": "skip net",
    "dcgan": "dcgan",
    "no mixing": "no kernel",
}
_MESSAGES = (*3 * ("low first, of noise too",), *2 * ("noise all at once",), *5 * ("low first",))
_ROWS = {"noise": "of noise", "camera": "of a photograph"}


def fig_frequencies(folder: Path = FOLDER) -> Figure:
    """Draw what is left of each band of noise and of an image against steps, a column for each network.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "frequencies", folder)
    figure, places = panels(len(_ROWS), len(_FITTED), 3.7, sharex=True, sharey=True)
    for line, (target, name) in enumerate(_ROWS.items()):
        for axes, network in zip(places[line * len(_FITTED) :], _FITTED, strict=False):
            _bands(axes, pick(record["rows"], quantity="left", target=target, network=network))
        places[line * len(_FITTED)].set_ylabel(f"share left {name}")
    for axes in places[len(_FITTED) :]:
        axes.set_xlabel("steps")
    heads(places, [f"{name}: {what}" for name, what in zip([*_FITTED.values()] * 2, _MESSAGES, strict=True)], 22)
    bands = levels(record["rows"], "band")
    strip(figure, [key(_name(place, bands), **look) for place, look in looks(bands).items()])
    at = record["axes"]
    says = (
        f"{at['size'][0]}x{at['size'][0]}, {at['width'][0]} channels, Adam; marks are medians of {record['seeds']} "
        "seeds, shaded from the least to the most; bands are rings of frequencies, without the mean; shares below "
        "0.001 are not shown. The first three upsample or convolve by fixed kernels."
    )
    under(figure, says + cite(folder, "own.low_pass", about="for one layer"))
    return figure


def _name(place: int, bands: list[int]) -> str:
    return {bands[0]: "lowest frequencies", bands[-1]: "highest"}.get(place, f"band {place + 1}")


def _bands(axes: Axes, rows: _Rows) -> None:
    for place, look in looks(levels(rows, "band")).items():
        chosen = [row for row in pick(rows, band=place) if row["step"]]
        band(axes, chosen, "step", look["color"], 0.15)
        curve(axes, chosen, "step", **{**look, "markersize": 2.8})
    axes.set(xscale="log", yscale="log", ylim=(1e-3, 6))
    plain_ticks(axes, (1, 10, 100), (0.001, 0.01, 0.1, 1))
