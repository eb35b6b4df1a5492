"""Evidence by computer algebra for the meta-theorem, the constants of Theorem 4.1 and the remark on sensing."""

from __future__ import annotations

import sympy as sp

from untrained.theory.claim import Constants
from untrained.theory.evidence import Symbolic
from untrained.theory.proof.algebra import exact_number, gaussian_mean, reduced


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


def beta_relaxed(c: Constants) -> Symbolic:
    """(sqrt d + 2 sqrt n)^2 <= k (d + 4n): the gap at k = 2 is the square (sqrt d - 2 sqrt n)^2."""
    a, b = sp.symbols("a b", positive=True)
    k = exact_number(c["factor"])
    gap = sp.expand(k * (a**2 + b**2) - (a + b) ** 2)
    return reduced(
        "a = sqrt d, b = 2 sqrt n; the gap must be a square plus a non-negative multiple of a^2 + b^2.",
        [("gap", gap - sp.expand((a - b) ** 2 + (k - 2) * (a**2 + b**2))), ("multiple", k >= 2)],
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
