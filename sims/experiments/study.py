"""What is swept: a row for every choice of parameters and seed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

from untrained.sims.experiments.experiment import Cell, Task, digest
from untrained.sims.progress import Progress

Scalar = int | float | str
Kind = Literal["int", "float", "str"]
Domain = tuple[float, float] | tuple[str, ...]
TableRow = dict[str, Any]


class StoredRow(NamedTuple):
    """A computed cell: its parameters, its seed and its row."""

    parameters: Mapping[str, Any]
    seed: int
    row: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """What one cell computes, over which parameters, and what these may be.

    `row(parameters, seed, device)` gives columns of JSON scalars and depends on parameters and seed only. `axes` is
    the default grid and `domain` the allowed range of the same parameters: (low, high), both included, or words.
    `check` refuses combinations by a ValueError. `version` is raised by hand when the same cell gives other numbers;
    `table` sums the cells up in the rows that a record holds and figures draw, which have the columns source, quantity
    and value.

    Raises
    ------
    ValueError
        where the name is not fit for a file, axes and domain differ, or a default lies outside the domain.
    """

    name: str
    says: str
    axes: Mapping[str, tuple[Scalar, ...]]
    domain: Mapping[str, Domain]
    seeds: int
    row: Callable[[Mapping[str, Any], int, str], Mapping[str, Any]]
    version: int = 1
    check: Callable[[Mapping[str, Any]], None] | None = None
    table: Callable[[Sequence[StoredRow]], list[TableRow]] | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self.name):
            raise ValueError(f"name of a study must be letters, digits, dots and dashes, got {self.name!r}")
        if self.version < 1:
            raise ValueError(f"version of {self.name} must be at least 1, got {self.version}")
        if self.seeds < 1:
            raise ValueError(f"seeds of {self.name} must be at least 1, got {self.seeds}")
        if not self.axes or set(self.axes) != set(self.domain):
            raise ValueError(f"axes of {self.name} must be those of its domain, got {sorted(self.axes)}")
        for axis, values in self.axes.items():
            for value in values:
                self.fit(axis, value)

    def kind(self, axis: str) -> Kind:
        """Whether an axis takes words, whole numbers (where bounds and defaults all are) or numbers."""
        values = (*self.domain[axis], *self.axes[axis])
        if all(isinstance(value, str) for value in self.domain[axis]):
            return "str"
        return "int" if all(isinstance(value, int) for value in values) else "float"

    def fit(self, axis: str, value: object) -> Scalar:
        """Return a value as its axis has it, so that 1 and 1.0 are one cell.

        Raises
        ------
        ValueError
            where the axis is unknown or the value is outside the domain.
        """
        if axis not in self.domain:
            raise ValueError(f"parameter of {self.name} must be one of {', '.join(self.axes)}, got {axis!r}")
        bounds, kind = self.domain[axis], self.kind(axis)
        if kind == "str":
            if value not in bounds:
                raise ValueError(f"{axis} of {self.name} must be one of {', '.join(map(str, bounds))}, got {value!r}")
            return str(value)
        number = _number(value, kind)
        low, high = bounds[0], bounds[1]
        if number is None or not low <= number <= high:  # type: ignore[operator]
            what = "a whole number" if kind == "int" else "a number"
            raise ValueError(f"{axis} of {self.name} must be {what} from {low} to {high}, got {value!r}")
        return number

    def fit_all(self, parameters: Mapping[str, object]) -> dict[str, Scalar]:
        """Return the parameters of a cell in the order of the axes.

        Raises
        ------
        ValueError
            where one is missing, unknown or outside the domain, or `check` refuses them together.
        """
        if missing := [axis for axis in self.axes if axis not in parameters]:
            raise ValueError(f"parameters of {self.name} must hold {missing[0]}, got {', '.join(parameters) or 'none'}")
        fitted = {axis: self.fit(axis, value) for axis, value in parameters.items()}
        ordered = {axis: fitted[axis] for axis in self.axes}
        if self.check is not None:
            self.check(ordered)
        return ordered

    @property
    def laws(self) -> str:
        """The version, as workers compare it."""
        return str(self.version)

    def validate(self, parameters: Mapping[str, Any]) -> None:
        """Check that parameters are as the axes have them.

        Raises
        ------
        ValueError
            where they are not, or as `fit_all` does.
        """
        if repr(self.fit_all(parameters)) != repr(dict(parameters)):
            raise ValueError(f"parameters of {self.name} must be as its axes have them, got {parameters}")

    def key(self, cell: Cell) -> str:
        """SHA-256 of what the numbers of a cell depend on."""
        return digest([self.name, dict(cell.parameters), cell.seed, self.version])

    def batches(self, cells: Iterable[Cell]) -> Iterator[list[Cell]]:
        """Each cell by itself."""
        return ([cell] for cell in cells)

    def tasks(self, cells: Sequence[Cell], device: str) -> Iterator[Task]:
        """A call a cell."""
        return (Task(self.name, [cell], partial(self._compute, cell, device)) for cell in cells)

    def _compute(self, cell: Cell, device: str, progress: Progress | None) -> Sequence[Mapping[str, Any]]:
        return [self.row(dict(cell.parameters), cell.seed, device)]


def _number(value: object, kind: Kind) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if kind == "float":
        return float(value) + 0.0  # -0.0 is 0.0
    return int(value) if value == int(value) else None
