"""A convolutional decoder's descent on one noisy photograph: PSNR of the iterate and of the average along the way.

Lines of JSON: first what is denoised, and non-local means; then a look every --every steps. The published example:

    PYTHONPATH=. python benchmarks/denoising.py --size 512 --steps 1900
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from typing import Any

import torch

from untrained.sims.images.images import load_image
from untrained.sims.images.scores import score
from untrained.sims.recovery import conv_decoder
from untrained.sims.recovery.baselines import non_local_means
from untrained.sims.recovery.baselines.non_local_means import NonLocalMeansSettings
from untrained.sims.recovery.denoising import PixelNoise
from untrained.sims.recovery.net_fit import FittedRows, Measured
from untrained.sims.recovery.net_gd import network_of


def psnr(image: torch.Tensor, truth: torch.Tensor) -> float:
    return round(score(image, truth)["psnr"], 3)


def settings_of(given: argparse.Namespace) -> conv_decoder.ConvDecoderSettings:
    options = {"channels": given.channels, "depth": given.depth, "norm": given.norm}
    options = {name: value for name, value in options.items() if value is not None}
    return replace(
        conv_decoder.PRESETS["paper"],
        network=given.network,
        network_options=options,
        steps=given.steps,
        average=given.average,
    )


def descend(given: argparse.Namespace, truth: torch.Tensor, say: Any) -> None:
    """Run the fit itself, without a rule, so that the truth is looked at for the log alone."""
    measurement = PixelNoise(given.sigma, clip=given.clip, seed=given.seed).measurement(truth)
    operator, y, settings = measurement.operator, measurement.y, settings_of(given)
    noisy = operator.adjoint(y)
    averages = non_local_means.recover(operator, y, NonLocalMeansSettings(measurement.noise))
    data = Measured([operator], y[None], 1)
    rows = FittedRows(data.m, settings.held_out, [given.seed], [False], split=False)
    fit = conv_decoder.ConvDecoderFit(network_of(settings, operator), data, rows, settings, [(given.seed, 0)])
    start = time.perf_counter()
    told = {**vars(given), "shape": list(truth.shape), "noisy": psnr(noisy, truth)}
    say({**told, "non-local-means": psnr(averages.image, truth), "weights": sum(w.numel() for w in fit.weights)})
    best = {"last": -1.0, "average": -1.0}
    for step in range(1, given.steps + 1):
        iterates = fit.advance(step)
        if step in (1, 3, given.steps) or step % given.every == 0:
            ends = {name: psnr(image, truth) for name, image in fit.others(0).items()}
            best = {name: max(best[name], ends.get(name, best[name])) for name in best}
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
    parser.add_argument("--network", default="conv-decoder")
    parser.add_argument("--channels", type=int, default=128)
    parser.add_argument("--depth", type=int)
    parser.add_argument("--norm", default="after")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--average", type=float, default=0.98)
    parser.add_argument("--every", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    truth = load_image(given.image, size=(given.size, given.size))
    descend(given, truth, lambda row: print(json.dumps(row), flush=True))


if __name__ == "__main__":
    main()
