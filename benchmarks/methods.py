"""CS-DIP beside its baselines on the same images and measurements; errors with 95 % intervals, as JSON.

Every ratio is CS-DIP's mean error over the other method's, with a paired interval over images: below 1 CS-DIP wins.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import torch

from untrained.sims.images.datasets import dataset
from untrained.sims.images.scores import mean_interval, ratio_interval
from untrained.sims.operators import make_operator
from untrained.sims.recovery import csdip
from untrained.sims.recovery.baselines import amp, lasso, tv

BASELINES = {
    "lasso-dct": lambda operator, y: lasso.recover(operator, y, lasso.LassoSettings(basis="dct")),
    "tv": lambda operator, y: tv.recover(operator, y, tv.TVSettings(box=True)),
    "damp": lambda operator, y: amp.recover(operator, y, amp.DAMPSettings()),
}


def compare(truths: torch.Tensor, m: int, preset: str, first: int) -> dict[str, Any]:
    operators = [make_operator("gaussian", tuple(truths.shape[1:]), m, seed=first + i) for i in range(len(truths))]
    ys = torch.stack([operator.forward(x) for operator, x in zip(operators, truths, strict=True)])
    errors: dict[str, list[float]] = {}
    seconds = {}
    start = time.perf_counter()
    seeds = range(first, first + len(truths))
    recoveries = csdip.recover_batch(operators, ys, csdip.preset(preset, operators[0]), seeds=seeds)
    name = f"csdip {preset}"
    errors[name], seconds[name] = mse([r.image for r in recoveries], truths), time.perf_counter() - start
    for method, recover in BASELINES.items():
        start = time.perf_counter()
        images = [recover(operator, y).image for operator, y in zip(operators, ys, strict=True)]
        errors[method], seconds[method] = mse(images, truths), time.perf_counter() - start
    return {method: row(errors, name, method, seconds[method]) for method in errors}


def mse(images: list[torch.Tensor], truths: torch.Tensor) -> list[float]:
    return [float((image - x).square().mean()) for image, x in zip(images, truths, strict=True)]


def row(errors: dict[str, list[float]], name: str, method: str, seconds: float) -> dict[str, Any]:
    entry = {"mse_95": [round(v, 6) for v in mean_interval(errors[method])], "each": errors[method], "seconds": seconds}
    if method != name:
        entry["ratio_95"] = [round(v, 4) for v in ratio_interval(errors[name], errors[method])]
    return entry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=("mnist", "xray", "retina"))
    parser.add_argument("--m", type=int, nargs="+", required=True)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    truths = dataset(arguments.data)[arguments.first : arguments.first + arguments.images]
    table = {}
    for m in arguments.m:
        table[f"m={m}"] = compare(truths, m, arguments.preset, arguments.first)
        print(json.dumps({f"m={m}": table[f"m={m}"]}), file=sys.stderr, flush=True)
    print(json.dumps({**vars(arguments), "found": table}, indent=1))


if __name__ == "__main__":
    main()
