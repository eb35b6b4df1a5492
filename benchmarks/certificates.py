"""Certificates of convergence for single instances: seconds, and from which width on there is one; prints JSON.

`times`: seconds to prove that one instance converges, by following it and from its start alone (`start`).
`widths`: the share of instances that are certified at each d/n of a grid, and of descents that are seen to fit.
`start`: the least d/n of a grid from which on at least half of the instances are certified from their start alone.

Measured on a busy machine, in seconds of one core: n = 16, d = 1e5: descent 0.2, flow 3.4, from the start 0.2; n = 64:
0.9, 17, 21. Shares of ten instances (n = 4, 8, 16, 32) with c = 0.1: 0.7, 0.4, 0.3, 0.2 at d = 5n, 0.9, 0.7, 0.7, 0.5
at 6n, 0.9, 0.8, 0.9, 0.9 at 7n; seen to fit: 0.5, 0.3, 0.1, 0.1, then 0.9, 0.4, 0.5, 0.4, then 0.8, 0.7, 0.7, 0.7. From
the start (`--instances 5`): 164 n at n = 4, 365 n at 8, 446 n at 16, 736 n at 32, for the flow and for c = 0.1.
"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

import numpy as np

from untrained.sims.dynamics.instances import GeneratorInstance, random_instance
from untrained.theory.objects.certificates import Certificate, prove_convergence

KINDS: dict[str, dict[str, Any]] = {
    "descent c=0.1": {"step": 0.1},
    "flow": {"step": None, "steps": 2000},
    "descent c=0.1, start": {"step": 0.1, "steps": 0},
    "flow, start": {"step": None, "steps": 0},
}
SIZES = ((16, 100_000), (64, 100_000))
FOLLOWED = (3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0)
START = tuple(float(x) for x in np.geomspace(60, 900, 28).round())


def times() -> list[dict[str, Any]]:
    rows = []
    for n, d in SIZES:
        instance = random_instance(n, d, 16, 0)
        for kind, options in KINDS.items():
            begun, busy = time.perf_counter(), time.process_time()
            certificate = prove_convergence(*instance, **options)
            seconds = {"seconds": time.perf_counter() - begun, "of_cpu": time.process_time() - busy}
            rows.append({"n": n, "d": d, "kind": kind, **summary(certificate, instance, seconds)})
            print(json.dumps(rows[-1]), flush=True)
    return rows


def summary(c: Certificate, instance: GeneratorInstance, seconds: dict[str, float]) -> dict[str, Any]:
    norm = float(np.linalg.norm(instance[3]) / np.linalg.norm(instance[2]))
    numbers = {**seconds, "followed": c.followed, "misfit": c.misfit / norm, "rate": c.rate}
    return {"proved": c.proves, **{name: float(f"{x:.3g}") for name, x in numbers.items()}}


def is_certified(n: int, ratio: float, options: dict[str, Any], number: int) -> bool:
    return prove_convergence(*random_instance(n, round(n * ratio), 4, number), **options).proves


def share(n: int, ratio: float, options: dict[str, Any], instances: int) -> float:
    return sum(is_certified(n, ratio, options, i) for i in range(instances)) / instances


def half(n: int, ratio: float, options: dict[str, Any], instances: int) -> bool:
    """Whether at least half of the instances are certified, as soon as that is decided."""
    yes = no = 0
    for i in range(instances):
        if is_certified(n, ratio, options, i):
            yes += 1
        else:
            no += 1
        if 2 * yes >= instances or 2 * no > instances:
            break
    return 2 * yes >= instances


def fit_share(n: int, ratio: float, instances: int, steps: int = 10_000) -> float:
    """How many descents with c = 0.1 are seen, in floats, to come below 1e-6 of ||y||."""
    return sum(fits(random_instance(n, round(n * ratio), 4, i), steps) for i in range(instances)) / instances


def fits(instance: GeneratorInstance, steps: int) -> bool:
    V, W, z, y = instance
    h = W @ z
    V, h = V[:, h >= 0], h[h >= 0]
    step = 0.1 / np.linalg.norm(V, 2) ** 2
    for _ in range(steps):
        r = V @ np.maximum(h, 0) - y
        if np.linalg.norm(r) < 1e-6 * np.linalg.norm(y):
            return True
        if np.count_nonzero(h >= 0) < len(y):
            return False
        h = h - step * (V.T @ r) * (h >= 0)
    return False


def least_start(n: int, options: dict[str, Any], instances: int) -> float:
    """By bisection of the grid START."""
    low, high = 0, len(START) - 1
    while low < high:
        middle = (low + high) // 2
        if half(n, START[middle], options, instances):
            high = middle
        else:
            low = middle + 1
    return START[low]


def widths(instances: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for n in (4, 8, 16, 32):
        row: dict[str, Any] = {"n": n}
        for kind in ("descent c=0.1", "flow"):
            row[kind] = {f"{ratio:g}": share(n, ratio, KINDS[kind], instances) for ratio in FOLLOWED}
        row["seen to fit"] = {f"{ratio:g}": fit_share(n, ratio, instances) for ratio in FOLLOWED}
        rows.append(row)
        print(json.dumps(row), flush=True)
    return rows


def start(instances: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for n in (4, 8, 16, 32):
        for kind in ("flow, start", "descent c=0.1, start"):
            rows.append({"n": n, "kind": kind, "least": least_start(n, KINDS[kind], instances)})
            print(json.dumps(rows[-1]), flush=True)
    return rows


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["times", "widths", "start"], choices=["times", "widths", "start"])
    parser.add_argument("--instances", type=int, default=10)
    arguments = parser.parse_args()
    if "times" in arguments.what:
        times()
    if "widths" in arguments.what:
        widths(arguments.instances)
    if "start" in arguments.what:
        start(arguments.instances)
