"""Theorem B.5 sharpened: a faster rate, a longer path, a smaller ball, and A3 at theta_0 alone."""

from __future__ import annotations

from fractions import Fraction as F

import numpy as np

from untrained.theory.claim import Case, Claim, Constant, Constants, Control, Hypothesis, Source
from untrained.theory.papers.vanveen18.theorem_b5 import (
    A0,
    A1,
    A2,
    converges,
    length_on_slopes,
    meta_theorem,
    rate_on_slopes,
    slopes_of,
    stays_close,
)


def bounded_at_the_start(case: Case, c: Constants) -> bool:
    """A3 at theta_0: beta bounds the first slopes."""
    one = slopes_of(case)
    return bool(np.abs(one["first"]).max() <= one["beta"] * (1 + 1e-12))


_AT_THE_START = Hypothesis("A3", "A3 at theta_0 only: ||J(theta_0)|| <= beta", bounded_at_the_start)
_PREMISE = "If f changes along segments by the integral of its Jacobian (A0), then under A1, A2 with only R = ${radius:factor}||r_0||/alpha, ||J(theta_0)|| <= beta and eta <= $step/beta^$step_power, "

CLAIMS: tuple[Claim, ...] = (
    meta_theorem(
        "own.meta_rate",
        Source("own", "sharpens Theorem B.5, eq. (9): its rate, its ball, and A3 at theta_0 only"),
        (
            _PREMISE
            + "the misfit of theta_+ = theta - eta J^T r shrinks by 1 - ${rate:factor}eta alpha^$rate_power a step.",
            r"\|r_\tau\|\le(1-${rate:factor}\eta\alpha^{$rate_power})^\tau\|r_0\|,\ \|J(\theta_0)\|\le\beta,\ \eta\le $step/\beta^{$step_power},\ R=${radius:factor}\|r_0\|/\alpha",
            "a map that meets the premises whose descent is slower",
        ),
        converges,
        rate_on_slopes,
        {"radius": Constant(F(21, 23), "down"), "rate": Constant(F(23, 9), "up"), "rate_power": Constant(2)},
        Control("rate_2.6", {"rate": F(26, 10)}),
        Control("radius_0.59", {"radius": F(59, 100)}),
        Control("step_1.02", {"step": F(102, 100)}),
        hypotheses=(A0, A1, A2, _AT_THE_START),
    ),
    meta_theorem(
        "own.meta_path",
        Source("own", "sharpens Theorem B.5, eq. (10): its factor, for the length of the path"),
        (
            _PREMISE
            + "${path:factor}alpha times the LENGTH of the path plus the misfit never exceeds the initial misfit.",
            r"${path:factor}\alpha\sum_{t<\tau}\eta\|J_t^Tr_t\|+\|r_\tau\|\le\|r_0\|,\ \|J(\theta_0)\|\le\beta,\ \eta\le $step/\beta^{$step_power},\ R=${radius:factor}\|r_0\|/\alpha",
            "a map that meets the premises whose path is longer",
        ),
        stays_close,
        length_on_slopes,
        {"radius": Constant(F(21, 23), "down"), "path": Constant(F(23, 21), "up")},
        Control("path_1.535", {"path": F(1535, 1000)}),
        Control("radius_0.59", {"radius": F(59, 100)}),
        Control("step_1.5", {"step": F(15, 10)}),
        hypotheses=(A0, A1, A2, _AT_THE_START),
    ),
)
