"""The set of Theorem 1 of Jagatap and Hegde beyond one output channel and bare layers, and Lemma 1 with its constants.

Two layers: S(k) = {U sum_j w_j relu(Z_1 u_j)}, Z_1 of shape (d_1, k_1), k channels; w_j a number, or a row for colours.
"""

from __future__ import annotations

from fractions import Fraction as F
from math import ceil, log

import numpy as np
import sympy as sp
from flint import arb, ctx
from scipy.special import gammainc, gammaincc

from untrained.theory.claim import (
    FAILURE_SIDES,
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
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.objects import decoders
from untrained.theory.objects.projections import regions
from untrained.theory.papers.jagatap19.dimension import pattern_blocks
from untrained.theory.papers.own.set_isometry import DIFFERENCES, HIGHEST, PATTERNS, REGION
from untrained.theory.papers.vanveen18.lemma_b1 import LOWEST
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

_LEMMA, _LOSS = "own.netpgd.lemma1", "own.netpgd.loss_sharp"


# Colours: a limit of outputs that is none.

COLOURED = np.array([[1, 0], [0, 1], [-1, 2], [3, 1]])
"""A code with three successive rays whose outputs are independent."""


def limit_is_no_output(p: Premises) -> Symbolic:
    """f(r + e q)(b/e + c/2) + f(r + e p)(c/2 - b/e) tends to (q - p)b + r c, whose column space holds no two outputs.

    p, r, q are outputs on successive rays of the code, so that f is linear on either side of r. Other outputs enter that
    plane in multiples of r only, checked region by region; two channels span no more than a line of it.
    """
    outputs = successive_outputs(COLOURED)
    before, r, after = outputs[0]
    plane = sp.Matrix([list(r), [x - y for x, y in zip(after, before, strict=True)]])
    escapes = [piece for piece in pieces(COLOURED) if not _meets_in_multiples(piece, plane, r)]
    rank_of_limit = min(int(p["colours"]), int(p["neurons"]), plane.rank())
    return reduced(
        "With colours enough the limit has rank 2, so that two channels would both have to lie in its column space, the "
        "plane of r and q - p; every output there is a multiple of r. Limits of one colour are outputs themselves, and so are "
        "those of one channel, of rank one: a closed cone's image times any colour.",
        [
            ("outputs on three successive rays are independent", sp.Matrix([before, r, after]).rank() == 3),
            ("regions whose outputs enter the plane elsewhere", sp.Integer(len(escapes))),
            ("rank of the limit is that of two channels", sp.Integer(rank_of_limit - 2)),
        ],
    )


def pieces(code: np.ndarray) -> list[list[tuple[int, ...]]]:
    """The outputs relu(Z r) on the rays of each region of a code."""
    return [[_output(code, ray) for ray in region.rays] for region in regions(code)]


def _output(code: np.ndarray, ray: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(int(x) for x in np.maximum(code @ np.array(ray), 0))


def successive_outputs(code: np.ndarray) -> list[tuple[tuple[int, ...], ...]]:
    """Outputs on three rays in a row, those of full rank first."""
    rays = sorted({ray for region in regions(code) for ray in region.rays}, key=lambda r: np.arctan2(r[1], r[0]))
    around = [(rays[i - 2], rays[i - 1], rays[i]) for i in range(len(rays))]
    triples = [tuple(_output(code, ray) for ray in three) for three in around]
    return sorted(triples, key=lambda three: -int(np.linalg.matrix_rank(np.array(three))))


def _meets_in_multiples(piece: list[tuple[int, ...]], plane: sp.Matrix, r: tuple[int, ...]) -> bool:
    """Whether a g + b g', a, b >= 0, lies in the plane only where it is a multiple of r."""
    columns = sp.Matrix([*piece, *plane.tolist()]).T
    free = [v[: len(piece)] for v in columns.nullspace()]
    if len(free) > 1:
        return all(sp.Matrix([g, r]).rank() <= 1 for g in piece)
    inside = [v for v in free if all(x >= 0 for x in v) or all(x <= 0 for x in v)]
    sums = [[sum(a * g[i] for a, g in zip(v, piece, strict=True)) for i in range(len(r))] for v in inside]
    return all(sp.Matrix([x, list(r)]).rank() <= 1 for x in sums)


# Batch normalisation of the hidden channels.


def normalised_channels(p: Premises) -> Symbolic:
    """w (f - mean f)/spread scale + w shift: a multiple of the centred channel, whose factor is free, and a constant."""
    f, mean, spread, scale, shift, w, c = sp.symbols("f mean spread scale shift w c", positive=True)
    channel = w * (scale * (f - mean) / spread + shift)
    return reduced(
        "Centring is linear, so a channel at a fixed pattern is a multiple of a vector that is linear in u_j, and w_j "
        "scale_j/spread_j takes every value; shifts add one constant picture.",
        [
            ("normalised one by one, with scale and shift", sp.Integer(int(p.given("affine"))) >= 1),
            (
                "a free multiple of f - mean",
                sp.simplify(channel.subs(scale, c * spread / w) - c * (f - mean) - w * shift),
            ),
            ("k_1 dimensions a channel", exact_number(p["inner"]) >= 1),
            ("k_2 channels", exact_number(p["outer"]) >= 1),
            ("one constant picture", exact_number(p["shift"]) >= 1),
        ],
        sufficient=True,
    )


def normalised_dimension(case: Case, c: Constants) -> Sides:
    """Rank of the centred blocks [C D_j Z_1] and the constant picture, in integers, against the claimed dimension."""
    blocks = pattern_blocks(int(case["k_1"]), int(case["k_2"]), int(case["side"]), int(case["seed"]))
    pixels = len(blocks[0])
    centred = [pixels * block - block.sum(0) for block in blocks]
    M = np.concatenate([*centred, np.ones((pixels, 1), dtype=np.int64)], axis=1)
    claimed = float(case["k_1"]) ** float(c["inner"]) * float(case["k_2"]) ** float(c["outer"]) + float(c["shift"])
    return Sides(float(decoders.rank_modulo_prime(M)), claimed)


# Lemma 1 for two layers.

_FLOATS_END = 700
"""A failure of e to the minus this is below every float: such a case says nothing."""


def lemma_margins(p: Premises) -> Enclosed:
    """n t^2/2 - k_1 k_2 ln d - ln 2 >= rate alpha^2 n, in units of alpha^2 n, at the smallest d and k_1 k_2 = 1."""
    high, low, region, patterns = (p.of(i) for i in (HIGHEST, LOWEST, REGION, PATTERNS))
    with ctx.workprec(100):
        rows, logarithm = ball(p["rows"]), ball(p["smallest"]).log()
        rate = ball(min(F(high["rate"]), F(low["rate"])))
        spread = arb(2).sqrt() - 1 - 1 / (rows * logarithm).sqrt()
        sides = ball(F(high["factor"]) + F(low["factor"])).log()
        left = rate * spread**2 - 1 / rows - sides / (rows * logarithm)
        plain = region["inner"] == region["outer"] == 1 and patterns["factor"] == 2 and patterns["less"] == 1
        return enclosed(
            {"exponent": left},
            [
                left - ball(p["rate"]),
                fact(bool(spread > 0)),
                fact(plain),
                fact(F(p["smallest"]) >= 2 and p.given("doubled") and p.given("gaussian")),
                fact(high["power"] == low["power"] == p["power"] == 2),
                fact(high["columns"] == low["columns"] == high["rows"] == low["rows"] == 1),
            ],
            "2 sum_{i < k_1} C(d_1 - 1, i) <= 2 d_1^{k_1 - 1} <= d^{k_1} patterns a channel since d >= 2 d_1; each leaves "
            "k_1 k_2 dimensions; sqrt(1 + alpha) - 1 >= (sqrt 2 - 1)alpha on (0, 1) by concavity, so t >= alpha (sqrt 2 - 1 "
            "- 1/sqrt(rows ln d)). All terms improve as d and k_1 k_2 grow.",
            sufficient=True,
        )


def line_fails(case: Case, c: Constants) -> Sides:
    """Failure for certain where S holds a subspace of more dimensions than A has rows, or on one line by its chi-square.

    On a positive code two channels of opposite sign, all neurons on, reach all of the k_1 dimensions of U Z_1; d is at
    least 2 k_1, so that these exist.
    """
    k1, k2, alpha, d = int(case["k_1"]), int(case["k_2"]), float(case["alpha"]), int(case["d"])
    n = max(1, ceil(float(c["rows"]) * k1 * k2 * log(d) / alpha ** float(c["power"])))
    exponent = float(c["rate"]) * alpha ** float(c["power"]) * n
    if exponent > _FLOATS_END:
        return Sides(0.0, 1.0)
    failure = gammainc(n / 2, n * (1 - alpha) / 2) + gammaincc(n / 2, n * (1 + alpha) / 2)
    certain = k2 >= 2 and n < k1
    return Sides(1.0 if certain else float(failure), float(np.exp(-exponent)))


# The repaired theorem.


def repaired(p: Premises) -> Symbolic:
    """Lemma 1 on S - S = S(2 k_2) at a fixed alpha, and the contraction of the misfit."""
    lemma, loss, differences = (p.of(i) for i in (_LEMMA, _LOSS, DIFFERENCES))
    alpha = exact_number(p["alpha"])
    doubled = exact_number(differences["first"]) + exact_number(differences["second"])
    ratio = (1 + alpha) / (1 - alpha)
    factor = exact_number(loss["factor"]) * (1 - 1 / ratio)
    scale = alpha ** exact_number(lemma["power"])
    return reduced(
        "S - S is the set of 2 k_2 channels, so Lemma 1 at twice the channels is an isometry there, gamma = 1 - alpha and "
        "beta = 1 + alpha, and the step 1/beta multiplies the misfit by 2(1 - gamma/beta).",
        [
            ("hypotheses", sp.Integer(int(all(map(p.given, ("nearest", "gaussian", "doubled"))))) >= 1),
            ("rows", exact_number(p["rows"]) >= exact_number(lemma["rows"]) * doubled / scale),
            ("rate", exact_number(p["rate"]) <= exact_number(lemma["rate"]) * scale),
            ("beta/gamma", ratio <= exact_number(loss["limit"])),
            ("factor", exact_number(p["below"]) >= factor),
            ("smallest d", exact_number(p["smallest"]) >= exact_number(lemma["smallest"])),
            ("step", exact_number(loss["step"]) - exact_number(p["step"])),
        ],
        sufficient=True,
    )


def theorem_fails(case: Case, c: Constants) -> Sides:
    """Fewer rows than S - S has dimensions, k_1 for one channel: no isometry. Or the line with this alpha, A^2 = 1 - alpha."""
    alpha, n = F(c["alpha"]), max(1, ceil(float(c["rows"]) * case["k_1"] * log(case["d"])))
    if n < case["k_1"]:
        return Sides(1.0, float(np.exp(-float(c["rate"]) * n)))
    q = 1 - F(c["step"]) * (1 - alpha) / (1 + alpha)
    return Sides(abs(2 * q) if abs(q) <= abs(1 - q) else F(0), F(c["below"]))


_GAUSSIAN = Hypothesis("gaussian", "A has independent normal entries whose variance is the inverse of n")
_DOUBLED = Hypothesis("doubled", "the last upsampling at least doubles the pixels, and d >= $smallest")
_SIZES = tuple(
    {"k_1": a, "k_2": b, "d": d, "alpha": q}
    for a, b, d in ((1, 1, 4), (2, 2, 16), (3, 2, 6))
    for q in (F(1, 100), F(1, 5), F(99, 100))
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.netpgd.colours",
        source=Source("own", "the projection of Algorithm 1 of Jagatap and Hegde with RGB output"),
        says="Two layers with $neurons channels and $colours colours: some limit of outputs is no output, so S is not closed and a nearest point need not exist.",
        tex=r"\overline{S}\ne S,\quad k_2=$neurons,\ k_3=$colours",
        refuted_by="a proof that limits of outputs are outputs",
        constants={"neurons": Constant(2, "down", whole=True), "colours": Constant(2, "down", whole=True)},
        proofs=(limit_is_no_output,),
        version=2,
        controls=(Control("one_colour", {"colours": 1}), Control("one_channel", {"neurons": 1})),
    ),
    Claim(
        id="own.netpgd.batch_norm",
        source=Source("own", "the set of Jagatap and Hegde's experiments, which normalise"),
        says="For two layers with normalised channels and fixed patterns the outputs lie in a subspace of dimension k_1^$inner k_2^$outer + $shift.",
        tex=r"\dim\le k_1^{$inner}k_2^{$outer}+$shift",
        refuted_by="a code and patterns whose outputs span more",
        domain={"k_1": Range(1, 10**6), "k_2": Range(1, 10**6)},
        hypotheses=(
            Hypothesis("affine", "each hidden channel is centred and scaled over its pixels, then has a scale and a shift of its own"),
        ),
        constants={
            "inner": Constant(1, "down"),
            "outer": Constant(1, "down"),
            "shift": Constant(1, "down", whole=True),
        },
        proofs=(normalised_channels,),
        version=3,
        exact=ExactRoute(
            tuple({"k_1": a, "k_2": b, "side": 6, "seed": 3} for a, b in ((1, 1), (1, 2), (2, 2), (3, 2), (2, 5))),
            normalised_dimension,
        ),
        controls=(
            Control("no_shift", {"shift": 0}),
            Control("outer_0.9", {"outer": F(9, 10)}),
            Control("inner_0.9", {"inner": F(9, 10)}),
        ),
    ),
    Claim(
        id=_LEMMA,
        source=Source("own", "Lemma 1 of Jagatap and Hegde for two layers, with its constants"),
        says="For two layers and n >= ${rows:factor}k_1 k_2 ln(d)/alpha^$power the squared norms of Ax and x differ by at most alpha times that of x for all x in S, except with probability e^{-${rate:factor}alpha^$power n}.",
        tex=r"n\ge ${rows:factor}\alpha^{-$power}k_1k_2\ln d\Rightarrow P\{\alpha_S>\alpha\}\le e^{-${rate:factor}\alpha^{$power}n}",
        refuted_by="sizes and an alpha at which the failure is certainly more probable",
        domain={"alpha": Range(0, 1, False), "k_1": Range(1, 10**6), "k_2": Range(1, 10**6), "d": Range("smallest", 10**9)},
        hypotheses=(_GAUSSIAN, _DOUBLED),
        constants={
            "rows": Constant(100, "down"),
            "rate": Constant(F(1, 26), "up"),
            "power": Constant(2, "down"),
            "smallest": Constant(4, "down", whole=True),
        },
        needs=(HIGHEST, LOWEST, REGION, PATTERNS),
        proofs=(lemma_margins,),
        version=2,
        exact=ExactRoute(_SIZES, line_fails, compares=FAILURE_SIDES),
        controls=(Control("rate_quarter", {"rate": F(1, 4)}), Control("rows_0.1", {"rows": F(1, 10)})),
    ),
    Claim(
        id="own.netpgd.theorem",
        source=Source("own", "Theorem 1 of Jagatap and Hegde repaired: two layers, every constant explicit"),
        says="For two layers and n >= ${rows:factor}k_1 k_2 ln d, except with probability e^{-${rate:factor}n}, A is isometric on S - S to within $alpha; and on every set with such an isometry each step of Algorithm 1 of length $step/(1 + $alpha) multiplies ||y - Ax|| by at most $below.",
        tex=r"n\ge ${rows:factor}k_1k_2\ln d\Rightarrow P\{\alpha_{S-S}>$alpha\}\le e^{-${rate:factor}n};\quad \|y-Ax^+\|\le $below\|y-Ax\|,\ \eta=$step/(1+$alpha)",
        refuted_by="sizes without such an isometry, or a set and a matrix with it whose misfit shrinks less",
        domain={"k_1": Range(1, 10**6), "k_2": Range(1, 10**6), "d": Range("smallest", 10**9)},
        hypotheses=(Hypothesis("nearest", "x+ is a point of S nearest to x - eta A^T(Ax - y), y = Ax*, x and x* in S"), _GAUSSIAN, _DOUBLED),
        constants={
            "rows": Constant(3200, "down"),
            "rate": Constant(F(1, 416), "up"),
            "alpha": Constant(F(1, 4)),
            "below": Constant(F(4, 5), "down"),
            "step": Constant(1),
            "smallest": Constant(4, "down", whole=True),
        },
        needs=(_LEMMA, _LOSS, DIFFERENCES),
        proofs=(repaired,),
        version=2,
        exact=ExactRoute(({"k_1": 3, "d": 6}, {"k_1": 2, "d": 16}), theorem_fails),
        controls=(Control("below_0.79", {"below": F(79, 100)}), Control("rows_0.1", {"rows": F(1, 10)})),
    ),
)  # fmt: skip
