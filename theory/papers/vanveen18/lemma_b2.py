"""Lemma B.2, how far J(W) moves within a radius, and eq. (14), the supremum of ||V_S|| that it rests on.

Our part: the linear term s that eq. (14) lacks for large s, and the range in which it is not needed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction as F
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, ctx

from untrained.theory.claim import (
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
from untrained.theory.papers.vanveen18.lemma_c2 import CHANGES, radius_of
from untrained.theory.proof.algebra import reduced
from untrained.theory.proof.balls import ball, enclosed, fact

LIPSCHITZ, CHEVET, WIDTH, DOMAIN = (
    "textbook.gaussian_lipschitz",
    "textbook.chevet",
    "own.sparse_width",
    "own.eq14_domain",
)
GENERAL, CORRECTED, IN_RANGE = "vanveen18.eq14.general_t", "vanveen18.eq14.corrected", "vanveen18.eq14.in_range"
CEILING, CHANGE = "vanveen18.lemB2.ceiling.corrected", "vanveen18.eq13"


def _source(label: str, equation: str = "", page: int = 20, reading: str = "") -> Source:
    return Source("vanveen18", label, equation, page, reading)


# Eq. (14): the supremum of ||V_S|| over |S| <= s.


def lipschitz_supremum(p: Premises) -> Symbolic:
    """sup ||V_S|| is 1-Lipschitz in V, its mean is Chevet's: concentration gives every t."""
    chevet, lipschitz = p.of(CHEVET), p.of(LIPSCHITZ)
    v = sp.symbols("v", real=True)
    return reduced(
        "| ||V_S|| - ||U_S|| | <= ||(V - U)_S||, below the Frobenius norm of V - U entry by entry, so the maximum over S "
        "has the Lipschitz constant 1; a smaller S has a smaller norm.",
        [
            *((f"entry with s = {s}", (v**2 - (s * v) ** 2).is_nonnegative is True) for s in (0, 1)),
            ("Lipschitz constant 1", F(lipschitz["lipschitz"]) >= 1),
            ("factor of sqrt n", F(p["rows"]) >= F(chevet["rows"])),
            ("factor of the width", F(p["width"]) >= F(chevet["width"])),
            ("failure factor", F(p["failure_factor"]) >= F(lipschitz["factor"])),
            ("failure rate", F(p["failure_rate"]) <= F(lipschitz["rate"])),
            ("power of t", F(p["power"]) == F(lipschitz["power"])),
        ],
        sufficient=True,
    )


def width_under_the_root(p: Premises) -> Symbolic:
    """t = (deviation - rows) sqrt n, and E max ||g_S|| <= sqrt(E max <g_S, g_S>), which the width's record bounds."""
    general, width = p.of(GENERAL), p.of(DOMAIN if "share" in p.constants else WIDTH)
    reach, scale = F(p["deviation"]) - F(general["rows"]), F(general["width"]) ** 2
    linear = F(p.constants.get("linear", 0)) - scale * F(width.get("linear", 0))
    share = F(p.constants.get("share", 1)) if p.given("share") else F(1)
    return reduced(
        "log(d/s) >= 0 and s > 0, so factors may be compared one by one.",
        [
            ("t is not negative", reach >= 0),
            ("t^power is in units of n", F(general["power"]) == 2),
            ("failure rate", F(general["failure_rate"]) * reach**2 >= F(p["failure_rate"])),
            ("failure factor", F(general["failure_factor"]) <= 1),
            ("factor of s log(d/s)", F(p["log_factor"]) >= scale * F(width["log_factor"])),
            ("factor of s", linear >= 0),
            ("shares for which the width is bounded", share <= F(width.get("share", 1))),
        ],
        sufficient=True,
    )


def general_failure(case: Case, c: Constants) -> Sides:
    """At s = d: P(||V|| > rows sqrt n + width E||g|| + t) against factor e^{-rate t^power}."""
    n, d, t = int(case["n"]), int(case["d"]), case["t"]
    with ctx.workprec(suprema.BITS):
        level = ball(c["rows"]) * ball(n).sqrt() + ball(c["width"]) * suprema.chi_mean(d) + ball(t)
        exponent = ball(c["failure_rate"]) * (ball(t) ** ball(c["power"]) if t else 0)
        return Sides(suprema.norm_above(n, d, level), ball(c["failure_factor"]) * (-exponent).exp())


def supremum_failure(case: Case, c: Constants) -> Sides:
    """P(sup over |S| <= s of ||V_S|| exceeds its bound) against e^{-rate n}: s = d, s = 1, or one row."""
    n, s, d = int(case["n"]), int(case["s"]), int(case["d"])
    with ctx.workprec(suprema.BITS):
        level = sparse_bound(n, ball(s), d, c)
        claimed = (-ball(c["failure_rate"]) * n).exp()
        if s == d:
            return Sides(suprema.norm_above(n, d, level), claimed)
        if s == 1:
            return Sides(suprema.longest_column_above(n, d, level), claimed)
        if n > 1:
            raise ValueError(f"case must have s = d, s = 1 or n = 1 for an exact law, got n={n}, s={s}, d={d}")
        return Sides(suprema.largest_squares_above(d, s, level**2), claimed)


def sparse_bound(n: int, s: arb, d: int, c: Constants) -> arb:
    """deviation sqrt n + sqrt(A s log(d/s) + c s), c = 0 where the statement has no linear term."""
    inside = ball(c["log_factor"]) * s * (d / s).log() + ball(c.get("linear", 0)) * s
    return ball(c["deviation"]) * ball(n).sqrt() + inside.max(arb(0)).sqrt()


def _sets(*triples: tuple[int, int, int]) -> tuple[Mapping[str, int], ...]:
    return tuple({"n": n, "s": s, "d": d} for n, s, d in triples)


_WHOLE = ((1, 1, 1), (2, 40, 40), (8, 40, 40), (1, 10**12, 10**12), (10**6, 1, 1))
_SPARSE = ((1, 1, 10**60), (100, 1, 10**6), (10**6, 1, 10), (1, 10**11, 10**12))


def _within_share(c: Constants) -> tuple[Mapping[str, int], ...]:
    sparse = tuple((1, max(1, min(d, int(F(c["share"]) * d))), d) for d in (10**12, 10**24))
    return _sets(*_WHOLE, *_SPARSE, *sparse)


def in_share(case: Case, c: Constants) -> bool:
    """Whether s <= share d."""
    return bool(case["s"] <= F(c["share"]) * case["d"])


_EQ14: dict[str, Any] = {
    "refuted_by": "s <= d where the exact failure probability exceeds the claimed one",
    "domain": {"n": Range(1, 10**9), "s": Range(1, 10**60), "d": Range(1, 10**60)},
    "version": 2,
}
_EQ14_CONSTANTS = {
    "deviation": Constant(2, "down"),
    "log_factor": Constant(2, "down"),
    "failure_rate": Constant(F(1, 2), "up"),
}
_EQ14_TEX = (
    r"P\{\sup_{|S|\le s}\|V_S\|\le ${deviation:factor}\sqrt n+\sqrt{${log_factor:factor}s\log(d/s)%s}\}"
    r"\ge 1-e^{-${failure_rate:factor}n}"
)
_EQ14_SAYS = (
    "For every s <= %sd, sup over |S| <= s of ||V_S|| is at most ${deviation:factor}sqrt n + "
    "sqrt(${log_factor:factor}s log(d/s)%s) with probability 1 - e^{-${failure_rate:factor}n}."
)
_EQ14_CONTROLS = (
    Control("deviation_1.77", {"deviation": F(177, 100)}),
    Control("log_factor_1.45", {"log_factor": F(145, 100)}),
    Control("rate_0.82", {"failure_rate": F(82, 100)}),
)

_SUPREMUM = (
    Claim(
        id=GENERAL,
        source=_source("display before eq. (14)", "", 20, "the width w(s) in place of sqrt(2 s log(d/s))"),
        says="For every s <= d and t >= 0, sup over |S| <= s of ||V_S|| is at most ${rows:factor}sqrt n + ${width:factor}w(s) + t with probability 1 - ${failure_factor:factor}e^{-${failure_rate:factor}t^$power}, w(s) = E max over |S| = s of ||g_S||.",
        tex=r"P\{\sup_{|S|\le s}\|V_S\|>${rows:factor}\sqrt n+${width:factor}w(s)+t\}\le ${failure_factor:factor}e^{-${failure_rate:factor}t^$power}",
        refuted_by="n, d, t where the exact law at s = d gives more",
        domain={"n": Range(1, 10**9), "d": Range(1, 10**60), "t": Range(1e-60, 1e60, False, True)},
        constants={
            "rows": Constant(1, "down"),
            "width": Constant(1, "down"),
            "failure_factor": Constant(1, "down"),
            "failure_rate": Constant(F(1, 2), "up"),
            "power": Constant(2),
        },
        needs=(CHEVET, LIPSCHITZ),
        proofs=(lipschitz_supremum,),
        exact=ExactRoute(
            tuple(
                {"n": n, "d": d, "t": t}
                for n, d, t in (
                    (1, 1, 0),
                    (1, 1, 1000),
                    (1, 10**12, 10),
                    (10**8, 1, 10),
                    (4, 4, F(1, 10)),
                    (8, 40, 1),
                    (2, 10, 3),
                )
            ),
            general_failure,
        ),
        controls=(
            Control("rows_0.99", {"rows": F(99, 100)}),
            Control("width_0.999", {"width": F(999, 1000)}),
            Control("rate_0.51", {"failure_rate": F(51, 100)}),
            Control("power_2.01", {"power": F(201, 100)}),
            Control("factor_0.07", {"failure_factor": F(7, 100)}),
        ),
    ),
    Claim(
        id="vanveen18.eq14.printed",
        source=_source("eq. (14)", "sup_{|S|<=s} ||V_S|| <= 2 sqrt n + sqrt(2 s log(d/s))"),
        says=_EQ14_SAYS % ("", ""),
        tex=_EQ14_TEX % "",
        constants=_EQ14_CONSTANTS,
        exact=ExactRoute(_sets(*_WHOLE, *_SPARSE), supremum_failure),
        controls=_EQ14_CONTROLS,
        **_EQ14,
    ),
    Claim(
        id=CORRECTED,
        source=_source("eq. (14), with the linear term"),
        says=_EQ14_SAYS % ("", " + ${linear:factor}s"),
        tex=_EQ14_TEX % "+${linear:factor}s",
        constants={**_EQ14_CONSTANTS, "linear": Constant(1, "down")},
        needs=(GENERAL, WIDTH),
        proofs=(width_under_the_root,),
        exact=ExactRoute(_sets(*_WHOLE, *_SPARSE), supremum_failure),
        controls=(*_EQ14_CONTROLS, Control("linear_0.999", {"linear": F(999, 1000)})),
        **_EQ14,
    ),
    Claim(
        id=IN_RANGE,
        source=_source("eq. (14), where it is true"),
        says=_EQ14_SAYS % ("${share:factor}", ""),
        tex=r"s\le ${share:factor}d\Rightarrow " + _EQ14_TEX % "",
        hypotheses=(Hypothesis("share", "s <= ${share:factor}d", in_share),),
        constants={**_EQ14_CONSTANTS, "share": Constant(F(18, 100), "up")},
        needs=(GENERAL, DOMAIN),
        proofs=(width_under_the_root,),
        exact=ExactRoute(_within_share, supremum_failure),
        controls=(*_EQ14_CONTROLS, Control("share_0.186", {"share": F(186, 1000)}), Control("any_s", {}, ("share",))),
        **{**_EQ14, "version": 1},
    ),
)


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
        id=CEILING,
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


def two_failures(p: Premises) -> Symbolic:
    """|S(W)| <= s on C.2's event, whole and at most d, and (14) at this s, for all W at once; the failures add."""
    count, supremum = p.of(CHANGES), p.of(CORRECTED)
    same = [(f"the same {name} as in C.2", F(p[name]) == F(count[name])) for name in ("factor", "scale", "power")]
    covered = [(f"(14)'s {name}", F(p[name]) >= F(supremum[name])) for name in ("deviation", "log_factor", "linear")]
    return reduced(
        "J(W) - J(W_0) is V with the columns outside S(W) put to zero, times ||z||; S(W) depends on W_0 and W only.",
        [
            *same,
            *covered,
            ("power of ||z||", F(p.of(CHANGE)["z_power"]) == 1),
            ("failure rate in n", F(p["failure_rate_rows"]) <= F(supremum["failure_rate"])),
            ("failure rate in x", F(p["failure_rate_flips"]) <= F(count["failure_rate"])),
        ],
        sufficient=True,
    )


def two_failures_in_range(p: Premises) -> Enclosed:
    """s = 2 ceil(x) <= 3x <= share d: (14) as printed holds at s, and s log(d/s) grows up to d/e, so up to 3x."""
    count, ceiling, supremum = p.of(CHANGES), p.of(CEILING), p.of(IN_RANGE)
    share = F(p["share"]) if p.given("share") else F(1)
    least = F(p["least"]) if p.given("least") else F(0)
    with ctx.workprec(120):
        growth = (-arb(1)).exp() - ball(share)
        facts = (
            F(p["scale"]) == F(count["scale"]) and F(p["power"]) == F(count["power"]),
            F(count["factor"]) <= F(ceiling["factor"]) and least >= F(ceiling["least"]),
            F(p["inner"]) == F(ceiling["slope"]),
            share <= F(supremum["share"]),
            F(p["deviation"]) >= F(supremum["deviation"]),
            F(p["log_factor"]) >= F(supremum["log_factor"]) * F(ceiling["slope"]),
            F(p["failure_rate_rows"]) <= F(supremum["failure_rate"]),
            F(p["failure_rate_flips"]) <= F(count["failure_rate"]),
            F(p.of(CHANGE)["z_power"]) == 1,
        )
        return enclosed(
            {"1/e - share": growth},
            [growth, *map(fact, facts)],
            "C.2 counts factor ceil(x) signs at most, the ceiling's step makes it slope x; the derivative of s log(d/s) "
            "is log(d/s) - 1, positive below d/e; the failures add.",
            sufficient=True,
        )


def movement_failure(case: Case, c: Constants) -> Sides:
    """P(||J(W) - J(W_0)|| exceeds its bound for some W within R): all signs can be changed, or one row of V."""
    n, d, x = int(case["n"]), int(case["d"]), F(case["x"])
    with ctx.workprec(suprema.BITS):
        radius, level = radius_of(x, d, c), movement_bound(n, d, x, c)
        claimed = (-ball(c["failure_rate_rows"]) * n).exp() + (-ball(c["failure_rate_flips"]) * ball(x)).exp()
        if radius**2 > 4 * d:
            norm = suprema.norm_above(n, d, level)
            return Sides((norm * (1 - suprema.chi_above(d, radius))).union(norm), claimed)
        if n > 1:
            raise ValueError(f"case must have R > 2 sqrt d or n = 1 for an exact law, got n={n}, d={d}, x={x}")
        return Sides(suprema.row_above(d, radius, level), claimed)


def movement_bound(n: int, d: int, x: F, c: Constants) -> arb:
    """The bound over nu ||z||: with s = min(d, factor ceil(x)), or with x itself where there is an inner factor."""
    if "inner" in c:
        inside = ball(c["log_factor"]) * ball(x) * (d / (ball(c["inner"]) * ball(x))).log()
        return ball(c["deviation"]) * ball(n).sqrt() + inside.max(arb(0)).sqrt()
    return sparse_bound(n, ball(min(F(d), F(c["factor"]) * math.ceil(x))), d, c)


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


def _one_row(c: Constants) -> tuple[Mapping[str, Any], ...]:
    """One row, d = 10^60: x at shares of d, the last at the largest share in which the statement speaks."""
    d, factor = 10**60, F(c["inner"] if "inner" in c else c["factor"])
    shares = (F(1, 100), F(1, 2), F(9, 10), F(1), F(c.get("share", 1)))
    return tuple({"n": 1, "d": d, "x": share * d / factor} for share in shares if factor > 0 and share > 0)


def _signs(c: Constants) -> tuple[Mapping[str, Any], ...]:
    return (*_one_row(c), *_ALL_SIGNS)


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
    ({"n": 4, "d": 120, "R": 0.08}, {"n": 2000, "d": 120, "R": 0.08}),
    movement_attacked,
    movement_probability,
    12,
    attack=True,
)

_MOVEMENT = (
    Claim(
        id="vanveen18.lemB2.printed",
        source=_source("Lemma B.2", "", 17, "bound read as 2 sqrt n + sqrt(6(2dR)^{2/3} log(d/(3(2dR)^{2/3})))"),
        says="Whatever R is, " + _SAYS % _AS_PRINTED[0] + ".",
        tex=_TEX % _AS_PRINTED[1],
        constants=_PRINTED,
        exact=ExactRoute(_signs, movement_failure),
        controls=(Control("deviation_1", {"deviation": 1}),),
        **_LEMMA_B2,
    ),
    Claim(
        id="vanveen18.lemB2.corrected",
        source=_source("Lemma B.2, with s = 2 ceil((2dR)^{2/3}) and the linear term", "", 17),
        says="Whatever R is, "
        + _SAYS % "${log_factor:factor}s log(d/s) + ${linear:factor}s"
        + ", s = min(d, ${factor:factor}ceil(x)).",
        tex=_TEX % r"${log_factor:factor}s\log(d/s)+${linear:factor}s" + r",\ s=\min(d,${factor:factor}\lceil x\rceil)",
        constants={
            "deviation": Constant(2, "down"),
            "log_factor": Constant(2, "down"),
            "linear": Constant(1, "down"),
            "factor": Constant(2, "down"),
            **_X,
            **_RATES,
        },
        needs=(CHANGES, CORRECTED, CHANGE),
        proofs=(two_failures,),
        exact=ExactRoute(_signs, movement_failure),
        count=_ATTACK,
        controls=(
            Control("linear_0.999", {"linear": F(999, 1000)}),
            Control("deviation_1.77", {"deviation": F(177, 100)}),
            Control("rate_in_n_0.82", {"failure_rate_rows": F(82, 100)}),
            Control("power_0.65", {"power": F(65, 100)}),
        ),
        **_LEMMA_B2,
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
        needs=(CHANGES, IN_RANGE, CEILING, CHANGE),
        proofs=(two_failures_in_range,),
        exact=ExactRoute(_signs, movement_failure),
        count=_ATTACK,
        controls=(
            Control("share_0.9", {"share": F(9, 10)}),
            Control("any_share", {}, ("share",)),
            Control("deviation_0.8", {"deviation": F(8, 10)}),
            Control("power_0.65", {"power": F(65, 100)}),
        ),
        **_LEMMA_B2,
    ),
)

CLAIMS: tuple[Claim, ...] = (*_SUPREMUM, *_CEILING, *_MOVEMENT)
