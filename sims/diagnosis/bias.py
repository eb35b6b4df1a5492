"""Structural bias: the pictures that a network is asked to fit, and what of them leading eigenvectors of J J^T hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from untrained.sims.images.bases import CosineBasis
from untrained.sims.images.images import EXAMPLES, load_image
from untrained.sims.ntk.spectrum import Spectrum
from untrained.sims.operators import Shape
from untrained.sims.random.streams import stream

NATURAL = ("camera", "coins", "brick", "cat", "coffee", "moon", "grass", "rocket")
"""Photographs of scikit-image that stand for natural images, those of them that are installed."""


def target(reference: str, shape: Shape, *, unit: bool = False) -> np.ndarray:
    """Return an image file or `example:NAME` as a vector (n,) for an output seen as (C, H, W).

    Pixels are on [-1, 1], or on [0, 1] with `unit`. One row (C = H = 1) gets the middle line of the image.

    Raises
    ------
    ValueError
        where the image cannot be read.
    """
    channels, h, w = shape
    size, grey = ((w, w) if h == 1 else (h, w)), channels != 3
    pixels = load_image(reference, grey=grey, size=size).double().numpy()
    if h == 1:
        pixels = pixels[:, w // 2 : w // 2 + 1]
    if len(pixels) != channels:
        pixels = np.broadcast_to(pixels.mean(0), (channels, h, w))
    flat: np.ndarray = np.array(pixels).reshape(-1)
    return (flat + 1) / 2 if unit else flat


def natural(shape: Shape, *, unit: bool = False) -> dict[str, np.ndarray]:
    """Return the photographs by name, (n,) each."""
    return {name: target(f"example:{name}", shape, unit=unit) for name in NATURAL if name in EXAMPLES}


def noise_like(x: np.ndarray, seed: int, *names: str | int) -> np.ndarray:
    """Return Gaussian noise (n,) of the norm of x."""
    g = stream(seed, "noise", *names).standard_normal(len(x))
    return g * (np.linalg.norm(x) / np.linalg.norm(g))


def is_unit(outputs: Sequence[np.ndarray]) -> bool:
    """Whether all outputs lie on [0, 1], as a sigmoid's do."""
    return all(bool(((f >= 0) & (f <= 1)).all()) for f in outputs)


def as_image(vector: np.ndarray | torch.Tensor, shape: Shape) -> np.ndarray:
    """Return an output (n,) as (C, H, W)."""
    return np.asarray(vector, float).reshape(shape)


def leading_count(n: int) -> int:
    """How many eigenvectors are called leading: one in sixteen."""
    return max(1, n // 16)


def energy(vectors: np.ndarray, x: np.ndarray) -> float:
    """Share of ||x||^2 in the span of orthonormal columns (n, p)."""
    return float(np.sum((vectors.T @ x) ** 2) / np.sum(x**2))


def gradient_ratio(spectrum: Spectrum, x: np.ndarray) -> float:
    """||J^T x|| against the root mean square of ||J^T g|| over noise g of the same norm.

    Source: heckel20a (the size of J^T times image against noise)
    """
    return float(np.sqrt(max(x @ spectrum.apply(x), 0) / (x @ x) / (spectrum.trace.value / spectrum.n)))


def cosine_alignment(vectors: np.ndarray, shape: Shape) -> float:
    """Mean share of the columns (n, p) in the p slowest two-dimensional cosines; p/n for directions at random."""
    basis = CosineBasis(shape)
    order = torch.argsort(basis.frequency().reshape(-1), stable=True)[: vectors.shape[1]]
    coefficients = basis.analysis(torch.from_numpy(vectors.T.copy()).reshape(-1, *shape)).reshape(-1, len(vectors))
    return float((coefficients[:, order] ** 2).sum(1).mean())


def fourier_alignment(vectors: np.ndarray, shape: Shape) -> float:
    """The same with the p slowest trigonometric functions, conjugate pairs counting as one frequency each time.

    Where p splits frequencies of one length, the share at that length counts in part.
    """
    p = vectors.shape[1]
    images = vectors.T.reshape(-1, *shape)
    power = np.abs(np.fft.fft2(images, norm="ortho")) ** 2
    rows, columns = (np.fft.fftfreq(side, 1 / side) for side in shape[1:])
    length = np.round(np.hypot(rows[:, None], columns[None, :]), 9)
    lengths = np.broadcast_to(length, shape).reshape(-1)
    weight = _slowest(lengths, p)
    return float((power.reshape(len(power), -1) @ weight).mean())


def _slowest(lengths: np.ndarray, p: int) -> np.ndarray:
    """Weights in [0, 1], adding up to p, on the shortest lengths; equal ones get equal weight."""
    weight = np.zeros(len(lengths))
    left = float(p)
    for length in np.unique(lengths):
        same = lengths == length
        weight[same] = min(1.0, left / same.sum())
        left -= weight[same].sum()
        if left <= 0:
            break
    return weight


@dataclass(frozen=True)
class Bias:
    """Structural bias in numbers, at one start: p leading eigenvectors of n.

    `image`, `natural` and `noise` are shares of energy in their span (of the target, of photographs in the mean, and of
    noise: p/n by its law); `cosine` and `fourier` the alignment with slow functions; `ratio` and `natural_ratio` are
    ||J^T x||/||J^T noise||.
    """

    p: int
    image: float
    natural: float
    noise: float
    cosine: float
    fourier: float
    ratio: float
    natural_ratio: float


def bias(spectrum: Spectrum, shape: Shape, x: np.ndarray, photographs: Mapping[str, np.ndarray]) -> Bias:
    """Measure the structural bias at the target x (n,) and at photographs (n,) each."""
    vectors = spectrum.leading(leading_count(spectrum.n))[1]
    others = list(photographs.values())
    return Bias(
        vectors.shape[1], energy(vectors, x), float(np.mean([energy(vectors, one) for one in others])),
        vectors.shape[1] / spectrum.n, cosine_alignment(vectors, shape), fourier_alignment(vectors, shape),
        gradient_ratio(spectrum, x), float(np.mean([gradient_ratio(spectrum, one) for one in others])),
    )  # fmt: skip
