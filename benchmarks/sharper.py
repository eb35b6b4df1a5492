"""Descents at the very widths that claims of the sharper theorem cover: misfit, path and lost neurons against bounds.

A claim is tried at its own edge, d = aspect n, and its numbers are read from the ledger. Gradient flow is followed by
descent with a small share of the proof's step (`--flow-step`): that is Euler's method, whose misfit falls a little
faster than the flow's and whose path is the Riemann sum of the flow's; a second share shows what is left of that. A
claim speaks of all times: `--misfit` is the share of ||y|| at which a run ends. JSON, a line for each claim and size.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from untrained.cli.console import bar, stderr
from untrained.sims.random.streams import stream
from untrained.theory.ledger import ledger

PROOF = "own.sharper.descent"
"""The claim whose `deviation` says what the proof's step is where there is flow."""
CLAIMS = (PROOF, f"{PROOF}.short_step", f"{PROOF}.hundred", "own.sharper.flow", "own.sharper.flow.hundred")
"""Those that can be drawn: the ones for rows without end begin at a million."""
ROWS = (4, 16, 64)
MOST_STEPS = 20_000
_BUDGET = 0.2
"""Which neurons are watched, in standard deviations of h: those that the next steps can move so far."""
_SLACK = 1.001
"""What float32 may take of a margin."""


@dataclass(frozen=True)
class Edge:
    """A claim at n rows and its least width, in units of ||y||/sqrt(dn) and ||z||; `log_fall` is that of a step.

    The misfit is at most misfit e^{-log_fall t} ||y|| after t steps and the path at most `length`, but for the
    probability `failure`.
    """

    claim: str
    rows: int
    width: int
    step: float
    eta: float
    misfit: float
    log_fall: float
    length: float
    failure: float


def edge(claim: str, rows: int, flow_step: float) -> Edge:
    """Read a claim.

    Raises
    ------
    ValueError
        where it does not speak of so few rows.
    """
    records = ledger()
    c = {name: float(value) for name, value in records[claim].values.items()}
    if rows < c["rows"]:
        raise ValueError(f"rows must be at least {c['rows']:.0f} for {claim}, got {rows}")
    d = math.ceil(c["aspect"] * rows)
    deviation = float(records[PROOF].values["deviation"]) if "step" not in c else c["deviation"]
    widest, step = (math.sqrt(d) + deviation * math.sqrt(rows)) ** 2, c.get("step", flow_step)
    eta = step / widest
    fall = -math.log1p(-d / (c["rate_divisor"] * widest)) if "step" in c else eta * d / c["rate_divisor"]
    failure = c["failure"] if "failure" in c else c["failure_factor"] * math.exp(-c["failure_rate"] * rows)
    return Edge(claim, rows, d, step, eta, c["misfit"], fall, c["length"] * math.sqrt(d), failure)


class Descent:
    """One descent on the columns that are on at the start: rows v_l of X (m, n) in float32, g (m,) > 0 and y (n,).

    While the set of neurons on stands, r moves by eta G r, G = sum of v v^T over it; h is looked at where it is near
    enough to zero to get there before r has moved h by the budget. `path` counts each neuron until it goes off within
    a step, `paid` sums g_l^2 over those off.
    """

    def __init__(self, X: np.ndarray, g: np.ndarray, y: np.ndarray, eta: float) -> None:
        self.X, self.g, self.y, self.eta = X, g, y, eta
        self.norms = np.sqrt(np.einsum("ij,ij->i", X, X))
        self.on = np.ones(len(g), dtype=bool)
        self.G = (X.T @ X).astype(np.float64)
        self.r = (g @ X).astype(np.float64) - y
        self.S = np.zeros_like(self.r)
        self.path, self.paid, self.steps = 0.0, 0.0, 0
        self._look(0.0)

    def margins(self) -> np.ndarray:
        """h, zero where off."""
        return np.where(self.on, self.g - self.X @ (self.eta * self.S).astype(np.float32), np.float32(0))

    def _look(self, moves: float) -> None:
        """Choose the neurons that are watched until the residuals have moved by the budget; by one step at least."""
        self.left = max(_BUDGET / math.sqrt(len(self.y)), _SLACK * moves)
        h = self.margins()
        self.near = np.flatnonzero(self.on & (h < _SLACK * self.left * self.norms))
        self.h, self.V = h[self.near], self.X[self.near]

    def advance(self) -> None:
        """Take one step."""
        r, moves = self.r, self.eta * float(np.linalg.norm(self.r))
        if moves > self.left:
            self._look(moves)
        Gr = self.G @ r
        a = np.float32(self.eta) * (self.V @ r.astype(np.float32))
        gone = np.flatnonzero(a >= self.h)
        self.path += arc(self.eta**2 * float(r @ Gr), self.h[gone], a[gone])
        self.r = r - self.eta * Gr
        self.S, self.left, self.steps = self.S + r, self.left - moves, self.steps + 1
        if len(gone):
            self._switch_off(gone, a)
        self.h -= a

    def _switch_off(self, gone: np.ndarray, a: np.ndarray) -> None:
        """Take neurons out: each has moved the output by its h only, not by all of a."""
        V = self.V[gone].astype(np.float64)
        self.r += (a[gone] - self.h[gone]) @ V
        self.G -= V.T @ V
        self.paid += float(np.sum(self.g[self.near[gone]].astype(np.float64) ** 2))
        self.on[self.near[gone]] = False
        self.V[gone], self.h[gone] = 0, np.inf

    def drift(self) -> float:
        """How far the residual lies from V h_+ - y anew, in units of ||y||: rounding, and neurons not watched."""
        anew = np.maximum(self.margins(), 0) @ self.X - self.y
        return float(np.linalg.norm(anew - self.r) / np.linalg.norm(self.y))


def arc(square: float, h: np.ndarray, moves: np.ndarray) -> float:
    """int_0^1 of the norm of the moves of the neurons on at u, of which those gone by the end leave at h/move.

    `square` is that of all moves at the start of the step.
    """
    if not len(h):
        return math.sqrt(square)
    leaves = h.astype(np.float64) / moves
    order = np.argsort(leaves)
    left = square - np.concatenate([[0.0], np.cumsum(moves[order].astype(np.float64) ** 2)])
    return float(np.sqrt(np.maximum(left, 0)) @ np.diff(leaves[order], prepend=0.0, append=1.0))


def draw(rows: int, width: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The columns of V that are on as rows, their h, and y of the length sqrt(dn)."""
    h = generator.standard_normal(width, dtype=np.float32)
    h = h[h > 0]
    X = generator.standard_normal((len(h), rows), dtype=np.float32)
    y = generator.standard_normal(rows)
    return X, h, y * (math.sqrt(width * rows) / np.linalg.norm(y))


def follow(at: Edge, generator: np.random.Generator, misfit: float) -> dict[str, float]:
    """One run: largest ratios of misfit, path and what the neurons off have cost to their bounds."""
    X, g, y = draw(at.rows, at.width, generator)
    run, size, worst, price = Descent(X, g, y, at.eta), float(np.linalg.norm(y)), 0.0, 0.0
    while True:
        share = float(np.linalg.norm(run.r)) / size
        worst = max(worst, share / at.misfit * math.exp(at.log_fall * run.steps))
        if share <= misfit or run.steps >= MOST_STEPS:
            break
        run.advance()
        price = max(price, math.sqrt(run.paid) / run.path)
    return {
        "misfit over bound": worst,
        "path over bound": run.path / at.length,
        "price over path": price,
        "share lost": 1 - float(np.mean(run.on)),
        "steps": run.steps,
        "final misfit": share,
        "drift": run.drift(),
    }


BOUNDS = ("misfit over bound", "path over bound", "price over path")


def summary(at: Edge, runs: Sequence[Mapping[str, float]], misfit: float) -> dict[str, Any]:
    """Largest numbers over the runs, which of them are outside the bounds, and how many the claim lets be."""
    outside = [i for i, run in enumerate(runs) if any(run[name] > 1 for name in BOUNDS)]
    granted = at.failure * len(runs)
    return {
        "claim": at.claim,
        "n": at.rows,
        "d": at.width,
        "step": at.step,
        "runs": len(runs),
        "outside the bounds": len(outside),
        "granted": float(f"{granted:.4g}"),
        "first outside": outside[:10],
        "outside by": {name: sum(run[name] > 1 for run in runs) for name in BOUNDS},
        "converged": sum(run["final misfit"] <= misfit for run in runs),
        **{f"median {name}": float(f"{np.median([run[name] for run in runs]):.4g}") for name in BOUNDS[:2]},
        **{f"largest {name}": float(f"{max(run[name] for run in runs):.4g}") for name in runs[0]},
    }


def measure(at: Edge, count: int, seed: int, misfit: float, tell: Callable[[], None]) -> dict[str, Any]:
    """Follow runs, each with a stream of its own."""

    def runs() -> Iterator[dict[str, float]]:
        for i in range(count):
            yield follow(at, stream(seed, "sharper", at.claim, at.rows, i), misfit)
            tell()

    begun = time.process_time()
    row = summary(at, list(runs()), misfit)
    return row | {"CPU seconds": round(time.process_time() - begun, 1)}


def _edges(claims: Sequence[str], rows: Sequence[int] | None, flow_step: float) -> Iterator[Edge]:
    for claim in claims:
        least = int(ledger()[claim].values["rows"])
        for n in rows or [n for n in ROWS if n >= least] or [least]:
            yield edge(claim, n, flow_step)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claim", nargs="+", choices=CLAIMS, default=CLAIMS, metavar="ID", help=", ".join(CLAIMS))
    parser.add_argument("--rows", type=int, nargs="+", help="n (4, 16 and 64, or the least that a claim speaks of)")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--misfit", type=float, default=0.01, help="share of ||y|| at which a run ends")
    parser.add_argument("--flow-step", type=float, default=0.05, help="step that flow is followed with")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    if chosen.runs < 1 or not 0 < chosen.misfit < 1 or not 0 < chosen.flow_step < 2 or chosen.seed < 0:
        parser.error("--runs must be at least 1, --misfit in (0, 1), --flow-step in (0, 2), and --seed at least 0")
    try:
        edges = list(_edges(chosen.claim, chosen.rows, chosen.flow_step))
    except ValueError as wrong:
        parser.error(f"--{wrong}")
    for at in edges:
        with bar("{task.description}", screen=stderr()) as progress:
            task = progress.add_task(f"{at.claim}, n = {at.rows}", total=chosen.runs)
            row = measure(at, chosen.runs, chosen.seed, chosen.misfit, lambda task=task: progress.advance(task))
        print(json.dumps(row))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
