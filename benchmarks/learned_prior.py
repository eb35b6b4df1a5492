"""Learned regularisation by every reading of the text, beside plain CS-DIP: chest x-rays, paired by image and start.

Prints for each reading the mean error, by how many per cent it is lower (Fieller's 95 % interval over images), the same
over pairs without a dead region, the misfit and how many images have one; likewise for plain CS-DIP that stops earlier,
at the noise and at the one step that would have been best for all images, and that begins elsewhere. Rows and fitted
weights are kept in a folder, where a second call goes on.

    PYTHONPATH=. python benchmarks/learned_prior.py --size 256 --m 500 --variance 1000 --images 4
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from untrained.sims.experiments.recipes.cells import image_seed
from untrained.sims.images.datasets import dataset
from untrained.sims.images.resizing import resize
from untrained.sims.images.scores import ratio_interval
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import measure
from untrained.sims.recovery.csdip import PRESETS, network_for
from untrained.sims.recovery.fitting import Fit, Targets
from untrained.sims.recovery.learned_prior import exact_prior
from untrained.sims.recovery.stopping import LastWindow

EVERY = 10
"""Steps between two points of a curve."""
DEAD = 0.001
"""The share of pixels that are exactly grey from which on an image has a region that died."""
COMMON = 1
"""The seed of weights and latent where all fits begin alike."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Reading:
    """How LR(w) is read: which sum, with batch norm or not, over which weights of which fits.

    `law` is a reading of `learned_prior`, or "coordinates", where every single weight has a mean and a variance of its
    own (Section 3.2 before the layers) and all fits begin alike, as without it no two weights correspond. `at` says
    which iterate of the fits is learned from: their last, or that of least error, as the published script stored it.
    `noisy` learns from measurements as noisy as those recovered from; the others from clean ones. Controls have no law;
    `tv` is a weight of total variation in place of the sweep's.
    """

    law: str | None = "weights/d"
    norm: bool = False
    at: str = "last"
    noisy: bool = False
    common: bool = False
    tv: float | None = None


READINGS: Mapping[str, Reading] = {
    "plain": Reading(None),
    "plain-common": Reading(None, common=True),
    "tv": Reading(None, tv=0.05),
    "no-tv": Reading(None, tv=0.0),
    "recipe": Reading(),
    "norm": Reading(norm=True),
    "noisy": Reading(noisy=True),
    "sum": Reading("weights"),
    "sum-norm": Reading("weights", norm=True),
    "means": Reading("means"),
    "code": Reading("means", norm=True),
    "code-least": Reading("means", norm=True, at="least"),
    "coordinates": Reading("coordinates", norm=True, common=True),
    "coordinates-least": Reading("coordinates", norm=True, at="least", common=True),
}


class Coordinates:
    """Each weight's own N(mu_i, s^2), s^2 pooled over a layer: a few fits do not tell variances of single weights."""

    def __init__(self, weights: list[dict[str, torch.Tensor]]) -> None:
        whole = {name: torch.stack([one[name] for one in weights]) for name in weights[0]}
        self.means = {name: w.mean(0) for name, w in whole.items()}
        self.variances = {name: float(w.var(0).mean()) for name, w in whole.items()}
        self.size = sum(mean.numel() for mean in self.means.values())

    def penalty(self, weights: Mapping[str, torch.Tensor]) -> torch.Tensor:
        """The sum over all weights, (B,), by their number."""
        parts = [(weights[n] - mu).square().flatten(1).sum(1) / self.variances[n] for n, mu in self.means.items()]
        return torch.stack(parts).sum(0) / self.size


@dataclass(frozen=True)
class Sweep:
    """What all fits of a call share, and the folder of its rows."""

    size: int
    m: int
    variance: float
    steps: int
    starts: int
    learn_from: int
    tv_weight: float
    folder: Path

    def images(self) -> torch.Tensor:
        """The x-rays at the sweep's size, (N, 1, size, size)."""
        whole = dataset("xray")
        side = (self.size, self.size)
        return whole if self.size == 256 else torch.from_numpy(resize(whole.double().numpy(), side)).float()

    def fit(self, number: int, variance: float, common: bool, prior: Any = None, weight: float = 0.0) -> list[Any]:
        """Fit an image from each start: curves of error and misfit, ends, and the weights at the end and the least."""
        image, seed = self.images()[number], image_seed("xray", number)
        operator = make_operator("gaussian", tuple(image.shape), self.m, seed)
        y = measure(image, operator, noise=variance**0.5, seed=seed).y
        settings = replace(PRESETS["paper"], steps=self.steps, tv_weight=self.tv_weight)
        data = Targets([operator], y[None], self.starts, settings, seed)
        starts = [(COMMON if common else seed, restart) for restart in range(self.starts)]
        fit = Fit(network_for(settings, operator.shape), data, settings, starts)
        if weight:
            fit.prior, fit.settings = prior, replace(settings, prior="learned", prior_weight=weight)
        return descend(fit, image, self.steps)

    def weights(self, reading: Reading) -> list[dict[str, torch.Tensor]]:
        """The weights of the fits that a reading learns from, one network an image, made once."""
        variance = self.variance if reading.noisy else 0.0
        name = f"fits-{self.size}-{self.m}-{variance:g}-{self.steps}-{self.tv_weight:g}-{reading.common:d}"
        states = []
        for number in range(self.learn_from):
            path = self.folder / f"{name}-{number}.pt"
            if not path.exists():
                one = replace(self, starts=1).fit(number, variance, reading.common)[0]
                torch.save({at: one[at] for at in ("last", "least")}, path)
            states.append(torch.load(path)[reading.at])
        return states


def descend(fit: Fit, image: torch.Tensor, steps: int) -> list[dict[str, Any]]:
    """Take the steps; one mapping a start."""
    chooser = LastWindow(steps)
    errors, misfits = [], []
    count = len(fit.z)
    least, stored = [np.inf] * count, [{}] * count
    for step in range(1, steps + 1):
        before = [fit.network.copy_of(b) for b in range(count)] if step % EVERY == 0 else []
        iterates = fit.advance(step)
        chooser.observe(iterates)
        if not before:
            continue
        errors.append((iterates.images - image).square().mean((1, 2, 3)).tolist())
        misfits.append(iterates.misfits.tolist())
        for b, error in enumerate(errors[-1]):
            if error < least[b]:
                least[b], stored[b] = error, before[b]
    best = chooser.best
    return [
        {
            "mse": float((best.images[b] - image).square().mean()),
            "misfit": float(best.misfits[b]),
            "dead": float((best.images[b].abs() < 1e-6).float().mean()),
            "errors": [round(row[b], 6) for row in errors],
            "misfits": [round(row[b], 3) for row in misfits],
            "last": fit.network.copy_of(b),
            "least": stored[b],
        }
        for b in range(count)
    ]


def learned(sweep: Sweep, reading: Reading) -> Any:
    """The law of the weights as a reading has it."""
    weights = sweep.weights(reading) if reading.law else []
    if reading.law is None or reading.law == "coordinates":
        return Coordinates(weights) if reading.law else None
    return exact_prior(weights, reading=reading.law, include_norm=reading.norm)


def rows(sweep: Sweep, name: str, weight: float, images: range) -> Iterator[dict[str, Any]]:
    """The rows of a reading, read from the folder or made now, one an image and start."""
    reading = READINGS[name]
    prior = None
    for number in images:
        key = f"{sweep.size}-{sweep.m}-{sweep.variance:g}-{sweep.steps}-{sweep.tv_weight:g}-{sweep.starts}"
        path = sweep.folder / f"row-{key}-{sweep.learn_from}-{name}-{weight:g}-{number}.json"
        if reading.law is None:
            path = sweep.folder / f"row-{key}-{name}-{number}.json"
        if not path.exists():
            prior = prior or learned(sweep, reading)
            one = sweep if reading.tv is None else replace(sweep, tv_weight=reading.tv)
            fits = one.fit(number, sweep.variance, reading.common, prior, weight if prior else 0.0)
            records = [{k: v for k, v in row.items() if k not in ("last", "least")} for row in fits]
            path.write_text(json.dumps(records))
        for start, row in enumerate(json.loads(path.read_text())):
            yield {"image": number, "start": start, **row}


def gain(errors: np.ndarray, plain: np.ndarray) -> str:
    """Per cent by which the mean of `errors` is below that of `plain`, paired, with Fieller's interval."""
    if len(errors) < 2:
        return f"{100 * (1 - errors[0] / plain[0]):.1f} %" if len(errors) else "-"
    ratio, low, high = ratio_interval(errors, plain)
    return f"{100 * (1 - ratio):.1f} % ({100 * (1 - high):.0f} to {100 * (1 - low):.0f})"


def by_image(runs: Rows, values: Sequence[float]) -> np.ndarray:
    """Means over the starts of each image."""
    numbers = np.array([row["image"] for row in runs])
    return np.array([np.mean(np.array(values)[numbers == i]) for i in np.unique(numbers)])


def stopped(runs: Rows, variance: float) -> dict[str, list[float]]:
    """Errors of plain fits stopped at the noise (at the end where it is not reached), and at the best common step."""
    curves, misfits = (np.array([row[key] for row in runs]) for key in ("errors", "misfits"))
    below = misfits <= variance
    first = np.where(below.any(1), below.argmax(1), curves.shape[1] - 1)
    best = int(curves.mean(0).argmin())
    at_noise = curves[np.arange(len(curves)), first]
    return {"stopped at the noise": list(at_noise), f"stopped at step {(best + 1) * EVERY}": list(curves[:, best])}


def chance(runs: Rows, images: int) -> float:
    """Per cent: the deviation of the gain of a run over another that differs in its starts only, over many images."""
    errors = [row["mse"] for row in runs]
    numbers = np.array([row["image"] for row in runs])
    within = np.mean([np.array(errors)[numbers == i].var(ddof=1) for i in np.unique(numbers)])
    return float(100 * np.sqrt(2 * within / images) / np.mean(errors))


def line(label: str, errors: np.ndarray, plain: np.ndarray, rest: str = "") -> None:
    """Print one line of the table."""
    print(f"{label:26s} {errors.mean():.5f}  {gain(errors, plain):24s} {rest}", flush=True)


def describe(label: str, runs: Rows, plain: Rows) -> None:
    """Print the line of a reading: its gain, the same without pairs that have a dead region, misfit, dead regions."""
    whole = [by_image(one, [row["mse"] for row in one]) for one in (runs, plain)]
    dead = [a["dead"] > DEAD or b["dead"] > DEAD for a, b in zip(runs, plain, strict=True)]
    alive = [np.array([row["mse"] for row, no in zip(one, dead, strict=True) if not no]) for one in (runs, plain)]
    misfit, lost = np.mean([row["misfit"] for row in runs]), sum(row["dead"] > DEAD for row in runs)
    line(label, *whole, f"alive {gain(*alive)} of {len(alive[0])}; misfit {misfit:.2f}; {lost} of {len(runs)} dead")


def table(sweep: Sweep, readings: Sequence[str], weights: Sequence[float], images: range) -> None:
    """Print every line; readings whose fits begin alike are beside plain fits that do so too."""
    plain = list(rows(sweep, "plain", 0.0, images))
    describe("plain", plain, plain)
    for label, errors in stopped(plain, sweep.variance).items():
        line(label, by_image(plain, errors), by_image(plain, [row["mse"] for row in plain]))
    for name in readings:
        reading = READINGS[name]
        alike = reading.common and reading.law is not None
        beside = list(rows(sweep, "plain-common", 0.0, images)) if alike else plain
        for weight in weights if reading.law else [0.0]:
            runs = list(rows(sweep, name, weight, images))
            describe(f"{name} {weight:g}" if reading.law else name, runs, beside)
        if name == "plain-common":
            print(f"other starts move a gain over 50 images by {chance([*plain, *runs], 50):.0f} % (one deviation)")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in (("size", 256), ("m", 500), ("images", 4), ("first", 10), ("starts", 1), ("steps", 1000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--variance", type=float, default=0.0, help="sigma^2: the noise has sigma^2/m an entry")
    choices = [name for name in READINGS if name != "plain"]
    parser.add_argument("--readings", nargs="+", choices=choices, default=["recipe", "code", "plain-common"])
    parser.add_argument("--weights", type=float, nargs="+", default=[100.0], help="lambda_L")
    parser.add_argument("--learn-from", type=int, default=10, help="images, from the first of the set on")
    parser.add_argument("--tv-weight", type=float, default=0.01)
    parser.add_argument("--folder", type=Path, default=Path("build/learned_prior"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.folder.mkdir(parents=True, exist_ok=True)
    sweep = Sweep(**{field.name: getattr(arguments, field.name) for field in fields(Sweep)})
    images = range(arguments.first, arguments.first + arguments.images)
    energy = float(sweep.images()[images.start : images.stop].square().sum((1, 2, 3)).mean())
    print(
        f"{arguments.size}x{arguments.size}, m = {arguments.m}: ||x||^2 = {energy:.0f}, "
        f"E||eta||^2 = {arguments.variance:g}"
    )
    table(sweep, arguments.readings, arguments.weights, images)


if __name__ == "__main__":
    main()
