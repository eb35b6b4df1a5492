"""Cells computed: each image measured once, and given to every method as that very measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from math import sqrt
from pathlib import Path
from typing import Any

import torch

from untrained.sims.experiments.recipes.cells import Batch, Cell, image_seed, settings_of
from untrained.sims.experiments.recipes.learning import learned_file
from untrained.sims.experiments.recipes.recipe import Setup
from untrained.sims.experiments.recipes.thumbnails import encoded
from untrained.sims.images.scores import score
from untrained.sims.operators import Operator, make_operator
from untrained.sims.operators.measurements import Measurement, measure
from untrained.sims.progress import Progress
from untrained.sims.recovery.methods import method
from untrained.sims.recovery.reports import json_ready
from untrained.sims.recovery.result import Recovery
from untrained.sims.runtime import memory_told

PICTURED = 5
"""The recovered images of the first so many of a set are kept as pictures."""


@dataclass(frozen=True)
class Bench:
    """Where cells are computed: device, folder of learned priors, who is told of steps and of what is being done."""

    device: torch.device
    folder: Path
    watch: Progress | None = None
    say: Callable[[str], None] = lambda _: None


def machine(device: torch.device) -> str:
    """What the seconds were taken on: the name of the GPU, or the CPU with its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{device.type}, {threads} thread{'s' if threads > 1 else ''}"


def measured(image: torch.Tensor, setup: Setup, seed: int, device: torch.device) -> Measurement:
    """Measure an image by the operator of its seed, with noise of entries N(0, variance/m).

    Raises
    ------
    ValueError
        where the operator does not suit the image or does not fit in memory.
    """
    c, h, w = image.shape
    with memory_told(f"{setup.operator} for {h}x{w} pixels"):
        operator = make_operator(setup.operator, (c, h, w), setup.m, seed, device, **setup.options())
        return measure(image.to(device), operator, noise=sqrt(setup.variance), seed=seed)


def compute(batch: Batch, images: torch.Tensor, bench: Bench) -> Iterator[tuple[Cell, dict[str, Any]]]:
    """Yield each cell of a batch with what was found, as JSON can hold it; images (N, C, H, W) are the whole set's.

    Raises
    ------
    ValueError
        where a method refuses.
    KeyboardInterrupt
        where a method was interrupted: an image that is not finished is no cell's.
    """
    seeds = {i: image_seed(batch.dataset, i) for i in batch.images()}
    taken = {i: measured(images[i], batch.setup, seed, bench.device) for i, seed in seeds.items()}
    for run, group in groupby(sorted(batch.cells, key=lambda c: c.run.label), key=lambda c: c.run):
        cells = list(group)
        bench.say(f"{run.label}, {batch.dataset}, {batch.setup.told()}")
        settings = _settings(cells[0], taken[cells[0].image].operator, images, bench)
        for some in _together(cells, run.method):
            recoveries = _recover(some, [taken[c.image] for c in some], settings, bench)
            for cell, recovery in zip(some, recoveries, strict=True):
                yield cell, _found(cell, recovery, images[cell.image], taken[cell.image], bench, len(some))


def _settings(cell: Cell, operator: Operator, images: torch.Tensor, bench: Bench) -> Any:
    if cell.run.learned is None:
        return settings_of(cell.run, None, operator)
    with memory_told(cell.run.label):
        learned = learned_file(cell, images, bench.device, bench.folder, bench.watch)
        return settings_of(cell.run, learned, operator)


def _together(cells: Sequence[Cell], name: str) -> list[Sequence[Cell]]:
    """All cells at once where the method can recover several images side by side, else one by one."""
    return [cells] if hasattr(method(name).load(), "recover_batch") else [[cell] for cell in cells]


def _recover(cells: Sequence[Cell], taken: Sequence[Measurement], settings: Any, bench: Bench) -> list[Recovery]:
    module, seeds = method(cells[0].run.method).load(), [image_seed(c.dataset, c.image) for c in cells]
    with memory_told(cells[0].run.label):
        if len(cells) == 1:
            operator, y = taken[0].operator, taken[0].y
            found = [module.recover(operator, y, settings, seed=seeds[0], watch=bench.watch)]
        else:
            operators, ys = [t.operator for t in taken], torch.stack([t.y for t in taken])
            found = module.recover_batch(operators, ys, settings, seeds=seeds, watch=bench.watch)
    if any(recovery.outcome == "interrupted" for recovery in found):
        raise KeyboardInterrupt
    return list(found)


def _found(
    cell: Cell, recovery: Recovery, truth: torch.Tensor, taken: Measurement, bench: Bench, at_once: int
) -> dict[str, Any]:
    """What a cell is kept as: scores of the image returned, seconds, outcome, and what these depend on."""
    scores = score(recovery.image, truth) if bool(recovery.image.isfinite().all()) else {}
    made = {
        "dataset": cell.dataset,
        "image": cell.image,
        "setup": asdict(cell.setup),
        "method": cell.run.method,
        "measurement": taken.fingerprint,
        "m": taken.operator.coefficients,
        **{name: scores.get(name) for name in ("mse", "psnr", "ssim")},
        "misfit": recovery.misfit,
        "steps": recovery.steps,
        "seconds": recovery.seconds,
        "outcome": recovery.outcome,
        "device": machine(bench.device),
        "at_once": at_once,
        "picture": encoded(recovery.image) if cell.image < PICTURED and scores else None,
    }
    kept: dict[str, Any] = json_ready(made)
    return kept
