"""Convolutional decoders fitted to one image, noisy or sensed: descent on the weights, stopped early or to the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import prod, sqrt
from typing import Any

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream
from untrained.sims.recovery.denoising import sees_every_pixel
from untrained.sims.recovery.muon import Muon
from untrained.sims.recovery.net_fit import BETAS, FittedRows, Measured, NetGD
from untrained.sims.recovery.net_gd import descent_estimate, recovered
from untrained.sims.recovery.net_settings import NetGDSettings, one_of, within
from untrained.sims.recovery.result import Recovery
from untrained.sims.recovery.stopping import Iterates


@dataclass(frozen=True)
class ConvDecoderSettings(NetGDSettings):
    """What a fit of a convolutional decoder depends on, with the published numbers; no rule looks at the truth.

    The loss is the mean of (A u - y)^2, u = G(w; z) on [0, 1], by Adam. The rules see the averaged iterates, where
    `average` is above 0, and the average is what is returned; the report scores the last iterate beside it. The paper
    returns the last one: `average=0`. Noise N(0, input_noise^2) is added to the input at every step, as in Deep Image
    Prior; the images are those at this input. `clipped` says that pixels were cut to [0, 1] after noise of the level
    `noise` was added: what lies on an end of the scale then counts as at or beyond it (see `censored_squares`).
    The optimiser "muon" moves hidden layers by orthogonalised steps at `matrix_rate` (see `Muon`).

    Source: heckel20a Section 4 (denoising) and the published code.
    """

    network: str = "conv-decoder"
    network_options: Mapping[str, Any] = field(default_factory=lambda: {"channels": 512, "norm": "before"})
    optimiser: str = "adam"
    learning_rate: float = 0.01
    steps: int = 1500
    average: float = 0.98
    witnesses: int = 0
    input_noise: float = 0.0
    matrix_rate: float = 0.05
    clipped: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        within("matrix_rate", self.matrix_rate, 0, above=True)
        within("input_noise", self.input_noise, 0)
        if self.stopping == "oracle":
            raise ValueError("stopping must be a rule that looks at no truth, got 'oracle'")

    def optimisers(self) -> tuple[str, ...]:
        """The optimisers there are."""
        return (*super().optimisers(), "muon")


PRESETS = {
    "paper": ConvDecoderSettings(),
    "paper-under": ConvDecoderSettings(network_options={"channels": 128}),
    "best": ConvDecoderSettings(network_options={"channels": 128}, steps=500, restarts=3, combine="mean"),
    "fast": ConvDecoderSettings(network_options={"channels": 64}, steps=400),
    "interpolation": ConvDecoderSettings(
        network_options={"channels": 256, "depth": 5, "growth": "geometric"},
        learning_rate=0.005,
        steps=100_000,
        average=0.0,
    ),
}
"""`paper` has more weights than pixels, `paper-under` fewer; `fast` is narrow, with few steps; `best` averages three.
To sense without noise: `interpolation`, descent to the end (heckel20b Section 5, the published code). `preset` has
other settings for `best` and `fast` where every pixel is seen.
"""

LARGE_SIDE, SMALL_SIDE = 384, 192
"""The shorter side from which on `best` denoises with a wide decoder, and below which with half the steps."""


def _denoising(channels: int, steps: int, restarts: int) -> ConvDecoderSettings:
    """Muon with a falling rate, on a canvas larger than the image; means of restarts."""
    return ConvDecoderSettings(
        network_options={"channels": channels, "flat": "last", "margin": 1},
        initialisation="torch-0.4.1",
        optimiser="muon",
        decay=True,
        steps=steps,
        restarts=restarts,
        combine="mean",
        clipped=True,
    )


def preset(name: str, operator: Operator) -> ConvDecoderSettings:
    """Return the settings that a preset's name stands for when an image is recovered from these measurements.

    Raises
    ------
    ValueError
        where there is no such preset.
    """
    one_of("preset", name, tuple(PRESETS))
    if name not in ("best", "fast") or not sees_every_pixel(operator):
        return PRESETS[name]
    side = min(operator.shape[1:])
    if name == "fast":
        return _denoising(64, 150, 1)
    return _denoising(128 if side >= LARGE_SIDE else 64, 400 if side >= SMALL_SIDE else 200, 5)


ALONE_FROM = 128 * 128
"""Pixels from which networks fitted side by side take their step one after another, which needs less memory."""


def censored_squares(r: torch.Tensor, y: torch.Tensor, level: float) -> torch.Tensor:
    """Twice `level`^2 times the negative log likelihood of y (..., m) on [0, 1], but for a constant, r = u - y.

    y is u + N(0, level^2), cut to [0, 1]: r^2 inside, -2 level^2 log P{u + noise <= 0} where y = 0, and so at 1. The
    mean of what is cut differs from u near the ends, which r^2 would fit.

    Source: Tobin 1958, the likelihood of limited dependent variables.
    """
    d = torch.where(y < 0.5, 1, -1) * r  # how far u is from the end that y is on, into the scale
    near = torch.special.log_ndtr(-d.clamp_max(level) / level)
    # log Phi(-x) = log(erfcx(x/sqrt(2))/2) - x^2/2: torch's gradient of log_ndtr loses all its digits where x is large
    outer = torch.log(torch.special.erfcx(d.clamp_min(level) / (level * sqrt(2))) / 2)
    cut = -2 * level**2 * torch.where(d > level, outer, near) + torch.where(d > level, d.square(), 0)
    return torch.where((y <= 0) | (y >= 1), cut, r.square())


class ConvDecoderFit(NetGD):
    """The descent of Net-GD, which keeps its last iterate beside the average; its input may have noise.

    Several networks for large images take their step one after another.
    """

    settings: ConvDecoderSettings

    def __init__(
        self,
        chosen: Network,
        data: Measured,
        rows: FittedRows,
        settings: ConvDecoderSettings,
        starts: Sequence[tuple[int, int]],
    ) -> None:
        self.noises = [stream(seed, "input noise", restart) for seed, restart in starts]
        super().__init__(chosen, data, rows, settings, starts)
        large = prod(data.shape[1:]) >= ALONE_FROM and len(starts) > 1
        self.parts = [data.alone(image) for image in range(data.images)] if large else []
        self.level = settings.noise / 2 / sqrt(data.m) if settings.clipped and data.is_cut() else 0.0

    def new_optimiser(self) -> torch.optim.Optimizer:
        """The optimiser of the settings, with no step taken."""
        if self.settings.optimiser == "muon":
            return Muon(self.weights, self.settings.learning_rate, self.settings.matrix_rate, BETAS)
        return super().new_optimiser()

    def _input(self) -> torch.Tensor:
        z = self.network.z
        if self.settings.input_noise:
            fresh = [torch.from_numpy(rng.standard_normal(z.shape[1:], dtype=np.float32)) for rng in self.noises]
            z = z + self.settings.input_noise * torch.stack(fresh).to(z)
        return z

    def image(self) -> torch.Tensor:
        """G(w; z + noise) on [0, 1], (P, C, H, W), with fresh noise at each call."""
        return (self.network(self._input()) + 1) / 2

    def squares(self, r: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """What a residual r (P, m) of y (P, m) costs, row by row: its square, or its like for pixels that are cut."""
        return censored_squares(r, y, self.level) if self.level else super().squares(r, y)

    def advance(self, step: int) -> Iterates:
        """One step of descent; the iterates are the images before it, with the misfit of these very images."""
        if not self.parts:
            return super().advance(step)
        self.optimiser.zero_grad(set_to_none=True)
        pairs = [self._gradient(place, z[None]) for place, z in enumerate(self._input())]
        self.take_step(step)
        u, r = (torch.cat(each) for each in zip(*pairs, strict=True))
        return self.iterates(step, u, r)

    def _gradient(self, place: int, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Add one network's gradients; its image (1, C, H, W) and residual (1, m)."""
        part = self.parts[place // self.data.restarts]
        u = (self.network.alone(place, z) + 1) / 2
        r = part.residuals(u)
        self.cost(u, r, part.targets(), self.rows.fitted[place : place + 1]).backward()
        return u.detach(), r.detach()

    def iterates(self, step: int, u: torch.Tensor, r: torch.Tensor) -> Iterates:
        """What the stopping rule sees; the iterate itself is kept."""
        seen_by_rule = super().iterates(step, u, r)
        self.ends = {"last": 2 * u - 1, "average": seen_by_rule.images}
        return seen_by_rule

    def others(self, place: int) -> dict[str, torch.Tensor]:
        """The last iterate of a network and, where there is one, the average at the same step."""
        names = ("last", "average") if self.settings.average else ("last",)
        return {name: self.ends[name][place] for name in names}


def recover(
    operator: Operator,
    y: torch.Tensor,
    settings: ConvDecoderSettings = ConvDecoderSettings(),
    *,
    seed: int = 0,
    watch: Progress | None = None,
) -> Recovery:
    """Recover one image from y = A x + noise by descent on ||A G(w; z) - y||^2, y (m,); to denoise, A is the identity.

    `others` of the recovery holds the last iterate and the average as descent ended, of the restart of least misfit.

    Raises
    ------
    ValueError
        where y or the network does not fit the operator.

    Source: heckel20a Section 4 (denoising), heckel20b Section 5 (any linear A).
    """
    return recover_batch([operator], y[None], settings, seeds=[seed], watch=watch)[0]


def recover_batch(
    operators: Sequence[Operator],
    ys: torch.Tensor,
    settings: ConvDecoderSettings = ConvDecoderSettings(),
    *,
    seeds: Sequence[int],
    watch: Progress | None = None,
) -> list[Recovery]:
    """Recover I images at once, each from its own operator: ys (I, m), one seed an image."""
    return recovered("conv-decoder", ConvDecoderFit, operators, ys, settings, seeds, watch, None)


estimate = partial(descent_estimate, recover)
"""What a fit takes, from the times of its first few steps; see `descent_estimate`."""
