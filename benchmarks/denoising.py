"""A convolutional decoder's descent on one noisy photograph: PSNR of the iterate and of the average along the way.

Lines of JSON: first what is denoised, and non-local means; then a look every --every steps. The published example:

    PYTHONPATH=. python benchmarks/denoising.py --size 512 --preset best --threads 2
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, replace
from typing import Any

import torch

from untrained.sims.images.images import load_image
from untrained.sims.images.scores import score
from untrained.sims.operators import Operator
from untrained.sims.recovery import conv_decoder
from untrained.sims.recovery.baselines import non_local_means
from untrained.sims.recovery.baselines.non_local_means import NonLocalMeansSettings
from untrained.sims.recovery.denoising import PixelNoise
from untrained.sims.recovery.net_fit import FittedRows, Measured
from untrained.sims.recovery.net_gd import network_of


def psnr(image: torch.Tensor, truth: torch.Tensor) -> float:
    return round(score(image, truth)["psnr"], 3)


def settings_of(arguments: argparse.Namespace, operator: Operator, noise: float) -> conv_decoder.ConvDecoderSettings:
    """A preset with what is said of its network and its descent, told the noise level."""
    preset = conv_decoder.preset(arguments.preset, operator)
    named = {name: getattr(arguments, name) for name in ("channels", "depth", "norm", "flat", "margin")}
    options = {name: value for name, value in named.items() if value is not None}
    fields = {name: getattr(arguments, name) for name in ("steps", "average", "restarts", "learning_rate", "clipped")}
    changes = {name: value for name, value in fields.items() if value is not None}
    return replace(preset, noise=noise, network_options={**preset.network_options, **options}, **changes)


def descend(arguments: argparse.Namespace, truth: torch.Tensor, say: Any) -> None:
    """Run the fit itself, without a rule, so that the truth is looked at for the log alone."""
    measurement = PixelNoise(arguments.sigma, clip=arguments.clip, seed=arguments.seed).measurement(truth)
    operator, y = measurement.operator, measurement.y
    settings = settings_of(arguments, operator, measurement.noise)
    noisy = operator.adjoint(y)
    averages = non_local_means.recover(operator, y, NonLocalMeansSettings(measurement.noise))
    runs = settings.restarts
    data = Measured([operator], y[None], runs)
    rows = FittedRows(data.m, settings.held_out, [arguments.seed] * runs, [False] * runs, split=False)
    starts = [(arguments.seed, restart) for restart in range(runs)]
    fit = conv_decoder.ConvDecoderFit(network_of(settings, operator), data, rows, settings, starts)
    start = time.perf_counter()
    header = {**vars(arguments), "settings": asdict(settings), "shape": list(truth.shape), "noisy": psnr(noisy, truth)}
    say({**header, "non-local-means": psnr(averages.image, truth), "weights": sum(w.numel() for w in fit.weights)})
    best: dict[str, float] = {}
    for step in range(1, settings.steps + 1):
        iterates = fit.advance(step)
        if step in (1, 3, settings.steps) or step % arguments.every == 0:
            images = [fit.others(place) for place in range(runs)]
            ends = {name: psnr(image, truth) for name, image in images[0].items()}
            means = {name: torch.stack([each[name] for each in images]).mean(0) for name in images[0]}
            ends |= {f"{name}, mean of {runs}": psnr(image, truth) for name, image in means.items() if runs > 1}
            best = {name: max(best.get(name, value), value) for name, value in ends.items()}
            loss = float(iterates.misfits[0]) / data.m / 4
            seconds = round((time.perf_counter() - start) / step, 3)
            say({"step": step, **ends, "loss": loss, "seconds a step": seconds})
    say({"best of the looks": best})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--image", default="example:astronaut")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--sigma", type=float, default=30.0)
    parser.add_argument("--clip", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--preset", default="paper-under")
    for name in ("channels", "depth", "margin", "steps", "restarts"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("norm", "flat"):
        parser.add_argument(f"--{name}")
    for name in ("average", "learning_rate"):
        parser.add_argument(f"--{name}", type=float)
    parser.add_argument("--clipped", action=argparse.BooleanOptionalAction)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    truth = load_image(arguments.image, size=(arguments.size, arguments.size))
    descend(arguments, truth, lambda row: print(json.dumps(row), flush=True))


if __name__ == "__main__":
    main()
