"""Enclosures in ball arithmetic: the constants of the theory with certain digits, and proofs that need them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from flint import arb, ctx, fmpq

from untrained.theory.claim import Constants
from untrained.theory.evidence import Enclosed


def ball(value: Any) -> arb:
    """Return a constant as a ball: exact for ints and Fractions, the double itself for floats."""
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(value)


def ends(x: arb) -> tuple[float, float]:
    """Lower and upper end of a ball as floats, rounded outwards; everything where the ball is not finite."""
    if not x.is_finite():
        return -math.inf, math.inf
    with ctx.workprec(64):
        low, high = x.lower(), x.upper()
        near, far = float(low), float(high)
        return (
            near if arb(near) <= low else math.nextafter(near, -math.inf),
            far if arb(far) >= high else math.nextafter(far, math.inf),
        )


def fact(holds: bool) -> arb:
    """A premise that is decided exactly, as a margin: 1 where it holds, else -1."""
    return arb(1 if holds else -1)


def enclosed(
    quantities: Mapping[str, arb],
    margins: list[arb],
    argument: str,
    *,
    exhausts: bool = True,
    sufficient: bool = False,
) -> Enclosed:
    """Record enclosed quantities and the least of the margins (a ball around the claim's margin)."""
    lows, highs = zip(*map(ends, margins), strict=True)
    digits = {name: x.str(15, radius=False) for name, x in quantities.items()}
    return Enclosed(digits, (min(lows), min(highs)), argument, exhausts, sufficient)


def bisect_root(f: Callable[[arb], arb], low: Fraction, high: Fraction, digits: int) -> arb:
    """Enclose the root of f, certainly positive at `low` and negative at `high`, to so many digits.

    Raises
    ------
    ArithmeticError
        where the sign of f cannot be decided at the working precision.
    """
    a, b = low, high
    for end, sign in ((a, 1), (b, -1)):
        if not f(ball(end)) * sign > 0:
            raise ArithmeticError(f"f must change sign from + to - between {float(low)} and {float(high)}")
    while b - a > Fraction(1, 10 ** (digits + 1)) * abs(a):
        middle = (a + b) / 2
        value = f(ball(middle))
        if value > 0:
            a = middle
        elif value < 0:
            b = middle
        else:
            raise ArithmeticError(f"the sign at {float(middle)} is not certain at {ctx.prec} bits")
    return ball(a).union(ball(b))


def share_of_budget(aspect: arb, linear: arb) -> arb:
    """Left side of the width inequality at d = aspect n; `linear` multiplies s, 0 as printed."""
    u = sparse_share(aspect)
    return 2 / aspect.sqrt() + (2 * u * (1 / u).log() + linear * u).sqrt()


def sparse_share(aspect: arb) -> arb:
    """u = s/d = 3 (120)^{2/3} (n/d)^{1/3}."""
    third = ball(Fraction(1, 3))
    return 3 * (arb(120) ** (2 * third)) * (aspect ** (-third))


def least_aspect(linear: Any, digits: int = 12) -> arb:
    """Enclose the least C such that the width inequality holds for every d >= C n.

    The left side falls in C as long as 2 u log(1/u) + c u grows in u, that is u < e^{c/2 - 1}.
    """
    with ctx.workprec(200):
        c = ball(linear)
        return bisect_root(
            lambda C: share_of_budget(C, c) - ball(Fraction(1, 12)),
            Fraction(10**10),
            Fraction(10**17),
            digits,
        )


def width_holds(c: Constants) -> Enclosed:
    """Decide whether the width inequality holds for every d >= C n, with C and the linear term given."""
    with ctx.workprec(200):
        C, linear = ball(c["aspect"]), ball(c["linear"])
        share, u = share_of_budget(C, linear), sparse_share(C)
        falls = (linear / 2 - 1).exp() - u
        margin = 1 - 12 * share
        if not falls > 0:
            margin = margin.union(arb(-1))
        return enclosed(
            {"left side": share, "1/12": ball(Fraction(1, 12)), "s/d": u},
            [margin],
            "The left side falls in d/n while s/d < e^{c/2 - 1} (its derivative in u is positive there), which "
            "holds at "
            "C and so beyond; the value at d = C n decides.",
        )


def width_digits(c: Constants) -> Enclosed:
    """The least C has the claimed ten digits: its enclosure lies within half a unit of the last one."""
    with ctx.workprec(200):
        C = least_aspect(c["linear"])
        claimed, half = (
            ball(c["digits"]),
            ball(c["digits"]) * ball(Fraction(1, 2 * 10**9)) / ball(c["leading"]),
        )
        return enclosed(
            {"least C": C},
            [1 - abs(C - claimed) / half],
            "Bisection with certain signs; the left side is monotone (see the width inequality).",
        )


def oliveira_ratio(c: Constants) -> Enclosed:
    """Enclose the constants of Theorem C.1 as used: (2 * 7 * sqrt 6 * sqrt 3)^2, and the integer nearest to it."""
    with ctx.workprec(120):
        ratio = (14 * arb(6).sqrt() * arb(3).sqrt()) ** 2
        gap = abs(ratio - ball(c["width_ratio"]))
        return enclosed(
            {"7 h": 7 * arb(6).sqrt(), "(14 sqrt 18)^2": ratio},
            [1 - 2 * gap],
            "The claimed ratio is the integer nearest to the enclosed one.",
        )


def order_exponent(c: Constants) -> Enclosed:
    """Chernoff: P(Bin(d, p) >= m) <= e^{-m x}, x = -log q - 1 + q, q = 2 level/sqrt(2 pi), for all m <= d."""
    with ctx.workprec(120):
        q = 2 * ball(c["level"]) / (2 * arb.pi()).sqrt()
        x = -q.log() - 1 + q if q < 1 else arb(0)
        return enclosed(
            {"exponent by Chernoff": x},
            [(x - ball(c["exponent"])) / ball(c["exponent"])],
            "dp = d P(|N(0,1)| < level m/d) <= q m, the density being at most 1/sqrt(2 pi); (dp/m)^m e^{m - dp} "
            "grows in "
            "p up to p = m/d; level 1/2 gives q = 1/sqrt(2 pi).",
            sufficient=True,
        )


def chi_square_exponent(c: Constants) -> Enclosed:
    """Chernoff: P(chi2_n > 2n) <= e^{-n (1 - log 2)/2} for every n."""
    with ctx.workprec(120):
        x = (1 - arb(2).log()) / 2
        claimed = ball(c["exponent"])
        return enclosed(
            {"exponent by Chernoff": x},
            [(x - claimed) / claimed],
            "E e^{t chi2_n} = (1 - 2t)^{-n/2} at t = 1/4 gives (2/e)^{n/2}.",
            sufficient=True,
        )


def joint_exponent(c: Constants) -> Enclosed:
    """log P(chi2_n Y > 4dn) <= -n e at n = d, e by one linear functional of (chi2_n/n, Y/d)."""
    with ctx.workprec(120):
        s, t = ball(Fraction(27207, 100000)), ball(Fraction(3273, 10000))
        half = ball(Fraction(1, 2))
        level = 2 * ball(c["factor"])
        e = level * (s * t).sqrt() + (1 - 2 * s).log() / 2 - (half + half / (1 - 2 * t).sqrt()).log()
        rate = ball(c["exponent"])
        return enclosed(
            {"joint exponent at n = d": e},
            [(e - rate) / rate],
            "xy >= f^2 implies s x + t y >= 2 f sqrt(st); Chernoff with weights min(n,d) s and min(n,d) t. For "
            "d >= n the "
            "term r log E e^{(t/r) Y_1}, r = d/n, falls in r, and for d < n likewise in n/d, so n = d is the worst: "
            "P <= e^{-min(n,d) e} <= e^{-n/2} + e^{-d/2} once e >= 1/2.",
            sufficient=True,
        )


def smallest_singular_proof(c: Constants) -> Enclosed:
    """sigma_min(V_S) >= f sqrt(d) with probability 1 - 2e^{-n} for every n and d >= C n: two exponents >= 1.

    P(|S| <= x d) <= e^{-d KL(x || 1/2)}; given |S| >= x d Davidson-Szarek leaves t = (sqrt(xC) - 1 - f sqrt(C)) sqrt n.
    """
    with ctx.workprec(120):
        C, fraction = ball(c["width_ratio"]), ball(c["fraction"])
        x = ball(_best_share(float(c["width_ratio"]), float(c["fraction"])))
        half = ball(Fraction(1, 2))
        divergence = x * (2 * x).log() + (1 - x) * (2 * (1 - x)).log()
        slack = (x * C).sqrt() - 1 - C.sqrt() * fraction
        few, small = C * divergence - 1, slack.max(arb(0)) ** 2 * half - 1
        return enclosed(
            {"C KL(x || 1/2)": few + 1, "(sqrt(xC) - 1 - f sqrt(C))^2/2": small + 1, "x": x},
            [few, small],
            "Both exponents are in units of n and grow in C (sqrt x > f), so d >= C n for every n follows from "
            "d = C n.",
            sufficient=True,
        )


def _best_share(C: float, fraction: float) -> Fraction:
    """The share x that balances the two exponents (any x proves; this one is found by bisection)."""
    low, high = min(0.4998, fraction**2), 0.4999
    for _ in range(60):
        x = (low + high) / 2
        few = C * (x * math.log(2 * x) + (1 - x) * math.log(2 - 2 * x))
        small = max(0.0, math.sqrt(x * C) - 1 - math.sqrt(C) * fraction) ** 2 / 2
        low, high = (x, high) if small < few else (low, x)
    return Fraction(round(low * 10**6), 10**6)


def sparse_printed_domain(c: Constants) -> Enclosed:
    """d L(s/d) <= 2 s log(d/s) + c s for every s <= p d: excess at t(p) of 1 + t m(t) + 2 log P(|g| > t) - c."""
    with ctx.workprec(160):
        t = ball(c["threshold"])
        share = tail(t)
        excess = sparse_excess(t) - ball(c["linear"])
        reaches = share / ball(c["share"]) - 1
        margin = -excess if reaches > 0 else (-excess).union(arb(-1))
        return enclosed(
            {"share 2Q(t)": share, "excess at t": excess},
            [margin],
            "With m = phi/Q: the excess has derivative m (t(m - t) - 1) < 0 as m < t + 1/t, so it stays below "
            "its value at "
            "the threshold for every smaller share.",
            sufficient=True,
        )


def tail(t: arb) -> arb:
    """P(|g| > t)."""
    return (t / arb(2).sqrt()).erfc()


def sparse_excess(t: arb) -> arb:
    """1 + t phi(t)/Q(t) + 2 log(2Q(t)): what L(p)/p exceeds 2 log(1/p) by at p = 2Q(t)."""
    density = (-t * t / 2).exp() / (2 * arb.pi()).sqrt()
    return 1 + t * density / (tail(t) / 2) + 2 * tail(t).log()


def first_step(c: Constants) -> Enclosed:
    """One step at n = 16, d >= 4.3e15 n, bounded from both sides: a necessary condition, certain or open.

    Events and constants are those of `printed_theorem_fails`; ||r_0|| lies between its lower bound there and 3||y||.
    """
    with ctx.workprec(120):
        n, C, half = ball(16), ball(43 * 10**14), ball(Fraction(1, 2))
        inverse = 1 / C.sqrt()
        bottom, top = (half - inverse).sqrt() - 2 * inverse, (half + inverse).sqrt() + 2 * inverse
        low, high, least, most = _step_and_decrease(c, C)
        slow, fast, drift = low * bottom**2, high * top**2, high * top / 12
        violated = _half_upper_gamma(n, half) - _spoiled(n)
        claimed = _claimed_failure(n)
        above = ((slow - 1).max(1 - fast) - drift) * (1 + ball(Fraction(1, 4)) * (1 - 4 * inverse)).sqrt()
        below = 3 * ((1 - slow).max(fast - 1) + drift)
        margin = arb(0, 1)
        if high * top / 20 < 1 and above > 3 * (1 - least) and violated > claimed:
            margin = 1 - violated / claimed
        elif high * top / 20 < 1 and below <= 3 * (1 - most):
            margin = 1 - below / (3 * (1 - most))
        return enclosed(
            {"||r_1||/||y|| at least": above, "at most": below, "claimed bound": 3 * (1 - most)},
            [margin],
            "||r_1|| lies between (min|lambda - 1| - drift)||r_0|| and (max|lambda - 1| + drift)||r_0||, lambda the "
            "spectrum of eta J_0 J_0^T; only tau = 1 and n = 16 are decided.",
            exhausts=False,
        )


def _step_and_decrease(c: Constants, C: arb) -> tuple[arb, arb, arb, arb]:
    """Bounds for d >= C n of eta ||y||^2/n in units of 1/d J J^T, and of the claimed decrease per step."""
    if "eta_bar" in c:
        e = ball(c["eta_bar"])
        return 8 * e / (1 + 4 / C), 8 * e, e / 8 / (1 + 4 / C), e / 8
    low = 1 / (1 + 2 / C.sqrt()) ** 2
    return low, ball(1), low / ball(c["divisor"]), 1 / ball(c["divisor"])


def _spoiled(n: arb) -> arb:
    """Probability that one of the events of `printed_theorem_fails` fails."""
    return 4 * (-n / 2).exp() + 2 * (-2 * n).exp() + 2 * (-n).exp()


def _claimed_failure(n: arb) -> arb:
    """The theorem's failure probability for d >= 4.3e15 n, from above."""
    return 5 * (-n / 2).exp() + 2 * (-4 * n).exp()


def printed_theorem_fails(c: Constants) -> Enclosed:
    """After one printed step the misfit exceeds the printed bound with probability near 1/2, for every d >= C n.

    Everything is per ||y|| = 1. With N = |S(W_0)| within sqrt(dn) of d/2 and sigma(V_S) within 2 sqrt n of sqrt N:
    eta J J^T has its spectrum in 8/(4n+d) (sqrt N -+ 2 sqrt n)^2, so ||r_1|| >= (low - 1 - drift) ||r_0||.
    """
    with ctx.workprec(120):
        n, C, eta_bar = ball(c["rows"]), ball(c["aspect"]), ball(c["eta_bar"])
        inverse = 1 / C.sqrt()
        bottom = (ball(Fraction(1, 2)) - inverse).sqrt() - 2 * inverse
        top = (ball(Fraction(1, 2)) + inverse).sqrt() + 2 * inverse
        scale, largest = 8 * eta_bar / (1 + 4 / C), 8 * eta_bar
        drift = largest * top / 12
        grown = scale * bottom**2 - 1 - drift
        bound = ball(3)
        misfit_sq = 1 + ball(c["energy"]) / 2 * (1 - 4 * inverse)
        travel = 3 * largest * top / 60
        violated = _half_upper_gamma(n, ball(c["energy"])) - _spoiled(n)
        claimed_failure = _claimed_failure(n)
        escapes = grown * misfit_sq.sqrt() - bound
        decided = escapes > 0 and travel < 1
        margin = 1 - violated / claimed_failure if decided else arb(0, 10)
        return enclosed(
            {
                "||r_1||/||y|| exceeds": grown * misfit_sq.sqrt(),
                "bound at tau = 1, whatever the rate": bound,
                "growth of the misfit in one step": grown,
                "probability of this, at least": violated,
                "claimed failure probability, at most": claimed_failure,
                "travel as a share of R": travel,
            },
            [margin],
            "On Lemma B.2's event ||J_bar - J_0|| <= 1/(12 sqrt n) within R = 60 sqrt n, and the first step "
            "stays within R; ||r_0||^2 >= 1 + ||g||^2 Y/(dn) when <g, y> <= 0 (half the time, independent of ||g||), "
            "||g||^2 >= 0.85 n and Y >= d/2 - 2 sqrt(dn). The lower bounds grow and the upper ones fall in d/n, so no "
            "C saves eta_bar = 1.",
        )


def _half_upper_gamma(n: arb, energy: arb) -> arb:
    """P(chi2_n >= energy n)/2."""
    return (energy * n / 2).gamma_upper(n / 2, regularized=1) / 2
