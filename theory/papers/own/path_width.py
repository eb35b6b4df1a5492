"""How wide is wide enough for a descent whose path pays for the neurons that it loses: theorems and least widths.

The steps are those of `path_budget` and `path_left`; the bounds are evaluated in `theory.objects.path_budget`.
"""

from __future__ import annotations

import math
from fractions import Fraction as F

from flint import arb, ctx

from untrained.theory.claim import (
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
from untrained.theory.evidence import Enclosed
from untrained.theory.laws.misfit import misfit_exceeds
from untrained.theory.objects import path_budget
from untrained.theory.objects.covered_widths import event_count, rate_for
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
from untrained.theory.papers.textbook.tails import binomial_at_most
from untrained.theory.papers.vanveen18.theorem_41 import LARGEST
from untrained.theory.proof.balls import ball, enclosed, ends, fact

CONVERGENCE = "own.path_budget.convergence"
_CONE, _REDUCTION = "own.descent.cone", "own.descent.reduction"
_HALF = F(1, 2)


def _source(label: str) -> Source:
    return Source("own", label)


# The argument as a whole.


def _step(p: Premises) -> F:
    """The step in units of the proof's; 0 for gradient flow."""
    return F(p.constants.get("step", 0))


def _event_rate(p: Premises) -> F:
    """A rate so that each event fails with e^{-rate rows} or less, where the failure is of a stated size."""
    if "failure_rate" in p.constants:
        return F(p["failure_rate"])
    return rate_for(F(p["failure"]), p["rows"], _step(p))


def _path(p: Premises) -> PathBudget:
    return PathBudget(F(p["aspect"]) if p.given("width") else F(_NARROW), _event_rate(p), F(1, p["rows"]))


_NARROW = 1
"""A width where none is asked for."""


def _failure(p: Premises, rows: int) -> arb:
    """What the statement grants to fail."""
    if "failure_rate" in p.constants:
        return ball(p["failure_factor"]) * (-ball(p["failure_rate"]) * rows).exp()
    return ball(p["failure"])


def _inherited(p: Premises) -> list[arb]:
    """That the records needed say what `path_budget` computes with."""
    half = fact(p.of(CONVERGENCE)["half"] <= _HALF)
    return [*left_as_used(p), *misfit_as_used(p), half, *cut_as_used(p)]


def _union(p: Premises, path: PathBudget) -> list[arb]:
    """That the events together fail no more often than is granted."""
    if "failure_rate" in p.constants:
        return [ball(p["failure_factor"] - event_count(_step(p)))]
    return [ball(p["failure"]) - event_count(_step(p)) * (-ball(path.rate) * p["rows"]).exp()]


def surplus_decides(p: Premises) -> Enclosed:
    """The integral has more than is needed, and the surplus gives the rate and the length, at d = aspect n."""
    path, step = _path(p), _step(p)
    with ctx.workprec(path_budget.WORKING_BITS):
        left = path_budget.surplus(path, step)
        smallest, speed = left.smallest.max(arb(0)), arb(1)
        margins = [left.surplus, ball(p["length"]) - left.length, *_inherited(p), *_union(p, path)]
        if step:
            speed = ball(step) * (2 - ball(step)) / 2
            margins += [ball(p["deviation"]) - 1 - path.deviation, *_norm_bounded(p)]
        reduction = p.of(_REDUCTION)
        margins.append(fact(reduction["drift"] == 1 and reduction["z_power"] == 2))
        margins += [speed * smallest**2 * ball(p["rate_divisor"]) - 1, ball(p["misfit"]) - left.misfit]
        margins.append(fact(p["power"] == 2))
        return enclosed(
            {"surplus": left.surplus, "length": left.length, "smallest": left.smallest, "misfit": left.misfit},
            margins,
            "All that is left grows, and all that is needed falls, in d/n, n and with a lower rate: the ends decide.",
            sufficient=True,
        )


def _norm_bounded(p: Premises) -> list[arb]:
    largest = p.of(LARGEST)
    return [
        fact(largest["columns"] <= 1 and largest["rows"] <= 1),
        fact(largest["factor"] <= 1 and largest["rate"] >= _HALF and largest["power"] == 2),
    ]


def too_narrow(p: Premises) -> Enclosed:
    """Whether at some admitted n and d a random signal is outside the cone of the columns on more often than is granted."""
    cone, path = p.of(_CONE), _path(p)
    with ctx.workprec(path_budget.WORKING_BITS):
        sizes = [(rows, math.ceil(path.aspect * rows)) for rows in (1, 10, *_MANY_ROWS) if rows >= p["rows"]]
        room = [_failure(p, n) - binomial_at_most(n - 1, d, F(cone["share"])) for n, d in sizes]
        room += [_failure(p, n) - 1 + _misfit_below(n, d, F(p["misfit"])) for n, d in sizes]
    least = min(room, key=lambda m: float(m.mid()))
    return Enclosed({"room": least.str(5)}, ends(least), "One n and d decide against it; none decides for it.", False)


def _misfit_below(n: int, d: int, most: F) -> arb:
    """How often ||r_0|| <= most ||y||, at most: ||r_0||^2/||y||^2 has the mean 3/2 and a variance of so much (Chebyshev)."""
    gap = F(3, 2) - most**2
    if gap <= 0:
        return arb(1)
    return ball(min(F(1), ((F(5, 2) + F(5, 2 * d)) / n + F(5, 4 * d)) / gap**2))


def start_above(case: Case, c: Constants) -> Sides:
    """P(||r_0|| > misfit ||y||) by its exact law, against what may fail."""
    n, d = int(case["n"]), int(case["d"])
    if "failure_rate" in c:
        allowed = float(c["failure_factor"]) * math.exp(-float(c["failure_rate"]) * n)
    else:
        allowed = float(c["failure"])
    return Sides(misfit_exceeds(n, d, float(c["misfit"])), allowed, unit=1)


def _starts(c: Constants) -> tuple[Case, ...]:
    return tuple({"n": n, "d": math.ceil(c["aspect"] * n)} for n in (4, 10, 16) if n >= c["rows"])


_MANY_ROWS = (100, 10**4, 10**7)


_LIMIT_RATE = F(1, 2 * 10**6)


def least_width_to_digits(p: Premises) -> Enclosed:
    """The argument serves half a unit of the last digit above, and whatever multipliers it takes, not so much below."""
    least, rate, step = F(p["least"]), _event_rate(p), _step(p)
    unit = F(10) ** (math.floor(math.log10(least)) + 1 - int(p["digits"]))
    above, below = (PathBudget(least + side * unit / 2, rate, F(1, p["rows"])) for side in (1, -1))
    with ctx.workprec(path_budget.WORKING_BITS):
        serves, rest = path_budget.surplus(above, step).surplus, path_budget.surplus_at_most(below, step)
        return enclosed(
            {"surplus above": serves, "surplus below": rest},
            [serves, -rest, *_inherited(p)],
            "What is left less what is needed grows in d/n; its sign is certain on both sides.",
        )


def _least(name: str, least: F, step: F, rows: int, failure: Constants, digit: F) -> Claim:
    """The least width for descent, or flow; `digit` is one of the last."""
    often = "each event may fail with e^{-$failure_rate n}" if "failure_rate" in failure else "$failure may fail in all"
    of = "with $step times the step of Theorem 4.1's proof" if step else "for gradient flow"
    return Claim(
        id=f"own.sharper.least.{name}",
        source=_source("the least width that the argument serves"),
        says=f"Where {often}, the argument of own.sharper.descent serves {of} every n >= $rows and d >= C n, and no smaller C, for C = $least to $digits digits.",
        tex=r"C_{\min}=$least",
        refuted_by="an enclosure of the least width that leaves out these digits",
        constants={
            "least": Constant(float(least)),
            "digits": Constant(4, "up", whole=True),
            "rows": Constant(rows),
            **{key: Constant(value) for key, value in failure.items()},
            **({"step": Constant(step)} if step else {}),
        },
        reads=(CONVERGENCE, LEFT, ANGLES, OUTPUT, START_MISFIT),
        proofs=(least_width_to_digits,),
        controls=(Control("last_digit", {"least": float(least + digit)}), Control("six_digits", {"digits": 6})),
    )


WIDTH_GIVEN = Hypothesis("width", "d >= $aspect n", lambda case, c: case["d"] >= c["aspect"] * case["n"])
_PROBABLY = "with probability at least 1 - ${failure_factor:factor}e^{-${failure_rate:factor}n}"
_SURELY = "with probability at least 1 - $failure"
_STAYS = "phi(Wz) stays within ${length:factor}sqrt d ||z|| of where it starts"
_NEEDS = (CONVERGENCE, LEFT, ANGLES, OUTPUT, START_MISFIT, _REDUCTION, _CONE)


def _theorem(name: str, label: str, aspect: F, step: F, promises: Constants, failure: Constants) -> Claim:
    """Theorem 4.1's form at a width of ours; a step of 0 is gradient flow."""
    often = _PROBABLY if "failure_rate" in failure else _SURELY
    at_least = "For every n >= $rows and d >= $aspect n"
    if step:
        says = (
            f"{at_least}, {often}, gradient descent with eta = ${{step:factor}}dn/((sqrt d + ${{deviation:factor}}sqrt n)||y||)^$power "
            f"has a misfit of at most ${{misfit:factor}}(1 - d/(${{rate_divisor:factor}}(sqrt d + ${{deviation:factor}}sqrt n)^$power))^tau ||y|| "
            f"after tau steps, for all tau, and {_STAYS}."
        )
        tex = r"\|V\phi(W_\tau z)-y\|\le ${misfit:factor}\Big(1-\tfrac{d}{${rate_divisor:factor}(\sqrt d+${deviation:factor}\sqrt n)^{$power}}\Big)^\tau\|y\|"
    else:
        says = (
            f"{at_least}, {often}, gradient flow has a misfit of at most ${{misfit:factor}}e^{{-||y||^$power t/(${{rate_divisor:factor}}n)}} ||y|| "
            f"at every time t, and {_STAYS}."
        )
        tex = r"\|V\phi(W_tz)-y\|\le ${misfit:factor}e^{-\|y\|^{$power}t/(${rate_divisor:factor}n)}\|y\|"
    kinds = {"failure_factor": "down", "failure_rate": "up", "failure": "down", "rows": "down"}
    constants = {
        "aspect": Constant(aspect, "down"),
        "power": Constant(2),
        **{key: Constant(value, "down") for key, value in promises.items()},
        **{key: Constant(value, kinds[key], whole=key == "rows") for key, value in failure.items()},  # type: ignore[arg-type]
    }
    if step:
        constants |= {"step": Constant(step), "deviation": Constant(2, "down")}
    return Claim(
        id=f"own.sharper.{name}",
        source=_source(label),
        says=says,
        tex=tex,
        refuted_by="n and d that it admits where a random signal is out of reach more often than it may fail",
        domain={"n": Range("rows", 10**12, True, True), "d": Range(1, 10**15, True, True)},
        hypotheses=(WIDTH_GIVEN,),
        constants=constants,
        needs=(*_NEEDS, LARGEST) if step else _NEEDS,
        proofs=(surplus_decides, too_narrow),
        exact=ExactRoute(_starts, start_above) if failure["rows"] <= _FEW else None,
        controls=(
            Control(
                "misfit_1.3" if failure["rows"] <= _FEW else "misfit_1.22",
                {"misfit": _TOO_SMALL[failure["rows"] <= _FEW]},
            ),
            Control("aspect_4", {"aspect": 4}),
            Control("aspect_3.9", {"aspect": F(39, 10)}),
            Control("any_width", {}, ("width",)),
        ),
    )


_FEW = 16
"""Rows up to which the exact law of the misfit is evaluated."""
_TOO_SMALL = {True: F(13, 10), False: F(122, 100)}
"""A misfit that is exceeded too often: by its exact law for few rows, and far out, where it tends to sqrt(3/2)."""
_PAPERS, _ONE_IN_100, _VANISHING = {"failure_rate": _HALF}, {"failure": F(1, 100)}, {"failure_rate": _LIMIT_RATE}
"""What may fail: as in the paper, one time in a hundred, and less and less far out."""
_USUAL = {"rows": 4, "failure_factor": 5, **_PAPERS}
_FLOW = {**_USUAL, "failure_factor": 4}
_HUNDRED = {"rows": 100, **_ONE_IN_100}
_FAR_OUT = {"rows": 10**6, "failure_factor": 5, **_VANISHING}


CLAIMS: tuple[Claim, ...] = (
    _least("descent", F(3513, 10), F(1, 10), 4, _PAPERS, F(1, 10)),
    _least("descent.whole_step", F(8340, 10), F(1), 4, _PAPERS, F(1, 10)),
    _least("descent.hundred", F(1667, 10), F(1, 10), 100, _ONE_IN_100, F(1, 10)),
    _least("descent.limit", F(9458, 100), F(1, 10), 100, _VANISHING, F(1, 100)),
    _least("flow", F(3298, 10), F(0), 4, _PAPERS, F(1, 10)),
    _least("flow.hundred", F(1543, 10), F(0), 100, _ONE_IN_100, F(1, 10)),
    _least("flow.limit", F(8797, 100), F(0), 100, _VANISHING, F(1, 100)),
    _theorem(
        "descent",
        "Theorem 4.1 with 400 in place of 4.3e15",
        F(400),
        F(1, 10),
        {"misfit": F(195, 100), "rate_divisor": 15200, "length": F(421, 1000)},
        _USUAL,
    ),
    _theorem(
        "descent.short_step",
        "Theorem 4.1 with a hundredth of the proof's step",
        F(332),
        F(1, 100),
        {"misfit": F(195, 100), "rate_divisor": 5500 * 10**6, "length": F(408, 1000)},
        _USUAL,
    ),
    _theorem(
        "descent.hundred",
        "Theorem 4.1 for a hundred rows and more",
        F(167),
        F(1, 10),
        {"misfit": F(148, 100), "rate_divisor": 66 * 10**6, "length": F(458, 1000)},
        _HUNDRED,
    ),
    _theorem(
        "descent.limit",
        "Theorem 4.1 for rows without end",
        F(95),
        F(1, 10),
        {"misfit": F(1226, 1000), "rate_divisor": 11 * 10**6, "length": F(524, 1000)},
        _FAR_OUT,
    ),
    _theorem(
        "flow",
        "Theorem 4.1 for gradient flow",
        F(330),
        F(0),
        {"misfit": F(195, 100), "rate_divisor": 40 * 10**6, "length": F(407, 1000)},
        _FLOW,
    ),
    _theorem(
        "flow.hundred",
        "Theorem 4.1 for gradient flow, a hundred rows and more",
        F(155),
        F(0),
        {"misfit": F(148, 100), "rate_divisor": 8 * 10**6, "length": F(454, 1000)},
        _HUNDRED,
    ),
    _theorem(
        "flow.limit",
        "Theorem 4.1 for gradient flow, rows without end",
        F(88),
        F(0),
        {"misfit": F(1226, 1000), "rate_divisor": 15 * 10**6, "length": F(519, 1000)},
        {**_FAR_OUT, "failure_factor": 4},
    ),
)
