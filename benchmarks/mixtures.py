"""The mixture's presets beside single methods on the same images and measurements; mean errors and ratios, as JSON.

A ratio is the mean error of `auto` or `best` over that of the single method of least mean error, with a paired 95 %
interval over images where there are two or more: below 1 the mixture wins, although nobody told it which method to be.

    PYTHONPATH=. python benchmarks/mixtures.py mnist --m 75 --images 5
    PYTHONPATH=. python benchmarks/mixtures.py example:camera --size 64 --grey --m 1000
    PYTHONPATH=. python benchmarks/mixtures.py xray --size 128 --operator fourier-radial --lines 10 --images 6
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from math import isfinite
from typing import Any

import numpy as np
import torch

from untrained.sims.images.datasets import dataset
from untrained.sims.images.images import load_image
from untrained.sims.images.resizing import resize
from untrained.sims.images.scores import ratio_interval
from untrained.sims.operators import make_operator
from untrained.sims.recovery.methods import method, settings_for

MIXTURES = ("mixture/auto", "mixture/best")
SINGLE = ("csdip/fast", "csdip/sharp", "tv", "damp")
CHANGES = {"tv": {"box": "true"}}
"""What makes a method better wherever it is compared here."""


def images_of(names: list[str], first: int, count: int, size: int | None, grey: bool) -> list[torch.Tensor]:
    """The images of a data set from `first` on, or the examples and files that are named."""
    if len(names) > 1 or ":" in names[0] or "." in names[0]:
        return [load_image(name, grey=grey, size=size) for name in names]
    pixels = dataset(names[0])[first : first + count]
    if grey:
        pixels = pixels.mean(1, keepdim=True)
    return list(torch.from_numpy(resize(pixels.numpy(), size)).float() if size else pixels)


def compare(
    images: list[torch.Tensor], name: str, options: dict[str, Any], first: int, presets: list[str]
) -> dict[str, Any]:
    """Errors and seconds of every method, image after image, and the ratios of the mixtures."""
    errors: dict[str, list[float]] = {one: [] for one in (*SINGLE, *presets)}
    seconds = dict.fromkeys(errors, 0.0)
    for seed, truth in enumerate(images, first):
        operator = make_operator(name, tuple(truth.shape), seed=seed, **options)
        y = operator.forward(truth)
        for one in errors:
            head, _, preset = one.partition("/")
            settings, start = settings_for(head, CHANGES.get(one), preset or None, operator), time.perf_counter()
            image = method(head).recover()(operator, y, settings, seed=seed).image
            seconds[one] += time.perf_counter() - start
            errors[one].append(float((image - truth).square().mean()))
        print(
            json.dumps({f"image {seed}": {one: each[-1] for one, each in errors.items()}}), file=sys.stderr, flush=True
        )
    means = {one: float(np.mean(each)) for one, each in errors.items()}
    least = min(SINGLE, key=means.__getitem__)
    return {
        "methods": {one: {"mse": means[one], "each": errors[one], "seconds": seconds[one]} for one in errors},
        "best of the others": least,
        "ratios": {one: ratio(errors[one], errors[least]) for one in presets},
    }


def ratio(ours: list[float], theirs: list[float]) -> list[float | None]:
    """The ratio of the means, and of two images or more the ends of its 95 % interval: null where it has none."""
    if len(ours) < 2:
        return [round(ours[0] / theirs[0], 4)]
    return [round(value, 4) if isfinite(value) else None for value in ratio_interval(ours, theirs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="a data set, or images: example:NAME, or files")
    parser.add_argument("--operator", choices=("gaussian", "fourier-radial"), default="gaussian")
    parser.add_argument("--m", type=int, nargs="+", help="measurements of a Gaussian operator")
    parser.add_argument("--lines", type=int, nargs="+", help="radial lines of a Fourier one")
    parser.add_argument("--images", type=int, default=5, help="of a data set")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, help="default: as the images are")
    parser.add_argument("--grey", action="store_true")
    parser.add_argument("--presets", nargs="*", choices=MIXTURES, default=list(MIXTURES), help="may be none")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    key = "m" if arguments.operator == "gaussian" else "lines"
    counts = getattr(arguments, key)
    if not counts:
        parser.error(f"--{key} must be given for {arguments.operator}")
    images = images_of(arguments.data, arguments.first, arguments.images, arguments.size, arguments.grey)
    cells = {
        f"{key}={value}": compare(images, arguments.operator, {key: value}, arguments.first, arguments.presets)
        for value in counts
    }
    print(json.dumps({**vars(arguments), "found": cells}, indent=1))


if __name__ == "__main__":
    main()
