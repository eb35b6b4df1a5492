"""Every GPU measurement of the project in one command; JSON on standard output.

`csdip`: many images at once against one at a time. `layouts`: channels_last, bfloat16 and TF32 on one pass of a large
network. `batched`: 64 descents at n = 128, d = 8192. `wide`: a descent at n = 16 whose V is never held, d up to 1e9:
seconds a pass, normals a second, and against a V held in memory the share of the memory's speed that a pass reaches.
`spectrum`: J J^T of the MNIST network, all its 784 x 784 entries in float64, against the CPU.
Needs torch, numpy and scipy only. On a machine without a GPU it says so and ends well.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import torch

from untrained.sims.dynamics.columns import Regenerated, StoredColumns
from untrained.sims.dynamics.reduced import descend
from untrained.sims.dynamics.survey import survey
from untrained.sims.networks.batched import Batched
from untrained.sims.networks.generators import dcgan
from untrained.sims.networks.initialisation import initialise
from untrained.sims.networks.loading import as_network
from untrained.sims.ntk.gram import jacobian_gram
from untrained.sims.operators import make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery.csdip import PRESETS, CSDIPSettings, recover_batch
from untrained.theory.objects.width import step_proof

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


def timed(work: Callable[[], Any], repeats: int = 5) -> float:
    """Median seconds of some work on the GPU, after one that is not counted."""
    work()
    times = []
    for _ in range(repeats):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return sorted(times)[repeats // 2]


def layouts(copies: int = 8) -> dict[str, Any]:
    """One forward and backward pass of some x-ray networks side by side, and the change of their images."""
    chosen = dcgan((1, 256, 256))
    networks = [chosen.build().train() for _ in range(copies)]
    for i, network in enumerate(networks):
        initialise(network, stream(0, "weights", i))
    z = torch.stack([chosen.latent.draw(stream(0, "latent", i)).float() for i in range(copies)]).cuda()
    batched = Batched(networks, "cuda")
    weights = list(batched.weights.values())

    def row(**how: Any) -> dict[str, float]:
        def run() -> torch.Tensor:
            with torch.autocast("cuda", torch.bfloat16, enabled=how.get("mixed", False)):
                x = batched(z.to(memory_format=torch.channels_last) if how.get("last") else z)
            torch.autograd.grad(x.float().square().sum(), weights)
            return x.detach().float()

        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = how.get("tf32", False)
        return {"seconds": timed(run), "change": float((run() - exact).abs().max())}

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    exact = batched(z).detach()
    return {"plain": row(), "tf32": row(tf32=True), "bfloat16": row(mixed=True), "channels_last": row(last=True)}


def batched_descents(runs: int = 64, n: int = 128, d: int = 8192, steps: int = 1000) -> dict[str, Any]:
    y = torch.from_numpy(stream(0, "y").standard_normal((runs, n)))
    columns = [StoredColumns.draw(Regenerated(n, d, seed, dtype=torch.float64, device="cuda")) for seed in range(runs)]
    step = torch.tensor([step_proof(float(v.norm()), n, d) for v in y], dtype=torch.float64)
    seconds = timed(lambda: descend(columns, y, step, steps, tolerance=0.0), 1)
    return {"runs": runs, "steps": steps, "seconds_a_run": seconds / runs}


def wide_descent(d: int, n: int = 16, steps: int = 20) -> dict[str, Any]:
    """V never held: the whole run, a pass with the Gram matrix and one by the fused kernel."""
    drawn = Regenerated(n, d, 0, device="cuda")
    y = torch.from_numpy(stream(0, "y").standard_normal((1, n)))
    step = torch.tensor([step_proof(float(y.norm()), n, d)], dtype=torch.float64)
    torch.cuda.reset_peak_memory_stats()
    begun = time.perf_counter()
    trace = descend([drawn], y, step, steps)
    seconds = time.perf_counter() - begun
    off, S = torch.zeros(drawn.count, dtype=torch.bool, device="cuda"), torch.zeros(n, device="cuda")
    found: dict[str, Any] = {"d": d, "fused": drawn.fused, "seconds": seconds, "passes": trace.passes}
    for name, gram in (("a pass with V V^T", True), ("a fused pass", False)):
        one = timed(lambda gram=gram: survey(drawn, S, 1.0, 1.0, off, 1000, gram=gram), 3)
        found[name] = {"seconds": one, "normals_a_second": drawn.count * (n + 1) / one}
    found["peak_gigabytes"] = torch.cuda.max_memory_allocated() / 1e9
    return found


def held_pass(n: int = 128, d: int = 10**7) -> dict[str, Any]:
    """A pass over a V that is held, and a copy of the same bytes: how near the memory's speed it comes."""
    columns = StoredColumns(torch.randn(n, d, device="cuda"), torch.rand(d, device="cuda"), 2 * d)
    off, S = torch.zeros(d, dtype=torch.bool, device="cuda"), torch.zeros(n, device="cuda")
    one = timed(lambda: survey(columns, S, 1.0, 1.0, off, 1000, gram=False), 3)
    copy = timed(lambda: columns.V.clone(), 3)
    return {"gigabytes": 4e-9 * n * d, "seconds": one, "copy_seconds": copy, "share_of_copy_speed": copy / 2 / one}


def whole_spectrum() -> dict[str, Any]:
    """Seconds for all of J J^T of the MNIST network on either device, and how far apart their entries are."""
    network = dcgan(SHAPE)
    module = network.build()
    initialise(module, stream(1, "weights"))
    z = network.latent.draw(stream(1, "latent")).float()[None]
    here, there = as_network(module, z, name="dcgan").draw(0), as_network(module.to("cuda"), z, name="dcgan").draw(0)
    begun = time.perf_counter()
    K = jacobian_gram(here)
    on_cpu = time.perf_counter() - begun
    apart = float((jacobian_gram(there).cpu() - K).abs().max() / K.abs().max())
    return {"cpu": on_cpu, "cuda": timed(lambda: jacobian_gram(there), 3), "apart": apart}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["csdip", "layouts", "batched", "wide", "spectrum"])
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--restarts", type=int, default=5)
    parser.add_argument("--m", type=int, default=75)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--alone", type=int, default=3, help="fits of one image, of which the fastest counts")
    given = parser.parse_args()
    if not torch.cuda.is_available():
        print(json.dumps({"skipped": "this machine has no CUDA device"}))
        return
    runs: dict[str, Callable[[], Any]] = {
        "csdip": lambda: measure(given.images, given.restarts, given.m, given.steps, given.alone, "cuda"),
        "layouts": layouts,
        "batched": batched_descents,
        "wide": lambda: {"held": held_pass(), "never held": [wide_descent(d) for d in (10**7, 10**8, 10**9)]},
        "spectrum": whole_spectrum,
    }
    found = {}
    for name in given.what:
        found[name] = runs[name]()
        print(json.dumps({name: found[name]}), file=sys.stderr, flush=True)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
