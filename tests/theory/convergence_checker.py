"""Certificates of convergence checked anew, from the theorem's words, in ball arithmetic.

Nothing here shares a line with what makes them: descents are run on balls, flows by exponentials of matrices, bounds of
sigma_min by the signs of pivots. Only that no neuron dips below zero between two samples of a flow is taken on trust.
"""

import hashlib
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import arb, arb_mat, ctx, fmpq

BITS = 400
"""Balls of a descent grow by up to 2c + 1 a step."""
SAMPLES = 96
"""Of a flow, in the time that is followed."""


def exactly(x):
    return arb(fmpq(Fraction(x).numerator, Fraction(x).denominator))


def dot(a, b):
    return sum((p * q for p, q in zip(a, b, strict=True)), arb(0))


def norm(a):
    return dot(a, a).sqrt()


def is_positive_definite(rows):
    """Whether every pivot of a symmetric matrix of balls is certainly positive."""
    rows, size = [list(row) for row in rows], len(rows)
    for i in range(size):
        if not rows[i][i] > 0:
            return False
        for j in range(i + 1, size):
            factor = rows[j][i] / rows[i][i]
            for k in range(i + 1, size):
                rows[j][k] -= factor * rows[i][k]
    return True


def gram(columns, n):
    return [[dot([v[i] for v in columns], [v[j] for v in columns]) for j in range(n)] for i in range(n)]


def minus_identity(matrix, x):
    return [[entry - (x if i == j else 0) for j, entry in enumerate(row)] for i, row in enumerate(matrix)]


class Path:
    """A descent or flow on balls: columns v_l, h_l, which neurons are on, the target, and the length of the path."""

    def __init__(self, V, W, z, y):
        z = [exactly(x) for x in z]
        self.length_of_z = norm(z)
        self.columns = [[exactly(x) for x in column] for column in np.asarray(V).T]
        self.h = [dot([exactly(x) for x in row], z) / self.length_of_z for row in W]
        self.target = [exactly(x) / self.length_of_z for x in y]
        self.on = [l for l, h in enumerate(self.h) if not h < 0]
        assert all(self.h[l] > 0 for l in self.on), "a neuron stands at zero"
        self.length = arb(0)

    def residual(self):
        n = len(self.target)
        return [
            dot([self.columns[l][i] for l in self.on], [self.h[l] for l in self.on]) - self.target[i] for i in range(n)
        ]

    def pulls(self):
        r = self.residual()
        return {l: dot(self.columns[l], r) for l in self.on}

    def step(self, eta):
        pulls = self.pulls()
        self.length += eta * norm(list(pulls.values()))
        for l, a in pulls.items():
            self.h[l] = self.h[l] - eta * a
        self._drop()

    def _drop(self):
        assert all(self.h[l] > 0 or self.h[l] < 0 for l in self.on), "the precision leaves a sign open"
        self.on = [l for l in self.on if self.h[l] > 0]

    def flow(self, time):
        """Follow the flow for a time, from death to death."""
        sample, left = time / SAMPLES, time
        while left > 0:
            speed = norm(list(self.pulls().values()))
            span = sample if left > sample else left
            h = self._after(span)
            falling = [l for l, x in zip(self.on, h, strict=True) if not x > 0]
            if falling:
                span = min((self._death(l, span) for l in falling), key=lambda t: float(t))
                h = self._after(span)
            for l, x in zip(self.on, h, strict=True):
                self.h[l] = x
            self.length += span * (speed + norm(list(self.pulls().values()))) / 2
            left = left - span
            if falling:
                self.on = [l for l in self.on if abs(float(self.h[l])) > 1e-40 * 2]

    def _after(self, span):
        """h of the neurons that are on, a time later: h' = -V^T (V h - y) by the exponential of one matrix."""
        size = len(self.on)
        matrix = arb_mat(size + 1, size + 1)
        for i, l in enumerate(self.on):
            for j, m in enumerate(self.on):
                matrix[i, j] = -span * dot(self.columns[l], self.columns[m])
            matrix[i, size] = span * dot(self.columns[l], self.target)
        moved = matrix.exp() * arb_mat([[self.h[l]] for l in self.on] + [[arb(1)]])
        return [moved[i, 0] for i in range(size)]

    def _death(self, l, high):
        """When neuron l is at zero, between now and `high`, to 45 digits, by halving and Newton's method."""
        place, low = self.on.index(l), arb(0)
        for _ in range(12):
            middle = ((low + high) / 2).mid()
            low, high = (middle, high) if self._after(middle)[place] > 0 else (low, middle)
        time = low
        for _ in range(9):
            h = self._after(time)
            r = [dot([self.columns[m][i] for m in self.on], h) - self.target[i] for i in range(len(self.target))]
            time = (time + h[place] / dot(self.columns[l], r)).mid()
        return time


def flaws(certificate, V, W, z, y):
    """What is wrong with a certificate, as JSON, for an instance: an empty list where it proves what it says."""
    with ctx.workprec(BITS):
        return list(_flaws(certificate, *(np.asarray(x, dtype=float) for x in (V, W, z, y))))


def _flaws(c, V, W, z, y):
    digest = hashlib.sha256()
    for x in (V, W, z, y):
        digest.update(str(x.shape).encode() + x.astype("<f8").tobytes())
    if c["instance"] != digest.hexdigest() or (c["n"], c["d"]) != V.shape:
        yield "another instance"
        return
    if c["reason"]:
        yield "no proof is claimed"
    path = Path(V, W, z, y)
    yield from _flaws_of_step(c, path)
    _follow(c, path)
    if not exactly(c["misfit"]) >= norm(path.residual()):
        yield "misfit"
    if not Fraction(c["needed"]) >= Fraction(c["misfit"]) / (1 - Fraction(c["step"]) / 2):
        yield "needed"
    yield from _flaws_of_values(c, path)
    yield from _flaws_of_ends(c, path)


def _flaws_of_step(c, path):
    n = len(path.target)
    ceiling = exactly(c["beta"]) ** 2
    live = gram([path.columns[l] for l in path.on], n)
    if not is_positive_definite([[-x for x in row] for row in minus_identity(live, ceiling)]):
        yield "beta"
    if c["learning_rate"] is None:
        if c["step"] != 0:
            yield "step"
    elif not (exactly(c["step"]) >= exactly(c["learning_rate"]) * path.length_of_z**2 * ceiling and 0 < c["step"] < 2):
        yield "step"


def _follow(c, path):
    if c["learning_rate"] is None:
        path.flow((exactly(c["followed"]) * path.length_of_z**2).mid())
        return
    for _ in range(int(c["followed"])):
        path.step(exactly(c["learning_rate"]) * path.length_of_z**2)


def _flaws_of_values(c, path):
    grid, values = c["grid"], c["values"]
    if len(grid) != len(values) or grid[0] != 0 or not all(a < b for a, b in pairwise(grid)) or not values[-1] > 0:
        yield "grid"
        return
    if c["bound"] == "removal":
        sound = [_survives(path, s, value) for s, value in zip(grid, values, strict=True)]
    else:
        yield from (f"energy at {one['weight']}" for one in c["quartics"] if not has_energy(path, **one))
        sound = [
            any(
                Fraction(v) ** 2 <= Fraction(q["energy"]) - Fraction(q["weight"]) * Fraction(s) ** 2
                for q in c["quartics"]
            )
            or v == 0
            for s, v in zip(grid, values, strict=True)
        ]
    if not all(sound):
        yield "values"
    lower = sum((Fraction(b) - Fraction(a)) * Fraction(v) for (a, b), v in zip(pairwise(grid), values[1:], strict=True))
    if not lower >= Fraction(c["integral"]) > Fraction(c["needed"]):
        yield "integral"


def _survives(path, s, value):
    """Whether sigma_min of the neurons above s is at least the value."""
    survivors = [path.columns[l] for l in path.on if path.h[l] > exactly(s)]
    return is_positive_definite(minus_identity(gram(survivors, len(path.target)), exactly(value) ** 2))


def has_energy(path, weight, shift, energy):
    """Whether <G, X> tr X - sum (<v v^T, X> + c tr X)^2/(4(b + c)) + (mu/n)((tr X)^2 - |X|^2) > energy |X|^2 always."""
    n, weight, shift, energy = len(path.target), exactly(weight), exactly(shift), exactly(energy)
    pairs = [(i, j) for i in range(n) for j in range(i, n)]
    trace = [arb(int(i == j)) for i, j in pairs]
    square = [arb(1 if i == j else 2) for i, j in pairs]  # of E_ij + E_ji, or E_ii

    def along(v):
        return [v[i] * v[j] * (1 if i == j else 2) for i, j in pairs]

    total = [sum(column, arb(0)) for column in zip(*(along(path.columns[l]) for l in path.on), strict=True)]
    form = [
        [
            (total[p] * trace[q] + total[q] * trace[p]) / 2
            + shift / n * trace[p] * trace[q]
            - ((shift / n + energy) * square[p] if p == q else 0)
            for q in range(len(pairs))
        ]
        for p in range(len(pairs))
    ]
    for l in path.on:
        v, b = path.columns[l], weight * path.h[l] ** 2
        variance = dot(v, v) / n
        c = ((b - variance) ** 2 + 2 * variance**2).sqrt() - b
        f = [x + c * t for x, t in zip(along(v), trace, strict=True)]
        for p in range(len(pairs)):
            for q in range(len(pairs)):
                form[p][q] -= f[p] * f[q] / (4 * (b + c))
    return is_positive_definite(form)


def _flaws_of_ends(c, path):
    flow = c["learning_rate"] is None
    slack = arb(1) - arb(2) ** -7 if flow else arb(1)  # the path of a flow is summed by trapezia
    if not exactly(c["path"]) >= slack * path.length + exactly(c["grid"][-1]):
        yield "path"
    eta = path.length_of_z**2 * (1 if flow else exactly(c["learning_rate"]))
    if not 0 < exactly(c["rate"]) <= eta * (2 - exactly(c["step"])) * exactly(c["values"][-1]) ** 2:
        yield "rate"
