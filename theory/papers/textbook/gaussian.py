"""Gaussian concentration and comparison, which are assumed, and Chevet's inequality, which follows from them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction as F
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, ctx
from scipy.stats import chi

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
from untrained.theory.laws.suprema import chi_above, chi_mean
from untrained.theory.laws.wishart import largest_eigenvalue_above
from untrained.theory.papers.textbook.tails import upper_normal
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced
from untrained.theory.proof.balls import ball

LIPSCHITZ, FERNIQUE, GORDON = "textbook.gaussian_lipschitz", "textbook.sudakov_fernique", "textbook.gordon"
CHEVET, POINCARE = "textbook.chevet", "textbook.poincare"
_HALF = F(1, 2)
_BITS = 192
AFTER_ZERO = Hypothesis("t", "t >= 0", lambda case, c: case["t"] >= 0)
TAIL = {
    "factor": Constant(1, "down"),
    "rate": Constant(_HALF, "up"),
    "power": Constant(2, "up"),
}
TAIL_CONTROLS = (
    Control("rate_0.51", {"rate": F(51, 100)}),
    Control("power_2.01", {"power": F(201, 100)}),
    Control("any_t", {}, ("t",)),
)


def gaussian_bound(case: Case, c: Constants) -> arb:
    """factor e^{-rate t^power}."""
    return ball(c["factor"]) * (-ball(c["rate"]) * ball(F(case["t"])) ** ball(c["power"])).exp()


# Concentration: on functions whose law is known.


def lipschitz_sides(case: Case, c: Constants) -> Sides:
    """P(F > E F + t) for L g, L ||g|| in R^k, or L min(g + K, 0)."""
    with ctx.workprec(_BITS):
        length = ball(c["lipschitz"])
        t = ball(F(case["t"])) / length
        if "k" in case:
            k = int(case["k"])
            return Sides(chi_above(k, chi_mean(k) + t), gaussian_bound(case, c))
        if "K" in case:
            K = ball(case["K"])
            mean = K * upper_normal(K) - (-K * K / 2).exp() / (2 * arb.pi()).sqrt()
            return Sides(upper_normal(mean + t - K) if mean + t < 0 else arb(0), gaussian_bound(case, c))
        return Sides(upper_normal(t), gaussian_bound(case, c))


_LIPSCHITZ = Claim(
    id=LIPSCHITZ,
    source=Source(
        "textbook",
        "Gaussian concentration (Tsirelson, Ibragimov, Sudakov 1976)",
        formal="Lean: gaussian_concentration_pi in NLAlib, gaussian_lipschitz_concentration_one_sided in lean-stat-learning-theory; same constants",
    ),
    says="For a function F of independent standard normal variables with Lipschitz constant $lipschitz, F > E F + t with probability at most ${factor:factor}e^{-${rate:factor}t^$power}, for every t >= 0.",
    tex=r"P\{F>\mathbb{E}F+t\}\le ${factor:factor}e^{-${rate:factor}t^{$power}}",
    refuted_by="a Lipschitz function whose tail is heavier",
    domain={"t": Range(0, 1e6, False)},
    hypotheses=(AFTER_ZERO,),
    constants={"lipschitz": Constant(1, "up"), **TAIL},
    exact=ExactRoute(
        (
            *({"t": t} for t in (0, 1, 10, 10**3, -1)),
            *({"k": k, "t": t} for k in (2, 100) for t in (0, 1, 10)),
            *({"K": 4, "t": t} for t in (0, F(1, 10**6))),
        ),
        lipschitz_sides,
    ),
    controls=(
        Control("lipschitz_1.01", {"lipschitz": F(101, 100)}),
        Control("factor_0.99", {"factor": F(99, 100)}),
        *TAIL_CONTROLS,
    ),
)


# The variance: in the basis of Hermite polynomials.


def spectral_gap(p: Premises) -> Symbolic:
    """Var F = sum of c_a^2 over |a| >= 1 and E ||grad F||^2 = sum |a| c_a^2, F = sum c_a H_a/sqrt(a!)."""
    x, s, t = sp.symbols("x s t", real=True)
    more = sp.Symbol("|a| - 1", nonnegative=True, integer=True)
    H = sp.exp(s * x - s**2 / 2)
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    product = sp.integrate(H * H.subs(s, t) * density, (x, -sp.oo, sp.oo))
    return reduced(
        "e^{sx - s^2/2} generates H_k(x) s^k/k!: the H_k/sqrt(k!) are orthonormal, as the mean of two is e^{st}, and "
        "H_k' = k H_{k-1}, so H_k'/sqrt(k!) = sqrt(k) H_{k-1}/sqrt((k - 1)!); and |a| >= 1 off the mean.",
        [
            ("mean of two", product - sp.exp(s * t)),
            ("derivative", sp.diff(H, x) - s * H),
            ("factor |a| >= 1", sp.expand(exact_number(p["factor"]) * (1 + more) - 1) >= 0),
        ],
        sufficient=True,
    )


def variance_sides(case: Case, c: Constants) -> Sides:
    """Var of ||g|| in R^k, k = 1 being |g|, or of <g, e>, against factor."""
    if case["of"] == "norm":
        with ctx.workprec(_BITS):
            return Sides(int(case["k"]) - chi_mean(int(case["k"])) ** 2, ball(c["factor"]))
    return Sides(1, F(c["factor"]))


_POINCARE = Claim(
    id=POINCARE,
    source=Source("textbook", "Gaussian Poincare inequality (Nash 1958)"),
    says="For a function F of independent standard normal variables, Var F <= ${factor:factor}E <grad F, grad F>.",
    tex=r"\mathrm{Var}\,F\le ${factor:factor}\mathbb{E}\langle\nabla F,\nabla F\rangle",
    refuted_by="a function of larger variance",
    constants={"factor": Constant(1, "down")},
    proofs=(spectral_gap,),
    exact=ExactRoute(({"of": "product"}, *({"of": "norm", "k": k} for k in (1, 2, 5, 100, 10**6))), variance_sides),
    controls=(Control("factor_0.99", {"factor": F(99, 100)}),),
)


# Comparison of maxima: on three variables, where E max X = (sum of the deviations of X_i - X_j)/(2 sqrt(2 pi)).


_PAIRS = ("12", "13", "23")


def _deviations(case: Case, process: str) -> tuple[F, ...]:
    return tuple(F(case[process + pair]) for pair in _PAIRS)


def _closer(case: Case, c: Constants) -> bool:
    """Whether no increment of the smaller process exceeds that of the larger."""
    small, large = ("Y", "X") if case.get("min") else ("X", "Y")
    return all(x <= y for x, y in zip(_deviations(case, small), _deviations(case, large), strict=True))


def three_variables(case: Case, c: Constants) -> Sides:
    """Both means in units of 1/(2 sqrt(2 pi)); a mean of minima is minus that of maxima."""
    sign = -1 if case.get("min") else 1
    X, Y = (sign * sum(_deviations(case, process)) for process in "XY")
    return Sides(X, F(c["factor"]) * Y, unit=1)


def _triple(x: tuple[int, int, int], y: tuple[int, int, int], **more: int) -> Case:
    pairs = {f"X{p}": v for p, v in zip(_PAIRS, x, strict=True)} | {f"Y{p}": v for p, v in zip(_PAIRS, y, strict=True)}
    return {**pairs, **more}


_TRIPLES = (((1, 1, 0), (1, 1, 0)), ((1, 1, 1), (1, 1, 1)), ((2, 3, 4), (2, 4, 5)), ((1, 1, 2), (1, 2, 2)))
_COMPARISONS = (
    Claim(
        id=FERNIQUE,
        source=Source(
            "textbook",
            "Sudakov 1971; Fernique 1975",
            formal="Lean: sudakov_fernique_inequality in NLAlib; same constant",
        ),
        says="For centred Gaussian vectors X and Y, E max_i X_i <= ${factor:factor}E max_i Y_i where every X_i - X_j has at most the variance of Y_i - Y_j.",
        tex=r"\mathbb{E}\max_iX_i\le ${factor:factor}\mathbb{E}\max_iY_i",
        refuted_by="two Gaussian vectors whose means are the other way about",
        hypotheses=(Hypothesis("increments", "Var(X_i - X_j) <= Var(Y_i - Y_j) for all i, j", _closer),),
        constants={"factor": Constant(1, "down")},
        exact=ExactRoute((*(_triple(x, y) for x, y in _TRIPLES), _triple((2, 2, 2), (1, 1, 1))), three_variables),
        controls=(Control("factor_0.99", {"factor": F(99, 100)}), Control("any_increments", {}, ("increments",))),
    ),
    Claim(
        id=GORDON,
        source=Source(
            "textbook",
            "Gordon 1985",
            reading="by increments, as in Vershynin 2018, Theorem 7.2.9",
            formal="Lean: gordon_minimax_inequality in NLAlib; same constant",
        ),
        says="For centred Gaussian X_{uw} and Y_{uw}, E min_u max_w X_{uw} <= ${factor:factor}E min_u max_w Y_{uw} where increments of X have at most the variance of Y's for one u, and at least that for two.",
        tex=r"\mathbb{E}\min_u\max_wX_{uw}\le ${factor:factor}\mathbb{E}\min_u\max_wY_{uw}",
        refuted_by="two Gaussian arrays whose means are the other way about",
        hypotheses=(
            Hypothesis(
                "increments",
                "Var(X_{uw} - X_{uw'}) <= Var(Y_{uw} - Y_{uw'}) and, for u' not u, Var(X_{uw} - X_{u'w'}) >= Var(Y_{uw} - Y_{u'w'})",
                _closer,
            ),
        ),
        constants={"factor": Constant(1)},
        exact=ExactRoute(
            (
                *(_triple(x, y) for x, y in _TRIPLES),
                *(_triple(y, x, min=1) for x, y in _TRIPLES),
                _triple((2, 2, 2), (1, 1, 1)),
            ),
            three_variables,
        ),
        controls=(
            Control("factor_0.99", {"factor": F(99, 100)}),
            Control("factor_1.01", {"factor": F(101, 100)}),
            Control("any_increments", {}, ("increments",)),
        ),
    ),
)


# Chevet's inequality.


def chevet_increments(p: Premises) -> Symbolic:
    """X = <V w, u> against Y = a <h, u> + b <g, w>: increments of unit vectors with <u, u'> = 1 - x, <w, w'> = 1 - y."""
    x, y, n, h = sp.symbols("x y n h", nonnegative=True)
    factor = exact_number(p.of(FERNIQUE)["factor"])
    a, b = exact_number(p["rows"]) / factor, exact_number(p["width"]) / factor
    return reduced(
        "Var(X - X') = 2 - 2(1 - x)(1 - y), Var(Y - Y') = 2 a^2 x + 2 b^2 y; the maxima are over unit u in R^n and unit "
        "w with s entries, so those of <h, u> and <g, w> are ||h|| and ||g_S||, and E ||h|| <= sqrt(E ||h||^2) = sqrt n.",
        [
            ("increments", sp.expand(2 * a**2 * x + 2 * b**2 * y - 2 * (x + y - x * y)) >= 0),
            ("E ||h||^2 = n", n * gaussian_mean(h**2, [h], sp.Integer(1)) - n),
        ],
        sufficient=True,
    )


def chevet_sides(case: Case, c: Constants) -> Sides:
    """E max ||V_S|| against rows sqrt n + width E max ||g_S||, where one row, one column, s = 1 or s = d decide both."""
    n, d, s = int(case["n"]), int(case["d"]), int(case["s"])
    with ctx.workprec(_BITS):
        rows = ball(c["rows"]) * arb(n).sqrt()
        if s == d and 1 in (n, d):
            return Sides(chi_mean(max(n, d)), rows + ball(c["width"]) * chi_mean(d))
    if s == 1:
        return Sides(_largest_of(d, n), float(rows) + float(c["width"]) * _largest_of(d, 1))
    return Sides(_mean_norm(n, d), float(rows) + float(c["width"]) * float(chi_mean(d)))


@lru_cache(maxsize=64)
def _largest_of(d: int, k: int) -> float:
    """E of the largest of d independent chi_k, by quadrature of its tail."""
    low, high = float(chi.ppf(1e-18 ** (1 / d), k)), float(chi.isf(1e-18 / d, k))
    return low + _quadrature(lambda x: -np.expm1(d * chi.logcdf(x, k)), low, high)


@lru_cache(maxsize=64)
def _mean_norm(n: int, d: int) -> float:
    """E ||V|| by quadrature of the exact law of its square."""
    high = np.sqrt(n) + np.sqrt(d) + 6

    def above(x: np.ndarray) -> np.ndarray:
        return np.array([float(largest_eigenvalue_above(n, d, float(level) ** 2, relative_bits=30)) for level in x])

    return _quadrature(above, 0.0, float(high))


def _quadrature(f: Callable[[Any], Any], low: float, high: float, nodes: int = 60) -> float:
    at, weights = np.polynomial.legendre.leggauss(nodes)
    half = (high - low) / 2
    return float(half * (weights * f((low + high) / 2 + half * at)).sum())


_CHEVET = Claim(
    id=CHEVET,
    source=Source(
        "textbook",
        "Chevet 1978; Gordon 1985",
        formal="Lean: integral_specNorm_mul_gaussianMatrix_mul_le in NLAlib has the constants, but for ||S V T|| with S and T fixed, not for the maximum over S",
    ),
    says="For V of shape n x d with independent standard normal entries, E max over |S| = s of ||V_S|| is at most ${rows:factor}sqrt n + ${width:factor}E max over |S| = s of ||g_S||, g standard normal in R^d.",
    tex=r"\mathbb{E}\max_{|S|=s}\|V_S\|\le ${rows:factor}\sqrt n+${width:factor}\mathbb{E}\max_{|S|=s}\|g_S\|",
    refuted_by="n, d, s where the mean is larger",
    domain={"n": Range(1, 10**9, True, True), "d": Range(1, 10**9, True, True), "s": Range(1, 10**9, True, True)},
    constants={"rows": Constant(1, "down"), "width": Constant(1, "down")},
    needs=(FERNIQUE,),
    proofs=(chevet_increments,),
    exact=ExactRoute(
        tuple(
            {"n": n, "d": d, "s": s}
            for n, d, s in (
                (1, 10**6, 10**6),
                (10**6, 1, 1),
                (1, 100, 1),
                (10, 100, 1),
                (1000, 1000, 1),
                (4, 4, 4),
                (16, 64, 64),
            )
        ),
        chevet_sides,
    ),
    controls=(Control("rows_0.99", {"rows": F(99, 100)}), Control("width_0.99", {"width": F(99, 100)})),
)

CLAIMS: tuple[Claim, ...] = (_LIPSCHITZ, _POINCARE, *_COMPARISONS, _CHEVET)
