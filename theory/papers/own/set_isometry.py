"""The isometry that Theorem 1 of Jagatap and Hegde needs, for two layers: on differences, with every constant explicit.

S(k) are the outputs U sum_j w_j relu(Z_1 u_j) of k channels, Z_1 of shape (d_1, k_1).
"""

from __future__ import annotations

from fractions import Fraction as F
from math import comb

import numpy as np
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
from untrained.theory.evidence import Symbolic
from untrained.theory.laws.wishart import eigenvalues_inside
from untrained.theory.objects import decoders
from untrained.theory.papers.vanveen18.lemma_b1 import LOWEST
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

PATTERNS, DIFFERENCES = "own.netpgd.patterns", "own.netpgd.differences"
HIGHEST = "textbook.davidson_szarek.largest"
REGION = "jagatap19.region.corrected"


# How many patterns a neuron has.


def regions_recursion(p: Premises) -> Symbolic:
    """Regions of d hyperplanes through 0 in R^k: R(d, k) = R(d - 1, k) + R(d - 1, k - 1), R(1, k) = R(d, 1) = 2."""
    factor, less = exact_number(p["factor"]), exact_number(p["less"])

    def claimed(d: int, k: int) -> sp.Expr:
        return factor * sum((sp.binomial(d - less, i) for i in range(k)), sp.Integer(0))

    d, i = sp.symbols("d i", integer=True, positive=True)
    pascal = sp.binomial(d - 1, i) - sp.binomial(d - 2, i) - sp.binomial(d - 2, i - 1)
    sizes = [(a, b) for a in range(2, 7) for b in range(2, 6)]
    return reduced(
        "A hyperplane cuts those regions of the others that it meets, which are the regions of their traces in it, one "
        "dimension lower; equality in general position, fewer otherwise. Pascal's rule solves the recursion for all "
        "sizes, since each summand obeys it.",
        [
            ("Pascal's rule for a summand", sp.simplify(sp.combsimp(pascal))),
            *(
                (f"recursion at d = {a}, k = {b}", claimed(a, b) - claimed(a - 1, b) - claimed(a - 1, b - 1))
                for a, b in sizes
            ),
            ("one hyperplane", claimed(1, 3) - 2),
            ("a line", claimed(5, 1) - 2),
        ],
    )


def patterns_listed(case: Case, c: Constants) -> Sides:
    """Patterns of an integer code in general position, listed region by region, against the claimed count."""
    d, k = int(case["d_1"]), int(case["k_1"])
    code = np.array([[1, 3 * i + 1 + i * i] for i in range(d)])[:, :k]
    count = len(decoders.line_patterns(code))
    claimed = float(c["factor"]) * sum(float(sp.binomial(d - sp.nsimplify(c["less"]), i)) for i in range(k))
    return Sides(abs(count - claimed), 1e-9)


# Differences of outputs are outputs of more channels.


def concatenation(p: Premises) -> Symbolic:
    """x - x' with weights (w, u) and (w', u'): the channels of both, the second with the opposite sign."""
    k, other = sp.symbols("k k_prime", positive=True)
    channels = exact_number(p["first"]) * k + exact_number(p["second"]) * other
    return reduced(
        "U sum w_j relu(Z_1 u_j) - U sum w'_j relu(Z_1 u'_j) is the output with weights (w, -w') and (u, u'); and an output "
        "of k + k' channels splits into its first k and the opposite of its last k'.",
        [
            ("channels of a difference", channels - (k + other)),
            ("linear in the last weights", sp.Integer(int(p.given("linear_output"))) - 1),
        ],
    )


def generic_dimensions(case: Case, c: Constants) -> Sides:
    """Rank of the Jacobian on S(k) x S(k') at an integer point against that on S(first k + second k')."""
    if case.get("sigmoid", 0):
        return Sides(1.0, 0.5)  # the constant 1/2 less the constant 3/4 has negative pixels, which no sigmoid has
    k, other = int(case["k"]), int(case["k_prime"])
    total = float(c["first"]) * k + float(c["second"]) * other
    if total != int(total):
        raise ValueError(f"channels must be whole, got {total}")
    pair = _two_layer_rank(int(case["k_1"]), k + other)
    return Sides(abs(pair - _two_layer_rank(int(case["k_1"]), int(total))), 0.5)


def _two_layer_rank(k_1: int, channels: int) -> int:
    code, weights = decoders.integer_decoder((k_1, max(channels, 1)), 8, 5, signed=True)
    J, least = decoders.integer_jacobian(code, weights, [])
    return decoders.rank_modulo_prime(J) if least and channels > 0 else 0


# The isometry.


def subspaces_together(p: Premises) -> Symbolic:
    """One subspace by Davidson and Szarek on both sides, and as many as there are pairs of patterns."""
    high, low, region, differences, patterns = (p.of(i) for i in (HIGHEST, LOWEST, REGION, DIFFERENCES, PATTERNS))
    alpha = sp.symbols("alpha", positive=True)
    return reduced(
        "On a subspace of dimension D the singular values of A lie within 1 -+ (sqrt(D/n) + t) up to e^{-n t^2/2} on "
        "each side; with sqrt(D/n) + t = sqrt(1 + alpha) - 1 the upper square is 1 + alpha and the lower one, "
        "(2 - sqrt(1 + alpha))^2, is at least 1 - alpha because (1 + alpha/2)^2 >= 1 + alpha. The patterns of all "
        "channels of a difference choose the subspace.",
        [
            (
                "(1 + alpha/2)^2 - (1 + alpha) is a square",
                sp.expand((1 + alpha / 2) ** 2 - (1 + alpha) - (alpha / 2) ** 2),
            ),
            ("(2 - r)^2 - (1 - alpha) at r^2 = 1 + alpha", _lower_square(alpha)),
            ("factor of both sides", F(p["factor"]) >= F(high["factor"]) + F(low["factor"])),
            ("rate", F(p["rate"]) <= min(F(high["rate"]), F(low["rate"]))),
            ("power of t", high["power"] == low["power"] == p["power"]),
            ("level 1 -+ (sqrt(D/n) + t)", high["columns"] == low["columns"] == high["rows"] == low["rows"] == 1),
            ("channels of a difference", F(p["channels"]) >= F(differences["first"]) + F(differences["second"])),
            ("dimension k_1 k_2 of a region", region["inner"] == region["outer"] == 1),
            ("patterns of a neuron", F(p["patterns"]) >= F(patterns["factor"])),
            ("points that count", patterns["less"] == p["less"]),
            ("Gaussian entries", p.given("gaussian")),
        ],
        sufficient=True,
    )


def _lower_square(alpha: sp.Symbol) -> sp.Expr:
    """(2 - r)^2 - (1 - alpha) less 4(1 + alpha/2 - r), which is not negative, where r = sqrt(1 + alpha)."""
    r = sp.sqrt(1 + alpha)
    return sp.expand((2 - r) ** 2 - (1 - alpha) - 4 * (1 + alpha / 2 - r))


def plane_failure(case: Case, c: Constants) -> Sides:
    """Z_1 = (1, -1)^T, one channel: S - S is a plane; the exact law of both eigenvalues of A restricted to it."""
    n, alpha = int(case["n"]), F(case["alpha"])
    with ctx.workprec(400):
        failure = 1 - eigenvalues_inside(2, n, (1 - alpha) * n, (1 + alpha) * n, relative_bits=300)
        spread = (1 + ball(alpha)).sqrt() - 1 - (ball(c["channels"]) / n).sqrt()
        if not spread > 0:
            return Sides(failure, arb(2))
        count = (ball(c["patterns"]) * comb(1, 0)) ** ball(c["channels"])
        tail = (-ball(c["rate"]) * n * spread ** ball(c["power"])).exp()
        return Sides(failure, ball(c["factor"]) * count * tail)


def plane_says_something(case: Case, c: Constants) -> bool:
    """Whether the claimed failure is below 1."""
    rhs = plane_failure(case, c).rhs
    return bool(rhs < 1)


_CASES = tuple({"n": n, "alpha": a} for n in (100, 1000, 10**4) for a in (F(1, 2), F(1, 5), F(1, 20)) if n * a <= 2000)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=PATTERNS,
        source=Source("own", "the count of patterns in the proof of Lemma 1 of Jagatap and Hegde"),
        says="A neuron on d_1 points of R^{k_1} in general position has exactly ${factor:factor}sum over i < k_1 of C(d_1 - $less, i) strict activation patterns, and on other points no more.",
        tex=r"\#\{\text{patterns}\}=${factor:factor}\sum_{i<k_1}\binom{d_1-$less}{i}",
        refuted_by="points in general position with another number of patterns",
        domain={"d_1": Range(1, 10**6), "k_1": Range(1, 10**6)},
        constants={"factor": Constant(2), "less": Constant(1)},
        proofs=(regions_recursion,),
        exact=ExactRoute(tuple({"d_1": d, "k_1": k} for k in (1, 2) for d in (1, 2, 5, 9)), patterns_listed),
        controls=(Control("factor_1.9", {"factor": F(19, 10)}), Control("all_points", {"less": 0})),
    ),
    Claim(
        id=DIFFERENCES,
        source=Source("own", "which set Lemma 1 of Jagatap and Hegde has to be used on"),
        says="For two layers with one output channel S(k) - S(k') = S(${first:factor}k + ${second:factor}k').",
        tex=r"S(k)-S(k')=S(${first:factor}k+${second:factor}k')",
        refuted_by="a difference that needs more channels, or an output of as many that is no difference",
        domain={"k": Range(1, 10**6), "k_prime": Range(1, 10**6), "k_1": Range(1, 10**6)},
        hypotheses=(
            Hypothesis(
                "linear_output",
                "nothing follows the last layer, no sigmoid either",
                lambda case, c: not case.get("sigmoid", 0),
            ),
        ),
        constants={"first": Constant(1, whole=True), "second": Constant(1, whole=True)},
        proofs=(concatenation,),
        version=4,
        exact=ExactRoute(
            (
                *({"k": a, "k_prime": b, "k_1": 2} for a, b in ((1, 2), (2, 2), (2, 4))),
                {"k": 1, "k_prime": 1, "k_1": 2, "sigmoid": 1},
            ),
            generic_dimensions,
        ),
        controls=(
            Control("second_only", {"first": 0}),
            Control("three_halves", {"second": F(3, 2)}),
            Control("with_sigmoid", without=("linear_output",)),
        ),
    ),
    Claim(
        id="own.netpgd.set_isometry",
        source=Source("own", "Lemma 1 of Jagatap and Hegde on S - S, for two layers, with its constants"),
        says="For two layers the squared norms of Ah and h differ by at most alpha times that of h for all h in S - S, except with probability ${factor:factor}P^{${channels:factor}k_2} e^{-${rate:factor}n t^$power}, where t = sqrt(1 + alpha) - 1 - sqrt(${channels:factor}k_1 k_2/n) is positive and P = ${patterns:factor}sum over i < k_1 of C(d_1 - $less, i).",
        tex=r"P\le ${factor:factor}P^{${channels:factor}k_2}e^{-${rate:factor}nt^$power},\ t=\sqrt{1+\alpha}-1-\sqrt{${channels:factor}k_1k_2/n}",
        refuted_by="a code, a width and n for which the exact failure probability is larger",
        domain={"n": Range(1, 10**9), "alpha": Range(1e-6, 1, False)},
        hypotheses=(Hypothesis("gaussian", "A has independent normal entries whose variance is the inverse of n"),),
        constants={
            "factor": Constant(2, "down"),
            "channels": Constant(2, "down"),
            "rate": Constant(F(1, 2), "up"),
            "power": Constant(2, "down"),
            "patterns": Constant(2, "down"),
            "less": Constant(1, "up", whole=True),
        },
        needs=(HIGHEST, LOWEST, REGION, DIFFERENCES, PATTERNS),
        proofs=(subspaces_together,),
        version=2,
        exact=ExactRoute(_CASES, plane_failure, informative=plane_says_something, compares=FAILURE_SIDES),
        controls=(Control("power_1.4", {"power": F(14, 10)}), Control("rate_1.6", {"rate": F(16, 10)})),
    ),
)
