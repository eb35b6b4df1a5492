"""What a recipe is: which images are measured how, what recovers them, and what the paper says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from untrained.sims.experiments.recipes.statements import Statement

Axis = Literal["m", "variance"]

NAMES: Mapping[str, str] = {
    "csdip": "CS-DIP",
    "csdip-fast": "CS-DIP, preset fast",
    "csdip-lr": "CS-DIP, learned regularisation",
    "damp": "D-AMP",
    "tv": "TV",
    "lasso-dct": "Lasso (DCT)",
    "lasso-wavelet": "Lasso (wavelet)",
    "csgm": "CSGM",
}
"""What figures and tables call an algorithm, by its label."""


@dataclass(frozen=True)
class Setup:
    """How an image is measured: m rows of an operator, or lines in the Fourier plane, and sigma^2.

    Each entry of the noise is N(0, variance/m).
    """

    operator: str = "gaussian"
    m: int | None = None
    lines: int | None = None
    variance: float = 0.0

    def options(self) -> dict[str, Any]:
        """What the operator takes besides shape, m and seed."""
        return {} if self.lines is None else {"lines": self.lines}

    def in_words(self) -> str:
        """The setup in a few words."""
        size = f"m = {self.m}" if self.lines is None else f"{self.lines} lines"
        return f"{size}, sigma^2 = {self.variance:g}" if self.variance else size


@dataclass(frozen=True)
class Algorithm:
    """A recovery method with the settings that differ from its defaults, or from a preset's, under a label.

    What is `learned` from other images before becomes the setting of that name.
    """

    label: str
    method: str
    settings: Mapping[str, str] = field(default_factory=dict)
    learned: Learned | None = None
    preset: str | None = None

    def __hash__(self) -> int:
        return hash((self.label, self.method, tuple(sorted(self.settings.items())), self.learned, self.preset))


@dataclass(frozen=True)
class Learned:
    """What is learned, and from which images: `count` of the set from `first` on, which are not evaluated.

    "prior" is the law of the weights of networks fitted to measurements of these images, without noise at the same m;
    "generator" is trained on the images themselves.
    """

    what: Literal["prior", "generator"]
    first: int
    count: int


@dataclass(frozen=True)
class Part:
    """One set of images, `count` of them from `first` on, measured in each setup and recovered by each algorithm.

    `paper_count` is how many images the paper has, where it says so; `at_once` how many are recovered side by side by a
    method that can do so.
    """

    dataset: str
    setups: tuple[Setup, ...]
    algorithms: tuple[Algorithm, ...]
    count: int
    first: int = 0
    paper_count: int | None = None
    at_once: int = 1

    def images(self, available: int | None = None, most: int | None = None) -> range:
        """Return the images used: all of the part's or at most so many, as far as they are available."""
        end = self.first + (most or self.count)
        return range(self.first, end if available is None else max(self.first, min(end, available)))


@dataclass(frozen=True)
class Number:
    """A number that the paper prints: of an algorithm in a setup, in the unit of its recipe."""

    setup: Setup
    label: str
    value: float


@dataclass(frozen=True)
class Recipe:
    """A figure or table of a paper as an experiment that can be run.

    `axis` is what changes from setup to setup; `numbers` are those the paper prints; `silent` says what it leaves open
    and how that was settled here, `differs` what is not as in the paper. `version` is raised by
    hand when recorded numbers change.
    """

    name: str
    kind: Literal["curves", "pictures", "gains", "runtimes", "pattern"]
    title: str
    source: str
    parts: tuple[Part, ...]
    axis: Axis = "m"
    numbers: tuple[Number, ...] = ()
    statements: tuple[Statement, ...] = ()
    silent: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    version: int = 1

    def labels(self) -> list[str]:
        """Return the label of every algorithm, once each."""
        return list(dict.fromkeys(algorithm.label for part in self.parts for algorithm in part.algorithms))

    def number(self, setup: Setup, label: str) -> float | None:
        """Return the paper's number, None where it prints none."""
        return next((n.value for n in self.numbers if (n.setup, n.label) == (setup, label)), None)
