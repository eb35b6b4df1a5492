"""The exact twin of the adversarial search: how far the Jacobian of V ReLU(W z) can change in a ball."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from untrained.theory.objects.sign_changes import adversarial_set, worst_count

ENUMERATED = 16
"""Neurons up to which every set of flips is tried."""


@dataclass(frozen=True)
class Worst:
    """sup ||J(W) - J(W_0)|| over a ball lies in [low, high]; `count` neurons at most change their sign in it."""

    low: float
    high: float
    count: int

    def passes(self, bound):
        """Whether the supremum is above the bound; None where this is open."""
        return True if self.low > bound else False if self.high <= bound else None


def worst(two, radius):
    """Bounds on sup ||J(W) - J(W_0)|| over ||W - W_0|| <= radius; exact for few neurons, or where all can flip.

    The Jacobian changes in the columns of the neurons that flip, so the supremum is ||z|| max ||V_S|| over the
    sets S with sum of g_l^2 over S at most radius^2.

    Raises
    ------
    ValueError
        where the radius is negative.
    Source: vanveen18 Lemma B.2
    """
    g, z = two.alignment, two.latent_norm
    count = int(worst_count(g, radius))
    if count == 0:
        return Worst(0.0, 0.0, 0)
    if count == two.width:
        return Worst(two.beta, two.beta, count)
    if two.width <= ENUMERATED:
        value = z * best_of_all(two, radius)
        return Worst(value, value, count)
    flips = adversarial_set(two.V, g, radius)
    low = float(np.linalg.norm(two.V[:, flips], 2)) if flips.any() else 0.0
    return Worst(z * low, min(two.beta, z * relaxed(two, radius)), count)


def best_of_all(two, radius):
    """max ||V_S|| over all affordable S, each of which no neuron can be added to."""
    sets = np.arange(2**two.width)[:, None] >> np.arange(two.width) & 1
    cost = sets @ two.alignment**2
    left = radius**2 - cost
    dearest = np.where(sets == 1, np.inf, two.alignment**2).min(1)
    maximal = sets[(left >= 0) & (dearest > left)].astype(bool)
    return max(float(np.linalg.norm(two.V[:, S], 2)) for S in maximal)


def relaxed(two, radius):
    """sqrt of the most energy of columns that radius^2 buys, with a part of the last one: at least max ||V_S||."""
    energy, cost = (two.V**2).sum(0), two.alignment**2
    order = np.argsort(-energy / np.maximum(cost, 1e-300))
    spent = np.cumsum(cost[order])
    bought = np.clip((radius**2 - spent + cost[order]) / np.maximum(cost[order], 1e-300), 0, 1)
    return math.sqrt(float(energy[order] @ bought))


def passed_at(two, bound, share=1e-3):
    """Return (low, high): A2 holds in balls below low and fails in those from high on, to a share of each.

    Both are infinite where ||V|| ||z|| <= bound, and A2 so holds everywhere.
    """
    most = float(np.linalg.norm(two.alignment))
    if two.beta <= bound:
        return math.inf, math.inf
    holds = _crossing(lambda R: worst(two, R).high > bound, most, share)[0]
    return holds, _crossing(lambda R: worst(two, R).low > bound, most, share)[1]


def _crossing(passes: Callable[[float], bool], most, share):
    """Bisect for where a property that `most` has begins: (the last found without, the first found with)."""
    low, high = 0.0, most * (1 + 1e-12)
    while high - low > share * high:
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return low, high
