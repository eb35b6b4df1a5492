"""A truth-free error bar: measurements that were not used give the error of this reconstruction, for a Gaussian A."""

from __future__ import annotations

from fractions import Fraction as F

import sympy as sp
from scipy.special import gammainc, gammaincinv

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
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced


def chi_square_of_rows(p: Premises) -> Symbolic:
    """Entries of A_v h: independent normals of variance ||h||^2/m, so m||A_v h||^2/||h||^2 is a chi-square."""
    a, b, h, k = sp.symbols("a b h k", real=True)
    m, total = sp.symbols("m total", positive=True)
    deviation = m ** (-exact_number(p["variance_power"]) / 2)
    one = gaussian_mean((a * h) ** 2, [a], deviation).subs(h**2, total)
    across = gaussian_mean((a * h) * (b * k), [a, b], deviation)
    independent = p.given("held_out") and p.given("gaussian")
    return reduced(
        "A row of A_v has independent N(0, 1/m) entries and does not depend on h = x^ - x, which was fitted without it: "
        "its product with h is normal with variance ||h||^2/m, summed over coordinates; rows are independent, so the "
        "squares add up to a chi-square with m_v degrees of freedom, at any h and so given h.",
        [
            ("variance of an entry, coordinate by coordinate", one * m - total),
            ("two rows, or two coordinates", across),
            ("rows that were not used", sp.Integer(int(independent)) - 1),
            ("degrees of freedom a row", exact_number(p["degrees"]) - 1),
            ("two tails of equal weight", exact_number(p["tails"]) - 2),
            ("power of a norm whose squares add up", exact_number(p["power"]) - 2),
        ],
    )


def coverage(case: Case, c: Constants) -> Sides:
    """Probability that the interval holds the truth, by the chi-square's law, against 1 - delta."""
    rows, delta = int(case["m_v"]), float(case["delta"])
    low, high = _quantiles(rows, delta, c)
    factor = 1.0 if c["variance_power"] == 1 else float(case["m"]) ** (1 - float(c["variance_power"]))
    inside = gammainc(rows / 2, high / factor / 2) - gammainc(rows / 2, low / factor / 2)
    return Sides(abs(float(inside) - (1 - delta)), 1e-9)


def _quantiles(rows: int, delta: float, c: Constants) -> tuple[float, float]:
    shape, share = float(c["degrees"]) * rows / 2, delta / float(c["tails"])
    return 2 * float(gammaincinv(shape, min(1.0, share))), 2 * float(gammaincinv(shape, max(0.0, 1 - share)))


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.held_out",
        source=Source("own", "an error bar from measurements that were not used"),
        says="Then the squared norm of x^ - x lies between m||A_v x^ - y_v||^$power over the quantiles at 1 - delta/$tails and delta/$tails of the chi-square with ${degrees:factor}m_v degrees of freedom, with probability exactly 1 - delta.",
        tex=r"P\Big\{\tfrac{m\|A_v\hat x-y_v\|^{$power}}{q_{1-\delta/$tails}}\le\|\hat x-x\|^{$power}\le\tfrac{m\|A_v\hat x-y_v\|^{$power}}{q_{\delta/$tails}}\Big\}=1-\delta",
        refuted_by="a coverage other than 1 - delta",
        domain={"m": Range(1, 10**9), "m_v": Range(1, 10**9), "delta": Range(1e-9, 1, False)},
        hypotheses=(
            Hypothesis("gaussian", "A_v has m_v rows of independent normal entries of variance m^{-$variance_power}"),
            Hypothesis("held_out", "x^ does not depend on A_v, and y_v = A_v x"),
        ),
        constants={
            "power": Constant(2),
            "tails": Constant(2),
            "degrees": Constant(1),
            "variance_power": Constant(1),
        },
        proofs=(chi_square_of_rows,),
        exact=ExactRoute(
            tuple({"m": 100, "m_v": v, "delta": q} for v in (1, 8, 100, 10**4) for q in (0.5, 0.05, 1e-6)), coverage
        ),
        controls=(Control("one_tail", {"tails": 1}), Control("degrees_1.1", {"degrees": F(11, 10)})),
    ),
)
