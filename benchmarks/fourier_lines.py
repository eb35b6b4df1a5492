"""CS-DIP from radial lines of the Fourier plane: what the weight of total variation, the step and averaging do.

    UNTRAINED_DATA=FOLDER python benchmarks/fourier_lines.py --lines 10 --images 1

The data term is divided by the operator's gain, m/n here: eq. 3 as it is written has `literal`, lambda_T n/m.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from typing import Any

import torch

from untrained.sims.experiments.recipes.cells import image_seed, image_set
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure
from untrained.sims.recovery import csdip
from untrained.sims.recovery.baselines import tv

CALM: dict[str, Any] = {"average": 0.95, "warm_up": 100}


def runs(literal: float) -> dict[str, csdip.CSDIPSettings]:
    """The settings tried, by name; `literal` is lambda_T = 0.01 over the gain."""
    paper, sharp = csdip.PRESETS["paper"], csdip.PRESETS["sharp"]
    return {
        "paper": paper,
        "paper, literal": replace(paper, tv_weight=literal),
        "paper, literal, averaged": replace(paper, tv_weight=literal, **CALM),
        "paper, literal, rate 3e-4": replace(paper, tv_weight=literal, learning_rate=3e-4),
        "paper, literal, rate 3e-4, averaged": replace(paper, tv_weight=literal, learning_rate=3e-4, **CALM),
        "paper, 8 x literal, averaged": replace(paper, tv_weight=8 * literal, **CALM),
        "sharp": sharp,
        "sharp, 4 x literal": replace(sharp, tv_weight=4 * literal),
        "steady": csdip.PRESETS["steady"],
    }


def main() -> None:
    """Print MSE, relative misfit and seconds of each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, nargs="+", default=[10])
    parser.add_argument("--images", type=int, default=1)
    parser.add_argument("--runs", nargs="+", help="some of the runs only")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    for lines in chosen.lines:
        for number in range(chosen.images):
            x, seed = image_set("xray")[number], image_seed("xray", number)
            operator = make_operator("fourier-radial", (1, *x.shape[1:]), lines=lines)
            y = measure(x, operator).y
            recoveries = {"tv": lambda: tv.recover(operator, y)}  # noqa: B023
            for name, settings in runs(0.01 / operator.gain).items():
                recoveries[name] = lambda settings=settings: csdip.recover(operator, y, settings, seed=seed)  # type: ignore[misc] # noqa: B023
            for name in chosen.runs or recoveries:
                begun = time.process_time()
                recovery = recoveries[name]()
                mse, misfit = float((recovery.image - x).square().mean()), recovery.misfit**0.5 / float(y.norm())
                seconds = time.process_time() - begun
                print(
                    f"{lines} lines, x-ray {number}, {name}: MSE {mse:.5f}, misfit {misfit:.2%}, {seconds:.0f} s",
                    flush=True,
                )


if __name__ == "__main__":
    main()
