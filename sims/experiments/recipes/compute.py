"""Cells of recipes computed: each image measured once, and given to every algorithm as that very measurement."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from math import sqrt
from typing import Any

import torch

from untrained.sims.experiments.experiment import Cell, Task
from untrained.sims.experiments.recipes.cells import ImageCell, batches_of, cell_key, laws, settings_of
from untrained.sims.experiments.recipes.learning import learned_file
from untrained.sims.experiments.recipes.recipe import Algorithm, Setup
from untrained.sims.experiments.recipes.records import encoded
from untrained.sims.images.scores import intensity_nmse, score
from untrained.sims.operators import make_operator
from untrained.sims.operators.measurements import Measurement, measure
from untrained.sims.progress import Progress
from untrained.sims.recovery.methods import method
from untrained.sims.recovery.reports import json_ready
from untrained.sims.recovery.result import Recovery
from untrained.sims.runtime import memory_told

PICTURED = 5
"""The recovered images of the first so many of a set are kept as pictures."""


@dataclass(frozen=True)
class RecipeCells:
    """The cells of all recipes, as an experiment; `at_once` is how many images of each set are recovered together."""

    at_once: Mapping[str, int] = field(default_factory=dict)
    name: str = "recipes"

    @property
    def laws(self) -> str:
        """Versions of operators and methods."""
        return laws()

    def validate(self, parameters: Mapping[str, Any]) -> None:
        """Check that an algorithm's settings are ones of its method.

        Raises
        ------
        ValueError
            where they are not.
        """
        settings_of(ImageCell.from_parameters(parameters).algorithm)

    def key(self, cell: Cell) -> str:
        """Hash of what the numbers of a cell depend on."""
        image_cell = ImageCell.from_parameters(cell.parameters)
        return cell_key(image_cell, image_cell.pixels)

    def batches(self, cells: Iterable[Cell]) -> Iterator[list[Cell]]:
        """Cells of the same measurements together."""
        image_cells = (ImageCell.from_parameters(cell.parameters) for cell in cells)
        return ([cell.cell() for cell in batch] for batch in batches_of(image_cells, self.at_once))

    def tasks(self, cells: Sequence[Cell], device: str) -> Iterator[Task]:
        """A call for the images that an algorithm can recover side by side; the measurements of a batch are shared."""
        batch = [ImageCell.from_parameters(cell.parameters) for cell in cells]
        measurements = Measurements(torch.device(device))
        for _, group in groupby(batch, key=lambda cell: cell.algorithm):
            for together in _together(list(group)):
                compute = partial(recover_cells, together, measurements)
                yield Task(_name(together[0]), [cell.cell() for cell in together], compute)


CELLS = RecipeCells()
"""The experiment by which workers compute the cells of any recipe."""
REFERENCE = "untrained.sims.experiments.recipes.compute:CELLS"


_Place = tuple[str, int, Setup]


def _place(cell: ImageCell) -> _Place:
    return cell.dataset, cell.image, cell.setup


class Measurements:
    """The measurements of the images of a batch, each made when it is first asked for, and what was recovered."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._by_image: dict[_Place, Measurement] = {}
        self._by_fit: dict[tuple[Algorithm, tuple[_Place, ...]], Sequence[Recovery]] = {}

    def of(self, cell: ImageCell) -> Measurement:
        """Return the measurement of a cell's image.

        Raises
        ------
        ValueError
            as `measured` does.
        """
        place = _place(cell)
        if place not in self._by_image:
            self._by_image[place] = measured(cell.pixels, cell.setup, cell.seed, self.device)
        return self._by_image[place]

    def recovered(self, cells: Sequence[ImageCell], recover: Callable[[], Sequence[Recovery]]) -> Sequence[Recovery]:
        """Return what a fit gave of the images of some cells; one that was run before is not run again."""
        fit = cells[0].algorithm.fit(), tuple(map(_place, cells))
        if fit not in self._by_fit:
            self._by_fit[fit] = recover()
        return self._by_fit[fit]


def measured(image: torch.Tensor, setup: Setup, seed: int, device: torch.device) -> Measurement:
    """Measure an image by the operator of its seed, with noise of entries N(0, variance/m) or of every pixel.

    Raises
    ------
    ValueError
        where the operator does not suit the image or does not fit in memory.
    """
    c, h, w = image.shape
    if (noise := setup.pixel_noise(seed)) is not None:
        return noise.measurement(image, device)
    with memory_told(f"{setup.operator} for {h}x{w} pixels"):
        operator = make_operator(setup.operator, (c, h, w), setup.m, seed, device, **setup.options())
        return measure(image.to(device), operator, noise=sqrt(setup.variance), seed=seed)


def machine(device: torch.device) -> str:
    """What the seconds were taken on: the name of the GPU, or the CPU with its threads."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{device.type}, {threads} thread{'s' if threads > 1 else ''}"


def recover_cells(
    cells: Sequence[ImageCell], measurements: Measurements, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """Recover the images of cells of one algorithm, side by side where there are several, and return their rows.

    Raises
    ------
    ValueError
        where the method refuses.
    KeyboardInterrupt
        where it was interrupted: an image that is not finished is no cell's.
    """
    settings = _settings(cells[0], measurements, progress)
    recoveries = measurements.recovered(cells, lambda: _recover(cells, measurements, settings, progress))
    if any(recovery.outcome == "interrupted" for recovery in recoveries):
        raise KeyboardInterrupt
    return [_row(cell, recovery, measurements, len(cells)) for cell, recovery in zip(cells, recoveries, strict=True)]


def _name(cell: ImageCell) -> str:
    return f"{cell.algorithm.label}, {cell.dataset}, {cell.setup.in_words()}"


def _together(cells: list[ImageCell]) -> list[list[ImageCell]]:
    """All cells at once where the method can recover several images side by side, else one by one."""
    side_by_side = hasattr(method(cells[0].algorithm.method).load(), "recover_batch")
    return [cells] if side_by_side else [[cell] for cell in cells]


def _settings(cell: ImageCell, measurements: Measurements, progress: Progress | None) -> Any:
    operator = measurements.of(cell).operator
    if cell.algorithm.learned is None:
        return settings_of(cell.algorithm, None, operator)
    with memory_told(cell.algorithm.label):
        return settings_of(cell.algorithm, learned_file(cell, measurements.device, progress), operator)


def _recover(
    cells: Sequence[ImageCell], measurements: Measurements, settings: Any, progress: Progress | None
) -> Sequence[Recovery]:
    module, seeds = method(cells[0].algorithm.method).load(), [cell.seed for cell in cells]
    each = [measurements.of(cell) for cell in cells]
    with memory_told(cells[0].algorithm.label):
        if len(cells) == 1:
            recover: Callable[..., Recovery] = module.recover
            return [recover(each[0].operator, each[0].y, settings, seed=seeds[0], watch=progress)]
        operators, ys = [one.operator for one in each], torch.stack([one.y for one in each])
        recover_batch: Callable[..., Sequence[Recovery]] = module.recover_batch
        return recover_batch(operators, ys, settings, seeds=seeds, watch=progress)


def _row(cell: ImageCell, recovery: Recovery, measurements: Measurements, at_once: int) -> dict[str, Any]:
    """What is stored of a cell: scores of the image returned, seconds, outcome, and what these depend on."""
    image = recovery.image if cell.algorithm.iterate is None else recovery.others[cell.algorithm.iterate]
    measurement, whole = measurements.of(cell), bool(image.isfinite().all())
    scores = score(image, cell.pixels) if whole else {}
    row = {
        "measurement": measurement.fingerprint,
        "m": measurement.operator.coefficients,
        **{name: scores.get(name) for name in ("mse", "psnr", "ssim")},
        "nmse": intensity_nmse(image, cell.pixels, signed=measurement.operator.linear) if whole else None,
        **{end: recovery.certificate.get(end) for end in ("error_low", "error_high")},
        "misfit": recovery.misfit,
        "steps": recovery.steps,
        "seconds": recovery.seconds,
        "outcome": recovery.outcome,
        "device": machine(measurements.device),
        "at_once": at_once,
        "picture": encoded(image) if cell.image < PICTURED and whole else None,
    }
    return {name: json_ready(value) for name, value in row.items()}
