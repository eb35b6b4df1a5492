"""The papers' conditions held against what was measured: evidence for each, judged as every claim is."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import beta, chi2

from untrained.sims.ntk.spectrum import Bounds
from untrained.theory.evidence import Compared, Evidence, Exact, Searched
from untrained.theory.verdict import Status, Verdict, judge

INTERVAL_LEVEL = 0.05
"""How often the interval of a comparison misses."""
_ENDS = INTERVAL_LEVEL / 2, 1 - INTERVAL_LEVEL / 2


@dataclass(frozen=True)
class Condition:
    """One condition: what it says and rests on (`source`), what it needs, what the network has, the verdict on it, and
    what that means in a sentence. The margin is in units of the bound.
    """

    name: str
    source: str
    says: str
    needs: str
    has: str
    verdict: Verdict
    means: str


def _number(value: float) -> str:
    return f"{value:.3g}"


def _least(margins: Mapping[str, float], key: str) -> tuple[float, dict[str, str]]:
    """The least margin with the case where it was met; not a number counts as least."""
    name = min(margins, key=lambda one: -math.inf if math.isnan(margins[one]) else margins[one])
    return margins[name], {key: name}


def searched(margins: Mapping[str, float], key: str, *, informative: int | None = None) -> Searched:
    """Evidence from cases tried: a margin for each, by name; none at all says nothing."""
    if not margins:
        return Searched(0, 0, 0, math.inf, {})
    margin, worst = _least(margins, key)
    count = len(margins) if informative is None else informative
    return Searched(len(margins), len(margins), count, margin, worst)


def negated(margins: Mapping[str, float], key: str) -> dict[str, list[Evidence]]:
    """The false sibling that says the opposite of the statement in every case."""
    return {"opposite": [searched({name: -margin for name, margin in margins.items()}, key)]}


def full_rank(values: Mapping[str, Bounds], floors: Mapping[str, float], weights: int, n: int) -> Condition:
    """A1: sigma_min(J(theta_0)) = 2 alpha > 0, from the least eigenvalue of J J^T of each seed."""
    says = "A1: sigma_min(J(theta_0)) >= 2 alpha for some alpha > 0"
    needs = f"sigma_min > {_number(math.sqrt(max(floors.values())))} (rounding)"
    has = _spread(values.values())
    if weights < n:
        evidence: list[Evidence] = [Exact(1, 1, -1.0, {"weights": weights, "n": n}, "fewer weights than outputs")]
        return _judged("A1", _B5, says, f"{n} weights", f"{weights} weights", evidence, {}, _A1)
    sure = {s: b.low / floors[s] - 1 for s, b in values.items() if b.low > floors[s]}
    open_ = len(values) - len(sure)
    margin, worst = _least(sure, "seed") if sure else (math.nan, {})
    evidence = [Exact(len(values), len(sure), margin, worst, "eigenvalues of J J^T", undecided=open_)]
    false = {"as large as the largest": [Exact(1, 1, -1.0, {"seed": next(iter(values))}, "sigma_min < sigma_max")]}
    return _judged("A1", _B5, says, needs, has, evidence, false, _A1)


def _spread(values: Collection[Bounds]) -> str:
    """The singular values of several starts, or their error bars where these are wide."""
    wide = any(b.high - b.low > 1e-3 * b.value for b in values)
    ends = [(b.low, b.high) if wide else (b.value, b.value) for b in values]
    low, high = (math.sqrt(max(end, 0)) for end in (min(a for a, _ in ends), max(b for _, b in ends)))
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


_B5 = "vanveen18 Theorem B.5"
_A1: dict[Status, str] = {
    "REFUTED": "descent cannot fit every target: some directions of the output do not move at all",
    "INCONCLUSIVE": "the smallest singular value cannot be told from zero: in practice some directions never move",
    "SUPPORTED": "near its start the network can move its output in every direction",
}


def near_start(
    changes: Mapping[str, float], bound: float, radius: float, nearest: float | None, further: Mapping[str, float]
) -> Condition:
    """A2: ||J(theta) - J(theta_0)|| <= alpha/3 within R, attacked: `changes` are by name of the perturbation.

    `nearest` is the least distance at which the bound was passed, None where it never was; `further` what the same
    attacks found a thousand times further out, which ought to be too much for any network that is not linear.
    """
    says = "A2: ||J(theta) - J(theta_0)|| <= alpha/3 for all theta within R = 5||r_0||/alpha"
    margins = {name: 1 - change / bound if bound > 0 else -math.inf for name, change in changes.items()}
    false = {"a thousand times further": [searched({k: 1 - v / bound for k, v in further.items()}, "attack")]}
    share = "" if nearest is None else f", passed at {_number(nearest / radius)} R"
    return _judged(
        "A2", _B5, says, f"<= {_number(bound)} within {_number(radius)}",
        f">= {_number(max(changes.values()))}{share}", [searched(margins, "attack")], false if further else {}, _A2,
    )  # fmt: skip


_A2: dict[Status, str] = {
    "REFUTED": "the Jacobian changes too much inside the ball: the theorem does not cover this network",
    "SUPPORTED": "no attack broke it, which is no proof",
    "CONSISTENT": "no attack moved the Jacobian enough to tell anything",
}


def bounded(beta: float, largest: float, *, proved: bool) -> Condition:
    """A3: ||J(theta)|| <= beta everywhere; `largest` is the largest norm met, `proved` where beta has a closed form."""
    says = "A3: ||J(theta)|| <= beta for all theta"
    margin = 1 - largest / (beta * (1 + 1e-12))  # the bound is attained, up to rounding
    if proved:
        evidence: list[Evidence] = [Exact(1, 1, margin, {"largest met": largest}, "beta = ||V|| ||z||", exhausts=True)]
        false: dict[str, list[Evidence]] = {"half of it": [Exact(1, 1, -1.0, {"at": "all neurons on"})]}
    else:
        evidence, false = [searched({"largest met": margin}, "where")], {"half of it": [searched({"": -1.0}, "where")]}
    needs, has = ("<= ||V|| ||z||" if proved else "some beta"), f"{_number(largest)} met, beta = {_number(beta)}"
    return _judged("A3", _B5, says, needs, has, evidence, false, _A3, fitted=not proved)


_A3: dict[Status, str] = {
    "PROVED": "the step 1/beta^2 is safe",
    "CONSISTENT": "beta is the largest norm met; no bound that holds everywhere is known for this network",
    "REFUTED": "the norm of the Jacobian passes the closed form, so the network is not what it was taken for",
}


def promised(margins: Mapping[str, float], decrement: float, real_loss: float, *, covered: bool) -> Condition:
    """The promise of Theorem B.5 on a real descent: 1 - misfit/misfit allowed at each step.

    `decrement` is eta alpha^2/4, what the misfit is promised to lose a step, and `real_loss` what it lost.
    """
    says = "rate: with eta = 1/beta^2, beta >= ||J|| on the path, the misfit shrinks by 1 - eta alpha^2/4 a step"
    said = len(margins) if decrement * len(margins) > SAYS else 0
    has = f"loses {_number(real_loss)} a step"
    means = (
        dict(_RATE) if covered else {**_RATE, "SUPPORTED": "descent is as fast as promised, though A2 does not hold"}
    )
    evidence = [searched(margins, "step", informative=said)]
    return _judged("rate", _B5, says, f">= {_number(decrement)} a step", has, evidence, negated(margins, "step"), means)


SAYS = 1e-3
"""A promise of less than this share of the misfit over a whole run says nothing."""
_RATE: dict[Status, str] = {
    "SUPPORTED": "descent is as fast as promised",
    "VACUOUS": "the promise is so slow that it says nothing",
    "REFUTED": "descent is slower than the theorem would have it",
    "INCONCLUSIVE": "the run ended too early to tell",
}


def wide(d: int, n: int, constant: float) -> Condition:
    """The width of Theorem 4.1, for the two-layer generator: d >= C n."""
    case = {"d": d, "n": n}
    evidence: list[Evidence] = [Exact(1, 1, d / (constant * n) - 1, case, exhausts=True)]
    false: dict[str, list[Evidence]] = {"d >= d + 1": [Exact(1, 1, -1 / (d + 1), case)]}
    says = "width: d >= C n"
    return _judged("width", "vanveen18 Theorem 4.1", says, f">= {constant * n:.3g}", str(d), evidence, false, _WIDE)


_WIDE: dict[Status, str] = {
    "PROVED": "the theorem covers this width",
    "REFUTED": "the theorem asks for a width that no machine holds",
}


def low_dimension(rank: int, m: int, witness: float | None, *, exact: bool = True) -> Condition:
    """The range against the measurements: with fewer measurements than its dimension A cannot keep differences apart.

    `witness` is the least ||A d||^2/||d||^2 found along a move that A does not see. Where `rank` is a lower bound only
    (not `exact`), it can refute and not support.
    """
    says = "dimension: a map from a range of dimension p to m < p measurements has no RIP on differences"
    case = {"p": rank, "m": m, "least ratio": witness}
    certain = exact or rank > m
    evidence: list[Evidence] = [Exact(1, int(certain), (m - rank) / m, case, "rank of J", undecided=int(not certain))]
    false: dict[str, list[Evidence]] = {"m = p - 1": [Exact(1, 1, -1 / max(rank - 1, 1), {"p": rank, "m": rank - 1})]}
    has = f"p {'=' if exact else '>='} {rank}"
    return _judged("dimension", "jagatap19 Theorem 1", says, f"p <= {m}", has, evidence, false, _DIMENSION)


_DIMENSION: dict[Status, str] = {
    "REFUTED": "images that differ look the same through A: only the bias of the network, not an RIP, can recover",
    "SUPPORTED": "A can be one-to-one on the range near theta_0",
    "INCONCLUSIVE": "only a lower bound on the dimension is known, and it is not above m",
}


def restricted_isometry(ratios: Mapping[str, tuple[float, float]]) -> Condition:
    """RIP on S - S with beta < 2 gamma: least and largest ||A d||^2/||d||^2 over differences, by kind."""
    says = "RIP: gamma ||d||^2 <= ||A d||^2 <= beta ||d||^2 on differences of outputs, with beta < 2 gamma"
    gamma, beta = min(low for low, _ in ratios.values()), max(high for _, high in ratios.values())
    margins = {"all differences": (2 * gamma - beta) / beta}
    has = f"gamma <= {_number(gamma)}, beta >= {_number(beta)}"
    evidence = [searched(margins, "over")]
    return _judged("RIP", "jagatap19 Theorem 1", says, "beta < 2 gamma", has, evidence, {}, _RIP)


_RIP: dict[Status, str] = {
    "REFUTED": "the contraction of projected descent (Net-PGD) is not covered on this range",
    "CONSISTENT": "no pair of outputs breaks it, which is no proof: the ratios bound the constants from one side only",
}


def image_first(name: str, what: str, times: Mapping[str, tuple[float, float]]) -> Condition:
    """Structural bias: (fit time of a picture, of noise of its norm) by case, predicted or seen; infinite is never.

    Times are whole steps: twice as long must be so wherever within their last step the two were done.
    """
    says = f"{name}: {what} fitted in half the time that noise of the same norm takes"
    decided = {case: pair for case, pair in times.items() if min(pair) < math.inf}
    unsure = {case: pair for case, pair in decided.items() if _sooner(*pair) >= 0 > _sooner(pair[0], pair[1] - 1)}
    margins = {case: _sooner(*pair) for case, pair in decided.items() if case not in unsure}
    evidence: list[Evidence] = [searched(margins, "case")]
    false = negated(margins, "case")
    if unsure:
        worst = {"case": next(iter(unsure))}
        evidence.append(Exact(len(unsure), 0, 0.0, worst, "fit times in whole steps", undecided=len(unsure)))
    return _judged(name, "heckel20a, denoising", says, "noise takes 2 times", _slowest(decided), evidence, false, _BIAS)


FACTOR = 2
"""How much longer noise must take."""


def _sooner(image: float, noise: float) -> float:
    """1 - 2 t_image/t_noise."""
    return 1 - FACTOR * image / noise if image < math.inf and noise > 0 else -math.inf


def _slowest(times: Mapping[str, tuple[float, float]]) -> str:
    if not times:
        return "no fit"
    factor, sense = (
        min(noise / image for image, noise in times.values()),
        sum(b >= FACTOR * a for a, b in times.values()),
    )
    least = "never done" if math.isinf(factor) else f"{_number(factor)} times at least"
    return f"{least}; twice in {sense} of {len(times)} cases"


_BIAS: dict[Status, str] = {
    "SUPPORTED": "stopping in time keeps the picture and leaves the noise",
    "REFUTED": "some of them are fitted about as slowly as noise: there the network has no bias",
    "INCONCLUSIVE": "times of so few steps do not tell twice as long from less",
    "VACUOUS": "neither pictures nor noise were fitted within the steps counted",
}


def denoises(error: float, noise: float, n: int) -> Condition:
    """Early stopping on a real run: the least error ||f_t - x|| against the norm of the noise on n entries.

    The interval is that of the noise's energy, n entries of equal variance: what chance in the noise may do to a gain.
    """
    says = "denoising: at its best step the fit of a noisy picture is nearer to the truth than the noisy picture"
    ratio = (error / noise) ** 2
    low, high = (ratio * float(chi2.ppf(p, n)) / n for p in _ENDS)
    comparison = Compared({"run": "real fit"}, ratio, low, high, "<", 1.0, INTERVAL_LEVEL, n)
    evidence: list[Evidence] = [comparison]
    false: dict[str, list[Evidence]] = {"opposite": [comparison.opposite()]}
    has = f"{-10 * math.log10(ratio):+.1f} dB" if ratio > 0 else "+inf dB"
    return _judged("denoising", "heckel20a, denoising", says, "> 0 dB", has, evidence, false, _DENOISES)


_DENOISES: dict[Status, str] = {
    "SUPPORTED": "descent that is stopped in time denoises",
    "INCONCLUSIVE": "the gain is no larger than what chance in the noise may do",
    "REFUTED": "in these steps descent did not come nearer to the truth than the noisy picture is",
}


def recovers(error: float, baseline: float, m: int, n: int) -> Condition:
    """Compressed sensing on a real run: its error against that of the least-norm image A^T (A A^T)^-1 y.

    The interval is that of the least-norm image's own error, which is the share of an image that m random measurements
    of n pixels miss, Beta((n - m)/2, m/2) in energy: what chance in A may do to a gain.
    """
    says = "sensing: descent on ||A f - y||^2 comes nearer to the image than the interpolant of least norm"
    ratio = (error / baseline) ** 2 if baseline > 0 and not math.isnan(error) else math.inf
    law = beta((n - m) / 2, m / 2) if m < n else None
    high, low = (ratio * (float(law.mean() / law.ppf(p)) if law else 1.0) for p in _ENDS)
    comparison = Compared({"run": "real fit"}, ratio, low, high, "<", 1.0, INTERVAL_LEVEL, m)
    false: dict[str, list[Evidence]] = {"opposite": [comparison.opposite()]}
    has = f"{_number(error)} of ||x||"
    needs = f"< {_number(baseline)} of ||x||"
    return _judged("sensing", "heckel20b, recovery", says, needs, has, [comparison], false, _RECOVERS)


_RECOVERS: dict[Status, str] = {
    "SUPPORTED": "the prior adds to the measurements",
    "INCONCLUSIVE": "the error differs by no more than what chance in the measurements may do",
    "REFUTED": "in these steps the prior added nothing to the measurements",
}


def _judged(
    name: str,
    source: str,
    says: str,
    needs: str,
    has: str,
    evidence: Sequence[Evidence],
    controls: Mapping[str, Sequence[Evidence]],
    means: Mapping[Status, str],
    *,
    fitted: bool = False,
) -> Condition:
    verdict = judge(evidence, controls, fitted=fitted)
    return Condition(name, source, says, needs, has, verdict, means.get(verdict.status, verdict.why))
