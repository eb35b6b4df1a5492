"""The meta-theorem: from (alpha, beta, R) to step, rate and path length of gradient descent.

Loss ||f(theta) - y||^2/2. A1: sigma_min(J(theta_0)) >= 2 alpha. A2: ||J(theta) - J(theta_0)|| <= alpha/3
within R of theta_0. A3: ||J(theta)|| <= beta. Source: vanveen18 Theorem B.5 (Oymak and Soltanolkotabi 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from untrained.theory.objects.shapes import Array

RATE = (1, 4)
"""Printed: ||r_tau|| <= (1 - eta alpha^2/4)^tau ||r_0||."""
PATH = (1, 5)
"""Printed: (alpha/5) ||theta_tau - theta_0|| + ||r_tau|| <= ||r_0||."""
SHARP_RATE = (23, 9)
"""Proved here: the 1/4 may be 23/9."""
SHARP_PATH = (23, 21)
"""Proved here: the 1/5 may be 23/21, for the path length and so for the distance."""


def radius_needed(alpha: float, initial_misfit: float, *, path: tuple[int, int] = PATH) -> float:
    """R = ||r_0||/(path alpha): 5 ||r_0||/alpha as printed.

    Raises
    ------
    ValueError
        where alpha <= 0.
    Source: vanveen18 Theorem B.5
    """
    if not alpha > 0:
        raise ValueError(f"alpha must be > 0, got {alpha}")
    return initial_misfit * path[1] / (path[0] * alpha)


def contraction(step: float, alpha: float, *, rate: tuple[int, int] = RATE) -> float:
    """1 - rate eta alpha^2, the factor per step. Source: vanveen18 Theorem B.5."""
    return 1 - rate[0] / rate[1] * step * alpha**2


@dataclass(frozen=True)
class ConvergenceGuarantee:
    """What Theorem B.5 asks of descent on ||f(theta) - y||^2/2 from theta_0, and promises; numbers, or arrays (B,).

    `alpha` is sigma_min(J(theta_0))/2, `beta` bounds ||J||, `misfit` is ||r_0||. Where alpha is 0 (A1 fails) the radius
    is infinite and nothing is promised: the decrement is 0. Source: vanveen18 Theorem B.5
    """

    alpha: Any
    beta: Any
    misfit: Any

    @property
    def budget(self) -> Any:
        """alpha/3, what ||J(theta) - J(theta_0)|| may be at most. Source: vanveen18 Theorem B.5, A2."""
        return self.alpha / 3

    @property
    def radius(self) -> Any:
        """R = 5 ||r_0||/alpha, the ball in which A2 must hold. Source: vanveen18 Theorem B.5."""
        alpha = np.asarray(self.alpha, float)
        with np.errstate(divide="ignore", invalid="ignore"):
            radius = np.where(alpha > 0, np.asarray(self.misfit) * PATH[1] / (PATH[0] * alpha), np.inf)
        return radius if radius.ndim else float(radius)

    @property
    def step(self) -> Any:
        """1/beta^2, the largest step that the theorem allows."""
        return self.beta**-2

    def decrement(self, step: Any = None) -> Any:
        """eta alpha^2/4, the share of the misfit that is promised to go each step; never lost in rounding."""
        return RATE[0] / RATE[1] * (self.step if step is None else step) * self.alpha**2

    def factor(self, step: Any = None) -> Any:
        """1 - eta alpha^2/4, by which the misfit shrinks each step. Source: vanveen18 Theorem B.5."""
        return 1 - self.decrement(step)


@dataclass(frozen=True)
class Path:
    """A gradient-descent run: misfits ||r_t|| (T+1,), distances ||theta_t - theta_0||, lengths of the path."""

    misfits: Array
    distances: Array
    lengths: Array


def follow_gradient(
    misfit_and_jacobian: Callable[[Array], tuple[Array, Array]], start: Array, step: float, steps: int
) -> Path:
    """Gradient descent on ||f(theta) - y||^2/2, `misfit_and_jacobian(theta)` giving r (n,) and J (n, p)."""
    theta, misfits, distances, lengths = start.copy(), [], [0.0], [0.0]
    for _ in range(steps):
        r, J = misfit_and_jacobian(theta)
        misfits.append(float(np.linalg.norm(r)))
        move = step * (J.T @ r)
        theta = theta - move
        distances.append(float(np.linalg.norm(theta - start)))
        lengths.append(lengths[-1] + float(np.linalg.norm(move)))
    misfits.append(float(np.linalg.norm(misfit_and_jacobian(theta)[0])))
    return Path(np.array(misfits), np.array(distances), np.array(lengths))


@dataclass(frozen=True)
class FoldedMap:
    """f(theta) = P (J_0 theta + bend |theta|) with orthogonal P: J moves by at most 2 bend, so A2 is known.

    J_0 is n x n diagonal with entries `spectrum`; bend is scalar. A1 to A3 can be evaluated exactly:
    J(theta) = P (diag(spectrum) + bend diag(sign theta)).
    """

    rotation: Array
    spectrum: Array
    bend: float
    target: Array

    def __call__(self, theta: Array) -> tuple[Array, Array]:
        """Misfit and Jacobian at theta (sign(0) = 1)."""
        sign = np.where(theta >= 0, 1.0, -1.0)
        diagonal = self.spectrum + self.bend * sign
        return self.rotation @ (diagonal * theta) - self.target, self.rotation * diagonal
