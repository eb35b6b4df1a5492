"""Several methods, each fitted to a part of the measurements, and mixed as the other part says; no truth is looked at.

For any images x_k that were made without the rows v of A, sum_k w_k x_k predicts y_v with the error
||sum_k w_k (A_v x_k - y_v)||^2, which is known. The weights w >= 0 of sum 1 that make it least are then those of the
images fitted to all measurements. Fits to several parts also say how much of an error is due to the part: the mean of
their images has the mean of their errors less their spread about it, and a fit to all is taken to do as well.

Source: Krogh and Vedelsby 1995 (the ambiguity of an ensemble)
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import torch
from scipy.optimize import nnls

from untrained.sims.networks.forecast import Estimate
from untrained.sims.operators import Operator
from untrained.sims.operators.row_subset import RowSubset
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip
from untrained.sims.recovery.baselines.amp import UNSTRUCTURED
from untrained.sims.recovery.combining import plausible_mean
from untrained.sims.recovery.csdip_settings import is_small
from untrained.sims.recovery.methods import known_settings, method, settings_for, told_noise
from untrained.sims.recovery.result import Recovery, check_measurements

LEAST_SHARE, MOST_SHARE, FEW_ROWS = 0.1, 0.2, 20
"""Share of the measurements that is held out; more of few, up to `MOST_SHARE`, so that these are about FEW_ROWS."""
ENOUGH_ROWS, MOST_FOLDS = 100, 5
"""Rows held out, one fold after another, on which weights are taken to be known well; and folds at most."""
NEVER_HELD_OUT = 0.1
"""Share of the measurements that are never held out, where rows are not independent."""
INDEPENDENT_ROWS = ("gaussian", "gaussian-seeded")
"""Operators whose rows are independent of one another."""
ENOUGH_GROUPS = 3
"""Groups held out, one fold after another, where rows come in groups that tell of one another."""
LEAST_STEADY = 0.25
"""Share of a candidate's held-out error that is taken to remain in a fit to all, however much fits to parts differ."""
LEAST_WEIGHT = 0.02
"""A candidate of less weight is left out, and not fitted to all measurements."""

SMOOTH, OTHERS = ("csdip/smooth+csdip/fast",), ("csdip/sharp", "csdip/steady", "tv", "damp", "damp/block-matching")
"""Candidates for small images and few measurements, and for all."""
MORE = ("csdip/crisp", "damp/nlm")
"""Candidates beside those, each better than the others somewhere."""


@dataclass(frozen=True)
class MixtureSettings:
    """Which methods are mixed, and what of the measurements is held out to weigh them.

    `candidates` are METHOD or METHOD/PRESET, with commas between; each has its own settings. Those with + between are
    one candidate, the mean of what they recover by how plausible each is (`plausible_weights`). Total variation is that
    of images on [-1, 1]. `restarts`, where it is not 0 (their own), are those of networks in fits to all measurements,
    whose mean is taken, the plausible one of csdip's. `held_out` None is a tenth of the measurements, and up to a fifth
    of few. `folds` None is one, and more where few rows or groups are held out.
    `noise` is sigma: a measurement's noise has standard deviation sigma/sqrt(m).

    Source: Wolpert 1992, stacked generalisation; Breiman 1996, stacked regressions (weights of at least 0)
    """

    candidates: str = ",".join((*SMOOTH, *OTHERS))
    restarts: int = 0
    held_out: float | None = None
    folds: int | None = None
    noise: float = 0.0

    def __post_init__(self) -> None:
        each = [part for name in self.names() for part in parts_of(name)]
        for part in each:
            head, _, preset = part.partition("/")
            if head == "mixture":
                raise ValueError("candidates must be methods that recover by themselves, got mixture")
            settings_for(head, {}, preset or None)
        if len(set(each)) < len(each):
            raise ValueError(f"candidates must be named once each, got {self.candidates}")
        if self.held_out is not None and not 0 < self.held_out <= 0.5:
            raise ValueError(f"held_out must be above 0 and at most 0.5, got {self.held_out}")
        for name, low in (("folds", 1), ("restarts", 0)):
            value = getattr(self, name)
            if value is not None and not value >= low:
                raise ValueError(f"{name} must be at least {low}, got {value}")
        if not 0 <= self.noise < math.inf:
            raise ValueError(f"noise must be at least 0, got {self.noise}")

    def names(self) -> list[str]:
        """The candidates, each METHOD or METHOD/PRESET, or several of those with + between."""
        return ["+".join(parts_of(name)) for name in self.candidates.split(",")]


def parts_of(name: str) -> list[str]:
    """What is taken together in a candidate, each METHOD or METHOD/PRESET."""
    return [part.strip() for part in name.split("+")]


PRESETS = {
    "auto": MixtureSettings(),
    "best": MixtureSettings(",".join((*SMOOTH, *OTHERS, *MORE)), restarts=5),
}
"""`auto`: three or four networks, and the methods without one. `best`: more of both, and restarts taken together."""
FEWER_RESTARTS = 3
"""Restarts of `best` for large images, whose fits take long and differ less."""


def preset(name: str, operator: Operator) -> MixtureSettings:
    """Return the settings of a preset for an operator: fewer restarts for large images.

    Networks that smooth are left out where much of a large image is measured, denoisers that only message passing is
    served by where the operator is not for it, and where it is, networks for coefficients of a transform.
    """
    chosen = PRESETS[name]
    idle: tuple[str, ...] = ("csdip/steady",) if operator.name in UNSTRUCTURED else ("damp/nlm", "damp/block-matching")
    if csdip.preset("fast", operator) == csdip.PRESETS["sharp"]:
        idle += (*SMOOTH, "csdip/crisp")
    restarts = chosen.restarts if is_small(operator.shape) else min(chosen.restarts, FEWER_RESTARTS)
    names = ",".join(name for name in chosen.names() if name not in idle)
    return replace(chosen, candidates=names, restarts=restarts)


def folds_of(operator: Operator, y: torch.Tensor, settings: MixtureSettings, seed: int) -> list[torch.Tensor]:
    """Return the rows that each fold holds out, equally many or as many groups, none in two folds.

    Of one fold of independent rows they are the last, so that the others are a view of the matrix; else they are drawn.
    Of rows that are not independent, as Fourier coefficients, groups are held out whole, but for those of the largest
    tenth of |y|, which are always fitted: no other row tells them, and what they weigh would hide how well the rest is
    predicted. Groups larger than what may be held out are none.

    Raises
    ------
    ValueError
        where nothing would be left to fit, or to hold out.
    """
    m = operator.m
    share = settings.held_out or max(LEAST_SHARE, min(MOST_SHARE, FEW_ROWS / m))
    rows = max(1, round(share * m))
    if rows >= m:
        raise ValueError(f"held_out must leave measurements on both sides, got {share:g} of {m}")
    folds = settings.folds or min(MOST_FOLDS, math.ceil(ENOUGH_ROWS / rows))
    if operator.name in INDEPENDENT_ROWS:
        folds = min(folds, m // rows)
        drawn = torch.from_numpy(stream(seed, "folds").permutation(m))
        order = torch.arange(m).flip(0) if folds == 1 else drawn
        return [order[k * rows : (k + 1) * rows].sort().values for k in range(folds)]
    fitted = y.cpu().abs().argsort(descending=True)[: round(NEVER_HELD_OUT * m)]
    groups = _small_groups(operator, rows)
    each = max(1, round(share * len(groups)))
    loose = [part for group in groups if len(part := group[~torch.isin(group, fitted)])]
    mixed = stream(seed, "folds").permutation(len(loose))
    folds = min(max(folds, 0 if settings.folds else math.ceil(ENOUGH_GROUPS / each)), len(loose) // each)
    return [torch.cat([loose[g] for g in mixed[k * each : (k + 1) * each]]).sort().values for k in range(folds)]


def _small_groups(operator: Operator, rows: int) -> list[torch.Tensor]:
    """The rows of each group, or each row alone where a group is larger than twice what is held out at a time."""
    groups = operator.row_groups
    counts = groups.unique(return_counts=True)[1]
    if int(counts.max()) > 2 * rows:
        return list(torch.arange(operator.m).split(1))
    return list(groups.argsort(stable=True).split(counts.tolist()))


def steady_share(error: float, images: torch.Tensor) -> float:
    """Share of an error per pixel, the mean of images (F, C, H, W), that their mean has too: error less spread.

    At least `LEAST_STEADY`, since both are estimates.
    """
    spread = float((images - images.mean(0)).square().mean())
    return max(LEAST_STEADY, 1 - spread / error) if spread < error else LEAST_STEADY


def simplex_weights(residuals: np.ndarray) -> np.ndarray:
    """Weights w >= 0 of sum 1 for which ||sum_k w_k r_k||^2 + lambda ||w - 1/K||^2 is least; residuals (K, rows).

    lambda is the least ||r_k||^2 times K/rows: where rows are few, candidates that are alike have like weights. A
    residual that is not finite has no weight.
    """
    finite = np.isfinite(residuals).all(1)
    if not finite.any():
        raise ValueError("candidates must have one whose prediction is finite, got none")
    r = residuals[finite].astype(np.float64)
    K, rows = r.shape
    shrinkage = np.square(r).sum(1).min() * K / rows
    scale = np.abs(r).max() or 1.0
    heavy = 1e6 * scale * math.sqrt(rows)
    system = np.vstack([r.T, math.sqrt(shrinkage) * np.eye(K), heavy * np.ones((1, K))])
    target = np.concatenate([np.zeros(rows), np.full(K, math.sqrt(shrinkage) / K), [heavy]])
    weights = np.zeros(len(residuals))
    w, _ = nnls(system, target)
    weights[finite] = w / w.sum()
    return weights


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: MixtureSettings | None = None,
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Recover an image from y of shape (m,) by a mixture of methods.

    `certificate` holds the weights, and for each candidate and the mixture the mean square of what was held out, over
    the operator's gain per pixel: an estimate of the mean squared error, plus the noise's part, of fits without those
    rows. `others` are the candidates' own images.
    An interrupt ends the run with the mixture of what there is by then, in the first candidate with its first image.

    Raises
    ------
    ValueError
        where y is not finite or not of length m, or nothing can be held out.
    KeyboardInterrupt
        where it is interrupted before there is an image.
    """
    settings = settings or PRESETS["auto"]
    check_measurements(operator, y, finite=True)
    begun = time.perf_counter()
    run = _Run(operator, y, settings, seed, watch)
    outcome = "steps ended"
    try:
        for name in settings.names():
            run.hold_out(name)
        while waiting := [name for name in run.weighty() if name not in run.outcomes]:
            run.fit(waiting[0])
    except KeyboardInterrupt:
        if run.first is None:
            raise
        outcome = "interrupted"
    image, certificate = run.mixed()
    misfit = float((operator.forward(image.to(y.device)) - y).square().sum())
    seconds = time.perf_counter() - begun
    return Recovery(
        image, "mixture", asdict(settings), outcome, misfit, run.steps, seconds, certificate, {}, others=run.images
    )


@dataclass
class _Run:
    """What is known of each candidate: its residuals on the rows held out, its newest image, how its last fit ended.

    `steady` is the share of its mean squared residual that is taken to remain in a fit to all rows; `first` is the
    first image of all, for an interrupt before any candidate has predicted.
    """

    operator: Operator
    y: torch.Tensor
    settings: MixtureSettings
    seed: int
    watch: Progress | None
    steps: int = 0
    residuals: dict[str, np.ndarray] = field(default_factory=dict)
    steady: dict[str, float] = field(default_factory=dict)
    images: dict[str, torch.Tensor] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    first: torch.Tensor | None = None

    def __post_init__(self) -> None:
        self.folds = folds_of(self.operator, self.y, self.settings, self.seed)
        every = torch.arange(self.operator.m)
        self.parts = [RowSubset(self.operator, every[~torch.isin(every, fold)]) for fold in self.folds]

    def hold_out(self, name: str) -> None:
        """Fit a candidate to the rows of each fold, and predict the others."""
        recoveries = _recovered(name, self.parts, [self.y[p.rows] for p in self.parts], self, 0)
        unseen = [
            (self.operator.forward(r.image.to(self.y.device)) - self.y)[fold].cpu().numpy()
            for r, fold in zip(recoveries, self.folds, strict=True)
        ]
        self.residuals[name], self.images[name] = np.concatenate(unseen), recoveries[0].image
        independent = self.operator.name in INDEPENDENT_ROWS  # else rows held out do not tell the error of pixels
        images = torch.stack([r.image for r in recoveries])
        self.steady[name] = steady_share(self.error_of(self.residuals[name]), images) if independent else 1.0

    def fit(self, name: str) -> None:
        """Fit a candidate to all measurements; where that diverges, what it predicted before counts no more."""
        (recovery,) = _recovered(name, [self.operator], [self.y], self, self.settings.restarts)
        self.images[name], self.outcomes[name] = recovery.image, recovery.outcome
        self.steps += recovery.steps

    def weights(self) -> dict[str, float]:
        """The weight of each candidate that made its predictions, and 0 of one that diverged, unless all did."""
        residuals = np.stack([math.sqrt(self.steady[name]) * r for name, r in self.residuals.items()])
        diverged = [self.outcomes.get(name, "").startswith("diverged") for name in self.residuals]
        if not all(diverged):
            residuals[diverged] = np.nan
        w = simplex_weights(residuals)
        w = np.where(w < LEAST_WEIGHT, 0.0, w)
        return dict(zip(self.residuals, (w / w.sum()).tolist(), strict=True))

    def weighty(self) -> list[str]:
        """The candidates that have any weight."""
        return [name for name, w in self.weights().items() if w]

    def mixed(self) -> tuple[torch.Tensor, dict[str, float]]:
        """The mixture of the newest images, and what is known of it; before there are any, the first image alone."""
        if not self.images and self.first is not None:
            return self.first, {}
        weights = self.weights()
        image = sum((w * self.images[name] for name, w in weights.items() if w), torch.zeros(self.operator.shape))
        joined = np.sum([w * self.residuals[name] for name, w in weights.items() if w], 0)
        facts = {f"weight of {name}": w for name, w in weights.items()}
        facts |= {f"error of {name}": self.error_of(r) for name, r in self.residuals.items()}
        return image, facts | {"error": self.error_of(joined), "rows": float(np.size(joined))}

    def error_of(self, residuals: np.ndarray) -> float:
        """The mean squared error of a pixel that residuals of rows held out tell of, with the part of the noise."""
        return self.operator.m / (self.operator.gain * self.operator.n) * float(np.mean(residuals**2))


def _recovered(
    name: str, operators: Sequence[Operator], ys: Sequence[torch.Tensor], run: _Run, restarts: int
) -> list[Recovery]:
    """Recover by a candidate from each operator's y."""
    each = [_recovered_by_part(part, operators, ys, run, restarts) for part in parts_of(name)]
    return [_together(*problem) for problem in zip(operators, ys, zip(*each, strict=True), strict=True)]


def _together(operator: Operator, y: torch.Tensor, recoveries: Sequence[Recovery]) -> Recovery:
    """Return the plausible mean of what did not diverge, or of all where all did, with the outcome of its first."""
    if len(recoveries) == 1:
        return recoveries[0]
    sound = [one for one in recoveries if not one.outcome.startswith("diverged")] or recoveries
    image = plausible_mean(operator, y, torch.stack([one.image for one in sound]))
    return replace(sound[0], image=image, steps=sum(one.steps for one in recoveries))


def _recovered_by_part(
    part: str, operators: Sequence[Operator], ys: Sequence[torch.Tensor], run: _Run, restarts: int
) -> list[Recovery]:
    """Recover by one part of a candidate, side by side where its method can."""
    settings = candidate_settings(part, run.operator, run.settings.noise, restarts)
    module = method(part.partition("/")[0]).load()
    alike = len({one.m for one in operators}) == 1
    if len(operators) > 1 and alike and hasattr(module, "recover_batch"):
        seeds = [run.seed] * len(operators)
        stacked = torch.stack(list(ys))
        recoveries = list(module.recover_batch(operators, stacked, settings, seeds=seeds, watch=run.watch))
    else:
        recover_one: Callable[..., Recovery] = module.recover
        recoveries = []
        for operator, y in zip(operators, ys, strict=True):
            recoveries.append(recover_one(operator, y, settings, seed=run.seed, watch=run.watch))
            if recoveries[-1].outcome == "interrupted":
                break
    if run.first is None:
        run.first = recoveries[0].image
    if any(recovery.outcome == "interrupted" for recovery in recoveries):
        raise KeyboardInterrupt
    return recoveries


def candidate_settings(part: str, operator: Operator, noise: float, restarts: int = 0) -> Any:
    """Return the settings of a candidate, or a part of one, for an operator, with the noise where it asks for it.

    Pixels are kept on their scale by what may leave it, as networks keep them.
    """
    head, _, chosen = part.partition("/")
    known = known_settings(head)
    changes = {"box": "true"} if "box" in known else {}
    settings = told_noise(head, settings_for(head, changes, chosen or None, operator), (), noise)
    if restarts and "restarts" in known:
        settings = replace(settings, restarts=restarts, combine="plausible" if head == "csdip" else "mean")
    return settings


def estimate(
    operator: Operator, y: torch.Tensor, settings: MixtureSettings | None = None, *, seed: int = 0
) -> Estimate | None:
    """Estimate a mixture before starting it: folds and fits of the candidates that can tell; None where none can.

    It is at most that, as candidates without weight are not fitted again, and besides it what the others take.
    """
    settings, needs, others = settings or PRESETS["auto"], [], []
    folds = len(folds_of(operator, y, settings, seed))
    for part in [part for name in settings.names() for part in parts_of(name)]:
        module = method(part.partition("/")[0]).load()
        if hasattr(module, "estimate"):
            one = module.estimate(operator, y, candidate_settings(part, operator, settings.noise), seed=seed)
            needs.append((one, folds + max(1, settings.restarts)))
        else:
            others.append(part)
    if not needs:
        return None
    seconds = sum(one.seconds * times for one, times in needs)
    return Estimate(seconds, max(one.memory for one, _ in needs), at_most=True, besides=", ".join(others))
