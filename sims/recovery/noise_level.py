"""How noisy measurements are, where nobody says: from pixels, from the residual of least squares, from a fit."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, isnan, sqrt
from typing import Any

import numpy as np
import pywt
import torch
from scipy.ndimage import binary_dilation, maximum_filter, minimum_filter
from scipy.signal import convolve2d
from scipy.sparse.linalg import LinearOperator, lsqr
from scipy.stats import norm

from untrained.sims.operators import Operator
from untrained.sims.operators.masks import Inpainting
from untrained.sims.operators.measurements import Measurement
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip
from untrained.sims.recovery.denoising import TOP_CODE

WAVELETS = ("db2", "haar")
"""Four taps a side see less of edges; two taps find windows where few pixels are known."""
LEAST_WINDOWS = 100
"""Windows that a median is taken of: it is then known to a tenth of itself."""
MOST_CUT = 0.6
"""Share of cut pixels up to which the median tells the deviation to a fifth: beyond, more is cut than is put back."""
MOST_APART = 1.5
"""How many times the deviation of all pixels that of some of them may be, where white noise rules over detail."""


@dataclass(frozen=True)
class NoiseEstimate:
    """sigma of a measurement, E ||eta||^2 = sigma^2, and the sentence of how it was estimated."""

    level: float
    says: str


def estimated_noise(measurement: Measurement, seed: int = 0) -> NoiseEstimate:
    """Estimate the noise level of measurements that do not say it.

    Of known pixels it is that of `pixel_deviation`; of more measurements than pixels, the residual of least squares;
    else the misfit of a short fit of csdip on measurements that it did not see, which holds the fit's own error too.

    Raises
    ------
    ValueError
        where the operator is not linear, the image too small for csdip, or too little measured to hold any out.
    """
    operator = measurement.operator
    if not operator.linear:
        raise ValueError(f"operator must be linear for its noise to be estimated, got {operator.name}: give the level")
    if isinstance(operator, Inpainting):
        pixels, known = operator.adjoint(measurement.y).cpu().double().numpy(), operator.mask().numpy()
        if (deviation := pixel_deviation(pixels, known)) is not None:
            says = (
                f"sigma estimated as {_in_codes(deviation)} of {TOP_CODE} from the pixels: median of their finest "
                f"wavelets{_doubts(deviation, pixels, known)}"
            )
            return NoiseEstimate(deviation * sqrt(operator.m), says)
    if operator.m > operator.n:
        level = least_squares_noise(operator, measurement.y)
        return NoiseEstimate(level, f"noise estimated as {level:.3g}: residual of least squares")
    try:
        settings = csdip.preset("fast", operator)
        misfit = csdip.held_out_misfit(operator, measurement.y, settings, seed=seed)
        if isnan(misfit):
            raise ValueError("the fit diverged")
        level = sqrt(operator.m * misfit)
    except ValueError as error:
        name = "sigma" if isinstance(operator, Inpainting) else "noise"
        raise ValueError(f"{name} must be given where no fit of csdip can estimate it, got none: {error}") from error
    return NoiseEstimate(level, f"noise estimated as at most {level:.3g}: misfit of a fit on measurements held out")


def pixel_deviation(image: np.ndarray, known: np.ndarray | None = None) -> float | None:
    """The standard deviation of white noise in an image (C, H, W) on [-1, 1]: root mean square over channels.

    Of each channel the median of |c| over 0.6745, c the finest diagonal wavelet coefficients at every place whose
    pixels are all known, (H, W), and none on an end of the scale, where noise is cut. Where hardly any place is free of
    such pixels, as on white paper, all places count, and what cutting took is put back. Texture counts as noise.
    None where there are too few places. Of an image enlarged by repeats of its pixels, one pixel of each counts.

    Source: Donoho and Johnstone 1994.
    """
    known = np.ones(image.shape[1:], dtype=bool) if known is None else known
    level = _of_distinct(*_without_repeats(image, known))
    return _of_distinct(image, known) if level is None else level


SHARED = "neighbours share their noise, as in a JPEG or an enlarged image, or there is more detail than noise"
FILLED = "there is no noise in these, as in a frame"


def _doubts(deviation: float, image: np.ndarray, known: np.ndarray) -> str:
    """What is to be said where some of the pixels show another deviation than all of them."""
    image, known = _without_repeats(image, known)
    apart, unfilled = _apart(image, known), _unfilled(image, known)
    says = _doubt(deviation, "of every other pixel", apart, SHARED)
    return says + _doubt(deviation, "without areas of one value", unfilled, FILLED)


def _doubt(deviation: float, where: str, another: float | None, why: str) -> str:
    if another is None or another <= MOST_APART * deviation:
        return ""
    return f"; {where} it is {_in_codes(another)}: {why}; give sigma if more is seen"


def _apart(image: np.ndarray, known: np.ndarray) -> float | None:
    """The deviation of every other pixel, along both axes.

    Of white noise it is that of all. Noise that neighbours share, as compression and enlargement leave it, is seen
    better further apart, where there is more detail too.
    """
    return _of_distinct(image[:, ::2, ::2], known[::2, ::2])


def _unfilled(image: np.ndarray, known: np.ndarray) -> float | None:
    """The deviation without areas of one value inside the scale, such as a frame, where no noise is: squares of 3x3."""
    square = (1, 3, 3)
    level = (maximum_filter(image, square) == minimum_filter(image, square)).all(0) & (np.abs(image) < 1).any(0)
    return _of_distinct(image, known & ~binary_dilation(level, np.ones(square[1:])))


def _in_codes(deviation: float) -> str:
    return f"{deviation * TOP_CODE / 2:.3g}"


def _of_distinct(image: np.ndarray, known: np.ndarray) -> float | None:
    """The deviation of an image none of whose pixels repeats another."""
    for name in WAVELETS:
        taps = np.array(pywt.Wavelet(name).dec_hi)
        deviations = [_deviation(channel, known, taps) for channel in image]
        if None not in deviations:
            return float(np.sqrt(np.mean(np.square(deviations))))  # type: ignore[arg-type]
    return None


def _without_repeats(image: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One pixel of each repeat, along both axes, and which are known."""
    apart = tuple(_one_of_each(image, known, axis) for axis in (0, 1))
    return image[:, *apart], known[apart]


def _one_of_each(image: np.ndarray, known: np.ndarray, axis: int) -> slice:
    """The rows (axis 0) or columns (1) that repeats of equal ones begin with: all of them where nothing is repeated."""
    x, mask = np.moveaxis(image, axis + 1, 0), np.moveaxis(known, axis, 0)
    both = (mask[1:] & mask[:-1])[:, None]
    alike = both.any((1, 2)) & ((x[1:] == x[:-1]) | ~both).all((1, 2))
    changes = np.flatnonzero(~alike) + 1
    step = gcd(*np.diff(changes).tolist()) or 1
    return slice(int(changes[0]) % step if changes.size else 0, None, step)


def _deviation(channel: np.ndarray, known: np.ndarray, taps: np.ndarray) -> float | None:
    """What the windows of known pixels say, by those that noise is not cut in where enough are.

    Where a pixel lies beyond the scale, none was cut.
    """
    if min(channel.shape) < len(taps):
        return None
    window = np.ones((len(taps), len(taps)))
    c = convolve2d(np.where(known, channel, 0.0), np.outer(taps, taps), mode="valid")
    whole = convolve2d(~known, window, mode="valid") < 0.5
    reach = float(np.abs(channel[known]).max(initial=0.0))
    cut = convolve2d(known & (np.abs(channel) == 1) & (reach <= 1), window, mode="valid")
    uncut = whole & (cut < 0.5)
    if uncut.sum() >= LEAST_WINDOWS:
        return _middle(c[uncut])
    if whole.sum() < LEAST_WINDOWS:
        return None
    return _middle(c[whole]) / cut_deviation(float(cut[whole].mean()) / window.size)


def _middle(coefficients: np.ndarray) -> float:
    """The deviation of normal coefficients, from the median of their sizes."""
    return float(np.median(np.abs(coefficients)) / norm.ppf(0.75))


def cut_deviation(share: float) -> float:
    """The deviation of a standard normal number of which that share, at one end, is cut: put on the end's quantile.

    Source: Tobin 1958 (the moments of a censored normal law).
    """
    p = min(share, MOST_CUT)
    if p <= 0:
        return 1.0
    a = float(norm.ppf(p))
    mean = a * p + norm.pdf(a)
    return float(sqrt(a * a * p + a * norm.pdf(a) + 1 - p - mean**2))


def least_squares_noise(operator: Operator, y: torch.Tensor) -> float:
    """sigma of y (m,) from min_x ||A x - y||: sqrt(m/(m - r)) times the residual, for m > n and A of rank r.

    Raises
    ------
    ValueError
        where there are no more measurements than pixels.
    """
    m, n = operator.m, operator.n
    if m <= n:
        raise ValueError(f"m must be above the {n} pixels for least squares to leave a residual, got {m}")

    def on(v: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(v, dtype=np.float32)).to(y.device)

    A = LinearOperator(
        (m, n),
        matvec=lambda x: operator.forward(on(x).reshape(operator.shape)).cpu().double().numpy(),
        rmatvec=lambda r: operator.adjoint(on(r.ravel())).flatten().cpu().double().numpy(),
        dtype=np.float64,
    )
    residual = _least_squares(A, y.cpu().double().numpy())[3]
    return float(residual) * sqrt(m / (m - _rank(A)))


def _rank(A: LinearOperator) -> float:
    """The rank r of A, the trace of A^+ A, from random signs: n exactly where it is full.

    The variance is at most 2 (n - r), and so no more than that of m - r squares of noise.
    """
    signs = stream(0, "rank").integers(2, size=A.shape[1]) * 2.0 - 1
    return min(A.shape[1], float(signs @ _least_squares(A, A @ signs)[0]))


def _least_squares(A: LinearOperator, b: np.ndarray) -> tuple[Any, ...]:
    """What scipy says of the shortest x of least ||A x - b||."""
    return lsqr(A, b, atol=1e-6, btol=1e-6, iter_lim=4 * A.shape[1])
