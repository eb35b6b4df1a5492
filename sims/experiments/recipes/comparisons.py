"""What a sentence compares, image by image, and when images are enough: at numbers of them that are stated before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Any, ClassVar, Literal

from untrained.sims.images.scores import Interval, mean_interval, ratio_interval, typical_interval
from untrained.theory.evidence import Compared
from untrained.theory.verdict import Status, judge

Arm = tuple[str, Any]
"""A label and a setup: what one image costs one cell of."""
Scores = Mapping[Arm, Mapping[int, float]]
"""MSE, or PSNR for a sentence about it, by image, for each (label, setup) that was run."""

HOLDS, FAILS, OPEN, NOT_RUN = "holds", "fails", "undecided", "not run"
"""What a sentence or a comparison can come out as; `undecided` where the intervals allow both."""
VERDICT_WORDS: Mapping[Status, str] = {"SUPPORTED": HOLDS, "REFUTED": FAILS, "UNTESTED": NOT_RUN}
"""What the judge's verdicts are called here; every other one is undecided."""

LOOKS: Mapping[int, float] = {6: 1 / 2, 8: 1 / 4, 12: 1 / 8, 20: 1 / 16, 36: 1 / 32, 60: 1 / 64, 100: 1 / 64}
"""The numbers of images at which a comparison is looked at, and the share of its level that each look may spend.

The shares make one, so that all looks together err no more often than one at the whole level. Early looks have more,
because quantiles of few images depend most on it.
"""

TYPICAL_FROM = 12
"""Images from which intervals are of typical values, which want errors that are symmetric in place of normal ones.

Fewer have too few subsets for the levels of looks.
"""


@dataclass(frozen=True)
class Ratio:
    """The mean MSE of one run by that of another, over the images of both, lies in `sense` to `limit`."""

    first: Arm
    second: Arm
    sense: Literal["<", ">"]
    limit: float
    unit: ClassVar[str] = ""
    scale: ClassVar[float] = 1.0

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared."""
        return self.first, self.second

    def samples(self, scores: Scores) -> dict[int, tuple[float, float]]:
        """Both MSEs of each image that has both."""
        return pairs_by_image(scores, self.first, self.second)

    def compared(self, samples: Sequence[tuple[float, float]], level: float) -> Compared:
        """The ratio with its interval, which errs with probability `level`: Fieller's, or that of typical values."""
        a, b = [pair[0] for pair in samples], [pair[1] for pair in samples]
        interval = _typical(a, b, level) or (ratio_interval(a, b, 1 - level) if sum(b) > 0 else (inf, -inf, inf))
        return Compared({}, *interval, self.sense, self.limit, level, len(a))

    def margins(self, scores: Scores) -> list[float]:
        """By how much each image speaks for the sentence, in units of the mean MSE of both.

        Fieller's interval leaves out the limit where a t test of these tells their mean from zero, that of typical
        values where a sign-flip test does.
        """
        sign = 1 if self.sense == "<" else -1
        pairs = [(a, self.limit * b) for a, b in self.samples(scores).values()]
        unit = sum(a + b for a, b in pairs) / max(1, 2 * len(pairs)) or 1.0
        return [sign * (b - a) / unit for a, b in pairs]

    def in_words(self) -> str:
        """What is compared, in few words."""
        (label, setup), (other, where) = self.first, self.second
        if setup == where:
            return f"{label} by {other}, {setup.in_words()}"
        return f"{label}, {setup.in_words()} by {where.in_words()}"


@dataclass(frozen=True)
class MeanDifference:
    """The mean PSNR of one run less that of another is above `limit`."""

    first: Arm
    second: Arm
    limit: float = 0.0
    unit: ClassVar[str] = " dB"
    scale: ClassVar[float] = 10 / log(10)

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared."""
        return self.first, self.second

    def samples(self, scores: Scores) -> dict[int, float]:
        """The difference of each image that has both."""
        return {i: a - b for i, (a, b) in pairs_by_image(scores, self.first, self.second).items()}

    def compared(self, samples: Sequence[float], level: float) -> Compared:
        """The mean with its interval, which errs with probability `level`: Student's, or that of typical values."""
        return _mean(samples, self.limit, level)

    def margins(self, scores: Scores) -> list[float]:
        """By how much each image speaks for the sentence."""
        return [value - self.limit for value in self.samples(scores).values()]

    def in_words(self) -> str:
        """What is compared, in few words."""
        return f"{self.first[0]} less {self.second[0]}, {self.first[1].in_words()}"


@dataclass(frozen=True)
class GainDifference:
    """The gain of a run over a plain one (1 less the ratio of MSEs, image by image) is larger in some setups.

    Gains are averaged over the setups of either side; images that lack one of them are left out.
    """

    label: str
    plain: str
    more: tuple[Any, ...]
    less: tuple[Any, ...]
    words: str
    unit: ClassVar[str] = ""
    scale: ClassVar[float] = 1.0

    @property
    def arms(self) -> tuple[Arm, ...]:
        """What is compared."""
        return tuple((label, setup) for setup in (*self.more, *self.less) for label in (self.label, self.plain))

    def samples(self, scores: Scores) -> dict[int, float]:
        """The difference of the mean gains of each image that has all."""
        more, less = (self._mean_gains(scores, setups) for setups in (self.more, self.less))
        return {i: more[i] - less[i] for i in sorted(more.keys() & less.keys())}

    def _mean_gains(self, scores: Scores, setups: Sequence[Any]) -> dict[int, float]:
        pairs = [pairs_by_image(scores, (self.label, s), (self.plain, s)) for s in setups]
        tables = [{i: 1 - a / b for i, (a, b) in table.items() if b} for table in pairs]
        shared = set.intersection(*(set(table) for table in tables)) if tables else set()
        return {i: sum(table[i] for table in tables) / len(tables) for i in shared}

    def compared(self, samples: Sequence[float], level: float) -> Compared:
        """The mean with its interval, which errs with probability `level`: Student's, or that of typical values."""
        return _mean(samples, 0.0, level)

    def margins(self, scores: Scores) -> list[float]:
        """By how much each image speaks for the sentence."""
        return list(self.samples(scores).values())

    def in_words(self) -> str:
        """What is compared, in few words."""
        return self.words


Comparison = Ratio | MeanDifference | GainDifference


@dataclass(frozen=True)
class Levels:
    """How often a comparison may be found to hold where it does not, and to fail where it does not, by all looks."""

    holds: float
    fails: float

    def of(self, verdict: str) -> float:
        """The level of a verdict."""
        return self.holds if verdict == HOLDS else self.fails


@dataclass(frozen=True)
class Look:
    """How a comparison stands: its verdict, by how many of the images there are, and the interval of the last look.

    The interval is that of the level at which it was decided, or would be on the side where the estimate lies.
    """

    comparison: Comparison
    verdict: str
    images: int
    used: int
    compared: Compared | None
    levels: Levels

    def as_fields(self) -> dict[str, Any]:
        """What JSON holds of it; ends that are not finite become null there."""
        head = {"what": self.comparison.in_words(), "verdict": self.verdict, "images": self.images}
        if (one := self.compared) is None:
            return head
        return {**head, "interval": [one.estimate, one.low, one.high], "says": f"{one.sense} {one.limit:.4g}"}

    def interval_in_words(self) -> str:
        """The estimate with its interval; nothing before the first look."""
        if (one := self.compared) is None:
            return ""
        return f"{one.estimate:.3g} [{one.low:.3g}, {one.high:.3g}]{self.comparison.unit}"

    def in_words(self) -> str:
        """What is compared, with its interval."""
        if self.compared is None:
            return f"{self.comparison.in_words()}: {self.images} images"
        return f"{self.comparison.in_words()}: {self.interval_in_words()} over {self.used} images"


def judge_by_looks(comparison: Comparison, scores: Scores, levels: Levels) -> Look:
    """Judge a comparison by the first look that decides it; later ones change nothing.

    A look takes the first images that have a score, in their order.
    """
    by_image = comparison.samples(scores)
    samples: list[Any] = [by_image[i] for i in sorted(by_image)]
    used, compared = 0, None
    for images, share in LOOKS.items():
        if images > len(samples):
            break
        each = {side: comparison.compared(samples[:images], levels.of(side) * share) for side in (HOLDS, FAILS)}
        side = _side(each[HOLDS])
        used, compared = images, each[side]
        if verdict_of(compared) == side:
            return Look(comparison, side, len(samples), used, compared, levels)
    return Look(comparison, OPEN if samples else NOT_RUN, len(samples), used, compared, levels)


def _side(compared: Compared) -> str:
    """On which side of the limit an estimate lies: no interval about it can decide for the other."""
    return HOLDS if (compared.estimate < compared.limit) == (compared.sense == "<") else FAILS


def verdict_of(comparison: Compared) -> str:
    """The one judge's verdict on a comparison, in the words of the record; its opposite is the negative control."""
    verdict = judge([comparison], {"the opposite": [comparison.opposite()]}, {})
    return VERDICT_WORDS.get(verdict.status, OPEN)


def pairs_by_image(scores: Scores, first: Arm, second: Arm) -> dict[int, tuple[float, float]]:
    """The scores of two runs of each image that both have."""
    a, b = scores.get(first, {}), scores.get(second, {})
    return {i: (a[i], b[i]) for i in sorted(a.keys() & b.keys())}


def paired(scores: Scores, first: Arm, second: Arm) -> tuple[list[float], list[float]]:
    """Return the MSEs of two runs on the images that both have."""
    pairs = pairs_by_image(scores, first, second).values()
    return [a for a, _ in pairs], [b for _, b in pairs]


def mean_of(values: Sequence[float], level: float) -> Interval:
    """The mean of values, an image each, with an interval that errs with probability `level`."""
    return _typical(values, [1.0] * len(values), level) or mean_interval(values, 1 - level)


def _mean(values: Sequence[float], limit: float, level: float) -> Compared:
    return Compared({}, *mean_of(values, level), ">", limit, level, len(values))


def _typical(first: Sequence[float], second: Sequence[float], level: float) -> Interval | None:
    """The interval of typical values of a ratio of means; None where there are too few images for one, or a zero."""
    if len(first) < TYPICAL_FROM or min(second) <= 0:
        return None
    interval = typical_interval(first, second, 1 - level)
    return interval if interval[1] > -inf else None
