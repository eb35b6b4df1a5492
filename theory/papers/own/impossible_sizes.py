"""The first step of a descent leaves too few columns already at sizes that can be named, by Chebyshev's inequality."""

from __future__ import annotations

from fractions import Fraction as F
from functools import lru_cache

from flint import arb, ctx

from untrained.theory.claim import Claim, Constant, Control, Premises, Range, Source
from untrained.theory.evidence import Enclosed
from untrained.theory.laws.cones import along, dot, second_moments
from untrained.theory.laws.survivors import after_steps, best_weights
from untrained.theory.papers.own.impossible import (
    CONE,
    LIPSCHITZ_TAIL,
    NEEDS,
    STEP_TEX,
    STEP_WORDS,
    StepRule,
    drift_of,
    premises_hold,
    signal_left_out,
    step_of,
)
from untrained.theory.proof.balls import ball, enclosed, fact

_BITS = 72
_BEGIN = F(98, 100)
"""Of 1/share of own.descent.cone, up to where Chebyshev's inequality for Bin(d, share) is enough."""
_DEVIATIONS = 10
"""Standard deviations that a sum may be off; one is off by more with a probability of at most 1/100."""
_NORMALS = 4
"""The same for a standard normal variable, beyond which e^{-8} is left on both sides."""
_SUMS, _LOOSE = 9, 6
"""How many sums and normal variables count as off: three and two depend on x, and count twice, as half of x must do."""
_AROUND = F(1, 5)
"""How far from the chosen mu the best one is looked for."""
_OPEN = arb(0, 1)


def _within(middle: int | F, radius: arb) -> arb:
    return ball(middle) + arb(0, 1) * radius


def _to_the_fourth(angle: arb) -> arb:
    """The integral of cos^4 up to an angle."""
    return angle * 3 / 8 + (2 * angle).sin() / 4 + (4 * angle).sin() / 32


class FirstStep:
    """Bounds at every n >= least and d/n in a ball, for w = mu g + (-x - t z - e g)_+ on the neurons on after a step.

    `mu`, `form` and `slope` are those of the notes: the survivors have z < slope g, and form is (-e, -t, -1).
    """

    def __init__(self, ratio: arb, least: int, step: StepRule, weights: tuple[arb, arb]) -> None:
        self.ratio, self.least = ratio, least
        self.root_n, self.root_d = arb(least).sqrt(), (ratio * least).sqrt()
        drift, pulls, outputs = drift_of(ratio, step), *weights
        spread = arb(_NORMALS) / self.root_n
        length_sq = _within(F(1, 2), _DEVIATIONS * ball(F(5, 4)).sqrt() / self.root_d)
        length, normal = length_sq.sqrt(), _within(0, arb(_NORMALS))
        rows, signal = _within(1, _DEVIATIONS * arb(2).sqrt() / self.root_n), _within(0, spread)
        misfit = (length_sq * rows - 2 * length * signal + 1).sqrt()
        fed_back = rows - signal / length - misfit * normal / (self.root_n * length)
        self.slope = ((1 - drift * fed_back) / (drift * ratio.sqrt() * misfit)).upper()
        t = pulls * (ball(F(3, 2)) * ratio.mid()).sqrt()
        along_signal = (1 - length * signal) / misfit
        self.beta = (t * along_signal / (1 - along_signal**2).sqrt()).upper()
        lift = (t * misfit / (ratio.sqrt() * length_sq) - normal * (1 + abs(t)) / (self.root_d * length)).lower()
        self.mu, self.form = pulls + outputs - lift, [-pulls - outputs, -t, arb(-1)]

    def _moments(self, form: list[arb]) -> list[list[arb]]:
        return second_moments([[arb(1), arb(0), arb(0)], [self.slope, arb(-1), arb(0)], form])

    def width(self) -> arb:
        """||w||^2/n for the w that is orthogonal to the output, at most; not a number where none is near."""
        of_form = along(self._moments(self.form), self.form)
        fourth, fourth_g = self._fourth(), ball(F(3, 2))
        moved = [self.form[0] + ball(_AROUND), *self.form[1:]]
        curved = ball(F(1, 2)) - self._moments(moved)[0][0] - _DEVIATIONS * fourth_g.sqrt() / self.root_d
        mixed = self.mu**2 * fourth_g + (fourth_g * fourth).sqrt()
        steepness = abs(of_form[0] + self.mu / 2) + _DEVIATIONS * mixed.sqrt() / self.root_d
        if not (self.mu < 0 and self.form[1] < 0 and steepness < ball(_AROUND) * curved):
            return arb("nan")
        off = _DEVIATIONS * (self.ratio * (self.mu**4 * fourth_g + fourth)).sqrt() / self.root_n
        mean: arb = dot(self.form, of_form) - self.mu**2 / 2 + steepness**2 / curved
        return self.ratio * mean + off

    def _fourth(self) -> arb:
        """E of the fourth power of form_+ over g > 0: E r^4 = 8 times a mean over directions of the plane."""
        size = dot(self.form, self.form)
        quarter, angle = arb.pi() / 2, (self.form[0] / size.sqrt()).acos()
        return size**2 * 4 / arb.pi() * (_to_the_fourth(quarter) - _to_the_fourth(angle - quarter))

    def gap(self) -> arb:
        """What Gordon's comparison leaves of E min ||V t||/sqrt n, at least."""
        rows = (1 + _DEVIATIONS * arb(2).sqrt() / self.root_n).sqrt()
        across = (self.width() + (self.beta * rows + _NORMALS / self.root_n) ** 2).sqrt()
        return (1 - arb(2) / self.least).sqrt() - across - (2 * arb(2).log()).sqrt() / self.root_n


@lru_cache(maxsize=64)
def gap_from(low: F, high: F, least: int, step: StepRule) -> arb:
    """The least gap over ratios d/n from low to high, in pieces from above; around 0 where a piece has none."""
    smallest, top, length = arb(1), high, F(1, 100)
    with ctx.workprec(_BITS):
        while top > low:
            bottom = max(low, top - length)
            middle = ball((top + bottom) / 2)
            of_pulls, of_outputs = map(arb, best_weights(after_steps(middle, drift_of(middle, step), 1)))
            gap = FirstStep(ball(bottom).union(ball(top)), least, step, (of_pulls, of_outputs)).gap()
            if gap > 0:
                smallest, top = smallest.min(gap), bottom
            elif length < F(1, 10**4):
                return _OPEN
            else:
                length /= 2
    return smallest


def failure(gap: arb, least: int) -> arb:
    """The probability of all that was put aside, and of a minimum that is 0 all the same."""
    return ball(F(_SUMS, _DEVIATIONS**2)) + _LOOSE * (-(arb(_NORMALS) ** 2) / 2).exp() + (-least * gap**2 / 2).exp()


def first_step_leaves_out_at_every_size(p: Premises) -> Enclosed:
    """Chebyshev's inequality up to 98 % of 4n, and the gap from there on; certainly false where the limit is inside."""
    least, ratio, step, most = int(p["least"]), F(p["per_row"]), step_of(p), ball(p["at_most"])
    with ctx.workprec(_BITS):
        limit = signal_left_out(ratio, step, 1)
        if limit < 0 and most < 1:
            return enclosed({"the limit": limit}, [limit], _ARGUMENT)
        begin = _BEGIN / F(p.of(CONE)["share"])
        gap = gap_from(min(begin, ratio), ratio, least, step) if ratio >= begin else arb(1)
        share = F(p.of(CONE)["share"])
        few = ball(share * (1 - share) * begin / (least * (1 - share * begin) ** 2))
        slack = [gap, most - failure(gap, least), most - few]
    margins = [x if x > 0 else _OPEN for x in slack]
    tail = p.of(LIPSCHITZ_TAIL)
    normal_tail = fact(tail["factor"] <= 1 and tail["rate"] >= F(1, 2) and tail["power"] == 2)
    return enclosed({"gap": gap}, [*margins, normal_tail, *premises_hold(p)], _ARGUMENT)


_ARGUMENT = (
    "The argument of own.impossible.first_step with a ball in place of every limit, as wide as deviations are at the least n; "
    "they shrink as n grows. Sums are kept by Chebyshev's inequality, normal variables by their tails."
)

CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="own.impossible.every_size",
        source=Source("own", "the step 1/||J(W_0)||^2 at sizes that are named"),
        says=f"For n >= $least and d <= ${{per_row:factor}}n, a first step of at least {STEP_WORDS} leaves the signal inside the cone of the columns still on, without which no later step fits it, with probability at most $at_most.",
        tex=STEP_TEX
        + r"n\ge $least,\ d\le ${per_row:factor}n,\ \eta\,b\cdot b\ge $size\Rightarrow P\{y\in\mathrm{cone}(v_l:h_l>0\ \text{after a step})\}\le $at_most",
        refuted_by="a ratio d/n at which the probability tends to one",
        domain={"n": Range("least", 10**12), "d": Range(1, 10**13)},
        constants={
            "size": Constant(F(1), "down"),
            "share": Constant(F(1, 2), "up"),
            "rows": Constant(1, "up"),
            "least": Constant(10**6, "down", whole=True),
            "per_row": Constant(F(41, 10), "up"),
            "at_most": Constant(F(1, 10), "down"),
        },
        needs=NEEDS,
        proofs=(first_step_leaves_out_at_every_size,),
        controls=(
            Control("per_row_4.37", {"per_row": F(437, 100)}),
            Control("a_quarter_of_the_step", {"size": F(1, 4)}),
        ),
    ),
)
