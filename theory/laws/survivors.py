"""Which signals the first steps of a descent still leave in reach, exactly as n grows with d/n fixed.

Given what the first k steps have shown of V the rest of it is fresh: a neuron's outputs of V^T are normal plus what its
own h has fed back, and whether y is in the cone of the columns still on is a comparison of Gaussian widths. Lengths are
in units in which n = 1 and the entries of V have deviation 1; derived in the notes under own.impossible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb, arb_mat, ctx

from untrained.theory.laws.cones import LARGEST_CONE, Matrix, along, dot, second_moments

MOST_STEPS = LARGEST_CONE - 2
_NEWTON_STEPS, _HALVINGS, _CLOSE = 60, 30, 1e-6
_SEARCH_BITS = 48
_APART = 1e-4
"""Between the weights whose combinations are balanced together."""


@dataclass(frozen=True)
class Survivors:
    """The neurons on after k steps of descent at d/n = `ratio`.

    Forms are linear in (g, x_0, ..., x_{k-1}), independent standard normal: h_0 = g, ..., h_k > 0 are the margins of a
    neuron, a_j = <v_l, r_j>. `outputs` Q holds the products of the phi(h_j), `residuals` C those of the r_j, and
    `on_signal` those of r_j and y.
    """

    ratio: arb
    margins: tuple[list[arb], ...]
    pulls: tuple[list[arb], ...]
    outputs: arb_mat
    residuals: arb_mat
    on_signal: tuple[arb, ...]

    @property
    def steps(self) -> int:
        """How many steps there were."""
        return len(self.pulls)

    @cached_property
    def moments(self) -> list[list[arb]]:
        """E v v^T over the neurons on, v = (g, x_0, ..., x_{k-1})."""
        return second_moments(self.margins)

    @cached_property
    def signal_left(self) -> arb:
        """Length of the part of y that is orthogonal to all residuals."""
        v = arb_mat([[x] for x in self.on_signal])
        return (self.ratio - (v.transpose() * _inverse(self.residuals) * v)[0, 0]).sqrt()


def after_steps(ratio: arb, drift: arb, steps: int) -> Survivors:
    """The neurons on after the first steps, each of size eta = drift/n; `ratio` is d/n.

    Raises
    ------
    ValueError
        where steps is not 1, 2 or 3.
    """
    if not 1 <= steps <= MOST_STEPS:
        raise ValueError(f"steps must be from 1 to {MOST_STEPS}, got {steps}")
    margins, pulls = [[arb(1)]], list[list[arb]]()
    Q, L = [[arb(0)] * steps for _ in range(steps)], [[arb(0)] * steps for _ in range(steps)]
    T: Matrix = []
    for j in range(steps):
        of_output = along(second_moments(margins), margins[j])
        for i in range(j + 1):
            Q[i][j] = Q[j][i] = ratio * dot(margins[i], of_output)
        L[j][:j] = _on_left(T, [ratio * x for x in of_output[1:]])
        K = _inverse(_identity(j + 1) - _corner(L, j + 1))
        C = K * (_corner(Q, j + 1) + ratio * _ones(j + 1)) * K.transpose()
        T = _triangular_root(C)
        fed_back = [dot([K[j, i] for i in range(j + 1)], entries) for entries in zip(*margins, strict=True)]
        pull = [x + y for x, y in zip([*fed_back, arb(0)], [arb(0), *T[j]], strict=True)]
        margins, pulls = _longer(margins), [*_longer(pulls), pull]
        margins.append([x - drift * y for x, y in zip(margins[j], pull, strict=True)])
    on_signal = [-ratio * sum((K[j, i] for i in range(steps)), arb(0)) for j in range(steps)]
    return Survivors(ratio, tuple(margins), tuple(pulls), arb_mat(Q), C, tuple(on_signal))


def _longer(forms: Matrix) -> list[list[arb]]:
    """Forms with one more variable, of which they are free."""
    return [[*form, arb(0)] for form in forms]


def _ones(size: int) -> arb_mat:
    return arb_mat([[arb(1)] * size for _ in range(size)])


def _identity(size: int) -> arb_mat:
    return arb_mat([[arb(i == j) for j in range(size)] for i in range(size)])


def _inverse(matrix: arb_mat) -> arb_mat:
    """The inverse; balls of which some matrix is singular give entries that are not numbers, which decide nothing."""
    try:
        return matrix.inv()
    except ZeroDivisionError:
        size = matrix.nrows()
        return arb_mat([[arb("nan")] * size for _ in range(size)])


def _corner(matrix: Matrix, size: int) -> arb_mat:
    return arb_mat([list(row[:size]) for row in matrix[:size]])


def _triangular_root(C: arb_mat) -> list[list[arb]]:
    """The lower triangular T with T T^T = C."""
    size = C.nrows()
    T = [[arb(0)] * size for _ in range(size)]
    for i in range(size):
        for j in range(i + 1):
            rest = C[i, j] - dot(T[i][:j], T[j][:j])
            T[i][j] = rest.sqrt() if i == j else rest / T[j][j]
    return T


def _on_left(T: Matrix, x: Sequence[arb]) -> list[arb]:
    """The u with u T = x, T lower triangular."""
    u = list(x)
    for i in reversed(range(len(u))):
        u[i] = (u[i] - sum((u[j] * T[j][i] for j in range(i + 1, len(u))), arb(0))) / T[i][i]
    return u


@dataclass(frozen=True)
class SeparationWeights:
    """What a separation gives the constraints <a_j, h> = tau <r_j, y>, and the outputs phi(h_j): k numbers each."""

    of_pulls: tuple[arb, ...]
    of_outputs: tuple[arb, ...]


class Separation:
    """The neurons that a combination of x and the known forms makes use of: h = (-x - lambda a - m f)_+ on the cone."""

    def __init__(self, survivors: Survivors, weights: SeparationWeights) -> None:
        s, self.of, self.weights = survivors, survivors, weights
        pairs = [*zip(weights.of_pulls, s.pulls, strict=True), *zip(weights.of_outputs, s.margins[:-1], strict=True)]
        self.form = [-sum((w * form[i] for w, form in pairs), arb(0)) for i in range(s.steps + 1)] + [arb(-1)]
        self.moments = second_moments([*([*form, arb(0)] for form in s.margins), self.form])
        self.with_all = along(self.moments, self.form)

    def with_form(self, form: Sequence[arb]) -> arb:
        """E of h times a known form."""
        return dot(form, self.with_all[:-1])

    @property
    def _lift(self) -> arb:
        """Sum of lambda_j <r_j, y>."""
        return dot(self.weights.of_pulls, self.of.on_signal)

    def _in_span(self) -> tuple[arb_mat, arb_mat]:
        """The part mu of the separation along the outputs, and half the slope of its width there, as columns."""
        s, Q = self.of, self.of.outputs
        ones = arb_mat([[arb(1)]] * s.steps)
        mu = arb_mat([[m] for m in self.weights.of_outputs]) + _inverse(Q) * ones * self._lift
        slope = arb_mat([[s.ratio * self.with_form(form)] for form in s.margins[:-1]]) + Q * mu
        return mu, slope

    def width(self) -> arb:
        """Squared width of the separation, at most: below 1 no h >= 0 on the survivors has V h = y."""
        s = self.of
        mu, slope = self._in_span()
        on = arb_mat([[s.ratio * dot(f, along(s.moments, g)) for g in s.margins[:-1]] for f in s.margins[:-1]])
        rest = (slope.transpose() * _inverse(s.outputs - on) * slope)[0, 0]
        spread = s.ratio * dot(self.form, self.with_all) - (mu.transpose() * s.outputs * mu)[0, 0]
        return spread + rest + (self._lift / s.signal_left) ** 2

    def slopes(self) -> tuple[list[float], list[list[float]]]:
        """Half the gradient and half the Hessian of the width, less its `rest`, in both kinds of weights."""
        s, k = self.of, self.of.steps
        mu, slope = self._in_span()
        forms, v, inverse = [*s.pulls, *s.margins[:-1]], s.on_signal, _inverse(s.outputs)
        total = sum((mu[i, 0] for i in range(k)), arb(0))
        left = 1 / s.signal_left**2
        gradient = [-s.ratio * self.with_form(s.pulls[i]) + (self._lift * left - total) * v[i] for i in range(k)]
        gradient += [-slope[i, 0] for i in range(k)]
        ones = sum((inverse[i, j] for i in range(k) for j in range(k)), arb(0))
        known = [row[:-1] for row in self.moments[:-1]]
        hessian = [[s.ratio * dot(a, along(known, b)) for b in forms] for a in forms]
        for i in range(k):
            for j in range(k):
                hessian[i][j] += (left - ones) * v[i] * v[j]
                hessian[i][k + j] -= v[i]
                hessian[k + j][i] -= v[i]
                hessian[k + i][k + j] -= s.outputs[i, j]
        return [float(x) for x in gradient], [[float(x) for x in row] for row in hessian]

    def imbalance(self) -> list[arb]:
        """What keeps the products of h with a_0, a_1, ... from being those of y with r_0, r_1, ...: k - 1 numbers."""
        first, *others = zip(self.of.pulls, self.of.on_signal, strict=True)
        return [self.with_form(first[0]) * v - self.with_form(form) * first[1] for form, v in others]

    def reach(self) -> arb:
        """By how much h, if it is balanced, meets its Gaussian width: above 0 the survivors' cone holds y."""
        s, Q = self.of, self.of.outputs
        tau = s.ratio * self.with_form(s.pulls[0]) / s.on_signal[0]
        e = arb_mat([[s.ratio * self.with_form(form)] for form in s.margins[:-1]])
        inverse = _inverse(Q) * e
        across = s.ratio * dot(self.form, self.with_all) - (e.transpose() * inverse)[0, 0]
        shift = sum((inverse[i, 0] for i in range(s.steps)), arb(0)) - tau
        gain = -s.ratio * self.with_all[-1] - (across + (s.signal_left * shift) ** 2).sqrt()
        return gain.min(tau)


def weights_of(numbers: Sequence[float]) -> SeparationWeights:
    """Weights from their 2k numbers, exactly."""
    k = len(numbers) // 2
    return SeparationWeights(tuple(arb(float(x)) for x in numbers[:k]), tuple(arb(float(x)) for x in numbers[k:]))


def best_weights(survivors: Survivors) -> list[float]:
    """Weights near the saddle of the width, where both certificates are sharp, by Newton's method in floats."""
    with ctx.workprec(_SEARCH_BITS):
        return _saddle(survivors)


def _saddle(survivors: Survivors) -> list[float]:
    weights = np.zeros(2 * survivors.steps)
    gradient, hessian = map(np.array, Separation(survivors, weights_of(weights.tolist())).slopes())
    for _ in range(_NEWTON_STEPS):
        if not np.isfinite(hessian).all():
            break
        move, length = np.linalg.lstsq(hessian, gradient)[0], 1.0
        for _ in range(_HALVINGS):
            tried = weights - length * move
            ahead, curved = map(np.array, Separation(survivors, weights_of(tried.tolist())).slopes())
            if np.linalg.norm(ahead) < np.linalg.norm(gradient):
                break
            length /= 2
        else:
            break
        weights, gradient, hessian = tried, ahead, curved
        if np.linalg.norm(gradient) < _CLOSE:
            break
    return [float(x) for x in weights]


def margin_outside(survivors: Survivors, weights: Sequence[float]) -> arb:
    """1 less the squared width of these weights: above 0 the cone of the survivors does not hold y."""
    return 1 - Separation(survivors, weights_of(weights)).width()


def margin_inside(survivors: Survivors, weights: Sequence[float]) -> arb:
    """The least reach of k combinations near these weights, and of the shares of their balanced mean: above 0 it does.

    Reach is concave and imbalance linear in h: a mean of combinations that is balanced reaches as far as the least.
    """
    k = survivors.steps
    around = [np.array(weights) for _ in range(k)]
    for i in range(k - 1):
        around[i][i + 1] += _APART
        around[k - 1][i + 1] -= _APART
    tried = [Separation(survivors, weights_of(one.tolist())) for one in around]
    columns = [[*one.imbalance(), arb(1)] for one in tried]
    balanced = arb_mat([[arb(i == k - 1)] for i in range(k)])
    shares = _inverse(arb_mat([list(row) for row in zip(*columns, strict=True)])) * balanced
    least = tried[0].reach()
    for i, one in enumerate(tried):
        least = least.min(one.reach()).min(shares[i, 0])
    return least
