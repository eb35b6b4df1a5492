"""Net-PGD beside a plain transcription of Algorithm 1: seconds an image to the nMSE that the transcription reaches.

The transcription takes one image at a time: eager layers, SGD with momentum in the inner loop, 12 inner steps after
each of 1000 gradient steps, as the published code has them. Ours is the preset `fast`, ten images in one program. Both
see the same y; runs alternate, so that the machine's load falls on both.

    python benchmarks/netpgd.py --images 10 --transcribed 3 --f 0.1
"""

from __future__ import annotations

import argparse
import time
from itertools import pairwise

import torch
from torch import nn

from untrained.sims.experiments.recipes.cells import image_seed, image_set
from untrained.sims.images.scores import intensity_nmse
from untrained.sims.operators import Operator, make_operator
from untrained.sims.random.isolated_rng import isolated_rng
from untrained.sims.recovery import net_pgd

WIDTHS, ETA_LOSS, RATE, MOMENTUM, OUTER, INNER = (15, 15, 10), 10.0, 0.5, 0.9, 1000, 12


def decoder() -> nn.Sequential:
    """The decoder as the published code writes it: every layer in its order, the last convolution on all pixels."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(WIDTHS):
        layers += [nn.Conv2d(inputs, outputs, 1, bias=False), nn.ReLU(), nn.BatchNorm2d(outputs)]
        layers += [nn.Upsample(scale_factor=2, mode="bilinear")]
    return nn.Sequential(*layers, nn.Conv2d(WIDTHS[-1], 1, 1, bias=False), nn.Sigmoid())


def transcription(A: torch.Tensor, y: torch.Tensor, seed: int) -> torch.Tensor:
    """Algorithm 1 for one image u on [0, 1] (784,), from y = A u: a gradient step in u, then SGD on the weights."""
    with isolated_rng(seed, "transcription"):
        network, z = decoder(), 0.1 * torch.rand(1, WIDTHS[0], 7, 7)
    inner = torch.optim.SGD(network.parameters(), RATE, MOMENTUM)
    u = network(z).detach().flatten().requires_grad_(True)
    outer = torch.optim.SGD([u], ETA_LOSS, MOMENTUM)
    for _ in range(OUTER):
        outer.zero_grad()
        nn.functional.mse_loss(A @ u, y).backward()
        outer.step()
        target = u.detach().clone()
        for _ in range(INNER):
            inner.zero_grad()
            nn.functional.mse_loss(network(z).flatten(), target).backward()
            inner.step()
        with torch.no_grad():
            u.copy_(network(z).flatten())
    return u.detach()


def problems(count: int, f: float) -> tuple[list[Operator], torch.Tensor, list[int]]:
    """The first digits, each with its own A."""
    seeds = [image_seed("mnist", i) for i in range(count)]
    operators = [make_operator("gaussian", (1, 28, 28), round(784 * f), seed) for seed in seeds]
    ys = torch.stack([a.forward(x) for a, x in zip(operators, image_set("mnist"), strict=False)])
    return operators, ys, seeds


def ours(operators: list[Operator], ys: torch.Tensor, seeds: list[int]) -> tuple[float, list[float]]:
    """Seconds an image, and nMSE of each."""
    begun = time.perf_counter()
    settings = net_pgd.preset("fast", operators[0])
    recoveries = net_pgd.recover_batch(operators, ys, settings, seeds=seeds)
    seconds = (time.perf_counter() - begun) / len(operators)
    scores = [intensity_nmse(one.image, x) for one, x in zip(recoveries, image_set("mnist"), strict=False)]
    return seconds, scores


def main() -> None:
    """Print both, pair by pair, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--transcribed", type=int, default=10, help="images given to the transcription")
    parser.add_argument("--f", type=float, default=0.1)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    operators, ys, seeds = problems(options.images, options.f)
    plain, batched, theirs, our_scores = [], [], [], []
    for i in range(options.transcribed):
        operator, truth = operators[i], image_set("mnist")[i]
        seconds, our_scores = ours(operators, ys, seeds)
        batched.append(seconds)
        A = operator.matrix  # type: ignore[attr-defined]
        begun = time.perf_counter()
        u = transcription(A, (ys[i] + A.sum(1)) / 2, seeds[i])
        plain.append(time.perf_counter() - begun)
        theirs.append(intensity_nmse(2 * u.reshape(truth.shape) - 1, truth))
        mine = our_scores[i]
        print(f"image {i}: {plain[-1]:.1f} s, nMSE {theirs[-1]:.3f}; ours {seconds:.3f} s an image, nMSE {mine:.3f}")
    ratios = sorted(a / b for a, b in zip(plain, batched, strict=True))
    mean = [sum(some) / len(some) for some in (theirs, our_scores[: options.transcribed], our_scores)]
    print(f"mean nMSE: transcription {mean[0]:.4f}, ours on the same images {mean[1]:.4f}, on all {mean[2]:.4f}")
    print(f"wall time, transcription/ours: median {ratios[len(ratios) // 2]:.0f}, least {ratios[0]:.0f}")


if __name__ == "__main__":
    main()
