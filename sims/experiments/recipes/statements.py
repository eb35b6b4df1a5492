"""Sentences of the paper that numbers can judge, as data, and their judgement by intervals over images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil, inf
from typing import Any, Literal

from untrained.sims.experiments.recipes.comparisons import (
    FAILS,
    HOLDS,
    NOT_RUN,
    OPEN,
    Arm,
    Comparison,
    GainDifference,
    Levels,
    Look,
    MeanDifference,
    Ratio,
    Scores,
    judge_by_looks,
)

_LEVEL = 0.05
"""How often a sentence is judged wrongly, at most."""


@dataclass(frozen=True)
class SentenceVerdict:
    """How a sentence came out, by which numbers in words, and how each of its comparisons stands."""

    verdict: str
    numbers: str
    looks: tuple[Look, ...] = field(default=(), compare=False)


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
class Alike:
    """The mean MSE of `label` is that of each of `than` up to a factor of 1 + `by`, in every setup."""

    says: str
    label: str
    than: tuple[str, ...]
    by: float


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
    value, of those whose other number is `within`, ends included.
    """

    says: str
    label: str
    plain: str
    of: Literal["m", "variance"]
    more: float
    less: float
    within: tuple[float, float] | None = None


Statement = Lower | Alike | Higher | Saturates | GainGrows


def comparisons_of(statement: Statement, arms: Sequence[Arm], axis: str) -> list[Comparison]:
    """Return everything that a sentence compares, of what a recipe runs: pairs of label and setup.

    `axis` names the number of a setup that `between` and `after` mean.
    """
    makers: dict[type, Any] = {
        Lower: _lower, Alike: _alike, Higher: _higher, Saturates: _saturates, GainGrows: _gain_grows,
    }  # fmt: skip
    comparisons: list[Comparison] = makers[type(statement)](statement, tuple(dict.fromkeys(arms)), axis)
    return comparisons


def share_of(statement: Statement) -> float:
    """The share of its comparisons that must hold for a sentence to hold."""
    return statement.share if isinstance(statement, Lower) else 1.0


def least_of(comparisons: Sequence[Any], share: float) -> int:
    """How many of the comparisons must hold for a sentence to hold."""
    return ceil(share * len(comparisons) - 1e-9)


def levels_of(comparisons: Sequence[Comparison], share: float) -> Levels:
    """How often each comparison of a sentence, run or not, may be judged wrongly, so that the sentence is in 5 %.

    Where u of k must hold, a sentence that is false has f >= k - u + 1 comparisons that do not, and is found to hold
    only if f - (k - u) of these are judged wrongly: by Markov's inequality with a probability of at most f times the
    level over f - (k - u), which is largest where f is least. A sentence that is true is found to fail in the same
    way, with k - u + 1 in the place of u. Two bounds on the same runs are judged by one interval, and count once.

    Source: Benjamini & Heller, Screening for partial conjunction hypotheses, Biometrics 64, 2008 (Bonferroni's bound).
    """
    count, least = max(1, len(comparisons)), max(1, least_of(comparisons, share))
    runs = max(1, len({one.arms for one in comparisons}))
    return Levels(holds=_LEVEL / (count - least + 1), fails=_LEVEL / min(least, runs))


def judge_sentence(
    statement: Statement, scores: Scores, axis: str, arms: Sequence[Arm] | None = None
) -> SentenceVerdict:
    """Judge a sentence of the paper by the scores of images, at the looks that are stated before.

    `axis` names the number of a setup that `between` and `after` mean; `arms` is what the recipe runs, by default
    what has scores: a comparison without any is undecided.
    """
    comparisons = comparisons_of(statement, list(scores) if arms is None else arms, axis)
    levels = levels_of(comparisons, share_of(statement))
    looks = tuple(judge_by_looks(one, scores, levels) for one in comparisons)
    if not any(one.images for one in looks):
        return SentenceVerdict(NOT_RUN, "no setup has both", looks)
    verdict = SentenceVerdict(verdict_by_share(looks, share_of(statement)), "", looks)
    return replace(verdict, numbers=_numbers(looks, telling_look(verdict)))


def verdict_by_share(looks: Sequence[Look], share: float) -> str:
    """What a sentence comes out as whose comparisons stand so, where a share of them must hold."""
    least = least_of(looks, share)
    holding, failing = (sum(one.verdict == word for one in looks) for word in (HOLDS, FAILS))
    if holding >= least:
        return HOLDS
    return FAILS if len(looks) - failing < least else OPEN


def telling_look(verdict: SentenceVerdict) -> Look | None:
    """The look that says most about a verdict: of those that came out like it, the one that was hardest to tell."""
    likely = [one for one in verdict.looks if one.compared is not None and verdict.verdict in (one.verdict, OPEN)]
    return min(likely, key=_clearness, default=None)


def _numbers(looks: Sequence[Look], telling: Look | None) -> str:
    """How many comparisons stand how, and the interval of one of them."""
    if len(looks) == 1:
        return looks[0].in_words()
    counts = {word: sum(one.verdict == word for one in looks) for word in (HOLDS, FAILS)}
    left = len(looks) - sum(counts.values())
    words = f"of {len(looks)} comparisons {counts[HOLDS]} hold, {counts[FAILS]} fail, {left} are undecided"
    return f"{words}; {telling.in_words()}" if telling else words


def _clearness(one: Look) -> float:
    """How far an interval lies from the limit, in its own lengths; least where it decides least."""
    interval = one.compared
    if interval is None or not interval.high - interval.low < inf:
        return -inf
    outside = max(interval.low - interval.limit, interval.limit - interval.high)
    return outside / (interval.high - interval.low or 1.0)


def _setups(arms: Sequence[Arm], *labels: str) -> list[Any]:
    """The setups in which all of these are run."""
    setups = dict.fromkeys(setup for _, setup in arms)
    return [setup for setup in setups if all((label, setup) in arms for label in labels)]


def _lower(claim: Lower, arms: Sequence[Arm], axis: str) -> list[Comparison]:
    low, high = claim.between or (-inf, inf)
    return [
        Ratio((claim.label, setup), (other, setup), "<", 1 / claim.factor)
        for other in claim.than
        for setup in _setups(arms, claim.label, other)
        if low <= (getattr(setup, axis) or 0) <= high
    ]


def _alike(claim: Alike, arms: Sequence[Arm], axis: str) -> list[Comparison]:
    pairs = [((claim.label, s), (other, s)) for other in claim.than for s in _setups(arms, claim.label, other)]
    return [
        one for pair in pairs for one in (Ratio(*pair, "<", 1 + claim.by), Ratio(*pair, ">", 1 / (1 + claim.by)))
    ]  # fmt: skip


def _higher(claim: Higher, arms: Sequence[Arm], axis: str) -> list[Comparison]:
    pairs = [((claim.label, s), (other, s)) for other in claim.than for s in _setups(arms, claim.label, other)]
    return [MeanDifference(*pair, claim.by) for pair in pairs]


def _saturates(claim: Saturates, arms: Sequence[Arm], axis: str) -> list[Comparison]:
    at = {getattr(setup, axis): setup for setup in _setups(arms, claim.label)}
    last = max(at, default=claim.after)
    if claim.after not in at or last == claim.after:
        return []
    return [Ratio((claim.label, at[last]), (claim.label, at[claim.after]), ">", 1 - claim.most)]


def _gain_grows(claim: GainGrows, arms: Sequence[Arm], axis: str) -> list[Comparison]:
    other = "variance" if claim.of == "m" else "m"
    low, high = claim.within or (-inf, inf)
    setups = [s for s in _setups(arms, claim.label, claim.plain) if low <= (getattr(s, other) or 0) <= high]
    more, less = (
        tuple(s for s in setups if getattr(s, claim.of) == value) for value in (claim.more, claim.less)
    )  # fmt: skip
    words = f"gain at {claim.of} = {claim.more:g} less gain at {claim.less:g}"
    return [GainDifference(claim.label, claim.plain, more, less, words)] if more and less else []
