"""Figures 1, 3 and 4 of the CS-DIP paper: reconstruction error against measurements or noise."""

from __future__ import annotations

from math import log, sqrt

from untrained.sims.experiments.recipes.paper import COEFFICIENTS, MEASUREMENTS
from untrained.sims.experiments.recipes.parts import (
    BASELINES,
    DENOISER,
    DESCENT,
    FOURIER,
    NO_NUMBERS,
    OURS,
    PUBLISHED,
    SOLVER,
    TUNING,
    mnist,
    retina,
    runs,
    xray,
)
from untrained.sims.experiments.recipes.recipe import Part, Recipe, Setup
from untrained.sims.experiments.recipes.statements import Lower, Saturates

NOISE_LEVELS, NOISE_M, PIXELS = (0, 10, 100, 1000), 2000, 256 * 256
"""sigma^2, m and n of Figure 4b."""
LOW = (0.0, 2000.0)
HIGH = (4000.0, 8000.0)
"""m/n <= 3 %, where BM3D-AMP often does not converge on x-rays, and the two larger m."""

_GAUSSIAN = tuple(Setup(m=m) for m in MEASUREMENTS)


def _noisy(variance: float) -> Part:
    """X-rays at m = 2000: Lasso's penalty is sigma sqrt(2 ln n / m), which noise rarely passes; TV is told sigma."""
    penalty = repr(sqrt(2 * variance * log(PIXELS) / NOISE_M))
    changed = {"lasso-dct": {"penalty": penalty}, "tv": {"noise": repr(sqrt(variance))}} if variance else {}
    return xray((Setup(m=NOISE_M, variance=variance),), runs("csdip", "csdip-fast", *BASELINES, changed=changed))


_NOT_CONVERGING = "BM3D-AMP frequently fails to converge for fewer than 4000 measurements on x-ray images"

CURVES = (
    Recipe(
        "fig1a", "curves", "MSE - chest x-ray (65536 pixels)", "vanveen18 Figure 1a",
        (xray(_GAUSSIAN, runs("csdip", "csdip-fast", *BASELINES)),),
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
                runs("csdip", "csdip-fast", *BASELINES, "lasso-wavelet", restarts=5),
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
        (retina(_GAUSSIAN, runs("csdip", "csdip-fast", *BASELINES)),),
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
        (
            xray(
                tuple(Setup("fourier-radial", lines=lines) for lines in COEFFICIENTS),
                runs("csdip", "csdip-fast", *BASELINES, changed=FOURIER),
            ),
        ),
        statements=(Lower("Our algorithm outperforms baselines on the x-ray dataset", "csdip", BASELINES),),
        silent=(NO_NUMBERS, "Which angles the lines have is not said: j pi/L, which gives the paper's counts."),
        differs=(
            DENOISER, DESCENT, SOLVER, TUNING, OURS, PUBLISHED,
            "The constant coefficient is measured beside those counted.",
        ),
    ),
    Recipe(
        "fig4a", "curves", "MSE - MNIST, untrained against trained", "vanveen18 Figure 4a",
        (mnist(tuple(Setup(m=m) for m in (25, 50, 75, 100, 200, 400)), runs("csdip", "csgm", restarts=5)),),
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
