"""How far the smoothest interpolant of Gaussian measurements is from the signal: its deterministic equivalent.

kappa solves sum of a_i = m with a_i = s_i/(s_i + kappa); the mean squared error is near [sum of x_i^2 (1 - a_i)^2 +
noise^2 df/m]/(1 - df/m), df the sum of a_i^2. Source: heckel20b Theorem 1, and ridgeless regression
"""

from __future__ import annotations

import math
from fractions import Fraction as F
from functools import lru_cache

import numpy as np
import sympy as sp

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    CountRoute,
    Draw,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    SearchRoute,
    Sides,
    Source,
    claimed_share,
    rounding,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.objects import interpolation
from untrained.theory.objects.dual_kernels import basis_spectrum, triangle_kernel
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.algebra import exact_number, image_terms, reduced


def scaled_spectrum(case: Case) -> Array:
    """The drawn spectrum, the square of e^g, by how uneven it is to be."""
    result: Array = np.exp(2 * float(case["spread"]) * case["g"][0])
    return result


# The absolute constant, in the deterministic equivalent.


def constant_argument(p: Premises) -> Symbolic:
    """s kappa^2/(s + kappa)^2 <= kappa/4, m(1 - df/m) = sum of a(1 - a), s = kappa a/(1 - a), and Cauchy and Schwarz."""
    s, kappa, a, m = sp.symbols("s kappa a m", positive=True)
    factor, share = exact_number(p["factor"]), exact_number(p["share"])
    rest = (1 - share) * m
    return reduced(
        "Signal part: sum of (x_i^2/s_i) s_i kappa^2/(s_i + kappa)^2 <= ||c||^2 kappa/4, divided by 1 - df/m. Over the "
        "i beyond share m, T = sum of a(1 - a) <= m - df and S = sum of a/(1 - a) = (their sum of s)/kappa have TS >= (sum of "
        "a)^2 >= ((1 - share)m)^2, the others being at most one each. So error^2/(||c||^2 S kappa/m) <= m^2/(4TS).",
        [
            ("summand", sp.simplify(kappa / 4 - s * kappa**2 / (s + kappa) ** 2 - kappa * (s - kappa) ** 2 / (2 * s + 2 * kappa) ** 2)),
            ("s by a", sp.simplify((s / kappa) - (s / (s + kappa)) / (1 - s / (s + kappa)))),
            ("Cauchy and Schwarz", sp.simplify(a * (1 - a) * (a / (1 - a)) - a**2)),
            ("a share of the indices", sp.And(share >= 0, share < 1)),
            ("factor", factor >= sp.simplify(m / (2 * rest))),
        ],
        sufficient=True,
    )  # fmt: skip


def constant_at_two_levels(case: Case, c: Constants) -> Sides:
    """kappa = 1: q values with a = 1 - e, q with a = 1/2 + e, so m = 3q/2; x along one of the latter; squares."""
    q, e = int(case["q"]), F(case["e"])
    m, a = F(3 * q, 2), F(1, 2) + e
    spread = q * ((1 - e) * e + a * (1 - a)) / m
    first = math.floor(F(c["share"]) * m)
    tail = max(0, q - first) * (1 - e) / e + max(0, 2 * q - max(q, first)) * a / (1 - a)
    error = a * (1 - a) / spread
    return Sides(error, F(c["factor"]) ** 2 * tail / m, unit=error)


def constant_on_spectra(case: Case, c: Constants) -> Sides:
    """The coordinate of the largest error on a drawn spectrum, each with ||c|| = 1."""
    s, m = scaled_spectrum(case), min(int(case["m"]), int(case["n"]))
    signals = np.diag(np.sqrt(s))
    errors = [math.sqrt(interpolation.equivalent_error(x, s, m).signal) for x in signals]
    bounds = interpolation.smooth_bound(signals, s, m, F(c["share"]))
    return Sides(max(errors), float(c["factor"]) * float(bounds.max()) * (1 + 1e-9))


# The deterministic equivalent against draws.


@lru_cache
def _kernel_spectrum(length: int, half_width: int) -> Array:
    return basis_spectrum(triangle_kernel(length, half_width))


def estimator(A: Array, s: Array) -> Array:
    """Sigma A^T (A Sigma A^T)^{-1}, (..., n, m), for fewer rows than columns."""
    result: Array = np.swapaxes(np.linalg.solve(A * s @ np.swapaxes(A, -1, -2), A * s), -1, -2)
    return result


def mean_squares(A: Array, s: Array, span: int) -> tuple[Array, Array]:
    """Squared errors of the interpolant for each A (..., m, n): of a random unit x in a span, and of unit noise.

    Means over x, uniform on the unit sphere of the first coordinates, and over the noise, both exact given A.
    """
    back = estimator(A, s)
    missed = back @ A[..., :span] - np.eye(len(s))[:, :span]
    return np.square(missed).sum((-2, -1)) / span, np.square(back).sum((-2, -1))


_SQUARES: dict[tuple[object, ...], tuple[Array, Array]] = {}
"""Means over draws by first entries: a statement with another number looks at the same draws."""


def _once(A: Array, s: Array, span: int) -> tuple[Array, Array]:
    key = (A.shape, A[..., 0, 0].tobytes(), s.tobytes(), span)
    if key not in _SQUARES:
        missed, noise = mean_squares(A, s, span)
        _SQUARES[key] = missed.mean(-1), noise.mean(-1)
    return _SQUARES[key]


def claimed_squares(s: Array, span: int, m: int, c: Constants) -> tuple[float, float]:
    """The same by the deterministic equivalent, with the power of 1/(1 - df/m) and the factor of the statement."""
    kappa = interpolation.effective_ridge(s, m)
    df = float(np.square(s / (s + kappa)).sum()) / m
    change = float(c["lead"]) * (1 - df) ** (1 - float(c["inflation"]))
    x = np.repeat([1 / math.sqrt(span), 0.0], [span, len(s) - span])
    error = interpolation.equivalent_error(x, s, m, 1.0)
    return change * error.signal, change * error.noise


def equivalent_on_draws(case: Case, c: Constants) -> Sides:
    """How far the root mean square over some draws is from the claimed one, without noise and with it."""
    n, m, span = (int(case[name]) for name in ("n", "m", "p"))
    s, variance = _kernel_spectrum(n, int(case["half_width"])), float(case["nu"]) ** 2
    missed, noise = _once(case["A"], s, span)
    claimed = claimed_squares(s, span, m, c)
    without = np.abs(np.sqrt(missed / claimed[0]) - 1)
    within = np.abs(np.sqrt((missed + variance * noise) / (claimed[0] + variance * claimed[1])) - 1)
    return Sides(np.maximum(without, within), float(c["tolerance"]))


def error_parts(A: Array, x: Array, z: Array, s: Array) -> tuple[Array, Array]:
    """The error of the interpolant of Ax, and what unit noise z adds to it, (draws, n) each."""
    back = estimator(A, s)
    return (back @ (A @ x[..., None]))[..., 0] - x, (back @ z[..., None])[..., 0]


_PARTS: dict[tuple[object, ...], tuple[Array, Array]] = {}
"""The same by rows and first entries."""


def _parts_once(case: Case, rows: int) -> tuple[Array, Array]:
    A, n = case["A"], int(case["n"])
    key = (A.shape, A[..., 0, 0].tobytes(), rows, int(case["half_width"]), int(case["p"]))
    if key not in _PARTS:
        x = np.zeros((len(A), n))
        x[:, : int(case["p"])] = case["x"]
        s = _kernel_spectrum(n, int(case["half_width"]))
        _PARTS[key] = error_parts(A[:, :rows], x, case["z"][:, :rows], s)
    return _PARTS[key]


def more_measurements_harm(case: Case, c: Constants) -> Sides:
    """The error from the first rows, by a factor, against that from all rows; one x, one noise, one A a trial."""
    parts = (_parts_once(case, int(case[rows])) for rows in ("k", "m"))
    first, all_ = (np.linalg.norm(missed + float(c["noise"]) * added, axis=-1) for missed, added in parts)
    return Sides(float(c["factor"]) * first, all_)


# The mean over A, at any size: the range finder in the Frobenius norm.


def range_finder_argument(p: Premises) -> Symbolic:
    """I - P is at most I minus the projector on the columns of (I; F), F = S_2 O_2 O_1^+ S_1^{-1}."""
    f, k, x = sp.symbols("f k x", positive=True)
    inverse = sp.gammasimp(sp.gamma(k / 2 - 1) / (2 * sp.gamma(k / 2)))  # E 1/chi^2_k, k > 2
    q, rows = sp.symbols("q p", positive=True)
    less = exact_number(p["less"])
    claimed = exact_number(p["lead"]) + exact_number(p["slope"]) * q / (rows - less)
    leak = q * inverse.subs(k, rows + 1)
    numerator, denominator = sp.fraction(sp.together(sp.simplify((claimed - 1 - leak).subs(rows, less + x))))
    one = sp.Integer(1)
    return reduced(
        "O_1, q x m, and O_2 are the rows of A^T for the q leading values S_1 and the rest S_2. J^T A^T O_1^+ S_1^{-1} = (I; F) "
        "lies in the range of J^T A^T; in the upper block I - (I + F^T F)^{-1} <= F^T F, in the lower at most I. So the squared "
        "Frobenius norm is at most ||S_2||^2 + ||S_2 O_2 O_1^+||^2, whose mean over O_2, by the covariance of the rows "
        "of O_2 O_1^+, is the sum of s_j beyond q times 1 + ||O_1^+||^2; entry i of the diagonal of (O_1 O_1^T)^{-1} is one over the squared distance of row i from the "
        "others, a chi-square of p + 1 degrees.",
        [
            ("upper block", sp.simplify(f**2 - (1 - 1 / (1 + f**2)) - f**4 / (1 + f**2))),
            *image_terms(one, one, independent=p.given("normal")),
            ("finite: more than 2 degrees", less + 1 >= 2),
            ("claimed", _nonnegative(numerator, denominator)),
        ],
        sufficient=True,
    )


def _nonnegative(numerator: sp.Expr, denominator: sp.Expr) -> bool:
    """Whether a quotient of polynomials in positive symbols has no negative coefficient."""
    return all(v >= 0 for part in (numerator, denominator) for v in sp.Poly(part, *_symbols(part)).coeffs())


def _symbols(part: sp.Expr) -> list[sp.Symbol]:
    return sorted(part.free_symbols, key=str) or [sp.Symbol("x", positive=True)]


def range_finder_mean(case: Case, c: Constants) -> Sides:
    """The exact mean for q values that tend to infinity and `equal` values of 1: what p rows leave, and its leak."""
    q, rows, equal = int(case["q"]), int(case["rows"]), int(case["equal"])
    exact = (equal - rows) * (1 + F(q, rows - 1))
    return Sides(exact, (F(c["lead"]) + F(c["slope"]) * q / (rows - F(c["less"]))) * equal)


# What the estimate does not depend on.


def scale_argument(p: Premises) -> Symbolic:
    """b^2 Sigma (aA)^T ((aA) b^2 Sigma (aA)^T)^{-1} a y, and b||J(I - P)|| times ||c||/b."""
    a, b = sp.symbols("a b", positive=True)
    plain, scaled = _one_row(sp.Integer(1), sp.Integer(1)), _one_row(a, b)
    change = a ** exact_number(p["rows_power"]) * b ** exact_number(p["sigma_power"])
    return reduced(
        "Both factors leave as numbers, and the projector P on the range of J^T A^T is that of ab J^T A^T. Shown for a row "
        "and two columns, entry by entry; (AJ)^+ takes the inverse of a factor at any size.",
        [
            (name, sp.simplify(new - change * old))
            for name, *pairs in zip(("xhat", "J(I - P) times c"), scaled, plain, strict=True)
            for new, old in zip(*pairs, strict=True)
        ],
    )


def _one_row(a: sp.Expr, b: sp.Expr) -> tuple[sp.Matrix, sp.Matrix]:
    """xhat, and all products of an entry of J(I - P) and one of c, for a times a row, a times y and b times J."""
    r, j, x = (sp.Matrix(sp.symbols(f"{name}1 {name}2", positive=True)) for name in "rjx")
    J = b * sp.diag(*j)
    scaled = J * (a * r)
    back = scaled / scaled.dot(scaled)  # (AJ)^+
    rest = J * (sp.eye(2) - back * scaled.T)
    return J * back * (a * r.dot(x)), sp.kronecker_product(rest, J.inv() * x)


def scaled_estimate(case: Case, c: Constants) -> Sides:
    """xhat and its bound from a times the measurements and b times J, against those from neither."""
    s, A, a, b = scaled_spectrum(case), case["A"][0], float(case["a"]), float(case["b"])
    y = A @ case["x"][0]
    change = a ** float(c["rows_power"]) * b ** float(c["sigma_power"])
    plain, scaled = (
        np.append(interpolation.smooth_interpolant(k * A, k * y, r * r * s), _bound(k * A, r * r * s, case["x"][0]))
        for k, r in ((1.0, 1.0), (a, b))
    )
    size = float(np.linalg.norm(plain))
    conditioned = float(np.linalg.cond(A * np.sqrt(s))) * float(np.sqrt(s.max() / s.min()))
    allowance = rounding(
        A.size, conditioned * size
    )  # of a pseudo-inverse, by the condition of AJ, and of c by that of J
    return Sides(float(np.linalg.norm(scaled - change * plain)), allowance, unit=size)


def _bound(A: Array, s: Array, x: Array) -> float:
    return float(interpolation.unmeasured_norm(A, s) * interpolation.smoothness(x, s))


_TWO_LEVELS = tuple({"q": q, "e": F(1, 10**8)} for q in (2, 200, 2000))
_DRAWS = ((30, 48), (120, 24), (240, 10))
_LEADING = tuple(
    {"q": q, "rows": r, "equal": 10**8} for q, r in ((1, 2), (1, 10**6), (20, 10), (10**6, 2), (10**6, 100))
)
_CELLS = tuple(
    {"m": m, "n": 300, "D": draws, "half_width": h, "p": span, "nu": F(1, 10)}
    for (m, draws), h, span in zip((*_DRAWS, (120, 24)), (10, 10, 10, 7), (5, 5, 5, 2), strict=True)
)
_NOISY = {"m": 295, "k": 107, "n": 300, "half_width": 10, "p": 5}
_SIZES = {"n": Range(2, 8), "m": Range(1, 8), "spread": Range(0.1, 3, False)}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.smooth.constant",
        source=Source(
            "own", "the absolute constant of Theorem 1 of Heckel and Soltanolkotabi 2020, linear model, no noise"
        ),
        says="In the deterministic equivalent, for every spectrum, x and m, the error of x = Jc, c of least norm, is at most ${factor:factor}||c|| times the norm of the sigma_i with i > $share m, divided by the root of m.",
        tex=r"\tfrac{\kappa\|(\Sigma+\kappa)^{-1}x\|}{\sqrt{1-\mathrm{df}/m}}\le ${factor:factor}\|c\|\,\tfrac{\|(\sigma_i)_{i>$share m}\|}{\sqrt m},\ x=Jc",
        refuted_by="a spectrum, x and m with a larger error",
        domain={"n": Range(1, 10**9), "m": Range(1, 10**9), "spread": Range(0, 10**9, False)},
        law={"g": Draw("gaussian", ("n",))},
        constants={
            "factor": Constant(F(3, 2), "down"),
            "share": Constant(F(2, 3), "up"),
        },
        proofs=(constant_argument,),
        version=2,
        exact=ExactRoute(_TWO_LEVELS, constant_at_two_levels),
        search=SearchRoute(constant_on_spectra, within=_SIZES),
        controls=(Control("factor_1.49", {"factor": F(149, 100)}), Control("share_0.68", {"share": F(68, 100)})),
    ),
    Claim(
        id="own.smooth.equivalent",
        source=Source("own", "the error of the smoothest interpolant, measured"),
        says="For the triangle of a half-width on n points, x uniform on the unit sphere of its first p vectors, A standard normal of m rows and noise of deviation nu a measurement, or none: the root mean square error over D draws is within a share $tolerance of the root of ${lead:factor}[the mean of <d, d> + nu nu df/m]/(1 - df/m)^$inflation, d = kappa (Sigma + kappa)^{-1}x, in a share $probability of trials or more.",
        tex=r"|\mathrm{RMS}-\sqrt E|\le $tolerance\sqrt E,\ E=${lead:factor}\frac{\mathrm{E}\langle d,d\rangle+\nu\nu\,\mathrm{df}/m}{(1-\mathrm{df}/m)^{$inflation}},\ d=\kappa(\Sigma+\kappa)^{-1}x",
        refuted_by="an m whose interval for the share of such trials lies below the claimed one",
        domain={
            "m": Range(30, 240),
            "n": Range(300, 300),
            "D": Range(10, 48),
            "half_width": Range(7, 10),
            "p": Range(2, 5),
            "nu": Range(0, 0.1, False),
        },
        law={"A": Draw("gaussian", ("D", "m", "n"))},
        constants={
            "tolerance": Constant(F(1, 20), "down"),
            "lead": Constant(1),
            "inflation": Constant(1),
            "probability": Constant(F(1, 2), "up"),
        },
        version=2,
        count=CountRoute(_CELLS, equivalent_on_draws, claimed_share, 24),
        controls=(Control("inflation_0.8", {"inflation": F(4, 5)}),),
    ),
    Claim(
        id="own.smooth.noise",
        source=Source("own", "how far interpolation is self-regularising"),
        says="For the triangle of a half-width on n points, x uniform on the unit sphere of its first p vectors, A standard normal and noise of deviation $noise a measurement: all of m rows give an error of at least $factor times that of the first k, in a share $probability of draws or more.",
        tex=r"P\{\|\hat x_m-x\|\ge $factor\|\hat x_k-x\|\}\ge $probability\ (\nu=$noise)",
        refuted_by="an interval for the share of such draws that lies below the claimed one",
        domain={name: Range(value, value) for name, value in _NOISY.items()},
        law={
            "A": Draw("gaussian", ("m", "n")),
            "z": Draw("gaussian", ("m",)),
            "x": Draw("direction", ("p",)),
        },
        constants={
            "factor": Constant(4, "up"),
            "probability": Constant(F(3, 4), "up"),
            "noise": Constant(F(1, 10), "down"),
        },
        version=2,
        count=CountRoute((_NOISY,), more_measurements_harm, claimed_share, 100),
        controls=(Control("factor_6", {"factor": 6}), Control("little_noise", {"noise": F(1, 100)})),
    ),
    Claim(
        id="own.smooth.range_finder",
        source=Source(
            "own", "Halko, Martinsson and Tropp 2011, Theorem 10.5, for the smoothest interpolant of m = q + p rows"
        ),
        says="For every q and p > $less with q + p = m the mean of the trace of J(I - P)J^T is at most ($lead + ${slope:factor}q/(p - $less)) times the sum of the eigenvalues s_j of JJ^T over j > q, and the mean of <d, d>, d = xhat - x, at most that times <c, c>, x = Jc and y = Ax.",
        tex=r"E\,\mathrm{tr}\,J(I-P)J^T\le\Big($lead+${slope:factor}\frac q{p-$less}\Big)\sum_{j>q}s_j,\ q+p=m,\ p>$less",
        refuted_by="a spectrum, q and p with a larger mean",
        domain={"q": Range(1, 10**9), "p": Range("less", 10**9)},
        hypotheses=(Hypothesis("normal", "A has independent standard normal entries"),),
        constants={
            "lead": Constant(1, "down"),
            "slope": Constant(1, "down"),
            "less": Constant(1, "down"),
        },
        proofs=(range_finder_argument,),
        version=2,
        exact=ExactRoute(_LEADING, range_finder_mean),
        controls=(
            Control("lead_0.98", {"lead": F(98, 100)}),
            Control("slope_0.98", {"slope": F(98, 100)}),
            Control("less_0.9", {"less": F(9, 10)}),
        ),
    ),
    Claim(
        id="own.smooth.scale",
        source=Source("own", "what the bound of Heckel and Soltanolkotabi 2020 does not depend on"),
        says="A and y multiplied by a, and J by b, change xhat by a factor a^{$rows_power} b^{$sigma_power}, and so the bound ||J(I - P)|| ||c||, c of least norm with x = Jc.",
        tex=r"\hat x(aA,ay,bJ)=a^{$rows_power}b^{$sigma_power}\hat x(A,y,J)\ \text{and so}\ \|J(I-P)\|\,\|c\|,\ x=Jc",
        refuted_by="a, b, A, J and x for which they change otherwise",
        domain={"n": Range(1, 10**9), "m": Range(1, 10**9)},
        law={"g": Draw("gaussian", ("n",)), "A": Draw("gaussian", ("m", "n")), "x": Draw("gaussian", ("n",))},
        constants={
            "rows_power": Constant(0),
            "sigma_power": Constant(0),
        },
        proofs=(scale_argument,),
        version=2,
        search=SearchRoute(
            scaled_estimate,
            within={
                "n": Range(5, 8),
                "m": Range(1, 4),
                "spread": Range(0.1, 1, False),
                "a": Range(0.1, 10, False, True),
                "b": Range(0.1, 10, False, True),
            },
        ),
        controls=(
            Control("rows_power_0.1", {"rows_power": F(1, 10)}),
            Control("sigma_power_0.1", {"sigma_power": F(1, 10)}),
        ),
    ),
)
