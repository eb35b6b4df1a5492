"""What the images there are let expect of others: how likely a look decides, and how many images a comparison needs.

Nothing here decides a sentence; a bad guess costs time only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from statistics import NormalDist

from scipy.stats import t as student

from untrained.sims.experiments.recipes.comparisons import (
    FAILS,
    HOLDS,
    LOOKS,
    TYPICAL_FROM,
    Comparison,
    Levels,
    Look,
    Scores,
    mean_of,
)
from untrained.sims.experiments.recipes.statements import least_of

_EFFECT, _SPREAD, _IMAGES = 0.5, 0.3, 2
"""Guessed before any image: size of a mean margin, spread of single ones, and how many images the guess weighs."""


@dataclass(frozen=True)
class Outlook:
    """Images of a comparison, and mean and spread of their margins: how far each speaks for the sentence.

    `doubt` is the standard deviation of the true mean about it, `margins` the single ones.
    """

    images: int
    mean: float
    spread: float
    doubt: float
    margins: tuple[float, ...] = ()

    def chances(self, images: int, levels: Levels) -> tuple[float, float]:
        """How likely a look at so many images finds that the comparison holds, and that it fails.

        It does where the mean of all images is farther from zero than its interval reaches; that mean is taken to be
        normal about the one there is, with the share of the doubt that the images to come make.
        """
        if images <= self.images:
            return 0.0, 0.0
        moves = self.doubt * sqrt((images - self.images) / images)
        holds, fails = (
            NormalDist().cdf((sign * self.mean - self._reach(images, level * LOOKS[images])) / moves)
            for sign, level in ((1, levels.holds), (-1, levels.fails))
        )
        return holds, fails

    def _reach(self, images: int, level: float) -> float:
        """Half the length of the interval of the mean of so many images."""
        return self.spread * _quantile(images, level) / sqrt(images)

    def images_needed(self, levels: Levels) -> int | None:
        """The first look that would decide if margins stay as they are; None where no look would."""
        level = levels.of(HOLDS if self.mean > 0 else FAILS)
        for images, share in LOOKS.items():
            if images > self.images and self._would_decide(images, level * share):
                return images
        return None

    def _would_decide(self, images: int, level: float) -> bool:
        """Whether so many images would, by the margins there are again and again where these are a look's."""
        if len(self.margins) < min(LOOKS) or images < TYPICAL_FROM:
            return abs(self.mean) > self._reach(images, level)
        again = (self.margins * images)[:images]
        _, low, high = mean_of(again, level)
        return low > 0 if self.mean > 0 else high < 0


@cache
def _quantile(images: int, level: float) -> float:
    return float(student.isf(level / 2, images - 1))


def outlook(comparison: Comparison, scores: Scores) -> Outlook:
    """Return what the images there are say; of few of them the usual spread is mixed in."""
    margins, usual = comparison.margins(scores), comparison.scale * _SPREAD
    count = len(margins)
    if not count:
        return Outlook(0, 0.0, usual, comparison.scale * _EFFECT)
    mean = sum(margins) / count
    squares = sum((x - mean) ** 2 for x in margins)
    spread = sqrt((_IMAGES * usual**2 + squares) / (_IMAGES + count - 1))
    return Outlook(count, mean, spread, spread / sqrt(count), tuple(margins))


@dataclass(frozen=True)
class Standing:
    """How a sentence stands: its comparisons, what is expected of each, and the share that must hold."""

    looks: tuple[Look, ...]
    outlooks: tuple[Outlook, ...]
    share: float

    @property
    def open(self) -> list[int]:
        """The comparisons that are not decided."""
        return [i for i, one in enumerate(self.looks) if one.verdict not in (HOLDS, FAILS)]

    def wanting(self) -> tuple[int, int]:
        """How many more comparisons must hold for the sentence to hold, and fail for it to fail."""
        least = least_of(self.looks, self.share)
        holding, failing = (sum(one.verdict == word for one in self.looks) for word in (HOLDS, FAILS))
        return max(1, least - holding), max(1, len(self.looks) - least + 1 - failing)

    def worth(self, reached: Mapping[int, int]) -> float:
        """Return what it is worth to have so many images of some comparisons: expected parts of a decided sentence.

        A comparison that fails is the whole way where one that fails is enough, one that holds a tenth of it where
        ten must hold.
        """
        wanting, worth = self.wanting(), 0.0
        for i in reached.keys() & set(self.open):
            counts = [count for count in LOOKS if self.looks[i].used < count <= reached[i]]
            if counts:
                chances = self.outlooks[i].chances(counts[-1], self.looks[i].levels)
                worth += sum(chance / count for chance, count in zip(chances, wanting, strict=True))
        return worth

    def needs(self) -> dict[int, int] | None:
        """Return how many images of which open comparisons would decide the sentence; None where none would.

        That is if margins stay as they are: the fewest images that make it fail, if enough comparisons are about to,
        else all that it takes to hold.
        """
        needed = {i: n for i in self.open if (n := self.outlooks[i].images_needed(self.looks[i].levels))}
        sides = [[i for i in needed if sign * self.outlooks[i].mean > 0] for sign in (-1, 1)]
        for side, count in zip(sides, reversed(self.wanting()), strict=True):
            if len(side) >= count:
                return {i: needed[i] for i in sorted(side, key=needed.__getitem__)[:count]}
        return None


def standing(looks: Sequence[Look], scores: Scores, share: float) -> Standing:
    """Return how a sentence stands of whose comparisons a share must hold."""
    return Standing(tuple(looks), tuple(outlook(one.comparison, scores) for one in looks), share)
