"""The linear model of compressive sensing: where descent ends, which interpolant that is, and how far from the signal.

Source: heckel20b, Theorem 1 and its linear version, in the shape that is known to us; constants are ours
"""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import sympy as sp
from scipy.integrate import quad
from scipy.stats import beta, f

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
)
from untrained.theory.evidence import Symbolic
from untrained.theory.objects import interpolation
from untrained.theory.objects.dual_kernels import basis_spectrum, gaussian_kernel, triangle_kernel
from untrained.theory.objects.shapes import Array
from untrained.theory.proof.algebra import exact_number, reduced


def spectrum_of(case: Case) -> Array:
    """The drawn spectrum e^g, and of 0 for no coordinate."""
    result: Array = np.exp(case["g"][0])
    return result


# Where descent ends.


def limit_argument(p: Premises) -> Symbolic:
    """One singular direction of AJ with value b: c_{t+1} = c_t - eta b(b c_t - u), started at c_0."""
    b, u, eta, t, more, value = sp.symbols("b u eta tau more value", positive=True)
    start = sp.Integer(0) if p.given("zero") else sp.Symbol("start")
    end = u / b
    along = end + (1 - eta * b**2) ** t * (start - end)
    step = along - eta * b * (b * along - u)
    slowest = 1 - eta * b**2  # at the least b
    steps = exact_number(p["step"])
    return reduced(
        "In the singular basis of AJ each coordinate obeys its own recursion; where the value is 0 it never moves, so it is 0 "
        "at the end, as in the solution of least norm. Elsewhere the misfit is least at u/b. With eta b^2 <= 1 the factors 1 - eta b^2 lie between 0 and that of "
        "the least positive value.",
        [
            ("a step", sp.simplify(step - along.subs(t, t + 1))),
            ("start", sp.simplify(along.subs(t, 0) - start)),
            ("a value of 0: what is left of the start", start),
            ("distance at the start is ||c||", sp.simplify((start - end) ** 2 - end**2)),
            ("step", steps <= 1),
            ("factor of a larger value is smaller", sp.simplify(slowest - (1 - eta * (b**2 + more)) - eta * more)),
            ("rate", exact_number(p["rate"]) <= 1),
            ("the end is of least misfit", sp.diff((b * value - u) ** 2, value).subs(value, end)),
        ],
        sufficient=True,
    )


def distance_after(case: Case, c: Constants) -> Sides:
    """Descent on a drawn AJ, step by step, against the rate of its least positive singular value."""
    B, y, steps = case["B"][0], case["y"][0], int(case["steps"])
    values = np.linalg.svd(B, compute_uv=False)
    least = values[values > 1e-9 * values[0]].min()
    eta = float(case["share"]) * float(c["step"]) / values[0] ** 2
    end, now = np.linalg.pinv(B, rcond=1e-9) @ y, np.zeros(B.shape[1])
    for _ in range(steps):
        now = now - eta * B.T @ (B @ now - y)
    size = float(np.linalg.norm(end))
    rhs = (1 - float(c["rate"]) * eta * least**2) ** steps * size
    return Sides(float(np.linalg.norm(now - end)), rhs + 1e-9 * size, unit=size)


def one_direction(case: Case, c: Constants) -> Sides:
    """A diagonal AJ with values 1 and `other`, c along the first or the second, by the closed form."""
    other, steps, eta = F(case["other"]), int(case["steps"]), F(case["share"]) * F(c["step"])
    b = F(1) if case["along"] == 1 else other
    rhs = (1 - F(c["rate"]) * eta * min(F(1), other) ** 2) ** steps
    return Sides(abs(1 - eta * b**2) ** steps, rhs, unit=1)


# Which interpolant it is.


def smoothest_argument(p: Premises) -> Symbolic:
    """x = Jc with c in the span of the v_i: <w_i, x> = sigma_i c_i, so ||c||^2 is the sum of <w_i, x>^2/sigma_i^2."""
    sigma, c, x, a, multiplier = sp.symbols("sigma c x a l", positive=True)
    square, power = exact_number(p["square"]), exact_number(p["power"])
    summand = x**square / sigma**power
    slope = sp.diff(summand / 2, x).subs(x, sigma**2 * a * multiplier)
    return reduced(
        "Coordinate by coordinate, so the two problems have the same values at the same points. A c of least norm is "
        "J^T A^T times some l; then x = J J^T A^T l = Sigma A^T l, and A x = y gives l = (A Sigma A^T)^+ y. The sum is convex "
        "and its slope there is A^T l, which no move within the kernel of A meets.",
        [
            ("summand", sp.simplify(summand.subs(x, sigma * c) - c**2)),
            ("x = Sigma A^T l is stationary", sp.simplify(slope - a * multiplier)),
            ("convex", sp.simplify(sp.diff(summand, x, 2) * x**2 / summand) >= 0),
            ("as small as any", exact_number(p["factor"]) >= 1),
        ],
        sufficient=True,
    )


def tall(case: Case, c: Constants) -> bool:
    """Whether A has as many rows as columns or more: almost surely one x fits y, and nothing is said."""
    return bool(case["m"] >= case["n"])


def smoother_than_another(case: Case, c: Constants) -> Sides:
    """The interpolant's sum against that of another point with the same measurements, moved by a drawn amount."""
    if tall(case, c):
        return Sides(0.0, 1.0)
    s, A = spectrum_of(case), case["A"][0]
    least = interpolation.smooth_interpolant(A, case["y"][0], s)
    kernel = np.linalg.svd(A)[2][A.shape[0] :]
    weights = s ** (float(c["power"]) / 2)
    other = least + float(case["size"]) * (case["x"][0] @ kernel.T) @ kernel
    ours, theirs = (float(np.sum(np.abs(z) ** float(c["square"]) / weights)) for z in (least, other))
    return Sides(ours, float(c["factor"]) * theirs * (1 + 1e-9), unit=theirs)


# How far from the signal.


def error_argument(p: Premises) -> Symbolic:
    """xhat - x = J(Pc - c) = -J(I - P)c, and ||c|| by the coordinates of x = Jc."""
    square, power, factor = (exact_number(p[name]) for name in ("square", "power", "factor"))
    J, c, P = sp.symbols("J c P", commutative=False)
    sigma, entry, scale = sp.symbols("sigma c_i k", positive=True)
    return reduced(
        "xhat = J P c*, P the projector on the range of J^T A^T; x = J c*; so the difference is -J(I - P)c*, at most the norm "
        "of J(I - P) times that of c*, which is the smoothness of x for the c* of least norm.",
        [
            ("difference", sp.expand(J * P * c - J * c + J * (1 - P) * c)),
            ("factor", factor >= 1),
            ("summand of ||c*||", sp.simplify((sigma * entry) ** square / sigma**power - entry**2)),
            ("root", sp.simplify((scale**2) ** (1 / square) - scale)),
        ],
        sufficient=True,
    )


def error_against_unmeasured(case: Case, c: Constants) -> Sides:
    """The signal Jc* along which J(I - P) is largest."""
    if tall(case, c):
        return Sides(0.0, 1.0)
    s, A = spectrum_of(case), case["A"][0]
    scaled = A * np.sqrt(s)
    rest = np.sqrt(s)[:, None] * (np.eye(len(s)) - np.linalg.pinv(scaled) @ scaled)
    x = np.sqrt(s) * np.linalg.svd(rest)[2][0]
    error = float(np.linalg.norm(interpolation.smooth_interpolant(A, A @ x, s) - x))
    square = float(c["square"])
    size = float(np.sum(np.abs(x) ** square / s ** (float(c["power"]) / 2))) ** (1 / square)
    unit = float(np.linalg.norm(x))
    return Sides(error, float(c["factor"]) * float(interpolation.unmeasured_norm(A, s)) * size + 1e-9 * unit, unit=unit)


# The bound with an absolute constant: two levels, the upper one without end, show 1/(2(1 - share)).


def two_level_counts(m: int, share: F) -> tuple[int, int, float]:
    """Infinite values q near share m, equal ones twice m - q, and the sum beyond share m where the latter are 1."""
    first = math.floor(share * m)
    q = min(max(first, 1), m - 1)
    equal = 2 * (m - q)
    return q, equal, math.inf if first < q else float(max(0, q + equal - first))


def ratio_within(m: int, level: float, share: F = F(2, 3)) -> float:
    """P(error <= level times the bound) for q infinite values, 2(m - q) equal ones, and x along one of these.

    The squared error is h(1 + F) with h ~ Beta((m - q)/2, (m - q)/2), what m - q rows leave of a direction among twice as
    many, and F a chi-square of q degrees over an independent one of m - q + 1: what the q leading coordinates take over.
    """
    q, equal, tail = two_level_counts(m, share)
    rows = m - q
    left, leak = beta((equal - rows) / 2, rows / 2), f(q, rows + 1)

    def given_leak(t: float) -> float:
        taken_over = q / (rows + 1) * leak.ppf(t)
        return float(left.cdf(min(1.0, level**2 * tail / m / (1 + taken_over))))

    return float(quad(given_leak, 0, 1, epsabs=1e-10, limit=200)[0])


def typical_at_two_levels(case: Case, c: Constants) -> Sides:
    """The claimed probability against the exact one, which quadrature has to 1e-10."""
    exact = ratio_within(int(case["m"]), float(c["constant"]), F(c["share"]))
    return Sides(float(c["probability"]), exact + 1e-8, unit=1.0)


def two_levels(m: int, n: int) -> Array:
    """2m/3 values of 1, as many of 1e-8, and none beyond."""
    q = 2 * m // 3
    return np.repeat([1.0, 1e-8, 0.0], [q, q, n - 2 * q])


_KERNELS = {
    "triangle 10": basis_spectrum(triangle_kernel(300, 10)),
    "triangle 30": basis_spectrum(triangle_kernel(300, 30)),
    "Gaussian 0.01": basis_spectrum(gaussian_kernel(300, 0.01)),
    "Gaussian 0.05": basis_spectrum(gaussian_kernel(300, 0.05)),
}


_ERRORS: dict[tuple[object, ...], tuple[Array, Array]] = {}
"""Spectra and errors by cell and first entries: a statement with another number looks at the same draws."""


def _spectrum_and_errors(case: Case) -> tuple[Array, Array]:
    m, n, i, A = int(case["m"]), int(case["n"]), int(case["i"]), case["A"]
    key = (case["spectrum"], n, i, A.shape, A[..., 0, 0].tobytes())
    if key not in _ERRORS:
        s = _KERNELS[case["spectrum"]] if case["spectrum"] in _KERNELS else two_levels(m, n)
        support = s > 0
        estimate = interpolation.smooth_interpolant(A[..., support], A[..., i], s[support])
        _ERRORS[key] = s, np.linalg.norm(estimate - np.eye(n)[i, support], axis=-1)
    return _ERRORS[key]


def bound_on_draws(case: Case, c: Constants) -> Sides:
    """Errors for x along one coordinate, against the bound."""
    s, errors = _spectrum_and_errors(case)
    x = np.eye(len(s))[int(case["i"])]
    return Sides(errors, float(c["constant"]) * interpolation.smooth_bound(x, s, int(case["m"]), F(c["share"])))


_DIRECTIONS = tuple(
    {"other": o, "along": i, "share": h, "steps": k}
    for o in (F(1), F(1, 2))
    for i in (1, 2)
    for h in (F(1, 2), F(1))
    for k in (1, 2, 5)
)
_LEVELS: tuple[Case, ...] = tuple(
    {"spectrum": "two levels", "m": m, "n": 4 * m // 3, "i": 4 * m // 3 - 1} for m in (12, 60)
)
_DRAWN: tuple[Case, ...] = (
    *_LEVELS,
    {"spectrum": "triangle 30", "m": 12, "n": 300, "i": 14},
    {"spectrum": "triangle 10", "m": 30, "n": 300, "i": 14},
    {"spectrum": "Gaussian 0.05", "m": 30, "n": 300, "i": 14},
    {"spectrum": "Gaussian 0.01", "m": 60, "n": 300, "i": 14},
)
_SMALL = {"n": Range(2, 7), "m": Range(1, 7)}
_LAW = {"g": Draw("gaussian", ("n",)), "A": Draw("gaussian", ("m", "n"))}


def _constant(name: str, value: F, says: str) -> Claim:
    return Claim(
        id=f"heckel20b.linear.{name}",
        source=Source("heckel20b", "Theorem 1, its linear version", reading=says),
        says="For A of m Gaussian rows and fixed x = Jc, c of least norm, ||xhat - x|| <= ${constant:factor}||c|| times the norm of the sigma_i with i > $share m, divided by the root of m, with probability at least $probability.",
        tex=r"P\Big\{\|\hat x-x\|\le ${constant:factor}\|c\|\,\tfrac{\|(\sigma_i)_{i>$share m}\|}{\sqrt m}\Big\}\ge $probability,\ x=Jc",
        refuted_by="a spectrum, x and m at which the error is larger in more draws",
        domain={"m": Range(1, 10**9), "n": Range(1, 10**9)},
        law={"A": Draw("gaussian", ("m", "n"))},
        constants={
            "constant": Constant(value, "down"),
            "share": Constant(F(2, 3), "up"),
            "probability": Constant(F(1, 2), "up"),
        },
        exact=ExactRoute(
            tuple({"m": m} for m in (3, 6, 12, 30, 120, 600)),
            typical_at_two_levels,
            compares=("the claimed probability", "the exact one"),
        ),
        count=CountRoute(_DRAWN, bound_on_draws, claimed_share, 40),
        controls=(Control("constant_1.4", {"constant": F(7, 5)}), Control("share_0.8", {"share": F(4, 5)})),
        version=2,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="heckel20b.linear.limit",
        source=Source("heckel20b", "the linear version of Theorem 1: descent to the end"),
        says="Then descent with steps of eta ||G|| <= $step, G = (AJ)^T AJ, approaches the c of least norm among those of least misfit: ||c_tau - c|| <= (1 - ${rate:factor}eta l)^tau ||c||, l the least positive eigenvalue of G.",
        tex=r"G=(AJ)^TAJ,\ \eta\|G\|\le $step\Rightarrow\|c_\tau-(AJ)^+y\|\le(1-${rate:factor}\eta\,\lambda_+(G))^\tau\|(AJ)^+y\|",
        refuted_by="a matrix, y and a number of steps at which the distance is larger",
        domain={"m": Range(1, 10**9), "k": Range(1, 10**9), "steps": Range(0, 10**9), "share": Range(0, 1, False)},
        law={"B": Draw("gaussian", ("m", "k")), "y": Draw("gaussian", ("m",))},
        hypotheses=(
            Hypothesis("zero", "gradient descent on half the squared norm of A J c - y starts at c_0, which is zero"),
        ),
        constants={
            "step": Constant(1, "up"),
            "rate": Constant(1, "up"),
        },
        proofs=(limit_argument,),
        exact=ExactRoute(_DIRECTIONS, one_direction),
        search=SearchRoute(
            distance_after,
            within={"m": Range(1, 4), "k": Range(1, 6), "steps": Range(1, 40), "share": Range(0.1, 1, False)},
        ),
        version=2,
        controls=(Control("rate_1.05", {"rate": F(105, 100)}), Control("step_1.1", {"step": F(11, 10)})),
    ),
    Claim(
        id="heckel20b.linear.smoothest",
        source=Source("heckel20b", "the linear version of Theorem 1: both forms of the minimum-norm solution"),
        says="xhat = J c for the c of least norm with A J c = y, which is Sigma A^T (A Sigma A^T)^+ y, has a sum of |<w_i, x>|^$square/sigma_i^$power of at most $factor times that of any x with A x = y.",
        tex=r"\Sigma A^T(A\Sigma A^T)^+y=\arg\min_{Ax=y}\sum_i\tfrac{|\langle w_i,x\rangle|^{$square}}{\sigma_i^{$power}}\ (\text{up to }$factor)",
        refuted_by="another x with the same measurements and a smaller sum",
        domain={"n": Range(1, 10**9), "m": Range(1, 10**9), "size": Range(0, 10**9, False)},
        law={**_LAW, "y": Draw("gaussian", ("m",)), "x": Draw("gaussian", ("n",))},
        constants={
            "square": Constant(2),
            "power": Constant(2),
            "factor": Constant(1, "down"),
        },
        proofs=(smoothest_argument,),
        version=3,
        search=SearchRoute(
            smoother_than_another, tall, within={**_SMALL, "size": Range(1e-3, 1, False, True)}, effort=2.0
        ),
        controls=(Control("power_2.5", {"power": F(5, 2)}), Control("power_1.6", {"power": F(8, 5)})),
    ),
    Claim(
        id="heckel20b.linear.error",
        source=Source("heckel20b", "the linear version of Theorem 1: the step before the range finder"),
        says="Without noise ||xhat - x|| is at most $factor times ||J(I - P)||, P the projector on the range of (AJ)^T, times (sum of |<w_i, x>|^$square/sigma_i^$power)^{1/$square}.",
        tex=r"\|\hat x-x\|\le ${factor:factor}\|J(I-P)\|\Big(\sum_i\tfrac{|\langle w_i,x\rangle|^{$square}}{\sigma_i^{$power}}\Big)^{1/$square}",
        refuted_by="a spectrum, a matrix and a signal with a larger error",
        domain={"n": Range(1, 10**9), "m": Range(1, 10**9)},
        law=_LAW,
        constants={
            "factor": Constant(1, "down"),
            "square": Constant(2),
            "power": Constant(2),
        },
        proofs=(error_argument,),
        version=3,
        search=SearchRoute(error_against_unmeasured, tall, within=_SMALL),
        controls=(Control("factor_0.98", {"factor": F(98, 100)}), Control("power_1.9", {"power": F(19, 10)})),
    ),
    _constant("constant_one", F(1), "the absolute constant, which is not legible to us, taken to be one"),
    _constant("constant_two", F(2), "the absolute constant taken to be two"),
)
