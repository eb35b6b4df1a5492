"""The first steps of one descent of G(W) = V relu(W z) in floats, with a bound on how far the true one is.

In h = W z/||z|| and units of ||z|| a step is h - eta phi'(h) V^T r, r = V relu(h) - y/||z||. On a fixed set A of
neurons that are on, x -> relu((I - eta V_A^T V_A) x + eta V_A^T y/||z||) takes two points x = relu(h) no further apart
where eta ||V_A||^2 <= 2: errors add up and do not grow. A neuron whose sign rounding leaves open has x_l <= 2 error;
where its next move is certainly down by more, it is off from then on either way, and nothing else depends on its sign.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from untrained.theory.objects.float_bounds import (
    BOUND_SLACK,
    UNDERFLOW,
    UNIT_ROUNDOFF,
    blocked_terms,
    gamma,
    gram_with_error,
    largest_singular_value,
    length_above,
    transposed_product,
)
from untrained.theory.objects.shapes import Array


@dataclass(frozen=True)
class EnclosedActivations:
    """The true x = relu(W z)/||z|| is within `error` of `x` (N,), for the rows v_l of `columns` (N, n).

    `on` says which neurons are certainly on and `open` which may be; `target` (n,) is y/||z|| within `target_error`.
    `norm` bounds ||V_A|| and `size` the Frobenius norm of the columns; `length` is that of the path until here, at
    most, and `time` how many steps there were (in a flow, how much time).
    """

    columns: Array
    x: Array
    error: float
    on: np.ndarray
    open: np.ndarray
    target: Array
    target_error: float
    norm: float
    size: float
    length: float = 0.0
    time: float = 0

    def residual(self) -> tuple[Array, float]:
        """V x - y/||z|| at the floats x (n,), and how far it is from the exact one there."""
        r = transposed_product(self.columns, self.x) - self.target
        terms = gamma(blocked_terms(len(self.x)) + 2)
        rounding = terms * self.size * length_above(self.x) + UNIT_ROUNDOFF * length_above(r) + self.target_error
        return r, BOUND_SLACK * rounding + UNDERFLOW

    def misfit(self) -> float:
        """An upper bound of ||V relu(h) - y/||z|| || at the true h."""
        r, rounding = self.residual()
        return SLACK_OF_SUMS * (length_above(r) + rounding + self.norm * self.error)

    def margins(self) -> Array:
        """Lower bounds (N,) of h_l for the neurons that are certainly on, 0 for others."""
        return np.where(self.on, np.maximum((self.x - self.error) * (1 - 2 * UNIT_ROUNDOFF), 0.0), 0.0)


SLACK_OF_SUMS = 1 + 8 * UNIT_ROUNDOFF
"""Covers a handful of roundings."""


def start_of_descent(V: Array, W: Array, z: Array, y: Array) -> EnclosedActivations:
    """Activations at W_0, for V (n, d), W (d, k), z (k,) and y (n,)."""
    k, length = len(z), float(np.linalg.norm(z))
    h = (W @ z) / length
    error = BOUND_SLACK * gamma(2 * k + 12) * (np.abs(W) @ np.abs(z)) / length + UNDERFLOW
    may = h >= -error
    columns, h = np.ascontiguousarray(V.T[may]), h[may]
    total = length_above(error[may])
    target = y / length
    return EnclosedActivations(
        columns,
        np.maximum(h, 0.0),
        total,
        on=h > total,
        open=h <= total,
        target=target,
        target_error=BOUND_SLACK * gamma(k + 10) * length_above(target),
        norm=largest_singular_value(*gram_with_error(columns)),
        size=length_above(columns),
    )


def next_activations(state: EnclosedActivations, eta: float, eta_error: float) -> EnclosedActivations | None:
    """Activations one step later, eta being right but for a share `eta_error`; None where a sign stays open.

    A neuron that was open must be certainly off now, from its largest possible x.
    """
    r, rounding = state.residual()
    pull = state.columns @ r
    live = state.on | state.open
    back = np.where(live, pull, 0.0)
    moved = state.x - eta * back
    products = gamma(state.columns.shape[1] + 2) * state.size * length_above(r)
    length = length_above(back)
    of_move = eta * (products + state.norm * rounding + (eta_error + 4 * UNIT_ROUNDOFF) * length)
    added = of_move + 4 * UNIT_ROUNDOFF * length_above(state.x) + UNDERFLOW
    error = SLACK_OF_SUMS * (state.error + BOUND_SLACK * added)
    if np.any(moved[state.open] >= -2 * error):
        return None
    unsure = state.on & (np.abs(moved) <= error)
    true_length = (length + products + state.norm * (rounding + state.norm * state.error)) * (1 + eta_error)
    return replace(
        state,
        x=np.where(state.on, np.maximum(moved, 0.0), 0.0),
        error=error,
        on=state.on & (moved > error),
        open=unsure,
        length=SLACK_OF_SUMS * (state.length + eta * true_length),
        time=state.time + 1,
    )
