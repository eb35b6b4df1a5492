"""Singular values of a Gaussian matrix: the extreme ones after Davidson and Szarek, and the density of their squares."""

from __future__ import annotations

import math
from fractions import Fraction as F
from functools import lru_cache

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
from untrained.theory.laws.suprema import BITS, chi_above, norm_above
from untrained.theory.laws.wishart import eigenvalues_inside, smallest_eigenvalue_below
from untrained.theory.papers.textbook.gaussian import (
    AFTER_ZERO,
    CHEVET,
    GORDON,
    LIPSCHITZ,
    TAIL,
    TAIL_CONTROLS,
    gaussian_bound,
)
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

_LEVEL_BITS = 2048
"""Of a level at which the Pfaffian is evaluated: its determinant cancels most of them."""


def _concentrates(p: Premises) -> list[tuple[str, object]]:
    """A singular value is 1-Lipschitz in V, so it leaves its mean as the record on concentration says."""
    theorem, t = p.of(LIPSCHITZ), sp.Symbol("t", nonnegative=True)
    t = t if p.given("t") else sp.Symbol("t", real=True)
    return [
        ("t >= 0", t >= 0),
        ("Lipschitz constant", exact_number(theorem["lipschitz"]) >= 1),
        ("factor", exact_number(p["factor"]) >= exact_number(theorem["factor"])),
        ("rate", exact_number(p["rate"]) <= exact_number(theorem["rate"])),
        ("power", exact_number(p["power"]) - exact_number(theorem["power"])),
    ]


def largest_from_chevet(p: Premises) -> Symbolic:
    """E ||V|| <= sqrt n + E ||g|| <= sqrt n + sqrt s by Chevet with all columns, and concentration."""
    chevet = p.of(CHEVET)
    return reduced(
        "E ||g|| <= sqrt(E ||g||^2) = sqrt s; ||V|| is 1-Lipschitz in the Frobenius norm.",
        [
            ("columns", exact_number(p["columns"]) >= exact_number(chevet["width"])),
            ("rows", exact_number(p["rows"]) >= exact_number(chevet["rows"])),
            *_concentrates(p),
        ],
        sufficient=True,
    )


def smallest_from_gordon(p: Premises) -> Symbolic:
    """E sigma_n(V) >= E ||g|| - E ||h|| >= sqrt s - sqrt n, g in R^s, h in R^n, and concentration.

    Y = <V w, u> and X = <g, w> + b <h, u>; the second step holds as E chi_k - sqrt k grows in k.
    """
    x, y = sp.symbols("x y", nonnegative=True)
    columns, b, factor = exact_number(p["columns"]), exact_number(p["rows"]), exact_number(p.of(GORDON)["factor"])
    one = 2 * columns**2 * y
    return reduced(
        "Var(Y - Y') = 2 - 2(1 - x)(1 - y), which is 2y for one u (x = 0). For s < n the level is not positive. With "
        "m = E chi_k: m_{k+1} m_k = k, so the growth of m - sqrt k is k/m - m - (sqrt(k + 1) - sqrt k), which is >= 0 iff "
        "m^2 + m (sqrt(k + 1) - sqrt k) <= k.",
        [
            ("one u", one <= 2 * y),
            ("two u", sp.expand(2 * columns**2 * y + 2 * b**2 * x - 2 * (x + y - x * y)) >= 0),
            ("factor of Gordon", factor - 1),
            *_chi_mean_grows(),
            *_concentrates(p),
        ],
        sufficient=True,
    )


def _chi_mean_grows() -> list[tuple[str, object]]:
    """m_k^2 <= g(k) = k - 1/2 + 3/(16 k), and g + sqrt g (sqrt(k + 1) - sqrt k) <= k from k = 2 on.

    r_k = m_k^2/g(k) has r_{k+2}/r_k = ((k + 1)/k)^2 g(k)/g(k + 2) >= 1 and the limit 1. (sqrt(k + 1) - sqrt k)^2 is
    1/(2k + 1 + 2 sqrt(k^2 + k)) <= 1/(4k + 2 - 1/(4k)).
    """
    k, j = sp.symbols("k j", nonnegative=True)
    c = sp.Rational(3, 16)

    def g(i: sp.Expr) -> sp.Expr:
        return i - sp.Rational(1, 2) + c / i

    root = k + sp.Rational(1, 2) - 1 / (8 * k)
    grows = (k + 1) ** 2 * g(k) - k**2 * g(k + 2)
    below = (sp.Rational(1, 2) - c / k) ** 2 * (4 * k + 2 - 1 / (4 * k)) - g(k)
    m_squared = sp.Integer(2) / sp.pi
    return [
        ("r_{k+2} >= r_k for k >= 1", _not_negative(grows.subs(k, j + 1), j)),
        ("sqrt(k^2 + k) >= k + 1/2 - 1/(8k)", _not_negative((k**2 + k - root**2).subs(k, j + 1), j)),
        ("m^2 + m (sqrt(k + 1) - sqrt k) <= k for k >= 2", _not_negative(below.subs(k, j + 2), j)),
        ("the same at k = 1", m_squared + sp.sqrt(m_squared) * (sp.sqrt(2) - 1) <= 1),
    ]


def _not_negative(expression: sp.Expr, j: sp.Symbol) -> bool:
    """Whether a quotient of polynomials has no negative coefficient above or below its line."""
    above, below = sp.fraction(sp.cancel(expression))
    return all(coefficient >= 0 for part in (above, below) for coefficient in sp.Poly(part, j).all_coeffs())


def largest_sides(case: Case, c: Constants) -> Sides:
    """P(||V|| > columns sqrt s + rows sqrt n + t) by its exact law."""
    n, s, t = int(case["n"]), int(case["s"]), F(case["t"])
    return Sides(_norm_above(n, s, F(c["columns"]), F(c["rows"]), t), gaussian_bound(case, c))


def smallest_sides(case: Case, c: Constants) -> Sides:
    """P(sigma_n(V) < columns sqrt s - rows sqrt n - t) by its exact law."""
    n, s, t = int(case["n"]), int(case["s"]), F(case["t"])
    return Sides(_smallest_below(n, s, F(c["columns"]), F(c["rows"]), t), gaussian_bound(case, c))


@lru_cache(maxsize=1024)
def _norm_above(n: int, s: int, columns: F, rows: F, t: F) -> arb:
    with ctx.workprec(_LEVEL_BITS):
        return norm_above(n, s, ball(columns) * arb(s).sqrt() + ball(rows) * arb(n).sqrt() + ball(t))


@lru_cache(maxsize=1024)
def _smallest_below(n: int, s: int, columns: F, rows: F, t: F) -> arb:
    """Chi-square for one row, exponential where s = n + 1, else the Pfaffian."""
    with ctx.workprec(_LEVEL_BITS):
        root = ball(columns) * arb(s).sqrt() - ball(rows) * arb(n).sqrt() - ball(t)
        if not root > 0:
            return arb(0)
        if n == 1:
            return chi_below(s, root)
        return 1 - (-(root**2) * n / 2).exp() if s == n + 1 else smallest_eigenvalue_below(n, s, root**2)


def chi_below(count: int, level: arb) -> arb:
    """P(||g|| < level) for g standard normal in R^count, accurate relative to itself below the mean."""
    if not level**2 < count:
        return 1 - chi_above(count, level)
    with ctx.workprec(BITS):
        a, y = arb(count) / 2, level**2 / 2
        term, total, ratio, step = arb(1), arb(1), y / (a + 1), 1
        while term * ratio / (1 - ratio) > total * arb(2) ** -40:  # the series of the incomplete gamma function
            term, step = term * ratio, step + 1
            total, ratio = total + term, y / (a + step)
        left = (term * ratio / (1 - ratio)).union(arb(0))
        return (total + left) * (a * y.log() - y - (a + 1).lgamma()).exp()


_SIZES = ((8, 8), (16, 64), (32, 32))
_DAVIDSON_SZAREK = (
    Claim(
        id="textbook.davidson_szarek.largest",
        source=Source(
            "textbook",
            "Davidson and Szarek 2001, Theorem II.13",
            formal="Lean: measure_sqrt_add_sqrt_add_le_specNorm_le_gaussianMatrix in NLAlib; same constants",
        ),
        says="For V of shape n x s with independent standard normal entries, ||V|| > ${columns:factor}sqrt s + ${rows:factor}sqrt n + t with probability at most ${factor:factor}e^{-${rate:factor}t^$power}, for every t >= 0.",
        tex=r"P\{\|V\|>${columns:factor}\sqrt s+${rows:factor}\sqrt n+t\}\le ${factor:factor}e^{-${rate:factor}t^{$power}}",
        refuted_by="n, s, t where the exact law of the largest eigenvalue of V V^T gives more",
        domain={"n": Range(1, 10**9, True, True), "s": Range(1, 10**9, True, True), "t": Range(0, 1e6, False)},
        hypotheses=(AFTER_ZERO,),
        constants={"columns": Constant(1, "down"), "rows": Constant(1, "down"), **TAIL},
        needs=(CHEVET, LIPSCHITZ),
        proofs=(largest_from_chevet,),
        exact=ExactRoute(
            (
                *({"n": n, "s": s, "t": t} for n, s in _SIZES for t in (0, 1)),
                *({"n": n, "s": s, "t": t} for n, s in ((1, 1), (1, 10**6), (10**6, 1)) for t in (0, 5, 10**4)),
                {"n": 32, "s": 32, "t": -2},
            ),
            largest_sides,
        ),
        controls=(
            Control("columns_0.99", {"columns": F(99, 100)}),
            Control("rows_0.99", {"rows": F(99, 100)}),
            *TAIL_CONTROLS,
        ),
    ),
    Claim(
        id="textbook.davidson_szarek.smallest",
        source=Source(
            "textbook",
            "Davidson and Szarek 2001, Theorem II.13",
            formal="Lean: measure_sigmaMin_le_sqrt_sub_sqrt_sub_le_gaussianMatrix in NLAlib; same constants",
        ),
        says="For V of shape n x s with independent standard normal entries, its n-th singular value is below ${columns:factor}sqrt s - ${rows:factor}sqrt n - t with probability at most ${factor:factor}e^{-${rate:factor}t^$power}, for every t >= 0.",
        tex=r"P\{\sigma_n(V)<${columns:factor}\sqrt s-${rows:factor}\sqrt n-t\}\le ${factor:factor}e^{-${rate:factor}t^{$power}}",
        refuted_by="n, s, t where the exact law of the smallest eigenvalue of V V^T gives more",
        domain={"n": Range(1, 10**9, True, True), "s": Range(1, 10**9, True, True), "t": Range(0, 1e6, False)},
        hypotheses=(AFTER_ZERO,),
        constants={"columns": Constant(1, "up"), "rows": Constant(1, "down"), **TAIL},
        needs=(GORDON, LIPSCHITZ),
        proofs=(smallest_from_gordon,),
        exact=ExactRoute(
            (
                *({"n": n, "s": 4 * n, "t": t} for n in (8, 32) for t in (0, 1, 2)),
                *({"n": 1, "s": s, "t": t} for s, t in ((10**6, 5), (10**6, 100), (10**12, 10**3))),
                *({"n": 10**6, "s": 10**6 + 1, "t": t} for t in (0, 1)),
                {"n": 1, "s": 10**6, "t": -5},
            ),
            smallest_sides,
        ),
        controls=(
            Control("columns_1.01", {"columns": F(101, 100)}),
            Control("rows_0.99", {"rows": F(99, 100)}),
            Control("rate_1.02", {"rate": F(102, 100)}),
            Control("power_2.2", {"power": F(22, 10)}),
            Control("any_t", {}, ("t",)),
        ),
    ),
)


# The density of the eigenvalues: by V = L Q, and against laws and moments of V V^T known without it.


def density_by_triangles(p: Premises) -> Symbolic:
    """L has independent entries, chi with s - i + 1 degrees in l_ii and normal below; V V^T = L L^T, then Q X Q^T."""
    i, below, n, a, b, x, y = sp.symbols("i n-i n a b x y", nonnegative=True)
    wide = sp.Symbol("s - n", nonnegative=True) if p.given("wide") else sp.Symbol("s - n", real=True)
    s, offset, halving = wide + n, exact_number(p["offset"]), exact_number(p["halving"])
    turn = sp.Matrix([[0, a], [-a, 0]])
    spread = sp.diag(x, y)
    power = (s - i + 1) - 1 - ((n - i) + 1)  # chi's power less that of dW/dL, n - i entries below l_ii and itself
    return reduced(
        "Row i of V has normal components along the i - 1 rows before it, made orthonormal, and a rest in R^{s - i + 1}. "
        "W_ij is l_ij l_jj plus a function of earlier columns, so dW/dL is triangular, l_jj or 2 l_jj on its diagonal. "
        "det W is the product of l_ii^2, tr W the sum of l_ij^2; dW = Q(dX + A X - X A)Q^T, A antisymmetric.",
        [
            ("degrees of freedom", wide + below + 1 >= 1),
            ("d W_ij/d l_ij", sp.diff(a * b, a) - b),
            ("d W_jj/d l_jj", sp.diff(b**2, b) - 2 * b),
            ("power of l_ii", sp.expand(power - 2 * (s - n - offset) / halving)),
            ("e^{-l^2/2}", 1 / halving - sp.Rational(1, 2)),
            ("A X - X A off the diagonal", (turn * spread - spread * turn)[0, 1] - a * (y - x)),
        ],
        sufficient=True,
    )


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(48)
_CLOSE = F(1, 10**8)
"""How far a quadrature may be from an exact law: that of a true density is off by about 1e-12."""


def _exponent(n: int, s: int, c: Constants) -> F:
    return (s - n - F(c["offset"])) / F(c["halving"])


def density_sides(case: Case, c: Constants) -> Sides:
    """A moment or a probability by the stated density, against the same of V V^T."""
    n, s = int(case["n"]), int(case["s"])
    if "b" in case:
        return Sides(
            abs(_inside_by_density(n, s, float(case["b"]), c) / _inside(n, s, float(case["b"])) - 1), float(_CLOSE)
        )
    by_density, by_entries = _trace(n, s, c) if case.get("trace") else _determinant(n, s, c)
    return Sides(abs(by_density - by_entries), F(0), unit=1)


def _trace(n: int, s: int, c: Constants) -> tuple[F, F]:
    """E tr^2: the density has the degree N in all, so its trace is Gamma(N) times the scale; that of V is chi2_{ns}."""
    scale = F(c["halving"])
    degree = n * (_exponent(n, s, c) + 1) + F(n * (n - 1), 2)
    return scale**2 * degree * (degree + 1), F(n * s * (n * s + 2))


def _determinant(n: int, s: int, c: Constants) -> tuple[F, F]:
    """E det: a ratio of Selberg's integrals; of V V^T it is n! times the number of minors, by Cauchy and Binet."""
    scale, first = F(c["halving"]), _exponent(n, s, c) + 1
    return math.prod((scale * (first + F(j, 2)) for j in range(n)), start=F(1)), F(math.perm(s, n))


def _inside(n: int, s: int, b: float) -> float:
    """P(all eigenvalues <= b): of one row by a sum of squares, else as the Pfaffian has it."""
    return 1 - float(chi_above(s, ball(b).sqrt())) if n == 1 else float(eigenvalues_inside(n, s, 0, b))


def _inside_by_density(n: int, s: int, b: float, c: Constants) -> float:
    far = math.sqrt(n) + math.sqrt(s) + 9
    return _ordered(n, s, math.sqrt(b), c) / _ordered(n, s, far, c)


def _ordered(n: int, s: int, top: float, c: Constants) -> float:
    """Integral of the density over y_n < ... < y_1 < top, y the singular values: no kink and no root is left."""
    power, scale = 2 * float(_exponent(n, s, c)) + 1, float(c["halving"])
    y, weights = [np.array(top)], np.array(1.0)
    for _ in range(n):
        half = y[-1][..., None] / 2
        y = [*(one[..., None] for one in y), half * (1 + _NODES)]
        weights = weights[..., None] * half * _WEIGHTS
    values = y[1:]
    density = math.prod(2 * v**power * np.exp(-(v**2) / scale) for v in values)
    for i, larger in enumerate(values):
        density = density * math.prod(larger**2 - smaller**2 for smaller in values[i + 1 :])
    return float((weights * density).sum())


_DENSITY: tuple[Claim, ...] = (
    Claim(
        id="textbook.wishart",
        source=Source("textbook", "de Bruijn 1955; Chiani 2014: eigenvalues of a real Wishart matrix"),
        says="For V of shape n x s with independent standard normal entries, s >= n, the eigenvalues of V V^T have a density proportional to the product of x_i^{(s - n - ${offset})/$halving} e^{-x_i/$halving} and of their distances |x_i - x_j|.",
        tex=r"f(x)\propto\prod_i x_i^{(s-n-$offset)/$halving}e^{-x_i/$halving}\prod_{i<j}|x_i-x_j|",
        refuted_by="a probability or a moment that differs from that of V V^T",
        domain={"n": Range(1, 10**9, True, True), "s": Range(1, 10**9, True, True)},
        hypotheses=(Hypothesis("wide", "s >= n", lambda case, c: case["s"] >= case["n"]),),
        constants={"offset": Constant(1), "halving": Constant(2)},
        proofs=(density_by_triangles,),
        exact=ExactRoute(
            (
                *({"n": n, "s": s, "trace": trace} for n, s in ((1, 4), (2, 3), (5, 5), (30, 40)) for trace in (0, 1)),
                *(
                    {"n": n, "s": s, "b": b}
                    for n, s, b in ((1, 5, 4), (2, 2, 3), (2, 7, 12), (3, 3, 5), (3, 6, 14), (2, 1, 3))
                ),
            ),
            density_sides,
        ),
        controls=(
            Control("offset_1.01", {"offset": F(101, 100)}),
            Control("offset_0.99", {"offset": F(99, 100)}),
            Control("halving_2.01", {"halving": F(201, 100)}),
            Control("halving_1.99", {"halving": F(199, 100)}),
            Control("any_shape", {}, ("wide",)),
        ),
    ),
)

CLAIMS: tuple[Claim, ...] = (*_DAVIDSON_SZAREK, *_DENSITY)
