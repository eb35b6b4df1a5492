"""Convolutional decoders fitted to one image, noisy or sensed: descent on the weights, stopped early or to the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from untrained.sims.networks.network import Network
from untrained.sims.operators import Operator
from untrained.sims.progress import Progress
from untrained.sims.random.streams import stream
from untrained.sims.recovery.net_fit import FittedRows, Measured, NetGD
from untrained.sims.recovery.net_gd import recovered
from untrained.sims.recovery.net_settings import NetGDSettings, one_of, within
from untrained.sims.recovery.result import Recovery
from untrained.sims.recovery.stopping import Iterates


@dataclass(frozen=True)
class ConvDecoderSettings(NetGDSettings):
    """What a fit of a convolutional decoder depends on, with the published numbers; no rule looks at the truth.

    The loss is the mean of (A u - y)^2, u = G(w; z) on [0, 1], by Adam. The rules see the averaged iterates, where
    `average` is above 0, and the average is what is returned; the report scores the last iterate beside it. The paper
    returns the last one: `average=0`. Noise N(0, input_noise^2) is added to the input at every step, as in Deep Image
    Prior; the images are those at this input.

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

    def __post_init__(self) -> None:
        super().__post_init__()
        within("input_noise", self.input_noise, 0)
        if self.stopping == "oracle":
            raise ValueError("stopping must be a rule that looks at no truth, got 'oracle'")


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
"""To denoise: `paper` has more weights than pixels, `paper-under` fewer; `fast` is a narrow one with few steps, `best`
three averaged. To sense without noise: `interpolation`, descent to the end (heckel20b Section 5, the published code).
"""

LONG_FROM, LONG_STEPS = 256, 1900
"""The shorter side from which on `best` takes more steps, and how many: the decoder then has four doublings or more."""


def preset(name: str, operator: Operator) -> ConvDecoderSettings:
    """Return the settings that a preset's name stands for when an image is recovered from these measurements.

    Raises
    ------
    ValueError
        where there is no such preset.
    """
    one_of("preset", name, tuple(PRESETS))
    large = name == "best" and min(operator.shape[1:]) >= LONG_FROM
    return replace(PRESETS[name], steps=LONG_STEPS) if large else PRESETS[name]


class ConvDecoderFit(NetGD):
    """The descent of Net-GD, which keeps its last iterate beside the average; its input may have noise."""

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

    def image(self) -> torch.Tensor:
        """G(w; z + noise) on [0, 1], (P, C, H, W), with fresh noise at each call."""
        z = self.network.z
        if self.settings.input_noise:
            fresh = [torch.from_numpy(rng.standard_normal(z.shape[1:], dtype=np.float32)) for rng in self.noises]
            z = z + self.settings.input_noise * torch.stack(fresh).to(z)
        return (self.network(z) + 1) / 2

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
