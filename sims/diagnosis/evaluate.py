"""The conditions of the papers evaluated on one network: what is measured for each, and the evidence it makes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from untrained.sims.diagnosis import conditions
from untrained.sims.diagnosis.adversarial.search import AdversarialSearch, search_ball
from untrained.sims.diagnosis.bias import noise_like
from untrained.sims.diagnosis.conditions import Condition
from untrained.sims.diagnosis.descents import SHARE, Descent, DescentPlan, Descents, SensingFit, gradient_descent
from untrained.sims.diagnosis.initialisation import Initialisation, NetworkGuarantee
from untrained.sims.diagnosis.predictions import fit_time
from untrained.sims.diagnosis.range_geometry.dimension import dimension, witness
from untrained.sims.diagnosis.range_geometry.isometry import RowMap, isometry, moves
from untrained.sims.diagnosis.two_layer import WIDTH_PRINTED, TwoLayer
from untrained.sims.lanczos import largest_eigenvalue
from untrained.sims.networks.network import Network
from untrained.sims.ntk.jacobian import Jacobian
from untrained.sims.ntk.spectrum import spectrum
from untrained.sims.progress import Progress

RATE_STEPS = 100
"""Steps at most of the descent that the promised rate is held against: it is run in double precision."""
SKETCH = 200
"""Products at most that a lower bound on the dimension may take, where spectra are not whole."""


@dataclass(frozen=True)
class Observations:
    """What the conditions are evaluated on: starts at several seeds, the descents from the first, the guarantee there,
    and the paper's own generator where the network is one.
    """

    starts: Sequence[Initialisation]
    plan: DescentPlan
    descents: Descents
    guarantee: NetworkGuarantee
    two_layer: TwoLayer | None
    photographs: Mapping[str, np.ndarray]

    @property
    def first(self) -> Initialisation:
        """The start that descents begin from."""
        return self.starts[0]


def evaluate(observations: Observations, A: RowMap | None, progress: Progress | None = None) -> list[Condition]:
    """Evaluate the theorem of convergence, structural bias and, where A measures, compressed sensing."""
    rows = [_full_rank(observations.starts), *_theorem(observations, progress)]
    if two := observations.two_layer:
        rows.append(conditions.wide(two.width, two.n, WIDTH_PRINTED))
    rows += [*_image_first(observations), _denoises(observations.descents)]
    return rows if A is None else [*rows, *_sensing(observations, A)]


def lemma_bound(two: TwoLayer) -> float:
    """nu sqrt d ||z||/2, what Lemma B.1 promises sigma_min; nu is read from V. Source: vanveen18 Lemma B.1."""
    return float(np.linalg.norm(two.V)) / math.sqrt(two.n) * two.latent_norm / 2


def _full_rank(starts: Sequence[Initialisation]) -> Condition:
    """A1 at every seed."""
    network = starts[0].network
    values = {str(start.seed): start.spectrum.smallest for start in starts}
    floors = {str(start.seed): start.spectrum.floor for start in starts}
    return conditions.full_rank(values, floors, network.count, network.n)


def _theorem(observations: Observations, progress: Progress | None) -> list[Condition]:
    """A2, A3 and the rate. Where sigma_min is not told from 0, alpha is the largest that error bars leave: what breaks
    A2 for that breaks it for every smaller one.
    """
    start, promise = observations.first, observations.guarantee
    stated = replace(promise, alpha=promise.alpha or math.sqrt(start.spectrum.smallest.high) / 2)
    if not stated.alpha > 0 or not promise.misfit > 0:
        return []
    search = _search(observations, stated, progress)
    near = conditions.near_start(search.changes, search.bound, stated.radius, search.passed_at, search.further)
    return [near, _bounded(observations, search), _rate(observations, near)]


def _search(observations: Observations, stated: NetworkGuarantee, progress: Progress | None) -> AdversarialSearch:
    start, runs = observations.first, observations.descents.by_name
    paths = {f"descent on {name}": run.movement.double() for name, run in runs.items() if run.distance > 0}
    effort, seed = (1 if start.spectrum.exact else 0), observations.plan.seed
    return search_ball(
        start.network, stated.radius, bound=stated.budget, seed=seed, paths=paths, effort=effort, progress=progress
    )


def _bounded(observations: Observations, search: AdversarialSearch) -> Condition:
    """A3: by the closed form of the two-layer generator, or by the largest norm that was met."""
    largest, two = max(search.largest, math.sqrt(observations.first.spectrum.largest.value)), observations.two_layer
    return conditions.bounded(two.beta if two else largest, largest, proved=two is not None)


def _rate(observations: Observations, near: Condition) -> Condition:
    """The promised rate against a real descent."""
    descent, beta = _on_path(observations)
    misfits = descent.misfits
    decrement = replace(observations.guarantee, beta=beta).decrement()
    allowed = misfits[0] * (1 - decrement) ** np.arange(len(misfits))
    margins = {str(t): float(1 - misfits[t] / allowed[t]) for t in range(1, len(misfits))}
    left = misfits[-1] / misfits[0]
    lost = -math.expm1(math.log(left) / max(1, len(misfits) - 1)) if left > 0 else 1.0
    return conditions.promised(margins, decrement, lost, covered=near.verdict.status != "REFUTED")


def _on_path(observations: Observations) -> tuple[Descent, float]:
    """A descent with eta = 1/beta^2, where beta is at least ||J|| at both ends of it: the theorem needs no more."""
    beta, network = observations.guarantee.beta, observations.first.network
    descent = _in_double(observations, beta)
    end = _norm(network.moved(descent.movement), observations.first)
    return (descent, beta) if end <= beta else (_in_double(observations, end), end)


def _in_double(observations: Observations, beta: float) -> Descent:
    plan, network = observations.plan, observations.first.network
    return gradient_descent(network, plan.x, beta**-2, min(plan.steps, RATE_STEPS), progress=plan.progress)


def _norm(network: Network, start: Initialisation, steps: int = 20) -> float:
    """||J|| of a network from below, by products; of one without products J v from its whole spectrum."""
    jacobian = Jacobian(network)
    if not jacobian.has_products:
        return math.sqrt(spectrum(network).largest.value)
    u = torch.from_numpy(start.spectrum.leading(1)[1][:, 0].copy()).to(network.vector())
    return math.sqrt(largest_eigenvalue(jacobian.gram, u, tolerance=0.0, steps=steps))


def _image_first(observations: Observations) -> list[Condition]:
    """The target at every seed and in the real fits; and, where spectra are whole, photographs at every seed."""
    x, descents = observations.plan.x, observations.descents
    noise = noise_like(x, observations.plan.seed, "fit")
    times = {f"seed {start.seed}, predicted": (_time(start, x), _time(start, noise)) for start in observations.starts}
    times["real fits"] = descents.image.real_time, descents.noise.real_time
    others = {
        f"{name}, seed {start.seed}": (
            _time(start, photograph),
            _time(start, noise_like(photograph, start.seed, "bias", name)),
        )
        for start in observations.starts
        for name, photograph in observations.photographs.items()
        if start.spectrum.exact
    }
    rows = [conditions.image_first("bias", "the target is", times)]
    return rows + ([conditions.image_first("bias, photographs", "photographs are", others)] if others else [])


def _time(start: Initialisation, y: np.ndarray) -> float:
    return fit_time(start.measure(start.output - y), start.step, SHARE)


def _denoises(descents: Descents) -> Condition:
    """Whether the real descent on the noisy picture came nearer to the picture than the noise was."""
    fit = descents.denoising
    return conditions.denoises(fit.least, fit.noise, len(fit.descent.last))


def _sensing(observations: Observations, A: RowMap) -> list[Condition]:
    """What compressed sensing asks of A: the range's dimension, the RIP on differences, what a fit recovers."""
    starts, first = observations.starts, observations.first
    reach = dimension(
        [start.spectrum for start in starts], first.network, sketch=min(A.m + 1, SKETCH), seed=observations.plan.seed
    )
    hidden = witness(first.network, first.spectrum, A) if reach.hidden_by(A.m) else None
    further = {"moves": moves(first.network, observations.plan.seed)}
    if hidden is not None:
        further["moves A does not see"] = hidden.difference[None]
    ratios = isometry(np.stack([s.output for s in starts]), A, further, [s.spectrum for s in starts])
    rows = [conditions.low_dimension(reach.least, A.m, None if hidden is None else hidden.least, exact=reach.exact)]
    return [*rows, conditions.restricted_isometry(ratios.kinds), *_recovers(observations.descents.sensing, A)]


def _recovers(fit: SensingFit | None, A: RowMap) -> list[Condition]:
    return [] if fit is None else [conditions.recovers(fit.error, fit.baseline, A.m, A.n)]
