"""The conditions of the papers held against one network: what is measured for each, and the evidence it makes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from untrained.sims.diagnosis import conditions
from untrained.sims.diagnosis.adversarial.attack import Attack, attack
from untrained.sims.diagnosis.conditions import Condition
from untrained.sims.diagnosis.fit import Run, Watch
from untrained.sims.diagnosis.predictions import fit_time
from untrained.sims.diagnosis.targets import noise_like
from untrained.sims.diagnosis.theorem import Promise, promise
from untrained.sims.diagnosis.trials import SHARE, Trial
from untrained.sims.diagnosis.two_layer import WIDTH_PRINTED, TwoLayer, recognise
from untrained.sims.diagnosis.views import View
from untrained.sims.networks.network import Network
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.ntk.spectrum import spectrum
from untrained.theory.objects.descent import radius_needed

PROMISED = 100
"""Steps at most of the descent that the promised rate is held against: it is run in double precision."""


@dataclass(frozen=True)
class Held:
    """The conditions with their verdicts; what the theorem promises the first seed; notes; and sigma_min as the paper's
    lemma has it, for its own generator.
    """

    conditions: list[Condition]
    promise: Promise
    notes: list[str]
    bound: float | None


def hold(
    views: Sequence[View], trial: Trial, photographs: Mapping[str, np.ndarray], seed: int, watch: Watch | None = None
) -> Held:
    """Hold the theorem of convergence and the structural bias against a network seen at several seeds."""
    first = views[0]
    two = recognise(first.network)
    promised = promise(first.spectrum, float(np.linalg.norm(first.f0 - trial.x)), two.beta if two else None)
    found = [_full_rank(views), *_theorem(first, trial, promised, two, seed, watch)]
    if two:
        found.append(conditions.wide(two.width, two.n, WIDTH_PRINTED))
    found += [*_image_first(views, trial, photographs), _denoises(trial)]
    return Held(found, promised, _notes(first), _lemma(two) if two else None)


def _notes(view: View) -> list[str]:
    if view.spectrum.exact:
        return []
    return [f"spectra are estimated: the error bars of a seed fail with probability {view.spectrum.level:g}"]


def _lemma(two: TwoLayer) -> float:
    """nu sqrt d ||z||/2, what Lemma B.1 promises sigma_min; nu is read from V. Source: vanveen18 Lemma B.1."""
    return float(np.linalg.norm(two.V)) / math.sqrt(two.n) * two.latent_norm / 2


def _full_rank(views: Sequence[View]) -> Condition:
    first = views[0].network
    values = {str(view.seed): view.spectrum.smallest for view in views}
    floors = {str(view.seed): view.spectrum.floor for view in views}
    return conditions.full_rank(values, floors, first.count, first.n)


def _theorem(
    view: View, trial: Trial, promised: Promise, two: TwoLayer | None, seed: int, watch: Watch | None
) -> list[Condition]:
    """A2, A3 and the rate. Where sigma_min is not told from 0, alpha is the largest that error bars leave: what breaks
    A2 for that breaks it for every smaller one.
    """
    alpha = promised.alpha or math.sqrt(view.spectrum.smallest.high) / 2
    if not alpha > 0 or not promised.misfit > 0:
        return []
    radius, bound = radius_needed(alpha, promised.misfit), alpha / 3
    paths = {f"descent on {name}": run.movement.double() for name, run in trial.found.runs.items() if run.distance > 0}
    effort = 1 if view.spectrum.exact else 0
    seen = attack(view.network, radius, bound=bound, seed=seed, paths=paths, effort=effort, watch=_counted(watch))
    broken = conditions.near_start(seen.tried, seen.bound, radius, seen.passed_at, seen.further)
    return [broken, _bounded(view, two, seen), _rate(view, trial, promised, broken)]


def _counted(watch: Watch | None) -> Callable[[str, float, float], None] | None:
    """Tell how many pushes were tried, and what each did."""
    if watch is None:
        return None
    count = itertools.count(1)
    return lambda _name, _distance, change: watch(next(count), 0, change)


def _bounded(view: View, two: TwoLayer | None, seen: Attack) -> Condition:
    largest = max(seen.largest, math.sqrt(view.spectrum.largest.value))
    return conditions.bounded(two.beta if two else largest, largest, proved=two is not None)


def _on_path(view: View, trial: Trial, beta: float) -> tuple[Run, float]:
    """A descent with eta = 1/beta^2, where beta is at least ||J|| at both ends of it: the theorem needs no more."""
    run = trial.promised(1 / beta**2, PROMISED)
    end = _norm(view.network.moved(run.movement), view)
    return (run, beta) if end <= beta else (trial.promised(1 / end**2, PROMISED), end)


def _norm(network: Network, view: View, steps: int = 20) -> float:
    """||J|| of a network from below, by power iteration; of one without products J v from its whole spectrum."""
    jacobian = Jacobian(network)
    if not jacobian.has_products:
        return math.sqrt(spectrum(network).largest.value)
    u = torch.from_numpy(view.spectrum.leading(1)[1][:, 0].copy()).to(network.vector())
    for _ in range(steps):
        u = jacobian.gram(u / u.norm())
    return float(u.norm()) ** 0.5


def _rate(view: View, trial: Trial, promised: Promise, near: Condition) -> Condition:
    run, beta = _on_path(view, trial, promised.beta)
    decrement = replace(promised, beta=beta).decrement
    allowed = run.misfits[0] * (1 - decrement) ** np.arange(len(run.misfits))
    margins = {str(t): float(1 - run.misfits[t] / allowed[t]) for t in range(1, len(run.misfits))}
    lost = -math.expm1(math.log(run.misfits[-1] / run.misfits[0]) / max(1, len(run.misfits) - 1))
    return conditions.promised(margins, decrement, lost, covered=near.verdict.status != "REFUTED")


def _image_first(views: Sequence[View], trial: Trial, photographs: Mapping[str, np.ndarray]) -> list[Condition]:
    """The target at every seed and in the real fits; and, where spectra are whole, photographs at every seed."""
    noise = noise_like(trial.x, trial.seed, "fit")
    target = {f"seed {view.seed}, predicted": (_time(view, trial.x), _time(view, noise)) for view in views}
    target["real fits"] = tuple(trial.found.runs[name].time_to(SHARE) for name in ("image", "noise"))  # type: ignore[assignment]
    others = {
        f"{name}, seed {view.seed}": (_time(view, x), _time(view, noise_like(x, view.seed, "bias", name)))
        for view in views
        for name, x in photographs.items()
        if view.spectrum.exact
    }
    found = [conditions.image_first("bias", "the target is", target)]
    return found + ([conditions.image_first("bias, photographs", "photographs are", others)] if others else [])


def _time(view: View, y: np.ndarray) -> float:
    return fit_time(view.measure(view.f0 - y), view.step, SHARE)


def _denoises(trial: Trial) -> Condition:
    run = trial.found.runs["noisy image"]
    error, noise = float(run.errors.min()), trial.found.noisy
    return conditions.denoises({"real fit": 1 - (error / noise) ** 2}, 20 * math.log10(noise / error))
