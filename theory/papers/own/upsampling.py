"""What the interpolation kernel of the upsampling does to the spectrum of Sigma(U), frequency by frequency.

In units of <u, u> the first row of Sigma is g(t_s), that of UU^T is t_s, t the cosines of the rows of U: so means over all
frequencies, weighted by either spectrum, compare g with t. g(t) = (1 - arccos(t)/pi)t/2 has a root singularity at t = 1: Sigma
is rougher than the filter, however smooth that is.
"""

from __future__ import annotations

from fractions import Fraction as F
from functools import cache, reduce

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
from untrained.theory.objects.kernel_enclosures import exact_correlations, spectrum_balls
from untrained.theory.papers.heckel20a.dual_kernel import _SIGMA
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball

KernelWeights = tuple[int, ...]
_BITS, _POINTS = 256, 64
_ATTAINED = F(1, 10**12)


def box_weights(points: int, width: int) -> KernelWeights:
    """The kernel of nearest-neighbour upsampling by a factor, on a circle of so many points.

    Raises
    ------
    ValueError
        where the box does not fit.
    """
    if not 1 <= width <= points:
        raise ValueError(f"width must lie between 1 and {points}, the number of points, got {width}")
    return (1,) * width + (0,) * (points - width)


def triangle_weights(points: int, half_width: int) -> KernelWeights:
    """The kernel of linear upsampling by a factor, on a circle of so many points.

    Raises
    ------
    ValueError
        where the triangle does not fit.
    """
    if not 1 <= half_width <= (points + 1) // 2:
        raise ValueError(f"half_width must lie between 1 and {(points + 1) // 2} on {points} points, got {half_width}")
    return tuple(max(half_width - min(i, points - i), 0) for i in range(points))


@cache
def spectrum_of_weights(kernel: KernelWeights) -> tuple[arb, ...]:
    """The eigenvalues of Sigma by frequency, with digits to spare."""
    with ctx.workprec(_BITS):
        return tuple(spectrum_balls(kernel, 30).flat)


# Roughness.


def _g(p: Premises, t: sp.Expr) -> sp.Expr:
    return exact_number(p.of(_SIGMA)["share"]) * (1 - sp.acos(t) / sp.pi) * t


def roughness_argument(p: Premises) -> Symbolic:
    """1 - 2g = a + (1 - a)arccos(1 - a)/pi, a = 1 - t in [0, 2]: at least sqrt(2a)/pi, at most sqrt(a)."""
    a, root = sp.symbols("a root", nonnegative=True)
    v = sp.Symbol("v", real=True)
    rough = 1 - 2 * _g(p, 1 - a)
    x = 2 * v + sp.pi / 2
    above = sp.sqrt(2) * sp.sin(x / 2) - (1 - sp.cos(x) * (1 - x / sp.pi))
    product = 4 * v / sp.pi * sp.sin(v) * sp.cos(v) - (1 - sp.cos(v)) * (1 - sp.sin(v))
    ratio = 4 / sp.pi * v * sp.cos(v) * (1 + sp.cos(v)) / (sp.sin(v) * (1 + sp.sin(v)))
    return reduced(
        "The spectra are transforms of g(t_s) and t_s, so the weighted means of 1 - cos(omega) are 1 - 2g(t) and a = 1 - t, t the "
        "cosine of neighbours. Below: for a <= 1 arccos(1 - a) >= sqrt(2a) = root <= pi leaves root/pi + a(1 - root/pi); for a >= 1 "
        "arccos <= pi leaves 1, and root <= 2. Above: at the angle x = 2v + pi/2, sqrt(a) less 1 - 2g is 4v sin(v)cos(v)/pi - (1 - "
        "cos v)(1 - sin v), |v| <= pi/4. As 1 - cos v = sin(v)^2/(1 + cos v), it is not negative if the ratio at |v| is at least "
        "1, which it is at pi/4; and it falls: the derivative of its logarithm is 1/v - cot(v), at most 4/pi - 1, less tan(v), "
        "less sin(v)/(1 + cos v), less cos(v)/(1 + sin v), at least sqrt(2) - 1.",
        [
            ("mean by Sigma", sp.simplify(rough - (a + (1 - a) * sp.acos(1 - a) / sp.pi))),
            ("below", sp.expand(a + (1 - a) * root / sp.pi - root / sp.pi - a * (1 - root / sp.pi))),
            ("least", exact_number(p["least"]) <= sp.sqrt(2) / sp.pi),
            ("above", sp.simplify(sp.expand_trig(sp.expand(above - product)))),
            ("ratio at pi/4", sp.simplify(ratio.subs(v, sp.pi / 4) - 1)),
            ("it falls", 4 / sp.pi - 1 < sp.sqrt(2) - 1),
            ("most", exact_number(p["most"]) >= 1),
        ],
        sufficient=True,
    )


def roughness_of_kernel(case: Case, c: Constants) -> Sides:
    """The mean of 1 - cos(omega) by the enclosed eigenvalues, against the root of that by exact correlations."""
    kernel = _KERNELS[case["kernel"]]
    with ctx.workprec(_BITS):
        values = spectrum_of_weights(kernel)
        phases = [2 * arb.pi() * i / len(kernel) for i in range(len(kernel))]
        mean = sum((x * (1 - w.cos()) for x, w in zip(values, phases, strict=True)), arb(0)) / sum(values, arb(0))
        root = ball(1 - exact_correlations(kernel)[1]).sqrt()
        if case["part"] == "least":
            return Sides(ball(c["least"]) * root, mean, unit=root)
        return Sides(mean, (ball(c["most"]) + ball(_ATTAINED)) * root, unit=root)


# Spread.


def spread_argument(p: Premises) -> Symbolic:
    """Parseval: the variance of the eigenvalues over their squared mean is 4 sum g(t_s)^2, against sum t_s^2."""
    t = sp.Symbol("t", nonnegative=True)
    share = _g(p, t) / t
    ends = [(2 * share).subs(t, at) ** 2 for at in (0, 1)]
    return reduced(
        "Sums over shifts s other than 0. With weights that are not negative, 0 <= t <= 1, and 2g(t)/t = 1 - arccos(t)/pi rises.",
        [
            ("weights", sp.Integer(int(p.given("nonnegative"))) >= 1),
            ("it rises", sp.simplify(sp.diff(share, t) - 1 / (2 * sp.pi * sp.sqrt(1 - t**2)))),
            ("least", exact_number(p["least"]) <= ends[0]),
            ("most", exact_number(p["most"]) >= ends[1]),
        ],
        sufficient=True,
    )


def spread_of_kernel(case: Case, c: Constants) -> Sides:
    """The relative variance of the enclosed eigenvalues, against that of |Fu|^2 by exact correlations."""
    kernel = _KERNELS[case["kernel"]]
    with ctx.workprec(_BITS):
        values = spectrum_of_weights(kernel)
        mean = sum(values, arb(0)) / len(values)
        variance = sum(((x - mean) ** 2 for x in values), arb(0)) / len(values) / mean**2
        of_filter = ball(sum((x * x for x in exact_correlations(kernel)[1:]), F(0)))
        if case["part"] == "least":
            return Sides(ball(c["least"]) * of_filter, variance, unit=of_filter)
        return Sides(variance, ball(c["most"]) * of_filter, unit=of_filter)


# Nearest against linear.


def contrast(kernel: KernelWeights) -> arb:
    """The smallest eigenvalue over the largest."""
    values = spectrum_of_weights(kernel)
    with ctx.workprec(_BITS):
        return reduce(arb.min, values) / reduce(arb.max, values)


def nearest_argument(p: Premises) -> Symbolic:
    """Two weights of 1: t = 1/2 at the neighbours, 0 beyond, and the eigenvalues are g(1) + 2g(1/2)cos(omega)."""
    shift = sp.Rational(1, 2)
    middle, side = _g(p, sp.Integer(1)), 2 * _g(p, shift)
    two = exact_number(p["width"]) - 2
    return reduced(
        "On an even number of points omega takes the values 0 and pi; |1 + e^{i omega}|^2 is 0 at pi.",
        [
            ("even", sp.Integer(int(p.given("even"))) >= 1),
            ("two weights", two),
            ("ratio", sp.simplify((middle + side) - exact_number(p["ratio"]) * (middle - side))),
        ],
        sufficient=True,
    )


def nearest_of_points(case: Case, c: Constants) -> Sides:
    """The enclosed ratio."""
    kernel = box_weights(int(case["points"]), int(c["width"]))
    return Sides(abs(1 / contrast(kernel) - ball(c["ratio"])), ball(_ATTAINED), unit=1)


def linear_against_nearest(case: Case, c: Constants) -> Sides:
    """The ratio of the contrasts at one factor."""
    points, width = int(case["n"]), int(case["width"])
    of_both = contrast(triangle_weights(points, width)) / contrast(box_weights(points, width))
    return Sides(of_both, ball(c["share"]))


def _factors(c: Constants) -> tuple[Case, ...]:
    return tuple({"n": _POINTS, "width": w} for w in range(int(c["narrow"]), _POINTS // 2 + 1))


_KERNELS: tuple[KernelWeights, ...] = (
    (1, 0, 0, 0, 0),
    (10**6 + 1, 10**6),
    (10**6, 1),
    (1, -1),
    (1, 1, -1, -1),
    (1, 0, -1, 0, 0),
    *(weights(24, w) for w in (2, 3, 8) for weights in (box_weights, triangle_weights)),
)
_SOURCE = "the low-pass filter of unlearnt upsampling, after Liu et al. (arXiv 2304.11409)"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.upsampling.roughness",
        source=Source("own", _SOURCE + ", roughness"),
        says="For a convolution kernel on a circle, not zero, the mean of 1 - cos(omega) over the frequencies omega, weighted by the eigenvalues of Sigma, lies between $least and ${most:factor}times the root of the same mean weighted by the squares of |Fu|.",
        tex=r"$least\,\varrho\le\frac{\sum_\omega\lambda_\omega(1-\cos\omega)}{\sum_\omega\lambda_\omega}\le ${most:factor}\varrho,\quad\varrho\varrho=\frac{\sum_\omega|Fu|_\omega|Fu|_\omega(1-\cos\omega)}{\sum_\omega|Fu|_\omega|Fu|_\omega}",
        refuted_by="a kernel whose Sigma is smoother or rougher",
        domain={"n": Range(2, 10**6)},
        constants={"least": Constant(F(45, 100), "up"), "most": Constant(1, "down")},
        needs=(_SIGMA,),
        proofs=(roughness_argument,),
        exact=ExactRoute(
            tuple({"kernel": i, "part": part} for i in range(len(_KERNELS)) for part in ("least", "most")),
            roughness_of_kernel,
        ),
        controls=(Control("least_0.451", {"least": F(451, 1000)}), Control("most_0.98", {"most": F(98, 100)})),
    ),
    Claim(
        id="own.upsampling.spread",
        source=Source("own", _SOURCE + ", spread of the spectrum"),
        says="For a convolution kernel on a circle, not zero, the variance of the eigenvalues of Sigma over their squared mean lies between $least and ${most:factor}times the same of the squares of |Fu|.",
        tex=r"$least\,\frac{\mathrm{Var}(f)}{\bar f\bar f}\le\frac{\mathrm{Var}(\lambda)}{\bar\lambda\bar\lambda}\le ${most:factor}\frac{\mathrm{Var}(f)}{\bar f\bar f},\quad f=|Fu|\,|Fu|",
        refuted_by="a kernel with another spread",
        domain={"n": Range(2, 10**6)},
        hypotheses=(
            Hypothesis(
                "nonnegative", "no entry of the kernel is negative", lambda case, c: min(_KERNELS[case["kernel"]]) >= 0
            ),
        ),
        constants={"least": Constant(F(1, 4), "up"), "most": Constant(1, "down")},
        needs=(_SIGMA,),
        proofs=(spread_argument,),
        exact=ExactRoute(
            tuple({"kernel": i, "part": part} for i in range(1, len(_KERNELS)) for part in ("least", "most")),
            spread_of_kernel,
        ),
        controls=(Control("least_0.26", {"least": F(26, 100)}), Control("most_0.98", {"most": F(98, 100)})),
    ),
    Claim(
        id="own.upsampling.nearest",
        source=Source("own", _SOURCE + ", nearest neighbours"),
        says="For nearest-neighbour upsampling by $width on a circle the largest eigenvalue of Sigma is $ratio times the smallest, that at the highest frequency, where Fu is zero.",
        tex=r"\lambda_{\max}=$ratio\,\lambda_{\min},\quad u=\text{box of }$width",
        refuted_by="a number of points with another ratio",
        domain={"n": Range(4, 10**6)},
        hypotheses=(Hypothesis("even", "n is even", lambda case, c: case["points"] % 2 == 0),),
        constants={"width": Constant(2, whole=True), "ratio": Constant(5)},
        needs=(_SIGMA,),
        proofs=(nearest_argument,),
        exact=ExactRoute(tuple({"points": n} for n in (4, 5, 6, 8, 16, 64)), nearest_of_points),
        controls=(Control("ratio_5.1", {"ratio": F(51, 10)}), Control("width_3", {"width": 3})),
    ),
    Claim(
        id="own.upsampling.linear",
        source=Source("own", _SOURCE + ", linear against nearest: what of it can be read as one number"),
        says="Upsampling by any factor from $narrow to half of the n points of a circle: the smallest eigenvalue of Sigma over the largest is at most $share times as large with the linear filter as with that of nearest neighbours.",
        tex=r"\frac{\lambda_{\min}}{\lambda_{\max}}\Big|_{\text{linear}}\le $share\,\frac{\lambda_{\min}}{\lambda_{\max}}\Big|_{\text{nearest}},\quad $narrow\le w\le n/\text{two}",
        refuted_by="a factor at which the linear filter attenuates less",
        domain={"n": Range(_POINTS, _POINTS)},
        constants={
            "share": Constant(F(482, 1000), "down"),
            "narrow": Constant(2, "down", whole=True),
        },
        exact=ExactRoute(_factors, linear_against_nearest, covers="every factor is computed"),
        version=2,
        controls=(Control("share_0.48", {"share": F(48, 100)}), Control("no_upsampling", {"narrow": 1})),
    ),
)
