"""Widths above 4n at which the first steps of a descent already put a random signal out of reach.

What is decided is the limit of large n at a fixed ratio d/n, in balls and on both sides; the argument that the limit is
this one is in the notes.
"""

from __future__ import annotations

from fractions import Fraction as F
from functools import lru_cache

from flint import arb, ctx

from untrained.theory.claim import Claim, Constant, Control, Premises, Proof, Source
from untrained.theory.evidence import Enclosed
from untrained.theory.laws.survivors import after_steps, best_weights, margin_inside, margin_outside
from untrained.theory.proof.balls import ball, enclosed, fact

_REDUCTION, _OFF, CONE = "own.descent.reduction", "own.descent.off_stays_off", "own.descent.cone"
_GORDON, LIPSCHITZ_TAIL = "textbook.gordon", "textbook.gaussian_lipschitz"
_AT_ONE_RATIO = (_REDUCTION, _OFF, _GORDON, LIPSCHITZ_TAIL)
NEEDS = (*_AT_ONE_RATIO, CONE)
_FIRST = 1
_BITS = 72
_BELOW = F(99, 100)
"""Of 1/share, where own.descent.cone gives over: from there on to the claimed ratio widths are covered in pieces."""
_NARROWEST = F(1, 10**6)
_OPEN = arb(0, 1)

StepRule = tuple[F, F, F]
"""c, a and b of a step of c/(sqrt(a d) + b sqrt n)^2 in units of nu^2 ||z||^2."""


def drift_of(ratio: arb, step: StepRule) -> arb:
    """eta n of a step at d/n = ratio, as n grows."""
    size, share, rows = map(ball, step)
    drift: arb = size / ((share * ratio).sqrt() + rows) ** 2
    return drift


@lru_cache(maxsize=1024)
def signal_left_out(ratio: F, step: StepRule, steps: int) -> arb:
    """Above 0 where y is outside the survivors' cone in the limit, below 0 where it is inside; else around 0."""
    with ctx.workprec(_BITS):
        survivors = after_steps(ball(ratio), drift_of(ball(ratio), step), steps)
        weights = best_weights(survivors)
        margin, reach = margin_outside(survivors, weights), margin_inside(survivors, weights)
    if margin > 0:
        return margin
    return -reach if reach > 0 else _OPEN


@lru_cache(maxsize=256)
def left_out_from(low: F, high: F, step: StepRule) -> arb:
    """The least margin by which y is outside after one step at all ratios from low to high, in pieces from above."""
    least, top, length = signal_left_out(high, step, _FIRST), high, F(1, 1000)
    with ctx.workprec(_BITS):
        while top > low and least > 0 and length > _NARROWEST:
            margin = _over(max(low, top - length), top, step)
            if margin > 0:
                least, top, length = least.min(margin), top - length, 2 * length
            else:
                length /= 2
    return least if top <= low or not least > 0 else _OPEN


def _over(low: F, high: F, step: StepRule) -> arb:
    """The margin over a piece, with the weights of its middle."""
    middle = ball((low + high) / 2)
    weights = best_weights(after_steps(middle, drift_of(middle, step), _FIRST))
    ratio = ball(low).union(ball(high))
    return margin_outside(after_steps(ratio, drift_of(ratio, step), _FIRST), weights)


def _both(low: F, high: F, step: StepRule, steps: int) -> tuple[arb, arb]:
    return signal_left_out(low, step, steps), -signal_left_out(high, step, steps)


def premises_hold(p: Premises) -> list[arb]:
    """What of other records the argument uses."""
    reduction, gordon, lipschitz = p.of(_REDUCTION), p.of(_GORDON), p.of(LIPSCHITZ_TAIL)
    return [
        fact(reduction["drift"] == 1 and reduction["z_power"] == 2),
        fact(p.of(_OFF)["state"] == "off"),
        fact(gordon["factor"] == 1),
        fact(lipschitz["lipschitz"] <= 1 and lipschitz["rate"] > 0 and lipschitz["power"] > 0),
    ]


def step_of(p: Premises) -> StepRule:
    """The step that a statement is about."""
    return F(p["size"]), F(p["share"]), F(p["rows"])


_ARGUMENT = (
    "Given g, V phi(g) and V^T r_0 the rest of V is fresh, so Gordon's comparison of V h - y over h >= 0 on the survivors, "
    "and of V^T u over u, decides the limit by one certificate on either side; both are Gaussian moments of polyhedral cones."
)


def first_step_leaves_out(p: Premises) -> Enclosed:
    """Outside at all ratios up to `low`, inside at `high`; below 1/share even before the first step."""
    low, high, step = F(p["low"]), F(p["high"]), step_of(p)
    start = _BELOW / F(p.of(CONE)["share"])
    below, out, into = left_out_from(min(start, low), low, step), *_both(low, high, step, _FIRST)
    return enclosed({"outside": out, "inside": into}, [below, out, into, *premises_hold(p)], _ARGUMENT)


def first_steps_leave_out(p: Premises) -> Enclosed:
    """Outside at `low`, inside at `high`, after so many steps."""
    steps, step = int(p["steps"]), step_of(p)
    out, into = _both(F(p["low"]), F(p["high"]), step, steps)
    return enclosed({"outside": out, "inside": into}, [out, into, *premises_hold(p)], _ARGUMENT)


def _claim(
    name: str,
    label: str,
    says: str,
    tex: str,
    proof: Proof,
    constants: dict[str, Constant],
    needs: tuple[str, ...] = NEEDS,
) -> Claim:
    low, high = constants["low"].value, constants["high"].value
    size = constants["size"].value
    return Claim(
        id=f"own.impossible.{name}",
        source=Source("own", label),
        says=says,
        tex=tex,
        refuted_by="a ratio d/n at which the limit is certainly the other one",
        constants=constants,
        needs=needs,
        proofs=(proof,),
        controls=(
            Control("low_up", {"low": low + F(2, 1000)}),
            Control("high_down", {"high": high - F(2, 1000)}),
            Control("size_0.99", {"size": size * F(99, 100)}),
            Control("size_1.01", {"size": size * F(101, 100)}),
        ),
    )


def _constants(size: F, share: F, rows: int, low: F) -> dict[str, Constant]:
    return {
        "size": Constant(size),
        "share": Constant(share),
        "rows": Constant(rows),
        "low": Constant(low, "up"),
        "high": Constant(low + F(1, 1000), "down"),
    }


STEP_WORDS = "${size:factor}the inverse square of nu ||z||(sqrt(${share:factor}d) + ${rows:factor}sqrt n)"
_ONE_SAYS = (
    f"As n grows, a first step of at least {STEP_WORDS} puts the signal outside the cone of the columns still on, with a "
    "probability that tends to one, at every d <= ${low:factor}n, and no later step can fit it; after exactly this step it "
    "is inside at d/n = $high."
)
STEP_TEX = r"b=\nu\|z\|(\sqrt{${share:factor}d}+${rows:factor}\sqrt n),\ "
_ONE_TEX = STEP_TEX + (
    r"\eta\,b\cdot b\ge $size,\ d\le ${low:factor}n"
    r"\Rightarrow P\{y\notin\mathrm{cone}(v_l:h_l>0\ \text{after a step})\}\to\text{one}"
)

CLAIMS: tuple[Claim, ...] = (
    _claim(
        "first_step",
        "the step 1/||J(W_0)||^2 leaves too few columns below 4.364 n",
        _ONE_SAYS,
        _ONE_TEX,
        first_step_leaves_out,
        _constants(F(1), F(1, 2), 1, F(4364, 1000)),
    ),
    _claim(
        "proof_step",
        "the step of Theorem 4.1's proof leaves too few columns below 4.116 n",
        _ONE_SAYS,
        _ONE_TEX,
        first_step_leaves_out,
        _constants(F(1), F(1), 2, F(4116, 1000)),
    ),
    _claim(
        "two_steps",
        "two steps of 1/||J(W_0)||^2 leave too few columns at 4.573 n",
        f"As n grows with d/n = $low, $steps steps of {STEP_WORDS}, each, put the signal outside the cone of the columns still on, "
        "with a probability that tends to one; with d/n = $high it is inside.",
        STEP_TEX
        + r"\eta\,b\cdot b=$size,\ d/n\to $low\Rightarrow P\{y\notin\mathrm{cone}(v_l:h_l>0\ \text{after}\ $steps\ \text{steps})\}\to\text{one}",
        first_steps_leave_out,
        {**_constants(F(1), F(1, 2), 1, F(4573, 1000)), "steps": Constant(2, whole=True)},
        _AT_ONE_RATIO,
    ),
)
