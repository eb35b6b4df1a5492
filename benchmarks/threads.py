"""Are two threads slower than one for small recoveries? Paired runs, with and without the rule of `few_threads`; JSON.

Each pair runs a method once on one thread and once on two, in turn, beside `--load` processes that multiply matrices on
a thread each; `ratio` is the median over pairs of the seconds with two threads over those with one. `--rule off` gives
the two threads to all, as torch would.

On two cores shared with some ten other processes, ratios with the rule (2 pairs, `--load 1`) and without (1 pair):
lasso-dct 16: 1.04 and 28; tv 16: 0.82 and 22; csdip 16: 1.02 and 39; csdip 32: 1.00; tv 32: 0.97.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import time
from contextlib import nullcontext
from statistics import median
from typing import Any
from unittest.mock import patch

import torch

from untrained.sims.images.images import load_image
from untrained.sims.operators import make_operator
from untrained.sims.recovery.recover import recover

QUICK_FIT = {"preset": "fast", "steps": 60}
CASES: dict[str, tuple[str, int, str, float, dict[str, Any]]] = {
    "lasso-dct 16": ("lasso-dct", 16, "gaussian", 0.4, {}),
    "lasso-dct 32": ("lasso-dct", 32, "scrambled-dct", 0.3, {}),
    "lasso-dct 64": ("lasso-dct", 64, "gaussian", 0.2, {"max_steps": 100}),
    "lasso-wavelet 32": ("lasso-wavelet", 32, "gaussian", 0.3, {}),
    "tv 16": ("tv", 16, "gaussian", 0.4, {}),
    "tv 32": ("tv", 32, "scrambled-dct", 0.3, {}),
    "tv 64": ("tv", 64, "gaussian", 0.2, {"max_steps": 100}),
    "csdip 16": ("csdip", 16, "gaussian", 0.4, QUICK_FIT),
    "csdip 32": ("csdip", 32, "gaussian", 0.4, QUICK_FIT),
    "csdip 64": ("csdip", 64, "gaussian", 0.1, QUICK_FIT),
}
"""Method, side, operator, share of measurements, settings."""


def busy() -> None:
    """Multiply matrices on one thread without end."""
    torch.set_num_threads(1)
    A = torch.randn(400, 400)
    while True:
        A @ A


def seconds(case: str, threads: int, rule: str) -> float:
    """Seconds of one recovery, in which nothing changes the number of threads where the rule is off."""
    method, side, operator, share, settings = CASES[case]
    image = load_image("example:camera", grey=True, size=(side, side))
    A = make_operator(operator, (1, side, side), share)
    y = A.forward(image)
    torch.set_num_threads(threads)
    with patch.object(torch, "set_num_threads") if rule == "off" else nullcontext():
        begun = time.perf_counter()
        recover(y, A, method, **settings)
        return time.perf_counter() - begun


def paired(case: str, pairs: int, rule: str) -> dict[str, float]:
    """Median seconds with one thread and with two, and the median of their ratios."""
    seconds(case, 1, rule)
    both = [(seconds(case, 1, rule), seconds(case, 2, rule)) for _ in range(pairs)]
    one, two = zip(*both, strict=True)
    return {"one": median(one), "two": median(two), "ratio": median(b / a for a, b in both)}


def main() -> None:
    """Run the pairs that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--load", type=int, default=2, help="processes that keep a core busy beside")
    parser.add_argument("--rule", choices=("on", "off"), default="on")
    chosen = parser.parse_args()
    others = [multiprocessing.get_context("spawn").Process(target=busy, daemon=True) for _ in range(chosen.load)]
    for other in others:
        other.start()
    try:
        for case in chosen.cases:
            print(json.dumps({case: paired(case, chosen.pairs, chosen.rule)}), flush=True)
    finally:
        for other in others:
            other.kill()


if __name__ == "__main__":
    main()
