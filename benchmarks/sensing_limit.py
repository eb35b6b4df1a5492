"""Where descent on ||A G(C) - y||^2 ends, G(C) = ReLU(UC)v and few Gaussian rows: the network and its linear model.

The linear limit is x_0 + J(AJ)^+(y - A x_0), J the Jacobian at the start; columns come in pairs, so that x_0 = 0.
Prints by number of columns k the mean over draws of ||G(C_tau) - limit||/||x||, of the error ||G(C_tau) - x||/||x|| and
of the limit's, the largest misfit left, and the slope of the first in log k with a 95 % interval.

    PYTHONPATH=. python benchmarks/sensing_limit.py --k 64 256 1024 --draws 8
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from scipy.stats import linregress, t

from untrained.sims.random.streams import stream
from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_jacobian,
    half_signs,
    paired_columns,
)
from untrained.theory.objects.dual_kernels import transfer, triangle_kernel, trigonometric_basis


def draw(n: int, m: int, k: int, half_width: int, omega: float, steps: int, number: int) -> tuple[float, ...]:
    """Distance to the linear limit, error, the limit's error and the misfit left, all by ||x|| or ||y||."""
    rng, kernel = stream(0, "sensing limit", k, number), triangle_kernel(n, half_width)
    U, v = circulant_rows(kernel), half_signs(k)
    x = trigonometric_basis(n)[:, :5] @ rng.standard_normal(5)
    A = rng.standard_normal((m, n)) / math.sqrt(m)
    y, size = A @ x, float(np.linalg.norm(x))
    C = paired_columns(omega * size / math.sqrt(n) * rng.standard_normal((n, k // 2)))
    J = convolution_jacobian(U, C, v)
    limit = J @ np.linalg.lstsq(A @ J, y, rcond=None)[0]
    eta = 1 / (float(transfer(kernel).max()) ** 2 * float(np.linalg.norm(A, 2)) ** 2)
    for _ in range(steps):
        H = U @ C
        r = A @ (np.maximum(H, 0) @ v) - y
        if np.linalg.norm(r) < 1e-6 * np.linalg.norm(y):
            break
        C = C - eta * (U.T @ ((H > 0) * np.outer(A.T @ r, v)))
    output = np.maximum(U @ C, 0) @ v
    misfit = float(np.linalg.norm(A @ output - y) / np.linalg.norm(y))
    return *(float(np.linalg.norm(a - b)) / size for a, b in ((output, limit), (output, x), (limit, x))), misfit


def main() -> None:
    """Print a line a width, and the slope."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("n", 64), ("m", 24), ("half-width", 4), ("steps", 20000), ("draws", 5)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--k", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--omega", type=float, default=1.0, help="deviation of C_0's entries, in ||x||/sqrt n")
    arguments = parser.parse_args()
    places, distances = [], []
    for k in arguments.k:
        shape = (arguments.n, arguments.m, k, arguments.half_width, arguments.omega, arguments.steps)
        rows = [draw(*shape, number) for number in range(arguments.draws)]
        distance, error, linear, _ = np.mean(rows, axis=0)
        places += [k] * arguments.draws
        distances += [row[0] for row in rows]
        errors = f"error {error:.4f}, the limit's {linear:.4f}, misfit <= {max(row[3] for row in rows):.1e}"
        print(f"k = {k}: {distance:.4f} from the limit, {errors}", flush=True)
    fit = linregress(np.log(places), np.log(distances))
    half = t.ppf(0.975, len(places) - 2) * fit.stderr
    print(f"slope {fit.slope:.2f} +- {half:.2f}")


if __name__ == "__main__":
    main()
