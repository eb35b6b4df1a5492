"""aSeqDIP beside csdip's presets and the mixture's `auto`: the same images, matrices and y, one at a time; as JSON.

Autoencoding sequential deep image prior: K times, N steps of Adam on ||A f(z) - y||^2 + lambda ||f(z) - z||^2 over the
weights of a U-Net f, then z <- f(z); z starts as A^T y over its largest entry, and is the image in the end.

`digits` and `camera` compare errors and times. `sweep` is the rival alone, at the settings that it is compared with and
at their neighbours, on digits that no comparison has. What is measured is Gaussian, and one thread is taken.

MSE on [-1, 1] and processor seconds, on a busy machine; `least` is the lowest of the rival's errors after each tenth of
its K steps, which nobody without the truth can choose.

    PYTHONPATH=. python benchmarks/autoencoding.py digits --ours fast
    PYTHONPATH=. python benchmarks/autoencoding.py camera --ours fast --K 100

    m     image    aSeqDIP   least            csdip fast
    75    digit 0  0.0270    0.0154  11.6 s   0.0072  4.3 s
    75    digit 1  0.0382    0.0241  11.2 s   0.0081  3.5 s
    75    digit 2  0.1117    0.0069  11.2 s   0.0016  4.3 s
    75    digit 3  0.0716    0.0463  11.5 s   0.0141  3.6 s
    75    digit 4  0.0277    0.0138  11.5 s   0.0029  4.1 s
    100   digit 0  0.0483    0.0063  11.7 s   0.0042  3.7 s
    100   digit 1  0.1508    0.0373  11.1 s   0.0061  3.5 s
    100   digit 2  0.0075    0.0026  12.0 s   0.0015  3.7 s
    100   digit 3  0.0211    0.0211  11.4 s   0.0062  3.7 s
    100   digit 4  0.0071    0.0071  11.3 s   0.0028  3.6 s
    1000  camera   0.0111    0.0108  24.9 s   0.0119  9.2 s

The rival's error does not settle at these settings: after y is fitted it goes up and down from one tenth to the next,
hence `least`. `auto` (`digits --m 75 --images 1 --ours auto`) has 0.0063 on digit 0 in 30.1 s, beside 7.9 s of the
rival, and 0.0032 on the camera in 18.6 s beside 21.1 s (`camera --ours auto --K 100`). `sharp` has 0.0052 on the camera
in 3.6 s, beside 0.0082 of the rival in 40 s (its error there is another one on another machine; `camera --ours sharp`).

The settings are no optimum; none of the few tried is best on both digits. Errors after K steps on digits 100 and 101 at
m = 75: these 0.136 and 0.047 (K = 150); the rate 3e-3 0.106 and 0.058, 4e-4 0.210 and 0.020, the longest gradient 18
0.143 and 0.030 (K = 120); the width 32 0.305 and 0.039 (K = 150). On the camera more steps were not tried.

Source: Alkhouri, Liang, Bell, Qu, Wang and Ravishankar 2024 (aSeqDIP), with a U-Net of narrow skips, bilinear doublings
and a sigmoid, group norm in place of batch norm, and gradients that are cut to a longest one.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from statistics import fmean
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from untrained.sims.images.datasets import dataset
from untrained.sims.images.images import load_image
from untrained.sims.networks.initialisation import initialise
from untrained.sims.operators import Operator, make_operator
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip, mixture

OURS = {
    "fast": lambda operator, y, seed: csdip.recover(operator, y, csdip.preset("fast", operator), seed=seed),
    "sharp": lambda operator, y, seed: csdip.recover(operator, y, csdip.PRESETS["sharp"], seed=seed),
    "auto": lambda operator, y, seed: mixture.recover(operator, y, mixture.preset("auto", operator), seed=seed),
}
RIVAL = "aSeqDIP"
KEYS = ("mse", "seconds", "processor_seconds")


@dataclass(frozen=True)
class Settings:
    """K outer steps of N inner ones, the weight lambda, Adam's rate, the longest gradient, and the U-Net's sizes."""

    K: int = 120
    N: int = 5
    weight: float = 0.02
    learning_rate: float = 1e-3
    longest: float = 1.0
    scales: int = 6
    width: int = 64
    skip: int = 4


NEIGHBOURS: tuple[dict[str, Any], ...] = (
    {},
    {"learning_rate": 3e-4},
    {"learning_rate": 3e-3},
    {"weight": 0.002},
    {"weight": 0.2},
    {"N": 2},
    {"scales": 3},
    {"width": 32},
)
"""Changes of one setting each."""


def normalised(inputs: int, outputs: int, stride: int = 1, kernel: int = 3, groups: int = 4) -> list[nn.Module]:
    """A convolution, group norm and a rectifier of slope 0.2 below zero."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
    return [convolution, nn.GroupNorm(groups, outputs), nn.LeakyReLU(0.2)]


class UNet(nn.Module):
    """Images (1, C, H, W) to images on [0, 1] of the same shape, by a U-Net of one width whose skips are narrow.

    A convolution of stride 2 and one of stride 1 lead to each coarser scale; a bilinear doubling, joined with the skip
    (a 1x1 convolution of the same scale on the way down), and two convolutions lead back; a sigmoid ends it.
    """

    def __init__(self, channels: int, width: int, scales: int, skip: int) -> None:
        super().__init__()
        steps = range(scales - 1)
        self.first = nn.Sequential(*normalised(channels, width))
        self.down = nn.ModuleList(
            nn.Sequential(*normalised(width, width, stride=2), *normalised(width, width)) for _ in steps
        )
        self.skips = nn.ModuleList(nn.Sequential(*normalised(width, skip, kernel=1, groups=1)) for _ in steps)
        self.up = nn.ModuleList(
            nn.Sequential(*normalised(width + skip, width), *normalised(width, width)) for _ in steps
        )
        self.last = nn.Conv2d(width, channels, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        finer = [self.first(z)]
        for layer in self.down:
            finer.append(layer(finer[-1]))
        x = finer.pop()
        for skip, layer in zip(reversed(self.skips), reversed(self.up), strict=True):
            joined = skip(finer.pop())
            x = F.interpolate(x, size=joined.shape[-2:], mode="bilinear", align_corners=False)
            x = layer(torch.cat([x, joined], 1))
        return torch.sigmoid(self.last(x))


def unet(channels: int, settings: Settings, seed: int) -> UNet:
    """A U-Net whose convolutions are drawn by today's defaults of PyTorch; its group norms begin as the identity."""
    network = UNet(channels, settings.width, settings.scales, settings.skip)
    rng = stream(seed, "weights", 0)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            initialise(layer, rng, "torch-today")
    return network.to(memory_format=torch.channels_last)


def autoencode(network: nn.Module, operator: Operator, y: torch.Tensor, settings: Settings) -> Iterator[torch.Tensor]:
    """Yield the images 2 z_1 - 1, ..., 2 z_K - 1 of shape (C, H, W): z is on [0, 1], as its authors have it."""
    weights = list(network.parameters())
    optimiser = torch.optim.Adam(weights, lr=settings.learning_rate, fused=True)
    y = (y + operator.forward(torch.ones_like(operator.adjoint(y)))) / 2
    z = operator.adjoint(y)[None]
    z = z / z.max()
    for _ in range(settings.K):
        for _ in range(settings.N):
            optimiser.zero_grad()
            x = network(z)
            misfit = (operator.forward(x)[0] - y).square().sum()
            (misfit + settings.weight * (x - z).square().sum()).backward()
            nn.utils.clip_grad_norm_(weights, settings.longest)
            optimiser.step()
        with torch.no_grad():
            z = network(z)
        yield 2 * z[0] - 1


def mse(image: torch.Tensor, truth: torch.Tensor) -> float:
    return float((image - truth).square().mean())


def clocks() -> tuple[float, float]:
    """Now, and the processor's time of this process: on a busy machine the second is the steadier."""
    return time.perf_counter(), time.process_time()


def since(start: tuple[float, float]) -> dict[str, float]:
    """Both clocks' seconds from a start on."""
    now = clocks()
    return {"seconds": now[0] - start[0], "processor_seconds": now[1] - start[1]}


def rival(operator: Operator, y: torch.Tensor, truth: torch.Tensor, settings: Settings, seed: int) -> dict[str, Any]:
    """The error of z_K, the time up to it, the errors after each tenth of the outer steps, and the least of them."""
    start, errors = clocks(), []
    for k, x in enumerate(autoencode(unet(operator.shape[0], settings, seed), operator, y, settings), 1):
        if k % max(1, settings.K // 10) == 0:
            errors.append(round(mse(x, truth), 6))
    return {"mse": mse(x, truth), **since(start), "errors": errors, "least": min(errors)}


def compare(
    name: str, truth: torch.Tensor, m: int, seed: int, settings: Settings, methods: list[str]
) -> dict[str, Any]:
    """One image: errors and seconds, and of our methods their ratios to the rival's."""
    operator = make_operator("gaussian", tuple(truth.shape), m, seed=seed)
    y = operator.forward(truth)
    theirs = rival(operator, y, truth, settings, seed)
    row: dict[str, Any] = {"image": name, "m": m, RIVAL: theirs}
    for method in methods:
        start = clocks()
        ours = {"mse": mse(OURS[method](operator, y, seed).image, truth), **since(start)}
        row[method] = ours | {f"{key}_ratio": value / theirs[key] for key, value in ours.items()}
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def summary(rows: list[dict[str, Any]], methods: list[str]) -> dict[str, Any]:
    """Means over the images of each m, and of our methods how many errors are lower and the ratios of the means."""
    table: dict[str, Any] = {}
    for m in dict.fromkeys(row["m"] for row in rows):
        of_m = [row for row in rows if row["m"] == m]
        means = {name: {key: fmean(row[name][key] for row in of_m) for key in KEYS} for name in (RIVAL, *methods)}
        for method in methods:
            ratios = {f"{key}_ratio": means[method][key] / means[RIVAL][key] for key in KEYS}
            means[method] |= ratios | {"lower": sum(row[method]["mse_ratio"] < 1 for row in of_m)}
        table[f"m={m}"] = {"images": len(of_m), **means}
    return table


def sweep(truths: dict[int, torch.Tensor], m: int, settings: Settings, changes: list[int]) -> list[dict[str, Any]]:
    """The rival's mean error at its settings and at each change of them."""
    rows = []
    for place in changes:
        each = []
        for seed, truth in truths.items():
            operator = make_operator("gaussian", tuple(truth.shape), m, seed=seed)
            neighbour = replace(settings, **NEIGHBOURS[place])
            each.append(rival(operator, operator.forward(truth), truth, neighbour, seed))
        mean = sum(one["mse"] for one in each) / len(each)
        rows.append({"change": NEIGHBOURS[place], "m": m, "mse": mean, "each": each})
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("digits", "camera", "sweep"))
    parser.add_argument("--m", type=int, nargs="+", help="default: 75 and 100 of digits, 1000 of the camera, 75 swept")
    parser.add_argument("--images", type=int, default=5)
    parser.add_argument("--first", type=int, help="default: 0, and 100 of a sweep")
    parser.add_argument("--ours", nargs="+", choices=tuple(OURS), default=list(OURS), help="run beside the rival")
    parser.add_argument("--size", type=int, default=64, help="of the camera")
    for field in fields(Settings):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    parser.add_argument("--changes", type=int, nargs="+", default=list(range(len(NEIGHBOURS))))
    arguments = parser.parse_args()
    for name, least in (("images", 1), ("K", 1), ("N", 1), ("scales", 1), ("skip", 2), ("size", 2)):
        if getattr(arguments, name) < least:
            parser.error(f"--{name} must be at least {least}, got {getattr(arguments, name)}")
    if arguments.width < 8 or arguments.width % 4:
        parser.error(f"--width must be a multiple of 4 from 8 on, got {arguments.width}")
    torch.set_num_threads(1)
    settings = Settings(**{field.name: getattr(arguments, field.name) for field in fields(Settings)})
    ms = arguments.m or {"digits": [75, 100], "camera": [1000], "sweep": [75]}[arguments.what]
    first = arguments.first if arguments.first is not None else 100 if arguments.what == "sweep" else 0
    header: dict[str, Any] = {"what": arguments.what, "settings": asdict(settings)}
    if arguments.what == "camera":
        truth = load_image("example:camera", grey=True, size=arguments.size)
        rows = [compare(f"camera {arguments.size}x{arguments.size}", truth, m, 0, settings, arguments.ours) for m in ms]
        print(json.dumps(header | {"rows": rows, "summary": summary(rows, arguments.ours)}, indent=1))
        return
    truths = {i: dataset("mnist")[i] for i in range(first, first + arguments.images)}
    if arguments.what == "sweep":
        print(
            json.dumps(
                header | {"rows": [r for m in ms for r in sweep(truths, m, settings, arguments.changes)]}, indent=1
            )
        )
        return
    rows = [compare(f"digit {i}", truth, m, i, settings, arguments.ours) for m in ms for i, truth in truths.items()]
    print(json.dumps(header | {"rows": rows, "summary": summary(rows, arguments.ours)}, indent=1))


if __name__ == "__main__":
    main()
