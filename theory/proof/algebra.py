"""Evidence by computer algebra: its tools, and the identities of the two-layer generator and of its descent.

Each function reduces the identities of one claim and reports what did not vanish. The constants of the claim come in as
an argument, so that false siblings run through the same reduction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import sympy as sp

from untrained.theory.claim import Constants
from untrained.theory.evidence import Symbolic


def exact_number(value: Any) -> sp.Expr:
    """Return a constant as an exact sympy number (Fractions and ints stay exact)."""
    if isinstance(value, Fraction):
        return sp.Rational(value.numerator, value.denominator)
    return sp.nsimplify(value)


def reduced(argument: str, identities: Iterable[tuple[str, Any]], *, sufficient: bool = False) -> Symbolic:
    """Collect identities, each an expression that should be 0 or a relation that should be true."""
    checked, residuals = [], []
    for name, expression in identities:
        checked.append(name)
        rest = _rest(expression)
        if rest is not None:
            residuals.append(f"{name}: {rest}")
    return Symbolic(tuple(checked), tuple(residuals), argument, sufficient)


def _rest(expression: Any) -> str | None:
    if isinstance(expression, bool | sp.logic.boolalg.Boolean | sp.core.relational.Relational):
        return None if expression in (True,) else f"not true: {expression}"
    simplified = sp.simplify(expression)
    return None if simplified == 0 else str(simplified)


def _on_patterns(expression: sp.Expr, *switches: sp.Symbol) -> sp.Expr:
    """Reduce powers of 0/1 switches: s^2 = s."""
    for s in switches:
        expression = sp.rem(sp.expand(expression), s**2 - s, s)
    return expression


def gaussian_mean(expression: sp.Expr, entries: Sequence[sp.Symbol], deviation: sp.Expr) -> sp.Expr:
    """E of a polynomial in independent N(0, deviation^2) entries: odd powers vanish, E v^p = (p - 1)!! deviation^p."""
    total = sp.Integer(0)
    for powers, factor in sp.Poly(sp.expand(expression), *entries).terms():
        moments = [0 if p % 2 else sp.factorial2(p - 1) * deviation**p if p else 1 for p in powers]
        total += factor * sp.prod(moments)
    return sp.expand(total)


@lru_cache
def falls_in_aspect(active: Fraction) -> bool:
    """Whether r Lambda(t/r) falls in r for the cumulant functions of (g)_+^2 and of g^2.

    Its derivative is Lambda(u) - u Lambda'(u), u = t/r, which is 0 at u = 0 and whose own derivative is -u Lambda''(u).
    """
    u, t, r, m = sp.symbols("u t r m", positive=True)
    cumulant = sp.Function("Lambda")
    slope = cumulant(u) - u * sp.diff(cumulant(u), u)
    steps = [
        (sp.diff(r * cumulant(t / r), r) - slope.subs(u, t / r)).doit(),
        sp.diff(slope, u) + u * sp.diff(cumulant(u), u, 2),
        sp.diff(1 / sp.sqrt(1 - 2 * u), u) - (1 / sp.sqrt(1 - 2 * u)) ** 3,
    ]
    mixed = 1 - exact_number(active) + exact_number(active) * m  # E e^{u (g)_+^2}, m = (1 - 2u)^{-1/2}, m' = m^3
    curvatures = [sp.fraction(sp.together(_along(_along(sp.log(mean), m), m))) for mean in (mixed, m)]
    positive = all(c >= 0 for over in curvatures for part in over for c in sp.Poly(part, m).all_coeffs())
    return positive and all(sp.simplify(step) == 0 for step in steps)


def _along(expression: sp.Expr, m: sp.Symbol) -> sp.Expr:
    """d/du of a function of m = (1 - 2u)^{-1/2}."""
    return sp.cancel(sp.diff(expression, m) * m**3)


def image_terms(deviation: sp.Expr, claimed: sp.Expr, *, independent: bool) -> list[tuple[str, Any]]:
    """Terms of the covariance of M u, any size: M with entries of a deviation, uncorrelated where independent.

    Entry i is the sum over l of M_il u_l; `claimed` is the deviation of an entry of M u per unit of ||u||.
    """
    x, y, u, w, rho = sp.symbols("x y u w correlation", real=True)
    square = gaussian_mean(x**2, [x], deviation)
    across = gaussian_mean(x * y, [x, y], deviation) if independent else rho * deviation**2
    return [
        ("term (l, l) of the variance", square * u**2 - claimed**2 * u**2),
        ("term (l, l') of the variance", across * u * w),
        ("term (l, l') of the covariance of two entries, l = l' too", across * u * w),
    ]


def jacobian_entry(c: Constants) -> Symbolic:
    """eq. (8): one entry of the Jacobian, for a generic neuron and coordinate."""
    v, z, w, rest = sp.symbols("v z w rest", real=True)
    h = w * z + rest
    identities = []
    for name, active, f in (("active", 1, v * h), ("inactive", 0, sp.Integer(0))):
        mask = active if c["mask"] else 1
        identities.append((f"d f_i / d w_lj, neuron {name}", sp.diff(f, w) - v * mask * z))
    return reduced(
        "f_i is a sum over neurons and neuron l depends on w_l alone, so one neuron and one coordinate (the others "
        "collected in `rest`) are all of J; ReLU is h or 0 on either side of its kink.",
        identities,
    )


def gram_entry(c: Constants) -> Symbolic:
    """eq. (8): entry (i, i') of J J^T, neuron by neuron and coordinate by coordinate."""
    v, u, z, s, total = sp.symbols("v u z s z_norm_sq", real=True)
    term = _on_patterns((v * s * z) * (u * s * z), s)
    summed = term.subs(z**2, total)
    claimed = v * u * _on_patterns(s ** c["mask_power"], s) * (total if c["z_power"] == 2 else sp.sqrt(total))
    return reduced(
        "(J J^T)_{ii'} is the sum over neurons l and coordinates j of V_il s_l z_j V_i'l s_l z_j with s_l^2 = s_l; "
        "the sum over j gives ||z||^2.",
        [("term l of entry (i, i')", summed - claimed)],
    )


def gradient_entry(c: Constants) -> Symbolic:
    """Gradient of half (or whole) the squared residual against J^T r, two outputs, one neuron."""
    v1, v2, z, w, rest, o1, o2, y1, y2 = sp.symbols("v1 v2 z w rest o1 o2 y1 y2", real=True)
    h = w * z + rest
    f1, f2 = v1 * h + o1, v2 * h + o2
    loss = exact_number(c["loss_factor"]) * ((f1 - y1) ** 2 + (f2 - y2) ** 2)
    g1, g2 = (sp.Max(f1, 0), sp.Max(f2, 0)) if c["outer_relu"] else (f1, f2)
    claimed = exact_number(c["gradient_factor"]) * (v1 * z * (g1 - y1) + v2 * z * (g2 - y2))
    difference = sp.diff(loss, w) - claimed
    values = {v1: 1, v2: -2, z: 3, w: 1, rest: 5, o1: 0, o2: 1, y1: 1, y2: 2}
    return reduced(
        "Chain rule for an active neuron (an inactive one contributes 0 to both sides); outputs add up, so two "
        "show all.",
        [("d L / d w_lj", difference.subs(values) if c["outer_relu"] else difference)],
    )


def alignments_suffice(c: Constants) -> Symbolic:
    """One step of a neuron that is on: W z and ||W_+ - W|| from h alone."""
    w1, w2, z1, z2, back, eta = sp.symbols("w1 w2 z1 z2 back eta", real=True)
    norm = sp.sqrt(z1**2 + z2**2)
    moved1, moved2 = w1 - eta * back * z1, w2 - eta * back * z2
    h, after = w1 * z1 + w2 * z2, moved1 * z1 + moved2 * z2
    claimed = h - eta * norm ** c["z_power"] * back
    length = (moved1 - w1) ** 2 + (moved2 - w2) ** 2
    return reduced(
        "The gradient in row l is phi'(h_l) (V^T r)_l z^T (`back` stands for phi'(h_l) (V^T r)_l, which h determines); "
        "two coordinates of z show all, and steps along z^T add up along z^T.",
        [("h after the step", after - claimed), ("length of the step", length - ((claimed - h) / norm) ** 2)],
    )


def off_stays_off(c: Constants) -> Symbolic:
    """The step of a neuron, its switch s = phi'(h) in {0, 1}, where it is off (or on)."""
    s, back, eta, norm = sp.symbols("s back eta norm", real=True)
    step = -eta * norm**2 * s * back
    return reduced(
        "h_l moves by -eta ||z||^2 phi'(h_l) (V^T r)_l, which vanishes with phi'(h_l): the sign of h_l is for good.",
        [("step of the neuron", step.subs(s, 1 if c["off"] else 0))],
    )


def change_is_what_is_lost(c: Constants) -> Symbolic:
    """Switches p at the start and q <= p later: (p - q)^2 = p - q, term by term."""
    v, u, z = sp.symbols("v u z", real=True)
    identities = []
    for p, q in ((0, 0), (1, 0), (1, 1)):
        change = (v * z * (p - q)) * (u * z * (p - q))
        lost = v * u * z**2 * (p - q)
        identities.append((f"entry of a neuron with switches {p}, {q}", change - lost))
    if c["norms"]:
        identities.append(("largest eigenvalue of a difference", sp.Max(1, 2) - sp.Max(3, 2) - sp.Max(1 - 3, 2 - 2)))
    return reduced(
        "A neuron that is off stays off, so q <= p, and (J_t - J_0)(J_t - J_0)^T = J_0 J_0^T - J_t J_t^T: a sum of "
        "v_l v_l^T over the neurons lost, which only grows.",
        identities,
    )


def thinned_cone(c: Constants) -> Symbolic:
    """From D columns on, D ~ Bin(d, 1/2), and Wendel's Bin(D, 1/2) to Bin(d, 1/4), by generating functions."""
    s, d = sp.symbols("s d", positive=True)
    inner = (1 + s) / 2
    mixed = ((1 + inner) / 2) ** d
    share = exact_number(c["share"])
    return reduced(
        "y is outside the cone of v_1, ..., v_D exactly when these and -y lie in a half-space; by Wendel, for "
        "independent symmetric directions, that has probability P(Bin(D, 1/2) <= n - 1). D is Bin(d, 1/2): a binomial "
        "number of a binomial number, whose generating function is E[((1 + s)/2)^D]. The output stays in this cone, "
        "for no other neuron ever comes on.",
        [("generating function", sp.log(mixed) - d * sp.log(1 - share + share * s))],
    )
