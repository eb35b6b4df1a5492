"""Tables 1 and 2 of the CS-DIP paper: what learned regularisation gains, and how long reconstructions take."""

from __future__ import annotations

from untrained.sims.experiments.recipes.paper import MEASUREMENTS, TABLE_1, TABLE_2, TABLE_2_MEASUREMENTS
from untrained.sims.experiments.recipes.parts import BASELINES, DENOISER, PUBLISHED, SOLVER, runs, xray
from untrained.sims.experiments.recipes.recipe import Learned, Number, Part, Recipe, Run, Setup
from untrained.sims.experiments.recipes.statements import GainGrows, Lower

PLAIN, LEARNED = "csdip", "csdip-lr"
WEIGHT = 100
"""lambda_L of Table 1."""

_LEARNED = Run(LEARNED, "csdip", {"restarts": "1", "prior_weight": str(WEIGHT)}, learned=Learned("prior", 0, 10))
_GRID = tuple(Setup(m=m, variance=float(v)) for v in TABLE_1 for m in MEASUREMENTS)

TABLES = (
    Recipe(
        "table1", "gains", "Percent decrease of the MSE by learned regularisation - chest x-ray", "vanveen18 Table 1",
        (Part("xray", _GRID, (*runs(PLAIN), _LEARNED), count=50, first=10, paper_count=50),),
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
            "How the ratio of the two errors is averaged is not said: the mean MSEs are compared, and the interval is "
            "Fieller's over images.",
        ),
        differs=(PUBLISHED,),
    ),
    Recipe(
        "table2", "runtimes", "Seconds a reconstruction - chest x-ray", "vanveen18 Table 2",
        (xray(tuple(Setup(m=m) for m in TABLE_2_MEASUREMENTS), runs("csdip", *BASELINES)),),
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
