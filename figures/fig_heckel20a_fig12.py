"""How much more does an image move a random network than noise of the same norm does?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from untrained.figures.drawing import cite, head, key, panels, plain_ticks, strip, under
from untrained.figures.style import BLUE, GREY, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER, pick, read_record

_NOISES = {
    "uniform": ("noise on [0, 1]", BLUE, "o"),
    "centred": ("of mean 0", ORANGE, "s"),
    "both centred": ("image too", PURPLE, "^"),
}
_NETWORKS = {"conv-decoder": "deep decoder", "skip-unet": "skip net"}


def fig_heckel20a_fig12(folder: Path = FOLDER) -> Figure:
    """Draw how much more an image moves a random network than noise, by network, image and kind of noise.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig12", folder)
    at = record["axes"]
    cases = [(network, image) for network in at["network"] for image in at["image"]]
    figure, (axes,) = panels(1, 1, 2.7)
    for shift, (noise, (_, colour, marker)) in enumerate(_NOISES.items()):
        for place, (network, image) in enumerate(cases):
            (row,) = pick(record["rows"], quantity="ratio", network=network, image=image, noise=noise)
            y, ends = place + 0.22 * (shift - 1), [[row["value"] - row["low"]], [row["high"] - row["value"]]]
            look: dict[str, Any] = {"color": colour, "marker": marker, "elinewidth": 0.9}
            axes.errorbar([row["value"]], [y], xerr=ends, **look)
    axes.axvline(1, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xlabel=r"$\|J^Tx\|\;/\;\|J^Tz\|$, noise $z$ of the norm of the image $x$", xscale="log")
    axes.set(ylim=(len(cases) - 0.5, -0.5))
    plain_ticks(axes, (1, 2, 3, 4, 6, 8))
    axes.set_yticks(range(len(cases)), [f"{_NETWORKS[network]},\n{image}" for network, image in cases])
    head(axes, "An image moves a random network more; half of a deep decoder's factor is the noise's mean", 46)
    strip(figure, [key(name, color=colour, marker=marker, linestyle="") for name, colour, marker in _NOISES.values()])
    says = (
        f"Random weights, {at['size'][0]}x{at['size'][0]}, {at['width'][0]} channels; marks are medians of "
        f"{at['draws'][0]} draws, bars hold the middle 95 % of them. Circles: noise as published; squares: noise of "
        "mean 0; triangles: image and noise of mean 0. Grey: equal."
    )
    under(figure, says + cite(folder, "heckel20a.sigma", about="on the mean square for one layer"))
    return figure
