"""Lemma B.2, how far J(W) moves within a radius: from the signs that change (Lemma C.2) and eq. (14).

As printed it is false where 3x nears d; with eq. (14)'s linear term it holds, and as printed in the range of its use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction as F
from functools import partial
from typing import Any

import numpy as np
from flint import arb, ctx

from untrained.theory.claim import (
    FAILURE_SIDES,
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    CountRoute,
    Draw,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.laws import suprema
from untrained.theory.objects import sign_changes
from untrained.theory.papers.vanveen18.equation_14 import AS_PRINTED_IN_RANGE, WITH_LINEAR_TERM, sparse_bound
from untrained.theory.papers.vanveen18.lemma_c2 import CHANGES, radius_of
from untrained.theory.proof.algebra import reduced
from untrained.theory.proof.balls import ball, enclosed, fact

_CEILING_ID, _CHANGE = "vanveen18.lemB2.ceiling.corrected", "vanveen18.eq13"


def _source(label: str, equation: str = "", page: int = 20, reading: str = "") -> Source:
    return Source("vanveen18", label, equation, page, reading)


# From C.2's count 2 ceil(x) to the 3x of Lemma B.2.


def ceiling_bound(p: Premises) -> Symbolic:
    """f ceil(x) <= a x for x >= x_0, decided: at x_0 itself, then at each whole number from the left end on.

    Just above a whole k the sides are f(k + 1) and a k; where a >= f the first k that can occur is the worst.
    """
    factor, slope = F(p["factor"]), F(p["slope"])
    least = F(p["least"]) if p.given("least") else F(0)
    first = max(1, math.ceil(least))
    return reduced(
        "ceil is constant on (k, k + 1]; equality at the open end k is not reached.",
        [
            ("at the least x", least > 0 and factor * first <= slope * least),
            ("above the next whole number", factor * (first + 1) <= slope * first),
            ("and above every later one", slope >= factor),
        ],
    )


def ceiling_step(case: Case, c: Constants) -> Sides:
    """factor ceil(x) against slope x."""
    x = F(case["x"])
    return Sides(ball(F(c["factor"]) * math.ceil(x)), ball(F(c["slope"]) * x))


def _steps(c: Constants) -> tuple[Mapping[str, F], ...]:
    """The least x, and just above the whole numbers that follow."""
    least = F(c.get("least", F(1, 2)))
    whole = max(1, math.ceil(least))
    return tuple({"x": x} for x in (least, *(k + F(1, 10**6) for k in (whole, whole + 1, whole + 10))))


def above_least(case: Case, c: Constants) -> bool:
    """Whether x is at least as large as the statement asks for."""
    return bool(F(case["x"]) >= F(c["least"]))


_CEILING = (
    Claim(
        id="vanveen18.lemB2.ceiling.printed",
        source=_source(
            "Section C.2",
            "2 ceil((2dR)^{2/3}) replaced by 3 (2dR)^{2/3}",
            20,
            "s = 3(2dR)^{2/3} is read from 'S = 3 (2dR)3'",
        ),
        says="${factor:factor}ceil(x) <= ${slope:factor}x for every x > 0.",
        tex=r"x>0\Rightarrow ${factor:factor}\lceil x\rceil\le ${slope:factor}x",
        refuted_by="x > 0 where the left side is larger",
        domain={"x": Range(1e-60, 1e60, False, True)},
        constants={"factor": Constant(2, "up"), "slope": Constant(3, "down")},
        exact=ExactRoute(_steps, ceiling_step),
        controls=(Control("slope_2.9", {"slope": F(29, 10)}),),
        version=2,
    ),
    Claim(
        id=_CEILING_ID,
        source=_source("Section C.2, where x >= 2"),
        says="${factor:factor}ceil(x) <= ${slope:factor}x for every x >= $least.",
        tex=r"x\ge $least\Rightarrow ${factor:factor}\lceil x\rceil\le ${slope:factor}x",
        refuted_by="x in this range where the left side is larger",
        domain={"x": Range("least", 1e60, False, True)},
        hypotheses=(Hypothesis("least", "x >= $least", above_least),),
        constants={"factor": Constant(2, "up"), "slope": Constant(3, "down"), "least": Constant(2, "down")},
        proofs=(ceiling_bound,),
        exact=ExactRoute(_steps, ceiling_step),
        controls=(
            Control("factor_2.01", {"factor": F(201, 100)}),
            Control("slope_2.99", {"slope": F(299, 100)}),
            Control("from_1.33", {"least": F(133, 100)}),
            Control("any_x", {}, ("least",)),
        ),
        version=2,
    ),
)


# Lemma B.2: ||J(W) - J(W_0)|| = ||z|| ||V_S(W)||, with C.2's count and (14)'s supremum.


def two_failures(p: Premises, changes: str = CHANGES) -> Symbolic:
    """|S(W)| <= s on C.2's event, whole and at most d, and (14) at this s, for all W at once; the failures add."""
    count, supremum = p.of(changes), p.of(WITH_LINEAR_TERM)
    number = "per_x" if "per_x" in p.constants else "factor"
    same = [(f"the same {name} as in C.2", F(p[name]) == F(count[name])) for name in (number, "scale", "power")]
    covered = [(f"(14)'s {name}", F(p[name]) >= F(supremum[name])) for name in ("deviation", "log_factor", "linear")]
    return reduced(
        "J(W) - J(W_0) is V with the columns outside S(W) put to zero, times ||z||; S(W) depends on W_0 and W only.",
        [
            *same,
            *covered,
            ("s is whole", number == "per_x" or F(p["factor"]).denominator == 1),
            ("power of ||z||", F(p.of(_CHANGE)["z_power"]) == 1),
            ("failure rate in n", F(p["failure_rate_rows"]) <= F(supremum["failure_rate"])),
            ("failure rate in x", F(p["failure_rate_flips"]) <= F(count["failure_rate"])),
        ],
        sufficient=True,
    )


def two_failures_in_range(p: Premises) -> Enclosed:
    """s = 2 ceil(x) <= 3x <= share d: (14) as printed holds at s, and s log(d/s) grows up to d/e, so up to 3x."""
    count, ceiling, supremum = p.of(CHANGES), p.of(_CEILING_ID), p.of(AS_PRINTED_IN_RANGE)
    share = F(p["share"]) if p.given("share") else F(1)
    least = F(p["least"]) if p.given("least") else F(0)
    with ctx.workprec(120):
        growth = (-arb(1)).exp() - ball(share)
        facts = (
            F(p["scale"]) == F(count["scale"]) and F(p["power"]) == F(count["power"]),
            F(count["factor"]) <= F(ceiling["factor"]) and least >= F(ceiling["least"]),
            F(count["factor"]).denominator == 1,
            F(p["inner"]) == F(ceiling["slope"]),
            share <= F(supremum["share"]),
            F(p["deviation"]) >= F(supremum["deviation"]),
            F(p["log_factor"]) >= F(supremum["log_factor"]) * F(ceiling["slope"]),
            F(p["failure_rate_rows"]) <= F(supremum["failure_rate"]),
            F(p["failure_rate_flips"]) <= F(count["failure_rate"]),
            F(p.of(_CHANGE)["z_power"]) == 1,
        )
        return enclosed(
            {"1/e - share": growth},
            [growth, *map(fact, facts)],
            "C.2 counts factor ceil(x) signs at most, the ceiling's step makes it slope x; the derivative of s log(d/s) "
            "is log(d/s) - 1, positive below d/e; the failures add.",
            sufficient=True,
        )


def movement_failure(case: Case, c: Constants) -> Sides:
    """P(||J(W) - J(W_0)|| exceeds its bound for some W within R): all signs can be changed, or one row of V.

    Of several rows one gives a lower bound.
    """
    n, d, x = int(case["n"]), int(case["d"]), F(case["x"])
    with ctx.workprec(suprema.BITS):
        radius, level = radius_of(x, d, c), movement_bound(n, d, x, c)
        claimed = (-ball(c["failure_rate_rows"]) * n).exp() + (-ball(c["failure_rate_flips"]) * ball(x)).exp()
        if radius**2 > 4 * d:
            norm = suprema.norm_above(n, d, level)
            return Sides((norm * (1 - suprema.chi_above(d, radius))).union(norm), claimed)
        row = suprema.row_above(d, radius, level)
        return Sides(row if n == 1 else row.union(arb(1)), claimed)


def movement_bound(n: int, d: int, x: F, c: Constants) -> arb:
    """The bound over nu ||z||: with s = min(d, factor ceil(x)), or with x itself where there is an inner factor."""
    if "inner" in c:
        inside = ball(c["log_factor"]) * ball(x) * ball(d / (F(c["inner"]) * x)).log()
        return ball(c["deviation"]) * ball(n).sqrt() + inside.max(arb(0)).sqrt()
    return sparse_bound(n, ball(min(F(d), _size(x, c))), d, c)


def _size(x: F, c: Constants) -> F:
    """The number of columns that C.2 leaves: factor ceil(x), or ceil(per_x x)."""
    return F(math.ceil(F(c["per_x"]) * x)) if "per_x" in c else F(c["factor"]) * math.ceil(x)


def movement_attacked(case: Case, c: Constants) -> Sides:
    """||V_S|| for signs changed within R so that it is large, against the bound: an attack."""
    V, g, R = case["V"], case["g"], case["R"]
    n, d = V.shape[-2:]
    x = F(float(c["scale"]) * d * R) ** float(c["power"])
    norms = [_norm_of_changes(v, a, R) for v, a in zip(V, g, strict=True)]
    return Sides(np.array(norms), float(movement_bound(n, d, F(x), c)))


def _norm_of_changes(V: Any, g: Any, R: float) -> float:
    changes = sign_changes.adversarial_set(V, g, R)
    return float(np.linalg.norm(V[:, changes], 2)) if changes.any() else 0.0


def movement_probability(case: Case, c: Constants) -> float:
    """1 - e^{-a n} - e^{-b x}."""
    x = (float(c["scale"]) * case["d"] * case["R"]) ** float(c["power"])
    return 1 - math.exp(-float(c["failure_rate_rows"]) * case["n"]) - math.exp(-float(c["failure_rate_flips"]) * x)


def is_wide(case: Case, c: Constants) -> bool:
    """Whether inner x <= share d."""
    return bool(F(c["inner"]) * _x_of(case, c) <= F(c["share"]) * case["d"])


def is_far(case: Case, c: Constants) -> bool:
    """Whether x >= least."""
    return bool(_x_of(case, c) >= F(c["least"]))


def _x_of(case: Case, c: Constants) -> F:
    return F(case["x"]) if "x" in case else F((float(c["scale"]) * case["d"] * case["R"]) ** float(c["power"]))


_ALL_SIGNS = tuple({"n": n, "d": d, "x": 10**40} for n, d in ((1, 1), (1, 10**12), (2, 40), (8, 40), (10**6, 1)))


def _rows(c: Constants, d: int, *rows: int) -> tuple[Mapping[str, Any], ...]:
    """x at shares of d, the last at the largest share in which the statement speaks."""
    factor = F(next(c[name] for name in ("inner", "per_x", "factor") if name in c))
    shares = (F(1, 100), F(1, 2), F(9, 10), F(1), F(c.get("share", 1)))
    return tuple({"n": n, "d": d, "x": share * d / factor} for n in rows for share in shares if factor * share > 0)


def _few_signs(c: Constants) -> tuple[Mapping[str, Any], ...]:
    return _rows(c, 10**18, 1, 8)


def _signs(c: Constants) -> tuple[Mapping[str, Any], ...]:
    return (*_rows(c, 10**60, 1), *_ALL_SIGNS)


_RATES = {"failure_rate_rows": Constant(F(1, 2), "up"), "failure_rate_flips": Constant(F(1, 6), "up")}
_X = {"scale": Constant(2, "down"), "power": Constant(F(2, 3), "down")}
_PRINTED = {"deviation": Constant(2, "down"), "log_factor": Constant(6, "down"), "inner": Constant(3), **_X, **_RATES}
_SAYS = "for all W within R, ||J(W) - J(W_0)|| <= nu ||z|| (${deviation:factor}sqrt n + sqrt(%s)) with probability 1 - e^{-${failure_rate_rows:factor}n} - e^{-${failure_rate_flips:factor}x}, x = (${scale:factor}dR)^{$power}"
_TEX = r"\|J(W)-J(W_0)\|\le\nu\|z\|\big(${deviation:factor}\sqrt n+\sqrt{%s}\big)\ \text{w.p.}\ 1-e^{-${failure_rate_rows:factor}n}-e^{-${failure_rate_flips:factor}x},\ x=(${scale:factor}dR)^{$power}"
_AS_PRINTED = (
    "${log_factor:factor}x log(d/(${inner:factor}x))",
    r"${log_factor:factor}x\log(d/(${inner:factor}x))",
)
_LEMMA_B2: dict[str, Any] = {
    "domain": {"n": Range(1, 10**9), "d": Range(1, 10**60), "R": Range(1e-60, 1e60, False, True)},
    "refuted_by": "n, d, R where signs changed within R exceed the bound more often than claimed",
    "law": {"V": Draw("gaussian", ("n", "d")), "g": Draw("gaussian", ("d",))},
    "version": 2,
}
_ATTACK = CountRoute(
    ({"n": 4, "d": 120, "R": 0.08}, {"n": 500, "d": 120, "R": 0.08}),
    movement_attacked,
    movement_probability,
    12,
    attack=True,
)


def lemma_b2(claim_id: str, source: Source, granted: Mapping[str, Constant], changes: str, *controls: Control) -> Claim:
    """Lemma B.2 with the linear term, on the form of Lemma C.2 of this id and its number of changes."""
    size = "ceil(${per_x:factor}x)" if "per_x" in granted else "${factor:factor}ceil(x)"
    in_tex = r"\lceil ${per_x:factor}x\rceil" if "per_x" in granted else r"${factor:factor}\lceil x\rceil"
    return Claim(
        id=claim_id,
        source=source,
        says="Whatever R is, "
        + _SAYS % "${log_factor:factor}s log(d/s) + ${linear:factor}s"
        + f", s = min(d, {size}).",
        tex=_TEX % r"${log_factor:factor}s\log(d/s)+${linear:factor}s" + rf",\ s=\min(d,{in_tex})",
        constants={
            "deviation": Constant(2, "down"),
            "log_factor": Constant(2, "down"),
            "linear": Constant(1, "down"),
            **granted,
            **_X,
            **_RATES,
        },
        needs=(changes, WITH_LINEAR_TERM, _CHANGE),
        proofs=(partial(two_failures, changes=changes),),
        exact=ExactRoute(_signs, movement_failure, compares=FAILURE_SIDES),
        count=_ATTACK,
        controls=controls,
        **_LEMMA_B2,
    )


_MOVEMENT = (
    Claim(
        id="vanveen18.lemB2.printed",
        source=_source("Lemma B.2", "", 17, "bound read as 2 sqrt n + sqrt(6(2dR)^{2/3} log(d/(3(2dR)^{2/3})))"),
        says="Whatever R is, " + _SAYS % _AS_PRINTED[0] + ".",
        tex=_TEX % _AS_PRINTED[1],
        constants=_PRINTED,
        exact=ExactRoute(_few_signs, movement_failure, compares=FAILURE_SIDES),
        controls=(Control("deviation_1", {"deviation": 1}),),
        **_LEMMA_B2,
    ),
    lemma_b2(
        "vanveen18.lemB2.corrected",
        _source("Lemma B.2, with s = 2 ceil((2dR)^{2/3}) and the linear term", "", 17),
        {"factor": Constant(2, "down")},
        CHANGES,
        Control("linear_0.999", {"linear": F(999, 1000)}),
        Control("deviation_1.77", {"deviation": F(177, 100)}),
        Control("rate_in_n_0.82", {"failure_rate_rows": F(82, 100)}),
        Control("power_0.65", {"power": F(65, 100)}),
    ),
    Claim(
        id="vanveen18.lemB2.in_range",
        source=_source("Lemma B.2, where it is used", "", 18),
        says="Where x >= $least and ${inner:factor}x <= ${share:factor}d, " + _SAYS % _AS_PRINTED[0] + ".",
        tex=r"x\ge $least,\ ${inner:factor}x\le ${share:factor}d\Rightarrow " + _TEX % _AS_PRINTED[1],
        hypotheses=(
            Hypothesis("least", "x >= $least", is_far),
            Hypothesis("share", "${inner:factor}x <= ${share:factor}d", is_wide),
        ),
        constants={**_PRINTED, "least": Constant(2, "down"), "share": Constant(F(18, 100), "up")},
        needs=(CHANGES, AS_PRINTED_IN_RANGE, _CEILING_ID, _CHANGE),
        proofs=(two_failures_in_range,),
        exact=ExactRoute(_signs, movement_failure, compares=FAILURE_SIDES),
        count=_ATTACK,
        controls=(
            Control("share_0.9", {"share": F(9, 10)}),
            Control("any_share", {}, ("share",)),
            Control("deviation_0.6", {"deviation": F(6, 10)}),
            Control("power_0.65", {"power": F(65, 100)}),
        ),
        **_LEMMA_B2,
    ),
)

CLAIMS: tuple[Claim, ...] = (*_CEILING, *_MOVEMENT)
