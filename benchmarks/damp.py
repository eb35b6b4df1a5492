"""D-AMP with total variation and with block matching, on the same photographs and measurements; a line an image.

`--xray` adds plug-and-play on the first x-ray at 10 radial lines (UNTRAINED_DATA names the folder of data).
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import torch

from untrained.sims.experiments.recipes.cells import image_set
from untrained.sims.images.images import load_image
from untrained.sims.operators import Operator, make_operator
from untrained.sims.recovery.baselines import amp


def errors(operator: Operator, x: torch.Tensor, choices: list[amp.DAMPSettings]) -> str:
    """Each denoiser's MSE, outcome and seconds, in words."""
    words = []
    for settings in choices:
        begun = time.process_time()
        recovery = amp.recover(operator, operator.forward(x), settings)
        mse, seconds = float((recovery.image - x).square().mean()), time.process_time() - begun
        words.append(f"{settings.denoiser} {mse:.4f} ({recovery.outcome}, {seconds:.1f} s)")
    return ", ".join(words)


def main() -> None:
    """Print a line an image and number of measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", nargs="+", default=["camera", "coins", "astronaut", "coffee", "page"])
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--m", type=int, nargs="+", default=[410, 1000])
    parser.add_argument("--denoisers", nargs="+", default=["tv", "block-matching"])
    parser.add_argument("--damping", type=float)
    parser.add_argument("--second-strength", type=float)
    parser.add_argument("--probe", type=float, help="0: a small step")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--xray", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    asked = {
        "damping": arguments.damping,
        "second_strength": arguments.second_strength,
        "probe": arguments.probe,
        "steps": arguments.steps,
    }
    same = {key: value for key, value in asked.items() if value is not None}
    choices = [replace(amp.PRESETS[name], **same) for name in arguments.denoisers]
    for m in arguments.m:
        operator = make_operator("gaussian", (1, arguments.side, arguments.side), m, seed=0)
        for name in arguments.images:
            x = load_image(f"example:{name}", grey=True, size=(arguments.side, arguments.side))
            print(f"{name}, m = {m}: {errors(operator, x, choices)}", flush=True)
    if arguments.xray:
        x = image_set("xray")[0]
        operator = make_operator("fourier-radial", (1, *x.shape[1:]), lines=10)
        print(f"x-ray 0, 10 lines: {errors(operator, x, choices)}", flush=True)


if __name__ == "__main__":
    main()
