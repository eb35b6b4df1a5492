"""Time drawn and exact extreme singular values of masked Gaussian matrices; prints one JSON object."""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.stats import ks_2samp

from untrained.sims.random.draws import jacobian_smallest_singular_values
from untrained.theory.laws.masked import smallest_sufficient_width
from untrained.theory.laws.wishart import smallest_eigenvalue_below


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def dense_trial(generator: np.random.Generator, n: int, d: int) -> float:
    """One trial from the definition: draw all of V, keep a random half of it, take the n-th value."""
    mask = generator.random(d) < 0.5
    columns = generator.standard_normal((n, d))[:, mask]
    return float(np.linalg.svd(columns, compute_uv=False)[n - 1])


def measure(n: int, d: int, dense_trials: int, trials: int, seed: int) -> dict[str, float]:
    generator = np.random.default_rng(seed)
    jacobian_smallest_singular_values(generator, n, d, 100)
    dense_trial(generator, n, d)
    values: list[float] = []
    dense = min(seconds(lambda: values.append(dense_trial(generator, n, d))) for _ in range(dense_trials))
    ours = seconds(lambda: jacobian_smallest_singular_values(generator, n, d, trials))
    sample = jacobian_smallest_singular_values(generator, n, d, trials)
    result: dict[str, float] = {
        "n": n,
        "d": d,
        "dense_seconds_per_trial": dense,
        "ours_seconds_per_trial": ours / trials,
        "ratio": dense * trials / ours,
        f"ours_seconds_for_{trials}": ours,
        f"same_law_p_value_from_{dense_trials}_dense_trials": float(ks_2samp(values, sample).pvalue),
    }
    for m in (16, 64):
        result[f"exact_law_seconds_n{m}"] = seconds(partial(smallest_eigenvalue_below, m, 36 * m, 18 * m))
    for m in (16, 32):
        result[f"threshold_seconds_n{m}"] = seconds(partial(smallest_sufficient_width, m))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--ratio", type=int, default=3528, help="columns per row")
    parser.add_argument("--dense-trials", type=int, default=20)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    columns = args.ratio * args.rows
    print(json.dumps(measure(args.rows, columns, args.dense_trials, args.trials, args.seed), indent=2))


if __name__ == "__main__":
    main()
