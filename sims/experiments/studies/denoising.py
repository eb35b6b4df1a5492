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
from untrained.sims.experiments.studies.fits import DECODER_AND_UNET, checkpoints, decoder_course, spread_entry
from untrained.sims.experiments.study import StoredRow, Study, TableRow
from untrained.sims.images.images import example_image
from untrained.sims.random.streams import stream
from untrained.sims.recovery.conv_decoder import ConvDecoderSettings
from untrained.sims.recovery.denoising import PixelNoise, every_pixel

TARGETS = ("image", "noise", "noisy image")
PAPER_SIZE, PAPER_STEPS = 256, 10_010
PAPER_ENDS: Mapping[tuple[str, str], tuple[float, float | None]] = {
    ("skip-unet", "image"): (3e-6, None),
    ("skip-unet", "noise"): (9e-6, 0.1072),
    ("skip-unet", "noisy image"): (1.18e-4, 0.016547),
    ("conv-decoder", "image"): (3e-6, None),
    ("conv-decoder", "noise"): (0.008867, 0.0954),
    ("conv-decoder", "noisy image"): (0.002530, 0.013421),
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


def curve_steps(steps: int) -> tuple[int, ...]:
    """The steps of the curves, from 1 on."""
    return checkpoints(steps, 4)[1:]


def settings_of_fit(network: str, channels: int, steps: int) -> ConvDecoderSettings:
    """The fit of a network by name: the decoder has so many channels, the skip net half of them."""
    options = {"width": channels // 2} if network == "skip-unet" else {"channels": channels}
    return ConvDecoderSettings(network=network, network_options=options, steps=steps, average=0.0)


def _row(parameters: Mapping[str, Any], seed: int, device: str) -> dict[str, Any]:
    """Loss and error at curve_steps, and the least error of all steps."""
    steps = parameters["steps"]
    x, y = targets(parameters["target"], parameters["size"], parameters["sigma"], seed)
    loss, error = course(settings_of_fit(parameters["network"], parameters["channels"], steps), x, y, seed, device)
    ends = {f"{name}_{t}": v[t - 1] for t in curve_steps(steps) for name, v in (("loss", loss), ("error", error))}
    least = int(np.argmin(error))
    return {**ends, "least_error": error[least], "steps_to_least": least + 1}


def course(
    settings: ConvDecoderSettings, x: torch.Tensor, y: torch.Tensor, seed: int, device: str
) -> tuple[list[float], list[float]]:
    """Return the loss of the fit to y and the error to x before each step; x, y: (C, H, W) on [-1, 1]."""
    operator = every_pixel((x.shape[0], x.shape[1], x.shape[2]), device)
    data, misfits, error = decoder_course(operator, y.flatten(), x, settings, seed, device)
    return (misfits / (4 * data.m)).tolist(), error.tolist()


def _table(cells: Sequence[StoredRow]) -> list[TableRow]:
    """Medians over seeds, with the least and the largest value, and what the paper has at its size."""
    rows = []
    for values, group in by_parameters(cells, _AXES).items():
        network, target, size, _, _, steps = values
        at = {"network": network, "target": target, "size": size}
        for name in ("loss", "error"):
            rows += [
                spread_entry(name, at | {"step": t}, [r[f"{name}_{t}"] for r in group]) for t in curve_steps(steps)
            ]
        step = median(r["steps_to_least"] for r in group)
        rows.append(spread_entry("least error", at | {"step": step}, [r["least_error"] for r in group]))
    return rows + _printed()


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
        "network": DECODER_AND_UNET,
        "target": TARGETS,
        "size": (64,),
        "channels": (128,),
        "sigma": (40.0,),
        "steps": (300,),
    },
    domain={
        "network": DECODER_AND_UNET,
        "target": TARGETS,
        "size": (16, 512),
        "channels": (2, 1024),
        "sigma": (1e-3, 255.0),
        "steps": (1, 1_000_000),
    },
    seeds=2,
    row=_row,
    table=_table,
    version=2,
)
"""Figure 1; the paper has size 256, 256 channels and 10 010 steps."""
