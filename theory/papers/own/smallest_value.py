"""Lemma B.1 with 200 in place of 3528, and the exact widths at which its conclusion begins to hold."""

from __future__ import annotations

from fractions import Fraction as F
from functools import lru_cache

from flint import arb, ctx

from untrained.theory.claim import Case, Claim, Constant, Constants, Control, ExactRoute, Range, Sides, Source
from untrained.theory.laws.masked import masked_smallest_decides
from untrained.theory.papers.vanveen18.lemma_b1 import lemma_b1
from untrained.theory.proof.balls import ball

_THRESHOLDS = (
    (1, 1, 1),
    (2, 31, 2),
    (3, 87, 3),
    (4, 149, 4),
    (8, 413, 8),
    (12, 686, 12),
    (16, 962, 16),
    (32, 2073, 2072),
    (64, 4310, 4309),
)


def _moved(shift: int) -> tuple[tuple[int, int, int], ...]:
    """The thresholds with that of one n moved."""
    return tuple((n, d + shift * (n == 4), least) for n, d, least in _THRESHOLDS)


def _listed(c: Constants) -> tuple[dict[str, int], ...]:
    return tuple({"n": n, "d": d, "least": least} for n, d, least in c["pairs"])


def width_begins(case: Case, c: Constants) -> Sides:
    """Whether the conclusion has its probability at d and at no width from `least` up to d."""
    sizes = (int(case[name]) for name in ("n", "d", "least"))
    constants = (F(c[name]) for name in ("fraction", "failure_factor", "failure_rate"))
    return Sides(0.0 if _begins(*sizes, *constants) else 2.0, 1.0)


@lru_cache(maxsize=256)
def _begins(n: int, d: int, least: int, fraction: F, factor: F, rate: F) -> bool:
    with ctx.workprec(192):
        limit = ball(factor) * (-ball(rate) * arb(n)).exp()

    def holds(k: int) -> bool:
        return masked_smallest_decides(n, k, fraction**2 * k, limit)

    return d >= n and holds(d) and not any(holds(k) for k in range(d - 1, least - 1, -1))


CLAIMS: tuple[Claim, ...] = (
    lemma_b1(
        "own.lemB1_200",
        200,
        Source("own", "sharpens Lemma B.1: 200 in place of 3528"),
        Control("width_67", {"width_ratio": 67}),
    ),
    Claim(
        id="own.lemB1_threshold",
        source=Source("own", "exact thresholds of Lemma B.1"),
        says="For (n, d, a) in $pairs, sigma_min(J(W_0)) >= ${fraction:factor}nu sqrt(d) ||z|| has probability at least 1 - ${failure_factor:factor}e^{-${failure_rate:factor}n} at d and at no width from a up to d.",
        tex=r"P(\sigma_{\min}(J)<${fraction:factor}\nu\sqrt d\,\|z\|)\le ${failure_factor:factor}e^{-${failure_rate:factor}n}\ \text{at}\ d=d^*(n),\ \text{not below}",
        refuted_by="an n whose exact law puts the threshold elsewhere",
        domain={"n": Range(1, 64)},
        constants={
            "pairs": Constant(_THRESHOLDS, others=(_moved(1), _moved(-1))),
            "fraction": Constant(F(1, 2), others=(F(101, 200), F(99, 200))),
            "failure_factor": Constant(2, others=(F(19, 10), F(21, 10))),
            "failure_rate": Constant(1, others=(F(101, 100), F(99, 100))),
        },
        exact=ExactRoute(
            _listed,
            width_begins,
            "The listed pairs are the whole statement; each sign is certain in ball arithmetic.",
        ),
        controls=(
            Control("one_more", {"pairs": _moved(1)}),
            Control("rate_1.01", {"failure_rate": F(101, 100)}),
        ),
        version=2,
    ),
)
