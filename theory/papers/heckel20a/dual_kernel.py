"""Sigma(U) = E[J J^T] of G(C) = ReLU(UC)v: its closed form, the printed one of the published code, trace, eigenvectors.

J J^T = sum_l v_l^2 D_l UU^T D_l, D_l the mask of the rows of U that are on in column l. Source: heckel20a Theorem 1
"""

from __future__ import annotations

from fractions import Fraction as F
from functools import cache

import numpy as np
import sympy as sp
from flint import arb, fmpq

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    Draw,
    ExactRoute,
    Hypothesis,
    Premises,
    Range,
    SearchRoute,
    Sides,
    Source,
    rounding,
)
from untrained.theory.evidence import Symbolic
from untrained.theory.objects.convolution_generator import (
    circulant_rows,
    convolution_jacobian,
    half_signs,
    plane_arcs,
)
from untrained.theory.objects.dual_kernels import active_share, trigonometric_basis
from untrained.theory.objects.kernel_enclosures import Exacts, exact_kernel, exact_square, spectrum_balls
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball
from untrained.theory.proof.exact import FLOAT_GUARD

_SIGMA = "heckel20a.sigma"
_CLOSE = 1e-12
"""How wide balls may be, at 53 bits, that enclose an equality."""
CLOSE_FLOAT = 10 * FLOAT_GUARD
"""How far both sides of an equality in floats may be apart: more than the guard, within which nothing is decided."""


def _source(label: str, equation: str = "") -> Source:
    return Source("heckel20a", label, equation, None, "from the abstract, the published code and what follows it")


GAUSSIAN = Hypothesis("gaussian", "the columns of C are Gaussian with covariance a multiple of the identity")
UNIT = Hypothesis("unit", "||v|| = $norm")
KERNELS = (
    (1,),
    (1, 0, 0, 0, 0),
    (1, -1),
    (3, 1),
    (2, 1, 0, 1),
    (3, 2, 1, 0, 0, 1, 2),
    (1, -2, 3, 0, 5),
    (1, 1, -1, -1),
    (1, 0, 0),
    (10**6 + 1, 10**6),
    ((4, 2, 2), (2, 1, 1)),
    ((1, 0, -2), (3, 1, 1), (0, 2, 5)),
)
"""Kernels on a line and on a torus, odd and even, with parallel rows and without."""


@cache
def eigenvalues(kernel: int) -> Exacts:
    """Every eigenvalue of Sigma(U) for the listed kernel of that number, with digits to spare."""
    return spectrum_balls(KERNELS[kernel], 20)


def square_of(kernel: int) -> F:
    """<u, u> of the listed kernel of that number, exactly."""
    return exact_square(exact_kernel(KERNELS[kernel]))


# The closed form.


def wedge_of_two_rows(p: Premises) -> Symbolic:
    """Two rows at an angle theta are on together for directions in a wedge of pi - theta out of 2 pi."""
    theta = sp.Symbol("theta", nonnegative=True)
    wedge = (sp.pi - theta) / (2 * sp.pi)
    share = exact_number(p["share"])
    return reduced(
        "Entry (i, j) of J J^T is the sum of v_l^2 over the columns in which rows i and j are on, times <u_i, u_j>. Only the "
        "projection of a column to the plane of u_i and u_j counts, its direction is uniform, and each row is on in half a "
        "turn: the two halves overlap in a wedge of pi - theta, theta = arccos(rho). The squares of v sum to its norm.",
        [
            ("Gaussian columns", sp.Integer(int(p.given("gaussian"))) >= 1),
            ("v of norm 1", sp.Integer(int(p.given("unit"))) * exact_number(p["norm"]) ** 2 - 1),
            ("share of the wedge", sp.simplify(wedge - share * (1 - theta / sp.pi))),
        ],
        sufficient=True,
    )


def pair_of_rows(case: Case, c: Constants) -> Sides:
    """How often two rows of lengths 2 and 3 are both on, by arcs of the circle, times <u_i, u_j>; against the closed form."""
    turn = F(case["turn"])
    arcs = plane_arcs((F(0), turn))
    both = sum((arc.probability for arc in arcs if arc.active.all()), F(0))
    rho = arb.cos_pi_fmpq(fmpq(turn.numerator, turn.denominator))
    inner = rho * 2 * 3
    claimed = ball(c["share"]) * (1 - rho.acos() / arb.pi()) * inner
    return Sides(abs(ball(both) * ball(c["norm"]) ** 2 * inner - claimed), arb(_CLOSE), unit=1)


_PAIRS = tuple({"turn": F(a, b)} for a, b in ((0, 1), (1, 6), (1, 4), (1, 3), (2, 5), (3, 4), (5, 6), (1, 1)))


def _sigma(name: str, source: Source, share: F, controls: tuple[Control, ...]) -> Claim:
    return Claim(
        id=_SIGMA + name,
        source=source,
        says="Sigma = E[J J^T] has the entries ${share:factor}(1 - arccos(rho_ij)/pi)<u_i, u_j>, u_i and u_j rows of U and rho_ij their cosine.",
        tex=r"[\Sigma(U)]_{ij}=${share:factor}\Bigl(1-\frac{\arccos\rho_{ij}}{\pi}\Bigr)\langle u_i,u_j\rangle",
        refuted_by="two rows with another mean",
        domain={"n": Range(1, 10**6), "k": Range(1, 10**6)},
        hypotheses=(GAUSSIAN, UNIT),
        constants={"share": Constant(share), "norm": Constant(1)},
        proofs=(wedge_of_two_rows,),
        exact=ExactRoute(_PAIRS, pair_of_rows, compares=("the deviation from the entry", "the allowance for rounding")),
        controls=controls,
    )


# Trace and eigenvectors.


def sum_of_diagonal(p: Premises) -> Symbolic:
    """At rho = 1 each of the n diagonal entries is share <u, u>."""
    n, square = sp.symbols("n square", positive=True)
    diagonal = exact_number(p.of(_SIGMA)["share"]) * (1 - sp.acos(1) / sp.pi) * square
    return reduced(
        "The eigenvalues sum to the trace, and the cosine of a row with itself is 1, whose arccos is 0.",
        [("n diagonal entries", n * diagonal - exact_number(p["share"]) * n * square)],
    )


def trace_of_kernel(case: Case, c: Constants) -> Sides:
    """The enclosed eigenvalues, summed."""
    values = eigenvalues(case["kernel"])
    total = sum(values.flat, arb(0))
    claimed = ball(c["share"]) * values.size * ball(square_of(case["kernel"]))
    return Sides(abs(total - claimed) / claimed, arb(_CLOSE), unit=1)


def shift_of_cosine(p: Premises) -> Symbolic:
    """cos(a(i - s)) + cos(a(i + s)) = 2 cos(as) cos(ai): an even kernel multiplies a cosine by a number."""
    i, s, frequency, n = sp.symbols("i s f n", integer=True, positive=True)
    a = exact_number(p["turns"]) * sp.pi * frequency / n
    moved = {
        "cosine": sp.cos(a * (i - s)) + sp.cos(a * (i + s)) - 2 * sp.cos(a * s) * sp.cos(a * i),
        "sine": sp.sin(a * (i - s)) + sp.sin(a * (i + s)) - 2 * sp.cos(a * s) * sp.sin(a * i),
    }
    around = [(f"{t.__name__} after n steps", t(a * (i + n)) - t(a * i)) for t in (sp.cos, sp.sin)]
    return reduced(
        "Sigma is circulant, its first row d even: sum_s d_s w_{i-s} pairs s and -s. So w is multiplied by sum_s d_s cos(as), "
        "as long as it closes after n steps; the turns 2 give every frequency, and the columns are orthonormal.",
        [
            *((name, sp.expand_trig(sp.expand(rest))) for name, rest in moved.items()),
            *((name, sp.expand_trig(sp.expand(rest))) for name, rest in around),
            ("every frequency", exact_number(p["turns"]) - 2),
        ],
        sufficient=True,
    )


def residual_of_basis(case: Case, c: Constants) -> Sides:
    """Largest entry of Sigma W - W diag(d) and of W^T W - 1, Sigma from its definition entry by entry."""
    u = np.array(KERNELS[case["kernel"]], dtype=float)
    U = circulant_rows(u)
    inner = U @ U.T
    cosine = np.clip(inner / (u @ u), -1, 1)
    np.fill_diagonal(cosine, 1)
    sigma = active_share(cosine) * inner
    W = trigonometric_basis(len(u), float(c["turns"]))
    W = W / np.linalg.norm(W, axis=0)
    rest = sigma @ W - W * np.sum(W * (sigma @ W), axis=0)
    off = max(np.abs(rest).max() / (u @ u), np.abs(W.T @ W - np.eye(len(u))).max())
    return Sides(float(off), CLOSE_FLOAT, unit=1)


# The Jacobian at any weights.


def masks_shrink(p: Premises) -> Symbolic:
    """||J^T w||^2 = sum_l v_l^2 ||U^T D_l w||^2 <= ||UU^T|| sum_l v_l^2 ||D_l w||^2, and a mask does not lengthen."""
    return reduced(
        "J J^T is a sum of D_l UU^T D_l with the weights v_l^2, which sum to the squared norm of v; entries of a mask are 0 "
        "or 1, so D_l w is no longer than w, and ||UU^T|| is the largest eigenvalue of UU^T.",
        [
            ("v has a norm", sp.Integer(int(p.given("unit"))) >= 1),
            ("factor", exact_number(p["factor"]) >= exact_number(p["norm"]) ** 2),
        ],
        sufficient=True,
    )


def jacobian_with_all_on(case: Case, c: Constants) -> Sides:
    """The delta kernel at positive weights: J J^T = UU^T = 1, exactly."""
    n, k = int(case["n"]), int(case["k"])
    J = convolution_jacobian(np.eye(n), np.ones((n, k)), half_signs(k) * float(c["norm"]))
    return Sides(float((J @ J.T).max()), float(c["factor"]))


def jacobian_on_draws(case: Case, c: Constants) -> Sides:
    """The largest eigenvalue of J J^T at drawn weights, against that of UU^T by the transform of the kernel."""
    u, C = case["u"][0], case["C"][0]
    v = float(c["norm"]) * np.where(np.arange(C.shape[1]) % 2, -1.0, 1.0) / np.sqrt(C.shape[1])
    J = convolution_jacobian(circulant_rows(u), C, v)
    most = float(np.square(np.abs(np.fft.fft(u))).max())
    return Sides(float(np.linalg.norm(J, 2) ** 2), float(c["factor"]) * most + rounding(J.size, most))


_LINES = tuple({"kernel": i} for i, u in enumerate(KERNELS) if not isinstance(u[0], tuple) and len(u) > 2)

CLAIMS: tuple[Claim, ...] = (
    _sigma("", _source("Theorem 1", "Sigma(U)"), F(1, 2), (Control("share_0.51", {"share": F(51, 100)}),)),
    _sigma(
        ".code",
        _source("published code, kernels notebook", "a * <u, v> / 6"),
        F(1, 6),
        (Control("share_0.2", {"share": F(1, 5)}),),
    ),
    Claim(
        id="heckel20a.sigma.trace",
        source=_source("Theorem 1", "sum of sigma_i^2"),
        says="For a convolution kernel u the n eigenvalues of Sigma sum to ${share:factor}n<u, u>.",
        tex=r"\sum_i\lambda_i=${share:factor}n\,\langle u,u\rangle",
        refuted_by="a kernel with another sum",
        domain={"n": Range(1, 10**6)},
        constants={"share": Constant(F(1, 2))},
        needs=(_SIGMA,),
        proofs=(sum_of_diagonal,),
        exact=ExactRoute(tuple({"kernel": i} for i in range(len(KERNELS))), trace_of_kernel),
        controls=(Control("share_0.51", {"share": F(51, 100)}),),
    ),
    Claim(
        id="heckel20a.sigma.trigonometric",
        source=_source("Theorem 1", "trigonometric basis"),
        says="For a convolution kernel on n points the vectors cos($turns pi f j/n) and sin($turns pi f j/n), normalised, one f from each pair of f and n - f, are orthonormal eigenvectors of Sigma.",
        tex=r"\Sigma w=\lambda w,\quad w_j\propto\cos($turns\pi fj/n),\ \sin($turns\pi fj/n)",
        refuted_by="a kernel and a frequency whose cosine or sine is no eigenvector",
        domain={"n": Range(1, 10**6)},
        constants={"turns": Constant(2)},
        proofs=(shift_of_cosine,),
        exact=ExactRoute(_LINES, residual_of_basis),
        controls=(Control("turns_2.02", {"turns": F(202, 100)}),),
    ),
    Claim(
        id="heckel20a.jacobian.largest",
        source=_source("Theorem 1", "eta <= 1/||Fu||_inf^2"),
        says="||J(C)J(C)^T|| <= ${factor:factor}||UU^T|| at every C, the largest squared |Fu|: a step of its inverse never overshoots in the linearised descent.",
        tex=r"\|J(C)J(C)^T\|\le ${factor:factor}\|UU^T\|=${factor:factor}\max_i|Fu|_i\,|Fu|_i",
        refuted_by="a kernel and weights with a larger Jacobian",
        domain={"n": Range(1, 10**6), "k": Range(1, 10**6)},
        law={"u": Draw("gaussian", ("n",)), "C": Draw("gaussian", ("n", "k"))},
        hypotheses=(UNIT,),
        constants={"factor": Constant(1, "down"), "norm": Constant(1, "up")},
        proofs=(masks_shrink,),
        exact=ExactRoute(tuple({"n": n, "k": k} for n, k in ((1, 4), (3, 4), (5, 16))), jacobian_with_all_on),
        search=SearchRoute(jacobian_on_draws, within={"n": Range(1, 7), "k": Range(1, 6)}),
        controls=(Control("factor_0.98", {"factor": F(98, 100)}),),
        version=2,
    ),
)
