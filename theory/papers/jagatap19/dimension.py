"""How large the set S of decoder outputs is: the step of Lemma 1 on patterns, and what Theorem 1's premise comes to.

Weights with an exact rank: integer code and weights, forward pass and derivative in integers, rank modulo a prime.
"""

from __future__ import annotations

from fractions import Fraction as F
from functools import cache

import numpy as np
import sympy as sp
from flint import ctx

from untrained.theory.claim import (
    Case,
    Claim,
    Constant,
    Constants,
    Control,
    ExactRoute,
    Premises,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed, Symbolic
from untrained.theory.objects import decoders
from untrained.theory.proof.algebra import exact_number, reduced
from untrained.theory.proof.balls import ball, enclosed, fact

SIDE = 7
"""The codes of MNIST's decoders have 7 x 7 pixels."""


def _source(label: str, equation: str = "", page: int | None = None) -> Source:
    return Source("jagatap19", label, equation, page, "slides and Definition 2, Lemma 1 and Algorithm 1 of the paper")


# One activation pattern.


def linear_in_products(p: Premises) -> Symbolic:
    """x = U sum_j D_j Z_1 (w_j u_j): linear in the k_1 k_2 numbers w_j u_j once the patterns D_j are fixed."""
    k1, k2 = sp.symbols("k_1 k_2", integer=True, positive=True)
    claimed = k1 ** exact_number(p["inner"]) * k2 ** exact_number(p["outer"])
    values = [(1, 1), (1, 2), (2, 1), (2, 2), (5, 1), (1, 7)]
    return reduced(
        "With the patterns fixed the output depends on the weights through w_j u_j alone, and linearly, so the outputs "
        "lie in the image of R^{k_1 k_2}; both exponents at least 1 is what k_1 k_2 <= claimed asks for all widths.",
        [(f"k_1 = {a}, k_2 = {b}", (claimed - k1 * k2).subs({k1: a, k2: b}) >= 0) for a, b in values],
        sufficient=True,
    )


def pattern_dimension(case: Case, c: Constants) -> Sides:
    """Rank of [D_1 Z_1, ..., D_k2 Z_1] for the patterns of the listed weights, against k_1^inner k_2^outer."""
    blocks = pattern_blocks(int(case["k_1"]), int(case["k_2"]), int(case["side"]), int(case["seed"]))
    dimension = decoders.rank_modulo_prime(np.concatenate(blocks, axis=1))
    return Sides(float(dimension), float(case["k_1"]) ** float(c["inner"]) * float(case["k_2"]) ** float(c["outer"]))


def pattern_blocks(k_1: int, k_2: int, side: int, seed: int) -> list[decoders.Integers]:
    """[D_1 Z_1, ..., D_k2 Z_1] for the code and the patterns of listed weights."""
    code, weights = decoders.integer_decoder((k_1, k_2), side, seed, signed=True)
    active = code.astype(object).dot(weights[0]) > 0
    return [code * active[:, [j]] for j in range(k_2)]


_PATTERNS = tuple({"k_1": a, "k_2": b, "side": 6, "seed": 3} for a, b in ((1, 1), (1, 2), (2, 2), (3, 2), (2, 5)))


def _region(name: str, source: Source, outer: int, controls: tuple[Control, ...]) -> Claim:
    return Claim(
        id=f"jagatap19.region.{name}",
        source=source,
        says="For two layers and fixed activation patterns the outputs lie in a subspace of dimension k_1^$inner k_2^$outer.",
        tex=r"\dim\,\mathrm{span}\{G(w;z):\text{patterns fixed}\}\le k_1^{$inner}k_2^{$outer}",
        refuted_by="a code and patterns whose outputs span more",
        domain={"k_1": Range(1, 10**6), "k_2": Range(1, 10**6)},
        constants={"inner": Constant(1, "down"), "outer": Constant(outer, "down")},
        proofs=(linear_in_products,),
        exact=ExactRoute(_PATTERNS, pattern_dimension, compares=("the dimension of the span", "the claimed one")),
        controls=controls,
    )


_REGIONS = (
    _region(
        "printed",
        _source("proof of Lemma 1", "x = U Z w with w in R^{k_1} for a fixed pattern", 23),
        0,
        (Control("half", {"inner": F(1, 2)}),),
    ),
    _region(
        "corrected",
        _source("proof of Lemma 1, with a pattern a channel", "", 23),
        1,
        (Control("outer_0.9", {"outer": F(9, 10)}), Control("inner_0.9", {"inner": F(9, 10)})),
    ),
)


# Three layers: the rank of the Jacobian at an integer point.


@cache
def decoder_rank(widths: tuple[int, ...], seed: int) -> int:
    """Rank modulo a prime of the Jacobian of a MNIST decoder before its last upsampling; 0 where it is not smooth."""
    code, weights = decoders.integer_decoder(widths, SIDE, seed)
    upsamplings = [decoders.upsampling_plane(SIDE, SIDE)]
    J, least = decoders.integer_jacobian(code, weights, upsamplings)
    return decoders.rank_modulo_prime(J) if least else 0


def rank_is_full(p: Premises) -> Symbolic:
    """The rank at one point, and the number of pixels before the last upsampling, which no rank exceeds."""
    rank = max(decoder_rank(tuple(p["widths"]), seed) for seed in _SEEDS)
    pixels = (2 * SIDE) ** 2
    return reduced(
        "Pre-activations are integers and none is 0, so G is smooth at this point and its Jacobian is exact; its rank "
        "modulo a prime bounds the rank from below, the number of pixels from above.",
        [
            ("rank at an integer point", sp.Integer(rank) - exact_number(p["dimension"])),
            ("pixels before the last upsampling", sp.Integer(pixels) - exact_number(p["dimension"])),
        ],
    )


_SEEDS = (1, 5)


def _rank(name: str, widths: tuple[int, ...]) -> Claim:
    return Claim(
        id=f"own.netpgd.rank.{name}",
        source=Source("own", "how large the set of Theorem 1 of Jagatap and Hegde is for MNIST"),
        says="The Jacobian of the MNIST decoder of widths $widths has at some weights the rank $dimension, that of the range of its last upsampling, so S - S is that whole range.",
        tex=r"\mathrm{rank}\,J(w)=$dimension\ \Rightarrow\ S-S=\mathrm{range}(U),\ k=$widths",
        refuted_by="a smaller rank at the listed weights",
        constants={
            "widths": Constant(widths, others=((3, 3, 2),)),
            "dimension": Constant(196, whole=True),
        },
        proofs=(rank_is_full,),
        controls=(Control("195", {"dimension": 195}), Control("narrow", {"widths": (3, 3, 2)})),
    )


RANKS = (_rank("slides", (15, 15, 10)), _rank("code", (25, 15, 10)))


def measurements_against_rank(case: Case, c: Constants) -> Sides:
    """Dimension of S - S against the number of measurements: with fewer some difference is not seen at all."""
    return Sides(float(max(decoder_rank(tuple(c["widths"]), seed) for seed in _SEEDS)), float(c["rows"]))


def _premise(name: str, widths: tuple[int, ...]) -> Claim:
    return Claim(
        id=f"jagatap19.thm1.premise.{name}",
        source=_source("Theorem 1 at f = 0.1 on MNIST, its RIP put to differences of S", "", 24),
        says="For the MNIST decoder of widths $widths some A with $rows rows satisfies gamma||h|| <= ||Ah|| on S - S with gamma > 0.",
        tex=r"\exists A\in\mathbb{R}^{$rows\times d},\gamma>0:\ \gamma\|h\|\le\|Ah\|\ \forall h\in S-S,\ k=$widths",
        refuted_by="a rank of the Jacobian above the number of rows: then AJh = 0 for a direction with Jh not zero, and G(w + th) - G(w) lies in S - S",
        constants={"widths": Constant(widths, others=((3, 3, 2),)), "rows": Constant(78, "down", whole=True)},
        exact=ExactRoute(
            ({},),
            measurements_against_rank,
            "One point decides; the rank is exact.",
            compares=("the dimension of S - S", "the number of measurements"),
        ),
        controls=(Control("195_rows", {"rows": 195}),),
    )


_PREMISES = (
    _premise("slides", (15, 15, 10)),
    _premise("code", (25, 15, 10)),
)


# What Lemma 1 asks for at the sizes that were run.


def lemma_sizes(p: Premises) -> Enclosed:
    """k_1 (k_2 + ... + k_L) log d against the claimed whole numbers, and the dimensions of range(U) below them."""
    with ctx.workprec(100):
        margins, quantities = [], {}
        for name in ("mnist", "celeba"):
            k, d = p[f"{name}_widths"], ball(p[f"{name}_pixels"])
            size = ball(k[0] * sum(k[1:])) * d.log()
            quantities[f"{name}: k_1 sum k_l log d"] = size
            range_ = ball(p[f"{name}_range"])
            margins += [ball(F(1, 2)) - abs(size - ball(p[f"{name}_asks"])), size - range_]
            margins.append(fact(F(p[f"{name}_range"]) * len(decoders.upsampling_plane(1, 1)) == p[f"{name}_pixels"]))
        return enclosed(quantities, margins, "The claimed numbers are the nearest whole ones; range(U) is smaller.")


_SIZES = Claim(
    id="jagatap19.lemma1.sizes",
    source=_source(
        "Lemma 1 at the sizes of Section 4, its constant and alpha put to 1",
        "n = O((k_1/alpha^2) sum_{l=2}^L k_l log d)",
        22,
    ),
    says="With its constant and alpha put to one, Lemma 1 asks for $mnist_asks measurements of MNIST's $mnist_pixels pixels at widths $mnist_widths and for $celeba_asks of CelebA's $celeba_pixels at $celeba_widths, more than the dimensions $mnist_range and $celeba_range of the range of the last upsampling, where a subspace bound would do.",
    tex=r"k_1(k_2+\dots+k_L)\ln d=$mnist_asks>$mnist_range,\quad $celeba_asks>$celeba_range",
    refuted_by="another number from the same substitution",
    constants={
        "mnist_asks": Constant(2499, whole=True),
        "mnist_pixels": Constant(784, whole=True),
        "mnist_widths": Constant((15, 15, 10), others=((15, 15, 11), (16, 15, 10))),
        "mnist_range": Constant(196, whole=True),
        "celeba_asks": Constant(45199, whole=True),
        "celeba_pixels": Constant(12288, whole=True),
        "celeba_widths": Constant((120, 15, 15, 10), others=((120, 15, 15, 11),)),
        "celeba_range": Constant(3072, whole=True),
    },
    proofs=(lemma_sizes,),
    controls=(Control("2500", {"mnist_asks": 2500}), Control("45200", {"celeba_asks": 45200})),
)

CLAIMS: tuple[Claim, ...] = (*_REGIONS, *_PREMISES, _SIZES)
