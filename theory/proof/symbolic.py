"""Symbolic evidence: each function reduces the identities of one claim and reports what did not vanish.

The constants of the claim come in as an argument, so that false siblings run through the same reduction.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
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


def gaussian_mean(expression: sp.Expr, entries: Sequence[sp.Symbol], deviation: sp.Expr) -> sp.Expr:
    """E of a polynomial in independent N(0, deviation^2) entries: odd powers vanish, E v^p = (p - 1)!! deviation^p."""
    total = sp.Integer(0)
    for powers, factor in sp.Poly(sp.expand(expression), *entries).terms():
        moments = [0 if p % 2 else sp.factorial2(p - 1) * deviation**p if p else 1 for p in powers]
        total += factor * sp.prod(moments)
    return sp.expand(total)


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


def alpha_beta_radius(c: Constants) -> Symbolic:
    """alpha, R and the width inequality's normalisation, from nu = ||y||/(sqrt(dn) ||z||)."""
    n, d, y, z = sp.symbols("n d y z", positive=True)
    nu = y / (sp.sqrt(d * n) * z)
    alpha = nu * sp.sqrt(d) * z / 4
    R = sp.simplify(5 * 3 * y / alpha)
    return reduced(
        "alpha is half of Lemma B.1's bound; R is 5 times the misfit bound 3||y|| over alpha.",
        [
            ("alpha", alpha - y / (exact_number(c["alpha_divisor"]) * sp.sqrt(n))),
            ("R", R - exact_number(c["radius"]) * sp.sqrt(n)),
        ],
    )


def width_normalisation(c: Constants) -> Symbolic:
    """A2 by Lemma B.2 at R = 60 sqrt n is 12 times the width inequality's left side, in units of alpha/3."""
    n, d, y, z, u = sp.symbols("n d y z u", positive=True)
    x = (2 * d * exact_number(c["radius"]) * sp.sqrt(n)) ** sp.Rational(2, 3)
    share = 3 * sp.Integer(120) ** sp.Rational(2, 3) * (n / d) ** sp.Rational(1, 3)
    nu, alpha = y / (sp.sqrt(d * n) * z), y / (4 * sp.sqrt(n))
    bound = nu * z * (2 * sp.sqrt(n) + sp.sqrt(2 * u * d * sp.log(1 / u)))
    left = 2 * sp.sqrt(n / d) + sp.sqrt(2 * u * sp.log(1 / u))
    at_least_width = sp.simplify(share.subs(d, 43 * 10**14 * n))
    return reduced(
        "u = s/d with s = 3 (2dR)^{2/3}; both s/d and the left side fall in d/n, and (2dR)^{2/3} grows in n and d.",
        [
            ("s/d", sp.simplify(3 * x / d - share)),
            ("bound/(alpha/3) = 12 (left side)", bound / (alpha / 3) - 12 * left),
            ("s <= 0.18 d at d = 4.3e15 n", sp.N(sp.Rational(18, 100) - at_least_width, 30) >= 0),
            ("(2dR)^{2/3} >= 2 at n = d = 1", sp.N(x.subs({n: 1, d: 1}) - 2, 30) >= 0),
        ],
    )


def beta_relaxed(c: Constants) -> Symbolic:
    """(sqrt d + 2 sqrt n)^2 <= k (d + 4n): the gap at k = 2 is the square (sqrt d - 2 sqrt n)^2."""
    a, b = sp.symbols("a b", positive=True)
    k = exact_number(c["factor"])
    gap = sp.expand(k * (a**2 + b**2) - (a + b) ** 2)
    return reduced(
        "a = sqrt d, b = 2 sqrt n; the gap must be a square plus a non-negative multiple of a^2 + b^2.",
        [("gap", gap - sp.expand((a - b) ** 2 + (k - 2) * (a**2 + b**2))), ("multiple", k >= 2)],
    )


def union_of_failures(c: Constants) -> Symbolic:
    """The five events' failures add up to at most the theorem's."""
    q = sp.symbols("q", positive=True)
    total = 2 * q**2 + 3 * q
    worst = (total / q).subs(q, sp.exp(-sp.Rational(1, 2)))
    exponent = sp.Integer(120) ** sp.Rational(2, 3) / 6
    return reduced(
        "q = e^{-n/2} <= e^{-1/2}. B.1: 2q^2; B.2: q + e^{-(2dR)^{2/3}/6}; B.3: q; B.4: q + e^{-d/2}; total/q "
        "grows in q. "
        "At R = 60 sqrt n, (2dR)^{2/3}/6 = (120^{2/3}/6) d^{2/3} n^{1/3}.",
        [
            ("e^{-n/2} terms at n = 1", sp.N(exact_number(c["coefficient"]) - worst, 30) >= 0),
            ("exponent of the last term", sp.N(exponent - exact_number(c["last_exponent"]), 30) >= 0),
        ],
        sufficient=True,
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


def misfit_assembly(c: Constants) -> Symbolic:
    """Lemma B.4: 2||y|| for the output and ||y|| for the target."""
    return reduced(
        "The triangle inequality on the event ||V phi|| <= 2||y||.",
        [("2 + 1", exact_number(c["factor"]) >= 3)],
        sufficient=True,
    )


def meta_rate(c: Constants) -> Symbolic:
    """eq. (9): the one-step lemma gives 1 - (7/6) eta alpha^2 while the iterates stay within R."""
    return reduced(
        "Induction: inside the ball the one-step lemma applies and its path inequality keeps the next iterate inside.",
        [
            ("rate", exact_number(c["rate"]) <= sp.Rational(7, 6)),
            ("step at most 1/beta^2", exact_number(c["step"]) <= 1),
        ],
        sufficient=True,
    )


def meta_path(c: Constants) -> Symbolic:
    """eq. (10): the one-step path inequality, summed; the distance is at most the path's length."""
    return reduced(
        "||r_t|| - ||r_{t+1}|| >= (alpha/2)||theta_{t+1} - theta_t|| adds up along the path.",
        [
            ("path", exact_number(c["path"]) <= sp.Rational(1, 2)),
            ("step at most 1/beta^2", exact_number(c["step"]) <= 1),
        ],
        sufficient=True,
    )


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


def coloured_sensing(c: Constants) -> Symbolic:
    """Covariance of a column of A V given A: nu^2 A A^T, on a generic 2 x 3 matrix A."""
    A, v = sp.Matrix(2, 3, sp.symbols("a0:6", real=True)), sp.Matrix(3, 1, sp.symbols("v0:3"))
    nu, Av = sp.symbols("nu", positive=True), A * v
    covariance = sp.Matrix(2, 2, lambda i, j: gaussian_mean(Av[i] * Av[j], list(v), nu))
    claimed = nu**2 * (A * A.T if c["coloured"] else sp.eye(2))
    return reduced(
        "Given A the columns of AV are independent N(0, nu^2 A A^T), that is (A A^T)^{1/2} times an i.i.d. "
        "matrix G; so "
        "sigma_min(A) sigma_min(G_S) <= sigma_min((AV)_S) and ||(AV)_S|| <= ||A|| ||G_S||.",
        [(f"entry {i}{j}", covariance[i, j] - claimed[i, j]) for i in range(2) for j in range(2)],
    )


def inner_products(c: Constants) -> Symbolic:
    """2<a,b> - ||a||^2 in units of b0^2, b0 = (5/3) alpha ||r||: ||a||, ||b|| >= b0 and ||a - b|| <= (2/5) b0."""
    x = sp.symbols("x", positive=True)
    perturbation = exact_number(c["perturbation"])
    return reduced(
        "2<a,b> = ||a||^2 + ||b||^2 - ||a-b||^2 gives 2<a,b> - ||a||^2 >= (1 - 4/25) b0^2, with equality for collinear "
        "vectors; ||r_+||^2 <= ||r||^2 - eta (2<a,b> - ||a||^2).",
        [
            ("perturbation: (2 alpha/3)/(5 alpha/3)", sp.Rational(2, 3) / sp.Rational(5, 3) - perturbation),
            ("rate at most (21/25)(25/9)/2", (1 - perturbation**2) * sp.Rational(25, 9) / 2 >= exact_number(c["rate"])),
            ("sqrt(1-x) <= 1 - x/2", sp.expand((1 - x / 2) ** 2 - (1 - x)) - x**2 / 4),
        ],
    )


def path_inequality(c: Constants) -> Symbolic:
    """||r|| - ||r_+|| >= path alpha ||theta_+ - theta||: two regimes of x = ||a||/b0 that meet at 7/5."""
    x = sp.symbols("x", positive=True)
    need = 2 * exact_number(c["path"]) * sp.Rational(3, 5) * x
    far, near, meet = x**2 - sp.Rational(4, 5) * x - need, sp.Rational(21, 25) - need, sp.Rational(7, 5)
    return reduced(
        "||r|| - ||r_+|| >= eta (2<a,b> - ||a||^2)/(2||r||); in units of b0^2 the bracket is at least "
        "max(21/25, x^2 - 4x/5) "
        "and must reach 2 path (3/5) x. The first serves x <= 7/5, the second x >= 7/5; both are attained at x = 7/5.",
        [
            ("second regime at 7/5", far.subs(x, meet) >= 0),
            ("second regime grows", sp.diff(far, x).subs(x, meet) >= 0),
            ("first regime at 7/5", near.subs(x, meet) >= 0),
        ],
    )


def stays_inside(c: Constants) -> Symbolic:
    """Path so far plus one step, (||r_0|| - ||r||)/(path alpha) + ||r||/(2 alpha), is at most R = radius
    ||r_0||/alpha.
    """
    path, radius = exact_number(c["path"]), exact_number(c["radius"])
    return reduced(
        "eta ||J^T r|| <= ||r||/beta as eta <= 1/beta^2, and beta >= ||J_0|| >= sigma_min(J_0) >= 2 alpha. The "
        "left side is "
        "linear in ||r|| between 0 and ||r_0||, so its ends decide.",
        [("at ||r|| = 0", radius - 1 / path >= 0), ("at ||r|| = ||r_0||", radius - sp.Rational(1, 2) >= 0)],
    )


def averaged_jacobian(c: Constants) -> Symbolic:
    """phi(h + delta) - phi(h) = delta * (share of the segment where phi' = 1), in all four sign patterns."""
    p, q = sp.symbols("p q", positive=True)
    share = {"++": sp.Integer(1), "--": sp.Integer(0), "+-": p / (p + q), "-+": q / (p + q)}
    if c["endpoint"]:
        share = {"++": sp.Integer(1), "--": sp.Integer(0), "+-": sp.Integer(1), "-+": sp.Integer(0)}
    ends = {"++": (p, q), "--": (-p, -q), "+-": (p, -q), "-+": (-p, q)}
    identities = [
        (f"signs {signs}", sp.Max(after, 0) - sp.Max(before, 0) - share[signs] * (after - before))
        for signs, (before, after) in ends.items()
    ]
    return reduced(
        "f(theta_+) - f(theta) = J_bar (theta_+ - theta) with J_bar the average of J over the segment: neuron "
        "by neuron "
        "ReLU changes by its displacement times the share of the segment on which it is active.",
        identities,
    )


def step_and_rate(c: Constants) -> Symbolic:
    """eta alpha^2/4 for the claimed step must be at least the claimed decrease, and eta at most 1/beta^2."""
    n, d, y = sp.symbols("n d y", positive=True)
    eta_bar = exact_number(c["eta_bar"])
    alpha_sq, beta_sq = y**2 / (16 * n), y**2 * 2 * (4 * n + d) / (d * n)
    eta = eta_bar * 8 * n * d / (4 * n + d) / y**2
    decrease = eta_bar * d / (8 * (4 * n + d))
    return reduced(
        "Theorem B.5 at alpha = ||y||/(4 sqrt n), beta^2 <= 2(4n + d)||y||^2/(dn), misfit at most 3||y||.",
        [
            ("decrease eta alpha^2/4", eta * alpha_sq / 4 - decrease),
            ("eta beta'^2 <= 1", sp.simplify(eta * beta_sq) <= 1),
        ],
        sufficient=True,
    )


def sharp_step_and_rate(c: Constants) -> Symbolic:
    """At eta = 1/beta^2 the decrease eta alpha^2/4 is d/(64 (sqrt d + 2 sqrt n)^2)."""
    n, d, y = sp.symbols("n d y", positive=True)
    beta_sq = y**2 * (sp.sqrt(d) + 2 * sp.sqrt(n)) ** 2 / (d * n)
    decrease = y**2 / (16 * n) / beta_sq / 4
    claimed = d / (exact_number(c["divisor"]) * (sp.sqrt(d) + 2 * sp.sqrt(n)) ** 2)
    return reduced(
        "Theorem B.5 with alpha from Lemma B.1, beta from B.3, R from B.4, A2 from B.2 and the width inequality.",
        [("decrease covers the claimed one", sp.simplify((decrease - claimed) / decrease) >= 0)],
        sufficient=True,
    )


def row_orthonormal(c: Constants) -> Symbolic:
    """Covariance of A v: nu^2 A A^T, for A two rows of an orthonormal 3 x 3 matrix built from angles."""
    s, t = sp.symbols("s t", real=True)
    first = sp.Matrix([[sp.cos(s) * sp.cos(t), sp.sin(s) * sp.cos(t), sp.sin(t)]])
    second = sp.Matrix([[-sp.sin(s), sp.cos(s), 0]])
    A = sp.Matrix.vstack(first, second * (1 if c["orthonormal"] else 2))
    covariance = sp.simplify(A * A.T)
    return reduced(
        "Columns of A V are independent N(0, nu^2 A A^T); A A^T = I_m by definition for any m rows of an orthonormal "
        "matrix (checked here on a two-angle family of 2 x 3 matrices), and "
        "uncorrelated jointly normal entries are independent.",
        [
            ("variance", covariance[1, 1] - 1),
            ("covariance", covariance[0, 1]),
            ("variance of row 1", covariance[0, 0] - 1),
        ],
    )


def fourier_rows(c: Constants) -> Symbolic:
    """Pseudo-covariance A A^T and the conjugate pairs of a complex Fourier matrix, size 4."""
    size, unit = 4, sp.I
    F = sp.Matrix(size, size, lambda i, j: unit ** (i * j) / 2)
    if c["real_parts"]:
        rows = [
            F[0, :],
            sp.sqrt(2) * F[1, :].applyfunc(sp.re),
            sp.sqrt(2) * F[1, :].applyfunc(sp.im),
            F[2, :],
        ]
        F = sp.Matrix.vstack(*rows)
    covariance, pseudo = F * F.H, F * F.T
    target = sp.eye(size) if c["real_parts"] else sp.zeros(size)
    scale = exact_number(c["scale"])
    pair = sp.Matrix([[1, 1], [-sp.I, sp.I]]) / sp.sqrt(2)  # (F_j, F_-j) to (sqrt 2 Re F_j, sqrt 2 Im F_j)
    return reduced(
        "Complex entries are i.i.d. circular normal only if A A^T = 0 as well as A A^* = I; real ones need A "
        "A^T = I. For "
        "any size (F F^T)_{jl} = 1 where j + l = 0 mod n, and the real rows are the trigonometric basis; "
        "checked at n = 4.",
        [
            ("pair to real rows keeps lengths and angles", _total(pair * pair.H - sp.eye(2))),
            ("A A^*", _total(covariance - scale * sp.eye(size))),
            ("A A^T", _total(pseudo - scale * target)),
        ],
    )


def _total(matrix: sp.Matrix) -> sp.Expr:
    return sp.simplify(sum(sp.Abs(entry) for entry in matrix))


def gaussian_sensing(c: Constants) -> Symbolic:
    """Entries of A V for i.i.d. Gaussian A (variance 1/m): fourth cross-moment along a row."""
    n, m, nu, t = sp.symbols("n m nu t", positive=True)
    transform = (1 - 2 * t / m) ** (-n / 2)
    first, second = (sp.diff(transform, t, k).subs(t, 0) for k in (1, 2))
    claimed = exact_number(c["cross_excess"]) * nu**4 * n / m**2
    return reduced(
        "Given row a of A, two entries of that row of AV are independent N(0, nu^2 ||a||^2), so E x^2 = nu^2 E||a||^2 "
        "and E x^2 x'^2 = nu^4 E||a||^4; the moments of ||a||^2, a chi-square over m, come from its transform. "
        "Independence would make the excess 0.",
        [("E x^2 x'^2 - E x^2 E x'^2", nu**4 * (second - first**2) - claimed)],
    )
