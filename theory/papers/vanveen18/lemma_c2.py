"""Lemma C.2, how many signs of <w_l, z> change within a radius, and the Lemmas C.3 and C.4 that it rests on.

Only g = W_0 z/||z|| matters, a standard normal vector in R^d: a change of sign l costs g_l^2 of the squared radius.
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
    Premises,
    Proof,
    Range,
    SearchRoute,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.laws import order_statistics, suprema
from untrained.theory.objects import sign_changes
from untrained.theory.proof.algebra import reduced
from untrained.theory.proof.balls import ball, enclosed, fact

_RANKS, _SMALLEST, CHANGES = "vanveen18.lemC3", "vanveen18.lemC4", "vanveen18.lemC2"
_BINOMIAL = "textbook.binomial_upper"


def _source(label: str, reading: str = "") -> Source:
    return Source("vanveen18", label, "", 20, reading)


# Lemma C.3: within sqrt(m) |W_0 z|_{m-}/||z|| at most 2m signs change.


def rank_budget(p: Premises) -> Symbolic:
    """b m + o changes or fewer, b = per_rank, for every m >= 1: one more would cost more than the squared radius.

    All but m - 1 rows cost |g|_{m-}^2 each at least, so k changes cost (k - m + 1) |g|_{m-}^2.
    """
    per_rank, offset, budget = F(p["per_rank"]), F(p["offset"]), F(p["budget"])
    return reduced(
        "At most m - 1 + budget^2 m signs change, and this number is whole or rounded down; S(W) does not change when "
        "z is rescaled, nor does W_0 z/||z||, so the radius may not change either.",
        [
            ("m - 1 + budget^2 m <= per_rank m + offset at m = 1", budget**2 <= per_rank + offset),
            ("and for every larger m, both sides being linear in m", 1 + budget**2 <= per_rank),
            ("radius invariant under z -> scale z", F(p["norm_of_z"]) == 1),
        ],
        sufficient=True,
    )


def most_changes(case: Case, c: Constants) -> Sides:
    """The most changes over all W_0 of this size: m - 1 entries of g nearly 0, the others 1, against the bound."""
    m, d = int(case["m"]), int(case["d"])
    with ctx.workprec(256):
        spread = ball(F(c["budget"]) ** 2 * m) * ball(case["z_norm"]) ** ball(2 - 2 * F(c["norm_of_z"]))
        count = (m - 1 + spread.floor()).min(ball(d))
        return Sides(count, ball(F(c["per_rank"]) * m + F(c["offset"])), unit=ball(m))


def changes_within(case: Case, c: Constants) -> Sides:
    """The most changes for the g at hand, within the radius that its m-th smallest entry gives."""
    g, m = case["g"], min(int(case["m"]), case["g"].shape[-1])
    radius = float(c["budget"]) * math.sqrt(m) * case["z_norm"] ** (1 - float(c["norm_of_z"]))
    count = sign_changes.worst_count(g, radius * order_statistics.smallest_entry(g, m))
    return Sides(count, np.array(float(c["per_rank"] * m + c["offset"])), unit=np.array(float(m)))


_RANKED = tuple(
    {"m": m, "d": d, "z_norm": z}
    for m, d in ((1, 10), (2, 10), (2, 3), (10, 40), (100, 400), (10**4, 10**5), (10**6, 10**9))
    for z in (1, F(1, 10**60), 10**60)
)
_SMALL_RANKS = {"m": Range(1, 40), "d": Range(1, 200), "z_norm": Range(0.1, 10, False, True)}


def lemma_c3(claim_id: str, offset: int, source: Source) -> Claim:
    """Lemma C.3 with 2m + offset, by the same evidence whatever the offset."""
    return Claim(
        id=claim_id,
        source=source,
        says="For every rank m <= d, if ||W - W_0|| <= ${budget:factor}sqrt(m) |W_0 z|_{m-}/||z||${norm_of_z:power} then at most ${per_rank:factor}m${offset:term} rows change the sign of <w_l, z>.",
        tex=r"\|W-W_0\|\le${budget:factor}\sqrt m\,|W_0z|_{m-}/\|z\|${norm_of_z:power}\Rightarrow|S(W)|\le ${per_rank:factor}m${offset:term}",
        refuted_by="W_0, z, m whose exact worst case within the radius changes more signs",
        domain={"m": Range(1, 10**60), "d": Range(1, 10**60), "z_norm": Range(1e-60, 1e60, False, True)},
        law={"g": Draw("gaussian", ("d",))},
        constants={
            "per_rank": Constant(2, "down"),
            "offset": Constant(offset, "down"),
            "budget": Constant(1, "up"),
            "norm_of_z": Constant(1),
        },
        proofs=(rank_budget,),
        exact=ExactRoute(_RANKED, most_changes),
        search=SearchRoute(changes_within, within=_SMALL_RANKS),
        controls=(
            Control("per_rank_1.999", {"per_rank": F(1999, 1000)}),
            Control("radius_1.01", {"budget": F(101, 100)}),
            Control("norm_to_the_1.01", {"norm_of_z": F(101, 100)}),
        ),
        version=2,
    )


# Lemma C.4: the m-th smallest of |g_l| is at least m/(2d).


def order_exponent(p: Premises) -> Enclosed:
    """Chernoff: P(Bin(d, P(|g| < level m/d)) >= m) <= e^{-m x} for all m <= d, with x from the density at 0."""
    binomial = p.of(_BINOMIAL)
    with ctx.workprec(120):
        q = 2 * ball(p["level"]) / (2 * arb.pi()).sqrt()
        x = ball(binomial["rate"]) * (q - 1 - q.log())
        return enclosed(
            {"exponent by Chernoff": x, "mean/m at most": q},
            [x - ball(p["exponent"]), 1 - q, fact(binomial["factor"] <= 1)],
            "dp = d P(|g| < level m/d) <= q m, the density being at most 1/sqrt(2 pi) on both sides of 0; "
            "(dp/m)^m e^{m - dp} grows in p up to p = m/d, so q < 1 may stand for dp/m.",
            sufficient=True,
        )


def small_entry_failure(case: Case, c: Constants) -> Sides:
    """P(|g|_{m-} < level m/d), a binomial tail, against e^{-exponent m}."""
    m, d = int(case["m"]), int(case["d"])
    with ctx.workprec(suprema.BITS):
        failure = suprema.binomial_above(d, m, suprema.below(ball(c["level"]) * m / d))
        return Sides(failure, (-ball(c["exponent"]) * m).exp())


_ORDERED = tuple({"m": m, "d": d} for d in (1, 10, 10**3, 10**15) for m in (1, 2, 20, 400, 10**6) if m <= d)


def lemma_c4(claim_id: str, exponent: F, source: Source, *controls: Control) -> Claim:
    """Lemma C.4 with this exponent, by the same evidence whatever it is."""
    return Claim(
        id=claim_id,
        source=source,
        says="For each rank m <= d, |W_0 z|_{m-}/||z|| >= ${level:factor}m/d with probability at least 1 - e^{-${exponent:factor}m}.",
        tex=r"P\{|W_0z|_{m-}/\|z\|\ge ${level:factor}m/d\}\ge 1-e^{-${exponent:factor}m}",
        refuted_by="m <= d where the exact binomial tail is larger",
        domain={"m": Range(1, 10**9), "d": Range(1, 10**60)},
        constants={"level": Constant(F(1, 2), "up"), "exponent": Constant(exponent, "up")},
        needs=(_BINOMIAL,),
        proofs=(order_exponent,),
        exact=ExactRoute(_ORDERED, small_entry_failure, compares=FAILURE_SIDES),
        controls=controls,
        version=2,
    )


# Lemma C.2: at most 2 ceil(x) changes within R, x = (2dR)^{2/3}.


def changes_by_rank(p: Premises) -> Symbolic:
    """C.4 at the rank m = ceil(x) puts R within C.3's radius, for every d and R.

    That radius is budget level m^{3/2}/d, and R = x^{1/power}/(scale d). For x <= 1 the rank is 1; where m > d the
    bound exceeds d.
    """
    ranks, smallest = p.of(_RANKS), p.of(_SMALLEST)
    per_rank, offset, factor = F(ranks["per_rank"]), F(ranks["offset"]), F(p["factor"])
    reach = F(ranks["budget"]) * F(smallest["level"]) * F(p["scale"])
    return reduced(
        "m >= x where x >= 1, so m^{3/2} >= x^{3/2} = (scale dR)^{3 power/2} >= scale dR; C.4's event is of W_0 alone, "
        "so C.3 speaks of every such W at once; its failure e^{-exponent m} is e^{-exponent x} at most.",
        [
            ("budget level scale >= 1", reach >= 1),
            ("3 power/2 >= 1", F(3, 2) * F(p["power"]) >= 1),
            ("C.3 divides by ||z||, as C.4 does", F(ranks["norm_of_z"]) == 1),
            ("per_rank m + offset <= factor m at m = 1", per_rank + offset <= factor),
            ("and for every larger m", per_rank <= factor),
            ("where m > d the bound exceeds d", factor >= 1),
            ("failure rate", F(p["failure_rate"]) <= F(smallest["exponent"])),
        ],
        sufficient=True,
    )


def radius_of(x: Any, d: int, c: Constants) -> arb:
    """The R at which (scale dR)^power is x."""
    return ball(x) ** (1 / ball(c["power"])) / (ball(c["scale"]) * d)


def most_counted(x: Any, c: Constants) -> Any:
    """The number of changes that a statement grants at this x: factor ceil(x), or per_x x."""
    return c["per_x"] * x if "per_x" in c else c["factor"] * math.ceil(x)


def count_failure(case: Case, c: Constants, sides: int = 2) -> Sides:
    """P(more signs than granted can be changed within R) against e^{-rate x}, R from x."""
    x, d = F(case["x"]), int(case["d"])
    with ctx.workprec(suprema.BITS):
        limit = (-ball(c["failure_rate"]) * ball(x)).exp()
        most = math.floor(F(most_counted(x, c)))
        return Sides(suprema.changes_at_least(d, most + 1, radius_of(x, d, c), limit, sides), limit)


def changes_above(case: Case, c: Constants, sides: int = 2) -> Sides:
    """The most changes for the g at hand against the number granted; with one side only neurons that are on count."""
    g, R = case["g"], case["R"]
    x = (float(c["scale"]) * g.shape[-1] * R) ** float(c["power"])
    counting = g if sides == 2 else np.where(g > 0, g, 1 + 2 * R)
    return Sides(sign_changes.worst_count(counting, R), float(most_counted(x, c)))


def count_probability(case: Case, c: Constants) -> float:
    """1 - e^{-rate x}."""
    x = (float(c["scale"]) * case["d"] * case["R"]) ** float(c["power"])
    return 1 - math.exp(-float(c["failure_rate"]) * x)


_RADII = tuple(
    {"x": x, "d": d}
    for x, d in (
        (F(1, 10), 1),
        (1, 1000),
        (F(11, 10), 1000),
        (10, 1000),
        (100, 1000),
        (10**4, 10**12),
        (10**6, 10**12),
        (10**40, 10**60),
    )
)


def lemma_c2(
    claim_id: str,
    source: Source,
    granted: Mapping[str, Constant],
    proof: Proof,
    needs: tuple[str, ...],
    *controls: Control,
    sides: int = 2,
    version: int = 1,
) -> Claim:
    """Lemma C.2 for another number of changes (`granted`, of `most_counted`), by the same routes.

    With one side it counts the neurons that go off.
    """
    number = "${per_x:factor}x" if "per_x" in granted else "${factor:factor}ceil(x)"
    in_tex = "${per_x:factor}x" if "per_x" in granted else r"${factor:factor}\lceil x\rceil"
    does = f"changes at most {number} signs" if sides == 2 else f"puts at most {number} neurons off"
    S = "S(W)" if sides == 2 else r"S(W)\cap A_0"
    return Claim(
        id=claim_id,
        source=source,
        says="With probability 1 - e^{-${failure_rate:factor}x}, x = (${scale:factor}dR)^{$power}, every W within R of W_0 "
        + does
        + ".",
        tex=r"x=(${scale:factor}dR)^{$power}:\ P\{\|W-W_0\|\le R\Rightarrow|"
        + S
        + r"|\le "
        + in_tex
        + r"\}\ge 1-e^{-${failure_rate:factor}x}",
        refuted_by="d, R where the exact worst case exceeds the bound more often than claimed",
        domain={"d": Range(1, 10**60), "R": Range(1e-60, 1e60, False, True)},
        law={"g": Draw("gaussian", ("d",))},
        constants={
            **granted,
            "scale": Constant(2, "down"),
            "power": Constant(F(2, 3), "down"),
            "failure_rate": Constant(F(1, 6), "up"),
        },
        needs=needs,
        proofs=(proof,),
        exact=ExactRoute(_RADII, partial(count_failure, sides=sides), compares=FAILURE_SIDES),
        count=CountRoute(
            ({"d": 30, "R": 0.05}, {"d": 100, "R": 0.1}), partial(changes_above, sides=sides), count_probability, 2000
        ),
        controls=controls,
        version=version,
    )


CLAIMS: tuple[Claim, ...] = (
    lemma_c3(
        _RANKS,
        0,
        _source("Lemma C.3 (Oymak and Soltanolkotabi 2019, Lemma C.2)", "the division by ||z|| is read from 'JWIkm-'"),
    ),
    lemma_c4(
        _SMALLEST,
        F(1, 6),
        _source("Lemma C.4 (Oymak and Soltanolkotabi 2019, Lemma C.3)", "m/(2d) and e^{-m/6} are read"),
        Control("exponent_0.318", {"exponent": F(318, 1000)}),
        Control("level_0.67", {"level": F(67, 100)}),
    ),
    lemma_c2(
        CHANGES,
        _source("Lemma C.2", "the exponent 2/3 and the ceiling are read"),
        {"factor": Constant(2, "down")},
        changes_by_rank,
        (_RANKS, _SMALLEST),
        Control("power_0.66", {"power": F(66, 100)}),
        Control("factor_1", {"factor": 1}),
        Control("scale_0.7", {"scale": F(7, 10)}),
        Control("rate_1.3", {"failure_rate": F(13, 10)}),
        version=2,
    ),
)
