"""What do networks fit first, and what does their Jacobian prefer? Images against noise, singular vectors, bands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import LABEL, band, bars, curve, levels, under
from untrained.figures.style import BLUE, GREEN, GREY, MARKS, ORANGE, PURPLE, SHADES
from untrained.sims.record.store import FOLDER, pick, read_record

_Rows = list[dict[str, Any]]
_ARCHITECTURES = {
    "deep decoder": (BLUE, "o"),
    "fixed convolutions": (GREEN, "s"),
    "deconvolutions": (PURPLE, "^"),
    "trained convolutions": (ORANGE, "D"),
}
_FIG4_TITLES = (
    "a deep decoder fits an image\nlong before noise",
    "convolutions that train:\nthe wider, the sooner noise",
    "down to 0.5: noise is later in\nall but trained convolutions",
    "down to 0.1: at every width\nonly with fixed kernels",
)
_TARGETS = {"shepp-logan": "-", "noise": (0, (4, 1.2))}


def fig_heckel20a_fig4(folder: Path = FOLDER) -> Figure:
    """Draw losses against steps at two architectures, and how much later noise is fitted than an image, at all four.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig4", folder)
    figure = Figure(figsize=(6.0, 5.2), layout="constrained")
    places = figure.subplots(2, 2)
    for axes, architecture in zip(places[0], ("deep decoder", "trained convolutions"), strict=True):
        _losses(axes, pick(record["rows"], architecture=architecture))
    places[0, 1].sharey(places[0, 0])
    places[0, 0].set_ylabel("loss over that of the mean")
    places[1, 0].set_ylabel("steps: noise over image")
    _key_of_losses(places[0, 0], levels(record["rows"], "width"))
    for axes, level in zip(places[1], ("0.5", "0.1"), strict=True):
        _ratios(axes, record["rows"], level)
    for axes, title in zip(places.flat, _FIG4_TITLES, strict=True):
        axes.set_title(title, fontsize=8)
    figure.legend(*places[1, 0].get_legend_handles_labels(), loc="outside upper center", ncols=4, **LABEL)
    size, steps = record["axes"]["size"][0], record["axes"]["steps"][0]
    under(
        figure,
        f"Shepp-Logan and uniform noise at {size}x{size}, gradient descent with momentum, {steps} steps; medians of "
        f"{record['seeds']} seeds, bands and bars from the least to the most. Hollow: a lower bound, as noise was not "
        "fitted to that level in every run. The claim for one layer: own.low_pass.",
    )
    return figure


def _losses(axes: Axes, rows: _Rows) -> None:
    for (target, line), width in ((t, w) for t in _TARGETS.items() for w in levels(rows, "width")):
        place = levels(rows, "width").index(width)
        chosen = [row for row in pick(rows, quantity="loss", target=target, width=width) if row["step"]]
        look = {"color": SHADES[place], "marker": MARKS[place], "markersize": 2.8, "linestyle": line}
        curve(axes, chosen, "step", **look)
        band(axes, chosen, "step", SHADES[place], 0.12)
    axes.set(xscale="log", yscale="log", xlabel="steps", ylim=(1e-3, 12))


def _key_of_losses(axes: Axes, widths: list[int]) -> None:
    for width, colour, marker in zip(widths, SHADES, MARKS, strict=False):
        axes.plot([], [], color=colour, marker=marker, markersize=2.8, label=f"width {width}")
    for target, line in _TARGETS.items():
        axes.plot([], [], color=GREY, linestyle=line, label="noise" if target == "noise" else "image")
    axes.legend(loc="lower left", **LABEL)


def _ratios(axes: Axes, rows: _Rows, level: str) -> None:
    """Bars against weights; hollow where noise was not fitted in some run, so that the ratio is a lower bound."""
    for architecture, (colour, marker) in _ARCHITECTURES.items():
        chosen = pick(rows, quantity=f"ratio at {level}, at least", architecture=architecture)
        whole = pick(rows, quantity=f"noise fitted to {level}", architecture=architecture, value=1.0)
        fitted = {row["width"] for row in whole}
        look = {"color": colour, "linestyle": "", "marker": marker}
        curve(axes, chosen, "weights", color=colour, linewidth=0.8)
        bars(axes, [row for row in chosen if row["width"] in fitted], "weights", **look)
        bars(axes, [row for row in chosen if row["width"] not in fitted], "weights", markerfacecolor="white", **look)
        axes.plot([], [], color=colour, marker=marker, markersize=3.5, linewidth=0.8, label=architecture)
    axes.axhline(1, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xscale="log", yscale="log", xlabel="weights of the network", ylim=(0.4, 26))
    axes.set_xticks([3e3, 1e4, 3e4], ["3000", "10 000", "30 000"])
    axes.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.minorticks_off()


def fig_heckel20a_fig7(folder: Path = FOLDER) -> Figure:
    """Draw a line generator's singular values, and what of a step and of noise its leading vectors hold, by training.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig7", folder)
    moments = _moments(record["rows"], record["axes"]["steps"])
    figure = Figure(figsize=(6.0, 3.3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (name, rows), colour, marker in zip(moments.items(), SHADES, MARKS, strict=False):
        values = [row for row in pick(rows, quantity="value") if row["value"] is not None]
        band(left, values, "place", colour, 0.15)
        curve(left, values, "place", color=colour, marker=marker, markersize=3, label=name)
    left.set(xscale="log", yscale="log", xlabel="place of the singular value", ylabel="singular value")
    left.set_title("the Jacobian's spectrum\nfalls, then recovers its tail", fontsize=8)
    left.legend(loc="lower left", **LABEL)
    _energies(right, moments)
    n = record["axes"]["n"][0]
    under(
        figure,
        f"Four layers of {record['axes']['channels'][0]} channels on {n} points, fitted to a step with noise of "
        f"deviation 0.2; medians of {record['seeds']} seeds, bands and bars from the least to the most. Grey: "
        f"{n // 16} vectors at random. Claims for one layer: own.low_pass, heckel20a.sigma.",
    )
    return figure


def _moments(rows: _Rows, steps: list[int]) -> dict[str, _Rows]:
    """The rows at the start, which each number of steps tells alike, and after each of them."""
    after = {f"after {count} steps": pick(rows, when="after", steps=count) for count in sorted(steps)}
    return {"at the start": pick(rows, when="before", steps=min(steps)), **after}


def _energies(axes: Axes, moments: dict[str, _Rows]) -> None:
    n = moments["at the start"][0]["n"]
    for quantity, colour, marker in (("step", BLUE, "o"), ("noise", ORANGE, "s")):
        points = [
            row | {"time": time} for time, rows in enumerate(moments.values()) for row in pick(rows, quantity=quantity)
        ]
        bars(axes, points, "time", color=colour, marker=marker, linewidth=1.0, label=f"of the {quantity}")
    axes.axhline((n // 16) / n, color=GREY, linewidth=0.6, zorder=0)
    axes.set_xticks(range(len(moments)), [name.replace("after ", "").replace("at the ", "") for name in moments])
    axes.set(xlim=(-0.3, len(moments) - 0.7), ylim=(0, 1.02), ylabel=f"share of energy in {n // 16} leading vectors")
    axes.set_title("leading vectors hold the step,\nnot the noise", fontsize=8)
    axes.legend(loc="center right", **LABEL)


_NOISES = {
    "uniform": ("noise on [0, 1], as published", BLUE, "o"),
    "centred": ("noise of mean 0", ORANGE, "s"),
    "both centred": ("image and noise of mean 0", PURPLE, "^"),
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
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    axes = figure.subplots()
    for shift, (noise, (label, colour, marker)) in enumerate(_NOISES.items()):
        for place, (network, image) in enumerate(cases):
            (row,) = pick(record["rows"], quantity="ratio", network=network, image=image, noise=noise)
            y, ends = place + 0.22 * (shift - 1), [[row["value"] - row["low"]], [row["high"] - row["value"]]]
            look: dict[str, Any] = {"color": colour, "marker": marker, "markersize": 4, "elinewidth": 1.0, "capsize": 2}
            axes.errorbar([row["value"]], [y], xerr=ends, **look, label=None if place else label)
    axes.axvline(1, color=GREY, linewidth=0.6, zorder=0)
    axes.set(xlabel=r"$\|J^Tx\|\;/\;\|J^Tz\|$, noise $z$ of the norm of the image $x$", xscale="log")
    axes.set(ylim=(len(cases) - 0.5, -0.5))
    axes.set_xticks([1, 2, 3, 4, 6, 8], ["1", "2", "3", "4", "6", "8"])
    axes.set_xticks([], minor=True)
    axes.set_yticks(range(len(cases)), [f"{_NETWORKS[network]},\n{image}" for network, image in cases])
    axes.set_title(
        "an image moves a random network more than noise;\nfor a deep decoder half of the factor is the noise's mean",
        fontsize=8,
    )
    figure.legend(loc="outside upper center", ncols=2, **LABEL)
    under(
        figure,
        f"Random weights, {at['size'][0]}x{at['size'][0]}, {at['width'][0]} channels; medians of {at['draws'][0]} "
        "draws, bars hold the middle 95 %. Grey: equal. The mean square for one layer: heckel20a.sigma.",
    )
    return figure


_FITTED = {
    "conv-decoder": "conv-decoder",
    "conv-generator": "conv-generator",
    "skip-unet": "skip net",
    "dcgan": "dcgan",
    "no mixing": "no kernel",
}
_ROWS = {"noise": "of noise", "camera": "of a photograph"}


def fig_frequencies(folder: Path = FOLDER) -> Figure:
    """Draw what is left of each band of noise and of an image against steps, a column for each network.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "frequencies", folder)
    figure = Figure(figsize=(7.2, 4.0), layout="constrained")
    places = figure.subplots(len(_ROWS), len(_FITTED), sharex=True, sharey=True)
    for line, (target, name) in zip(places, _ROWS.items(), strict=True):
        for axes, network in zip(line, _FITTED, strict=True):
            _bands(axes, pick(record["rows"], quantity="left", target=target, network=network))
        line[0].set_ylabel(f"share left {name}")
    for axes, name in zip(places[0], _FITTED.values(), strict=True):
        axes.set_title(name, fontsize=8)
    for axes in places[-1]:
        axes.set_xlabel("steps")
    figure.suptitle(
        "Fixed kernels fit low frequencies first, of noise too; without them only a photograph shows an order",
        fontsize=8.5,
    )
    places[0, -1].legend(loc="lower left", title="band", title_fontsize=7, **LABEL | {"handlelength": 1.2})
    at = record["axes"]
    under(
        figure,
        f"{at['size'][0]}x{at['size'][0]}, {at['width'][0]} channels, Adam; medians of {record['seeds']} seeds, shaded "
        "from the least to the most; bands are rings of frequencies, without the mean; shares below 0.001 are not "
        "shown. The first three upsample or convolve by fixed kernels. The claim for one layer: own.low_pass.",
    )
    return figure


def _bands(axes: Axes, rows: _Rows) -> None:
    names = {0: "lowest", levels(rows, "band")[-1]: "highest"}
    for place, colour, marker in zip(levels(rows, "band"), SHADES, MARKS, strict=False):
        chosen = [row for row in pick(rows, band=place) if row["step"]]
        band(axes, chosen, "step", colour, 0.15)
        curve(
            axes,
            chosen,
            "step",
            color=colour,
            marker=marker,
            markersize=2.8,
            label=names.get(place, f"{place + 1}"),
        )
    axes.set(xscale="log", yscale="log", ylim=(1e-3, 6))
