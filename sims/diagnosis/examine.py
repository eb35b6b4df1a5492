"""`check`: measure a network, hold the papers' conditions against it, and try what the theory promises."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from untrained.sims.diagnosis.answer import Curves, Report, in_words
from untrained.sims.diagnosis.fit import Watch
from untrained.sims.diagnosis.hold import Held, hold
from untrained.sims.diagnosis.range_geometry.measuring import Measured, measured
from untrained.sims.diagnosis.sensed import sensed
from untrained.sims.diagnosis.targets import as_image, is_unit, natural, target
from untrained.sims.diagnosis.trials import Trial, Trials
from untrained.sims.diagnosis.views import View, quantities
from untrained.sims.networks.forecast import Estimate, check_examination_fits, examination_estimate
from untrained.sims.networks.loading import NetworkLike, as_network
from untrained.sims.networks.network import Network
from untrained.sims.ntk.spectrum import WHOLE, Measure, spectrum
from untrained.sims.operators import Operator, make_operator

Watching = Callable[[str], contextlib.AbstractContextManager[Watch | None]]
"""Opens, for the name of a stage, what is told of its progress."""
SEEN = 8
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
    m: int | None = None
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
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if not 0 < self.denoise < 10:
            raise ValueError(f"denoise must lie between 0 and 10, got {self.denoise}")

    def sensing(self, shape: tuple[int, int, int]) -> Operator | None:
        """The operator on images (C, H, W), where one is asked for."""
        if self.m is None and not self.options:
            return None
        return make_operator(self.operator, shape, self.m, self.seed, **self.options)


@contextlib.contextmanager
def _silent(_: str) -> Iterator[None]:
    yield None


def check(
    network: NetworkLike,
    latent: object = None,
    question: Question | None = None,
    *,
    watching: Watching = _silent,
    **asked: Any,
) -> Report:
    """Examine a network: what the theory of untrained priors says of it, and what it really does.

    `network` is a module with its input `latent`, a factory, `FILE.py:FACTORY`, or a known name such as `dcgan-mnist`.
    Fields of Question may be given by name: `check(module, z, m=100)`.

    Raises
    ------
    ValueError
        where the network cannot be examined, or what is asked makes no sense.
    """
    question = question or Question(**asked)
    source = as_network(network, latent)
    check_examination_fits(source, question.seeds)
    views = _views(source, question, watching)
    first = views[0]
    unit = is_unit([view.f0 for view in views])
    shape = first.network.image_shape
    x, photographs = target(question.target, shape, unit=unit), natural(shape, unit=unit)
    operator = question.sensing(shape)
    with watching("descents") as watch:
        trial = Trial(first, source.draw(first.seed, torch.float32), x, question.steps, question.seed, watch)
        A = _tried(trial, operator, question.denoise * (1 if unit else 2))
    with watching("attack") as watch:
        held = hold(views, trial, photographs, question.seed, watch)
    if A is not None:
        held.conditions.extend(sensed(views, trial, A, question.seed))
    facts = _facts(question, views, unit, operator, held)
    conditions, predictions = held.conditions, trial.found.predictions
    words = in_words(facts, conditions, predictions)
    found = quantities(views, x, photographs)
    return Report(source.name, facts, found, conditions, predictions, words, _curves(first, trial, held))


def expected(network: Network, question: Question) -> Estimate:
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


def _views(source: Network, question: Question, watching: Watching) -> list[View]:
    seeds = range(question.seed, question.seed + question.seeds) if source.seeds_possible else [0]
    views = []
    with watching("spectra") as watch:
        for done, seed in enumerate(seeds):
            network = source.draw(seed)
            tell = _share(watch, done, len(seeds))
            taken = spectrum(network, seed=seed, exact=question.exact, steps=question.products, progress=tell)
            views.append(View(seed, network, _output(network), taken))
            if watch:
                watch(100 * (done + 1), 100 * len(seeds), taken.largest.value)
    return views


def _share(watch: Watch | None, done: int, seeds: int) -> Callable[[float], None] | None:
    """A share of one spectrum as a share of all."""
    if watch is None:
        return None
    return lambda share: watch(round(100 * (done + share)), 100 * seeds, float("nan"))


def _output(network: Any) -> np.ndarray:
    with torch.no_grad():
        f: np.ndarray = network.output().cpu().double().numpy()
    return f


def _tried(trial: Trial, operator: Operator | None, sigma: float) -> Measured | None:
    trial.fits()
    trial.denoise(sigma)
    if operator is None:
        return None
    A = measured(operator)
    trial.sense(operator, A)
    return A


def _facts(
    question: Question, views: Sequence[View], unit: bool, operator: Operator | None, held: Held
) -> dict[str, Any]:
    first = views[0]
    return {
        "output": first.network.shape, "image": first.network.image_shape, "n": first.network.n,
        "weights": first.network.count, "exact": first.spectrum.exact, "seeds": len(views), "seed": question.seed,
        "target": question.target, "pixels": [0, 1] if unit else [-1, 1], "steps": question.steps,
        "step size": first.step, "noise": question.denoise, "misfit": held.promise.misfit,
        "notes": [*first.network.notes, *held.notes],
        "alpha": held.promise.alpha, "beta": held.promise.beta, "radius": held.promise.radius,
        **({} if operator is None else {"operator": operator.name, "m": operator.m}),
    }  # fmt: skip


def _by_place(density: Measure) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues, decreasing, and how many there are up to each."""
    order = np.argsort(-density.nodes)
    return np.cumsum(density.weights[order]), density.nodes[order]


def _curves(view: View, trial: Trial, held: Held) -> Curves:
    found: Trials = trial.found
    longest = max(len(real) for _, real in found.fits.values())
    shape = view.network.image_shape
    pictures = {"target": trial.x, "image": found.runs["image"].last, "denoised": found.runs["noisy image"].best}
    if "sensing" in found.runs:
        pictures["from y"] = found.runs["sensing"].last
    return Curves(
        _by_place(view.spectrum.density()), held.bound, np.arange(longest), found.fits, view.spectrum.leading(SEEN)[1],
        {name: as_image(picture, shape) for name, picture in pictures.items()},
    )  # fmt: skip
