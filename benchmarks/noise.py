"""What csdip does about a noise that it is told of: nothing, the stopping rule, or the weight of total variation.

Lines of JSON with PSNR and steps of each, image by image: Gaussian measurements whose noise has the deviation
sigma/sqrt(m), or, by --hole, all pixels of a noisy image, on 0 to 255, but those of a square in its middle.

    PYTHONPATH=. python benchmarks/noise.py example:camera --size 64 --grey --m 1000 --sigma 2 6 20
    UNTRAINED_DATA=FOLDER PYTHONPATH=. python benchmarks/noise.py xray --size 64 --m 1000 --sigma 2 6 20
    PYTHONPATH=. python benchmarks/noise.py example:camera example:coffee --size 64 --hole 16 --sigma 10 25
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
import torch

from benchmarks.mixtures import images_of
from untrained.sims.images.scores import score
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import Measurement, measure
from untrained.sims.random.streams import stream
from untrained.sims.recovery import csdip
from untrained.sims.recovery.csdip_settings import CSDIPSettings
from untrained.sims.recovery.methods import told_noise
from untrained.sims.recovery.pixel_tasks import KnownPixels


def gaussian(truth: torch.Tensor, m: int, sigma: float, seed: int) -> Measurement:
    """m Gaussian measurements with noise."""
    channels, height, width = truth.shape
    operator = make_operator("gaussian", (channels, height, width), m=m, seed=seed)
    return measure(truth, operator, noise=sigma, seed=seed)


def around_hole(truth: torch.Tensor, side: int, sigma: float, seed: int) -> Measurement:
    """The pixels, with noise, around a square in the middle."""
    known = np.ones(truth.shape[1:], bool)
    top, left = ((length - side) // 2 for length in known.shape)
    known[top : top + side, left : left + side] = False
    noise = stream(seed, "noise").standard_normal(truth.shape)
    noisy = truth + torch.from_numpy(noise).float() * 2 * sigma / 255
    return KnownPixels(known, sigma).measurement(noisy)


def ways(preset: str, measurement: Measurement) -> dict[str, CSDIPSettings]:
    """Settings that do not look at the noise, that stop by it, and that weigh by it."""
    weighed = told_noise("csdip", csdip.preset(preset, measurement.operator), (), measurement.noise)
    stopped = told_noise("csdip", replace(weighed, tv_by_noise=0.0, noise=0.0), (), measurement.noise)
    return {"neither": replace(stopped, stopping="last-window"), "rule": stopped, "weight": weighed}


def main() -> None:
    """Print a line an image and noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="a data set, or images: example:NAME, or files")
    parser.add_argument("--images", type=int, default=1, help="of a data set")
    parser.add_argument("--size", type=int, help="default: as the images are")
    parser.add_argument("--grey", action="store_true")
    task = parser.add_mutually_exclusive_group(required=True)
    task.add_argument("--m", type=int, help="Gaussian measurements")
    task.add_argument("--hole", type=int, help="side of a square that is not known")
    parser.add_argument("--sigma", type=float, nargs="+", required=True)
    parser.add_argument("--preset", default="fast", choices=[name for name in csdip.PRESETS if name != "paper"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for number, truth in enumerate(images_of(arguments.data, 0, arguments.images, arguments.size, arguments.grey)):
        for sigma in arguments.sigma:
            scene = (gaussian, arguments.m) if arguments.m else (around_hole, arguments.hole)
            measurement = scene[0](truth, scene[1], sigma, arguments.seed)
            line: dict[str, object] = {
                "image": number if len(arguments.data) == 1 else arguments.data[number],
                "sigma": sigma,
            }
            for way, settings in ways(arguments.preset, measurement).items():
                recovery = csdip.recover(measurement.operator, measurement.y, settings, seed=arguments.seed)
                line[way] = {"psnr": round(score(recovery.image, truth)["psnr"], 2), "steps": recovery.steps}
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
