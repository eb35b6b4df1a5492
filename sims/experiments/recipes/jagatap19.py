"""Recovery with Net-GD and Net-PGD: digits from Gaussian products and from their magnitudes, and faces.

Scores are nMSE = ||u - u*||^2/||u*||^2 of images on [0, 1], with the energy of the truth in the denominator; the
published notebook divides by that of the estimate. The paper's numbers are read off the curves of its slides.
"""

from __future__ import annotations

from collections.abc import Mapping

from untrained.sims.experiments.recipes.recipe import Algorithm, Number, Part, Recipe, Setup
from untrained.sims.experiments.recipes.statements import Lower

_PIXELS = {"mnist": 28 * 28, "celeba": 3 * 64 * 64}

Digitised = Mapping[str, Mapping[float, float]]
"""nMSE by label and ratio f = m/n."""

CS: Digitised = {
    "net-gd": {0.08: 0.375, 0.1: 0.081, 0.15: 0.030, 0.2: 0.029, 0.25: 0.019, 0.3: 0.014},
    "net-pgd": {0.08: 0.229, 0.1: 0.077, 0.15: 0.040, 0.2: 0.031, 0.25: 0.024, 0.3: 0.016},
    "lasso-dct": {0.08: 1.40, 0.1: 1.30, 0.15: 1.13, 0.2: 0.75, 0.25: 0.51, 0.3: 0.48},
    "tv": {0.08: 0.48, 0.1: 0.26, 0.15: 0.15, 0.2: 0.07, 0.25: 0.06, 0.3: 0.008},
}
"""Compressed sensing of MNIST (slides p. 27)."""

CPR: Digitised = {
    "net-gd-phase": {0.1: 0.78, 0.2: 0.78, 0.3: 0.045, 0.5: 0.012, 1.0: 0.015, 3.0: 0.014},
    "net-pgd-phase": {0.1: 0.85, 0.2: 0.79, 0.3: 0.070, 0.5: 0.017, 1.0: 0.017, 3.0: 0.016},
    "sparta": {0.3: 0.89, 0.5: 0.75, 1.0: 0.41, 3.0: 0.004},
}
"""Compressive phase retrieval of MNIST (slides p. 28)."""

RATIOS, PHASE_RATIOS = tuple(CS["net-gd"]), tuple(CPR["net-gd-phase"])

_WIDE = {"network_options": '{"widths": "25,15,10"}'}
"""The widths of the published code, where the slides have 15,15,10."""
_FLOOR = {
    "witnesses": "0", "restarts": "4", "combine": "best", "tv_weight": "0", "steps": "4000", "learning_rate": "0.1"
}  # fmt: skip
"""The decoder fitted to the image itself: what it cannot show."""

CONTROLS = (Algorithm("ridge", "ridge"), Algorithm("lasso-dct", "lasso-dct"), Algorithm("tv", "tv"))
"""Linear controls on the same y: none has a network."""


def ratio_rows(dataset: str, f: float) -> int:
    """The number of measurements at a ratio f = m/n."""
    return round(f * _PIXELS[dataset])


def measurement_ratio(dataset: str, rows: int) -> float:
    """The ratio f = m/n of a number of measurements m, with n the numbers of an image."""
    return rows / _PIXELS[dataset]


def _setups(dataset: str, ratios: tuple[float, ...], operator: str = "gaussian") -> tuple[Setup, ...]:
    return tuple(Setup(operator, ratio_rows(dataset, f)) for f in ratios)


def _numbers(digitised: Digitised, operator: str) -> tuple[Number, ...]:
    return tuple(
        Number(Setup(operator, ratio_rows("mnist", f)), label, value)
        for label, values in digitised.items()
        for f, value in values.items()
    )


def _plain(label: str, method: str) -> Algorithm:
    return Algorithm(label, method, {"witnesses": "0"}, preset="paper")


_OURS = (Algorithm("net-gd-best", "net-gd", preset="best"), Algorithm("net-pgd-best", "net-pgd", preset="best"))
_PHASE_BEST = (
    Algorithm("net-gd-phase-best", "net-gd-phase", preset="best"),
    Algorithm("net-pgd-phase-best", "net-pgd-phase", preset="best"),
)
_FLOORS = (
    Algorithm("floor", "net-gd", _FLOOR, preset="best"),
    Algorithm("floor-code", "net-gd", _FLOOR | _WIDE, preset="best"),
)


def _floor(dataset: str, algorithms: tuple[Algorithm, ...], count: int, at_once: int) -> Part:
    """Every pixel is measured: the error left is that of the decoder's range, as far as descent finds it."""
    pixels = _PIXELS[dataset] // (3 if dataset == "celeba" else 1)
    papers = {"mnist": 6, "celeba": 5}[dataset]
    return Part(dataset, (Setup("inpainting", pixels),), algorithms, count, paper_count=papers, at_once=at_once)


_SLIDES = "Numbers of the paper are read off the curves of its slides, whose points are vectors."
_WHICH = "The paper's digits are six of its repository's; ours are the first of the MNIST test set."
_ENERGY = "nMSE has the energy of the truth in the denominator; the published notebook has that of the estimate."
_NETWORK = "Plain runs have the widths of the slides, (15, 15, 10); the published code has (25, 15, 10)."
_STEPS = "Net-PGD's inner steps stay 12 and its rates stay as they begin, where the published code changes both."
_BOUND = "A floor is what four descents on the image itself find: no more than an upper bound of the least error."
_LASSO = "Lasso and TV are our own solvers with our defaults; the published Lasso drops an intercept that it fits."

NET_RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "jagatap19-cs", "curves", "nMSE - MNIST, Gaussian measurements", "jagatap19 slides p. 27",
            (
                Part(
                    "mnist", _setups("mnist", RATIOS),
                    (_plain("net-gd", "net-gd"), _plain("net-pgd", "net-pgd"), *_OURS, *CONTROLS),
                    20, paper_count=6, at_once=10,
                ),
                _floor("mnist", _FLOORS, 20, 10),
            ),
            numbers=_numbers(CS, "gaussian"),
            statements=(
                Lower("Net-PGD is below Net-GD at f <= 0.1 (read off the curves)", "net-pgd", ("net-gd",), (0, 78)),
                Lower("Net-GD is below Net-PGD at f >= 0.15 (curves)", "net-gd", ("net-pgd",), (118, 235)),
                Lower("Net-GD is below Lasso at every ratio (curves)", "net-gd", ("lasso-dct",)),
                Lower("TV is below both networks at f = 0.3 (curves)", "tv", ("net-gd", "net-pgd"), (235, 235)),
            ),
            score="nmse",
            silent=(_SLIDES, "How many runs were averaged is not said."),
            differs=(_WHICH, _ENERGY, _NETWORK, _STEPS, _LASSO, _BOUND),
        ),
        Recipe(
            "jagatap19-cpr", "curves", "nMSE - MNIST, magnitudes of Gaussian measurements", "jagatap19 slides p. 28",
            (
                Part(
                    "mnist", _setups("mnist", PHASE_RATIOS, "magnitude"),
                    (
                        _plain("net-gd-phase", "net-gd-phase"), _plain("net-pgd-phase", "net-pgd-phase"), *_PHASE_BEST,
                        Algorithm("sparta", "sparta"), Algorithm("amplitude-flow", "amplitude-flow"),
                    ),
                    10, paper_count=6, at_once=10,
                ),
                _floor("mnist", _FLOORS[:1], 10, 10),
            ),
            numbers=_numbers(CPR, "magnitude"),
            statements=(
                Lower("Net-GD is below Net-PGD (curves; read as: at 80 % of ratios)", "net-gd-phase",
                      ("net-pgd-phase",), share=0.8),
                Lower("SPARTA is below both networks at f = 3 (curves)", "sparta",
                      ("net-gd-phase", "net-pgd-phase"), (2352, 2352)),
            ),
            score="nmse",
            silent=(
                _SLIDES,
                "The global sign is not mentioned: a sigmoid leaves none open, others are scored with the nearer one.",
                "How many pixels SPARTA keeps is not said: three tenths, which all but few digits have at most.",
            ),
            differs=(_WHICH, _ENERGY, _NETWORK, _STEPS, _BOUND),
        ),
        Recipe(
            "jagatap19-celeba", "curves", "nMSE - CelebA (64x64, RGB), Gaussian measurements", "jagatap19 slides p. 27",
            (
                Part(
                    "celeba", _setups("celeba", (0.1, 0.15, 0.2, 0.3)),
                    (_plain("net-gd", "net-gd"), _plain("net-pgd", "net-pgd"), *_OURS, *CONTROLS), 5, paper_count=5,
                ),
                _floor("celeba", _FLOORS[:1], 5, 5),
            ),
            score="nmse",
            silent=("The curves are in a picture only: the paper gives no number.",),
            differs=(_ENERGY, _STEPS, _LASSO, _BOUND, "Widths are those of the slides, (120, 15, 15, 10)."),
        ),
    )
}  # fmt: skip
"""One recipe a figure of results."""
