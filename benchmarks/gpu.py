"""GPU measurements in one command: CS-DIP on many images at once against one at a time; JSON on standard output.

Needs torch, numpy and scipy only. On a machine without a GPU it says so and ends well.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch

from sims.chance.streams import stream
from sims.imaging.recovery.csdip import PRESETS, CSDIPSettings, recover_batch
from sims.imaging.sensing import make_operator

SHAPE = (1, 28, 28)


def strokes(index: int) -> torch.Tensor:
    """A bright polygon line on a dark ground, drawn from a seed: a stand-in of MNIST's kind that needs no file."""
    rng = stream(index, "strokes")
    corners = torch.from_numpy(rng.uniform(6, 22, (5, 2)))
    t = torch.linspace(0, 1, 40, dtype=torch.float64)[:, None]
    points = torch.cat([a + t * (b - a) for a, b in pairwise(corners)])
    grid = torch.stack(torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij"), -1).double()
    distance = (grid[:, :, None] - points).square().sum(-1).min(-1).values.sqrt()
    return (2 * torch.sigmoid(4 * (1.2 - distance)) - 1).float()[None]


def fit(images: int, m: int, settings: CSDIPSettings, device: str) -> tuple[float, float, float]:
    """Seconds, mean squared error and peak memory in GB of one batched fit."""
    truths = torch.stack([strokes(i) for i in range(images)]).to(device)
    operators = [make_operator("gaussian", SHAPE, m, seed=i, device=device) for i in range(images)]
    ys = torch.stack([operator.forward(x) for operator, x in zip(operators, truths, strict=True)])
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    start = time.perf_counter()
    found = recover_batch(operators, ys, settings, seeds=range(images))
    seconds = time.perf_counter() - start
    error = torch.stack([r.image for r in found]).sub(truths.cpu()).square().mean()
    return seconds, float(error), torch.cuda.max_memory_allocated() / 1e9


def measure(images: int, restarts: int, m: int, steps: int, alone: int, device: str) -> dict[str, Any]:
    rows: dict[str, Any] = {"device": torch.cuda.get_device_name(), "torch": torch.__version__, "m": m, "steps": steps}
    for name in ("paper", "best"):
        settings = replace(PRESETS[name], steps=steps)
        fit(1, m, replace(settings, restarts=1, steps=5), device)
        short = replace(settings, restarts=1, steps=min(steps, 200))
        one = min(fit(1, m, short, device)[0] for _ in range(alone)) * steps / short.steps
        for compiled in (False, True):
            many = replace(settings, restarts=restarts, compile=compiled)
            fit(images, m, replace(many, steps=5), device)
            seconds, error, memory = fit(images, m, many, device)
            rows[f"{name}{', compiled' if compiled else ''}"] = {
                "problems": images * restarts,
                "seconds": seconds,
                "seconds_one_at_a_time": one * images * restarts,
                "ratio": one * images * restarts / seconds,
                "mse": error,
                "peak_gigabytes": memory,
            }
            print(json.dumps(rows), file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--m", type=int, default=75)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--alone", type=int, default=3, help="fits of one image, of which the fastest counts")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print(json.dumps({"skipped": "this machine has no CUDA device"}))
        return
    print(json.dumps(measure(given.images, given.restarts, given.m, given.steps, given.alone, "cuda"), indent=1))


if __name__ == "__main__":
    main()
