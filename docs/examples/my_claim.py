from fractions import Fraction

import sympy as sp

from untrained.theory.claim import Claim, Constant, Control, Range, SearchRoute, Sides, Source
from untrained.theory.evidence import Symbolic


def square(p):
    """share (a + b)^power - ab is share (a - b)^2 + (4 share - 1) ab, and neither term is negative from 1/4 on."""
    (a, b), share = sp.symbols("a b", positive=True), sp.Rational(p["share"])
    rest = sp.expand(share * (a + b) ** p["power"] - a * b - share * (a - b) ** 2 - (4 * share - 1) * a * b)
    wrong = [str(term) for term in (rest, sp.Min(0, 4 * share - 1)) if term != 0]
    return Symbolic(
        ("difference as a sum of two terms", "4 share >= 1"), tuple(wrong), "at a = b only the second is left"
    )


def sides(case, c):
    return Sides(case["a"] * case["b"], float(c["share"]) * (case["a"] + case["b"]) ** float(c["power"]))


CLAIM = Claim(
    id="own.means",
    source=Source("own", "an example"),
    says="For all a, b > 0, ab is at most ${share:factor}(a + b)^$power.",
    tex=r"ab\le ${share:factor}(a+b)^{$power}",
    refuted_by="positive a and b with a larger product",
    domain={"a": Range(1e-3, 1e3, False, True), "b": Range(1e-3, 1e3, False, True)},
    constants={"share": Constant(Fraction(1, 4), "down"), "power": Constant(2)},
    proofs=(square,),
    search=SearchRoute(sides),
    controls=(Control("0.24", {"share": Fraction(24, 100)}), Control("power_3", {"power": 3})),
)
