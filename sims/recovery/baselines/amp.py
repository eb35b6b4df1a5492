"""D-AMP: approximate message passing with a denoiser; plug-and-play descent for operators AMP is not made for."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Literal, get_args

import torch

from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream
from untrained.sims.recovery.baselines.denoise import DENOISERS, Denoiser, denoiser
from untrained.sims.recovery.result import Recovery, check_measurements

GROWTH = 1.25
"""AMP has diverged when the effective noise exceeds that of the zero image by this factor."""
FIRST_SIGMA = 1.0
"""Strength at which plug-and-play starts: half the range of the pixels."""

UNSTRUCTURED = ("gaussian", "gaussian-seeded", "scrambled-dct", "scrambled-hadamard")
"""Operators whose residual looks Gaussian in the image, which is what message passing rests on."""

AMPRule = Literal["auto", "amp", "plug-and-play"]


@dataclass(frozen=True)
class DAMPSettings:
    """What D-AMP depends on, beside measurements and seed.

    `rule`: "amp" is for operators without structure (gaussian, scrambled ones), "plug-and-play" for any other, and
    "auto" takes the one that is for the operator at hand.
    `damping`: share of the new iterate (1: all). `box`: pixels are known to lie on [-1, 1]. `second_strength`: every
    step also tries the denoiser at so many times sigma and keeps what has the smaller unbiased risk estimate (1: no).
    `probe`: step, in sigma, by which the denoiser's divergence is estimated (0: a thousandth of the largest pixel, for
    denoisers without jumps). `tolerance`: relative change of the image at which AMP has converged. `last_sigma`:
    strength, in pixel units, at which plug-and-play ends.
    """

    rule: AMPRule = "auto"
    denoiser: str = "tv"
    steps: int = 30
    damping: float = 1.0
    box: bool = True
    second_strength: float = 1.5
    probe: float = 0.0
    tolerance: float = 1e-4
    last_sigma: float = 0.01

    def __post_init__(self) -> None:
        if self.rule not in get_args(AMPRule):
            raise ValueError(f"rule must be one of {', '.join(get_args(AMPRule))}, got {self.rule!r}")
        if self.denoiser not in DENOISERS:
            raise ValueError(f"denoiser must be one of {', '.join(DENOISERS)}, got {self.denoiser!r}")
        if isinstance(self.steps, bool) or not isinstance(self.steps, int) or self.steps < 1:
            raise ValueError(f"steps must be an integer of at least 1, got {self.steps!r}")
        if not 0 < self.damping <= 1:
            raise ValueError(f"damping must be above 0 and at most 1, got {self.damping}")
        if not 1 <= self.second_strength < math.inf:
            raise ValueError(f"second_strength must be at least 1 and finite, got {self.second_strength}")
        if not 0 <= self.probe < math.inf:
            raise ValueError(f"probe must be at least 0 and finite, got {self.probe}")
        if not self.tolerance >= 0:
            raise ValueError(f"tolerance must be at least 0, got {self.tolerance}")
        if not 0 < self.last_sigma <= FIRST_SIGMA:
            raise ValueError(f"last_sigma must be above 0 and at most {FIRST_SIGMA:g}, got {self.last_sigma}")


PRESETS = {
    **{name: DAMPSettings(denoiser=name) for name in ("tv", "nlm", "wavelet")},
    "block-matching": DAMPSettings(denoiser="block-matching", damping=0.7, second_strength=1.0, probe=0.1),
}
"""D-AMP with each of the denoisers that come with the package. Block matching is a hard threshold: by a small step the
estimate of its divergence is noise, and four of five photographs of 64x64 diverge at m = 205; with a step of 0.1 sigma
none does (their mean MSE is 0.0653 for 0.1585, and at m = 410 0.0315 for 0.0316; benchmarks/damp.py --m 410 205
--denoisers block-matching --probe 0.1, and 0). Stein's estimate of the risk is poor too: one strength, and damping."""


def preset(name: str, operator: Operator) -> DAMPSettings:
    """Return the settings of a preset, which are the same for all operators."""
    return PRESETS[name]


@dataclass(frozen=True)
class _Iterate:
    """An image, its misfit in the operator's own units, and the standard deviation of the effective noise."""

    image: torch.Tensor
    misfit: float
    sigma: float

    def finite(self) -> bool:
        return math.isfinite(self.misfit) and math.isfinite(self.sigma)


@dataclass
class _Course:
    """How a run went: the least misfit of all and of the second half, and the last iterate."""

    best: _Iterate
    late: _Iterate | None = None
    outcome: str = "steps ended"
    steps: int = 0
    trace: dict[str, list[float]] = field(default_factory=lambda: {"misfit": [], "sigma": []})

    def chosen(self) -> _Iterate:
        """Early iterates fit the data well before they are images, so they count only where nothing later does."""
        return self.late if self.late is not None and not self.outcome.startswith("diverged") else self.best


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: DAMPSettings | None = None,
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Recover an image from y of shape (m,) by D-AMP, or by plug-and-play descent.

    The image returned is the last one where AMP converged, else that of least misfit: among the second half of the
    steps, or among all of them where the run diverged or was interrupted before.

    Source: Metzler, Maleki and Baraniuk 2016, from denoising to compressed sensing

    Raises
    ------
    ValueError
        where y is not finite or not of length m, or the denoiser is not installed.
    """
    settings = settings or DAMPSettings()
    if settings.rule == "auto":
        settings = replace(settings, rule="amp" if operator.name in UNSTRUCTURED else "plug-and-play")
    check_measurements(operator, y, finite=True)
    begun, y = time.perf_counter(), y.detach().float()
    iterates = {"amp": _message_passing, "plug-and-play": _plug_and_play}[settings.rule]
    with torch.no_grad():
        zero = _Iterate(torch.zeros(operator.shape, device=y.device), _square(y), _deviation(y) * operator.gain**-0.5)
        course = _follow(iterates(operator, y, _in_box(settings), settings, seed), zero, settings, watch)
    best, seconds = course.chosen(), time.perf_counter() - begun
    return Recovery(
        image=best.image.cpu(),
        method="damp",
        settings=asdict(settings),
        outcome=course.outcome,
        misfit=best.misfit,
        steps=course.steps,
        seconds=seconds,
        trace=course.trace,
    )


def _square(v: torch.Tensor) -> float:
    return float(v.square().sum())


def _deviation(v: torch.Tensor) -> float:
    return math.sqrt(_square(v) / v.numel())


def _in_box(settings: DAMPSettings) -> Denoiser:
    plain = denoiser(settings.denoiser)
    return (lambda x, sigma: plain(x, sigma).clamp(-1.0, 1.0)) if settings.box else plain


def _follow(iterates: Iterator[_Iterate], zero: _Iterate, settings: DAMPSettings, watch: Progress | None) -> _Course:
    course, last = _Course(zero), zero
    try:
        for step, new in enumerate(iterates, 1):
            course.steps = step
            if not new.finite() or (settings.rule == "amp" and new.sigma > GROWTH * zero.sigma):
                course.outcome = f"diverged at step {step}"
                break
            _note(course, new, settings)
            if watch is not None:
                watch(step, settings.steps, new.misfit)
            if settings.rule == "amp" and _settled(last.image, new.image, settings.tolerance):
                course.outcome, course.late = "converged", new
                break
            last = new
    except KeyboardInterrupt:
        course.outcome = "interrupted"
    return course


def _note(course: _Course, new: _Iterate, settings: DAMPSettings) -> None:
    course.trace["misfit"].append(new.misfit)
    course.trace["sigma"].append(new.sigma)
    if new.misfit < course.best.misfit:
        course.best = new
    if 2 * course.steps >= settings.steps and (course.late is None or new.misfit < course.late.misfit):
        course.late = new


def _settled(x: torch.Tensor, x_new: torch.Tensor, tolerance: float) -> bool:
    return bool((x_new - x).norm() <= tolerance * x_new.norm())


def _message_passing(
    operator: Operator, y: torch.Tensor, denoise: Denoiser, settings: DAMPSettings, seed: int
) -> Iterator[_Iterate]:
    """x <- D(x + A^T z), z <- y - A x + z div D/m, with A and y scaled to columns of norm about 1."""
    scale, m, share = operator.gain**-0.5, operator.m, settings.damping
    x, z = torch.zeros(operator.shape, device=y.device), scale * y
    for t in range(settings.steps):
        x_new, divergence = _least_risk(denoise, x + scale * operator.adjoint(z), _deviation(z), settings, seed, t)
        x = share * x_new + (1.0 - share) * x
        r = y - operator.forward(x)
        z = share * (scale * r + z * (divergence / m)) + (1.0 - share) * z
        yield _Iterate(x, _square(r), _deviation(z))


def _least_risk(
    denoise: Denoiser, noisy: torch.Tensor, sigma: float, settings: DAMPSettings, seed: int, t: int
) -> tuple[torch.Tensor, float]:
    """Denoise at one strength or two, and keep the image of smaller risk by Stein's unbiased estimate."""
    signs = torch.from_numpy(stream(seed, "divergence", t).integers(2, size=tuple(noisy.shape)) * 2.0 - 1.0)
    eps = settings.probe * sigma or max(float(noisy.abs().max()), 1e-6) / 1000.0
    risks = []
    for strength in sorted({1.0, settings.second_strength}):
        x, divergence = denoise_with_divergence(denoise, noisy, strength * sigma, signs.to(noisy), eps)
        risks.append((_square(x - noisy) + 2.0 * sigma**2 * divergence, x, divergence))
    _, x, divergence = min(risks, key=lambda risk: risk[0])
    return x, divergence


def denoise_with_divergence(
    denoise: Denoiser, noisy: torch.Tensor, sigma: float, signs: torch.Tensor, eps: float
) -> tuple[torch.Tensor, float]:
    """Return D(x) and an estimate of its divergence, <b, D(x + eps b) - D(x)>/eps for random signs b.

    noisy, signs: (C, H, W). For a linear D of matrix J the estimate is b^T J b, unbiased, with variance
    2 sum_{i != j} ((J + J^T)/2)_{ij}^2. Where D jumps, as a hard threshold does, few jumps count for much in a small
    step, and the estimate is noise: eps is then to be a share of sigma.

    Source: Metzler, Maleki and Baraniuk 2016, Section IV; Ramani, Blu and Unser 2008
    """
    x, x_moved = denoise(torch.stack([noisy, noisy + eps * signs]), sigma)
    return x, float((signs * (x_moved - x)).sum()) / eps


def _plug_and_play(
    operator: Operator, y: torch.Tensor, denoise: Denoiser, settings: DAMPSettings, seed: int
) -> Iterator[_Iterate]:
    """Accelerated gradient steps of length 1/||A||^2, each denoised, from FIRST_SIGMA down to last_sigma."""
    length, t = 1.0 / operator.squared_norm(), 1.0
    x = ahead = torch.zeros(operator.shape, device=y.device)
    for k in range(settings.steps):
        sigma = FIRST_SIGMA * (settings.last_sigma / FIRST_SIGMA) ** (k / max(settings.steps - 1, 1))
        step = length * operator.adjoint(y - operator.forward(ahead))
        x_new = denoise(ahead + step, sigma)
        t, t_old = (1.0 + math.sqrt(1.0 + 4.0 * t * t)) / 2.0, t
        x, ahead = x_new, x_new + (t_old - 1.0) / t * (x_new - x)
        yield _Iterate(x, _square(y - operator.forward(x)), sigma)
