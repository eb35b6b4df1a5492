"""How far an image is from the truth, and intervals for the means of such scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from scipy.stats import t as student
from skimage.metrics import structural_similarity

from untrained.sims.random.streams import stream

DATA_RANGE = 2.0
"""White minus black on [-1, 1]."""

_WINDOW = 11
ALL_SUBSETS_UP_TO, DRAWN_SUBSETS = 20, 2**17
"""Values up to which typical values are of all subsets, and how many subsets are drawn of more values."""

Values = Sequence[float] | np.ndarray
Interval = tuple[float, float, float]
"""An estimate, the low end and the high end."""


def score(image: torch.Tensor, truth: torch.Tensor) -> dict[str, float]:
    """Compare an image (C, H, W) with the truth, both on [-1, 1], in float64; nothing is clipped.

    `mse` is the mean of squared errors, `nmse` the least r with ||x - x*||^2 <= r ||x*||^2 (inf where only the truth
    is zero), `psnr` is 10 log10(4 / mse) in dB (inf where the images are equal), `ssim` the mean over channels with a
    Gaussian window of sigma 1.5, and `data_range` is 2. `ssim_window` is the side of the windows whose centres are
    averaged: 11, or for smaller images the largest odd number that fits, where the Gaussian reaches beyond the edge
    by reflection; below 3 pixels there is no SSIM (nan, with window 0).

    Source: vanveen18 section 5 for mse; wang04 for ssim.

    Raises
    ------
    ValueError
        where the shapes differ or are not (C, H, W), or a pixel is not finite.
    """
    x, x_star = _paired_arrays(image, truth)
    mse = float(np.mean((x - x_star) ** 2))
    window = _window(x.shape)
    return {
        "mse": mse,
        "nmse": _ratio(float(np.sum((x - x_star) ** 2)), float(np.sum(x_star**2))),
        "psnr": 10 * math.log10(DATA_RANGE**2 / mse) if mse > 0 else math.inf,
        "ssim": _ssim(x, x_star, window),
        "ssim_window": float(window),
        "data_range": DATA_RANGE,
    }


def intensity_nmse(image: torch.Tensor, truth: torch.Tensor, *, signed: bool = True) -> float:
    """||u - u*||^2/||u*||^2 of images (C, H, W) on [-1, 1] taken to u on [0, 1]: black has no energy.

    The energy is that of the truth; inf where only the truth is black. Where u is not `signed`, as from magnitudes,
    the nearer of u and -u counts.

    Source: jagatap19 Section 4.

    Raises
    ------
    ValueError
        as `score` does.
    """
    x, x_star = _paired_arrays(image, truth)
    u, u_star = (x + 1) / 2, (x_star + 1) / 2
    errors = [float(np.sum((sign * u - u_star) ** 2)) for sign in ((1,) if signed else (1, -1))]
    return _ratio(min(errors), float(np.sum(u_star**2)))


def _paired_arrays(image: torch.Tensor, truth: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    if image.shape != truth.shape:
        raise ValueError(f"image must have the truth's shape {tuple(truth.shape)}, got {tuple(image.shape)}")
    if image.ndim != 3 or not image.numel():
        raise ValueError(f"image must have the shape (C, H, W), got {tuple(image.shape)}")
    for name, tensor in (("image", image), ("truth", truth)):
        if not bool(tensor.isfinite().all()):
            raise ValueError(f"{name} must have finite pixels, got NaN or infinity")
    return image.detach().cpu().double().numpy(), truth.detach().cpu().double().numpy()


def _ratio(part: float, whole: float) -> float:
    if whole > 0:
        return part / whole
    return math.inf if part > 0 else 0.0


def _window(shape: tuple[int, ...]) -> int:
    side = min(_WINDOW, *shape[1:])
    fits = side - (side % 2 == 0)
    return fits if fits >= 3 else 0


def _ssim(x: np.ndarray, x_star: np.ndarray, window: int) -> float:
    if not window:
        return math.nan
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": DATA_RANGE}
    return float(structural_similarity(x, x_star, win_size=window, channel_axis=0, **settings))


def mean_interval(values: Values, level: float = 0.95) -> Interval:
    """Return the mean and Student's t interval for it, which covers with probability `level` under normal values.

    Raises
    ------
    ValueError
        where there are fewer than two values, one is not finite, or 0 < level < 1 does not hold.
    """
    sample = _sample("values", values)
    centre = float(sample.mean())
    reach = _quantile(sample.size, level) * float(sample.std(ddof=1)) / math.sqrt(sample.size)
    return centre, centre - reach, centre + reach


def paired_interval(first: Values, second: Values, level: float = 0.95) -> Interval:
    """Return the mean of first - second, value by value, and Student's t interval for it.

    Raises
    ------
    ValueError
        where the two differ in length, or as in `mean_interval`.
    """
    a, b = _pairs(first, second)
    return mean_interval(a - b, level)


def ratio_interval(first: Values, second: Values, level: float = 0.95) -> Interval:
    """Return mean(first)/mean(second) of paired values and Fieller's interval for the ratio of the true means.

    The interval holds every r for which the t test of mean(first - r second) = 0 does not reject, so it covers with
    probability `level` where the pairs are normal, whatever their correlation. Where mean(second) is itself not told
    from zero, no bounded interval can do so, and (-inf, inf) is returned.

    Source: fieller54.

    Raises
    ------
    ValueError
        where mean(second) is zero, the two differ in length, or as in `mean_interval`.
    """
    a, b = _pairs(first, second)
    mean_a, mean_b = float(a.mean()), float(b.mean())
    if mean_b == 0:
        raise ValueError("second must have a mean other than zero, got zero")
    (s_aa, s_ab), (_, s_bb) = np.cov(a, b) * (_quantile(a.size, level) ** 2 / a.size)
    lead, half, rest = mean_b**2 - s_bb, mean_a * mean_b - s_ab, mean_a**2 - s_aa
    if lead <= 0:
        return mean_a / mean_b, -math.inf, math.inf
    reach = math.sqrt(max(half**2 - lead * rest, 0.0))
    return mean_a / mean_b, float(half - reach) / float(lead), float(half + reach) / float(lead)


def typical_interval(first: Values, second: Values, level: float = 0.95) -> Interval:
    """Return mean(first)/mean(second) of paired values, and an interval of typical values for it.

    The ratio of sums over a subset of the pairs is a typical value: the true ratio r lies between any two neighbours of
    these with the same probability, if the pairs are independent and each first - r second is symmetric about zero,
    whatever its law. So the interval covers with probability `level` or a little more, where `ratio_interval` wants
    normal pairs; it is that of the sign-flip test of first - r second. Of more than 20 pairs 2^17 subsets are drawn,
    the same ones always. Where there are too few pairs for the level, (-inf, inf) is returned.

    Source: hartigan69.

    Raises
    ------
    ValueError
        where one of second is not above zero, the two differ in length, or as in `mean_interval`.
    """
    a, b = _pairs(first, second)
    _check_level(level)
    if b.min() <= 0:
        raise ValueError(f"second must hold numbers above zero, got {b.min():g}")
    values = _sums(a) / _sums(b)
    ratio = float(a.mean() / b.mean())
    beyond = math.floor((1 - level) / 2 * (len(values) + 1) + 1e-9)  # 1 - 0.9 is a little below 0.1
    if not beyond:
        return ratio, -math.inf, math.inf
    ends = [beyond - 1, len(values) - beyond]
    low, high = np.partition(values, ends)[ends]
    return ratio, float(low), float(high)


def _sums(values: np.ndarray) -> np.ndarray:
    """The sum over each subset but the empty one: of all, or of those that are drawn."""
    if values.size > ALL_SUBSETS_UP_TO:
        return _drawn_subsets(values.size) @ values
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums, sums + value])
    return sums[1:]


@lru_cache(maxsize=4)
def _drawn_subsets(count: int) -> np.ndarray:
    """Subsets of so many values, as rows of zeros and ones."""
    subsets = stream(0, "subsets", count).integers(0, 2, (DRAWN_SUBSETS, count))
    return subsets[subsets.any(axis=1)].astype(np.float64)


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie strictly between 0 and 1, got {level}")


def _quantile(count: int, level: float) -> float:
    _check_level(level)
    return float(student.isf((1 - level) / 2, count - 1))


def _pairs(first: Values, second: Values) -> tuple[np.ndarray, np.ndarray]:
    a, b = _sample("first", first), _sample("second", second)
    if a.size != b.size:
        raise ValueError(f"second must have as many values as first, {a.size}, got {b.size}")
    return a, b


def _sample(name: str, values: Values) -> np.ndarray:
    sample = np.asarray(values, dtype=np.float64)
    if sample.ndim != 1 or sample.size < 2 or not np.isfinite(sample).all():
        raise ValueError(f"{name} must be at least two finite numbers in a row, got {_fault(sample)}")
    return sample


def _fault(sample: np.ndarray) -> str:
    return "NaN or infinity" if not np.isfinite(sample).all() else f"shape {sample.shape}"
