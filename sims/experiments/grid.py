"""The cells of a sweep: every combination of the values of its axes, with every seed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from untrained.sims.experiments.experiment import Cell
from untrained.sims.experiments.study import Kind, Scalar, Study

_MOST = 1_000_000
"""Values of one axis."""


class Cells(Protocol):
    """A grid, or any list of cells."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Cell]: ...


@dataclass(frozen=True)
class Grid:
    """All cells of some axes, made one by one: the last axis goes fastest, and the seeds faster still."""

    axes: Mapping[str, tuple[Scalar, ...]]
    seeds: int

    def __len__(self) -> int:
        return math.prod(map(len, self.axes.values())) * self.seeds

    def __iter__(self) -> Iterator[Cell]:
        for values in itertools.product(*self.axes.values()):
            parameters = dict(zip(self.axes, values, strict=True))
            yield from (Cell(parameters, seed) for seed in range(self.seeds))


def make_grid(study: Study, text: str | None = None, seeds: int | None = None) -> Grid:
    """Return the default grid of a study, with the axes that `text` names replaced.

    `text` is axes between spaces: `n=8,16`, `ratio=1:8:8` for 8 values at even distances from 1 to 8,
    `eta=log:0.1:10:5` for even ratios, and mixtures such as `n=8,16:64:4`. Whole numbers are rounded.

    Raises
    ------
    ValueError
        where an axis is unknown or named twice, a value is outside the domain, or no cell is left.
    """
    axes = {axis: tuple(study.fit(axis, value) for value in values) for axis, values in study.axes.items()}
    axes.update({axis: _values(study, axis, values) for axis, values in _texts(study, text or "").items()})
    grid = Grid(axes, study.seeds if seeds is None else seeds)
    if grid.seeds < 1:
        raise ValueError(f"seeds must be at least 1, got {grid.seeds}")
    if empty := [axis for axis, values in axes.items() if not values]:
        raise ValueError(f"grid must hold at least one cell, got no value of {empty[0]}")
    return grid


def _texts(study: Study, text: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for word in text.split():
        axis, equals, values = word.partition("=")
        if not equals:
            raise ValueError(f"grid must be AXIS=VALUES between spaces, got {word!r}")
        if axis not in study.axes:
            raise ValueError(f"axis of {study.name} must be one of {', '.join(study.axes)}, got {axis!r}")
        if axis in texts:
            raise ValueError(f"grid must name each axis once, got {axis} twice")
        texts[axis] = values
    return texts


def _values(study: Study, axis: str, text: str) -> tuple[Scalar, ...]:
    kind = study.kind(axis)
    parts = [part for part in text.split(",") if part]
    values = (value for part in parts for value in _part(axis, part, kind))
    return tuple(dict.fromkeys(study.fit(axis, value) for value in values))


def _part(axis: str, text: str, kind: Kind) -> list[Scalar]:
    if kind == "str":
        return [text]
    if ":" not in text:
        return [_number(axis, text)]
    log, bounds = text.startswith("log:"), text.removeprefix("log:").split(":")
    if len(bounds) != 3 or not bounds[2].isdecimal() or not 1 <= int(bounds[2]) <= _MOST:
        raise ValueError(f"{axis} must be low:high:count or log:low:high:count, got {text!r}")
    low, high, count = _number(axis, bounds[0]), _number(axis, bounds[1]), int(bounds[2])
    if log and not min(low, high) > 0:
        raise ValueError(f"{axis} must have positive bounds after log:, got {text!r}")
    spaced = _spaced(math.log(low), math.log(high), count) if log else _spaced(low, high, count)
    inner = [math.exp(value) if log else value for value in spaced[1:-1]]
    values = [low, *inner, high][:count]  # the bounds themselves, which exp(log) would miss by a digit
    return [round(value) for value in values] if kind == "int" else list(values)


def _spaced(low: float, high: float, count: int) -> list[float]:
    return [low + (high - low) * i / max(1, count - 1) for i in range(count)]


def _number(axis: str, text: str) -> int | float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{axis} must be numbers, got {text!r}")
    return int(text) if text.removeprefix("-").isdecimal() else number
