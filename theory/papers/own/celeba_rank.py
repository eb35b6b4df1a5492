"""How many dimensions the set of CelebA's decoder has: an upper bound at any weights, an exact rank at listed ones.

G depends on the first two layers through P = relu(Z_1 W_1)W_2 alone, 64 x 15, as upsampling and 1x1 weights commute; every
P is met where Z_1 has full row rank and a column of P is positive: relu(Z_1 W_1) = P W_2^{-1} > 0 for a suitable W_2.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import sympy as sp

from untrained.theory.claim import Claim, Constant, Control, Premises, Source
from untrained.theory.evidence import Symbolic
from untrained.theory.objects import decoders
from untrained.theory.proof.algebra import exact_number, reduced

_SIDE = 8
"""CelebA's codes have 8 x 8 pixels."""
_SEED = 7


def largest_rank(widths: tuple[int, ...], colours: int) -> int:
    """Numbers in P and the weights after it, less the scales that hidden channels of both layers pass on."""
    _, _, second, third = widths
    return _SIDE**2 * second + second * third + third * colours - second - third


def celeba_jacobian(widths: tuple[int, ...], colours: int, seed: int) -> tuple[decoders.Integers, int]:
    """Derivative in (P, W_3, W_4), integers modulo a prime, at listed numbers; 0 beside it where it is not smooth."""
    _, _, second, third = widths
    size = _SIDE**2 * second
    U, V = (decoders.upsampling_plane(side, side).astype(object) for side in (_SIDE, 2 * _SIDE))
    P = (401 * decoders.congruence(size, seed) + decoders.congruence(size, seed + 3)).reshape(_SIDE**2, second) + 8009
    P[:, -1] = np.abs(P[:, -1])
    mean = V.dot(np.maximum(U.dot(P), 0)).sum(0)
    W = decoders.centred(decoders.congruence(second * third, seed + 1).reshape(second, third), mean[None])
    last = decoders.congruence(third * colours, seed + 2).reshape(third, colours)
    return decoders.modular_jacobian(U, [P, W, last], [V])


@cache
def listed_rank(widths: tuple[int, ...], colours: int) -> int:
    """Rank modulo a prime at the listed numbers; 0 where the decoder is not smooth there."""
    J, least = celeba_jacobian(widths, colours, _SEED)
    return decoders.rank_modulo_prime(J, decoders.SMALL_PRIME) if least else 0


def rank_between(p: Premises) -> Symbolic:
    """The bound at any weights, and the exact rank at listed ones."""
    widths, colours = tuple(p["widths"]), int(p["colours"])
    rank, largest = listed_rank(widths, colours), largest_rank(widths, colours)
    return reduced(
        "The rank is at most the number of parameters, less one for each hidden channel of both layers, whose scale passes "
        "from the weights before it to those after; at listed integers no pre-activation is 0 and the rank modulo a prime "
        "bounds the rank from below.",
        [
            ("at any weights", exact_number(p["most"]) >= largest),
            ("at listed weights", sp.Integer(rank) >= exact_number(p["least"])),
        ],
        sufficient=rank <= int(p["most"]) and int(p["least"]) <= largest,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.netpgd.rank.celeba",
        source=Source("own", "how large the set of Theorem 1 of Jagatap and Hegde is for CelebA"),
        says="The Jacobian of CelebA's decoder of widths $widths with $colours colours has rank at most $most at any weights, and at some weights at least $least.",
        tex=r"$least\le\max_w\mathrm{rank}\,J(w)\le $most,\ k=$widths",
        refuted_by="a rank that the listed weights exceed, or that no number of parameters allows",
        constants={
            "widths": Constant((120, 15, 15, 10), others=((120, 15, 15, 9),)),
            "colours": Constant(3, others=(2, 4)),
            "most": Constant(1115, "down", whole=True),
            "least": Constant(1110, "up", whole=True),
        },
        proofs=(rank_between,),
        controls=(Control("most_1109", {"most": 1109}), Control("least_1116", {"least": 1116})),
    ),
)
