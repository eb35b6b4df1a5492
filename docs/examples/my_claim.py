from fractions import Fraction

import numpy as np
import sympy as sp

from untrained.theory.claim import Claim, Constant, Control, Range, SearchRoute, Sides, Source
from untrained.theory.evidence import Symbolic


def square(constants):
    """share (a + b)^2 - ab at share 1/4 is a square: ((a - b)/2)^2."""
    a, b = sp.symbols("a b", positive=True)
    rest = sp.expand(constants["share"] * (a + b) ** 2 - a * b - (a - b) ** 2 / 4)
    return Symbolic(("share (a + b)^2 - ab = ((a - b)/2)^2",), () if rest == 0 else (str(rest),), "a square is >= 0")


def sides(case, constants):
    a, b = case["a"], case["b"]
    return Sides(np.array([a * b]), np.array([float(constants["share"]) * (a + b) ** 2]))


CLAIM = Claim(
    id="own.means",
    source=Source("own", "an example"),
    says="For all a, b > 0, ab is at most (a + b)^2/4.",
    tex=r"ab\le\tfrac14(a+b)^2",
    refuted_by="positive a and b with ab > (a + b)^2/4",
    domain={"a": Range(1e-3, 1e3, False, True), "b": Range(1e-3, 1e3, False, True)},
    constants={"share": Constant(Fraction(1, 4))},
    symbolic=square,
    search=SearchRoute(sides),
    controls=(Control("fifth", "A fifth in place of a quarter.", {"share": Fraction(1, 5)}),),
)
