"""Structural bias in the linear model: spectra of kernels, when to stop, and what interpolation misses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import LABEL, bars, curve, under
from untrained.figures.style import BLACK, BLUE, GREEN, GREY, MARKS, ORANGE, PURPLE, SHADES
from untrained.sims.record.store import FOLDER, pick, read_record
from untrained.theory.objects.dual_kernels import basis_spectrum, transfer, triangle_kernel
from untrained.theory.objects.residual_filters import LinearDenoising, early_stopping_time
from untrained.theory.objects.shapes import real_array

_Rows = list[dict[str, Any]]
_DASHED = (0, (4, 1.2))
_GRADIENTS = {
    "published": ("published gradient, half of the exact one", BLUE, "o"),
    "exact": ("exact gradient", ORANGE, "s"),
}


def fig_heckel20a_fig5(folder: Path = FOLDER) -> Figure:
    """Draw the error of least squares to a leading singular vector under noise, by descent and by its exact filters.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig5", folder)
    figure = Figure(figsize=(4.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for gradient, (name, colour, marker) in _GRADIENTS.items():
        rows = [row for row in pick(record["rows"], quantity="error", gradient=gradient) if row["tau"]]
        curve(axes, pick(rows, source="exact law"), "tau", color=colour, linewidth=0.9)
        curve(axes, pick(rows, source="mean over z"), "tau", color=colour, linestyle=_DASHED, linewidth=0.9)
        simulation = pick(rows, source="simulation")
        bars(axes, simulation, "tau", color=colour, linestyle="", marker=marker, label=name)
    axes.plot([], [], color=GREY, linewidth=0.9, label="exact filters, the same draws")
    axes.plot([], [], color=GREY, linestyle=_DASHED, linewidth=0.9, label="root of the mean square over noise")
    axes.set(xscale="log", xlabel="steps", ylabel=r"error to the signal, $\|Ac-x\|$ ($\|x\|=1$)", ylim=(0, 1.35))
    axes.set_title("descent is its filters; its error to the signal\nfalls, then rises", fontsize=8)
    axes.legend(loc="upper left", **LABEL)
    under(
        figure,
        f"n = {record['axes']['n'][0]}, noise of the norm of x; marks: descent, medians of {record['seeds']} draws, "
        "bars from the least to the most. Claim: heckel20a.linear.residual.",
    )
    return figure


_FAMILIES = (
    ("delta", "triangle-10", "triangle-30"),
    ("gaussian-0.005", "gaussian-0.01", "gaussian-0.05"),
)
_CURVES_OF_KERNELS = {
    "kernel": ("kernel $u$", "distance in points"),
    "dual": ("dual kernel", "distance in points"),
    "value": (r"spectrum $\sigma_i^2$", "frequency in turns"),
}


def fig_dual_kernels(folder: Path = FOLDER) -> Figure:
    """Draw kernels, their dual kernels and spectra: exact, as the notebook has them (a third), and of draws.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "heckel20a-fig6", folder)
    figure = Figure(figsize=(7.2, 4.4), layout="constrained")
    places = figure.subplots(2, 3, sharex="col", sharey="col")
    for line, family in zip(places, _FAMILIES, strict=True):
        for axes, (quantity, (label, across)) in zip(line, _CURVES_OF_KERNELS.items(), strict=True):
            _kernels(axes, record["rows"], family, quantity)
            axes.set_ylabel(label)
            if axes in places[-1]:
                axes.set_xlabel(across)
        _extremes(line[-1], record["rows"], family)
        line[0].legend(loc="upper right", **LABEL)
    for source, look in _EXTREMES.items():
        places[0, 2].plot([], [], color=GREY, linestyle="", label=_EXTREME_NAMES[source], **look)
    places[0, 2].legend(handles=places[0, 2].get_lines()[-len(_EXTREMES) :], loc="lower left", **LABEL)
    for axes in places[0, :2]:
        axes.set(xlim=(-1, 60))
    places[0, 2].set(xscale="symlog", yscale="log", xlim=(-0.3, 220), ylim=(8e-4, 40))
    for axes, title in zip(
        places[0], ("the wider a kernel ...", "... the wider its dual kernel ...", _SPECTRA), strict=True
    ):
        axes.set_title(title, fontsize=8)
    under(
        figure,
        f"n = {record['axes']['n'][0]}; lines are exact; crosses: least and largest value of the published notebook, a "
        f"third of the true ones; hollow: medians of {record['seeds']} draws of $JJ^T$ at "
        f"{record['axes']['channels'][0]} channels. "
        "Claims: heckel20a.sigma, heckel20a.sigma.trigonometric, heckel20a.sigma.code (refuted).",
    )
    return figure


_SPECTRA = "... and the steeper its spectrum"


def _kernels(axes: Axes, rows: _Rows, family: tuple[str, ...], quantity: str) -> None:
    for kernel, colour, marker in zip(family, SHADES, MARKS, strict=False):
        chosen = pick(rows, source="exact law", quantity=quantity, kernel=kernel)
        name = kernel.replace("triangle-", "triangle, half-width ").replace("gaussian-", "Gaussian, width ")
        curve(axes, chosen, "place", color=colour, marker=marker, markersize=2.4, linewidth=0.9, label=name)


def _extremes(axes: Axes, rows: _Rows, family: tuple[str, ...]) -> None:
    """The notebook's and the draws' least and largest values, where the exact ones are."""
    for kernel, colour in zip(family, SHADES, strict=False):
        law = pick(rows, source="exact law", quantity="value", kernel=kernel)
        ends = {"largest": max(law, key=lambda row: row["value"]), "least": min(law, key=lambda row: row["value"])}
        for (quantity, end), (source, look) in ((e, s) for e in ends.items() for s in _EXTREMES.items()):
            (row,) = pick(rows, source=source, quantity=quantity, kernel=kernel)
            axes.plot([end["place"]], [row["value"]], color=colour, linestyle="", **look)


_EXTREMES: dict[str, dict[str, Any]] = {
    "published code": {"marker": "x", "markersize": 5},
    "simulation": {"marker": "o", "markersize": 6, "markerfacecolor": "none"},
}
_EXTREME_NAMES = {"published code": "published notebook", "simulation": r"draws of $JJ^T$"}


_POINTS, _SPAN, _NOISE = 300, 5, 0.5
"""n, the vectors that the signal is spread over evenly, and the norm of the noise, that of the signal being 1."""
_TAUS = tuple(dict.fromkeys(round(10 ** (k / 12), 3) for k in range(-12, 55)))
_HALF_WIDTHS = (10, 50)


def _denoising(half_width: int) -> tuple[LinearDenoising, float]:
    """A signal in the first trigonometric vectors under noise, by a triangle's dual spectrum, and the theorem's tau."""
    kernel = triangle_kernel(_POINTS, half_width)
    spectrum, eta = basis_spectrum(kernel), 1 / float(transfer(kernel).max()) ** 2
    signal = real_array("signal", [_SPAN**-0.5] * _SPAN + [0.0] * (_POINTS - _SPAN), 1)
    return LinearDenoising(signal, spectrum, eta, _NOISE), early_stopping_time(spectrum, eta, _SPAN)


def fig_early_stopping(folder: Path = FOLDER) -> Figure:
    """Draw the exact mean risk of linear denoising against the stopping time, its parts, and the theorem's time.

    No record is read: all is closed forms of `residual_filters`.
    """
    figure = Figure(figsize=(6.4, 3.7), layout="constrained")
    places = figure.subplots(1, len(_HALF_WIDTHS), sharey=True)
    for axes, half_width in zip(places, _HALF_WIDTHS, strict=True):
        _risk(axes, half_width)
        axes.set_xlabel(r"stopping time $\tau$, steps")
    places[0].set_ylabel(r"mean squared error over $\|x\|^2$")
    figure.legend(*places[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, **LABEL)
    under(
        figure,
        f"Exact means, no draws. n = {_POINTS}, x spread evenly over the first p = {_SPAN} vectors, noise of norm "
        rf"{_NOISE} $\|x\|$, $\eta=1/\|Fu\|_\infty^2$, triangles. Claims: heckel20a.early_stopping.mean, "
        "own.denoising.left, own.denoising.says_nothing, own.denoising.stop.",
    )
    return figure


def _risk(axes: Axes, half_width: int) -> None:
    """Risk and its parts, Wiener's risk, the least one, and what the theorem's time leaves of the signal."""
    problem, theorem = _denoising(half_width)
    noise = [problem.noise_part(tau).mean for tau in _TAUS]
    axes.plot(_TAUS, [problem.risk(tau) for tau in _TAUS], color=BLACK, linewidth=1.6, label="risk")
    axes.plot(_TAUS, [_missing(problem, tau) for tau in _TAUS], color=BLUE, linestyle=_DASHED, label="signal missing")
    axes.plot(_TAUS, noise, color=ORANGE, linestyle=(0, (4, 1.2, 1, 1.2)), label="noise let in")
    axes.axhline(problem.best_linear_risk(), color=GREEN, linestyle=(0, (1, 1.2)), label="Wiener filter")
    best, least = problem.best_stop()
    axes.plot([best], [least], color=BLACK, marker="D", markersize=5, linestyle="", label="best time")
    left = _missing(problem, theorem)
    axes.axvline(theorem, color=PURPLE, linewidth=0.9, label=r"theorem's $\tau$")
    axes.plot([theorem], [left], color=PURPLE, marker="v", markersize=5, linestyle="", label=r"missing at that $\tau$")
    axes.set(xscale="log", yscale="log", ylim=(1e-4, 2))
    stop = f"the theorem stops at {theorem:.2g}, {100 * left:.0f} % of $\\|x\\|^2$ missing"
    axes.set_title(f"half-width {half_width}: best at {best} steps;\n{stop}", fontsize=8)


def _missing(problem: LinearDenoising, tau: float) -> float:
    """The squared norm of what the filters leave of the signal."""
    return float((problem.error(tau).offsets ** 2).sum())


_ERRORS = {0.0: ("no noise", BLUE, "o"), 0.1: ("noise 0.1 a measurement", ORANGE, "s")}
_BOUNDS = {
    "range finder": ("range finder's bound, no noise", PURPLE, _DASHED),
    "constant 1": ("Theorem 1 with constant 1, no noise", BLACK, (0, (1, 1.2))),
}


def fig_smooth_interpolation(folder: Path = FOLDER) -> Figure:
    """Draw the error of the smoothest interpolant against m by draws and by the deterministic equivalent, and bounds.

    Raises
    ------
    ValueError
        where the study was not recorded.
    """
    record = read_record("study", "interpolation", folder)
    figure = Figure(figsize=(4.8, 4.2), layout="constrained")
    axes = figure.subplots()
    for noise, (name, colour, marker) in _ERRORS.items():
        rows = pick(record["rows"], noise=noise)
        curve(axes, pick(rows, source="equivalent"), "m", color=colour, label=f"equivalent, {name}")
        simulation = pick(rows, source="simulation")
        bars(axes, simulation, "m", color=colour, linestyle="", marker=marker, label=f"draws, {name}")
    for source, (name, colour, line) in _BOUNDS.items():
        curve(axes, pick(record["rows"], source=source), "m", color=colour, linestyle=line, label=name)
    n, p, width = (record["axes"][axis][0] for axis in ("n", "span", "half_width"))
    axes.axvline(n, color=GREY, linewidth=0.6, zorder=0)
    axes.set(yscale="log", xlim=(0, n + 5), ylim=(2e-4, 9), xlabel=f"measurements $m$ of $n$ = {n}")
    axes.set_ylabel(r"root mean square of $\|\hat x-x\|$, $\|x\|=1$")
    axes.set_title("without noise every measurement helps;\nwith it the error peaks as m nears n", fontsize=8)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=2, **LABEL)
    under(
        figure,
        f"Triangle of half-width {width}, x in its first {p} vectors, A normal; marks: medians of {record['seeds']} "
        "draws of A, bars from the least to the most; all else is theory, the range finder's of the mean error. "
        "Claims: own.smooth.equivalent, own.smooth.noise, heckel20b.linear.error, "
        "heckel20b.linear.constant_one (refuted).",
    )
    return figure
