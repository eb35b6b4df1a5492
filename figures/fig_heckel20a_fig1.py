"""Is an image fitted before noise, and when is the fit of a noisy image nearest to the image?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import bars, cite, heads, key, panels, plain_ticks, strip, under
from untrained.figures.style import BLUE, ORANGE
from untrained.sims.record.store import FOLDER, pick, read_record

_NETWORKS = {"conv-decoder": ("deep decoder", BLUE, "o"), "skip-unet": ("skip net", ORANGE, "s")}
_PANELS = (
    ("image", "loss", "An image is fitted ..."),
    ("noise", "loss", "... before noise"),
    ("noisy image", "loss", "Of both together ..."),
    ("noisy image", "error", "... the image comes first"),
)


def fig_heckel20a_fig1(folder: Path = FOLDER) -> Figure:
    """Draw the loss of fits to an image and to noise, and the error of the fit to the noisy image, against steps.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig1", folder)
    at = record["axes"]
    size = at["size"][0]
    figure, places = panels(1, len(_PANELS), 2.3, sharex=True, sharey=True)
    for axes, (target, quantity, _) in zip(places, _PANELS, strict=True):
        _course(axes, record["rows"], {"target": target, "size": size}, quantity)
        axes.set(xscale="log", yscale="log", xlabel="steps")
        plain_ticks(axes, (1, 10, 100))
    plain_ticks(places[0], y=(0.0001, 0.001, 0.01, 0.1))
    places[0].set_ylabel("mean square on [0, 1]")
    heads(places, [title for _, _, title in _PANELS], 26)
    strip(figure, [key(name, color=colour, marker=marker) for name, colour, marker in _NETWORKS.values()])
    says = (
        "a to c: mean squared misfit to the image, to noise and to their sum; d: error of c's fit to the image. The "
        f"phantom at {size}x{size}; noise in b uniform, in c of deviation {at['sigma'][0]:g}/255; {at['channels'][0]} "
        f"channels, Adam. Marks: means of {record['seeds']} seeds, bars both of them."
    )
    under(figure, says + cite(folder, "own.low_pass", "heckel20a.early_stopping.mean"))
    return figure


def _course(axes: Axes, rows: list[dict[str, Any]], at: Mapping[str, Any], quantity: str) -> None:
    for network, (_, colour, marker) in _NETWORKS.items():
        chosen = pick(rows, source="simulation", quantity=quantity, network=network, **at)
        bars(axes, [row for row in chosen if row["step"]], "step", color=colour, marker=marker)
