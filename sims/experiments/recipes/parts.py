"""What several recipes share: the paper's numbers, its sets of images, its algorithms, and where ours differ."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from untrained.sims.experiments.recipes.recipe import Algorithm, Learned, Part, Setup

MEASUREMENTS = (500, 1000, 2000, 4000, 8000)
"""m of Table 1, and of the reconstructions of x-rays and retinas in Figures 2 and 7 to 12."""

TABLE_1: Mapping[int, tuple[float, ...]] = {
    0: (9.9, 2.9, 0.2, 2.0, 0.6),
    10: (11.6, 4.6, 4.5, 2.4, 1.0),
    100: (14.9, 19.2, 5.0, 3.9, 2.8),
    1000: (37.4, 30.6, 19.8, 3.0, 6.2),
}
"""Percent by which learned regularisation lowers the MSE: by sigma^2, in the order of MEASUREMENTS."""

TABLE_2_MEASUREMENTS = (1000, 2000, 4000, 8000)
TABLE_2: Mapping[str, tuple[float, ...]] = {
    "csdip": (15.6, 17.1, 20.4, 29.9),
    "damp": (51.1, 54.0, 67.8, 71.2),
    "tv": (13.8, 22.1, 31.9, 56.7),
    "lasso-dct": (27.1, 33.0, 52.2, 96.4),
}
"""Seconds a reconstruction of an x-ray took, in the order of TABLE_2_MEASUREMENTS."""

COEFFICIENTS: Mapping[int, int] = {3: 381, 5: 634, 10: 1260, 20: 2500}
"""Fourier coefficients on so many radial lines of a 256x256 image (Appendix A, Fourier Sampling)."""

BASELINES = ("damp", "tv", "lasso-dct")

FOURIER: Mapping[str, Mapping[str, str]] = {"damp": {"rule": "plug-and-play"}}
"""AMP is made for matrices without structure; of Fourier rows its denoiser is used in plain descent."""

OURS = "Our preset `fast` is shown beside the method as published."
PUBLISHED = "lambda_T is the 0.01 of the text; the published code has 0.05 for x-rays and 0.02 for retinas."
NO_NUMBERS = "The curves are in a picture only: the paper gives no number."
DENOISER = "D-AMP's denoiser is total variation in place of BM3D, whose licence is not free."
DESCENT = "D-AMP's denoiser is used in plug-and-play descent: message passing is not made for Fourier rows."
SOLVER = "Our own total-variation solver stands for TVAL3."
TUNING = "The paper's grid searches for the baselines' settings are not published: theirs are our defaults."

GENERATOR = Learned("generator", 1000, 9000)
"""CSGM's generator: trained on the MNIST test images that no recipe evaluates."""

Changed = Mapping[str, Mapping[str, str]]
"""Settings that differ from a method's defaults, by method."""

Setups = tuple[Setup, ...]
Algorithms = tuple[Algorithm, ...]


def algorithms(*methods: str, restarts: int = 1, changed: Changed = MappingProxyType({})) -> Algorithms:
    """One run a method, with its defaults but for what is changed; CS-DIP with so many restarts.

    `csdip-fast` is our preset `fast`, which the paper knows nothing of.
    """
    settings = {"csdip": {"restarts": str(restarts)}, **changed}
    special = {
        "csdip-fast": Algorithm("csdip-fast", "csdip", preset="fast"),
        "csgm": Algorithm("csgm", "csgm", learned=GENERATOR),
    }
    return tuple(special.get(name) or Algorithm(name, name, settings.get(name, {})) for name in methods)


def mnist(setups: Setups, chosen: Algorithms, count: int = 100) -> Part:
    """The first images of the MNIST test set, 100 in the paper."""
    return Part("mnist", setups, chosen, count, paper_count=100 if count == 100 else None, at_once=10)


def xray(setups: Setups, chosen: Algorithms, count: int = 60) -> Part:
    """Chest x-rays, 60 in the paper."""
    return Part("xray", setups, chosen, count, paper_count=60 if count == 60 else None)


def retina(setups: Setups, chosen: Algorithms, count: int = 12) -> Part:
    """Photographs of retinas; the paper does not say how many."""
    return Part("retina", setups, chosen, count)
