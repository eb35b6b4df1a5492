"""Errors of the smoothest interpolant over many draws, beside the deterministic equivalent and the bounds.

n = 300, the triangle of half-width 10, x uniform on the unit sphere of the first 5 trigonometric vectors, A standard
normal; one x, one A and one noise a draw. Intervals are two standard errors wide each way.

    python benchmarks/interpolation.py --draws 1000
"""

from __future__ import annotations

import argparse
import math

import numpy as np

from untrained.theory.objects.dual_kernels import basis_spectrum, triangle_kernel
from untrained.theory.objects.interpolation import (
    best_range_finder_bound,
    equivalent_error,
    self_regularisation,
    smooth_bound,
    unmeasured_norm,
)
from untrained.theory.objects.shapes import Array
from untrained.theory.papers.own.smooth_interpolation import estimator

MEASUREMENTS = (30, 40, 50, 60, 80, 100, 120, 150, 180, 210, 240, 260, 280)


def errors(s: Array, m: int, span: int, noise: float, draws: int) -> tuple[Array, Array]:
    """||xhat - x|| without noise and with it, (draws,) each; the same A and x in both."""
    rng, n = np.random.default_rng((m, draws)), len(s)
    plain, noisy = np.empty(draws), np.empty(draws)
    for i in range(draws):
        A, x = rng.standard_normal((m, n)), np.zeros(n)
        x[:span] = rng.standard_normal(span)
        x /= np.linalg.norm(x)
        y = np.stack([A @ x, A @ x + noise * rng.standard_normal(m)], axis=1)
        plain[i], noisy[i] = np.linalg.norm(estimator(A, s) @ y - x[:, None], axis=0)
    return plain, noisy


def root_mean_square(values: Array) -> tuple[float, float]:
    """It, and two standard errors of it."""
    squares = np.square(values)
    root = math.sqrt(squares.mean())
    return root, 2 * float(squares.std()) / math.sqrt(len(values)) / (2 * root)


def main() -> None:
    """Print a line an m."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--m", type=int, nargs="+", default=list(MEASUREMENTS))
    parser.add_argument("--noise", type=float, default=0.1, help="its deviation a measurement")
    parser.add_argument("--span", type=int, default=5)
    options = parser.parse_args()
    s = basis_spectrum(triangle_kernel(300, 10))
    x = np.repeat([1 / math.sqrt(options.span), 0.0], [options.span, 300 - options.span])
    print("   m  mean error          RMS error           equivalent  with noise          equivalent  bounds: mean, 3/2")
    for m in options.m:
        plain, noisy = errors(s, m, options.span, options.noise, options.draws)
        mean, wide = plain.mean(), 2 * plain.std() / math.sqrt(len(plain))
        root, room = root_mean_square(plain)
        noisy_root, noisy_room = root_mean_square(noisy)
        bound = best_range_finder_bound(s, m)[0] * math.sqrt(float(np.sum(x**2 / np.where(x, s, 1))))
        claimed = [math.sqrt(equivalent_error(x, s, m, noise).total) for noise in (0.0, options.noise)]
        print(
            f"{m:4d}  {mean:.5f} +- {wide:.5f}  {root:.5f} +- {room:.5f}  {claimed[0]:.5f}     "
            f"{noisy_root:.5f} +- {noisy_room:.5f}  {claimed[1]:.5f}     "
            f"{bound:8.4f} {1.5 * float(smooth_bound(x, s, m)):.4f}",
            flush=True,
        )
    print(f"with noise {options.noise}: {self_regularisation(x, s, options.noise)}")
    A = np.random.default_rng(1).standard_normal((20, 60, 300))
    mean = float(unmeasured_norm(A, s).mean())
    print(f"m = 60: ||J(I - P)|| {mean:.4f} on average, bound {best_range_finder_bound(s, 60)[0]:.4f}")


if __name__ == "__main__":
    main()
