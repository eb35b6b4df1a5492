"""How do loss and error go on while a network is fitted to an image, to noise, and to the noisy image?

The image is scikit-image's phantom, shrunk, with white 1 (the paper's is a file of its own); the noise is uniform and
has the norm of the image, both on [0, 1]; the noisy image has normal noise of deviation sigma/255, clipped. Losses and
errors are means of squares on [0, 1]; step t is the network before the t-th step of Adam at rate 0.01, and the error of
any fit is that to the phantom.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np
import torch

from untrained.sims.experiments.studies.common import by_parameters, entry
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.images.images import example_image
from untrained.sims.random.streams import stream
from untrained.sims.recovery.conv_decoder import ConvDecoderFit, ConvDecoderSettings
from untrained.sims.recovery.denoising import PixelNoise, every_pixel
from untrained.sims.recovery.net_fit import FittedRows, Measured
from untrained.sims.recovery.net_gd import network_of

FIT_NETWORKS, TARGETS = ("deep-decoder", "skip-net"), ("image", "noise", "noisy image")
PAPER_SIZE, PAPER_STEPS = 256, 10_010
PAPER_ENDS: Mapping[tuple[str, str], tuple[float, float | None]] = {
    ("skip-net", "image"): (3e-6, None),
    ("skip-net", "noise"): (9e-6, 0.1072),
    ("skip-net", "noisy image"): (1.18e-4, 0.016547),
    ("deep-decoder", "image"): (3e-6, None),
    ("deep-decoder", "noise"): (0.008867, 0.0954),
    ("deep-decoder", "noisy image"): (0.002530, 0.013421),
}
"""Loss and error at the end of each fit, as stored in the published notebook."""
_AXES = ("network", "target", "size", "channels", "sigma", "steps")


def targets(kind: str, size: int, sigma: float, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the phantom and what is fitted, each (1, size, size) on [-1, 1].

    Source: heckel20a Figure 1 and the published notebook.
    """
    u = (example_image("shepp-logan", size=(size, size)) + 1) / 2
    u = u / u.max()
    if kind == "noisy image":
        return 2 * u - 1, PixelNoise(sigma, clip=True, seed=seed).measurement(2 * u - 1).y.reshape(u.shape)
    noise = torch.from_numpy(np.float32(stream(seed, "uniform noise", size).random(u.shape)))
    return 2 * u - 1, 2 * (u if kind == "image" else noise * (u.norm() / noise.norm())) - 1


def round_steps(steps: int) -> list[int]:
    """1, 2, 5, 10, 20, 50, ... up to the last step, which is one of them."""
    places = [digit * 10**power for power in range(len(str(steps))) for digit in (1, 2, 5)]
    return [*(place for place in places if place < steps), steps]


def settings_of_fit(network: str, channels: int, steps: int) -> ConvDecoderSettings:
    """The fit of a network by name: the deep decoder has so many channels, the skip net half of them."""
    name, options = ("conv-decoder", {"channels": channels})
    if network == "skip-net":
        name, options = ("skip-unet", {"width": channels // 2})
    return ConvDecoderSettings(network=name, network_options=options, steps=steps, average=0.0)


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Loss and error at round_steps, and the least error of all steps."""
    steps = parameters["steps"]
    x, y = targets(parameters["target"], parameters["size"], parameters["sigma"], seed)
    loss, error = course(settings_of_fit(parameters["network"], parameters["channels"], steps), x, y, seed, device)
    ends = {f"{name}_{t}": v[t - 1] for t in round_steps(steps) for name, v in (("loss", loss), ("error", error))}
    least = int(np.argmin(error))
    return {**ends, "least_error": error[least], "steps_to_least": least + 1}


def course(
    settings: ConvDecoderSettings, x: torch.Tensor, y: torch.Tensor, seed: int, device: str
) -> tuple[list[float], list[float]]:
    """Return the loss of the fit to y and the error to x before each step; x, y: (C, H, W) on [-1, 1]."""
    operator = every_pixel((x.shape[0], x.shape[1], x.shape[2]), device)
    data, x = Measured([operator], y.flatten()[None].to(device), 1), x.to(device)
    rows = FittedRows(operator.m, settings.held_out, [seed], [False], split=False)
    fit = ConvDecoderFit(network_of(settings, operator), data, rows.to(torch.device(device)), settings, [(seed, 0)])
    loss, error = [], []
    for step in range(1, settings.steps + 1):
        iterates = fit.advance(step)
        loss.append(float(iterates.misfits[0]) / (4 * operator.m))
        error.append(float((iterates.images[0] - x).square().mean()) / 4)
    return loss, error


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Medians over seeds, with the least and the largest value, and what the paper has at its size."""
    rows = []
    for values, group in by_parameters(cells, _AXES).items():
        network, target, size, _, _, steps = values
        at = {"network": network, "target": target, "size": size}
        for name in ("loss", "error"):
            rows += [_entry(name, at | {"step": t}, [r[f"{name}_{t}"] for r in group]) for t in round_steps(steps)]
        step = median(r["steps_to_least"] for r in group)
        rows.append(_entry("least error", at | {"step": step}, [r["least_error"] for r in group]))
    return rows + _printed()


def _entry(quantity: str, at: Mapping[str, Any], values: Sequence[float]) -> TableRow:
    return entry("simulation", quantity, at, median(values), min(values), max(values), len(values))


def _printed() -> list[TableRow]:
    at = {"size": PAPER_SIZE, "step": PAPER_STEPS}
    return [
        entry("printed", quantity, {"network": network, "target": target, **at}, value)
        for (network, target), ends in PAPER_ENDS.items()
        for quantity, value in zip(("loss", "error"), ends, strict=True)
        if value is not None
    ]


FIG1_STUDY = Study(
    name="heckel20a-fig1",
    says="Loss and error to the truth while networks are fitted to an image, to noise and to the noisy image.",
    axes={
        "network": FIT_NETWORKS,
        "target": TARGETS,
        "size": (64,),
        "channels": (128,),
        "sigma": (40.0,),
        "steps": (300,),
    },
    domain={
        "network": FIT_NETWORKS,
        "target": TARGETS,
        "size": (16, 512),
        "channels": (2, 1024),
        "sigma": (1e-3, 255.0),
        "steps": (1, 1_000_000),
    },
    seeds=2,
    row=_row,
    table=_table,
)
"""Figure 1; the paper has size 256, 256 channels and 10 010 steps."""
