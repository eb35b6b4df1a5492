"""The contraction factor of Net-PGD at eta = 1 for Gaussian A: attained, certified, and what the bounds by alpha give.

Rays (1, 1, 1) are exact, planar cones (2, 1, 1) enclosed with a certificate; at (2, 2, 1) the attack climbs with the
exact projection, and the gap to 2 alpha, alpha on range(U), is what is printed.

    python benchmarks/contraction.py --rows 4 --relative 0.01
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from untrained.theory.objects import decoders
from untrained.theory.objects.contraction import contraction_of_rays
from untrained.theory.objects.isometries import on_subspace
from untrained.theory.objects.planar_contraction import contraction_of_planes
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array


def decoder(k: int, channels: int, rows: int) -> TwoLayerRange:
    """A decoder on a line of `rows` pixels, upsampled by two."""
    code = decoders.integer_decoder((k, channels), 4, 4, signed=True)[0][:rows]
    return TwoLayerRange(code, decoders.upsampling_line(rows), channels)


def members(S: TwoLayerRange, coefficients: Array, cones: Array) -> Array:
    """The points of S of these cones with coefficients of so many generators."""
    return np.stack([S.cones[i] @ c[: S.cones[i].shape[1]] for i, c in zip(cones, coefficients, strict=True)])


def attack(S: TwoLayerRange, A: Array, rng: np.random.Generator, starts: int, climbs: int) -> float:
    """The largest ratio of drawn steps with the exact projection, the best tenth of which climbs."""
    gram, size = A.T @ A, max(cone.shape[1] for cone in S.cones)

    def ratios(c: Array, cones: Array) -> Array:
        star, x = members(S, c[0], cones[0]), members(S, c[1], cones[1])
        plus = S.nearest(x - (x - star) @ gram).points
        result: Array = np.linalg.norm(plus - star, axis=1) / np.maximum(np.linalg.norm(x - star, axis=1), 1e-9)
        return result

    cones, c = rng.integers(0, len(S.cones), (2, starts)), rng.exponential(size=(2, starts, size))
    c *= np.exp(2 * rng.standard_normal(c.shape))
    best = ratios(c, cones)
    top = np.argsort(-best)[: max(1, starts // 10)]
    cones, c, best = cones[:, top], c[:, top], best[top]
    for scale in np.geomspace(0.5, 1e-2, climbs):
        moved = c * np.exp(scale * rng.standard_normal(c.shape)) * (rng.random(c.shape) > 0.05)
        new = ratios(moved, cones)
        better = new > best
        c[:, better], best[better] = moved[:, better], new[better]
    return float(best.max())


def main() -> None:
    """Print a line a kind of decoder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4, help="pixels of the code")
    parser.add_argument("--n", type=int, nargs="+", default=[6, 12, 40], help="rows of A")
    parser.add_argument("--relative", type=float, default=0.01, help="room above what is attained")
    parser.add_argument("--starts", type=int, default=2000)
    parser.add_argument("--climbs", type=int, default=200)
    options = parser.parse_args()
    d = 2 * options.rows
    for n in options.n:
        A = np.random.default_rng(n).standard_normal((n, d)) / np.sqrt(n)
        begun = time.perf_counter()
        S = decoder(1, 1, options.rows)
        rays = contraction_of_rays(np.unique(np.concatenate([c.T for c in S.cones]), axis=0), A)
        print(f"n = {n}: (1, 1, 1) exact {rays.factor:.6f}, {time.perf_counter() - begun:.2f} s")
        begun = time.perf_counter()
        S = decoder(2, 1, options.rows)
        planes = contraction_of_planes(S, A, options.relative)
        seconds = time.perf_counter() - begun
        own = attack(S, A, np.random.default_rng(1), options.starts, options.climbs)
        print(
            f"n = {n}: (2, 1, 1) attained {planes.attained:.6f} (attack with the exact projection {own:.6f}), at most "
            f"{float(planes.bound):.6f}, {len(planes.cells.W)} cells, {seconds:.2f} s"
        )
        S = decoder(2, 2, options.rows)
        alpha = on_subspace(A, S.upsampling.astype(float)).alpha
        begun = time.perf_counter()
        own = attack(S, A, np.random.default_rng(1), options.starts, options.climbs)
        seconds = time.perf_counter() - begun
        gap = f"2 alpha {2 * alpha:.6f}: gap {2 * alpha / own:.2f}"
        print(f"n = {n}: (2, 2, 1) attained {own:.6f}, {gap}, {seconds:.1f} s")


if __name__ == "__main__":
    main()
