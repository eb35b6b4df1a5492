"""What a recipe is: which images are measured how, what recovers them, what the paper says; and what several share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, Literal

from untrained.sims.experiments.recipes.statements import Statement
from untrained.sims.recovery.denoising import PixelNoise

Axis = Literal["m", "variance"]
Score = Literal["mse", "nmse", "psnr"]
SCORE_NAMES: Mapping[Score, str] = {"mse": "MSE", "nmse": "nMSE", "psnr": "PSNR, dB"}
"""What figures and tables call a score."""

NAMES: Mapping[str, str] = {
    "csdip": "CS-DIP",
    "csdip-fast": "CS-DIP, preset fast",
    "csdip-lr": "CS-DIP, learned regularisation",
    "csdip-once": "CS-DIP, one start",
    "csdip-restarts": "CS-DIP, 5 restarts",
    "csdip-half": "CS-DIP, half the dimension of z",
    "csdip-twice": "CS-DIP, twice the dimension of z",
    "damp": "D-AMP",
    "tv": "TV",
    "lasso-dct": "Lasso (DCT)",
    "lasso-wavelet": "Lasso (wavelet)",
    "csgm": "CSGM",
    "net-gd": "Net-GD",
    "net-pgd": "Net-PGD",
    "net-gd-best": "Net-GD, preset best",
    "net-pgd-best": "Net-PGD, preset best",
    "net-gd-phase": "Net-GD",
    "net-pgd-phase": "Net-PGD",
    "net-gd-phase-best": "Net-GD, preset best",
    "net-pgd-phase-best": "Net-PGD, preset best",
    "ridge": "ridge in range(U)",
    "sparta": "SPARTA",
    "amplitude-flow": "amplitude flow",
    "floor": "floor, slides' widths",
    "floor-code": "floor, code's widths",
    "noisy": "noisy image",
    "non-local-means": "non-local means",
    "block-matching": "block matching",
    "bm3d": "BM3D",
    "skip-net": "DIP, skip net",
    "decoder-under": "deep decoder, 128 channels",
    "decoder-over": "deep decoder, 512 channels",
    "decoder-over-average": "deep decoder, 512 channels, average",
    "decoder-best": "deep decoder, preset best",
    "decoder-stopped": "deep decoder, stopped at the noise",
}
"""What figures and tables call an algorithm, by its label."""


@dataclass(frozen=True)
class Setup:
    """How an image is measured: m rows of an operator, or lines in the Fourier plane, and sigma^2.

    Each entry of the noise is N(0, variance/m). With `sigma`, on the scale 0 to 255, every pixel is seen with noise
    instead, which `clip`, `same` and `law` describe as those of `PixelNoise` do.
    """

    operator: str = "gaussian"
    m: int | None = None
    lines: int | None = None
    variance: float = 0.0
    sigma: float | None = None
    clip: bool = False
    same: bool = False
    law: str = "normal"

    def __post_init__(self) -> None:
        if self.sigma is None and (self.clip or self.same or self.law != "normal"):
            raise ValueError("sigma must be given where pixel noise is described, got none")
        if self.sigma is not None and self.operator != "inpainting":
            raise ValueError(f"operator must be inpainting where pixels have noise, got {self.operator!r}")

    def as_fields(self) -> dict[str, Any]:
        """What JSON holds of the setup; those of pixel noise are left out where there is none."""
        whole = asdict(self)
        return whole if self.sigma is not None else {key: whole[key] for key in _MEASURED}

    def pixel_noise(self, seed: int) -> PixelNoise | None:
        """The noise of pixels, where each is seen once."""
        if self.sigma is None:
            return None
        return PixelNoise(self.sigma, clip=self.clip, seed=seed, same=self.same, law=self.law)

    def options(self) -> dict[str, Any]:
        """What the operator takes besides shape, m and seed."""
        return {} if self.lines is None else {"lines": self.lines}

    def in_words(self) -> str:
        """The setup in a few words."""
        if self.sigma is not None:
            return noise_words(self.as_fields())
        size = f"m = {self.m}" if self.lines is None else f"{self.lines} lines"
        return f"{size}, sigma^2 = {self.variance:g}" if self.variance else size


_MEASURED = ("operator", "m", "lines", "variance")


def noise_words(setup: Mapping[str, Any]) -> str:
    """The noise of pixels in a few words, from the fields of a setup."""
    words = [f"{'uniform noise, ' if setup['law'] == 'uniform' else ''}sigma = {setup['sigma']:g}/255"]
    words += ["same in all channels"] if setup["same"] else []
    return ", ".join([*words, "clipped"] if setup["clip"] else words)


@dataclass(frozen=True)
class Algorithm:
    """A recovery method with the settings that differ from its defaults, or from a preset's, under a label.

    What is `learned` from other images before becomes the setting of that name. `iterate` names which of a
    recovery's `others` is scored, where not the image it returns; `needs` a package without which it is left out.
    """

    label: str
    method: str
    settings: Mapping[str, str] = field(default_factory=dict)
    learned: Learned | None = None
    preset: str | None = None
    iterate: str | None = None
    needs: str | None = None

    def __hash__(self) -> int:
        return hash((self.label, self.method, tuple(sorted(self.settings.items())), self.learned, self.preset))

    def fit(self) -> Algorithm:
        """What is run: algorithms with the same one differ in name and in which image is scored."""
        return replace(self, label="", iterate=None)

    def absence(self) -> str | None:
        """Why it is left out here; None where it is not."""
        if self.needs is None or find_spec(self.needs) is not None:
            return None
        return f"{NAMES.get(self.label, self.label)} was not run: the package {self.needs} is not installed."


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
        end = self.first + (self.count if most is None else min(most, self.count))
        return range(self.first, end if available is None else max(self.first, min(end, available)))


@dataclass(frozen=True)
class Number:
    """A number that the paper prints: of an algorithm in a setup, in the unit of its recipe."""

    setup: Setup
    label: str
    value: float

    def as_fields(self) -> dict[str, Any]:
        """What JSON holds of the number."""
        return {"setup": self.setup.as_fields(), "label": self.label, "value": self.value}


@dataclass(frozen=True)
class Recipe:
    """A figure or table of a paper as an experiment that can be run.

    `axis` is what changes from setup to setup; `numbers` are those the paper prints; `silent` says what it leaves open
    and how that was settled here, `differs` what is not as in the paper. `score` is what means are taken of: MSE on
    [-1, 1], nMSE on [0, 1] by the energy of the truth, or PSNR in dB, image by image. `version` is raised by
    hand when recorded numbers change.
    """

    name: str
    kind: Literal["curves", "pictures", "scores", "gains", "runtimes", "pattern"]
    title: str
    source: str
    parts: tuple[Part, ...]
    axis: Axis = "m"
    score: Score = "mse"
    numbers: tuple[Number, ...] = ()
    statements: tuple[Statement, ...] = ()
    silent: tuple[str, ...] = ()
    differs: tuple[str, ...] = ()
    version: int = 1

    def labels(self) -> list[str]:
        """Return the label of every algorithm, once each."""
        return list(dict.fromkeys(algorithm.label for part in self.parts for algorithm in part.algorithms))

    def arms(self) -> list[tuple[str, Setup]]:
        """Return every (label, setup) that is run, once each."""
        pairs = ((a.label, setup) for part in self.parts for a in part.algorithms for setup in part.setups)
        return list(dict.fromkeys(pairs))

    def number(self, setup: Setup, label: str) -> float | None:
        """Return the paper's number, None where it prints none."""
        return next((n.value for n in self.numbers if (n.setup, n.label) == (setup, label)), None)


MEASUREMENTS = (500, 1000, 2000, 4000, 8000)
"""m of Table 1, and of the reconstructions of x-rays and retinas in Figures 2 and 7 to 12."""

TABLE_1: Mapping[int, tuple[float, ...]] = {
    0: (9.9, 2.9, 0.2, 2.0, 0.6),
    10: (11.6, 4.6, 4.5, 2.4, 1.0),
    100: (14.9, 19.2, 5.0, 3.9, 2.8),
    1000: (37.4, 30.6, 19.8, 3.0, 6.2),
}
"""Percent by which learned regularisation lowers the MSE: by sigma^2, in the order of MEASUREMENTS."""

TABLE_2_MEASUREMENTS = (1000, 2000, 4000, 8000)
TABLE_2: Mapping[str, tuple[float, ...]] = {
    "csdip": (15.6, 17.1, 20.4, 29.9),
    "damp": (51.1, 54.0, 67.8, 71.2),
    "tv": (13.8, 22.1, 31.9, 56.7),
    "lasso-dct": (27.1, 33.0, 52.2, 96.4),
}
"""Seconds a reconstruction of an x-ray took, in the order of TABLE_2_MEASUREMENTS."""

PIXELS = 256 * 256
"""n of an x-ray."""

COEFFICIENTS: Mapping[int, int] = {3: 381, 5: 634, 10: 1260, 20: 2500}
"""Fourier coefficients on so many radial lines of a 256x256 image (Appendix A, Fourier Sampling)."""

BASELINES = ("damp", "tv", "lasso-dct")


def settings_for_lines(lines: int) -> Mapping[str, Mapping[str, str]]:
    """The settings by which x-rays are recovered from so many radial lines.

    AMP is made for matrices without structure: its denoiser is used in plain descent. CS-DIP minimises eq. 3 with
    lambda_T = 0.01 as it is written, where ||A x||^2 is m/n of what a Gaussian A gives, by shorter steps.
    """
    weight = 0.01 * PIXELS / (2 * COEFFICIENTS[lines] + 1)
    csdip = {"restarts": "1", "tv_weight": repr(weight), "learning_rate": "0.0003"}
    return {"damp": {"rule": "plug-and-play"}, "csdip": csdip}


OURS = "Our preset `fast` is shown beside the method as published."
PUBLISHED = "lambda_T is the 0.01 of the text; the published code has 0.05 for x-rays and 0.02 for retinas."
NO_NUMBERS = "The curves are in a picture only: the paper gives no number."
DENOISER = "D-AMP's denoiser is total variation in place of BM3D, whose licence is not free."
DESCENT = "D-AMP's denoiser is used in plug-and-play descent: message passing is not made for Fourier rows."
LITERAL = (
    "lambda_T = 0.01 stands before TV as in eq. 3, the data term not divided by m/n, which it is at other recipes and "
    "which is 1 for a Gaussian A."
)
SLOWER = "CS-DIP's learning rate is 0.0003: at the 0.001 of the text descent has not converged after 1000 steps."
SOLVER = "Our own total-variation solver stands for TVAL3."
TUNING = "The paper's grid searches for the baselines' settings are not published: theirs are our defaults."

GENERATOR = Learned("generator", 1000, 9000)
"""CSGM's generator: trained on the MNIST test images that no recipe evaluates."""

Changed = Mapping[str, Mapping[str, str]]
"""Settings that differ from a method's defaults, by method."""

Setups = tuple[Setup, ...]
Algorithms = tuple[Algorithm, ...]


def algorithms(*methods: str, restarts: int = 1, changed: Changed = MappingProxyType({})) -> Algorithms:
    """One run a method, with its defaults but for what is changed; CS-DIP with so many restarts.

    `csdip-fast` is our preset `fast`, which the paper knows nothing of.
    """
    settings = {"csdip": {"restarts": str(restarts)}, **changed}
    special = {
        "csdip-fast": Algorithm("csdip-fast", "csdip", preset="fast"),
        "csgm": Algorithm("csgm", "csgm", learned=GENERATOR),
    }
    return tuple(special.get(name) or Algorithm(name, name, settings.get(name, {})) for name in methods)


def mnist(setups: Setups, chosen: Algorithms, count: int = 100) -> Part:
    """The first images of the MNIST test set, 100 in the paper."""
    return Part("mnist", setups, chosen, count, paper_count=100 if count == 100 else None, at_once=10)


def xray(setups: Setups, chosen: Algorithms, count: int = 60) -> Part:
    """Chest x-rays, 60 in the paper."""
    return Part("xray", setups, chosen, count, paper_count=60 if count == 60 else None)


def retina(setups: Setups, chosen: Algorithms, count: int = 12) -> Part:
    """Photographs of retinas; the paper does not say how many."""
    return Part("retina", setups, chosen, count)
