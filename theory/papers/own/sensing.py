"""Gaussian measurements: Theorem B.5 on y = Ax given A, and how well conditioned an i.i.d. normal A is."""

from __future__ import annotations

from fractions import Fraction as F
from functools import lru_cache
from typing import Any

import sympy as sp
from flint import arb, ctx

from untrained.theory.claim import (
    FAILURE_SIDES,
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.laws.wishart import eigenvalues_inside
from untrained.theory.papers.vanveen18.remark import sensed_terms
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

_LARGEST, _SMALLEST = "textbook.davidson_szarek.largest", "textbook.davidson_szarek.smallest"
_B1, _B2, _B3 = "vanveen18.lemB1.proof", "vanveen18.lemB2.in_range", "vanveen18.lemB3"
_NORM, _TRIANGLE, _NU = "vanveen18.lemB4.norm", "vanveen18.lemB4.triangle", "vanveen18.lemB4.arithmetic"
_META, _ALPHA_R, _BUDGET = "vanveen18.thmB5.rate", "vanveen18.alpha_R", "vanveen18.width.normalisation"

_D, _M, _Y, _SIGMA, _S = sp.symbols("d m y_norm sigma S", positive=True)


def coloured_law(p: Premises) -> list[tuple[str, sp.Expr]]:
    """Entries of AV and of (AA^T)^root G given A: equal covariances, any sizes, by the eigenvalues of AA^T."""
    nu, within, across, value = sp.symbols("nu within across eigenvalue", positive=True)
    gram = {"within": within, "across": across}
    ours = sensed_terms(nu, gram, independent=p.given("normal"))
    theirs = sensed_terms(nu, gram, independent=True)
    return [
        ("(AA^T)^root twice over is AA^T", value ** (2 * exact_number(p["root"])) - value),
        *((f"AV against (AA^T)^root G: {name}", ours[name] - theirs[name]) for name in ours),
    ]


def _numbers(constants: Constants) -> dict[str, sp.Expr]:
    return {name: exact_number(value) for name, value in constants.items()}


def _size_of_v(p: Premises) -> sp.Expr:
    """nu ||z||, nu by the number of measurements."""
    return _Y / (_D * _M) ** exact_number(p.of(_NU)["nu_power"])


def _alpha(p: Premises) -> sp.Expr:
    """Half of Lemma B.1's bound for G, for orthonormal rows."""
    return exact_number(p.of(_B1)["fraction"]) * _size_of_v(p) * sp.sqrt(_D) / exact_number(p.of(_META)["a1"])


def sensed_alpha(p: Premises, c: Constants) -> list[tuple[str, Any]]:
    """A1 by ||(BG_S)^T u|| >= sigma_min(G_S) ||Bu||, and what A2 leaves for ||G_F||, as ||BG_F|| <= S ||G_F||."""
    more, s = sp.symbols("excess s", positive=True)
    least = _SIGMA + more if p.given("values") else sp.Integer(0)  # ||Bu|| for a unit u
    left = exact_number(p.of(_META)["a2"]) * _SIGMA * _alpha(p) / _S
    return [
        ("A1: sigma_min(BG_S) >= sigma sigma_min(G_S)", sp.expand(s * least - s * _SIGMA) >= 0),
        ("alpha", _SIGMA * (_alpha(p) - _Y / (c["alpha_divisor"] * sp.sqrt(_M)))),
        ("budget of A2", left - c["budget"] * _SIGMA / _S * _Y / sp.sqrt(_M)),
        ("budget for orthonormal rows", c["budget"] - exact_number(p.of(_BUDGET)["budget"])),
    ]


def sensed_step(p: Premises, c: Constants) -> list[tuple[str, Any]]:
    """The step 1/beta^2, beta = S times Lemma B.3's bound, and eta alpha^2, over those for orthonormal rows."""
    b3, kappa, step = _numbers(p.of(_B3)), sp.symbols("kappa", positive=True), exact_number(p.of(_META)["step"])
    beta = _size_of_v(p) * (b3["columns"] * sp.sqrt(_D) + b3["deviation"] * sp.sqrt(_M))
    ratio = (step / (_S * beta) ** 2) / (step / beta**2)
    power = exact_number(p.of(_META)["rate_power"])
    decrease = ratio * (_SIGMA * _alpha(p)) ** power / _alpha(p) ** power
    return [
        ("step", ratio - _S ** -c["step_power"]),
        ("decrease", decrease.subs(_SIGMA, kappa * _S) - kappa ** c["rate_power"]),
    ]


def sensed_radius(p: Premises, c: Constants) -> list[tuple[str, Any]]:
    """R by Theorem B.5 with the misfit S ||G phi|| + ||y||, and the share s/d of Lemma B.2, which grows with R."""
    sides, b2, growth = _numbers(p.of(_TRIANGLE)), _numbers(p.of(_B2)), sp.symbols("growth", positive=True)
    misfit = (sides["output"] * exact_number(p.of(_NORM)["factor"]) * _S + sides["target"]) * _Y
    claimed = c["radius"] * (c["output"] * _S + c["target"]) * sp.sqrt(_M) / _SIGMA
    share = (b2["scale"] * _D * growth) ** b2["power"] / (b2["scale"] * _D) ** b2["power"]
    orthonormal = exact_number(p.of(_ALPHA_R)["radius"]) * sp.sqrt(_M)
    return [
        ("radius", exact_number(p.of(_META)["radius"]) * misfit / (_SIGMA * _alpha(p)) - claimed),
        ("radius for orthonormal rows", claimed.subs({_S: 1, _SIGMA: 1}) - orthonormal),
        ("s/d as R grows", share - growth ** c["share_power"]),
    ]


def sensed_descent(p: Premises) -> Symbolic:
    """Theorem B.5 for BG, B = (AA^T)^{1/2} with values in [sigma, S], by the lemmas on G."""
    c = _numbers(p.constants)
    return reduced(
        "||BG|| <= S ||G|| and ||BG phi|| <= S ||G phi||; the rest is substitution into Theorem B.5.",
        [*coloured_law(p), *sensed_alpha(p, c), *sensed_step(p, c), *sensed_radius(p, c)],
    )


def values_of_a_normal_matrix(p: Premises) -> Enclosed:
    """Both of Davidson and Szarek's tails at t = (deviation - 1) sqrt m, for every m <= n."""
    low, high = p.of(_SMALLEST), p.of(_LARGEST)
    with ctx.workprec(120):
        columns, deviation = ball(p["columns"]), ball(p["deviation"])
        claimed, rate = ball(p["failure_factor"]), ball(p["failure_rate"])
        above, below = (deviation - ball(x["rows"]) for x in (high, low))
        exponents = [ball(x["rate"]) * t.max(arb(0)) ** int(x["power"]) for x, t in ((high, above), (low, below))]
        first = sum(ball(x["factor"]) * (rate - e).exp() for x, e in zip((high, low), exponents, strict=True))
        fit = [columns - ball(high["columns"]), ball(low["columns"]) - columns]
        fit.append(fact(min(high["power"], low["power"]) >= 2))
        return enclosed(
            {"exponent above": exponents[0], "exponent below": exponents[1]},
            [*(e - rate for e in exponents), claimed - first, *fit],
            "sqrt(m) A is standard normal, of m rows and n columns; beyond the claimed rate the quotient falls in m, "
            "so m = 1 decides the factor.",
            sufficient=True,
        )


def values_outside(case: Case, c: Constants) -> Sides:
    """P(a singular value of sqrt(m) A outside columns sqrt n -+ deviation sqrt m) against the claimed failure."""
    m = int(case["m"])
    with ctx.workprec(200):
        claimed = ball(c["failure_factor"]) * (-ball(c["failure_rate"]) * m).exp()
        unit = claimed if claimed > 0 else arb(1)
        return Sides(_outside(m, int(case["n"]), c["columns"], c["deviation"]), claimed, unit=unit)


@lru_cache
def _outside(m: int, n: int, columns: Any, deviation: Any) -> arb:
    with ctx.workprec(200 + 60 * m):  # the determinant loses bits with m
        middle, spread = ball(columns) * ball(n).sqrt(), ball(deviation) * ball(m).sqrt()
        return 1 - eigenvalues_inside(m, n, (middle - spread).max(arb(0)) ** 2, (middle + spread) ** 2)


_SIZES = ((2, 3), (2, 10**6), (4, 6), (4, 100), (8, 12), (8, 200), (24, 100), (40, 200), (64, 300), (64, 1000))
_PRECISE = tuple({"m": m, "n": n} for m, n in _SIZES)
_NORMAL = Hypothesis("normal", "V has i.i.d. normal entries of deviation nu = ||y||/(sqrt(dm)||z||), independent of A")
_VALUES = Hypothesis("values", "the singular values of A, of m rows, lie between sigma > 0 and S")

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.gaussian_sensing",
        source=Source("own", "what the remark on Ax becomes for i.i.d. Gaussian A, given A"),
        says="For a given A of m rows with singular values between sigma and S, AV is (A A^T)^{$root} G in law, G of m rows as V, and on the events of Lemma B.1, Lemma B.2, Lemma B.3 and Lemma B.4 for G Theorem B.5 applies to y = Ax with alpha = sigma ||y||/(${alpha_divisor:factor}sqrt m), a step S^{-$step_power} times and a decrease (sigma/S)^{$rate_power} times those for orthonormal rows, R = ${radius:factor}(${output:factor}S + $target)sqrt(m)/sigma, s/d times R's ratio to the power $share_power, and ${budget:factor}sigma/S for the left side of the width inequality.",
        tex=r"AV\,|\,A\sim(AA^T)^{$root}G,\ \alpha=\tfrac{\sigma\|y\|}{${alpha_divisor:factor}\sqrt m},\ \eta=S^{-$step_power}\eta_0,\ \eta\alpha^{$rate_power}=(\sigma/S)^{$rate_power}\eta_0\alpha_0^{$rate_power},\ R=${radius:factor}(${output:factor}S+$target)\sqrt m/\sigma,\ \tfrac sd=\tfrac{s_0}d(R/R_0)^{$share_power},\ \text{budget }${budget:factor}\tfrac\sigma S",
        refuted_by="a covariance of AV other than nu^2 A A^T, or another value from the same substitution",
        hypotheses=(_NORMAL, _VALUES),
        constants={
            "root": Constant(F(1, 2)),
            "alpha_divisor": Constant(4),
            "step_power": Constant(2),
            "rate_power": Constant(2),
            "radius": Constant(20),
            "output": Constant(2),
            "target": Constant(1),
            "share_power": Constant(F(2, 3)),
            "budget": Constant(F(1, 12)),
        },
        needs=(_B1, _B2, _B3, _NORM, _TRIANGLE, _META),
        reads=(_NU, _ALPHA_R, _BUDGET),
        proofs=(sensed_descent,),
        controls=(
            Control("white", {"root": F(49, 100)}),
            Control("step_power_1.99", {"step_power": F(199, 100)}),
            Control("rate_power_1.99", {"rate_power": F(199, 100)}),
            Control("radius_19", {"radius": 19}),
            Control("budget_a_thirteenth", {"budget": F(1, 13)}),
            Control("any_values", {}, ("values",)),
        ),
        version=2,
    ),
    Claim(
        id="own.gaussian_sensing.values",
        source=Source("own", "singular values of the Gaussian A of the experiments"),
        says="For A of m rows and n >= m columns, sqrt(m) A standard normal, all singular values lie within ${columns:factor}sqrt(n/m) -+ $deviation with probability at least 1 - ${failure_factor:factor}e^{-${failure_rate:factor}m}.",
        tex=r"P\{\forall i:|\sigma_i(A)-${columns:factor}\sqrt{n/m}|\le$deviation\}\ge 1-${failure_factor:factor}e^{-${failure_rate:factor}m}",
        refuted_by="m, n where the exact law of the eigenvalues of m A A^T gives more",
        domain={"m": Range(1, 10**9), "n": Range(1, 10**9)},
        constants={
            "columns": Constant(1),
            "deviation": Constant(2, "down"),
            "failure_factor": Constant(2, "down"),
            "failure_rate": Constant(F(1, 2), "up"),
        },
        needs=(_LARGEST, _SMALLEST),
        proofs=(values_of_a_normal_matrix,),
        exact=ExactRoute(_PRECISE, values_outside, compares=FAILURE_SIDES),
        controls=(
            Control("deviation_1.4", {"deviation": F(14, 10)}),
            Control("columns_0.99", {"columns": F(99, 100)}),
            Control("columns_1.01", {"columns": F(101, 100)}),
            Control("failure_0.0017", {"failure_factor": F(17, 10000)}),
            Control("rate_2.2", {"failure_rate": F(22, 10)}),
        ),
    ),
)
