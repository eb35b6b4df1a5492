"""Evidence by computer algebra for the lemmas of CS-DIP: B.1 to B.4 and C.2 to C.4."""

from __future__ import annotations

from typing import Any

import sympy as sp

from untrained.theory.claim import Constants
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced


def second_moment(c: Constants) -> Symbolic:
    """E[a a^T] for a = v phi'(<w, z>): active half the time, v standard normal."""
    x = sp.symbols("x", real=True)
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    active = sp.integrate(density, (x, 0, sp.oo))
    variance, mean = (
        sp.integrate(x**2 * density, (x, -sp.oo, sp.oo)),
        sp.integrate(x * density, (x, -sp.oo, sp.oo)),
    )
    return reduced(
        "The pattern and v are independent; off-diagonal entries are E[phi'^2] E[v_i] E[v_j].",
        [
            ("diagonal entry", active * variance - exact_number(c["diagonal"])),
            ("off-diagonal entry", active * mean**2 - exact_number(c["off_diagonal"])),
        ],
    )


def small_ball_h(c: Constants) -> Symbolic:
    """h: sqrt(E (a^T u)^4) <= h u^T Sigma u, with equality at h = sqrt 6 for every unit u."""
    x = sp.symbols("x", real=True)
    density = sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)
    fourth = sp.integrate(x**4 * density, (x, -sp.oo, sp.oo)) / 2
    gap = sp.sqrt(exact_number(c["h_squared"])) * sp.Rational(1, 2) - sp.sqrt(fourth)
    return reduced(
        "<v, u> is standard normal for every unit u and independent of the pattern, so E (a^T u)^4 = 3/2 and "
        "u^T Sigma u = 1/2; both sides are homogeneous of degree two in u.",
        [("h/2 = sqrt(E (a^T u)^4)", gap)],
    )


def oliveira_arithmetic(c: Constants) -> Symbolic:
    """The d/n that 7 h sqrt((n + 2 log(2/delta))/d) <= 1/2 asks for at delta = 2 e^{-n}."""
    n, d = sp.symbols("n d", positive=True)
    deviation = 7 * sp.sqrt(6) * sp.sqrt((n + 2 * n) / d)
    needed = sp.solve(sp.Eq(deviation, sp.Rational(1, 2)), d)[0]
    return reduced(
        "log(2/delta) = n at delta = 2 e^{-n}; the deviation falls in d, so equality marks the least d.",
        [("least d/n", sp.simplify(needed / n) - exact_number(c["width_ratio"]))],
    )


def sparse_supremum(c: Constants) -> Symbolic:
    """eq. (14): Chevet's sqrt(n) + w(s) plus a deviation t = sqrt(n) that fails with probability e^{-t^2/2}."""
    n, t = sp.symbols("n t", positive=True)
    t_needed = sp.solve(sp.Eq(sp.exp(-(t**2) / 2), sp.exp(-n / 2)), t)[0]
    return reduced(
        "The supremum is 1-Lipschitz in V with mean at most sqrt(n) + w(s), and w(s) <= sqrt(2 s log(d/s) + s).",
        [
            ("mean's sqrt(n) and the deviation that fails with e^{-n/2}", sp.sqrt(n) + t_needed - 2 * sp.sqrt(n)),
            ("linear term covers the width", exact_number(c["linear"]) >= 1),
        ],
        sufficient=True,
    )


def rank_counting(c: Constants) -> Symbolic:
    """Lemma C.3: b + 1 changes would cost more than m |W_0 z|_{m-}^2, b the claimed bound."""
    m, scale = sp.symbols("m scale", positive=True)
    claimed = exact_number(c["per_rank"]) * m + exact_number(c["offset"])
    at_least = (claimed + 1) - (m - 1)
    homogeneous = scale ** (1 - c["norm_of_z"]) - 1
    return reduced(
        "A change of row l costs at least g_l^2, and all but m - 1 rows have |g_l| >= |g|_{m-}: b + 1 changes "
        "cost at least "
        "(b + 1 - (m - 1)) |g|_{m-}^2, which must exceed m |g|_{m-}^2. S(W) does not change when z is rescaled.",
        [
            ("cost exceeds the budget at m = 1", (at_least - m).subs(m, 1) > 0),
            ("and does not lose ground", sp.diff(at_least - m, m) >= 0),
            ("radius invariant under z -> scale z", homogeneous),
        ],
        sufficient=True,
    )


def sign_change_assembly(c: Constants) -> Symbolic:
    """Lemma C.2 from C.3 and C.4 at m = ceil(x), x = (2dR)^{2/3}."""
    d, R = sp.symbols("d R", positive=True)
    x = (2 * d * R) ** sp.Rational(2, 3)
    return reduced(
        "m = ceil(x) >= x: sqrt(m) m/(2d) >= x^{3/2}/(2d) = R, so C.4's event puts R within C.3's radius; e^{-m/6} <= "
        "e^{-x/6}; where m > d the bound exceeds d.",
        [
            ("x^{3/2}/(2d) = R", x ** sp.Rational(3, 2) / (2 * d) - R),
            ("factor", exact_number(c["factor"]) >= 2),
        ],
        sufficient=True,
    )


def ceiling_bound(c: Constants) -> Symbolic:
    """2 ceil(x) <= 3x from x = `least` on: ceil(x) <= x + 1 and 3x - 2(x + 1) grows."""
    x = sp.symbols("x", positive=True)
    slack = 3 * x - 2 * (x + 1)
    return reduced(
        "ceil(x) <= x + 1.",
        [
            ("slack at the least x", slack.subs(x, exact_number(c["least"])) >= 0),
            ("slack grows", sp.diff(slack, x) > 0),
        ],
        sufficient=True,
    )


def perturbation_assembly(c: Constants) -> Symbolic:
    """eq. (12), (13): (phi'(h) - phi'(h_0))^2 is the indicator of S, whence ||J - J_0|| = ||z|| ||V_S||."""
    patterns = {"same, active": (1, 1, 0), "same, inactive": (0, 0, 0), "dies": (0, 1, 1), "wakes": (1, 0, 1)}
    identities: list[tuple[str, Any]] = [
        (f"neuron {name}", sp.Integer((now - before) ** 2 - changed))
        for name, (now, before, changed) in patterns.items()
    ]
    return reduced(
        "||J(W) - J(W_0)||^2 = ||z||^2 ||V D V^T||, D the indicator of S(W); C.2 bounds |S(W)| and (14) the "
        "norm over all "
        "such S at once; the two failure probabilities add.",
        [
            *identities,
            ("deviation 2 sqrt n", exact_number(c["deviation"]) >= 2),
            *_width_covered(c),
        ],
        sufficient=True,
    )


def _width_covered(c: Constants) -> list[tuple[str, Any]]:
    """Either the linear term s stands in the bound, or s = 3x stays where none is needed."""
    if "share" not in c:
        return [("linear term s", exact_number(c["linear"]) >= 1)]
    s, d = sp.symbols("s d", positive=True)
    share = exact_number(c["share"])
    return [
        ("no linear term needed up to 0.18 d", share <= sp.Rational(18, 100)),
        (
            "2 s log(d/s) grows up to d/e, so 2 ceil(x) may be raised to 3x",
            sp.diff(2 * s * sp.log(d / s), s).subs(s, share * d) > 0,
        ),
        ("the width is not reduced", exact_number(c["linear"]) >= 0),
    ]


def sparse_excess_falls(c: Constants) -> Symbolic:
    """c(t) = 1 + t m + 2 log(2Q) falls from 1 at t = 0: its derivative is m (t(m - t) - 1), m = phi/Q."""
    t, m = sp.symbols("t m", positive=True)
    derivative = m + t * m * (m - t) - 2 * m
    return reduced(
        "E max_{|S|=s}||g_S||^2 <= d L(s/d) (duality) and L(p)/p - 2 log(1/p) = c(t), p = 2Q(t); m' = m(m - t), "
        "(log Q)' = -m; m < t + 1/t (Mills) makes the derivative negative, so c(t) <= c(0) = 1.",
        [
            ("derivative", sp.expand(derivative - m * (t * (m - t) - 1))),
            ("Mills: t(m - t) - 1 at m = t + 1/t", sp.simplify(t * ((t + 1 / t) - t) - 1)),
            ("c(0) = 1 is covered", exact_number(c["linear"]) >= 1),
        ],
        sufficient=True,
    )


def mask_contracts(c: Constants) -> Symbolic:
    """Lemma B.3: ||V D|| <= ||V|| for a 0/1 diagonal D, and ||V|| <= sqrt d + sqrt n + t at t = sqrt n."""
    x = sp.symbols("x", positive=True)
    return reduced(
        "||D u|| <= ||u|| entry by entry, so ||V D|| <= ||V||; Davidson-Szarek at t = sqrt(n) fails with e^{-n/2}.",
        [
            ("active entry", x**2 - (1 * x) ** 2 >= 0),
            ("inactive entry", x**2 - (0 * x) ** 2 >= 0),
            ("factor", exact_number(c["factor"]) >= 1),
            ("deviation 2 sqrt n", exact_number(c["deviation"]) >= 2),
        ],
        sufficient=True,
    )


def relu_contracts(c: Constants) -> Symbolic:
    """||phi(x)|| <= ||x||, entry by entry: x^2 - phi(x)^2 is x^2 or 0."""
    x = sp.symbols("x", positive=True)
    k = exact_number(c["factor"])
    return reduced(
        "Squares add up over entries; a negative entry loses all of its square, a positive one none.",
        [
            ("positive entry", sp.simplify(k * x**2 - x**2) >= 0),
            ("negative entry", sp.simplify(x**2 * k) >= 0),
        ],
    )


def triangle(c: Constants) -> Symbolic:
    """||a - y|| <= ||a|| + ||y||: the square of the right side exceeds the left's by 2(||a|| ||y|| + <a, y>)."""
    a, b, rho = sp.symbols("a b rho", real=True)
    gap = sp.expand((a + b) ** 2 - (a**2 + b**2 - 2 * rho * a * b))
    return reduced(
        "With a = ||V phi||, b = ||y|| >= 0 and rho >= -1 their cosine, the gap 2ab(1 + rho) is never negative.",
        [("squared gap", gap - 2 * a * b * (1 + rho)), ("factor of ||y||", exact_number(c["factor"]) >= 1)],
    )


def output_law(c: Constants) -> Symbolic:
    """Covariance of V phi given phi: nu^2 ||phi||^2 times the identity of R^n, derived on a 2 x 3 matrix V."""
    nu, n, d, p = sp.symbols("nu n d phi_norm_sq", positive=True)
    V, phi = sp.Matrix(2, 3, sp.symbols("v0:6")), sp.Matrix(3, 1, sp.symbols("phi0:3"))
    out, norm_sq = V * phi, (phi.T * phi)[0]
    variance = gaussian_mean(out[0] ** 2, list(V), nu)
    across = gaussian_mean(out[0] * out[1], list(V), nu)
    dimension = {"n": n, "d": d, "nd": n * d}[c["dimension"]]
    return reduced(
        "V phi is jointly normal given phi, so its covariance is its law: n independent entries N(0, nu^2 ||phi||^2), "
        "whose squares add up to n nu^2 ||phi||^2. Two rows and three columns show the general sums.",
        [
            ("variance of an entry", variance - nu**2 * norm_sq),
            ("covariance of two entries", across),
            ("E ||V phi||^2", n * nu**2 * p - dimension * nu**2 * p),
        ],
    )


def hidden_law(c: Constants) -> Symbolic:
    """Covariance of W z for W with i.i.d. standard normal entries: ||z||^2 times the identity of R^d."""
    W, z = sp.Matrix(2, 2, sp.symbols("w0:4")), sp.Matrix(2, 1, sp.symbols("z0:2", real=True))
    h, z_norm = W * z, sp.sqrt((z.T * z)[0])
    variance = gaussian_mean(h[0] ** 2, list(W), sp.Integer(1))
    across = gaussian_mean(h[0] * h[1], list(W), sp.Integer(1))
    return reduced(
        "Wz is jointly normal, so its covariance is its law. Two rows and two coordinates of z show the general sum.",
        [("variance", variance - z_norm ** c["z_power"]), ("covariance of two rows", across)],
    )


def output_arithmetic(c: Constants) -> Symbolic:
    """sqrt(2n) nu sqrt(2d) ||z|| at nu = ||y||/(sqrt(dn) ||z||)."""
    n, d, y, z = sp.symbols("n d y z", positive=True)
    nu = y / (sp.sqrt(d * n) * z)
    return reduced(
        "Substitution of nu.",
        [("product", sp.sqrt(2 * n) * nu * sp.sqrt(2 * d) * z - exact_number(c["factor"]) * y)],
    )


def misfit_assembly(c: Constants) -> Symbolic:
    """Lemma B.4: 2||y|| for the output and ||y|| for the target."""
    return reduced(
        "The triangle inequality on the event ||V phi|| <= 2||y||.",
        [("2 + 1", exact_number(c["factor"]) >= 3)],
        sufficient=True,
    )
