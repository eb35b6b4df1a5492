"""How far from an isometry is a Gaussian A on the outputs of the decoders that were run, and on their differences?

Searched: the least and the largest ||A x||^2/||x||^2 that ascents on the weights attain, for one A of each size. Each
comes with its weights, so it bounds gamma from above and beta from below; a search proves nothing beyond.
Exact: the same on range(U), U the last upsampling, where all differences lie; for MNIST S - S is all of it
(own.netpgd.rank.slides), so the ascent can be judged. Beside it the edges of Marchenko and Pastur.

Dimensions of CelebA's set, by exact ranks modulo a prime. Its output depends on the first two layers through
P = relu(Z_1 W_1) W_2 (64 x 15) alone, since upsampling and 1x1 weights commute, and neurons scale: rank J is at most
960 + 150 + 30 - 15 - 10 = 1115 at any weights, and twice that for differences. So
- f = 0.1 has n = 1229 > 1115: no point refutes gamma > 0 for every A by its rank, as points do for MNIST;
- where n >= 1115, almost every A has gamma > 0 on S, and where n >= 2230 (f = 0.2 has 2458) on S - S: the closures have
  no more dimensions than that, and a point of them lies in the kernel of A for a set of A of codimension n;
- where the rank at a pair is above n, an open set of A has gamma = 0 on S - S: take A_0 with A_0 h = 0 for that
  difference h that maps the tangent space onto R^n; every A near A_0 has a zero near h. So a Gaussian A has gamma = 0
  with positive probability at f = 0.1 and 0.15; how likely, this does not say.

    python benchmarks/isometry.py --mnist-steps 1500 --celeba-steps 300
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
import torch

from untrained.sims.diagnosis.range_geometry.ascent import DeepDecoder, isometry_extremes
from untrained.sims.experiments.recipes.cells import image_set
from untrained.sims.random.streams import stream
from untrained.theory.objects.decoders import SMALL_PRIME, rank_modulo_prime, upsampling_plane
from untrained.theory.papers.own.celeba_rank import celeba_jacobian, largest_rank


def decoder(widths: tuple[int, ...], side: int, channels: int) -> DeepDecoder:
    """The decoder of the slides on a uniform code, without sigmoid and batch norm."""
    code = 0.1 * stream(0, "isometry", "code").random((side * side, widths[0]))
    sizes = [side * 2**i for i in range(len(widths) - 1)]
    return DeepDecoder(code, tuple(upsampling_plane(s, s) / 16 for s in sizes), widths[1:], channels)


def outer(one: DeepDecoder, A: np.ndarray) -> tuple[int, float, float]:
    """Dimension of range(U), and exact constants of A on it."""
    Q = np.linalg.qr(one.upsamplings[-1])[0]
    inside = np.hstack([block @ Q for block in np.split(A, one.channels, axis=1)])
    values = np.linalg.svd(inside, compute_uv=False) ** 2
    return inside.shape[1], float(values[-1]) if inside.shape[1] <= len(A) else 0.0, float(values[0])


def rows(name: str, one: DeepDecoder, n: int, options: argparse.Namespace, restarts: int, steps: int) -> None:
    """Print S and S - S for one A with n rows."""
    A = stream(options.seed, "isometry", name, n).standard_normal((n, one.size)) / math.sqrt(n)
    d, gamma, beta = outer(one, A)
    edges = [max(0.0, 1 - math.sqrt(d / n)) ** 2, (1 + math.sqrt(d / n)) ** 2]
    for differences in (False, True):
        begun = time.perf_counter()
        both = isometry_extremes(one, A, differences=differences, restarts=restarts, steps=steps, seed=options.seed)
        words = f"{name:7}{n:5}  {'S - S' if differences else 'S':6}"
        ends = f"{both.lowest.ratio:11.3g}{both.highest.ratio:9.4f}{gamma:11.3g}{beta:9.4f}"
        print(f"{words}{ends}{edges[0]:11.3g}{edges[1]:9.4f}{time.perf_counter() - begun:8.1f}", flush=True)


def ranks() -> None:
    """Print exact lower bounds of the generic ranks."""
    widths, colours = (120, 15, 15, 10), 3
    points = [celeba_jacobian(widths, colours, seed)[0] for seed in (7, 8)]
    single = [rank_modulo_prime(J, SMALL_PRIME) for J in points]
    pair, bound = rank_modulo_prime(np.hstack(points), SMALL_PRIME), largest_rank(widths, colours)
    print(f"CelebA: rank J = {single[0]} and {single[1]} at two points, at most {bound} anywhere;")
    print(f"        rank of (w, w') -> G(w) - G(w') at that pair {pair}, at most {2 * bound}; range(U) has 3072")


def outside(count: int) -> None:
    """Print how much of digits lies outside range(U): the least nMSE of any decoder without a sigmoid."""
    Q = np.linalg.qr(upsampling_plane(14, 14) / 16)[0]
    x = ((image_set("mnist")[:count] + 1) / 2).reshape(count, -1).numpy().astype(float)
    shares = np.square(x - x @ Q @ Q.T).sum(1) / np.square(x).sum(1)
    ends = f"{shares.min():.3f} to {shares.max():.3f}"
    print(f"{count} digits: {shares.mean():.3f} of the energy is outside range(U), from {ends}")


def main() -> None:
    """Print the table, the ranks and, where the digits are at hand, what lies outside range(U)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mnist-steps", type=int, default=1500)
    parser.add_argument("--mnist-restarts", type=int, default=4)
    parser.add_argument("--celeba-steps", type=int, default=300)
    parser.add_argument("--celeba-restarts", type=int, default=1)
    parser.add_argument("--celeba-rows", type=int, nargs="*", default=[1229])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--digits", type=int, default=0, help="digits whose part outside range(U) is measured")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("                         searched            exact on range(U)   Marchenko-Pastur")
    print("decoder   n  set        lowest  highest      gamma     beta      lower    upper seconds")
    for n in (235, 78):
        rows("MNIST", decoder((15, 15, 10), 7, 1), n, options, options.mnist_restarts, options.mnist_steps)
    for n in options.celeba_rows:
        rows("CelebA", decoder((120, 15, 15, 10), 8, 3), n, options, options.celeba_restarts, options.celeba_steps)
    ranks()
    if options.digits:
        outside(options.digits)


if __name__ == "__main__":
    main()
