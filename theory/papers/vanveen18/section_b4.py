"""Section B.4: what the lemmas hand to Theorem B.5, the width inequality that they leave, and the sum of failures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction as F
from typing import Any

import sympy as sp
from flint import arb, ctx

from untrained.theory.claim import Claim, Constant, Constants, Control, Hypothesis, Premises, Range, Source
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, bisect_root, enclosed, fact

B1, B2, B3, B4 = "vanveen18.lemB1.proof", "vanveen18.lemB2.in_range", "vanveen18.lemB3", "vanveen18.lemB4"
META, ALPHA_R, BETA, WIDTH = "vanveen18.thmB5.rate", "vanveen18.alpha_R", "vanveen18.beta", "vanveen18.width.printed"
NU = Hypothesis("nu", "nu = ||y||/(sqrt(dn)||z||)")
_SIZES = sp.symbols("n d y z", positive=True)
"""n, d, ||y|| and ||z||."""


def _source(label: str, equation: str = "", page: int | None = 18, reading: str = "") -> Source:
    return Source("vanveen18", label, equation, page, reading)


def _size_of_v(p: Premises) -> sp.Expr:
    """nu of the theorem, any other where its hypothesis does not stand."""
    n, d, y, z = _SIZES
    return y / (sp.sqrt(d * n) * z) if p.given("nu") else sp.Symbol("nu", positive=True)


# alpha, R and beta.


def alpha_and_radius(p: Premises) -> Symbolic:
    """The largest alpha that Lemma B.1 leaves for A1, and the radius that Theorem B.5 asks for at Lemma B.4's misfit."""
    (n, d, y, z), meta, nu = _SIZES, p.of(META), _size_of_v(p)
    alpha = exact_number(p.of(B1)["fraction"]) / exact_number(meta["a1"]) * nu * sp.sqrt(d) * z
    misfits = exact_number(meta["radius"]) * exact_number(p.of(B4)["factor"])
    divisor = exact_number(p["alpha_divisor"])
    return reduced(
        "A1 asks for sigma_min >= a1 alpha, which is Lemma B.1's bound; R is Theorem B.5's multiple of Lemma B.4's.",
        [
            ("alpha by nu", alpha - nu * sp.sqrt(d) * z / divisor),
            ("alpha by ||y||", alpha - y / (divisor * sp.sqrt(n))),
            ("misfits in R", misfits - exact_number(p["misfits"])),
            ("R", misfits * y / alpha - exact_number(p["radius"]) * sp.sqrt(n)),
        ],
    )


def relaxed_beta(p: Premises) -> Symbolic:
    """nu(sqrt d + b sqrt n)||z|| <= ||y|| sqrt(k(rn + d)/(dn)) for every n and d, b that of Lemma B.3."""
    (n, d, y, z), nu, bound = _SIZES, _size_of_v(p), p.of(B3)
    deviation, factor, rows = (exact_number(p[name]) for name in ("deviation", "factor", "rows"))
    return reduced(
        "Squared and divided by ||y||^2/(dn) the gap is (k - 1)d - 2b sqrt(dn) + (kr - b^2)n, a form in sqrt d and "
        "sqrt n: never negative exactly where k >= 1, kr >= b^2 and (k - 1)(kr - b^2) >= b^2.",
        [
            ("nu ||z||", nu * z - y / sp.sqrt(d * n)),
            ("columns", exact_number(bound["columns"]) - 1),
            ("deviation", exact_number(bound["deviation"]) - deviation),
            ("gap of the squares", relaxation_gap(1, p["deviation"], p["factor"], p["rows"]) >= 0),
            ("first coefficient", factor - 1 >= 0),
            ("last coefficient", factor * rows - deviation**2 >= 0),
        ],
    )


def relaxation_gap(columns: Any, deviation: Any, factor: Any, rows: Any) -> F:
    """(k - a^2)(kr - b^2) - (ab)^2, k = factor: with k >= a^2 the sign of k(d + rn) - (a sqrt d + b sqrt n)^2."""
    a, b, k, r = F(columns), F(deviation), F(factor), F(rows)
    return (k - a * a) * (k * r - b * b) - (a * b) ** 2


def rewritten_beta(p: Premises) -> Symbolic:
    """(1/sqrt n)(sqrt(an/d) + c)||y|| = nu(c sqrt d + b sqrt n)||z||, b and c those of Lemma B.3."""
    n, d, y, z = _SIZES
    ours = _size_of_v(p) * (exact_number(p["columns"]) * sp.sqrt(d) + exact_number(p["deviation"]) * sp.sqrt(n)) * z
    printed = (sp.sqrt(exact_number(p["ratio"]) * n / d) + exact_number(p["columns"])) * y / sp.sqrt(n)
    bound = p.of(B3)
    return reduced(
        "nu ||z|| = ||y||/sqrt(dn); the numbers of sqrt d and sqrt n are Lemma B.3's.",
        [
            ("both sides", printed - ours),
            ("columns", exact_number(p["columns"]) - exact_number(bound["columns"])),
            ("deviation", exact_number(p["deviation"]) - exact_number(bound["deviation"])),
        ],
    )


_CONSTANTS_OF_THEOREM_B5 = (
    Claim(
        id=ALPHA_R,
        source=_source("Section B.4", "alpha = ||y||/(4 sqrt n), R = 60 sqrt n"),
        says="alpha = nu sqrt(d)||z||/$alpha_divisor = ||y||/($alpha_divisor sqrt n) meets A1 by Lemma B.1, and R = ${misfits:factor}||y||/alpha = ${radius:factor}sqrt n is the radius for Lemma B.4's misfit.",
        tex=r"\alpha=\nu\sqrt d\,\|z\|/$alpha_divisor=\|y\|/($alpha_divisor\sqrt n),\quad R=${misfits:factor}\|y\|/\alpha=${radius:factor}\sqrt n",
        refuted_by="another value from the same substitution",
        hypotheses=(NU,),
        constants={"alpha_divisor": Constant(4), "misfits": Constant(15), "radius": Constant(60)},
        reads=(B1, B4, META),
        proofs=(alpha_and_radius,),
        controls=(
            Control("alpha_divisor_4.01", {"alpha_divisor": F(401, 100)}),
            Control("radius_59", {"radius": 59}),
            Control("any_nu", {}, ("nu",)),
        ),
        version=2,
    ),
    Claim(
        id=BETA,
        source=_source(
            "Section B.4",
            "beta = ||y|| sqrt(2(4n + d)/(dn)) >= nu(sqrt d + 2 sqrt n)||z||",
            reading="the factor 2 under the root is not legible; without it the inequality is false",
        ),
        says="Lemma B.3's nu (sqrt d + ${deviation:factor}sqrt n)||z|| is at most ||y|| sqrt(${factor:factor}(${rows:factor}n + d)/(dn)), which may be taken for beta.",
        tex=r"\nu(\sqrt d+${deviation:factor}\sqrt n)\|z\|\le\|y\|\sqrt{${factor:factor}(${rows:factor}n+d)/(dn)}=\beta",
        refuted_by="n, d where the inequality fails",
        hypotheses=(NU,),
        constants={"deviation": Constant(2), "factor": Constant(2, "down"), "rows": Constant(4, "down")},
        reads=(B3,),
        proofs=(relaxed_beta,),
        controls=(
            Control("factor_1.99", {"factor": F(199, 100)}),
            Control("rows_3.99", {"rows": F(399, 100)}),
            Control("any_nu", {}, ("nu",)),
        ),
        version=2,
    ),
    Claim(
        id="vanveen18.beta.rewritten",
        source=_source("Section B.4", "(1/sqrt n)(sqrt(4n/d) + 1)||y|| = nu(sqrt d + 2 sqrt n)||z||"),
        says="(sqrt(${ratio:factor}n/d) + $columns)||y||/sqrt n = nu (${columns:factor}sqrt d + ${deviation:factor}sqrt n)||z||, the second factor of which is Lemma B.3's.",
        tex=r"\frac{\|y\|}{\sqrt n}\Big(\sqrt{${ratio:factor}n/d}+$columns\Big)=\nu(${columns:factor}\sqrt d+${deviation:factor}\sqrt n)\|z\|",
        refuted_by="sizes at which the sides differ",
        hypotheses=(NU,),
        constants={"ratio": Constant(4), "columns": Constant(1), "deviation": Constant(2)},
        reads=(B3,),
        proofs=(rewritten_beta,),
        controls=(Control("ratio_4.01", {"ratio": F(401, 100)}), Control("any_nu", {}, ("nu",))),
    ),
)


# The width inequality: A2 by Lemma B.2 at R, in units of nu ||z|| sqrt d.


@dataclass(frozen=True)
class WidthInequality:
    """rows sqrt(n/d) + sqrt(log_factor v log(1/(inner v)) + linear inner v) <= budget, v = scaled_radius^power (n/d)^falloff."""

    rows: Any
    log_factor: Any
    inner: Any
    scaled_radius: Any
    power: Any
    falloff: Any
    budget: Any
    linear: Any = 0

    def flips(self, aspect: arb) -> arb:
        """v, the share of flipped rows, at d = aspect n."""
        return ball(self.scaled_radius) ** ball(self.power) * aspect ** (-ball(self.falloff))

    def left(self, aspect: arb) -> arb:
        """The left side at d = aspect n."""
        v = self.flips(aspect)
        inner = ball(self.inner) * v
        return (
            ball(self.rows) / aspect.sqrt()
            + (ball(self.log_factor) * v * (1 / inner).log() + ball(self.linear) * inner).sqrt()
        )

    def falling(self, aspect: arb) -> arb:
        """What is positive where the left side falls from here on: its root grows in v, and v falls in d/n."""
        limit = (ball(self.linear) * ball(self.inner) / ball(self.log_factor) - 1).exp()
        falls = limit - ball(self.inner) * self.flips(aspect)
        return falls if self.falloff > 0 else -abs(falls)

    def margin(self, aspect: arb) -> arb:
        """The margin at d = aspect n and so for all larger d, in units of the budget; open where it may rise."""
        margin = 1 - self.left(aspect) / ball(self.budget)
        return margin if self.falling(aspect) > 0 else margin.union(arb(-1))


_DISPLAY = ("rows", "log_factor", "inner", "scaled_radius", "power", "falloff", "budget")


def width_displayed(c: Constants, linear: Any = 0) -> WidthInequality:
    """The inequality as it is displayed, with a linear term where one is added."""
    return WidthInequality(**{name: c[name] for name in _DISPLAY}, linear=linear)


def width_by_lemmas(b2: Constants, radius: Any, budget: Any) -> WidthInequality:
    """The inequality that Lemma B.2 leaves at R = radius sqrt n, where its share depends on d/n alone."""
    power = F(b2["power"])
    return WidthInequality(
        b2["deviation"], b2["log_factor"], b2["inner"], F(b2["scale"]) * F(radius), power, 1 - power, F(budget)
    )


def _budget(p: Premises) -> F:
    """alpha/3 of A2 in units of nu ||z|| sqrt d."""
    return F(p.of(META)["a2"]) / F(p.of(ALPHA_R)["alpha_divisor"])


def width_suffices(p: Premises) -> Enclosed:
    """The displayed inequality is the one that the lemmas leave, and holds from d = aspect n on."""
    display = width_displayed(p.constants)
    left = width_by_lemmas(p.of(B2), p.of(ALPHA_R)["radius"], _budget(p))
    with ctx.workprec(200):
        aspect = ball(p["aspect"])
        return enclosed(
            {"left side": display.left(aspect), "budget": ball(display.budget), "v": display.flips(aspect)},
            [display.margin(aspect), fact(all(getattr(display, k) == getattr(left, k) for k in _DISPLAY))],
            "The left side falls in d/n (checked: its derivative in v is positive there), so d = C n decides.",
        )


def displays_agree(p: Premises) -> Symbolic:
    """Lemma B.2's bound at R over a2 alpha is the displayed left side over the budget, for every n, d, y, z."""
    (n, d, y, z), b2, display = _SIZES, p.of(B2), {k: exact_number(p.of(WIDTH)[k]) for k in _DISPLAY}
    v, nu, number = sp.Symbol("v", positive=True), _size_of_v(p), exact_number
    x = (number(b2["scale"]) * d * number(p["radius"]) * sp.sqrt(n)) ** number(b2["power"])
    alpha = y / (number(p.of(ALPHA_R)["alpha_divisor"]) * sp.sqrt(n))
    root = sp.sqrt(number(b2["log_factor"]) * v * d * sp.log(1 / (number(b2["inner"]) * v)))
    bound = nu * z * (number(b2["deviation"]) * sp.sqrt(n) + root)
    left = display["rows"] * sp.sqrt(n / d) + sp.sqrt(display["log_factor"] * v * sp.log(1 / (display["inner"] * v)))
    decay = display["scaled_radius"] ** display["power"] * (n / d) ** display["falloff"]
    return reduced(
        "v = x/d with x = (2dR)^{2/3}; x grows in n and d, and v falls in d/n, so d = C n and n = 1 decide the range.",
        [
            ("R", number(p["radius"]) - number(p.of(ALPHA_R)["radius"])),
            ("x/d", sp.powsimp(sp.expand_power_base(x / d / decay)) - 1),
            ("budget", number(p["budget"]) - display["budget"]),
            ("bound", bound / (number(p.of(META)["a2"]) * alpha) - left / number(p["budget"])),
            *_in_range(b2, width_by_lemmas(b2, p["radius"], p["budget"]), p["aspect"]),
        ],
    )


def _in_range(b2: Constants, left: WidthInequality, aspect: Any) -> list[tuple[str, bool]]:
    """Lemma B.2's own conditions, for all n and d >= aspect n."""
    with ctx.workprec(200):
        width = ball(aspect)
        return [
            ("x reaches its least", bool(width * left.flips(width) >= ball(b2["least"]))),
            ("share at most the largest", bool(ball(left.inner) * left.flips(width) <= ball(b2["share"]))),
        ]


def width_fails_with(p: Premises) -> Enclosed:
    """Whether the inequality with the linear term holds from the printed C on."""
    left = width_displayed(p.of(WIDTH), p["linear"])
    with ctx.workprec(200):
        aspect = ball(p.of(WIDTH)["aspect"])
        return enclosed({"left side": left.left(aspect)}, [left.margin(aspect)], "At d = C n with the printed C.")


_LOWEST_ASPECT, _HIGHEST_ASPECT = F(10**10), F(10**30)


def least_width(left: WidthInequality, digits: int) -> arb:
    """Enclose the least C from which on the inequality holds, to more than so many digits.

    Raises
    ------
    ArithmeticError
        where there is no certain change of sign, or the left side may rise.
    """
    if not left.falling(ball(_LOWEST_ASPECT)) > 0:
        raise ArithmeticError(f"left side must fall from d = {_LOWEST_ASPECT} n on")
    return bisect_root(lambda C: left.left(C) - ball(left.budget), _LOWEST_ASPECT, _HIGHEST_ASPECT, digits + 2)


def digits_agree(left: WidthInequality, claimed: Any, digits: Any) -> Enclosed:
    """The least C lies within half a unit of the last of so many digits of what is claimed."""
    with ctx.workprec(200):
        C = least_width(left, int(digits))
        unit = F(10) ** (len(str(int(claimed))) - int(digits))
        return enclosed(
            {"least C": C},
            [1 - 2 * abs(C - ball(claimed)) / ball(unit)],
            "Bisection with certain signs; below the root the inequality fails, for its left side falls in d/n.",
        )


def least_width_digits(p: Premises) -> Enclosed:
    """The digits of the least C of the displayed inequality, with the linear term of the statement, if it has one."""
    return digits_agree(width_displayed(p.of(WIDTH), p.constants.get("linear", 0)), p["least"], p["digits"])


_WIDTH = (
    Claim(
        id="vanveen18.width.normalisation",
        source=_source(
            "Section B.4, from A2 to the width inequality",
            "three displays",
            reading="the displays are split; the first lacks a division that the others have",
        ),
        says="With R = ${radius:factor}sqrt n Lemma B.2's bound is within A2's share of alpha exactly where the left side of the width inequality is at most $budget, and for all d >= $aspect n it is used within the range of Lemma B.2.",
        tex=r"R=${radius:factor}\sqrt n:\ \text{Lemma B.2's bound within A2}\iff\text{left side of the width inequality}\le ${budget};\quad\text{in range }\forall d\ge $aspect\,n",
        refuted_by="another inequality from the same substitution, or d >= C n at which x = (2dR)^{2/3} is out of range",
        hypotheses=(NU,),
        constants={"radius": Constant(60), "budget": Constant(F(1, 12)), "aspect": Constant(67 * 10**6, "down")},
        reads=(WIDTH, B2, ALPHA_R, META),
        proofs=(displays_agree,),
        controls=(
            Control("radius_59", {"radius": 59}),
            Control("budget_a_thirteenth", {"budget": F(1, 13)}),
            Control("aspect_6.6e7", {"aspect": 66 * 10**6}),
            Control("any_nu", {}, ("nu",)),
        ),
        version=2,
    ),
    Claim(
        id=WIDTH,
        source=_source("Section B.4", "d >= 4.3 x 10^15 n", reading="the left side is read from a split display"),
        says="The width inequality that Lemma B.2 leaves, ${rows:factor}sqrt(n/d) + sqrt(-${log_factor:factor}v log(${inner:factor}v)) <= $budget with v = $scaled_radius^($power) (n/d)^($falloff), holds for all d >= $aspect n.",
        tex=r"${rows:factor}\sqrt{n/d}+\sqrt{-${log_factor:factor}v\ln(${inner:factor}v)}\le ${budget},\ v=$scaled_radius^{$power}(n/d)^{$falloff},\ \forall d\ge $aspect\,n",
        refuted_by="d >= C n where the left side certainly exceeds the budget",
        domain={"d/n": Range("aspect", 1e60, False, True)},
        constants={
            "aspect": Constant(43 * 10**14, "down"),
            "budget": Constant(F(1, 12)),
            "rows": Constant(2),
            "log_factor": Constant(6),
            "inner": Constant(3),
            "scaled_radius": Constant(120),
            "power": Constant(F(2, 3)),
            "falloff": Constant(F(1, 3)),
        },
        reads=(B2, ALPHA_R, META),
        proofs=(width_suffices,),
        controls=(Control("4.248e15", {"aspect": 4248 * 10**12}), Control("rows_3", {"rows": 3})),
        version=2,
    ),
    Claim(
        id="vanveen18.width.minimal",
        source=_source("Section B.4"),
        says="The least C for which the width inequality holds for all d >= C n is $least to $digits digits.",
        tex=r"C_{\min}=$least",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants={"least": Constant(4248050856 * 10**6), "digits": Constant(10, "up", whole=True)},
        reads=(WIDTH,),
        proofs=(least_width_digits,),
        controls=(Control("last_digit", {"least": 4248050857 * 10**6}), Control("one_more_digit", {"digits": 11})),
        version=2,
    ),
    Claim(
        id="vanveen18.width.linear_term.printed",
        source=_source("Section B.4, with the (5/4)s term that eq. (14) lacks (our combination)"),
        says="With the term ${linear:factor}s of the usual sparse width added, s the number of flipped rows, the width inequality still holds from the printed d = C n on.",
        tex=r"\text{width inequality with }+${linear:factor}s/d\text{ under the root},\ \forall d\ge C_{\rm printed}\,n",
        refuted_by="a left side that certainly exceeds the budget at the printed C",
        constants={"linear": Constant(F(5, 4), "up")},
        reads=(WIDTH,),
        proofs=(width_fails_with,),
        controls=(Control("linear_1", {"linear": 1}),),
        version=2,
    ),
    Claim(
        id="vanveen18.width.corrected",
        source=_source("Section B.4, with the (5/4)s term"),
        says="With the term ${linear:factor}s added the least C of the width inequality is $least to $digits digits.",
        tex=r"C_{\min}^{${linear}}=$least",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants={
            "linear": Constant(F(5, 4)),
            "least": Constant(5541022062 * 10**6),
            "digits": Constant(10, "up", whole=True),
        },
        reads=(WIDTH,),
        proofs=(least_width_digits,),
        controls=(
            Control("last_digit", {"least": 5541022063 * 10**6}),
            Control("linear_1.24", {"linear": F(124, 100)}),
        ),
        version=2,
    ),
)


# The failures of the five events.


def rows_terms(p: Premises) -> list[tuple[Any, Any]]:
    """The failures a e^{-rn} of Lemmas B.1 to B.4, as pairs (a, r)."""
    b1, b2, b3, b4 = (p.of(name) for name in (B1, B2, B3, B4))
    return [
        (b1["failure_factor"], b1["failure_rate"]),
        (1, b2["failure_rate_rows"]),
        (b3["failure_factor"], b3["failure_rate"]),
        (b4["failure_factor"], b4["rows_rate"]),
    ]


def flips_exponent(p: Premises) -> arb:
    """a in Lemma B.2's e^{-rate x} = e^{-a d^power n^{power/2}} at R = radius sqrt n."""
    b2 = p.of(B2)
    return ball(b2["failure_rate_flips"]) * (ball(b2["scale"]) * ball(p.of(ALPHA_R)["radius"])) ** ball(b2["power"])


def failures_within(p: Premises) -> list[arb]:
    """Margins of: the failures add up to at most the claimed ones, kind by kind, for all n and d."""
    terms, power, b4 = rows_terms(p), F(p.of(B2)["power"]), p.of(B4)
    claimed = ball(p["rows_rate"])
    worst = sum((ball(a) * (claimed - ball(rate)).exp() for a, rate in terms), arb(0))
    return [
        ball(p["coefficient"]) - worst,
        *(ball(rate) - claimed for _, rate in terms),
        ball(b4["width_rate"]) - ball(p["width_rate"]),
        1 - ball(b4["failure_factor"]),
        flips_exponent(p) - ball(p["last_exponent"]),
        ball(power - F(p["d_power"])),
        ball(power / 2 - F(p["n_power"])),
    ]


def failures_add_up(p: Premises) -> Enclosed:
    """The failures of Lemmas B.1 to B.4 at R against the theorem's, for all n and d."""
    powers = F(p["d_power"]), F(p["n_power"])
    with ctx.workprec(160):
        return enclosed(
            {"exponent of the last term": flips_exponent(p)},
            [*failures_within(p), fact(F(p["radius"]) == F(p.of(ALPHA_R)["radius"]))],
            "Rates in n at least the claimed one: the sum over e^{-rate n} falls in n, and n = 1 decides. Each margin is "
            "needed: let d grow for the terms in n, n grow at fixed d for e^{-d/2} and, at d = 1, for the last term.",
            sufficient=powers[0] < F(p.of(B2)["power"]) or powers[1] < F(p.of(B2)["power"]) / 2,
        )


def theorem_failure(c: Constants, rows: int, width: Any) -> arb:
    """The theorem's failure probability at these sizes."""
    high, wide = ball(rows), ball(width)
    last = ball(c["last_exponent"]) * wide ** ball(c["d_power"]) * high ** ball(c["n_power"])
    return (
        ball(c["coefficient"]) * (-ball(c["rows_rate"]) * high).exp()
        + (-ball(c["width_rate"]) * wide).exp()
        + (-last).exp()
    )


FAILURE: dict[str, Constant] = {
    "coefficient": Constant(5, "down"),
    "rows_rate": Constant(F(1, 2), "up"),
    "width_rate": Constant(F(1, 2), "up"),
    "last_exponent": Constant(4, "up"),
    "d_power": Constant(F(2, 3), "up"),
    "n_power": Constant(F(1, 3), "up"),
}
FAILURE_SAYS = "${coefficient:factor}e^{-${rows_rate:factor}n} - e^{-${width_rate:factor}d} - e^{-${last_exponent:factor}d^($d_power) n^($n_power)}"

_UNION = Claim(
    id="vanveen18.union",
    source=_source("Section B.4, last lines", "1 - 5e^{-n/2} - e^{-d/2} - e^{-4 d^{2/3} n^{1/3}}"),
    says=f"Lemma B.1 to Lemma B.4 hold together at R = ${{radius:factor}}sqrt n with probability at least 1 - {FAILURE_SAYS}, by the sum of their failures, for all n and d.",
    tex=r"\sum_{\text{lemmas}}P\{\text{failure at }R=${radius:factor}\sqrt n\}\le ${coefficient:factor}e^{-${rows_rate:factor}n}+e^{-${width_rate:factor}d}+e^{-${last_exponent:factor}d^{$d_power}n^{$n_power}}",
    refuted_by="n, d where the sum is larger",
    constants={**FAILURE, "radius": Constant(60)},
    reads=(B1, B2, B3, B4, ALPHA_R),
    proofs=(failures_add_up,),
    controls=(
        Control("coefficient_4.2", {"coefficient": F(42, 10)}),
        Control("rows_rate_0.51", {"rows_rate": F(51, 100)}),
        Control("width_rate_0.51", {"width_rate": F(51, 100)}),
        Control("last_exponent_4.06", {"last_exponent": F(406, 100)}),
    ),
    version=2,
)

CLAIMS: tuple[Claim, ...] = (*_CONSTANTS_OF_THEOREM_B5, *_WIDTH, _UNION)
