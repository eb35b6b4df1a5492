"""Theorem 4.1: the chain from the lemmas to Theorem B.5, what is certain far out in d/n, and the misfit at the start.

||y|| is 1 where nothing else is said; eta J J^T is in units of ||y||^2/n, so that eta counts as s = eta n/||y||^2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction as F
from functools import lru_cache

from flint import arb, ctx

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
    Proof,
    Range,
    Sides,
    Source,
)
from untrained.theory.evidence import Enclosed
from untrained.theory.papers.vanveen18.jacobian import GRAM
from untrained.theory.papers.vanveen18.lemma_b1 import BINOMIAL, LOWEST, SIGMA
from untrained.theory.papers.vanveen18.section_b4 import (
    ALPHA_R,
    B1,
    B2,
    B3,
    B4,
    BETA,
    FAILURE,
    FAILURE_SAYS,
    META,
    NU,
    WIDTH,
    failures_within,
    relaxation_gap,
    theorem_failure,
    width_by_lemmas,
)
from untrained.theory.proof.balls import ball, enclosed, fact

GRADIENT, AVERAGED = "vanveen18.gradient.corrected", "oymak19.averaged_jacobian"
LARGEST, CORRECTED = "textbook.davidson_szarek.largest", "vanveen18.thm41.corrected"
WIDTH_PREMISE = Hypothesis("width", "d >= $aspect n", lambda case, c: case["d"] >= c["aspect"] * case["n"])


# The chain: A1 to A3, R, the step, the rate, the misfit at the start and the probability, for all n and d >= aspect n.


def _aspect(p: Premises) -> F:
    """The least d/n that the statement admits."""
    return F(p["aspect"]) if p.given("width") else F(0)


def assumptions_met(p: Premises) -> list[arb]:
    """Margins of: the lemmas give A1, A2 on the radius of Theorem B.5, the misfit at the start and the probability."""
    meta, b1, b2, b4, ours = (p.of(name) for name in (META, B1, B2, B4, ALPHA_R))
    aspect, divisor, power = ball(_aspect(p)), F(ours["alpha_divisor"]), F(b2["power"])
    scale = 1 if p.given("nu") else 0  # nothing bounds nu from below then
    left = width_by_lemmas(b2, ours["radius"], F(meta["a2"]) / divisor)
    flips = left.flips(aspect)
    return [
        aspect - ball(b1["width_ratio"]),
        ball(scale * F(b1["fraction"]) / F(meta["a1"]) - 1 / divisor),
        ball(F(ours["radius"]) - F(meta["radius"]) * F(b4["factor"]) * divisor),
        left.margin(aspect),
        ball(b2["share"]) - ball(b2["inner"]) * flips,
        aspect * flips - ball(b2["least"]),
        fact(power / 2 == 1 - power),
        ball(F(p["misfit"]) - F(b4["factor"])),
        fact(p.of(AVERAGED)["endpoint"] == 0),
        fact(p.of(GRADIENT)["gradient_factor"] == 1),
        fact(meta["rate_power"] == 2 and meta["step_power"] == 2),
        *failures_within(p),
    ]


def _ratios(p: Premises) -> tuple[F, F]:
    """The ends of n/d."""
    return F(0), 1 / _aspect(p) if _aspect(p) else F(10**9)


def rate_covers(p: Premises) -> list[arb]:
    """Margins of: rate eta alpha^2 is at least the printed decrease; linear in n/d, so its ends decide."""
    gain = F(p.of(META)["rate"]) * F(p["step_factor"]) * F(p["rate_divisor"]) / F(p.of(ALPHA_R)["alpha_divisor"]) ** 2
    step_rows, rate_rows = F(p["step_rows"]), F(p["rate_rows"])
    margins = [gain * (1 + rate_rows * ratio) - (1 + step_rows * ratio) for ratio in _ratios(p)]
    return [*map(ball, margins), fact(p["y_power"] == 2)]


def printed_step_serves(p: Premises) -> list[arb]:
    """Margins of: eta <= step/beta^2 with the relaxed beta; linear in n/d, so its ends decide."""
    meta, beta, bound = p.of(META), p.of(BETA), p.of(B3)
    k, r, size = F(beta["factor"]), F(beta["rows"]), F(p["eta_bar"]) * F(p["step_factor"])
    margins = [
        relaxation_gap(bound["columns"], bound["deviation"], k, r),
        k - F(bound["columns"]) ** 2,
        k * r - F(bound["deviation"]) ** 2,
    ]
    for ratio in _ratios(p):
        margins.append(F(meta["step"]) * (1 + F(p["step_rows"]) * ratio) - size * k * (1 + r * ratio))
    return list(map(ball, margins))


def printed_step_serves_sharply(p: Premises) -> list[arb]:
    """Margins of: eta <= step/beta^2 with Lemma B.3's beta; (a + bt)^2/(1 + rt^2), t^2 = n/d, grows while r a t <= b."""
    bound, rows, t = p.of(B3), ball(p["step_rows"]), ball(_ratios(p)[1]).sqrt()
    a, b, size = ball(bound["columns"]), ball(bound["deviation"]), ball(p["eta_bar"]) * ball(p["step_factor"])
    return [b - rows * a * t, ball(p.of(META)["step"]) * (1 + rows * t**2) - size * (a + b * t) ** 2]


def inverse_beta_serves(p: Premises) -> list[arb]:
    """Margins of: step/beta^2 is at most Theorem B.5's, coefficient by coefficient, and its rate reaches the decrease."""
    meta, bound = p.of(META), p.of(B3)
    step, most, deviation = F(p["step"]), F(meta["step"]), F(p["deviation"])
    gain = F(meta["rate"]) * step * F(p["rate_divisor"]) / F(p.of(ALPHA_R)["alpha_divisor"]) ** 2
    margins = [
        most - step * F(bound["columns"]) ** 2,
        most * deviation**2 - step * F(bound["deviation"]) ** 2,
        gain - 1,
    ]
    return [*map(ball, margins), fact(p["power"] == 2)]


def chain(p: Premises, step: list[arb]) -> Enclosed:
    """Theorem 4.1 from the lemmas, the step and rate being at hand."""
    with ctx.workprec(160):
        return enclosed(
            {"least d/n": ball(_aspect(p))},
            [*assumptions_met(p), *step],
            "A1 by B.1, A2 within R by B.2, A3 by B.3, the misfit at the start and so R by B.4; every bound is monotone "
            "in n and d/n (checked where it is not a power), so n = 1 and d = C n decide. Theorem B.5 does the rest.",
            sufficient=True,
        )


def chain_with_printed_step(p: Premises) -> Enclosed:
    """Theorem 4.1 with its own step and rate, from the lemmas."""
    return chain(p, [*printed_step_serves(p), *rate_covers(p)])


def chain_with_inverse_beta(p: Premises) -> Enclosed:
    """Theorem 4.1 with the step and rate of its proof, from the lemmas."""
    return chain(p, inverse_beta_serves(p))


# Far out the descent is nearly linear, on events that fail seldom: what a statement must allow there.

_DEVIATIONS, _ROWS, _ANY_STEP, _OPEN = 10, 64, 8, 1e-15
"""Deviations sqrt n of singular values; the n looked at; a step, in units of n/||y||^2, that is too long whatever the
rate, for one that nothing bounds; and how far about 0 a margin reaches that decides nothing."""
Rule = Callable[[arb], tuple[arb, arb]]
"""Step, in units of n/||y||^2, and claimed decrease at a ratio n/d."""


@dataclass(frozen=True)
class Place:
    """Every d >= aspect n, while W moves by at most travel sqrt n; |S| differs from its mean by at most share d."""

    aspect: F
    travel: F
    share: F

    @property
    def ratio(self) -> arb:
        """n/d, all its values here."""
        return arb(0).union(1 / ball(self.aspect))


def places(p: Premises) -> tuple[Place, Place]:
    """From the printed C on, within the R of the theorem, and so far out that the drift is nothing."""
    printed = Place(F(p.of(WIDTH)["aspect"]), F(p.of(ALPHA_R)["radius"]), F(1, 10**6))
    return printed, Place(F(10**60), F(10**6), F(1, 10**20))


@dataclass(frozen=True)
class FarSpectrum:
    """Enclosures: the eigenvalues of n J_0 J_0^T, the norm of sqrt n J_0, and the drift of sqrt n J."""

    least: arb
    most: arb
    norm: arb
    drift: arb


def spectrum_at(p: Premises, place: Place) -> FarSpectrum:
    """J_0 = nu ||z|| V_S with |S| near its mean, and Lemma B.2 for the drift."""
    low, high, mean = p.of(LOWEST), p.of(LARGEST), F(p.of(SIGMA)["diagonal"])
    inverse, left = arb(0).union(place.ratio.upper().sqrt()), width_by_lemmas(p.of(B2), place.travel, 1)
    smallest = ball(low["columns"]) * ball(mean - place.share).sqrt() - (ball(low["rows"]) + _DEVIATIONS) * inverse
    largest = ball(high["columns"]) * ball(mean + place.share).sqrt() + (ball(high["rows"]) + _DEVIATIONS) * inverse
    return FarSpectrum(smallest**2, largest**2, largest, arb(0).union(left.left(ball(place.aspect))))


def failure_at(p: Premises, place: Place, rows: int) -> arb:
    """How often one of the events fails, at most: both sides of |S|, both singular values, Lemma B.2."""
    low, high, b2, mean = p.of(LOWEST), p.of(LARGEST), p.of(B2), F(p.of(SIGMA)["diagonal"])
    d, n = ball(place.aspect * rows), ball(rows)
    active = sum((_off_mean(p, d, place.share, side) for side in (mean, 1 - mean)), arb(0))
    t = _DEVIATIONS * n.sqrt()
    norms = sum((ball(k["factor"]) * (-ball(k["rate"]) * t ** ball(k["power"])).exp() for k in (low, high)), arb(0))
    flips = d * width_by_lemmas(b2, place.travel, 1).flips(ball(place.aspect))
    drift = (-ball(b2["failure_rate_rows"]) * n).exp() + (-ball(b2["failure_rate_flips"]) * flips).exp()
    return active + norms + drift


def _off_mean(p: Premises, d: arb, share: F, probability: F) -> arb:
    """P(Bin(d, probability) is below its mean by more than share d), at most."""
    binomial, x, mean = p.of(BINOMIAL), ball(probability - share), ball(probability)
    divergence = x * (x / mean).log() + (1 - x) * ((1 - x) / (1 - mean)).log()
    return ball(binomial["factor"]) * (-ball(binomial["rate"]) * d * divergence).exp()


def outgrows(p: Premises, place: Place, rule: Rule) -> bool:
    """Whether ||r_tau|| certainly exceeds misfit (1 - decrease)^tau at some tau, within reach, where ||r_0|| >= 1."""
    at, misfit, (step, decrease) = spectrum_at(p, place), ball(p["misfit"]).max(arb(1)), rule(place.ratio)
    change = step * at.drift * (2 * at.norm + at.drift)
    slowest = ((step * at.least - 1).max(1 - step * at.most) - change).lower()
    allowed = (1 - decrease).upper()
    if not slowest > 0 or not slowest > allowed:
        return False
    tau = 1 if not allowed > 0 else math.floor(float(misfit.log() / (slowest / allowed).log()) * 1.001) + 1
    travel = tau * step * (at.norm + at.drift) * misfit
    return bool(travel < ball(place.travel) and (tau * slowest.log()).exp() > misfit * allowed.max(arb(0)) ** tau)


def _violated(p: Premises, place: Place, rule: Rule) -> tuple[arb, arb] | None:
    """How often the statement is violated, at least, and how often it may be, at most; None where that is not seen."""
    often = ball(F(1, 2)) - failure_at(p, place, _ROWS)
    claimed = theorem_failure(p.constants, _ROWS, place.aspect * _ROWS)
    too_narrow = "aspect" in p.constants and _aspect(p) < 1
    premises = p.of(GRAM)["z_power"] == 2 and p.of(AVERAGED)["endpoint"] == 0
    visible = premises and (too_narrow or outgrows(p, place, rule))
    return (often, claimed) if visible and often > claimed else None


def _against_far_out(p: Premises, rule: Rule) -> Enclosed:
    """Refute what the descent far out, or fewer neurons than signals need, does not allow; else leave it open."""
    met = ((place, _violated(p, place, rule)) for place in places(p))
    place, chances = next((pair for pair in met if pair[1]), (places(p)[1], None))
    quantities = {"for all d/n from": ball(place.aspect)}
    margin = arb(0, _OPEN)
    if chances:
        quantities |= {"probability of a violation, at least": chances[0], "claimed failure, at most": chances[1]}
        margin = 1 - chances[0] / chances[1]
    return enclosed(
        quantities,
        [margin],
        "r_{t+1} = r_t - eta J_bar J_t^T r_t, ||r_0|| >= ||y|| where <V phi(W_0 z), y> <= 0, half the time as V and -V "
        "have one law. For all larger d at once, so no larger C helps. With fewer columns than rows V misses y almost "
        "surely.",
        exhausts=False,
    )


def printed_step_far_out(p: Premises) -> Enclosed:
    """The printed step and rate against the descent far out; the step is any number where ||y|| or nu set no scale."""

    def rule(ratio: arb) -> tuple[arb, arb]:
        step_rows, rate_rows = (1 + ball(p[name]) * ratio for name in ("step_rows", "rate_rows"))
        step = ball(p["eta_bar"]) * ball(p["step_factor"]) / step_rows
        scaled = p["y_power"] == 2 and p.given("nu")
        return step if scaled else arb(_ANY_STEP), ball(p["eta_bar"]) / (ball(p["rate_divisor"]) * rate_rows)

    with ctx.workprec(300):
        return _against_far_out(p, rule)


def inverse_beta_far_out(p: Premises) -> Enclosed:
    """Step and rate of the proof against the descent far out; another power leaves the step free, and no decrease."""

    def rule(ratio: arb) -> tuple[arb, arb]:
        if p["power"] != 2 or not p.given("nu"):
            return arb(_ANY_STEP), arb(0)
        wide = (1 + ball(p["deviation"]) * arb(0).union(ratio.upper().sqrt())) ** 2
        return ball(p["step"]) / wide, 1 / (ball(p["rate_divisor"]) * wide)

    with ctx.workprec(300):
        return _against_far_out(p, rule)


# tau = 0, by the exact law of the misfit: given the ReLU energy Y it is a scaled noncentral chi-square.

_PRACTICE = tuple({"n": n, "d": d} for n in (64, 784, 49152, 65536) for d in (10**4, 10**6, 10**9, 10**12))
_MET = tuple({"n": n, "d": 5 * 10**15 * n} for n in (1, 4, 16, 64, 256))
_SPREAD = F(1, 1000)
"""Y lies within this share of d about d/2, but for `_energy_off`."""


def start_exceeds(case: Case, c: Constants) -> Sides:
    """P(||r_0|| > misfit ||y||) against the claimed failure."""
    rows, width = int(case["n"]), int(case["d"])
    with ctx.workprec(400):
        limit = theorem_failure(c, rows, width)
        if F(c["misfit"]) < 1:  # ||r_0|| >= ||y|| half the time
            return Sides(ball(F(1, 2)).union(arb(1)), limit)
        off = _energy_off(width)
        low, high = (_misfit_above(rows, F(c["misfit"]), F(1, 2) + side) for side in (-_SPREAD, _SPREAD))
        return Sides((low * (1 - off)).union((high + off).min(arb(1))), limit)


def _energy_off(width: int) -> arb:
    """How often |Y - d/2| > d/1000, at most: E e^{tY} = (1/2 + (1 - 2t)^{-1/2}/2)^d, t = +-1/1250."""
    half, t = ball(F(1, 2)), ball(_SPREAD * F(4, 5))
    above = t * (half + ball(_SPREAD)) - (half + half / (1 - 2 * t).sqrt()).log()
    below = -t * (half - ball(_SPREAD)) - (half + half / (1 + 2 * t).sqrt()).log()
    return ((-above * width).exp() + (-below * width).exp()).min(arb(1))


_MOST_ROWS = 1000
"""Beyond these the sum is long, and nothing is said."""


@lru_cache(maxsize=1024)
def _misfit_above(rows: int, misfit: F, energy: F) -> arb:
    """P(||sqrt(energy/n) g - y|| > misfit), ||y|| = 1: growing in energy where misfit >= 1. A mixture of chi-squares."""
    if rows > _MOST_ROWS:
        return arb(0).union(arb(1))
    mean, level = ball(F(rows) / (2 * energy)), ball(misfit**2 * rows / (2 * energy))
    last = math.ceil(rows / (2 * float(energy)) + 20 * math.sqrt(rows / (2 * float(energy))) + 2 * rows + 40)
    weight, total = (-mean).exp(), arb(0)
    for j in range(last):
        total += weight * level.gamma_upper(ball(F(rows, 2) + j), regularized=1)
        weight = weight * mean / (j + 1)
    return total.union(total + 1 - mean.gamma_upper(ball(last), regularized=1))


def start_says_something(case: Case, c: Constants) -> bool:
    """Whether the claimed failure is below 1."""
    return bool(theorem_failure(c, int(case["n"]), int(case["d"])) < 1)


# The statements.


def _source(label: str, equation: str = "", page: int = 5, reading: str = "") -> Source:
    return Source("vanveen18", label, equation, page, reading)


_READING = "step and rate are read from damaged text; they agree with each other through alpha = ||y||/(4 sqrt n)"
_SAYS = f"every eta_bar <= $eta_bar and eta = (eta_bar/||y||^$y_power) ${{step_factor:factor}}nd/(${{step_rows:factor}}n + d) the misfit is at most ${{misfit:factor}}(1 - eta_bar d/(${{rate_divisor:factor}}(${{rate_rows:factor}}n + d)))^tau ||y|| for all tau, with probability at least 1 - {FAILURE_SAYS}."
_TEX = r"\eta=\tfrac{\bar\eta}{\|y\|^{$y_power}}\tfrac{${step_factor:factor}nd}{${step_rows:factor}n+d},\ \bar\eta\le ${eta_bar}:\ \|V\phi(W_\tau z)-y\|\le ${misfit:factor}\Big(1-\bar\eta\tfrac{d}{${rate_divisor:factor}(${rate_rows:factor}n+d)}\Big)^\tau\|y\|"
_FORM: dict[str, Constant] = {
    "y_power": Constant(2),
    "step_factor": Constant(8),
    "step_rows": Constant(4),
    "misfit": Constant(3, "down"),
    "rate_divisor": Constant(8, "down"),
    "rate_rows": Constant(4, "down"),
    **FAILURE,
}
_ASPECT = Constant(43 * 10**14, "down")
_FAR_NEEDS = (B2, GRAM, SIGMA, AVERAGED, LARGEST, LOWEST, BINOMIAL)
CHAIN_NEEDS = (B1, B3, B4, META, ALPHA_R, GRADIENT, *_FAR_NEEDS)


def _with_width(
    claim_id: str,
    source: Source,
    texts: tuple[str, str],
    constants: dict[str, Constant],
    needs: tuple[str, ...],
    proofs: tuple[Proof, ...],
    controls: tuple[Control, ...],
) -> Claim:
    """Theorem 4.1 from an explicit width on."""
    return Claim(
        id=claim_id,
        source=source,
        says=texts[0],
        tex=texts[1],
        refuted_by="a step that the linear descent far out does not allow, a misfit at the start that is exceeded too often, or d < n",
        domain={"n": Range(1, 10**9), "d/n": Range("aspect", 1e60, False, True)},
        hypotheses=(WIDTH_PREMISE, NU),
        constants={"aspect": _ASPECT, **constants},
        needs=needs,
        reads=(WIDTH,),
        proofs=proofs,
        exact=ExactRoute(_PRACTICE + _MET, start_exceeds, informative=start_says_something, compares=FAILURE_SIDES),
        controls=(
            *controls,
            Control("misfit_1.8", {"misfit": F(18, 10)}),
            Control("rows_rate_4", {"rows_rate": 4}),
            Control("any_width", {}, ("width",)),
            Control("any_nu", {}, ("nu",)),
        ),
        version=2,
    )


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="vanveen18.thm41.printed",
        source=_source("Theorem 4.1", "eta = (eta_bar/||y||^2) 8nd/(4n + d), eta_bar <= 1", 5, _READING),
        says=f"There is C such that for d >= C n, {_SAYS}",
        tex=_TEX,
        refuted_by="for every C a d >= C n, an eta_bar and a tau at which the misfit exceeds the bound more often than claimed",
        domain={"n": Range(1, 10**9), "d/n": Range(1, 1e60, False, True)},
        hypotheses=(NU,),
        constants={
            "C": Constant("some C", kind="universal", says="a fixed numerical constant, not named in the statement"),
            "eta_bar": Constant(1, "up"),
            **_FORM,
        },
        needs=_FAR_NEEDS,
        reads=(WIDTH, ALPHA_R),
        proofs=(printed_step_far_out,),
        controls=(Control("eta_bar_2", {"eta_bar": 2}),),
        version=2,
    ),
    _with_width(
        "vanveen18.thm41.proof",
        _source("Theorem 4.1 by its proof", "eta = 1/beta^2", 18),
        (
            f"For d >= $aspect n and eta = ${{step:factor}}dn/((sqrt d + ${{deviation:factor}}sqrt n)||y||)^$power the misfit is at most ${{misfit:factor}}(1 - d/(${{rate_divisor:factor}}(sqrt d + ${{deviation:factor}}sqrt n)^$power))^tau ||y|| for all tau, with probability at least 1 - {FAILURE_SAYS}.",
            r"\eta=${step:factor}\tfrac{dn}{(\sqrt d+${deviation:factor}\sqrt n)^{$power}\|y\|^{$power}}:\ \|V\phi(W_\tau z)-y\|\le ${misfit:factor}\Big(1-\tfrac{d}{${rate_divisor:factor}(\sqrt d+${deviation:factor}\sqrt n)^{$power}}\Big)^\tau\|y\|",
        ),
        {
            "step": Constant(1, "up"),
            "deviation": Constant(2, "down"),
            "power": Constant(2),
            "misfit": Constant(3, "down"),
            "rate_divisor": Constant(64, "down"),
            **FAILURE,
        },
        CHAIN_NEEDS,
        (chain_with_inverse_beta, inverse_beta_far_out),
        (
            Control("rate_divisor_1.9", {"rate_divisor": F(19, 10)}),
            Control("step_4", {"step": 4}),
            Control("power_2.01", {"power": F(201, 100)}),
        ),
    ),
    _with_width(
        CORRECTED,
        _source("Theorem 4.1 with eta_bar <= 1/16", "", 5, "step and rate as in vanveen18.thm41.printed"),
        (f"For d >= $aspect n, {_SAYS}", rf"d\ge $aspect\,n,\ {_TEX}"),
        {"eta_bar": Constant(F(1, 16), "up"), **_FORM},
        (*CHAIN_NEEDS, BETA),
        (chain_with_printed_step, printed_step_far_out),
        (
            Control("eta_bar_0.49", {"eta_bar": F(49, 100)}),
            Control("rate_divisor_0.24", {"rate_divisor": F(24, 100)}),
            Control("y_power_2.01", {"y_power": F(201, 100)}),
        ),
    ),
)
