"""What to make of several fits of one image: mean errors of one of them, of those taken together, and of the best.

Each preset of csdip is fitted from several starts to Gaussian measurements of each image; the last row has the fits of
all presets. `one` is the mean over single fits, `misfit` the fit of least misfit, `mean` their mean, `plausible` their
plausible mean (`untrained.sims.recovery.combining`), `truth` the best of them, by a look at the image.

    PYTHONPATH=. python benchmarks/restarts.py mnist --m 25 50 75 --images 20 --first 20 --starts 3
    PYTHONPATH=. python benchmarks/restarts.py example:camera example:coins example:page --size 64 --grey --m 500
"""

from __future__ import annotations

import argparse

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.mixtures import images_of
from untrained.sims.images.scores import ratio_interval
from untrained.sims.operators import Operator, make_operator
from untrained.sims.recovery.combining import plausible_mean
from untrained.sims.recovery.csdip import PRESETS, recover_batch

APART = 1000
"""Between the seeds of two starts of an image."""


def fitted_images(
    operators: list[Operator], ys: torch.Tensor, preset: str, seeds: list[int], starts: int
) -> torch.Tensor:
    """Images (starts, I, C, H, W)."""
    each = []
    for start in range(starts):
        recoveries = recover_batch(operators, ys, PRESETS[preset], seeds=[seed + APART * start for seed in seeds])
        each.append(torch.stack([recovery.image for recovery in recoveries]))
    return torch.stack(each)


def errors_of(
    fits: torch.Tensor, operators: list[Operator], ys: torch.Tensor, truths: torch.Tensor
) -> dict[str, torch.Tensor]:
    """The mean squared errors (I,) of what can be made of fits (R, I, C, H, W)."""

    def mse(images: torch.Tensor) -> torch.Tensor:
        return (images - truths).square().flatten(-3).mean(-1)

    misfits = torch.stack([(a.forward(fits[:, i]) - ys[i]).square().sum(-1) for i, a in enumerate(operators)], 1)
    plausible = [plausible_mean(a, ys[i], fits[:, i]) for i, a in enumerate(operators)]
    least = fits[misfits.argmin(0), torch.arange(len(operators))]
    return {
        "one": mse(fits).mean(0),
        "misfit": mse(least),
        "mean": mse(fits.mean(0)),
        "plausible": mse(torch.stack(plausible)),
        "truth": mse(fits).amin(0),
    }


def in_words(errors: torch.Tensor, baseline: torch.Tensor) -> str:
    """A mean error in units of 1e-4, and its ratio to the baseline's mean with a paired 95 % interval."""
    _, low, high = ratio_interval(errors.tolist(), baseline.tolist())
    return f"{1e4 * errors.mean():.1f} ({errors.mean() / baseline.mean():.2f}: {low:.2f}, {high:.2f})"


def main() -> None:
    """Print a table for each m."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="+", help="a data set, or images: example:NAME, or files")
    parser.add_argument("--m", type=int, nargs="+", required=True)
    parser.add_argument("--images", type=int, default=20, help="of a data set")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--size", type=int, help="default: as the images are")
    parser.add_argument("--grey", action="store_true")
    parser.add_argument("--presets", nargs="+", choices=PRESETS, default=["smooth", "fast"])
    parser.add_argument("--starts", type=int, default=3, help="of each preset")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    truths = torch.stack(images_of(options.data, options.first, options.images, options.size, options.grey))
    seeds = [options.first + i for i in range(len(truths))]
    for m in options.m:
        operators = [make_operator("gaussian", tuple(truths.shape[1:]), m, seed=seed) for seed in seeds]
        ys = torch.stack([a.forward(x) for a, x in zip(operators, truths, strict=True)])
        fits = {preset: fitted_images(operators, ys, preset, seeds, options.starts) for preset in options.presets}
        fits["+".join(options.presets)] = torch.cat(list(fits.values()))
        table = Table(title=f"m = {m}: mean error in 1e-4 (over `one` of the same fits: 95 % interval)")
        for name in ("fits", "one", "misfit", "mean", "plausible", "truth"):
            table.add_column(name)
        for name, each in fits.items():
            errors = errors_of(each, operators, ys, truths)
            table.add_row(f"{len(each)} of {name}", *(in_words(value, errors["one"]) for value in errors.values()))
        Console(width=200).print(table)


if __name__ == "__main__":
    main()
