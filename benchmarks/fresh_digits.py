"""The presets of Net-GD and Net-PGD on digits that no setting was tuned on: mean nMSE and its interval.

UNTRAINED_DATA=folder python benchmarks/fresh_digits.py --first 20 --count 40 --f 0.1 0.15 0.2 0.3
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch
from scipy.stats import t

from untrained.sims.experiments.recipes.cells import image_seed, image_set
from untrained.sims.images.scores import intensity_nmse
from untrained.sims.operators import make_operator
from untrained.sims.recovery import net_gd, net_pgd

METHODS = {"net-gd": net_gd, "net-pgd": net_pgd}


def main() -> None:
    """Print a line a method and ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=20, help="number of the first digit of the test set")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--f", type=float, nargs="+", default=[0.1, 0.15, 0.2, 0.3])
    parser.add_argument("--methods", nargs="+", default=["net-gd", "net-pgd"], choices=["net-gd", "net-pgd"])
    parser.add_argument("--at-once", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    chosen = range(options.first, options.first + options.count)
    for f in options.f:
        seeds = [image_seed("mnist", i) for i in chosen]
        operators = [make_operator("gaussian", (1, 28, 28), round(784 * f), seed) for seed in seeds]
        truths = [image_set("mnist")[i] for i in chosen]
        ys = torch.stack([a.forward(x) for a, x in zip(operators, truths, strict=True)])
        for name in options.methods:
            method = METHODS[name]
            begun, scores = time.perf_counter(), []
            settings = method.preset("best", operators[0])
            for at in range(0, options.count, options.at_once):
                part = slice(at, at + options.at_once)
                results = method.recover_batch(operators[part], ys[part], settings, seeds=seeds[part])
                scores += [intensity_nmse(one.image, x) for one, x in zip(results, truths[part], strict=True)]
            half = t.ppf(0.975, len(scores) - 1) * np.std(scores, ddof=1) / len(scores) ** 0.5
            seconds = (time.perf_counter() - begun) / options.count
            print(
                f"f = {f}, {name} best, digits {options.first} to {chosen[-1]}: nMSE {np.mean(scores):.4f} "
                f"+- {half:.4f}, median {np.median(scores):.4f}, {seconds:.2f} s an image",
                flush=True,
            )


if __name__ == "__main__":
    main()
