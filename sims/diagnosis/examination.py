"""`check`: measure a network, hold the papers' conditions against it, and try what the theory promises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
import torch

from untrained.sims.diagnosis.bias import as_image, is_unit, natural, target
from untrained.sims.diagnosis.descents import DescentPlan, run_descents
from untrained.sims.diagnosis.evaluate import Observations, evaluate, lemma_bound
from untrained.sims.diagnosis.initialisation import Initialisation, guarantee, quantities
from untrained.sims.diagnosis.range_geometry.isometry import row_map
from untrained.sims.diagnosis.report import Curves, Report, in_words
from untrained.sims.diagnosis.two_layer import recognise
from untrained.sims.networks.factories import LatentShape
from untrained.sims.networks.forecast import Estimate, check_examination_fits, examination_estimate
from untrained.sims.networks.loading import NetworkLike, as_network
from untrained.sims.networks.network import Network
from untrained.sims.networks.output import OutputPart
from untrained.sims.ntk.spectrum import WHOLE, Measure, spectrum
from untrained.sims.operators import Operator, make_operator
from untrained.sims.operators.base import bounded_integer
from untrained.sims.progress import OpenProgress, Progress, no_progress
from untrained.sims.runtime import library_defaults

LEADING = 8
"""Leading eigenvectors kept for the page."""


@dataclass(frozen=True)
class Question:
    """What a network is to be examined for.

    `target` is an image file or `example:NAME`, cut to the output's shape; `operator`, `m` and `options` say how it is
    measured (without `m` and options not at all); the start is looked at for `seeds` seeds from `seed` on, and descents
    take `steps` steps. Above 4096 outputs, or with `exact` False, spectra come from `products` with J J^T.
    `denoise` is the standard deviation of noise to be denoised, as a share of the range of pixels.
    """

    target: str = "example:camera"
    operator: str = "gaussian"
    m: float | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    seeds: int = 3
    steps: int = 300
    denoise: float = 0.1
    seed: int = 0
    exact: bool | None = None
    products: int = 120

    def __post_init__(self) -> None:
        """Refuse counts below 1 and noise to be denoised that is none."""
        for name, least in (("seeds", 1), ("steps", 1), ("seed", 0), ("products", 10)):
            bounded_integer(name, getattr(self, name), least)
        if not (isinstance(self.denoise, Real) and 0 < float(self.denoise) < 10):
            raise ValueError(f"denoise must lie between 0 and 10, got {self.denoise!r}")

    def sensing(self, shape: tuple[int, int, int]) -> Operator | None:
        """The operator on images (C, H, W), where one is asked for.

        Raises
        ------
        ValueError
            where it cannot be, or images have neither one channel nor three.
        """
        if self.m is None and not self.options:
            return None
        if shape[0] not in (1, 3):
            raise ValueError(f"output must have 1 or 3 channels to be measured, got {shape[0]} planes: leave m out")
        return make_operator(self.operator, shape, self.m, self.seed, **self.options)


@library_defaults()
def check(
    network: NetworkLike,
    latent: object = None,
    question: Question | None = None,
    *,
    latent_shape: LatentShape | None = None,
    param_filter: str | None = None,
    part: OutputPart = None,
    watching: OpenProgress = no_progress,
    **options: Any,
) -> Report:
    """Examine a network: what the theory of untrained priors says of it, and what it really does.

    `network` is a module with its input `latent`, a factory, `FILE.py:FACTORY`, or a known name such as `dcgan-mnist`.
    Fields of Question may be given by name: `check(module, z, m=100)`; the rest is as for `as_network`.

    Raises
    ------
    ValueError
        where the network cannot be examined, or what is asked makes no sense.
    """
    question = question or Question(**options)
    source = as_network(network, latent, latent_shape=latent_shape, param_filter=param_filter, part=part)
    check_examination_fits(source, question.seeds)
    shape = source.image_shape
    picture, operator = target(question.target, shape), question.sensing(shape)
    starts = initialise_all(source, question, watching)
    first, unit = starts[0], is_unit([start.output for start in starts])
    x, photographs = (picture + 1) / 2 if unit else picture, natural(shape, unit=unit)
    A = None if operator is None else row_map(operator)
    with watching("descents") as progress:
        single = source.draw(first.seed, torch.float32)
        plan = DescentPlan(first, single, x, question.steps, question.seed, progress)
        descents = run_descents(plan, question.denoise * (1 if unit else 2), operator, A)
    two = recognise(first.network)
    promise = guarantee(first.spectrum, float(np.linalg.norm(first.output - x)), two.beta if two else None)
    observations = Observations(starts, plan, descents, promise, two, photographs)
    with watching("adversarial search") as progress:
        conditions = evaluate(observations, A, progress)
    facts = _facts(question, observations, unit, operator)
    predictions = descents.predictions
    words = in_words(facts, conditions, predictions)
    measured = quantities(starts, x, photographs)
    return Report(source.name, facts, measured, conditions, predictions, words, _curves(observations))


def expected_cost(network: Network, question: Question) -> Estimate:
    """Estimate what an examination takes.

    Raises
    ------
    ValueError
        where it does not fit into the memory that is free, or the network cannot be examined.
    """

    def rows(n: int) -> int:
        whole = n <= WHOLE if question.exact is None else question.exact
        return n if whole else 2 * question.products

    return examination_estimate(network, seeds=question.seeds, steps=question.steps, rows=rows)


def initialise_all(source: Network, question: Question, watching: OpenProgress) -> list[Initialisation]:
    """Draw the network at each seed, and take its output and the spectrum of J J^T there.

    Raises
    ------
    ValueError
        where outputs have other shapes at other seeds.
    """
    seeds, starts = range(question.seed, question.seed + question.seeds) if source.seeds_possible else [0], []
    with watching("spectra") as progress:
        for i, seed in enumerate(seeds):
            starts.append(_initialise(source, seed, question, _share(progress, i, len(seeds))))
            first, here = starts[0].network.shape, starts[-1].network.shape
            if here != first:
                raise ValueError(
                    f"output of {source.name} must have one shape, got {first} and, at seed {seed}, {here}"
                )
    return starts


def _initialise(
    source: Network, seed: int, question: Question, share: Callable[[float], None] | None
) -> Initialisation:
    network = source.draw(seed)
    K = spectrum(network, seed=seed, exact=question.exact, steps=question.products, progress=share)
    if share:
        share(1.0)
    with torch.no_grad():
        output = network.output().cpu().double().numpy()
    return Initialisation(seed, network, output, K)


def _share(progress: Progress | None, done: int, seeds: int) -> Callable[[float], None] | None:
    """A share of one spectrum as a share of all."""
    if progress is None:
        return None
    return lambda share: progress(round(100 * (done + share)), 100 * seeds, float("nan"))


def _facts(question: Question, observations: Observations, unit: bool, operator: Operator | None) -> dict[str, Any]:
    first, network, promise = observations.first, observations.first.network, observations.guarantee
    return {
        "output": network.shape, "image": network.image_shape, "n": network.n,
        "weights": network.count, "exact": first.spectrum.exact, "seeds": len(observations.starts),
        "seed": question.seed,
        "target": question.target, "pixels": [0, 1] if unit else [-1, 1], "steps": question.steps,
        "step size": first.step, "noise": question.denoise, "misfit": promise.misfit,
        "notes": [*network.notes, *_notes(first)],
        "alpha": promise.alpha, "beta": promise.beta, "radius": promise.radius,
        **({} if operator is None else {"operator": operator.name, "m": operator.m}),
    }  # fmt: skip


def _notes(start: Initialisation) -> list[str]:
    if start.spectrum.exact:
        return []
    return [f"spectra are estimated: the error bars of a seed fail with probability {start.spectrum.level:g}"]


def _by_place(density: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, decreasing, and how many there are up to each."""
    order = np.argsort(-density.nodes)
    return np.cumsum(density.weights[order]), density.nodes[order]


def _curves(observations: Observations) -> Curves:
    first, descents, two = observations.first, observations.descents, observations.two_layer
    fits = {"image": descents.image.curves, "noise": descents.noise.curves}
    times = np.arange(max(len(real) for _, real in fits.values()))
    bound = lemma_bound(two) if two else None
    spectrum, leading = _by_place(first.spectrum.density()), first.spectrum.leading(LEADING)[1]
    return Curves(spectrum, bound, times, fits, leading, _pictures(observations))


def _pictures(observations: Observations) -> dict[str, np.ndarray]:
    descents = observations.descents
    vectors = {
        "target": observations.plan.x,
        "image": descents.image.descent.last,
        "noisy": descents.denoising.noisy,
        "denoised": descents.denoising.descent.best,
    }
    if descents.sensing is not None:
        vectors["from y"] = descents.sensing.descent.last
    return {name: as_image(vector, observations.first.network.image_shape) for name, vector in vectors.items()}
