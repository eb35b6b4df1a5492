"""How well descent of G(C) = ReLU(UC)v follows the filters (1 - eta sigma_i^2)^tau of its expected kernel, by width.

Channels come in pairs of equal weights and opposite signs, so that G(C_0) = 0 for every scale omega. Prints the mean
relative deviation ||G(C_tau) - filtered y||/||y|| over draws, the slope of its logarithm in log k with a 95 % interval
of a straight line through the draws (-1/2 is what the concentration of JJ^T alone would give), and c = sqrt(k) times
the deviation at the largest k, with a 95 % interval of its mean; the last number is its root mean square after one step
by the variance of JJ^T at the start alone.

    python benchmarks/linearisation.py --n 256 --k 64 256 1024 4096 --tau 1 20 200
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from scipy.stats import linregress, t

from untrained.sims.random.streams import stream
from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_descent,
    expected_output,
    half_signs,
    paired_columns,
)
from untrained.theory.objects.dual_kernels import mask_variances, transfer, triangle_kernel
from untrained.theory.objects.shapes import Array


def interval(values: list[float]) -> str:
    """Mean and half of its 95 % interval."""
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values)) if values[1:] else math.nan
    return f"{np.mean(values):.3f} +- {half:.3f}"


def first_step(kernel: Array, y: Array, eta: float) -> float:
    """sqrt(k) times the root mean square deviation after one step with masks that stay; columns in pairs count once."""
    power = np.square(np.abs(np.fft.fft(y)))
    return eta * math.sqrt(2 * float((mask_variances(kernel) * power).sum() / power.sum()))


def main() -> None:
    """Print a line a tau and width, the slopes and the constants."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=256)
    parser.add_argument("--half-width", type=int, default=10)
    parser.add_argument("--k", type=int, nargs="+", default=[64, 256, 1024, 4096])
    parser.add_argument("--tau", type=int, nargs="+", default=[1, 20, 200])
    parser.add_argument("--omega", type=float, default=1.0, help="deviation of C_0's entries, in ||y||/sqrt n")
    parser.add_argument("--draws", type=int, default=5)
    options = parser.parse_args()
    n, kernel = options.n, triangle_kernel(options.n, options.half_width)
    j = np.arange(n)
    x = np.where((j > n // 4) & (j < n // 2), 1.0, 0.0) + np.cos(2 * np.pi * j / n)
    rows, eta = circulant_rows(kernel), 1 / float(transfer(kernel).max()) ** 2
    deviations: dict[int, list[tuple[float, float]]] = {tau: [] for tau in options.tau}
    expected: list[float] = []
    for k in options.k:
        for draw in range(options.draws):
            rng = stream(0, "linearisation", k, draw)
            y = x + 0.3 * rng.standard_normal(n)
            omega = options.omega * float(np.linalg.norm(y)) / math.sqrt(n)
            expected.append(first_step(kernel, y, eta))
            C = paired_columns(omega * rng.standard_normal((n, k // 2)))
            outputs = convolution_descent(rows, y, C, half_signs(k), eta, tuple(options.tau))
            for tau, output in zip(options.tau, outputs, strict=True):
                away = np.linalg.norm(output - expected_output(kernel, y, eta, tau)) / np.linalg.norm(y)
                deviations[tau].append((k, float(away)))
    for tau, pairs in deviations.items():
        means = {k: np.mean([d for width, d in pairs if width == k]) for k in options.k}
        fit = linregress(np.log([k for k, _ in pairs]), np.log([d for _, d in pairs]))
        half = t.ppf(0.975, len(pairs) - 2) * fit.stderr
        words = ", ".join(f"k = {k}: {d:.4f}" for k, d in means.items())
        last = max(options.k)
        constant = interval([math.sqrt(k) * d for k, d in pairs if k == last])
        print(f"tau = {tau}: {words}; slope {fit.slope:.2f} +- {half:.2f}; c = {constant} at k = {last}")
    print(f"after one step by the variance of JJ^T alone: {math.sqrt(np.mean(np.square(expected))):.3f}")


if __name__ == "__main__":
    main()
