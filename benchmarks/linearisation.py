"""How well descent of G(C) = ReLU(UC)v follows the filters (1 - eta sigma_i^2)^tau of its expected kernel, by width.

Channels come in pairs of equal weights and opposite signs, so that G(C_0) = 0 for every scale omega. Prints the mean
relative deviation ||G(C_tau) - filtered y||/||y|| over draws, and the slope of its logarithm in log k with a 95 %
interval of a straight line through the draws: -1/2 is what the concentration of JJ^T alone would give.

    python benchmarks/linearisation.py --n 256 --k 64 256 1024 4096 --tau 1 20 200
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from scipy.stats import linregress, t

from untrained.sims.random.streams import stream
from untrained.theory.objects.dual_kernels import dual_spectrum, transfer, triangle_kernel
from untrained.theory.objects.shapes import Array


def descended(kernel: Array, y: Array, k: int, taus: list[int], omega: float, rng: np.random.Generator) -> list[Array]:
    """G(C_tau) at each tau for one draw of C_0; convolutions by FFT."""
    transform = np.fft.rfft(kernel)[:, None]

    def convolve(C: Array, conjugate: bool = False) -> Array:
        factor = transform.conj() if conjugate else transform
        return np.fft.irfft(factor * np.fft.rfft(C, axis=0), len(kernel), axis=0)

    C = np.repeat(omega * rng.standard_normal((len(kernel), k // 2)), 2, axis=1)
    v = np.tile([1.0, -1.0], k // 2) / math.sqrt(k)
    eta, outputs = 1 / float(transfer(kernel).max()) ** 2, []
    for tau in range(1, max(taus) + 1):
        H = convolve(C)
        residual = np.maximum(H, 0) @ v - y
        C = C - eta * convolve((H > 0) * np.outer(residual, v), conjugate=True)
        if tau in taus:
            outputs.append(np.maximum(convolve(C), 0) @ v)
    return outputs


def main() -> None:
    """Print a line a tau and width, and the slopes."""
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
    deviations: dict[int, list[tuple[float, float]]] = {tau: [] for tau in options.tau}
    for k in options.k:
        for draw in range(options.draws):
            rng = stream(0, "linearisation", k, draw)
            y = x + 0.3 * rng.standard_normal(n)
            omega = options.omega * float(np.linalg.norm(y)) / math.sqrt(n)
            eta = 1 / float(transfer(kernel).max()) ** 2
            for tau, output in zip(options.tau, descended(kernel, y, k, options.tau, omega, rng), strict=True):
                passed = 1 - (1 - eta * dual_spectrum(kernel)) ** tau
                linear = np.fft.ifft(passed * np.fft.fft(y)).real
                deviations[tau].append((k, float(np.linalg.norm(output - linear) / np.linalg.norm(y))))
    for tau, pairs in deviations.items():
        means = {k: np.mean([d for width, d in pairs if width == k]) for k in options.k}
        fit = linregress(np.log([k for k, _ in pairs]), np.log([d for _, d in pairs]))
        half = t.ppf(0.975, len(pairs) - 2) * fit.stderr
        words = ", ".join(f"k = {k}: {d:.4f}" for k, d in means.items())
        print(f"tau = {tau}: {words}; slope {fit.slope:.2f} +- {half:.2f}")


if __name__ == "__main__":
    main()
