"""Double over-parameterisation with commuting measurements: y = A(X) + s, X = U U^T, s = g o g - h o h.

In the common eigenbasis A is a matrix of eigenvalues and the flow is explicit: with c the integral of -r, x_j = e e^{2(A^T c)_j},
g_i^2 = e e^{2 alpha c_i} and h_i^2 = e e^{-2 alpha c_i}, e the square of the start. c climbs a strictly concave function, so that
the flow ends where r = 0, at the least sum of KL(x_j|e) + (KL(g_i^2|e) + KL(h_i^2|e))/alpha among all that fit y.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction as F
from functools import cache

import sympy as sp
from flint import arb, ctx

from untrained.theory.claim import (
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
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, bisect_root

DOUBLE_GAP = "own.double.gap"
_BITS, _DIGITS = 320, 50


# One measurement.


@dataclass(frozen=True)
class OneMeasurement:
    """y = sum of a_j x_j + s: pairs of an eigenvalue a and its multiplicity, the ratio of rates, the sign of y, |y| = 1."""

    eigenvalues: tuple[tuple[F, int], ...]
    alpha: F
    sign: int = 1

    @property
    def size(self) -> int:
        """Rows of X."""
        return sum(k for _, k in self.eigenvalues)

    def costs(self, *, indefinite: bool = False) -> list[F]:
        """What y costs if one eigenvalue of X explains it all, for each that can; any can where X may be indefinite."""
        return [1 / abs(a) for a, _ in self.eigenvalues if indefinite or a * self.sign > 0]

    def least(self, *, indefinite: bool = False) -> F:
        """The least of ||X||_* + |s|/alpha."""
        return min([*self.costs(indefinite=indefinite), 1 / self.alpha])

    def parts(self, w: arb, level: F) -> tuple[arb, arb, arb]:
        """A(X), trace(X) and s where the flow is at c = w/2, from a start whose square is e^{-level}."""
        x = [(a, k, (ball(a) * w - ball(level)).exp() * k) for a, k in self.eigenvalues]
        p = [(sign * ball(self.alpha) * w - ball(level)).exp() for sign in (1, -1)]
        return sum((ball(a) * part for a, _, part in x), arb(0)), sum((part for *_, part in x), arb(0)), p[0] - p[1]

    def limit(self, level: F) -> tuple[arb, arb]:
        """trace(X) and s at the end of the flow, enclosed."""
        far = (abs(level) + 2) / self.alpha
        with ctx.workprec(_BITS):
            w = bisect_root(lambda at: self.sign - sum(self.parts(at, level)[::2], arb(0)), -far, far, _DIGITS)
            _, trace, s = self.parts(w, level)
        return trace, s


@cache
def cost_at_the_end(one: OneMeasurement, level: F) -> arb:
    """trace(X) + |s|/alpha at the end of the flow."""
    with ctx.workprec(_BITS):
        trace, s = one.limit(level)
        return trace + abs(s) / ball(one.alpha)


def one_measurement(case: Case) -> OneMeasurement:
    """The measurement that a case lists: eigenvalue a once, and b as often as `copies` says, if it does."""
    rows = [(F(case["a"]), 1)]
    if "b" in case:
        rows.append((F(case["b"]), int(case["copies"])))
    return OneMeasurement(tuple(rows), F(case["alpha"]), int(case.get("sign", 1)))


# The gap at a start of any size.


def flow_terms() -> list[tuple[str, sp.Expr]]:
    """The flow along c, and that its end is stationary for the divergences."""
    a, c, alpha, e, r = sp.symbols("a c alpha e r", positive=True)
    z = sp.Symbol("z", positive=True)
    u, g, h = sp.sqrt(e) * sp.exp(a * c), sp.sqrt(e) * sp.exp(alpha * c), sp.sqrt(e) * sp.exp(-alpha * c)
    slope = sp.diff(z * sp.log(z / e) - z + e, z)
    return [
        ("u' = -a r u", sp.diff(u, c) * (-r) + a * r * u),
        ("g' = -alpha r g", sp.diff(g, c) * (-r) + alpha * r * g),
        ("h' = alpha r h", sp.diff(h, c) * (-r) - alpha * r * h),
        ("multiplier of X", sp.expand_log(slope.subs(z, u**2), force=True) - 2 * a * c),
        ("multiplier of the square of g", sp.expand_log(slope.subs(z, g**2), force=True) / alpha - 2 * c),
        ("multiplier of the square of h", sp.expand_log(slope.subs(z, h**2), force=True) / alpha + 2 * c),
    ]


def gap_argument(p: Premises) -> Symbolic:
    """The divergence at the end against that of a least solution, by Jensen's inequality."""
    least, more, N, e, t, most = sp.symbols("least more N e t most", positive=True)
    end = least * (1 + more)
    slack = (1 + more) * sp.log(1 + more) - more
    difference = end * (sp.log(end / (N * e)) - 1) - least * (sp.log(least * most / e) - 1)
    claimed = least * (more * sp.log(least / (N * e)) + slack - sp.log(N * most))
    hypotheses = p.given("commuting") and p.given("small") and p.given("psd")
    return reduced(
        "c climbs <y, c> - (sum_j e e^{2(A^T c)_j} + sum_i e cosh(2 alpha c_i) 2/alpha)/2, which is strictly concave and falls "
        "without bound in every direction: r = 0 at its only maximum. Taking the diagonal of any X >= 0 that fits leaves A(X) "
        "and the trace, so least solutions are diagonal. With weights 1 and 1/alpha, N of them in all, the sum of weight times "
        "z ln z is at least f ln(f/N) at the end, and at a least solution at most F ln(F most), most = max(1, alpha), as "
        "x_j <= F and |s_i| <= alpha F; f is at least trace(X) + |s|/alpha.",
        [
            ("hypotheses", sp.Integer(int(hypotheses)) >= 1),
            *flow_terms(),
            ("z ln z is convex", sp.diff(t * sp.log(t), t, 2) - 1 / t),
            ("difference of the divergences", sp.simplify(sp.expand_log(sp.expand(difference - claimed), force=True))),
            ("slack is 0 at 0", slack.subs(more, 0)),
            ("and rises", sp.diff(slack, more) - sp.log(1 + more)),
            ("factor", exact_number(p["factor"]) >= 1),
            ("squares of g and of h", exact_number(p["twice"]) >= 2),
        ],
        sufficient=True,
    )


def _weights(one: OneMeasurement, c: Constants) -> F:
    """N = n + 2m/alpha."""
    return one.size + F(c["twice"]) / one.alpha


def _is_small(case: Case, c: Constants) -> bool:
    one = one_measurement(case)
    return bool(ball(F(case["level"])).exp() * ball(one.least()) > ball(_weights(one, c)))


def gap_of_one(case: Case, c: Constants) -> Sides:
    """The relative excess at the end of the flow of one measurement, against the bound."""
    one, level = one_measurement(case), F(case["level"])
    with ctx.workprec(_BITS):
        least = ball(one.least(indefinite="indefinite" in case))
        excess = cost_at_the_end(one, level) / least - 1
        N = _weights(one, c)
        over = (least / ball(N)).log() + ball(level)
        bound = ball(max(N, one.alpha * N)).log() / over
        return Sides(excess, ball(c["factor"]) * bound, unit=abs(bound))


# One unknown in each part.


def scalar_argument(p: Premises) -> Symbolic:
    """e (t + t^alpha - t^{-alpha}) = y with t = e^{2c} >= 1: each part is at most what it would be alone."""
    x, s, alpha = sp.symbols("x s alpha", positive=True)
    cost = x + s / alpha
    return reduced(
        "For y >= e, c >= 0 and t >= 1, so s >= 0 and x + s = y. As t >= t^{-alpha}, t^alpha <= y/e: for alpha >= 1 x = e t is at "
        "most e (y/e)^{1/alpha}; as s >= 0, t <= y/e: for alpha <= 1 s is at most e t^alpha <= e (y/e)^alpha.",
        [
            ("hypothesis", sp.Integer(int(p.given("above"))) >= 1),
            ("excess over y/alpha", sp.simplify(cost - (x + s) / alpha - x * (1 - 1 / alpha))),
            ("excess over y", sp.simplify(cost - (x + s) - s * (1 / alpha - 1))),
            ("factor", exact_number(p["factor"]) >= 1),
            ("power", exact_number(p["power"]) >= 1),
        ],
        sufficient=True,
    )


def scalar_excess(case: Case, c: Constants) -> Sides:
    """The excess at the end of the flow for y = 1."""
    alpha, level = F(case["alpha"]), F(case["level"])
    one = OneMeasurement(((F(1), 1),), alpha)
    with ctx.workprec(_BITS):
        excess = cost_at_the_end(one, level) - ball(one.least())
        power = ball(c["power"]) * ball(min(alpha, 1 / alpha)) - 1
        return Sides(excess, ball(c["factor"]) * abs(1 - 1 / ball(alpha)) * (power * ball(level)).exp())


_EIGENVALUES: tuple[Case, ...] = (
    {"a": 1},
    {"a": 2, "b": F(-3, 2), "copies": 1},
    {"a": F(9, 10), "b": F(1, 2), "copies": 5},
)
_GAPS: tuple[Case, ...] = (
    *(
        {**eigenvalues, "alpha": alpha, "sign": sign, "level": level}
        for eigenvalues in _EIGENVALUES
        for alpha in (F(1, 2), F(1), F(3, 2))
        for sign in (1, -1)
        for level in (10, 1000)
    ),
    *(
        {"a": 1, "b": 1 - F(shift, 10**6), "copies": 1e90, "alpha": F(1, 2), "level": 10**6}
        for shift in (200, 203, 204)
    ),
    {"a": 1, "alpha": F(9, 10), "level": F(1, 10)},
    {"a": F(3, 2), "alpha": F(1), "sign": -1, "level": 1000, "indefinite": 1},
)
_SCALARS: tuple[Case, ...] = (
    *(
        {"alpha": alpha, "level": level}
        for alpha in (F(1, 3), F(9, 10), F(11, 10), F(2), F(5))
        for level in (F(1, 10), 1, 10, 40)
    ),
    {"alpha": F(9, 10), "level": -1},
)

COMMUTING = Hypothesis("commuting", "the measurement matrices are symmetric and commute")
SEMIDEFINITE = Hypothesis(
    "psd",
    "the least value is taken over X that are positive semidefinite",
    lambda case, c: "indefinite" not in case,
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=DOUBLE_GAP,
        source=Source("own", "the implicit bias of You, Zhu, Qu and Ma at a start that is not 0"),
        says="Gradient flow from U = gamma I, g and h all gamma, with rates alpha times as high for g and h, fits y = A(X) + s in the limit and ends there at trace(X) + |s|/alpha above the least value F of all that fit by at most ${factor:factor}F ln(max(N, alpha N))/ln(F/(N gamma gamma)), N = n + ${twice:factor}m/alpha, |s| the sum of the sizes of s.",
        tex=r"\|X\|_*+\tfrac{\|s\|_{\ell_1}}{\alpha}\le F\Bigl(1+ ${factor:factor}\frac{\ln\max(N,\alpha N)}{\ln(F/(N\gamma\gamma))}\Bigr),\ N=n+\tfrac{${twice:factor}m}{\alpha}",
        refuted_by="measurements and a start with a larger excess at the end of the flow",
        domain={"n": Range(1, 10**99), "m": Range(1, 10**9), "alpha": Range(1e-9, 1e9, False)},
        hypotheses=(
            COMMUTING,
            SEMIDEFINITE,
            Hypothesis("small", "N gamma gamma is below F", _is_small),
        ),
        constants={"factor": Constant(1, "down"), "twice": Constant(2, "down")},
        proofs=(gap_argument,),
        exact=ExactRoute(_GAPS, gap_of_one),
        controls=(Control("factor_0.95", {"factor": F(95, 100)}),),
    ),
    Claim(
        id="own.double.scalar",
        source=Source("own", "double over-parameterisation with one unknown in each part"),
        says="For y = x + s, x = uu, s = gg - hh, from u = g = h, e the square of that, and rates alpha times as high for g and h, gradient flow ends at x + |s|/alpha above its least value by at most ${factor:factor}|1 - alpha^{-1}| e (y/e)^{${power:factor}min(alpha, alpha^{-1})}.",
        tex=r"x+\tfrac{|s|}{\alpha}-\min_{x+s=y}(x+\tfrac{|s|}{\alpha})\le ${factor:factor}|1-\alpha^{-1}|\,e\,(y/e)^{${power:factor}\min(\alpha,\alpha^{-1})}",
        refuted_by="a ratio of rates and a start with a larger excess",
        domain={"alpha": Range(1e-9, 1e9, False), "e": Range(0, 1e9, False)},
        hypotheses=(Hypothesis("above", "y is at least e", lambda case, c: case["level"] >= 0),),
        constants={"factor": Constant(1, "down"), "power": Constant(1, "down")},
        proofs=(scalar_argument,),
        exact=ExactRoute(_SCALARS, scalar_excess),
        controls=(Control("factor_0.98", {"factor": F(98, 100)}), Control("power_0.98", {"power": F(98, 100)})),
    ),
)
