"""Twelve descent steps in place of the projection, on a decoder whose exact projection is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from untrained.theory.ledger import ledger
from untrained.theory.objects import decoders
from untrained.theory.objects.projections import TwoLayerRange
from untrained.theory.objects.shapes import Array
from untrained.theory.papers.own.netpgd import restricted_constant

CHANNELS, ROWS, INNER, RATE, MOMENTUM = 2, 8, 12, 0.02, 0.9
INEXACT = {name: float(value) for name, value in ledger()["own.netpgd.inexact"].values.items()}
POLARISED = float(ledger()["own.netpgd.polarised"].values["factor"])


@pytest.fixture(scope="module")
def S() -> TwoLayerRange:
    code = decoders.integer_decoder((2, CHANNELS), 4, 4, signed=True)[0][:ROWS]
    return TwoLayerRange(code, decoders.upsampling_line(ROWS), CHANNELS)


class Weights:
    """u (2, channels) and w (channels,) of U relu(Z u) w, Z and U scaled to size about 1."""

    def __init__(self, S: TwoLayerRange, rng: np.random.Generator) -> None:
        self.Z, self.U = S.code / np.linalg.norm(S.code, axis=1).mean(), S.upsampling / 4
        self.u, self.w = rng.standard_normal((2, CHANNELS)), rng.standard_normal(CHANNELS)
        self.speed = [np.zeros_like(self.u), np.zeros_like(self.w)]

    def output(self) -> Array:
        return self.U @ (np.maximum(self.Z @ self.u, 0) @ self.w)

    def descend(self, v: Array) -> Array:
        """Twelve steps with momentum on ||G - v||^2, and the output they end at."""
        for _ in range(INNER):
            hidden = np.maximum(self.Z @ self.u, 0)
            back = self.U.T @ (self.output() - v)
            slopes = [self.Z.T @ (np.outer(back, self.w) * (hidden > 0)), hidden.T @ back]
            self.speed = [MOMENTUM * s - RATE * slope for s, slope in zip(self.speed, slopes, strict=True)]
            self.u, self.w = self.u + self.speed[0], self.w + self.speed[1]
        return self.output()


def runs(S: TwoLayerRange, count: int, steps: int):
    """Iterates of Net-PGD at eta = 1 with the descent for its oracle: (A, x*, x, v, x+)."""
    for seed in range(count):
        rng = np.random.default_rng([12, seed])
        A = rng.standard_normal((40, 16)) / math.sqrt(40)
        star, network = Weights(S, rng).output(), Weights(S, rng)
        x = network.output()
        for _ in range(steps):
            v = x - A.T @ (A @ (x - star))
            plus = network.descend(v)
            yield A, star, x, v, plus
            x = plus


def factor(A: Array, star: Array, x: Array, plus: Array) -> float:
    """alpha on the span, at eta = 1."""
    return restricted_constant(A, np.stack([plus - star, x - star], axis=1))


def test_steps_obey_the_inexact_bound_with_the_excess_that_they_have(S) -> None:
    for A, star, x, v, plus in runs(S, 6, 40):
        kappa = factor(A, star, x, plus) * np.linalg.norm(x - star)
        excess_sq = max(0.0, float(np.square(plus - v).sum() - np.square(star - v).sum()))
        half = INEXACT["factor"] * kappa / 2
        root = half + math.sqrt(half**2 + INEXACT["room"] * excess_sq)
        assert np.linalg.norm(plus - star) <= root * (1 + 1e-9) + 1e-9


def test_the_exact_factor_is_broken_without_the_exact_oracle_and_never_with_it(S) -> None:
    steps = broken = exact = 0
    for A, star, x, v, plus in runs(S, 6, 40):
        steps += 1
        bound = POLARISED * factor(A, star, x, plus) * np.linalg.norm(x - star)
        broken += bool(np.linalg.norm(plus - star) > bound * (1 + 1e-9) + 1e-9)
        nearest = S.nearest(v).points[0]
        bound = POLARISED * factor(A, star, x, nearest) * np.linalg.norm(x - star)
        exact += bool(np.linalg.norm(nearest - star) > bound * (1 + 1e-9) + 1e-9)
    assert broken > steps / 2
    assert exact == 0


def test_no_descent_is_nearer_than_the_projection(S) -> None:
    for _, _, _, v, plus in runs(S, 3, 20):
        assert np.linalg.norm(plus - v) >= S.nearest(v).distances[0] - 1e-9


def test_projections_come_home_in_most_runs_and_twelve_steps_in_few(S) -> None:
    """Forty steps from one start each: relative error below 1e-3 in how many of twenty runs."""
    ends = {"projection": 0, "descent": 0}
    for seed in range(20):
        rng = np.random.default_rng([12, seed])
        A = rng.standard_normal((40, 16)) / math.sqrt(40)
        star, network = Weights(S, rng).output(), Weights(S, rng)
        x = y = network.output()
        for _ in range(40):
            x = S.nearest(x - A.T @ (A @ (x - star))).points[0]
            y = network.descend(y - A.T @ (A @ (y - star)))
        for name, end in (("projection", x), ("descent", y)):
            ends[name] += bool(np.linalg.norm(end - star) < 1e-3 * np.linalg.norm(star))
    assert ends["projection"] >= 16
    assert ends["descent"] <= 6
