"""When should the fit of a noisy signal stop in the linear model: where risk is least, or where the theorem says?"""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from untrained.figures.drawing import cite, heads, panels, plain_ticks, strip, under
from untrained.figures.style import AMBER, BLACK, BLUE, ORANGE, PURPLE
from untrained.sims.record.store import FOLDER
from untrained.theory.objects.dual_kernels import basis_spectrum, transfer, triangle_kernel
from untrained.theory.objects.residual_filters import LinearDenoising, early_stopping_time
from untrained.theory.objects.shapes import real_array

_POINTS, _SPAN, _NOISE = 300, 5, 0.5
"""n, the vectors that the signal is spread over evenly, and the norm of the noise, that of the signal being 1."""
_TAUS = tuple(dict.fromkeys(round(10 ** (k / 12), 3) for k in range(-12, 55)))
_HALF_WIDTHS = (10, 50)
_DASHED, _DOTTED, _BROKEN = (0, (4, 1.2)), (0, (1, 1.2)), (0, (4, 1.2, 1, 1.2))


def fig_early_stopping(folder: Path = FOLDER) -> Figure:
    """Draw the exact mean risk of linear denoising against the stopping time, its parts, and the theorem's time.

    All is closed forms of `residual_filters`; of the record only the verdicts in the caption are read.
    """
    figure, places = panels(1, len(_HALF_WIDTHS), 2.8, sharey=True)
    titles = [_risk(axes, half_width) for axes, half_width in zip(places, _HALF_WIDTHS, strict=True)]
    places[0].set_ylabel(r"mean squared error over $\|x\|^2$")
    heads(places, titles, 52)
    strip(figure, places[0].get_legend_handles_labels()[0])
    says = (
        f"Theory alone: exact means over noise, no draws. n = {_POINTS}, x spread evenly over the first p = {_SPAN} "
        f"vectors, noise of norm {_NOISE} ||x||, steps of 1/max |Fu|^2, triangle kernels of half-width "
        f"{_HALF_WIDTHS[0]} (a) and {_HALF_WIDTHS[1]} (b)."
    )
    under(figure, says + cite(folder, *_CLAIMS))
    return figure


_CLAIMS = (
    "heckel20a.early_stopping.mean",
    "own.denoising.left",
    "own.denoising.says_nothing",
    "own.denoising.stop",
)


def _denoising(half_width: int) -> tuple[LinearDenoising, float]:
    """A signal in the first trigonometric vectors under noise, by a triangle's dual spectrum, and the theorem's tau."""
    kernel = triangle_kernel(_POINTS, half_width)
    spectrum, eta = basis_spectrum(kernel), 1 / float(transfer(kernel).max()) ** 2
    signal = real_array("signal", [_SPAN**-0.5] * _SPAN + [0.0] * (_POINTS - _SPAN), 1)
    return LinearDenoising(signal, spectrum, eta, _NOISE), early_stopping_time(spectrum, eta, _SPAN)


def _risk(axes: Axes, half_width: int) -> str:
    """Risk and its parts, Wiener's risk, the least one, what the theorem's time leaves of the signal; the message."""
    problem, theorem = _denoising(half_width)
    noise = [problem.noise_part(tau).mean for tau in _TAUS]
    axes.plot(_TAUS, [problem.risk(tau) for tau in _TAUS], color=BLACK, linewidth=1.8, label="risk")
    axes.plot(_TAUS, [_missing(problem, tau) for tau in _TAUS], color=BLUE, linestyle=_DASHED, label="signal missing")
    axes.plot(_TAUS, noise, color=ORANGE, linestyle=_BROKEN, label="noise let in")
    axes.axhline(problem.best_linear_risk(), color=AMBER, linestyle=_DOTTED, label="Wiener filter")
    best, least = problem.best_stop()
    axes.plot([best], [least], color=BLACK, marker="D", markersize=4.5, linestyle="", label="best time")
    left = _missing(problem, theorem)
    axes.axvline(theorem, color=PURPLE, linewidth=0.8)
    axes.plot(
        [theorem],
        [left],
        color=PURPLE,
        marker="v",
        markersize=5,
        linestyle="",
        label=r"missing at the theorem's $\tau$",
    )
    axes.set(xscale="log", yscale="log", ylim=(1e-4, 2), xlabel=r"stopping time $\tau$, steps")
    plain_ticks(axes, (0.1, 1, 10, 100, 1000, 10000), (0.0001, 0.001, 0.01, 0.1, 1))
    stop = f"the theorem stops at {theorem:.2g}, with {100 * left:.0f} % of the signal missing"
    return f"Half-width {half_width}: best at {best} steps; {stop}"


def _missing(problem: LinearDenoising, tau: float) -> float:
    """The squared norm of what the filters leave of the signal."""
    return float((problem.error(tau).offsets ** 2).sum())
