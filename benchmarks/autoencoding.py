"""aSeqDIP beside csdip's `fast` and the mixture's `auto`: the same images, matrices and y, one at a time; as JSON.

Autoencoding sequential deep image prior: K times, N steps of Adam on ||A f(z) - y||^2 + lambda ||f(z) - z||^2 over the
weights of a U-Net f, then z <- f(z); z starts as A^T y, and is the image in the end.

`digits` and `camera` compare errors and times. `sweep` is the rival alone, at the settings that it is compared with and
at their neighbours, on digits that no comparison has. What is measured is Gaussian, and one thread is taken.

MSE on [-1, 1] and processor seconds, on a busy machine. Digit 0 had K = 1000; its error changed by less than 0.1 % from
k = 400 on. Digits 1 to 4 had K = 300, and `fast` alone beside it.

    m    digit  aSeqDIP         csdip fast     mixture auto
    75   0      0.1382  25.0 s  0.0080  5.0 s  0.0063  56.7 s
    75   1      0.1532   6.7 s  0.0089  4.3 s
    75   2      0.0530   6.5 s  0.0016  3.2 s
    75   3      0.1590   5.8 s  0.0145  3.4 s
    75   4      0.1110   6.1 s  0.0027  3.9 s
    100  0      0.0903  25.4 s  0.0042  5.0 s  0.0047  55.7 s
    100  1      0.1071   6.9 s  0.0062  4.4 s
    100  2      0.0750   6.7 s  0.0015  3.4 s
    100  3      0.1269   6.2 s  0.0061  3.7 s
    100  4      0.2390   6.3 s  0.0032  4.3 s

The settings are no optimum. On digit 100 alone, at m = 75 and K = 400, these have 0.184, the rates 3e-4 and 3e-3 have
0.178 and 0.258, and the weights 0.003 and 0.3 have 0.160 and 0.205: a smaller weight served the rival better there. The
other neighbours and the camera have not been run.

Source: Alkhouri, Liang, Bell, Qu, Wang and Ravishankar 2024 (aSeqDIP), with a U-Net laid out as theirs.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
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
    "csdip fast": lambda operator, y, seed: csdip.recover(operator, y, csdip.preset("fast", operator), seed=seed),
    "mixture auto": lambda operator, y, seed: mixture.recover(operator, y, mixture.preset("auto", operator), seed=seed),
}


KEYS = ("mse", "seconds", "processor_seconds")


@dataclass(frozen=True)
class Settings:
    """K outer steps of N inner ones, the weight lambda, Adam's rate, and the U-Net, with an end that is no sigmoid."""

    K: int = 1000
    N: int = 2
    weight: float = 0.03
    learning_rate: float = 1e-3
    halvings: int = 2
    width: int = 32


NEIGHBOURS: tuple[dict[str, Any], ...] = (
    {},
    {"learning_rate": 3e-4},
    {"learning_rate": 3e-3},
    {"weight": 0.003},
    {"weight": 0.3},
    {"N": 1},
    {"N": 5},
    {"halvings": 3},
    {"width": 16},
    {"width": 64},
)
"""Changes of one setting each."""


def pair(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions of 3x3, each with batch norm and a rectifier."""
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Images (1, C, H, W) to images: a pair of convolutions a scale on the way down, joined with one on the way up.

    Each of the halvings, by maxima, doubles the channels but the last; bilinear doublings lead back.
    """

    def __init__(self, channels: int, width: int, halvings: int) -> None:
        super().__init__()
        widths = [width << min(scale, halvings - 1) for scale in range(halvings + 1)]
        self.down = nn.ModuleList(pair(a, b) for a, b in zip([channels, *widths], widths, strict=False))
        above = [width, *widths[:-2]]
        self.up = nn.ModuleList(pair(2 * a, b) for a, b in zip(widths[:-1], above, strict=True))
        self.last = nn.Conv2d(width, channels, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        scales = [self.down[0](z)]
        for layer in list(self.down)[1:]:
            scales.append(layer(F.max_pool2d(scales[-1], 2)))
        x = scales.pop()
        for layer in reversed(self.up):
            skip = scales.pop()
            x = F.interpolate(x, size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = layer(torch.cat([skip, x], 1))
        return self.last(x)


def unet(channels: int, settings: Settings, seed: int) -> UNet:
    """A U-Net whose weights are drawn by today's defaults of PyTorch."""
    network = UNet(channels, settings.width, settings.halvings).train()
    initialise(network, stream(seed, "weights", 0), "torch-today")
    return network


def autoencode(network: nn.Module, operator: Operator, y: torch.Tensor, settings: Settings) -> Iterator[torch.Tensor]:
    """Yield the images 2 z_1 - 1, ..., 2 z_K - 1 of shape (C, H, W): z is on [0, 1], as its authors have it."""
    optimiser = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    y = (y + operator.forward(torch.ones_like(operator.adjoint(y)))) / 2
    z = operator.adjoint(y)[None]
    for _ in range(settings.K):
        for _ in range(settings.N):
            optimiser.zero_grad()
            x = network(z)
            misfit = (operator.forward(x)[0] - y).square().sum()
            (misfit + settings.weight * (x - z).square().sum()).backward()
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
    """The error of z_K, the time up to it, and the errors after each tenth of the outer steps."""
    start, errors = clocks(), []
    for k, x in enumerate(autoencode(unet(operator.shape[0], settings, seed), operator, y, settings), 1):
        if k % max(1, settings.K // 10) == 0:
            errors.append(round(mse(x, truth), 6))
    return {"mse": mse(x, truth), **since(start), "errors": errors}


def compare(name: str, truth: torch.Tensor, m: int, seed: int, settings: Settings) -> dict[str, Any]:
    """One image: errors and seconds, and of ours their ratios to the rival's."""
    operator = make_operator("gaussian", tuple(truth.shape), m, seed=seed)
    y = operator.forward(truth)
    theirs = rival(operator, y, truth, settings, seed)
    row: dict[str, Any] = {"image": name, "m": m, "aSeqDIP": theirs}
    for method, recover in OURS.items():
        start = clocks()
        ours = {"mse": mse(recover(operator, y, seed).image, truth), **since(start)}
        row[method] = ours | {f"{key}_ratio": value / theirs[key] for key, value in ours.items()}
    print(json.dumps(row), file=sys.stderr, flush=True)
    return row


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each of our methods, how many errors are lower, and the largest ratios of errors and times."""
    return {
        method: {
            "lower": sum(row[method]["mse_ratio"] < 1 for row in rows),
            **{f"largest_{key}_ratio": max(row[method][f"{key}_ratio"] for row in rows) for key in KEYS},
        }
        for method in OURS
    } | {"images": len(rows)}


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
    parser.add_argument("--size", type=int, default=64, help="of the camera")
    for field in fields(Settings):
        kind = type(field.default)
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=kind, default=field.default)
    parser.add_argument("--changes", type=int, nargs="+", default=list(range(len(NEIGHBOURS))))
    given = parser.parse_args()
    if given.images < 1:
        parser.error(f"--images must be at least 1, got {given.images}")
    torch.set_num_threads(1)
    settings = Settings(**{field.name: getattr(given, field.name) for field in fields(Settings)})
    ms = given.m or {"digits": [75, 100], "camera": [1000], "sweep": [75]}[given.what]
    first = given.first if given.first is not None else 100 if given.what == "sweep" else 0
    told: dict[str, Any] = {"what": given.what, "settings": asdict(settings)}
    if given.what == "camera":
        truth = load_image("example:camera", grey=True, size=given.size)
        rows = [compare(f"camera {given.size}x{given.size}", truth, m, 0, settings) for m in ms]
        print(json.dumps(told | {"rows": rows, "summary": summary(rows)}, indent=1))
        return
    truths = {i: dataset("mnist")[i] for i in range(first, first + given.images)}
    if given.what == "sweep":
        print(json.dumps(told | {"rows": [r for m in ms for r in sweep(truths, m, settings, given.changes)]}, indent=1))
        return
    rows = [compare(f"digit {i}", truth, m, i, settings) for m in ms for i, truth in truths.items()]
    print(json.dumps(told | {"rows": rows, "summary": summary(rows)}, indent=1))


if __name__ == "__main__":
    main()
