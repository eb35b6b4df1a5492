"""The descent of h = Wz whose neurons die within a step, the length of its path, and what a path of a length can cut.

f = V h_+ and r = f - y, V (n, d), h (d,), r (n,). Alive are the neurons with h_l > 0; a = V^T r on them and 0 on the
others, and a step takes h to h - eta a. On its way, at h - u eta a with u from 0 to 1, a neuron is alive up to u = D_l
and dead from there on, for good; p(u) is the norm of a on those alive. The length of a path is the sum over its steps
of eta times the mean of p. Source: `own.path_budget.step`
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from untrained.theory.objects.shapes import Array, real_array, same_length

_VANISHED = 1e-100
"""Misfit in units of the first below which a descent is not followed: squares of smaller ones leave float64."""
_MOST_COLUMNS = 16
"""Columns alive of which all subsets are tried."""


@dataclass(frozen=True)
class StepWithDeaths:
    """One step from h (d,) and r (n,) to r_+ (n,): neuron l moves along a (d,) up to the part D_l (d,) of the step."""

    h: Array
    r: Array
    a: Array
    D: Array
    eta: float
    r_after: Array

    @property
    def gain(self) -> float:
        """B = <a, Da>."""
        return float(self.D @ self.a**2)

    @property
    def h_after(self) -> Array:
        """h_+ (d,), before ReLU: negative for those who die."""
        return self.h - self.eta * self.a

    @property
    def survivors(self) -> NDArray[np.bool_]:
        """Who is alive after the step, (d,)."""
        alive: NDArray[np.bool_] = self.h_after > 0
        return alive

    @property
    def ends(self) -> Array:
        """Where its pieces end, (K,): at deaths, and the last one at 1."""
        return np.unique(np.append(self.D[(self.D > 0) & ~self.survivors], 1.0))

    @property
    def norms(self) -> Array:
        """p on its pieces, (K,)."""
        squares: Array = (self.a**2 * (self.ends[:, None] <= self.D)).sum(axis=-1)
        return np.sqrt(squares)

    @property
    def lengths(self) -> Array:
        """The length of its path up to the end of each piece, (K,)."""
        return self.eta * np.cumsum(np.diff(self.ends, prepend=0.0) * self.norms)

    @property
    def dead(self) -> NDArray[np.bool_]:
        """Who is dead at the end of each piece, (K, d)."""
        result: NDArray[np.bool_] = (self.ends[:, None] >= self.D) & ~self.survivors
        return result


def step_with_deaths(V: Array, h: Array, r: Array, eta: float) -> StepWithDeaths:
    """Return the step of length eta from h (d,), where V h_+ misses its target by r (n,)."""
    a = (V.T @ r) * (h > 0)
    fatal = (h > 0) & (eta * a >= h)
    D = np.where(fatal, h / np.where(fatal, eta * a, 1.0), 1.0) * (h > 0)
    return StepWithDeaths(h, r, a, D, eta, r - eta * (V @ (D * a)))


def descend_with_deaths(V: Array, h: Array, r: Array, eta: float, steps: int) -> Iterator[StepWithDeaths]:
    """Yield the steps from h and r; r moves by -eta V(Da), so that small misfits are as good as large ones.

    It ends early where the misfit is 0 or a 10^-100th of the first.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, or eta is negative.
    """
    V, h, r = real_array("V", V, 2), real_array("h", h, 1), real_array("r", r, 1)
    same_length("rows of V", V.shape[0], "r", len(r))
    same_length("columns of V", V.shape[1], "h", len(h))
    if not eta >= 0:
        raise ValueError(f"eta must be at least 0, got {eta}")
    least = _VANISHED * np.linalg.norm(r)
    for _ in range(steps):
        if np.linalg.norm(r) <= least:
            return
        one = step_with_deaths(V, h, r, eta)
        yield one
        h, r = one.h_after, one.r_after


@dataclass(frozen=True)
class FlowOfOneOutput:
    """Gradient flow at n = 1 by pieces between deaths: misfits (K + 1,), lengths s (K + 1,) and times (K + 1,)."""

    misfits: Array
    lengths: Array
    times: Array


def flow_of_one_output(v: Array, g: Array, misfit: float, until: float) -> FlowOfOneOutput:
    """Follow dh/dt = -r v on those alive, from h = g and r = misfit > 0 to r = `until` misfit or the last death.

    With S the integral of r, h = g - S v, dr/dS = -||v_A||^2 and ds/dS = ||v_A||, A those alive: no step is needed.
    """
    v, g = v[g > 0], g[g > 0]
    deaths, rows = np.where(v > 0, g / np.where(v > 0, v, 1.0), np.inf), [(misfit, 0.0, 0.0)]
    for start, end in pairwise([0.0, *np.unique(deaths)]):
        r, s, t = rows[-1]
        square = float((v**2)[deaths > start].sum())
        if square == 0 or r <= until * misfit:
            break
        after = max(r - square * (end - start), until * misfit)
        rows.append((after, s + (r - after) / np.sqrt(square), t + np.log(r / after) / square))
    return FlowOfOneOutput(*np.array(rows).T)


@dataclass(frozen=True)
class LeastLeft:
    """m(s) = min{sigma_min(V_{A minus R}) : ||g_R|| <= s}: `values[i]` from `prices[i]` = 0, ... on, (K,) each."""

    prices: Array
    values: Array

    def at(self, s: float) -> float:
        """m(s)."""
        return float(self.values[np.searchsorted(self.prices, s, side="right") - 1])

    def integral(self, s: float) -> float:
        """The integral of m from 0 to s."""
        widths = np.diff(np.minimum(np.append(self.prices, np.inf), s))
        return float(widths @ self.values)


def least_left(V: Array, g: Array) -> LeastLeft:
    """m for the columns of V (n, d) with g_l > 0, from all their subsets.

    Raises
    ------
    ValueError
        where shapes disagree, an entry is not finite, or more than 16 columns are alive.
    """
    V, g = real_array("V", V, 2), real_array("g", g, 1)
    same_length("columns of V", V.shape[1], "g", len(g))
    V, g = V[:, g > 0], g[g > 0]
    if len(g) > _MOST_COLUMNS:
        raise ValueError(f"g must have at most {_MOST_COLUMNS} positive entries, got {len(g)}")
    removed = subsets(len(g))
    prices = np.sqrt(removed @ g**2)
    order = np.argsort(prices, kind="stable")
    least = np.minimum.accumulate(_smallest_values(V, ~removed)[order])
    falls = np.append(True, np.diff(least) < 0)
    return LeastLeft(prices[order][falls], least[falls])


def subsets(size: int) -> NDArray[np.bool_]:
    """Every subset of so many things, (2^size, size)."""
    result: NDArray[np.bool_] = (np.arange(2**size)[:, None] >> np.arange(size)) & 1 == 1
    return result


def _smallest_values(V: Array, masks: NDArray[np.bool_]) -> Array:
    """sigma_min of the columns of each mask, (K,): 0 where there are fewer columns than rows."""
    n = V.shape[0]
    values, enough = np.zeros(len(masks)), masks.sum(axis=-1) >= n
    if enough.any():
        values[enough] = np.linalg.svd(V * masks[enough][:, None, :], compute_uv=False)[:, n - 1]
    return values
