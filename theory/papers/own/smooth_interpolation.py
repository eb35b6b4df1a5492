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
)
from untrained.theory.evidence import Symbolic
from untrained.theory.objects import interpolation
from untrained.theory.objects.dual_kernels import basis_spectrum, triangle_kernel
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.algebra import exact_number, reduced


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
            ("a - a^2", sp.expand(a - a**2 - a * (1 - a))),
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
    tail = max(0, q - first) * (1 - e) / e + (2 * q - max(q, first)) * a / (1 - a)
    return Sides(a * (1 - a) / spread, F(c["factor"]) ** 2 * tail / m)


def constant_on_spectra(case: Case, c: Constants) -> Sides:
    """The coordinate of the largest error on a drawn spectrum, each with ||c|| = 1."""
    s, m = scaled_spectrum(case), min(int(case["m"]), int(case["n"]))
    errors = [math.sqrt(interpolation.equivalent_error(row, s, m).signal) for row in np.diag(np.sqrt(s))]
    beyond = np.sort(s)[::-1][math.floor(F(c["share"]) * m) :]
    return Sides(max(errors), float(c["factor"]) * math.sqrt(beyond.sum() / m) * (1 + 1e-9))


# The deterministic equivalent against draws.


@lru_cache
def _kernel_spectrum(length: int, half_width: int) -> Array:
    return basis_spectrum(triangle_kernel(length, half_width))


def _from_constants(c: Constants) -> tuple[Array, int]:
    return _kernel_spectrum(int(c["length"]), int(c["half_width"])), int(c["span"])


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


_SQUARES: dict[bytes, tuple[Array, Array]] = {}
"""Means over draws by first entries: a statement with another number looks at the same draws."""


def _once(A: Array, s: Array, span: int) -> tuple[Array, Array]:
    key = A[..., 0, 0].tobytes() + s.tobytes() + bytes([span])
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
    s, span = _from_constants(c)
    m = int(case["m"])
    missed, noise = _once(case["A"], s, span)
    claimed = claimed_squares(s, span, m, c)
    nu = float(c["noise"]) ** 2
    without = np.abs(np.sqrt(missed / claimed[0]) - 1)
    within = np.abs(np.sqrt((missed + nu * noise) / (claimed[0] + nu * claimed[1])) - 1)
    return Sides(np.maximum(without, within), float(c["tolerance"]))


def more_measurements_harm(case: Case, c: Constants) -> Sides:
    """The error from the first rows, by a factor, against that from all rows; one x, one noise, one A a trial."""
    s, span = _from_constants(c)
    few, A = int(c["few"]), case["A"]
    x = np.zeros((len(A), len(s)))
    x[:, :span] = case["x"]
    y = (A @ x[..., None])[..., 0] + float(c["noise"]) * case["z"]
    errors = ((estimator(A[:, :k], s) @ y[:, :k, None])[..., 0] - x for k in (few, A.shape[1]))
    first, all_ = (np.linalg.norm(error, axis=-1) for error in errors)
    return Sides(float(c["factor"]) * first, all_)


def half_of_trials(case: Case, c: Constants) -> float:
    """The claimed probability, whatever the cell."""
    return float(c["probability"])


# The mean over A, at any size: the range finder in the Frobenius norm.


def range_finder_argument(p: Premises) -> Symbolic:
    """I - P is at most I minus the projector on the columns of (I; F), F = S_2 O_2 O_1^+ S_1^{-1}."""
    f, k, x = sp.symbols("f k x", positive=True)
    inverse = sp.gamma(k / 2 - 1) / (2 * sp.gamma(k / 2))  # E 1/chi^2_k
    q, rows = sp.symbols("q p", positive=True)
    claimed = exact_number(p["lead"]) + exact_number(p["slope"]) * q / (rows - exact_number(p["less"]))
    least = exact_number(p["least"])
    difference = sp.simplify((claimed - 1 - q / (rows - 1)).subs(rows, least + x))
    numerator, denominator = sp.fraction(sp.together(difference))
    normal = p.given("normal")
    return reduced(
        "O_1, q x m, and O_2 are the rows of A^T for the q leading values S_1 and the rest S_2. J^T A^T O_1^+ S_1^{-1} = (I; F) "
        "lies in the range of J^T A^T; in the upper block I - (I + F^T F)^{-1} <= F^T F, in the lower at most I. So the squared "
        "Frobenius norm is at most ||S_2||^2 + ||S_2 O_2 O_1^+||^2, whose mean over O_2 is the sum of s_j beyond q times "
        "1 + ||O_1^+||^2; entry i of the diagonal of (O_1 O_1^T)^{-1} is one over the squared distance of row i from the "
        "others, a chi-square of p + 1 degrees.",
        [
            ("upper block", sp.simplify(f**2 - (1 - 1 / (1 + f**2)) - f**4 / (1 + f**2))),
            ("mean of an inverse chi-square", sp.simplify(sp.gammasimp(inverse - 1 / (k - 2)))),
            ("degrees", sp.simplify((k - 2).subs(k, rows + 1) - (rows - 1))),
            ("finite", least >= 2),
            ("claimed", _nonnegative(numerator, denominator)),
            ("independent standard normal entries", sp.Integer(int(normal)) >= 1),
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
    a, b, s, row = sp.symbols("a b s row", positive=True)
    estimate = (b**2 * s * a * row) / (a * row * b**2 * s * a * row) * a
    return reduced(
        "Both factors leave as numbers, and the projector P on the range of J^T A^T is that of ab J^T A^T.",
        [
            ("xhat", sp.simplify(estimate * row / (a ** exact_number(p["rows_power"]) * b ** exact_number(p["sigma_power"])) - 1)),
            ("bound", sp.simplify((b * sp.sqrt(s)) * (1 / (b * sp.sqrt(s))) - 1)),
        ],
    )  # fmt: skip


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
    return Sides(float(np.linalg.norm(scaled - change * plain)), 1e-7 * size, unit=size)


def _bound(A: Array, s: Array, x: Array) -> float:
    return float(interpolation.unmeasured_norm(A, s) * interpolation.smoothness(x, s))


_TWO_LEVELS = tuple({"q": q, "e": F(1, 10**8)} for q in (2, 200, 2000))
_DRAWS = ((30, 48), (120, 24), (240, 10))
_LEADING = tuple(
    {"q": q, "rows": r, "equal": 10**8} for q, r in ((1, 2), (1, 10**6), (20, 10), (10**6, 2), (10**6, 100))
)
_CELLS = tuple({"m": m, "n": 300, "D": draws} for m, draws in _DRAWS)
_SETTING = {
    "length": Constant(300, kind="universal"),
    "half_width": Constant(10, kind="universal"),
    "span": Constant(5, kind="universal"),
    "noise": Constant(F(1, 10), kind="universal"),
}
_SIZES = {"n": Range(2, 8), "m": Range(1, 8), "spread": Range(0.1, 3, False)}
_IN_WORDS = "the triangle of half-width $half_width on $length points, x uniform on the unit sphere of its first $span vectors, A standard normal"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.smooth.constant",
        source=Source(
            "own", "the absolute constant of Theorem 1 of Heckel and Soltanolkotabi 2020, linear model, no noise"
        ),
        says="In the deterministic equivalent, for every spectrum, x and m, the error is at most ${factor:factor}(sum of <w_i, x>^$square/sigma_i^$square)^{1/$square} (the sum of sigma_i^$square over i > $share m, divided by m)^{1/$square}.",
        tex=r"\tfrac{\kappa\|(\Sigma+\kappa)^{-1}x\|}{(1-\mathrm{df}/m)^{1/$square}}\le ${factor:factor}\Big(\sum_i\tfrac{\langle w_i,x\rangle^{$square}}{\sigma_i^{$square}}\Big)^{1/$square}\Big(m^{-1}\sum_{i>$share m}\sigma_i^{$square}\Big)^{1/$square}",
        refuted_by="a spectrum, x and m with a larger error",
        domain={"n": Range(1, 10**9), "m": Range(1, 10**9), "spread": Range(0, 10**9, False)},
        law={"g": Draw("gaussian", ("n",))},
        constants={
            "factor": Constant(F(3, 2), "down"),
            "share": Constant(F(2, 3), "up"),
            "square": Constant(2, kind="universal"),
        },
        proofs=(constant_argument,),
        exact=ExactRoute(_TWO_LEVELS, constant_at_two_levels),
        search=SearchRoute(constant_on_spectra, within=_SIZES),
        controls=(Control("factor_1.49", {"factor": F(149, 100)}), Control("share_0.68", {"share": F(68, 100)})),
    ),
    Claim(
        id="own.smooth.equivalent",
        source=Source("own", "the error of the smoothest interpolant, measured"),
        says=f"For {_IN_WORDS} of m rows: the root mean square error over some draws, (m, draws) in $sizes, is within a share $tolerance of ${{lead:factor}}[kappa^$square sum of <w_i, x>^$square/(s_i + kappa)^$square + nu^$square df/m]/(1 - df/m)^$inflation to the power 1/$square, for noise of deviation nu = $noise and for none, in a share $probability of trials or more.",
        tex=r"|\mathrm{RMS}-\sqrt E|\le $tolerance\sqrt E,\ E=${lead:factor}\frac{\kappa^{$square}\|(\Sigma+\kappa)^{-1}x\|^{$square}+\nu^{$square}\mathrm{df}/m}{(1-\mathrm{df}/m)^{$inflation}}",
        refuted_by="an m whose interval for the share of such trials lies below the claimed one",
        domain={"m": Range(30, 240), "n": Range("length", "length"), "D": Range(10, 48)},
        law={"A": Draw("gaussian", ("D", "m", "n"))},
        constants={
            "tolerance": Constant(F(1, 20), "down"),
            "lead": Constant(1),
            "inflation": Constant(1),
            "probability": Constant(F(1, 2), "up"),
            "sizes": Constant(_DRAWS, kind="universal"),
            "square": Constant(2, kind="universal"),
            **_SETTING,
        },
        count=CountRoute(_CELLS, equivalent_on_draws, half_of_trials, 24),
        controls=(Control("inflation_0.8", {"inflation": F(4, 5)}),),
    ),
    Claim(
        id="own.smooth.noise",
        source=Source("own", "how far interpolation is self-regularising"),
        says=f"For {_IN_WORDS} of m rows and noise of deviation $noise a measurement: all of $many rows give an error of at least $factor times that of the first $few, in a share $probability of draws or more.",
        tex=r"P\{\|\hat x_{$many}-x\|\ge $factor\|\hat x_{$few}-x\|\}\ge $probability\ (\nu=$noise)",
        refuted_by="an interval for the share of such draws that lies below the claimed one",
        domain={"m": Range("many", "many"), "n": Range("length", "length"), "p": Range("span", "span")},
        law={
            "A": Draw("gaussian", ("m", "n")),
            "z": Draw("gaussian", ("m",)),
            "x": Draw("direction", ("p",)),
        },
        constants={
            "factor": Constant(4, "up"),
            "probability": Constant(F(3, 4), "up"),
            "few": Constant(107, kind="universal"),
            "many": Constant(295, kind="universal"),
            **_SETTING,
        },
        count=CountRoute(({"m": 295, "n": 300, "p": 5},), more_measurements_harm, half_of_trials, 100),
        controls=(Control("factor_6", {"factor": 6}), Control("little_noise", {"noise": F(1, 100)})),
    ),
    Claim(
        id="own.smooth.range_finder",
        source=Source(
            "own", "Halko, Martinsson and Tropp 2011, Theorem 10.5, for the smoothest interpolant of m = q + p rows"
        ),
        says="For every q and p >= $least with q + p = m the mean of ||J(I - P)||_F^$square is at most ($lead + ${slope:factor}q/(p - $less)) times the sum of sigma_j^$square over j > q, and the mean of ||xhat - x||^$square at most that times the sum of <w_i, x>^$square/sigma_i^$square.",
        tex=r"E\|J(I-P)\|_F^{$square}\le\Big($lead+${slope:factor}\frac q{p-$less}\Big)\sum_{j>q}\sigma_j^{$square},\ q+p=m,\ p\ge $least",
        refuted_by="a spectrum, q and p with a larger mean",
        domain={"q": Range(1, 10**9), "p": Range("least", 10**9)},
        hypotheses=(Hypothesis("normal", "A has independent standard normal entries, and there is no noise"),),
        constants={
            "lead": Constant(1, "down"),
            "slope": Constant(1, "down"),
            "less": Constant(1, "down"),
            "least": Constant(2, kind="universal"),
            "square": Constant(2, kind="universal"),
        },
        proofs=(range_finder_argument,),
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
        says="A and y multiplied by a, and J by b, change xhat by a factor a^{$rows_power} b^{$sigma_power}, and so the bound ||J(I - P)|| times the root of the sum of <w_i, x>^$square/sigma_i^$square.",
        tex=r"\hat x(aA,ay,bJ)=a^{$rows_power}b^{$sigma_power}\hat x(A,y,J)\ \text{and so}\ \|J(I-P)\|\Big(\sum_i\tfrac{\langle w_i,x\rangle^{$square}}{\sigma_i^{$square}}\Big)^{1/$square}",
        refuted_by="a, b, A, J and x for which they change otherwise",
        domain={"n": Range(1, 10**9), "m": Range(1, 10**9)},
        law={"g": Draw("gaussian", ("n",)), "A": Draw("gaussian", ("m", "n")), "x": Draw("gaussian", ("n",))},
        constants={
            "rows_power": Constant(0),
            "sigma_power": Constant(0),
            "square": Constant(2, kind="universal"),
        },
        proofs=(scale_argument,),
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
