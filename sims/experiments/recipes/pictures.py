"""Figures 2, 5 to 12 and 14 of the CS-DIP paper, which are reconstructions, and Figure 13, a sampling pattern."""

from __future__ import annotations

from untrained.sims.experiments.recipes.paper import COEFFICIENTS
from untrained.sims.experiments.recipes.parts import (
    BASELINES,
    DENOISER,
    DESCENT,
    FOURIER,
    SOLVER,
    mnist,
    retina,
    runs,
    xray,
)
from untrained.sims.experiments.recipes.recipe import Number, Part, Recipe, Setup
from untrained.sims.experiments.recipes.statements import Lower

SHOWN = {"mnist": 5, "xray": 3, "retina": 3}
"""How many images are shown of a set."""

_WHICH = "Which images are shown is not said: the first of the set are."
_COLOURS = "BM3D-AMP fails to converge, as demonstrated by erroneous green and purple pixels"
_MNIST_RUNS, _RUNS = runs("csdip", *BASELINES, restarts=5), runs("csdip", *BASELINES)
_MAKERS = {"mnist": mnist, "xray": xray, "retina": retina}


def _part(dataset: str, *sizes: int) -> Part:
    chosen = _MNIST_RUNS if dataset == "mnist" else _RUNS
    return _MAKERS[dataset](tuple(Setup(m=m) for m in sizes), chosen, SHOWN[dataset])


def _shown(figure: int, dataset: str, name: str, *sizes: int, statements: tuple[Lower, ...] = ()) -> Recipe:
    title = f"Reconstructions - {name}, m = {', '.join(map(str, sizes))}"
    return Recipe(
        f"fig{figure}", "pictures", title, f"vanveen18 Figure {figure}", (_part(dataset, *sizes),),
        statements=statements, silent=(_WHICH,),
        differs=(DENOISER, "TV is shown too." if dataset == "retina" else SOLVER),
    )  # fmt: skip


PICTURES = (
    Recipe(
        "fig2", "pictures", "Reconstructions - chest x-ray, m = 2000, and MNIST, m = 75", "vanveen18 Figure 2",
        (_part("xray", 2000), _part("mnist", 75)), silent=(_WHICH,), differs=(DENOISER, SOLVER),
    ),
    _shown(5, "mnist", "MNIST", 25, 50),
    _shown(6, "mnist", "MNIST", 100, 200),
    _shown(7, "xray", "chest x-ray", 500, 1000),
    _shown(8, "xray", "chest x-ray", 4000, 8000),
    _shown(9, "retina", "retinopathy", 500, 1000),
    _shown(
        10, "retina", "retinopathy", 2000,
        statements=(Lower(f"{_COLOURS} (read as: at least twice CS-DIP's MSE)", "csdip", ("damp",), factor=2),),
    ),
    _shown(11, "retina", "retinopathy", 4000),
    _shown(12, "retina", "retinopathy", 8000),
    Recipe(
        "fig13", "pattern", "Radial sampling pattern in the Fourier domain", "vanveen18 Figure 13 and Appendix A",
        (Part("xray", tuple(Setup("fourier-radial", lines=n) for n in COEFFICIENTS), (), 0),),
        numbers=tuple(Number(Setup("fourier-radial", lines=n), "coefficients", k) for n, k in COEFFICIENTS.items()),
        silent=("How many lines are pictured is not said: all four patterns are drawn.",),
        differs=("The constant coefficient is measured beside those counted.",),
    ),
    Recipe(
        "fig14", "pictures", "Reconstructions - chest x-ray, 1260 Fourier coefficients", "vanveen18 Figure 14",
        (xray((Setup("fourier-radial", lines=10),), runs("csdip", "damp", "tv", changed=FOURIER), SHOWN["xray"]),),
        silent=(_WHICH,), differs=(DENOISER, DESCENT, SOLVER),
    ),
)  # fmt: skip
