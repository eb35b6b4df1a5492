"""Gradient descent of the two-layer generator: against the plain loop, batched, never held; prints JSON.

`speed` times 1000 steps at n = 128, d = 8192, k = 64 in float64, one run and 64, beside the plain autograd loop of all
weights in the same process; `wide` follows a V that is never held in a process of its own, with its peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np
import torch

from untrained.sims.dynamics.columns import Half, Regenerated, StoredColumns
from untrained.sims.dynamics.reduced import descend
from untrained.sims.random.streams import stream
from untrained.theory.objects.width import step_proof


def plain(n: int, d: int, k: int, steps: int) -> dict[str, float]:
    """The obvious loop: V, W and z held, autograd on the loss."""
    rng = stream(0, "plain")
    V, W, z, y = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((n, d), (d, k), k, n))
    V *= y.norm() / ((d * n) ** 0.5 * z.norm())
    step = step_proof(float(y.norm()), n, d)
    W.requires_grad_()
    begun = time.perf_counter()
    for _ in range(steps):
        loss = 0.5 * (V @ torch.relu(W @ z) - y).square().sum()
        (gradient,) = torch.autograd.grad(loss, W)
        with torch.no_grad():
            W -= step * gradient
    seconds = time.perf_counter() - begun
    with torch.no_grad():
        return {"seconds": seconds, "misfit": float((V @ torch.relu(W @ z) - y).norm() / y.norm())}


def reduced(n: int, d: int, runs: int, steps: int) -> dict[str, float]:
    """The same size by the reduction, from columns that are held; drawing them is not timed."""
    y = torch.from_numpy(stream(0, "y").standard_normal((runs, n)))
    columns = [StoredColumns.draw(Regenerated(n, d, seed, dtype=torch.float64)) for seed in range(runs)]
    step = torch.tensor([step_proof(float(v.norm()), n, d) for v in y], dtype=torch.float64)
    begun = time.perf_counter()
    trace = descend(columns, y, step, steps, tolerance=0.0)
    seconds = time.perf_counter() - begun
    misfit = float((trace.final(trace.misfits) / y.norm(dim=1).numpy()).max())
    return {"seconds": seconds, "seconds_a_run": seconds / runs, "misfit": misfit, "passes_a_run": trace.passes / runs}


def speed(steps: int) -> dict[str, Any]:
    n, d, k = 128, 8192, 64
    table: dict[str, Any] = {"plain": min((plain(n, d, k, steps) for _ in range(3)), key=lambda row: row["seconds"])}
    for runs in (1, 64):
        rows = [reduced(n, d, runs, steps) for _ in range(3 if runs == 1 else 1)]
        row = min(rows, key=lambda one: one["seconds"])
        table[f"{runs} runs"] = {**row, "times_faster_a_run": table["plain"]["seconds"] / row["seconds_a_run"]}
    return table


def halved(n: int, d: int) -> dict[str, float]:
    """What 16 bits an entry change: the error of V, and of the misfits until a thousandth of the first."""
    drawn = Regenerated(n, d, 0, dtype=torch.float64)
    y = torch.from_numpy(stream(0, "y").standard_normal((1, n)))
    step = torch.tensor([step_proof(float(y.norm()), n, d)], dtype=torch.float64)
    exact = descend([StoredColumns.draw(drawn)], y, step, 400, tolerance=1e-3)
    table = {}
    for kind in (torch.bfloat16, torch.float16):
        half = Half(drawn, kind)
        rough = descend([half], y, step, 400, tolerance=1e-3)
        end = min(exact.ends[0], rough.ends[0]) + 1
        name = str(kind).removeprefix("torch.")
        table[f"{name}: error of V"] = half.error
        table[f"{name}: misfits"] = float(np.abs(rough.misfits[0, :end] / exact.misfits[0, :end] - 1).max())
    return table


def wide(n: int, d: int, steps: int, threads: int) -> dict[str, Any]:
    """One run whose V is never held, in a process of its own."""
    code = f"from benchmarks.descent import alone; alone({n}, {d}, {steps}, {threads})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(json.loads(ended.stdout))


def alone(n: int, d: int, steps: int, threads: int) -> None:
    torch.set_num_threads(threads)
    y = torch.from_numpy(stream(0, "y").standard_normal((1, n)))
    begun = time.perf_counter()
    step = torch.tensor([step_proof(float(y.norm()), n, d)], dtype=torch.float64)
    trace = descend([Regenerated(n, d, 0)], y, step, steps)
    row = {
        "n": n,
        "d": d,
        "steps": steps,
        "threads": threads,
        "seconds": time.perf_counter() - begun,
        "passes": trace.passes,
        "switched_off": float(trace.switched[0, -1]),
        "misfit": float(trace.misfits[0, -1] / y.norm()),
        "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
    }
    print(json.dumps(row))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("all", "speed", "half", "wide"), nargs="?", default="all")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--width", type=float, default=1e8)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    report: dict[str, Any] = {"threads": arguments.threads}
    if arguments.what in ("all", "speed"):
        report["speed"] = speed(arguments.steps)
    if arguments.what in ("all", "half"):
        report["half"] = halved(64, 64 * 200)
    if arguments.what in ("all", "wide"):
        report["wide"] = wide(16, int(arguments.width), 20, arguments.threads)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
