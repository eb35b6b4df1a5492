"""Sigma(U) from above and below, and how far J J^T is from it: exact constants for the generator ReLU(UC)v.

With G = UU^T and T the matrix of cosines, Sigma = ||u||^2 g(T) entry by entry, and the Taylor coefficients of g are not
negative: g(t) = t/4 + t arcsin(t)/(2 pi). A power of T by entries is the Gram matrix of tensor powers of the rows, so it
is positive semidefinite.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from fractions import Fraction as F
from functools import reduce

import numpy as np
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
from untrained.theory.objects.convolution_generator import Arc, plane_arcs, plane_rows
from untrained.theory.objects.kernel_enclosures import exact_correlations, power_balls
from untrained.theory.objects.shapes import Array
from untrained.theory.papers.heckel20a.dual_kernel import _SIGMA, CLOSE_FLOAT, GAUSSIAN, KERNELS, eigenvalues, square_of
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

_DEVIATION, _LARGEST = "own.dual_kernel.deviation", "own.dual_kernel.largest"
_BITS, _ATTAINED = 256, F(1, 10**12)
"""Precision of balls, and how far a bound that is attained is widened so that they decide."""


# From above and below.


def mean_mask(p: Premises) -> Symbolic:
    """w^T E[D G D]w <= ||G|| E||Dw||^2, and each entry of a mask is on with the probability of one row."""
    on = exact_number(p.of(_SIGMA)["share"]) * (1 - sp.acos(1) / sp.pi)
    return reduced(
        "Sigma = E[D G D] for one column; ||Dw||^2 is the sum of w_i^2 over the rows that are on, each of which is on half of "
        "the time, whatever the others do.",
        [("mean of a mask", exact_number(p["factor"]) >= on)],
        sufficient=True,
    )


def largest_of_kernel(case: Case, c: Constants) -> Sides:
    """The largest enclosed eigenvalue against the largest |Fu|^2."""
    with ctx.workprec(_BITS):
        most = reduce(arb.max, power_balls(KERNELS[case["kernel"]]).flat)
        bound = ball(c["factor"]) * most
    return Sides(reduce(arb.max, eigenvalues(case["kernel"]).flat) / bound, 1 + ball(_ATTAINED), unit=1)


def no_component_grows(p: Premises) -> Symbolic:
    """|1 - eta lambda| <= 1 for 0 <= lambda <= ||Fu||^2/2 and eta <= 4/||Fu||^2."""
    highest = exact_number(p["step"]) * exact_number(p.of(_LARGEST)["factor"])
    return reduced(
        "In the expected model a component of the residual is multiplied by 1 - eta lambda, lambda an eigenvalue of Sigma "
        "and not negative; the largest of them decides.",
        [("eta lambda at most 2", highest <= 2)],
        sufficient=True,
    )


def growth_of_kernel(case: Case, c: Constants) -> Sides:
    """|1 - eta lambda| of the largest eigenvalue, at the claimed step."""
    with ctx.workprec(_BITS):
        step = ball(c["step"]) / reduce(arb.max, power_balls(KERNELS[case["kernel"]]).flat)
        growth = reduce(arb.max, (abs(1 - step * x) for x in eigenvalues(case["kernel"]).flat))
        return Sides(growth, 1 + ball(_ATTAINED))


def taylor_of_g(p: Premises) -> Symbolic:
    """share (1 - arccos(t)/pi) t = (share/2) t + (share/pi) t arcsin(t), and arcsin has no negative coefficient."""
    share = exact_number(p.of(_SIGMA)["share"])
    return reduced(
        "Sigma - (1/4)G is a sum of even powers of the cosines by entries with coefficients that are not negative, and each "
        "of them is a Gram matrix of tensor powers of the rows.",
        [*arcsin_series(share), ("linear coefficient", share / 2 >= exact_number(p["factor"]))],
        sufficient=True,
    )


def arcsin_series(share: sp.Expr) -> list[tuple[str, sp.Expr]]:
    """The split of g, and the recursion c_{m+1}(2m+2)(2m+3) = c_m(2m+1)^2 of arcsin from (1 - t^2)y'' = t y'."""
    t, m = sp.symbols("t m", nonnegative=True)
    g = share * (1 - sp.acos(t) / sp.pi) * t
    split = (g - share / 2 * t - share / sp.pi * t * sp.asin(t)).rewrite(sp.asin)
    y = sp.asin(t)
    recursion = (2 * m + 1) * (2 * m) + (2 * m + 1) - (2 * m + 1) ** 2
    return [
        ("split", sp.simplify(sp.expand(split))),
        ("equation of arcsin", sp.simplify((1 - t**2) * sp.diff(y, t, 2) - t * sp.diff(y, t))),
        ("recursion of its coefficients", sp.expand(recursion)),
        ("first coefficient", sp.diff(y, t).subs(t, 0) - 1),
    ]


def quarter_of_kernel(case: Case, c: Constants) -> Sides:
    """The frequency at which the eigenvalue of Sigma is nearest to factor |Fu|^2, in units of ||u||^2."""
    with ctx.workprec(_BITS):
        square, factor = ball(square_of(case["kernel"])), ball(c["factor"])
        pairs = zip(eigenvalues(case["kernel"]).flat, power_balls(KERNELS[case["kernel"]]).flat, strict=True)
        rest = reduce(arb.min, (value - factor * power for value, power in pairs)) / square
    return Sides(-rest, ball(_ATTAINED), unit=1)


def gershgorin(p: Premises) -> Symbolic:
    """Powers of T by entries have 1 on the diagonal and at most rho^p off it: no eigenvalue below 1 - (n - 1) rho^p."""
    share = exact_number(p.of(_SIGMA)["share"])
    return reduced(
        "Sigma is at least ||u||^2 times the sum of its even powers; each is positive semidefinite, and by Gershgorin at "
        "least 1 - (n - 1) rho^p, whichever is more.",
        [
            *arcsin_series(share),
            ("coefficient", share >= 1 / exact_number(p["parts"])),
            ("factor", exact_number(p["factor"]) <= 1),
        ],
        sufficient=True,
    )


def smallest_of_kernel(case: Case, c: Constants) -> Sides:
    """The least enclosed eigenvalue of a kernel without parallel rows, against the sum."""
    t = exact_correlations(KERNELS[case["kernel"]]).flat[1:]
    with ctx.workprec(_BITS):
        bound = even_powers(max(abs(x) for x in t), len(t)) * ball(square_of(case["kernel"]))
        claimed = ball(c["factor"]) * bound * 2 / ball(c["parts"])
    return Sides(claimed, reduce(arb.min, eigenvalues(case["kernel"]).flat))


def even_powers(rho: F, others: int) -> arb:
    """Sum over even p of a_p (1 - others rho^p)_+, a_p the coefficients of t arcsin(t)/(2 pi), 0 from rho = 1 on."""
    if rho >= 1:
        return arb(0)
    r = ball(rho)
    total = arb(1) / 4 - others * r * r.asin() / (2 * arb.pi())
    p, coefficient = 2, F(1)
    while not others * rho**p < 1:
        total -= ball(coefficient * (1 - others * rho**p)) / (2 * arb.pi())
        m = p // 2 - 1
        coefficient *= F((2 * m + 1) ** 2, (2 * m + 2) * (2 * m + 3))
        p += 2
    return total


# How far J J^T is from its mean.


def variance_of_entries(p: Premises) -> Symbolic:
    """Entry (i, j) is <u_i, u_j>/k times a sum of k indicators, each on with probability p_ij."""
    k, q, inner = sp.symbols("k q inner", positive=True)
    one = q - q**2  # E b^2 - (E b)^2 of an indicator
    independent = int(p.given("independent"))
    total = inner**2 * k * (1 / k) ** 2 * one
    claimed = exact_number(p["factor"]) * inner**2 * q * (1 - q) / k ** exact_number(p["power"])
    return reduced(
        "v_l^2 = 1/k whatever its sign, so J J^T is the mean of k matrices D_l G D_l; the square of the Frobenius norm adds "
        "the variances of entries, and variances of independent columns add.",
        [
            ("independent columns", sp.Integer(independent) >= 1),
            ("v", sp.Integer(int(p.given("halves"))) >= 1),
            ("Gaussian columns", sp.Integer(int(p.given("gaussian"))) >= 1),
            ("variance of an entry", sp.simplify(total - claimed)),
        ],
        sufficient=True,
    )


def tuples_of_arcs(case: Case) -> Iterator[tuple[F, Array]]:
    """Every choice of patterns for the k columns: its probability, and J J^T from the definition."""
    angles, lengths = _ROWS[case["rows"]]
    arcs, U, k = plane_arcs(angles), plane_rows(angles, lengths), int(case["k"])
    v = np.repeat([1.0, -1.0], [k - case["minus"], case["minus"]]) / np.sqrt(k)
    if case["alone"]:
        v = np.eye(k)[0]
    choices = ((arc,) * k for arc in arcs) if case["copies"] else itertools.product(arcs, repeat=k)
    for columns in choices:
        J = np.concatenate([s * arc.active[:, None] * U for s, arc in zip(v, columns, strict=True)], axis=1)
        yield (columns[0].probability if case["copies"] else _product(columns)), J @ J.T


def _product(columns: tuple[Arc, ...]) -> F:
    return reduce(lambda total, arc: total * arc.probability, columns, F(1))


def shares_on_together(angles: tuple[F, ...]) -> Array:
    """p_ij for rows in a plane: 1/2 less half the angle between them, in units of pi."""
    a = [[abs((x - y + 1) % 2 - 1) for y in angles] for x in angles]
    shares: Array = np.array([[float((1 - x) / 2) for x in row] for row in a])
    return shares


def inner_and_shares(case: Case) -> tuple[Array, Array]:
    """UU^T, and how often two rows are on together, for rows in a plane."""
    angles, lengths = _ROWS[case["rows"]]
    U = plane_rows(angles, lengths)
    return U @ U.T, shares_on_together(angles)


def deviation_by_arcs(case: Case, c: Constants) -> Sides:
    """E||J J^T - Sigma||_F^2 over every choice of patterns, against the sum of variances."""
    inner, q = inner_and_shares(case)
    mean = sum(float(weight) * np.square(JJ - q * inner).sum() for weight, JJ in tuples_of_arcs(case))
    variance = float(np.sum(np.square(inner) * q * (1 - q)))
    claimed = float(c["factor"]) * variance / float(case["k"]) ** float(c["power"])
    return Sides(abs(mean - claimed) / variance, CLOSE_FLOAT, unit=1)


def chebyshev(p: Premises) -> Symbolic:
    """P(||X|| >= t) <= E||X||_F^2/t^2, and q(1 - q) is at most its value at one half."""
    q = sp.Symbol("q", nonnegative=True)
    deviation = p.of(_DEVIATION)
    most = (q * (1 - q)).subs(q, sp.Rational(1, 2))
    hypotheses = p.given("independent") and p.given("halves") and p.given("gaussian")
    return reduced(
        "Markov's inequality for the squared Frobenius norm, which is at least the squared operator norm.",
        [
            ("hypotheses", sp.Integer(int(hypotheses)) >= 1),
            ("most of q(1 - q)", sp.expand(most - q * (1 - q) - (q - sp.Rational(1, 2)) ** 2)),
            ("factor", exact_number(p["factor"]) >= exact_number(deviation["factor"]) * most),
            ("power of k", exact_number(deviation["power"]) - 1),
            ("power of t", exact_number(p["power"]) - 2),
        ],
        sufficient=True,
    )


def norm_by_arcs(case: Case, c: Constants) -> Sides:
    """P(||J J^T - Sigma|| >= t) over every choice of patterns, against Chebyshev's bound."""
    (inner, q), t = inner_and_shares(case), float(case["t"])
    far = [w for w, JJ in tuples_of_arcs(case) if np.linalg.norm(JJ - q * inner, 2) >= t]
    bound = float(c["factor"]) * np.square(inner).sum() / (float(case["k"]) * t ** float(c["power"]))
    return Sides(float(sum(far, F(0))), float(bound))


INDEPENDENT = Hypothesis("independent", "the columns of C are independent", lambda case, c: not case["copies"])
HALVES = Hypothesis(
    "halves", "the entries of v are plus or minus the inverse root of k", lambda case, c: not case["alone"]
)
_ROWS = (
    ((F(0),), (F(1),)),
    ((F(0), F(1, 3)), (F(1), F(2))),
    ((F(0), F(1, 3), F(3, 4), F(1)), (F(1), F(2), F(1, 2), F(1))),
)
"""Rows in a plane: their angles in units of pi, and their lengths."""


def columns_of_plane(rows: int, k: int, minus: int, *, copies: int = 0, alone: int = 0, **more: F) -> Case:
    """Rows and k columns, of which so many have a minus in v; copies of one column; a v with one entry, of norm 1."""
    return {"rows": rows, "k": k, "minus": minus, "copies": copies, "alone": alone, **more}


_COLUMNS = (
    *(columns_of_plane(rows, k, minus) for rows in range(3) for k, minus in ((1, 0), (2, 0), (2, 1), (3, 2))),
    columns_of_plane(1, 2, 1, copies=1),
    columns_of_plane(1, 2, 1, alone=1),
)
_FAR = (
    *(columns_of_plane(0, k, k // 2, t=F(1, 2)) for k in (1, 2)),
    *(columns_of_plane(rows, 2, 1, t=t) for rows in (1, 2) for t in (F(1, 2), F(2), F(4))),
    columns_of_plane(0, 4, 2, copies=1, t=F(1, 2)),
    columns_of_plane(0, 2, 1, alone=1, t=F(1, 2)),
)
_APART = tuple(i for i, u in enumerate(KERNELS) if u not in ((1,), (1, -1), (1, 1, -1, -1)))
"""Kernels no two of whose rows are parallel."""


def _source(what: str) -> Source:
    return Source("own", what)


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.dual_kernel.largest",
        source=_source("the step of Theorem 1 of Heckel and Soltanolkotabi, for the mean"),
        says="||Sigma|| <= ${factor:factor}||UU^T||, for a convolution the largest squared |Fu|; with equality for the delta kernel.",
        tex=r"\|\Sigma(U)\|\le ${factor:factor}\|UU^T\|",
        refuted_by="a kernel with a larger eigenvalue",
        domain={"n": Range(1, 10**6)},
        constants={"factor": Constant(F(1, 2), "down")},
        needs=(_SIGMA,),
        proofs=(mean_mask,),
        exact=ExactRoute(tuple({"kernel": i} for i in range(len(KERNELS))), largest_of_kernel),
        controls=(Control("factor_0.49", {"factor": F(49, 100)}),),
    ),
    Claim(
        id="own.dual_kernel.step",
        source=_source("the step of Theorem 1 of Heckel and Soltanolkotabi, in the expected model"),
        says="With steps up to $step/M, M the largest squared |Fu|, no component of the residual grows in the expected model; with the delta kernel a longer step makes all grow.",
        tex=r"\eta\le $step/M\Rightarrow\|(I-\eta\Sigma)r\|\le\|r\|",
        refuted_by="a kernel one of whose components grows",
        domain={"n": Range(1, 10**6)},
        constants={"step": Constant(4, "up")},
        needs=(_LARGEST,),
        proofs=(no_component_grows,),
        exact=ExactRoute(tuple({"kernel": i} for i in range(len(KERNELS))), growth_of_kernel),
        controls=(Control("step_4.1", {"step": F(41, 10)}),),
    ),
    Claim(
        id="own.dual_kernel.quarter",
        source=_source("Sigma(U) of Heckel and Soltanolkotabi from below"),
        says="w^T Sigma w >= ${factor:factor}w^T UU^T w for every w.",
        tex=r"\Sigma(U)\succeq ${factor:factor}UU^T",
        refuted_by="a kernel and a frequency with a smaller eigenvalue",
        domain={"n": Range(1, 10**6)},
        constants={"factor": Constant(F(1, 4), "up")},
        needs=(_SIGMA,),
        proofs=(taylor_of_g,),
        exact=ExactRoute(tuple({"kernel": i} for i in range(len(KERNELS))), quarter_of_kernel),
        controls=(Control("factor_0.26", {"factor": F(26, 100)}),),
    ),
    Claim(
        id="own.dual_kernel.smallest",
        source=_source("Sigma(U) of Heckel and Soltanolkotabi is positive definite where Fu vanishes too"),
        says="No eigenvalue of Sigma of a kernel u is below ${factor:factor}<u, u> times the sum over even p of a_p times 1 - N rho^p, where that is positive: N the number of other rows, rho the largest |cosine| of two rows, a_p the coefficients of (t/pi)arcsin(t)/$parts. So Sigma is positive definite unless two rows are parallel.",
        tex=r"\Sigma(U)\succeq ${factor:factor}\langle u,u\rangle\sum_{p\ \mathrm{even}}a_p(1-N\rho^p)_+,\quad\sum_pa_pt^p=\frac{t\arcsin t}{$parts\pi}",
        refuted_by="a kernel with a smaller eigenvalue",
        domain={"n": Range(1, 10**6)},
        constants={"factor": Constant(1, "up"), "parts": Constant(2, "down")},
        needs=(_SIGMA,),
        proofs=(gershgorin,),
        exact=ExactRoute(tuple({"kernel": i} for i in _APART), smallest_of_kernel),
        controls=(Control("factor_1.02", {"factor": F(102, 100)}),),
    ),
    Claim(
        id=_DEVIATION,
        source=_source("concentration of J J^T in Heckel and Soltanolkotabi"),
        says="The mean squared Frobenius norm of J J^T - Sigma is exactly ${factor:factor}k^{-$power} times the sum of the variances <u_i, u_j><u_i, u_j>p_ij(1 - p_ij), p_ij the probability that rows i and j are both on.",
        tex=r"\mathbb E\,\|JJ^T-\Sigma\|_F\|JJ^T-\Sigma\|_F=${factor:factor}k^{-$power}\sum_{ij}\langle u_i,u_j\rangle\langle u_i,u_j\rangle\,p_{ij}(1-p_{ij})",
        refuted_by="rows and a number of columns with another mean",
        domain={"n": Range(1, 10**6), "k": Range(1, 10**6)},
        hypotheses=(GAUSSIAN, INDEPENDENT, HALVES),
        constants={"factor": Constant(1), "power": Constant(1)},
        proofs=(variance_of_entries,),
        exact=ExactRoute(_COLUMNS, deviation_by_arcs),
        controls=(Control("factor_0.98", {"factor": F(98, 100)}), Control("power_1.02", {"power": F(102, 100)})),
        version=2,
    ),
    Claim(
        id="own.dual_kernel.width",
        source=_source("how many columns keep J J^T near its mean"),
        says="||J J^T - Sigma|| >= t with probability at most ${factor:factor}||UU^T||_F||UU^T||_F/(k t^$power).",
        tex=r"P\{\|JJ^T-\Sigma\|\ge t\}\le ${factor:factor}\frac{\|UU^T\|_F\|UU^T\|_F}{k\,t^{$power}}",
        refuted_by="rows, columns and a t with a larger probability",
        domain={"n": Range(1, 10**6), "k": Range(1, 10**6), "t": Range(0, 1e300, False)},
        hypotheses=(GAUSSIAN, INDEPENDENT, HALVES),
        constants={"factor": Constant(F(1, 4), "down"), "power": Constant(2)},
        needs=(_DEVIATION,),
        proofs=(chebyshev,),
        exact=ExactRoute(_FAR, norm_by_arcs),
        controls=(Control("factor_0.24", {"factor": F(24, 100)}),),
        version=2,
    ),
)
