"""From 4.3e15 down: the least width after each improvement of Theorem 4.1's proof, with those before it and alone.

The paper's chain asks that all neurons that may be lost in the ball that the meta-theorem needs change the Jacobian by
alpha/3 at most, alpha half of sigma_min at the start. Then neurons are charged by their price, and last comes the
integral over the path, `own.sharper.least.flow`. Lengths are in units of sqrt n, sigma_min in units of sqrt d.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction as F
from itertools import pairwise

from flint import arb, ctx

from untrained.theory.claim import Claim, Constant, Control, Premises, Source
from untrained.theory.evidence import Enclosed
from untrained.theory.objects import path_budget
from untrained.theory.objects.path_budget import PathBudget
from untrained.theory.papers.own.path_left import (
    ANGLES,
    LEFT,
    OUTPUT,
    START_MISFIT,
    cut_as_used,
    left_as_used,
    misfit_as_used,
)
from untrained.theory.papers.own.width import SPARSE
from untrained.theory.papers.vanveen18.section_b4 import ALPHA_R, B4, META, WIDTH, width_displayed
from untrained.theory.proof.balls import ball, enclosed

_PATH = "own.meta_path"
_LINEAR, _LENGTH, _START, _SPECTRUM, _PRICE = "linear", "path", "misfit", "smallest", "price"
_READS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    _LINEAR: ((), (SPARSE,)),
    _LENGTH: ((), (_PATH,)),
    _START: ((B4,), (OUTPUT, START_MISFIT)),
    _SPECTRUM: ((ALPHA_R,), (LEFT,)),
}
"""The improvements of the chain: the records that a number is taken from without it, and with it."""
_USES: dict[str, tuple[Callable[[Premises], list[arb]], ...]] = {
    _START: (misfit_as_used,),
    _SPECTRUM: (left_as_used,),
    _PRICE: (left_as_used, misfit_as_used, cut_as_used),
}


def _budget(p: Premises, aspect: F) -> PathBudget:
    return PathBudget(aspect, F(p.constants.get("failure_rate", F(1, 2))), F(1, p.constants.get("rows", 1)))


def chain_margin(p: Premises, improvements: tuple[str, ...], aspect: F) -> arb:
    """The margin of the width inequality at d = aspect n, in units of its budget, with some of its numbers improved."""
    meta, path = p.of(META), _budget(p, aspect)
    inequality = width_displayed(p.of(WIDTH), p.of(SPARSE)["linear"] if _LINEAR in improvements else 0)
    length = 1 / ball(p.of(_PATH)["path"]) if _LENGTH in improvements else ball(meta["radius"])
    misfit = path.misfit if _START in improvements else ball(p.of(B4)["factor"])
    alpha = path.uncut / ball(meta["a1"]) if _SPECTRUM in improvements else 1 / ball(p.of(ALPHA_R)["alpha_divisor"])
    ours = replace(inequality, scaled_radius=2 * length * misfit / alpha, budget=ball(meta["a2"]) * alpha)
    return ours.margin(ball(aspect)) if alpha > 0 and ours.flips(ball(aspect)) < 1 / ball(ours.inner) else arb(-1)


def price_margin(p: Premises, aspect: F) -> arb:
    """x w(x) - rho eps at the best length x, enclosed: the path is no longer than ||r_0||/m(L) (gradient flow)."""
    path = _budget(p, aspect)

    def at(angle: float) -> tuple[arb, arb]:
        psi = arb(angle)
        energy = path_budget.energy_left(psi) / 2 - path.lost
        w = energy.sqrt() - path.below if energy > 0 else arb(0)
        return (path_budget.price_paid(psi) / 2).sqrt(), w if w > 0 else arb(0)

    start = (math.pi / 2, arb(0), path.uncut)
    corners = [start, *((angle, *at(angle)) for angle in (1.0, 0.5, 0.0))]
    cells = list(pairwise(corners))
    while True:
        low = max((x * w for cell in cells for _, x, w in cell), key=lambda area: float(area.lower()))
        cells = [cell for cell in cells if not cell[1][1] * cell[0][2] <= low]  # x grows and w falls along a cell
        high = max((cell[1][1] * cell[0][2] for cell in cells), key=lambda area: float(area.upper()), default=low)
        if float(high - low) < _CLOSE:
            return low.union(high) - path.misfit * path.ratio
        middles = [(angle, *at(angle)) for angle in ((cell[0][0] + cell[1][0]) / 2 for cell in cells)]
        cells = [
            half for (one, two), middle in zip(cells, middles, strict=True) for half in ((one, middle), (middle, two))
        ]


_CLOSE = 1e-7
"""How near to one another the bounds are to come."""


def _digits(p: Premises, improvements: tuple[str, ...]) -> Enclosed:
    """The least width lies within half a unit of the last of so many digits of what is claimed."""
    least = F(p["least"])
    half = F(10) ** (math.floor(math.log10(least)) + 1 - int(p["digits"])) / 2
    with ctx.workprec(path_budget.WORKING_BITS):
        ends = [
            price_margin(p, C) if improvements == (_PRICE,) else chain_margin(p, improvements, C)
            for C in (least + half, least - half)
        ]
        return enclosed(
            {"margin above": ends[0], "margin below": ends[1]},
            [ends[0], -ends[1], *(one for name in improvements for use in _USES.get(name, ()) for one in use(p))],
            "What is needed falls and what is left grows in d/n, so the signs on both sides decide.",
        )


def _records(improvements: tuple[str, ...]) -> tuple[str, ...]:
    return (WIDTH, META, *(record for one, pair in _READS.items() for record in pair[one in improvements]))


def _least(name: str, says: str, improvements: tuple[str, ...], least: float, digits: int = 4) -> Claim:
    price, random = improvements == (_PRICE,), {_START, _SPECTRUM, _PRICE} & set(improvements)
    usual = {"failure_rate": Constant(F(1, 2))} if random else {}
    size = math.floor(math.log10(least))
    reads = (LEFT, ANGLES, OUTPUT, START_MISFIT) if price else _records(improvements)
    often = (
        f" for every n{' >= $rows' if price else ''}, each event failing with e^{{-$failure_rate n}}" if random else ""
    )

    def least_width(p: Premises) -> Enclosed:
        return _digits(p, improvements)

    return Claim(
        id=f"own.width_chain.{name}",
        source=Source("own", "the least width after an improvement of the proof"),
        says=f"{says} the least C is $least to $digits digits{often}.",
        tex=r"C_{\min}=$least",
        refuted_by="an enclosure of the least C that leaves out these digits",
        constants={
            "least": Constant(least),
            "digits": Constant(digits, "up", whole=True),
            **usual,
            **({"rows": Constant(4)} if price else {}),
        },
        reads=reads,
        proofs=(least_width,),
        controls=(
            Control("last_digit", {"least": least + 10.0 ** (size + 1 - digits)}),
            Control("more_digits", {"digits": digits + 3}),
        ),
    )


_ALL = (_LINEAR, _LENGTH, _START, _SPECTRUM)
CLAIMS: tuple[Claim, ...] = (
    _least("path", "In the width inequality with the linear term, and the path of own.meta_path,", _ALL[:2], 1.756e14),
    _least("misfit", "The same with the misfit of own.path_budget.misfit:", _ALL[:3], 6.935e13),
    _least("smallest", "The same with what own.path_budget.left leaves of sigma_min before any cut:", _ALL, 3.203e12),
    _least(
        "price",
        "Where lost neurons are charged by their price, and the path is ||r_0|| over the least sigma_min that is left, for gradient flow",
        (_PRICE,),
        867.1,
    ),
    _least("path_alone", "In the width inequality with the path of own.meta_path alone", _ALL[1:2], 1.417e14),
    _least(
        "misfit_alone", "In the width inequality with the misfit of own.path_budget.misfit alone", _ALL[2:3], 1.678e15
    ),
    _least(
        "smallest_alone",
        "In the width inequality with what own.path_budget.left leaves of sigma_min alone",
        _ALL[3:4],
        1.9082286e14,
        8,
    ),
)
