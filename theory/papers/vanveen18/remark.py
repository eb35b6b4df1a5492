"""The remark on compressed sensing, Section 4: which measurements leave AV i.i.d. normal, for every size."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction as F
from typing import Any

import sympy as sp

from untrained.theory.claim import Claim, Constant, Control, Hypothesis, Premises, Source
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced

_THEOREM, _ARITHMETIC = "vanveen18.thm41.corrected", "vanveen18.lemB4.arithmetic"
_ORTHONORMAL = "vanveen18.remark.orthonormal"
_PARAGRAPH = "Section 4, last paragraph"


def _source(label: str, equation: str = "") -> Source:
    return Source("vanveen18", label, equation, 6)


def sensed_terms(nu: sp.Expr, gram: Mapping[str, sp.Expr], *, independent: bool) -> dict[str, sp.Expr]:
    """Covariances of the entries (AV)_il of any sizes, V having entries of deviation nu, uncorrelated if independent.

    (AV)_il is the sum over j of A_ij V_jl; `gram` holds the sums over j of A_ij A_i'j, within a row and across rows.
    """
    x, y, a, b, rho = sp.symbols("x y a b correlation", real=True)
    square = gaussian_mean(x**2, [x], nu)
    apart = gaussian_mean(x * y, [x, y], nu) if independent else rho * nu**2
    return {
        "variance, terms (j, j)": square * gram["within"],
        "two rows of a column, terms (j, j)": square * gram["across"],
        "term (j, j') with j other than j'": a * b * apart,
        "term (j, j') of two columns": a * b * apart,
    }


def row_orthonormal(p: Premises) -> Symbolic:
    """A A^T = I_m for any m and n: AV takes the place of V in Theorem 4.1, with m rows and nu by m."""
    nu, m, n, d, i, y, z = sp.symbols("nu m n d i y_norm z_norm", positive=True)
    length, across = sp.symbols("row_length cross_product", positive=True)
    gram = {"within": sp.Integer(1), "across": sp.Integer(0)}
    if not p.given("orthonormal"):
        gram = {"within": length, "across": across}
    sums = sensed_terms(nu, gram, independent=p.given("normal"))
    variance = (exact_number(p["scale"]) * nu) ** 2
    theorem = p.of(_THEOREM)
    covered = theorem["eta_bar"] >= p["eta_bar"] and theorem["aspect"] <= p["aspect"]
    outputs = sp.Sum(1, (i, 1, m)).doit()
    theirs, ours = (
        y / ((rows * d) ** exact_number(power) * z)
        for rows, power in (({"m": m, "n": n}[p["rows"]], p["nu_power"]), (outputs, p.of(_ARITHMETIC)["nu_power"]))
    )
    return reduced(
        "Columns of AV are independent and jointly normal, so uncorrelated entries are independent; A is fixed, and "
        "V phi(Wz) with AV for V is the generator of m outputs that Theorem 4.1 speaks of.",
        [
            *((name, total - (variance if "variance" in name else 0)) for name, total in sums.items()),
            ("nu of Theorem 4.1 with as many rows as AV has", theirs - ours),
            ("steps and widths of Theorem 4.1", covered),
        ],
        sufficient=not covered,  # beyond the theorem's steps and widths nothing is decided
    )


def root_sum(divides: bool, label: str) -> tuple[sp.Expr, tuple[str, Any]]:
    """(1/n) times the sum over k < n of x^k, x = e^{2 pi i q/n}: 1 where n divides q, else 0, as x^n = 1."""
    x, power = sp.symbols("x power")
    n, k = sp.symbols("n", positive=True, integer=True), sp.symbols("k", integer=True)
    whole = sp.summation(x**k, (k, 0, n - 1))
    branch = whole.args[0 if divides else 1].expr
    value = sp.simplify((branch / n).subs(x**n, power).subs(power, 1))
    return value, (f"geometric sum, {label}", sp.expand((1 - x) * whole.args[1].expr) - sp.expand(1 - x**n))


def fourier_entries(p: Premises) -> Symbolic:
    """Complex rows F_j = n^{-1/2} (x^{jk})_k of any size n: A A^* and A A^T are sums of roots of unity."""
    one, steps = root_sum(True, "n | q")
    none, more = root_sum(False, "n does not divide q")
    return reduced(
        "E of an entry times another is nu^2 (A A^T)_jl, and (A A^*)_jl with the conjugate; (A A^T)_jl is the mean of "
        "x^{(j + l)k}, (A A^*)_jl that of x^{(j - l)k}. Circular entries are independent only if A A^T = 0.",
        [
            steps,
            more,
            ("A A^*, rows j, j", one - exact_number(p["variance"])),
            ("A A^*, rows j, l", none),
            ("A A^T, rows j, -j", one - exact_number(p["pseudo"])),
            ("A A^T, other rows", none),
        ],
    )


_REAL_PART = {1: sp.Rational(1, 2), -1: sp.Rational(1, 2)}
_IMAGINARY_PART = {1: 1 / (2 * sp.I), -1: -1 / (2 * sp.I)}
"""Re F_j and Im F_j as combinations of F_j and F_-j."""


def inner_product(u: Mapping[int, Any], v: Mapping[int, Any], difference: Any, total: Any) -> sp.Expr:
    """Sum over k of entries of two combinations, of F_j, F_-j and of F_l, F_-l, by the sums of roots at j -+ l.

    F_sj times F_tl has the entries x^{(sj + tl)k}/n, whose sum is the same at q and -q.
    """
    return sum(a * b * (total if s == t else difference) for s, a in u.items() for t, b in v.items())


def fourier_real_rows(p: Premises) -> Symbolic:
    """sqrt(c) Re F_j, sqrt(c) Im F_j, one j of each pair, and the real rows: their Gram matrix for every size."""
    (one, steps), (none, more) = root_sum(True, "n | q"), root_sum(False, "n does not divide q")
    c, fixed = exact_number(p["squared"]), exact_number(p["real_factor"])
    pairs = [("one pair", one, none, 1), ("two pairs", none, none, 0)]
    pairs += [] if p.given("one_of_each_pair") else [("frequencies j and -j", none, one, 0)]
    re, im = _REAL_PART, _IMAGINARY_PART
    identities: list[tuple[str, Any]] = [steps, more]
    for name, difference, total, claimed in pairs:
        identities += [
            (f"Re, Re of {name}", c * inner_product(re, re, difference, total) - claimed),
            (f"Im, Im of {name}", c * inner_product(im, im, difference, total) - claimed),
            (f"Re, Im of {name}", c * inner_product(re, im, difference, total)),
        ]
    return reduced(
        "The sums of roots at j - l and j + l are the mean of x^{qk}; a real row has j = -j, so that both are one, its "
        "imaginary part is 0, and it meets other rows in sums that vanish.",
        [
            *identities,
            ("a real row", fixed**2 * inner_product(re, re, one, one) - 1),
            ("a real row with Re of a pair", fixed * sp.sqrt(c) * inner_product(re, re, none, none)),
            ("deviation by the remark", exact_number(p["scale"]) - exact_number(p.of(_ORTHONORMAL)["scale"])),
            ("a real row with Im of a pair", fixed * sp.sqrt(c) * inner_product(re, im, none, none)),
        ],
    )


def gaussian_entries(p: Premises) -> Symbolic:
    """Entries of A V for i.i.d. normal A: covariance of the squares of two entries of a row, any m and n."""
    n, m, nu, t = sp.symbols("n m nu t", positive=True)
    transform = (1 - 2 * t / m) ** (-n / 2)
    first, second = (sp.diff(transform, t, k).subs(t, 0) for k in (1, 2))
    claimed = exact_number(p["cross_excess"]) * (nu**2 * first) ** 2 / n
    return reduced(
        "Given row a of A, two entries of that row of AV are independent N(0, nu^2 ||a||^2), so E x^2 = nu^2 E||a||^2 "
        "and E x^2 x'^2 = nu^4 E||a||^4; the moments of ||a||^2, a chi-square over m, come from its transform.",
        [("covariance of the squares", nu**4 * (second - first**2) - claimed)],
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id=_ORTHONORMAL,
        source=_source(_PARAGRAPH, "AV has the law of a Gaussian matrix"),
        says="If A consists of m rows of a real orthonormal matrix of size n, m and n being any, AV has i.i.d. normal entries of deviation ${scale:factor}nu, so Theorem 4.1 (as corrected, eta_bar <= $eta_bar) applies to y = Ax for d >= $aspect $rows, with n replaced by $rows, in nu = ||y||/((d $rows)^{$nu_power}||z||) too.",
        tex=r"AA^T=I\Rightarrow (AV)_{il}\ \text{i.i.d. normal of deviation}\ ${scale:factor}\nu,\ \nu=\|y\|/((d$rows)^{$nu_power}\|z\|),\ \bar\eta\le$eta_bar,\ d\ge $aspect\,$rows",
        refuted_by="a covariance of AV that is not nu^2 times the identity",
        hypotheses=(
            Hypothesis("orthonormal", "the rows of A are orthonormal"),
            Hypothesis("normal", "V has i.i.d. normal entries of deviation nu"),
        ),
        constants={
            "scale": Constant(1),
            "rows": Constant("m", others=("n",)),
            "nu_power": Constant(F(1, 2)),
            "eta_bar": Constant(F(1, 16), "up"),
            "aspect": Constant(43 * 10**14, "down"),
        },
        needs=(_THEOREM,),
        reads=(_ARITHMETIC,),
        proofs=(row_orthonormal,),
        controls=(
            Control("any_rows", {}, ("orthonormal",)),
            Control("nu_of_n", {"rows": "n"}),
            Control("scale_1.01", {"scale": F(101, 100)}),
        ),
        version=2,
    ),
    Claim(
        id="vanveen18.remark.fourier.printed",
        source=_source(_PARAGRAPH, "e.g. subsampling a Fourier matrix"),
        says="For A made of rows of the complex Fourier matrix of any size, AV has i.i.d. circular normal entries: in units of nu squared, their variance is $variance and E of the product of any two is $pseudo.",
        tex=r"A\subset F\Rightarrow AA^*=${variance:factor}I,\ AA^T=$pseudo",
        refuted_by="a pseudo-covariance A A^T that is not zero: rows j and -j are conjugates and row 0 is real",
        constants={"variance": Constant(1), "pseudo": Constant(0)},
        proofs=(fourier_entries,),
        controls=(Control("scaled", {"variance": F(101, 100)}),),
        version=2,
    ),
    Claim(
        id="vanveen18.remark.fourier.corrected",
        source=_source(f"{_PARAGRAPH}, with real and imaginary parts"),
        says="sqrt($squared) times the real and imaginary parts of one frequency of each conjugate pair, and $real_factor times each real row, are orthonormal rows for every size, so that AV has i.i.d. normal entries of deviation ${scale:factor}nu.",
        tex=r"\{\sqrt{$squared}\,\mathrm{Re}F_j,\sqrt{$squared}\,\mathrm{Im}F_j,${real_factor:factor}F_i\}\ \text{orthonormal},\ F_i\ \text{real}:\ (AV)_{il}\ \text{i.i.d. normal of deviation}\ ${scale:factor}\nu",
        refuted_by="a Gram matrix of these rows that is not the identity",
        hypotheses=(Hypothesis("one_of_each_pair", "of frequencies j and -j one is measured"),),
        constants={"squared": Constant(2), "real_factor": Constant(1), "scale": Constant(1)},
        needs=(_ORTHONORMAL,),
        proofs=(fourier_real_rows,),
        controls=(
            Control("both_of_a_pair", {}, ("one_of_each_pair",)),
            Control("squared_2.01", {"squared": F(201, 100)}),
        ),
        version=2,
    ),
    Claim(
        id="vanveen18.remark.gaussian.independent",
        source=_source(f"{_PARAGRAPH}, put to the Gaussian A of the experiments (our combination)"),
        says="For A with i.i.d. normal entries AV too has independent entries, so the remark covers Gaussian measurements: the covariance of the squares of two entries of a row is $cross_excess times the product of their means over n.",
        tex=r"A_{ij}\ \text{i.i.d. normal}\Rightarrow\mathrm{Cov}(xx,x'x')=$cross_excess\,\mathbb{E}xx\,\mathbb{E}x'x'/n",
        refuted_by="a fourth cross-moment along a row of AV that does not factor",
        constants={"cross_excess": Constant(0)},
        proofs=(gaussian_entries,),
        controls=(Control("nearly_the_excess", {"cross_excess": F(199, 100)}),),
        version=2,
    ),
)
