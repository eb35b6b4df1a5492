"""What several recipes share: the sets of images, the methods, and sentences on what differs from the paper."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from untrained.sims.experiments.recipes.recipe import Learned, Part, Run, Setup

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
Runs = tuple[Run, ...]


def runs(*methods: str, restarts: int = 1, changed: Changed = MappingProxyType({})) -> Runs:
    """One run a method, with its defaults but for what is changed; CS-DIP with so many restarts.

    `csdip-fast` is our preset `fast`, which the paper knows nothing of.
    """
    settings = {"csdip": {"restarts": str(restarts)}, **changed}
    made = {"csdip-fast": Run("csdip-fast", "csdip", preset="fast"), "csgm": Run("csgm", "csgm", learned=GENERATOR)}
    return tuple(made.get(name) or Run(name, name, settings.get(name, {})) for name in methods)


def mnist(setups: Setups, chosen: Runs, count: int = 100) -> Part:
    """The first images of the MNIST test set, 100 in the paper."""
    return Part("mnist", setups, chosen, count, paper_count=100 if count == 100 else None, at_once=10)


def xray(setups: Setups, chosen: Runs, count: int = 60) -> Part:
    """Chest x-rays, 60 in the paper."""
    return Part("xray", setups, chosen, count, paper_count=60 if count == 60 else None)


def retina(setups: Setups, chosen: Runs, count: int = 12) -> Part:
    """Photographs of retinas; the paper does not say how many."""
    return Part("retina", setups, chosen, count)
