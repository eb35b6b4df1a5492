"""Sentences of the paper that numbers can judge, as data, and their judgement by intervals over images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from untrained.theory.evidence import Compared
from untrained.theory.verdict import Status, judge

Scores = Mapping[tuple[str, Any], Mapping[int, float]]
"""MSE, or PSNR for a sentence about it, by image, for each (label, setup) that was run."""

HOLDS, FAILS, OPEN, NOT_RUN = "holds", "fails", "undecided", "not run"
"""What a sentence can come out as; `undecided` where the intervals allow both."""
VERDICT_WORDS: Mapping[Status, str] = {"SUPPORTED": HOLDS, "REFUTED": FAILS, "UNTESTED": NOT_RUN}
"""What the judge's verdicts are called here; every other one is undecided."""
_LEVEL = 0.05
"""How often a sentence is judged wrongly, at most: it is split over the comparisons that a sentence takes."""


@dataclass(frozen=True)
class SentenceVerdict:
    """How a sentence came out, and by which numbers in words."""

    verdict: str
    numbers: str


@dataclass(frozen=True)
class Lower:
    """The mean MSE of `label` is below 1/factor of that of each of `than`, in at least a `share` of the setups.

    `between` restricts the setups to axis values within, ends included.
    """

    says: str
    label: str
    than: tuple[str, ...]
    between: tuple[float, float] | None = None
    factor: float = 1.0
    share: float = 1.0


@dataclass(frozen=True)
class Higher:
    """The mean PSNR of `label` is above that of each of `than` by more than `by` dB, in every setup."""

    says: str
    label: str
    than: tuple[str, ...]
    by: float = 0.0


@dataclass(frozen=True)
class Saturates:
    """From the setup at `after` to the last one, the mean MSE of `label` falls by less than `most` of itself."""

    says: str
    label: str
    after: float
    most: float = 0.25


@dataclass(frozen=True)
class GainGrows:
    """The gain of `label` over `plain` (1 less the ratio of MSEs, image by image) is larger at `more` than at `less`.

    `of` names the number of a setup that is compared, "m" or "variance"; the gain is averaged over all setups with that
    value.
    """

    says: str
    label: str
    plain: str
    of: str
    more: float
    less: float


Statement = Lower | Higher | Saturates | GainGrows


def judge_sentence(statement: Statement, scores: Scores, axis: str) -> SentenceVerdict:
    """Judge a sentence of the paper by the scores of images.

    `axis` names the number of a setup that `between` and `after` mean.
    """
    judges: dict[type, Any] = {Lower: _lower, Higher: _higher, Saturates: _saturates, GainGrows: _gain_grows}
    return judges[type(statement)](statement, scores, axis)


def paired(scores: Scores, first: tuple[str, Any], second: tuple[str, Any]) -> tuple[list[float], list[float]]:
    """Return the MSEs of two runs on the images that both have."""
    a, b = scores.get(first, {}), scores.get(second, {})
    images = sorted(a.keys() & b.keys())
    return [a[i] for i in images], [b[i] for i in images]


def _setups(scores: Scores) -> list[Any]:
    return list(dict.fromkeys(setup for _, setup in scores))


def _lower(claim: Lower, scores: Scores, axis: str) -> SentenceVerdict:
    low, high = claim.between or (-inf, inf)
    setups = [s for s in _setups(scores) if low <= (getattr(s, axis) or 0) <= high]
    pairs = [paired(scores, (claim.label, s), (other, s)) for s in setups for other in claim.than]
    pairs = [pair for pair in pairs if pair[0]]
    if not pairs:
        return SentenceVerdict(NOT_RUN, "no setup has both")
    verdicts = [verdict_of(ratio(a, b, "<", 1 / claim.factor, _LEVEL / len(pairs))) for a, b in pairs]
    counts = {verdict: verdicts.count(verdict) for verdict in (HOLDS, OPEN, FAILS)}
    numbers = f"of {len(pairs)} comparisons {counts[HOLDS]} hold, {counts[FAILS]} fail, {counts[OPEN]} are undecided"
    return SentenceVerdict(_share(counts, claim.share), numbers)


def _higher(claim: Higher, scores: Scores, axis: str) -> SentenceVerdict:
    pairs = [paired(scores, (claim.label, s), (other, s)) for s in _setups(scores) for other in claim.than]
    gains = [[x - y for x, y in zip(*pair, strict=True)] for pair in pairs if pair[0]]
    if not gains:
        return SentenceVerdict(NOT_RUN, "no setup has both")
    verdicts = [verdict_of(_above_zero([g - claim.by for g in each], _LEVEL / len(gains))) for each in gains]
    counts = {verdict: verdicts.count(verdict) for verdict in (HOLDS, OPEN, FAILS)}
    means = ", ".join(f"{sum(each) / len(each):+.2f} dB" for each in gains)
    return SentenceVerdict(_share(counts, 1.0), f"{means} over {min(map(len, gains))} images")


def ratio(
    a: Sequence[float], b: Sequence[float], sense: Literal["<", ">"], limit: float, level: float = _LEVEL
) -> Compared:
    """Compare mean(a)/mean(b) with a limit, by Fieller's interval that errs with probability `level`."""
    from untrained.sims.images.scores import ratio_interval

    estimate, low, high = ratio_interval(a, b, 1 - level) if len(a) > 1 else (a[0] / b[0] if b[0] else inf, -inf, inf)
    return Compared({}, estimate, low, high, sense, limit, level, len(a))


def verdict_of(comparison: Compared) -> str:
    """The one judge's verdict on a comparison, in the words of the record; its opposite is the negative control."""
    verdict = judge([comparison], {"the opposite": [comparison.opposite()]}, {})
    return VERDICT_WORDS.get(verdict.status, OPEN)


def _share(counts: Mapping[str, int], least: float) -> str:
    total = sum(counts.values())
    if counts[HOLDS] >= least * total:
        return HOLDS
    return FAILS if counts[HOLDS] + counts[OPEN] < least * total else OPEN


def _saturates(claim: Saturates, scores: Scores, axis: str) -> SentenceVerdict:
    at = {getattr(s, axis): s for label, s in scores if label == claim.label}
    last = max(at, default=claim.after)
    if claim.after not in at or last == claim.after:
        return SentenceVerdict(NOT_RUN, "the setups were not run")
    a, b = paired(scores, (claim.label, at[last]), (claim.label, at[claim.after]))
    if not a:
        return SentenceVerdict(NOT_RUN, "no image was recovered in both setups")
    verdict = verdict_of(ratio(a, b, ">", 1 - claim.most))
    fall = 100 * (1 - sum(a) / sum(b)) if sum(b) else 0.0
    return SentenceVerdict(verdict, f"from {claim.after:g} to {last:g} the MSE falls by {fall:.0f} %")


def _gain_grows(claim: GainGrows, scores: Scores, axis: str) -> SentenceVerdict:
    more, less = (_mean_gains(claim, scores, value) for value in (claim.more, claim.less))
    images = sorted(more.keys() & less.keys())
    if not images:
        return SentenceVerdict(NOT_RUN, "no setup has both")
    means = [100 * sum(g[i] for i in images) / len(images) for g in (more, less)]
    numbers = f"{means[0]:.1f} % at {claim.more:g} against {means[1]:.1f} % at {claim.less:g}"
    return SentenceVerdict(verdict_of(_above_zero([more[i] - less[i] for i in images])), numbers)


def _above_zero(values: Sequence[float], level: float = _LEVEL) -> Compared:
    from untrained.sims.images.scores import mean_interval

    mean, low, high = mean_interval(values, 1 - level) if len(values) > 1 else (values[0], -inf, inf)
    return Compared({}, mean, low, high, ">", 0.0, level, len(values))


def _mean_gains(claim: GainGrows, scores: Scores, value: float) -> dict[int, float]:
    """Gain of each image that was recovered in every setup with this value, averaged over these."""
    setups = [s for s in _setups(scores) if getattr(s, claim.of) == value]
    tables = [_gains(scores.get((claim.label, s), {}), scores.get((claim.plain, s), {})) for s in setups]
    shared = set.intersection(*(set(t) for t in tables)) if tables else set()
    return {i: sum(t[i] for t in tables) / len(tables) for i in shared}


def _gains(learned: Mapping[int, float], plain: Mapping[int, float]) -> dict[int, float]:
    return {i: 1 - learned[i] / plain[i] for i in learned.keys() & plain.keys() if plain[i]}
