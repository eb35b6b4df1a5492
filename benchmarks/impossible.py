"""How wide a network must be for descent to fit a signal: the limit after k steps against runs; prints JSON.

`enclosed` puts the limit after one to three steps between two ratios d/n in ball arithmetic. `sampled` follows the same
limit for more steps on sampled neurons, and says from which ratio the columns still on hold the signal. `misfits`
compares the misfits that the limit predicts with those of one run. `runs` counts the runs that fit, and those that the
columns still on have given up: their cone does not hold the signal.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtr

from untrained.sims.random.streams import stream
from untrained.theory.papers.own.impossible import signal_left_out

PROOF = "proof"
"""The step 1/(sqrt d + 2 sqrt n)^2; a number c stands for c/(sqrt(d/2) + sqrt n)^2."""
_LOOKS = frozenset(250 * 2**i for i in range(20))
"""Steps after which the columns still on are asked whether they hold the signal."""


def drift(ratio: float, step: str) -> float:
    """eta n of a step."""
    if step == PROOF:
        return float(1 / (np.sqrt(ratio) + 2) ** 2)
    return float(float(step) / (np.sqrt(ratio / 2) + 1) ** 2)


# The limit, on sampled neurons: what is known of V along orthonormal directions of the residuals and of the outputs.


@dataclass
class Known:
    """What k steps have shown: rows b_j = V^T u_j and e_i by neuron, V e_i and y by coordinates, who is on."""

    ratio: float
    weight: float
    pulls: np.ndarray
    outputs: np.ndarray
    images: np.ndarray
    directions: np.ndarray
    signal: np.ndarray
    on: np.ndarray
    misfits: list[float]


def follow(ratio: float, step: str, steps: int, neurons: int, rng: np.random.Generator) -> Known:
    """The state evolution of a descent with d/n = ratio; a neuron sampled on stands for d/(2 neurons) of them."""
    size, weight = drift(ratio, step), ratio / 2 / neurons
    h = np.abs(rng.standard_normal(neurons))
    on, signal = np.ones(neurons, bool), np.zeros(steps + 1)
    signal[0] = np.sqrt(ratio)
    e, b = np.empty((0, neurons)), np.empty((0, neurons))
    images, u = np.empty((0, steps + 1)), np.empty((0, steps + 1))
    misfits = []
    for j in range(steps):
        f = np.where(on, h, 0.0)
        new = f - (weight * e @ f) @ e
        new -= (weight * e @ new) @ e
        new /= np.sqrt(weight * new @ new)
        e = np.vstack([e, new])
        image = (weight * b @ new) @ u
        image[j + 1] += 1
        images = np.vstack([images, image])
        r = (weight * e @ f) @ images - signal
        misfits.append(float(np.linalg.norm(r) / np.linalg.norm(signal)))
        direction = r - (u @ r) @ u
        direction -= (u @ direction) @ u
        u = np.vstack([u, direction / np.linalg.norm(direction)])
        b = np.vstack([b, (images @ u[-1]) @ e + rng.standard_normal(neurons)])
        h = h - size * (u @ r) @ b
        on = on & (h > 0)
    return Known(ratio, weight, b, e, images, u, signal, on, misfits)


def excess(known: Known) -> float:
    """The squared width of the best separation less 1: below 0 where the columns on do not hold the signal."""
    k, weight, u = len(known.pulls), known.weight, known.directions
    v = u @ known.signal
    left = known.signal - v @ u
    length = float(np.linalg.norm(left))
    ones = known.images @ left / length**2
    forms = np.vstack([known.pulls, known.outputs])[:, known.on]
    bend = np.block(
        [
            [np.outer(v, v) * (1 / length**2 - ones @ ones), -np.outer(v, ones)],
            [-np.outer(ones, v), -np.eye(k)],
        ]
    )

    def slopes(x: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        s = x @ forms
        below, density = ndtr(-s), np.exp(-s * s / 2) / np.sqrt(2 * np.pi)
        value = weight * float(((1 + s * s) * below - s * density).sum()) + x @ bend @ x
        return value, weight * forms @ (s * below - density) + bend @ x, weight * (forms * below) @ forms.T + bend

    return _saddle(slopes, 2 * k) - 1


def _saddle(slopes: Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]], size: int) -> float:
    x = np.zeros(size)
    value, gradient, hessian = slopes(x)
    for _ in range(40):
        move, length = np.linalg.solve(hessian, gradient), 1.0
        ahead = slopes(x - move)
        while np.linalg.norm(ahead[1]) > np.linalg.norm(gradient) and length > 1e-6:
            length /= 2
            ahead = slopes(x - length * move)
        x, (value, gradient, hessian) = x - length * move, ahead
        if np.linalg.norm(gradient) < 1e-9:
            break
    return value


def threshold(step: str, steps: int, neurons: int, seed: int, low: float = 3.9, high: float = 6.5) -> float:
    """The ratio from which the columns on after so many steps hold the signal, by halving to 0.002."""
    while high - low > 2e-3:
        middle = (low + high) / 2
        known = follow(middle, step, steps, neurons, stream(seed, "neurons"))
        low, high = (middle, high) if excess(known) < 0 else (low, middle)
    return (low + high) / 2


def sampled(arguments: argparse.Namespace) -> dict[str, Any]:
    """Ratios for each step and number of steps, and how far apart two samples put them."""
    table: dict[str, Any] = {}
    for step in arguments.step:
        for steps in arguments.steps:
            begun = time.perf_counter()
            values = [threshold(step, steps, arguments.neurons, seed) for seed in range(2)]
            row = {"ratio": float(np.mean(values)), "apart": abs(values[0] - values[1])}
            table[f"step {step}, {steps} steps"] = {**row, "seconds": time.perf_counter() - begun}
    return table


# The limit, enclosed.


def enclosed(arguments: argparse.Namespace) -> dict[str, Any]:
    """Two ratios, 0.001 apart, of which the lower one is certainly outside and the higher one certainly inside."""
    table: dict[str, Any] = {}
    for step in arguments.step:
        exact = (Fraction(1), Fraction(1), 2) if step == PROOF else (Fraction(step), Fraction(1, 2), 1)
        for steps in arguments.steps:
            low, high = 3900, 6500
            while high - low > 1:
                middle = (low + high) // 2
                margin = signal_left_out(Fraction(middle, 1000), exact, steps)
                if not (margin > 0 or margin < 0):
                    break
                low, high = (middle, high) if margin > 0 else (low, middle)
            table[f"step {step}, {steps} steps"] = [low / 1000, high / 1000]
    return table


# Runs.


def columns(n: int, ratio: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """V and h of the neurons that are on at the start, and y."""
    rng, d = stream(seed, "run", str(n), str(ratio)), round(ratio * n)
    h = rng.standard_normal(d)
    V = rng.standard_normal((n, d))[:, h > 0]
    y = np.zeros(n)
    y[0] = np.sqrt(d * n)
    return V, h[h > 0], y


def run(n: int, ratio: float, step: str, seed: int, steps: int) -> str:
    """What became of a run: it fitted, its columns gave the signal up, or neither was seen."""
    V, h, y = columns(n, ratio, seed)
    length, size = float(np.linalg.norm(y)), drift(ratio, step) / n
    for j in range(steps):
        r = V @ h - y
        if np.linalg.norm(r) < 1e-6 * length:
            return "fitted"
        h = h - size * (V.T @ r)
        on = h > 0
        if not on.all():
            V, h = np.ascontiguousarray(V[:, on]), h[on]
        if V.shape[1] < n or (j + 1 in _LOOKS and _given_up(V, y)):
            return "given up"
    return "neither"


def _given_up(V: np.ndarray, y: np.ndarray) -> bool:
    return bool(nnls(V, y, maxiter=100 * V.shape[1])[1] > 1e-7 * np.linalg.norm(y))


def runs(arguments: argparse.Namespace) -> dict[str, Any]:
    """Counts of what became of runs."""
    table: dict[str, Any] = {}
    for step in arguments.step:
        for n in arguments.n:
            for ratio in arguments.ratio:
                ends = [run(n, ratio, step, seed, arguments.limit) for seed in range(arguments.count)]
                table[f"step {step}, n {n}, d/n {ratio}"] = {end: ends.count(end) for end in sorted(set(ends))}
    return table


def misfits(arguments: argparse.Namespace) -> dict[str, Any]:
    """||r_k||/||y|| by the limit and in one run."""
    table: dict[str, Any] = {}
    for step in arguments.step:
        for n in arguments.n:
            for ratio in arguments.ratio:
                predicted = follow(ratio, step, max(arguments.steps) + 1, arguments.neurons, stream(0, "limit")).misfits
                V, h, y = columns(n, ratio, 0)
                rows = {}
                for k in range(max(arguments.steps) + 1):
                    r = V @ h - y
                    if k in arguments.steps:
                        rows[k] = [predicted[k], float(np.linalg.norm(r) / np.linalg.norm(y))]
                    h = h - drift(ratio, step) / n * (V.T @ r)
                    V, h = V[:, h > 0], h[h > 0]
                table[f"step {step}, n {n}, d/n {ratio}: limit, run"] = rows
    return table


TASKS = {"enclosed": enclosed, "sampled": sampled, "misfits": misfits, "runs": runs}


def main() -> None:
    """Print what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=sorted(TASKS))
    parser.add_argument("--step", nargs="+", default=["1"], help=f"c, or {PROOF}")
    parser.add_argument("--steps", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--neurons", type=int, default=200_000)
    parser.add_argument("--n", nargs="+", type=int, default=[256])
    parser.add_argument("--ratio", nargs="+", type=float, default=[4.5, 5.0, 5.5, 6.0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--limit", type=int, default=20_000, help="steps of a run at most")
    arguments = parser.parse_args()
    print(json.dumps(TASKS[arguments.task](arguments), indent=1))


if __name__ == "__main__":
    main()
