"""Lemma B.4, the initial misfit: the paper's steps (Section C.5), two joint Chernoff bounds, exact laws, controls.

The paper bounds ||g|| and ||phi(Wz)|| apart, with exponents that fail. Ours bounds them together: ReLU halves the energy.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction as F
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp
from flint import arb, ctx
from scipy.optimize import minimize

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
from untrained.theory.laws import misfit
from untrained.theory.proof.algebra import exact_number, falls_in_aspect, image_terms, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

_CHERNOFF, _SIGMA = "textbook.chernoff", "vanveen18.sigma"
_TRIANGLE, _LAW, _HIDDEN = "vanveen18.lemB4.triangle", "vanveen18.lemB4.law.corrected", "vanveen18.lemB4.hidden_law"
_EQ16, _HIDDEN_NORM = "vanveen18.lemB4.eq16.printed", "vanveen18.lemB4.hidden_norm.printed"
_ARITHMETIC, _NORM = "vanveen18.lemB4.arithmetic", "vanveen18.lemB4.norm"
_HALF = F(1, 2)


def _source(label: str, equation: str = "", page: int | None = 21, reading: str = "") -> Source:
    return Source("vanveen18", label, equation, page, reading)


# eq. (15), (16) and the laws between them, as the paper has them.


def triangle(p: Premises) -> Symbolic:
    """||a - y|| <= k ||a|| + l ||y||: the gap of squares, with rho the cosine of the angle between a and y."""
    a, b, rho = sp.symbols("a b rho", real=True)
    k, l = exact_number(p["output"]), exact_number(p["target"])
    gap = (k * a + l * b) ** 2 - (a**2 + b**2 - 2 * rho * a * b)
    return reduced(
        "a = ||V phi||, b = ||y|| >= 0 and rho >= -1: no summand of the gap is negative; a = 0 and b = 0 ask for both.",
        [
            ("gap of squares", gap - ((k**2 - 1) * a**2 + (l**2 - 1) * b**2 + 2 * a * b * (k * l + rho))),
            ("factor of the output's norm", k >= 1),
            ("factor of the target's norm", l >= 1),
        ],
    )


def relu_contracts(p: Premises) -> Symbolic:
    """||phi(x)|| <= k ||x||, entry by entry: a positive entry keeps its square, a negative one loses it."""
    k = exact_number(p["factor"])
    return reduced(
        "Squares add up over entries, however many; x = (1, 0, ..., 0) asks for all of the positive entry's.",
        [("positive entry of square one", k**2 - 1 >= 0), ("negative entry of square one", k**2 >= 0)],
    )


def output_law(p: Premises) -> Symbolic:
    """V phi given phi: independent entries of deviation nu ||phi||, as many as V has rows, any sizes."""
    nu, n, d, norm, i = sp.symbols("nu n d phi_norm i", positive=True)
    scale, dimension = exact_number(p["scale"]), {"n": n, "d": d, "nd": n * d}[p["dimension"]]
    energy = sp.Sum(nu**2 * norm**2, (i, 1, n)).doit()
    return reduced(
        "Given phi, V phi is jointly normal, so its covariance is its law; the terms over l add up to ||phi||^2 for "
        "every d, and one entry a row of V to the energy.",
        [
            *image_terms(nu, scale * nu, independent=p.given("normal")),
            ("E ||V phi||^2 against that of nu ||phi|| g", energy - dimension * (scale * nu * norm) ** 2),
        ],
    )


def hidden_law(p: Premises) -> Symbolic:
    """W z: independent entries of variance ||z||^2, for every number of inputs."""
    norm = sp.symbols("z_norm", positive=True)
    one = sp.Integer(1)
    return reduced(
        "Wz is jointly normal, so its covariance is its law; the terms over coordinates add up to ||z||^2.",
        [
            *image_terms(one, sp.sqrt(exact_number(p["scale"])), independent=p.given("normal")),
            ("variance ||z||^2", norm ** exact_number(p["z_power"]) - norm**2),
        ],
    )


def output_arithmetic(p: Premises) -> Symbolic:
    """sqrt(c n) nu sqrt(c d) ||z|| at nu = ||y||/((dn)^q ||z||), c the energy of eq. (16) in R^n and in R^d."""
    n, d, y, z = sp.symbols("n d y z", positive=True)
    c = exact_number(p["energy"])
    nu = y / ((d * n) ** exact_number(p["nu_power"]) * z)
    return reduced(
        "Substitution of nu.",
        [
            ("energy of g", c - exact_number(p.of(_EQ16)["energy"])),
            ("energy of the hidden vector", c - exact_number(p.of(_HIDDEN_NORM)["energy"])),
            ("product", sp.sqrt(c * n) * nu * sp.sqrt(c * d) * z - exact_number(p["factor"]) * y),
        ],
    )


def chi_square_exponent(p: Premises) -> Enclosed:
    """P(chi2_n >= c n) <= K e^{-n (c - 1 - log c)/2}: Chernoff at t = (1 - 1/c)/2, for every n."""
    with ctx.workprec(120):
        c, rate = ball(p["energy"]), ball(p["rate"])
        x = (c - 1 - c.log()) / 2 if c > 1 else arb(0)
        first = ball(p.of(_CHERNOFF)["factor"]) * (rate - x).exp()
        return enclosed(
            {"exponent by Chernoff": x},
            [x - rate, ball(p["failure_factor"]) - first],
            "E e^{t chi2_n} = (1 - 2t)^{-n/2}; beyond the claimed rate the quotient falls in n, so n = 1 decides the "
            "factor.",
            sufficient=True,
        )


def chi_square_failure(case: Case, c: Constants) -> Sides:
    """P(chi2_n > c n) against the claimed failure, both as balls; n is whichever dimension the case names."""
    n = int(case["n"] if "n" in case else case["d"])
    with ctx.workprec(192):
        tail = (ball(c["energy"]) * n / 2).gamma_upper(ball(F(n, 2)), regularized=1)
        return Sides(tail, ball(c["failure_factor"]) * (-ball(c["rate"]) * n).exp())


_SIZES = (1, 2, 3, 4, 6, 10, 30, 100, 1000, 10**4, 10**5, 10**6)


def _chi_square(
    claim_id: str, source: Source, n: str, vector: str, rate: F, largest: int = 1000, **routes: Any
) -> Claim:
    """Eq. (16)'s bound on a standard normal vector of R^n, or of R^d."""
    return Claim(
        id=claim_id,
        source=source,
        says=f"A standard normal vector of R^{n} has norm at most sqrt(${{energy:factor}}{n}) with probability at least 1 - ${{failure_factor:factor}}e^{{-${{rate:factor}}{n}}}.",
        tex=rf"P\{{\|{vector}\|\le\sqrt{{${{energy:factor}}{n}}}\}}\ge 1-${{failure_factor:factor}}e^{{-${{rate:factor}}{n}}}",
        refuted_by=f"{n} where the exact chi-square tail exceeds the claimed failure",
        domain={n: Range(1, 10**9)},
        constants={
            "energy": Constant(2, "down"),
            "rate": Constant(rate, "up"),
            "failure_factor": Constant(1, "down"),
        },
        exact=ExactRoute(
            tuple({n: size} for size in _SIZES if size <= largest), chi_square_failure, compares=FAILURE_SIDES
        ),
        version=2,
        **routes,
    )


def _law(name: str, source: Source, dimension: str, others: tuple[str, ...], **more: Any) -> Claim:
    """The law of V phi, with g in one space or another."""
    return Claim(
        id=f"vanveen18.lemB4.law.{name}",
        source=source,
        says="Given phi(Wz), V phi(Wz) has the law of ${scale:factor}nu ||phi(Wz)|| g with g standard normal in R^$dimension.",
        tex=r"V\phi(Wz)\sim${scale:factor}\nu\|\phi(Wz)\|g,\ g\in\mathbb{R}^{$dimension}",
        refuted_by="a moment that differs",
        hypotheses=(Hypothesis("normal", "V has i.i.d. normal entries of deviation nu, independent of W"),),
        constants={"dimension": Constant(dimension, others=others), "scale": Constant(1)},
        proofs=(output_law,),
        version=2,
        **more,
    )


_PAPERS_ROAD = (
    Claim(
        id=_TRIANGLE,
        source=_source("eq. (15)", "||V phi(Wz) - y|| <= ||V phi(Wz)|| + ||y||"),
        says="The misfit ||V phi(Wz) - y|| is at most ${output:factor}||V phi(Wz)|| + ${target:factor}||y||.",
        tex=r"\|V\phi(Wz)-y\|\le${output:factor}\|V\phi(Wz)\|+${target:factor}\|y\|",
        refuted_by="vectors that break the triangle inequality",
        constants={"output": Constant(1, "down"), "target": Constant(1, "down")},
        proofs=(triangle,),
        controls=(Control("less_target", {"target": F(99, 100)}), Control("less_output", {"output": F(99, 100)})),
        version=2,
    ),
    _law(
        "printed",
        _source("Section C.5, first display", "V phi(Wz) ~ nu ||phi(Wz)|| g, g in R^d"),
        "d",
        ("nd",),
        controls=(Control("in_nd", {"dimension": "nd"}),),
    ),
    _law(
        "corrected",
        _source("Section C.5, first display, with g in R^n"),
        "n",
        ("d", "nd"),
        controls=(Control("in_d", {"dimension": "d"}), Control("longer", {"scale": F(101, 100)})),
    ),
    _chi_square(
        _EQ16,
        _source("eq. (16)", "||g|| <= sqrt(2n) with probability 1 - e^{-n/2}"),
        "n",
        "g",
        _HALF,
        controls=(Control("rate_51", {"rate": F(51, 100)}),),
    ),
    _chi_square(
        "vanveen18.lemB4.eq16.corrected",
        _source("eq. (16), with the chi-square's own exponent (1 - log 2)/2"),
        "n",
        "g",
        F(1534, 10000),
        10**6,
        needs=(_CHERNOFF,),
        proofs=(chi_square_exponent,),
        controls=(
            Control("rate_0.1535", {"rate": F(1535, 10000)}),
            Control("energy_1.99", {"energy": F(199, 100)}),
            Control("failure_0.18", {"failure_factor": F(18, 100)}),
        ),
    ),
    Claim(
        id=_HIDDEN,
        source=_source("Section C.5, second display", "Wz ~ ||z|| g~, g~ in R^d"),
        says="W z has independent normal entries of variance ${scale:factor}||z||^$z_power.",
        tex=r"(Wz)_l\ \text{i.i.d.},\ \mathrm{Var}(Wz)_l=${scale:factor}\|z\|^$z_power",
        refuted_by="a covariance of Wz other than ||z||^2 times the identity",
        hypotheses=(Hypothesis("normal", "W has i.i.d. standard normal entries"),),
        constants={"z_power": Constant(2), "scale": Constant(1)},
        proofs=(hidden_law,),
        controls=(Control("z_power_1.99", {"z_power": F(199, 100)}), Control("scale_1.01", {"scale": F(101, 100)})),
        version=2,
    ),
    _chi_square(
        _HIDDEN_NORM,
        _source(
            "Section C.5, the step to 2 sqrt(nd) nu ||z||",
            "||g~|| <= sqrt(2d) with probability 1 - e^{-d/2}",
            21,
            "implied by the claimed 1 - e^{-n/2} - e^{-d/2}",
        ),
        "d",
        r"\tilde g",
        _HALF,
        controls=(Control("rate_51", {"rate": F(51, 100)}),),
    ),
    Claim(
        id=_ARITHMETIC,
        source=_source("Section C.5, last display but one", "2 sqrt(nd) nu ||z|| = 2||y||"),
        says="sqrt(${energy:factor}n) nu sqrt(${energy:factor}d) ||z|| = ${factor:factor}||y|| for nu = ||y||/((dn)^{$nu_power}||z||).",
        tex=r"\sqrt{${energy:factor}n}\,\nu\sqrt{${energy:factor}d}\,\|z\|=${factor:factor}\|y\|,\ \nu=\|y\|/((dn)^{$nu_power}\|z\|)",
        refuted_by="another product from the same substitution",
        constants={"factor": Constant(2), "energy": Constant(2), "nu_power": Constant(_HALF)},
        reads=(_EQ16, _HIDDEN_NORM),
        proofs=(output_arithmetic,),
        controls=(Control("factor_2.01", {"factor": F(201, 100)}),),
        version=2,
    ),
    Claim(
        id="vanveen18.lemB4.relu",
        source=_source("eq. (16), last step", "||phi(Wz)|| <= ||Wz||"),
        says="ReLU does not increase the norm: ||phi(Wz)|| <= ${factor:factor}||Wz||.",
        tex=r"\|\phi(Wz)\|\le${factor:factor}\|Wz\|",
        refuted_by="a vector whose positive part is longer",
        constants={"factor": Constant(1, "down")},
        proofs=(relu_contracts,),
        controls=(Control("less", {"factor": F(99, 100)}),),
        version=2,
    ),
)


# The output and the misfit, whose exponents are those of n = d.


def _relu_cumulant(t: arb, active: arb) -> arb:
    """log E e^{t (g)_+^2}."""
    return (1 - active + active / (1 - 2 * t).sqrt()).log()


def _laws_stand(p: Premises) -> arb:
    """The misfit is that of ||y|| (Y/(dn))^{1/2} g in R^n: the premises on which both bounds rest."""
    law, hidden = p.of(_LAW), p.of(_HIDDEN)
    powers = hidden["z_power"] == 2 and p.of(_ARITHMETIC)["nu_power"] == _HALF
    return fact(law["dimension"] == "n" and powers and falls_in_aspect(F(p.of(_SIGMA)["diagonal"])))


def _unit(p: Premises) -> float:
    """By how much the records' laws stretch the output."""
    return float(p.of(_LAW)["scale"]) * float(p.of(_HIDDEN)["scale"]) ** 0.5


def _over_all_sizes(p: Premises, exponent: arb) -> list[arb]:
    """Margins of K e^{-min(n,d) e} <= k (e^{-an} + e^{-bd}); without independence Cauchy and Schwarz leave e/2."""
    e = exponent if p.given("independent") else exponent / 2
    a, b = ball(p["rows_rate"]), ball(p["width_rate"])
    first = ball(p.of(_CHERNOFF)["factor"]) * (a.max(b) - e).exp()
    return [e - a, e - b, ball(p["failure_factor"]) - first, _laws_stand(p)]


def joint_exponent(p: Premises) -> Enclosed:
    """P(chi2_n Y > f^2 dn) <= e^{-min(n,d) e}: Chernoff for s chi2_n/n + t Y/d, which is at least 2f sqrt(st)."""
    with ctx.workprec(120):
        f, active = ball(p["factor"]) / ball(_unit(p)), ball(p.of(_SIGMA)["diagonal"])
        s, t = map(ball, _output_tilts(float(p["factor"]) / _unit(p)))
        e = 2 * f * (s * t).sqrt() + (1 - 2 * s).log() / 2 - _relu_cumulant(t, active)
        return enclosed(
            {"joint exponent at n = d": e, "s": s, "t": t},
            _over_all_sizes(p, e),
            "xy > f^2 implies sx + ty > 2f sqrt(st). With weights min(n,d) s and min(n,d) t the cumulants are r Lambda"
            "(t/r), r = d/n or n/d >= 1, which fall in r (Lambda is convex and 0 at 0), so n = d is worst.",
            sufficient=True,
        )


def misfit_assembled(p: Premises) -> Symbolic:
    """The paper's last step: the triangle inequality on the event of the output's norm."""
    norm, sides = p.of(_NORM), p.of(_TRIANGLE)
    least = exact_number(sides["output"]) * exact_number(norm["factor"]) + exact_number(sides["target"])
    return reduced(
        "On the event ||V phi|| <= k ||y|| the misfit is at most (k + 1)||y||.",
        [
            ("factor", exact_number(p["factor"]) >= least),
            *((rate, exact_number(norm[rate]) >= exact_number(p[rate])) for rate in ("rows_rate", "width_rate")),
            ("failures", exact_number(p["failure_factor"]) >= exact_number(norm["failure_factor"])),
            ("hypothesis of the norm's bound", p.given("independent")),
        ],
        sufficient=True,
    )


def misfit_exponent(p: Premises) -> Enclosed:
    """P(||w v - e|| > c) <= e^{-min(n,d) e}, v = g/sqrt n, w^2 = Y/d: Chernoff for p |v|^2 - r <v, e> + q w^2.

    It is p |v - k e|^2 - p k^2 + q w^2, k = r/(2p), and |v - k e| >= c/w - |1/w - k| by the triangle inequality.
    """
    with ctx.workprec(120):
        c, active = F(p["factor"]) / F(_unit(p)), ball(p.of(_SIGMA)["diagonal"])
        tilts = _misfit_tilts(float(c))
        least = _least_functional(float(c), *(float(x) for x in tilts))
        level = F(math.floor(least * 10**6) - 1, 10**6)
        s, q, r = map(ball, tilts)
        e = ball(level) + (1 - 2 * s).log() / 2 - r**2 / (2 * (1 - 2 * s)) - _relu_cumulant(q, active)
        return enclosed(
            {"joint exponent at n = d": e, "least of the functional": ball(level)},
            [*_over_all_sizes(p, e), fact(_reaches(c, level, *tilts))],
            "E e^{n(p|v|^2 + r v_1)} = (1 - 2p)^{-n/2} e^{n r^2/(2(1 - 2p))}; for n > d its tilts are divided by n/d, and "
            "r^2/(2(n/d - 2p)) falls in n/d as the cumulants do, so n = d is worst.",
            sufficient=True,
        )


def _reaches(c: F, level: F, s: F, q: F, r: F) -> bool:
    """Whether the functional is at least the level where the misfit exceeds c > 1: w^2 times the excess has no root.

    It is one polynomial for w <= 1/k, one for w >= 1/k; beyond w = (c + 1)/k only q w^2 - p k^2 is left.
    """
    k, w = r / (2 * s), sp.symbols("w")
    ends = ((c - 1, r), (c + 1, -r))
    lines: list[list[Any]] = [[q, 0, -level, tilt * end, s * end * end] for end, tilt in ends]
    excess = [sp.Poly([exact_number(F(x)) for x in line], w) for line in lines]
    far = q * ((c + 1) / k) ** 2 - s * k**2 >= level
    return c > 1 and far and all(polynomial.count_roots(0, sp.oo) == 0 for polynomial in excess)


def _least_functional(c: float, s: float, q: float, r: float) -> float:
    """The least of p e^2/w^2 +- r e/w + q w^2 over w > 0, for + and e = c - 1 and for - and e = c + 1."""
    values = []
    for end, sign in ((c - 1, 1), (c + 1, -1)):
        w = max(root.real for root in np.roots([2 * q, 0, 0, -sign * r * end, -2 * s * end**2]))
        values.append(s * end**2 / w**2 + sign * r * end / w + q * w**2)
    return min(values)


@lru_cache
def _output_tilts(f: float) -> tuple[F, ...]:
    return _tilts(lambda s, t: 2 * f * math.sqrt(s * t), (0.27, 0.33))


@lru_cache
def _misfit_tilts(c: float) -> tuple[F, ...]:
    return _tilts(lambda s, q, r: _least_functional(c, s, q, r) - r**2 / (2 - 4 * s), (0.26, 0.35, 0.33))


def _tilts(gain: Callable[..., float], start: tuple[float, ...]) -> tuple[F, ...]:
    """The tilts of |v|^2, of w^2 and others that give the largest exponent (any prove)."""

    def short(x: Any) -> float:
        s, q, *more = (float(v) for v in x)
        if not 0 < min(s, q, *more) <= max(s, q) < 0.49:
            return 9.0
        return -(gain(s, q, *more) + math.log(1 - 2 * s) / 2 - math.log(0.5 + 0.5 / math.sqrt(1 - 2 * q)))

    best = minimize(short, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-9}).x
    return tuple(F(round(float(v) * 10**6), 10**6) for v in best)


# Exact laws: a chi-square times the ReLU energy, central for the output and off-centre for the misfit.


@lru_cache
def _output_exceeds(n: int, d: int, factor: float) -> float:
    return misfit.output_exceeds(n, d, factor)


@lru_cache
def _misfit_exceeds(n: int, d: int, factor: float) -> float:
    return misfit.misfit_exceeds(n, d, factor)


def output_failure(case: Case, c: Constants) -> Sides:
    """P(||V phi(W_0 z)|| > f ||y||), good to 1e-8 and 1e-28, against the claimed failure."""
    x = _output_exceeds(int(case["n"]), int(case["d"]), float(c["factor"]))
    return Sides(arb(x, 1e-8 * x + 1e-28), _failure(case, c))


def misfit_failure(case: Case, c: Constants) -> Sides:
    """P(||V phi(W_0 z) - y|| > f ||y||), good to 1e-8 and 1e-12, against the claimed failure."""
    x = _misfit_exceeds(int(case["n"]), int(case["d"]), float(c["factor"]))
    return Sides(arb(x, 1e-8 * x + 1e-12), _failure(case, c))


def _failure(case: Case, c: Constants) -> arb:
    with ctx.workprec(160):
        each = [(-ball(c[rate]) * int(case[size])).exp() for rate, size in (("rows_rate", "n"), ("width_rate", "d"))]
        return ball(c["failure_factor"]) * sum(each)


def failure_below_one(case: Case, c: Constants) -> bool:
    """Whether the claimed failure is below one."""
    return bool(_failure(case, c) < 1)


def _grid(sizes: tuple[int, ...], *more: tuple[int, int]) -> tuple[dict[str, int], ...]:
    return tuple({"n": n, "d": d} for n, d in (*((n, d) for n in sizes for d in sizes), *more))


_OUTPUT_CASES = _grid((1, 2, 8, 20), (30, 1), (60, 60), (90, 90), (82, 102), (100, 84), (20, 200))
_MISFIT_CASES = _grid((1, 2, 8), (1, 20), (20, 1), (20, 20), (50, 50), (11, 44), (44, 11))
_INDEPENDENT = (Hypothesis("independent", "V and W_0 are independent"),)


def _failures(factor: int) -> dict[str, Constant]:
    return {
        "factor": Constant(factor, "down"),
        "rows_rate": Constant(_HALF, "up"),
        "width_rate": Constant(_HALF, "up"),
        "failure_factor": Constant(1, "down"),
    }


_SAYS = "at most ${factor:factor}||y|| with probability at least 1 - ${failure_factor:factor}(e^{-${rows_rate:factor}n} + e^{-${width_rate:factor}d}), for every n and d"
_TEX = (
    r"\|\le${factor:factor}\|y\|\}\ge 1-${failure_factor:factor}(e^{-${rows_rate:factor}n}+e^{-${width_rate:factor}d})"
)
_LAWS = (_LAW, _HIDDEN, _SIGMA, _CHERNOFF)
_DOMAIN = {"n": Range(1, 10**9), "d": Range(1, 10**60)}

_LEMMA = (
    Claim(
        id=_NORM,
        source=_source("Section C.5, last display but one", "||V phi(Wz)|| <= 2||y||"),
        says=f"||V phi(W_0 z)|| is {_SAYS} (though the steps that lead to it in the paper fail).",
        tex=rf"P\{{\|V\phi(W_0z){_TEX}",
        refuted_by="n, d where the exact law exceeds the claimed failure",
        domain=_DOMAIN,
        hypotheses=_INDEPENDENT,
        constants=_failures(2),
        needs=_LAWS,
        reads=(_ARITHMETIC,),
        proofs=(joint_exponent,),
        exact=ExactRoute(_OUTPUT_CASES, output_failure, informative=failure_below_one, compares=FAILURE_SIDES),
        controls=(
            Control("factor_1.9", {"factor": F(19, 10)}),
            Control("both_rates_0.56", {"rows_rate": F(56, 100), "width_rate": F(56, 100)}),
            Control("rows_rate_0.64", {"rows_rate": F(64, 100)}),
            Control("width_rate_0.6", {"width_rate": F(6, 10)}),
            Control("failure_0.04", {"failure_factor": F(4, 100)}),
        ),
        version=2,
    ),
    Claim(
        id="vanveen18.lemB4",
        source=_source("Lemma B.4", "", 17, "nu = ||y||/(sqrt(dn)||z||) is fixed by the proof"),
        says=f"||V phi(W_0 z) - y|| is {_SAYS}.",
        tex=rf"P\{{\|V\phi(W_0z)-y{_TEX}",
        refuted_by="n, d where the exact law (a noncentral chi-square mixed over the ReLU energy) exceeds the claimed failure",
        domain=_DOMAIN,
        hypotheses=_INDEPENDENT,
        constants=_failures(3),
        needs=(_NORM, _TRIANGLE, *_LAWS),
        reads=(_ARITHMETIC,),
        proofs=(misfit_assembled, misfit_exponent),
        exact=ExactRoute(_MISFIT_CASES, misfit_failure, informative=failure_below_one, compares=FAILURE_SIDES),
        controls=(
            Control("factor_2.25", {"factor": F(225, 100)}),
            Control("rows_rate_2", {"rows_rate": 2}),
            Control("width_rate_2", {"width_rate": 2}),
            Control("failure_0.014", {"failure_factor": F(14, 1000)}),
        ),
        version=2,
    ),
)

CLAIMS: tuple[Claim, ...] = (*_PAPERS_ROAD, *_LEMMA)
