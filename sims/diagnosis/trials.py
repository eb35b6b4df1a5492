"""Real descents beside what the linearised theory predicts: a picture, noise, a noisy picture, measurements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch

from untrained.sims.diagnosis.answer import Prediction
from untrained.sims.diagnosis.fit import Run, Watch, descend
from untrained.sims.diagnosis.predictions import Denoising, denoising, fit_time, interpolant, least_norm, misfits
from untrained.sims.diagnosis.range_geometry.measuring import Measured
from untrained.sims.diagnosis.targets import noise_like
from untrained.sims.diagnosis.views import View
from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator
from untrained.sims.random.streams import stream

SHARE = 0.5**0.5
"""A fit counts from where half of the energy of the first misfit is gone."""


@dataclass
class Trials:
    """What was tried: runs by name, predictions beside them, and relative misfit curves (predicted, real)."""

    runs: dict[str, Run] = field(default_factory=dict)
    predictions: list[Prediction] = field(default_factory=list)
    fits: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)
    noisy: float = 0.0
    baseline: float = float("nan")


class Trial:
    """Descents of one network from one start: `twin` has the view's weights in single precision."""

    def __init__(self, view: View, twin: Network, x: np.ndarray, steps: int, seed: int, watch: Watch | None) -> None:
        self.view, self.twin, self.x, self.steps, self.seed, self.watch = view, twin, x, steps, seed, watch
        self.found = Trials()

    def fits(self) -> None:
        """Fit the picture, and noise of its norm: how long each takes."""
        times = {}
        for name, y in (("image", self.x), ("noise", noise_like(self.x, self.seed, "fit"))):
            run = self._descend(name, y, self.view.step)
            measure = self.view.measure(self.view.f0 - y)
            predicted = misfits(measure, self.view.step, np.arange(len(run.misfits)))
            self.found.fits[name] = (predicted / predicted[0], run.misfits / run.misfits[0])
            times[name] = fit_time(measure, self.view.step, SHARE), run.time_to(SHARE)
            self._note(f"fit time of {name}", "steps to half of the energy", *times[name], self._ended(run))
        (a, a_real), (b, b_real) = times["image"], times["noise"]
        self._note("noise against image", "times as long", _over(b, a), _over(b_real, a_real))

    def denoise(self, sigma: float) -> Denoising:
        """Fit x + noise of standard deviation sigma an entry, and look when the fit is nearest to x."""
        n, view = len(self.x), self.view
        promise = denoising(view.measure(view.f0 - self.x), view.spectrum.density(), view.step, sigma)
        noise = sigma * stream(self.seed, "noise", "denoise").standard_normal(n)
        run = self._descend("noisy image", self.x + noise, view.step, truth=self.x)
        self.found.noisy = float(np.linalg.norm(noise))
        gain = float(20 * np.log10(self.found.noisy / run.errors.min()))
        least = int(np.argmin(run.errors))
        late = "the error still fell at the last step" if least == len(run.errors) - 1 else ""
        self._note("best stop", "step", promise.stop, float(least), late)
        self._note("gain", "dB", promise.gain, gain, self._ended(run))
        return promise

    def sense(self, operator: Operator, A: Measured) -> None:
        """Fit y = A x: how near the image is after the steps, and at the end of the linearised descent."""
        view, shape = self.view, self.twin.image_shape
        y, scale = A.forward(self.x[None])[0], float(np.linalg.norm(self.x))
        step = 1 / (view.spectrum.largest.value * operator.squared_norm())
        through: Callable[[torch.Tensor], torch.Tensor] = lambda f: operator.forward(f.reshape(shape))  # noqa: E731
        run = self._descend("sensing", y, step, through=through, truth=self.x)
        promise = interpolant(view.spectrum, A, y, view.f0, step, len(run.misfits) - 1)
        then, end = (float(np.linalg.norm(f - self.x)) / scale for f in (promise.then, promise.end))
        note = f"{end:.3g} predicted at the end, by the smoothest interpolant"
        self._note("error of sensing", "of ||x||", then, float(run.errors[-1]) / scale, note)
        self.found.baseline = float(np.linalg.norm(least_norm(A, y) - self.x)) / scale

    def promised(self, step: float, most: int) -> Run:
        """Descend on the picture with another step, in the view's double precision."""
        return descend(self.view.network, self.x, step, min(self.steps, most), watch=self.watch)

    def _descend(self, name: str, y: np.ndarray, step: float, **options: object) -> Run:
        run = descend(self.twin, y, step, self.steps, watch=self.watch, **options)  # type: ignore[arg-type]
        self.found.runs[name] = run
        return run

    def _note(self, name: str, unit: str, predicted: float, real: float, note: str = "") -> None:
        self.found.predictions.append(Prediction(name, unit, predicted, real, note))

    @staticmethod
    def _ended(run: Run) -> str:
        return "" if run.end == "budget ended" else run.end


def _over(a: float, b: float) -> float:
    """a/b for times, of which either may be infinite."""
    return a / b if np.isfinite(b) and b > 0 else float("nan")
