"""Every figure and table of the CS-DIP paper with numbers or reconstructions, as recipes.

Figures 1, 3 and 4 are errors against measurements or noise; 2, 5 to 12 and 14 reconstructions; 13 a sampling pattern;
Tables 1 and 2 what learned regularisation gains and how long reconstructions take.
"""

from __future__ import annotations

import re
from math import log, sqrt

from untrained.sims.experiments.recipes.recipe import (
    BASELINES,
    COEFFICIENTS,
    DENOISER,
    DESCENT,
    LITERAL,
    MEASUREMENTS,
    NO_NUMBERS,
    OURS,
    PIXELS,
    PUBLISHED,
    SLOWER,
    SOLVER,
    TABLE_1,
    TABLE_2,
    TABLE_2_MEASUREMENTS,
    TUNING,
    Algorithm,
    Learned,
    Number,
    Part,
    Recipe,
    Setup,
    algorithms,
    mnist,
    retina,
    settings_for_lines,
    xray,
)
from untrained.sims.experiments.recipes.statements import GainGrows, Lower, Saturates

NOISE_LEVELS, NOISE_M = (0, 10, 100, 1000), 2000
"""sigma^2 and m of Figure 4b."""
LOW = (0.0, 2000.0)
HIGH = (4000.0, 8000.0)
"""m/n <= 3 %, where BM3D-AMP often does not converge on x-rays, and the two larger m."""

_GAUSSIAN = tuple(Setup(m=m) for m in MEASUREMENTS)


def _noisy(variance: float) -> Part:
    """X-rays at m = 2000: Lasso's penalty is sigma sqrt(2 ln n / m), which noise rarely passes; TV is told sigma."""
    penalty = repr(sqrt(2 * variance * log(PIXELS) / NOISE_M))
    changed = {"lasso-dct": {"penalty": penalty}, "tv": {"noise": repr(sqrt(variance))}} if variance else {}
    return xray((Setup(m=NOISE_M, variance=variance),), algorithms("csdip", "csdip-fast", *BASELINES, changed=changed))


_NOT_CONVERGING = "BM3D-AMP frequently fails to converge for fewer than 4000 measurements on x-ray images"

CURVES = (
    Recipe(
        "fig1a", "curves", "MSE - chest x-ray (65536 pixels)", "vanveen18 Figure 1a",
        (xray(_GAUSSIAN, algorithms("csdip", "csdip-fast", *BASELINES)),),
        statements=(
            Lower("we outperform all baselines except BM3D-AMP", "csdip", ("tv", "lasso-dct")),
            Lower("[we do not outperform] BM3D-AMP for higher m", "damp", ("csdip",), HIGH),
            Lower(f"{_NOT_CONVERGING} (read as: at least twice CS-DIP's MSE)", "csdip", ("damp",), LOW, factor=2),
        ),
        silent=(NO_NUMBERS, "The text names no m for this figure: those of Table 1 are used."),
        differs=(DENOISER, SOLVER, TUNING, OURS, PUBLISHED),
    ),
    Recipe(
        "fig1b", "curves", "MSE - MNIST (784 pixels)", "vanveen18 Figure 1b",
        (
            mnist(
                tuple(Setup(m=m) for m in (25, 50, 75, 100, 200)),
                algorithms("csdip", "csdip-fast", *BASELINES, "lasso-wavelet", restarts=5),
            ),
        ),
        statements=(
            Lower(
                "our algorithm outperforms baselines in almost all cases (read as: in 80 % of them)",
                "csdip", BASELINES, share=0.8,
            ),
            Lower("[Lasso in a wavelet basis] performed worse than Lasso - DCT", "lasso-dct", ("lasso-wavelet",)),
        ),
        silent=(NO_NUMBERS, "The text names no m for this figure: those of Figures 2, 5 and 6 are used."),
        differs=(DENOISER, SOLVER, TUNING, OURS),
    ),
    Recipe(
        "fig3a", "curves", "MSE - retinopathy (RGB) with Gaussian measurements", "vanveen18 Figure 3a",
        (retina(_GAUSSIAN, algorithms("csdip", "csdip-fast", *BASELINES)),),
        statements=(
            Lower("we quantitatively outperform all baselines except BM3D-AMP", "csdip", ("lasso-dct",)),
            Lower("[we do not outperform] BM3D-AMP on higher m", "damp", ("csdip",), HIGH),
            Lower(
                "for lower m, BM3D-AMP often fails to produce anything sensible (read as: at least twice CS-DIP's MSE)",
                "csdip", ("damp",), (0, 1000), factor=2,
            ),
        ),
        silent=(NO_NUMBERS, "The number of images is not said."),
        differs=(DENOISER, TUNING, OURS, PUBLISHED, "TV is shown too: TVAL3 has no RGB version, ours has."),
    ),
    Recipe(
        "fig3b", "curves", "MSE - chest x-ray with Fourier measurements", "vanveen18 Figure 3b",
        tuple(
            xray(
                (Setup("fourier-radial", lines=lines),),
                algorithms("csdip", "csdip-fast", *BASELINES, changed=settings_for_lines(lines)),
            )
            for lines in COEFFICIENTS
        ),
        statements=(Lower("Our algorithm outperforms baselines on the x-ray dataset", "csdip", BASELINES),),
        silent=(NO_NUMBERS, "Which angles the lines have is not said: j pi/L, which gives the paper's counts."),
        differs=(
            DENOISER, DESCENT, SOLVER, TUNING, OURS, PUBLISHED, LITERAL, SLOWER,
            "The constant coefficient is measured beside those counted.",
        ),
    ),
    Recipe(
        "fig4a", "curves", "MSE - MNIST, untrained against trained", "vanveen18 Figure 4a",
        (mnist(tuple(Setup(m=m) for m in (25, 50, 75, 100, 200, 400)), algorithms("csdip", "csgm", restarts=5)),),
        statements=(
            Lower("CSGM outperforms our method for fewer measurements", "csgm", ("csdip",), (0, 50)),
            Saturates("CSGM saturates after 75 measurements (read as: its MSE falls by less than 25 %)", "csgm", 75),
        ),
        silent=(NO_NUMBERS, "The text names no m for this figure but 75."),
        differs=("CSGM's generator is our own, trained on images that are not evaluated.",),
    ),
    Recipe(
        "fig4b", "curves", "MSE - chest x-ray under noise, m = 2000", "vanveen18 Figure 4b",
        tuple(_noisy(float(variance)) for variance in NOISE_LEVELS),
        axis="variance",
        statements=(
            Lower(
                "Other baselines have error far above the vertical axis (read as: at least twice CS-DIP's MSE)",
                "csdip", ("tv", "lasso-dct"), factor=2,
            ),
        ),
        silent=(
            NO_NUMBERS, "The axis is not in the text: sigma^2 of Table 1 is used.",
            "Which baselines are in the picture is not said: TV and Lasso are taken to be the others.",
            "The baselines' settings under noise are not said: Lasso has sigma sqrt(2 ln n / m), TV is told sigma.",
        ),
        differs=(DENOISER, SOLVER, TUNING, OURS, PUBLISHED),
    ),
)  # fmt: skip

_COUNTS = {"mnist": 5, "xray": 3, "retina": 3}
"""How many images are shown of a set."""

_WHICH = "Which images are shown is not said: the first of the set are."
_MNIST_RUNS, _RUNS = algorithms("csdip", *BASELINES, restarts=5), algorithms("csdip", *BASELINES)
_MAKERS = {"mnist": mnist, "xray": xray, "retina": retina}


def _part(dataset: str, *sizes: int) -> Part:
    chosen = _MNIST_RUNS if dataset == "mnist" else _RUNS
    return _MAKERS[dataset](tuple(Setup(m=m) for m in sizes), chosen, _COUNTS[dataset])


def _shown(figure: int, dataset: str, name: str, *sizes: int) -> Recipe:
    title = f"Reconstructions - {name}, m = {', '.join(map(str, sizes))}"
    return Recipe(
        f"fig{figure}", "pictures", title, f"vanveen18 Figure {figure}", (_part(dataset, *sizes),),
        silent=(_WHICH,),
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
    _shown(10, "retina", "retinopathy", 2000),
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
        (
            xray(
                (Setup("fourier-radial", lines=10),),
                algorithms("csdip", "damp", "tv", changed=settings_for_lines(10)),
                _COUNTS["xray"],
            ),
        ),
        silent=(_WHICH,), differs=(DENOISER, DESCENT, SOLVER, LITERAL, SLOWER),
    ),
)  # fmt: skip

PLAIN, LEARNED = "csdip", "csdip-lr"
WEIGHT = 100
"""lambda_L of Table 1."""

_LEARNED = Algorithm(LEARNED, "csdip", {"restarts": "1", "prior_weight": str(WEIGHT)}, learned=Learned("prior", 0, 10))
_GRID = tuple(Setup(m=m, variance=float(v)) for v in TABLE_1 for m in MEASUREMENTS)

TABLES = (
    Recipe(
        "table1", "gains", "Percent decrease of the MSE by learned regularisation - chest x-ray", "vanveen18 Table 1",
        (Part("xray", _GRID, (*algorithms(PLAIN), _LEARNED), count=50, first=10, paper_count=50),),
        numbers=tuple(
            Number(Setup(m=m, variance=float(v)), LEARNED, gain)
            for v, row in TABLE_1.items() for m, gain in zip(MEASUREMENTS, row, strict=True)
        ),
        statements=(
            Lower("learned regularization does indeed provide benefit", LEARNED, (PLAIN,)),
            GainGrows("This benefit tends to increase with more noise", LEARNED, PLAIN, "variance", 1000, 0),
            GainGrows("or fewer measurements", LEARNED, PLAIN, "m", 500, 8000),
        ),
        silent=(
            "Which measurements (mu, Sigma) is learned from is not said: ten other images', same m, no noise.",
            "Whether a pair of runs begins from the same weights is not said: here it does.",
            "How the ratio of the two errors is averaged is not said: the mean MSEs are compared, and the interval is "
            "Fieller's over images.",
        ),
        differs=(PUBLISHED,),
    ),
    Recipe(
        "table2", "runtimes", "Seconds a reconstruction - chest x-ray", "vanveen18 Table 2",
        (xray(tuple(Setup(m=m) for m in TABLE_2_MEASUREMENTS), algorithms("csdip", *BASELINES)),),
        numbers=tuple(
            Number(Setup(m=m), label, seconds)
            for label, row in TABLE_2.items() for m, seconds in zip(TABLE_2_MEASUREMENTS, row, strict=True)
        ),
        silent=("On how many images the seconds were averaged is not said.",),
        differs=(
            "The machine: the paper has CS-DIP on a GTX 1080-Ti GPU and the baselines on a CPU.", DENOISER, SOLVER,
        ),
    ),
)  # fmt: skip


def _place(recipe: Recipe) -> tuple[bool, int, str]:
    """Figures before tables, each by its number."""
    kind, number, letter = re.fullmatch(r"(fig|table)(\d+)(\w?)", recipe.name).groups()  # type: ignore[union-attr]
    return kind == "table", int(number), letter


RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in sorted((*CURVES, *PICTURES, *TABLES), key=_place)}
"""One recipe a figure and table of the paper, in the paper's order."""
