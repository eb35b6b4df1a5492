"""Descents at the very widths that `own.sharper.descent` covers: misfit, path and lost neurons against its bounds.

d = 400 n, a tenth of the proof's step, until the misfit is a hundredth of ||y||; JSON, a line a size.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from untrained.sims.random.streams import stream
from untrained.theory.ledger import ledger

CLAIM = "own.sharper.descent"
PRECISION = 0.01
MOST_STEPS = 2000


def descend(n: int, d: int, c: dict[str, float], generator: np.random.Generator) -> dict[str, float]:
    """One run, in units of ||y||/sqrt(dn) and ||z||: largest ratios of misfit, path and price to their bounds."""
    h = generator.standard_normal(d, dtype=np.float32)
    h = h[h > 0]
    V = generator.standard_normal((n, len(h)), dtype=np.float32)
    y = generator.standard_normal(n, dtype=np.float32)
    y *= np.sqrt(d * n) / np.linalg.norm(y)
    widest = (np.sqrt(d) + c["deviation"] * np.sqrt(n)) ** 2
    step, decrease = c["step"] / widest, d / (c["rate_divisor"] * widest)
    start, path, paid, worst, size = h.copy(), 0.0, 0.0, 0.0, float(np.linalg.norm(y))
    for tau in range(MOST_STEPS):
        r = V @ np.maximum(h, 0) - y
        misfit = float(np.linalg.norm(r)) / size
        worst = max(worst, misfit / (c["misfit"] * (1 - decrease) ** tau))
        if misfit <= PRECISION:
            break
        move = step * (V.T @ r)
        on = h > 0
        path += _length(h[on], move[on])
        h[on] -= move[on]
        paid = float(np.sum(start[h <= 0] ** 2))
    return {
        "misfit over bound": worst,
        "path over bound": path / (c["length"] * np.sqrt(d)),
        "price over path": np.sqrt(paid) / path,
        "share lost": float(np.mean(h <= 0)),
        "steps": tau,
        "final misfit": misfit,
    }


def _length(h: np.ndarray, move: np.ndarray) -> float:
    """int_0^1 of the norm of the moves of the neurons that are still on at u, exactly: they leave at u = h/move."""
    leaves = np.where(move >= h, h / np.where(move > 0, move, 1), 1.0)
    going = leaves < 1
    ends = np.sort(leaves[going])
    order = np.argsort(leaves[going])
    total = float(np.sum(move.astype(np.float64) ** 2))
    left = total - np.concatenate([[0.0], np.cumsum(move[going][order].astype(np.float64) ** 2)])
    return float(np.sum(np.sqrt(np.maximum(left, 0)) * np.diff(np.concatenate([[0.0], ends, [1.0]]))))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    c = {name: float(value) for name, value in ledger()[CLAIM].values.items()}
    for n in chosen.rows:
        begun, d = time.perf_counter(), round(c["aspect"]) * n
        runs = [descend(n, d, c, stream(chosen.seed, "sharper", n, i)) for i in range(chosen.runs)]
        row: dict[str, Any] = {"n": n, "d": d, "runs": len(runs), "seconds": round(time.perf_counter() - begun, 1)}
        row |= {f"largest {key}": float(max(run[key] for run in runs)) for key in runs[0]}
        bounds = ("misfit over bound", "path over bound", "price over path")
        row["outside the bounds"] = sum(any(run[name] > 1 for name in bounds) for run in runs)
        row["converged"] = int(sum(run["final misfit"] <= PRECISION for run in runs))
        print(json.dumps(row))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
