"""What was found of a recipe beside what its paper says, as tables and sentences for the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.table import Table

from untrained.sims.experiments.recipes.cost import Cost
from untrained.sims.experiments.recipes.recipe import NAMES

Record = Mapping[str, Any]
Interval = Sequence[float | None]
MARKS = {"holds": "green", "fails": "red", "undecided": "yellow", "not run": "bright_black"}
"""Colour of each verdict on a sentence of the paper."""


def spoken(interval: Interval | None, digits: int = 3) -> str:
    """The estimate with its interval, if it has one; "no finite MSE" where there is no estimate."""
    if interval is None:
        return "no finite MSE"
    middle, low, high = interval
    if low is None or high is None:
        return f"{middle:.{digits}g}" + ("" if low is high else " [unbounded]")
    return f"{middle:.{digits}g} [{low:.{digits}g}, {high:.{digits}g}]"


def labels_of(record: Record) -> list[str]:
    """Return the labels of the runs that the record has, in their order."""
    return list(dict.fromkeys(point["label"] for point in record["points"]))


def setup_told(point: Mapping[str, Any]) -> str:
    """How the images of a point were measured, in few words."""
    setup = point["setup"]
    size = f"m = {point['m']}" if setup["lines"] is None else f"{setup['lines']} lines, {point['m']} coefficients"
    return f"{size}, sigma^2 = {setup['variance']:g}" if setup["variance"] else size


def _table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        made.add_column(column, justify="left" if i == 0 else "right", overflow="fold")
    return made


def _rows(record: Record) -> dict[tuple[str, str], dict[str, Mapping[str, Any]]]:
    """Points by (set, setup) and label."""
    rows: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for point in record["points"]:
        rows.setdefault((point["dataset"], setup_told(point)), {})[point["label"]] = point
    return rows


def errors(record: Record) -> Table:
    """Mean MSE with its 95 % interval: a row a set and setup, a column a method."""
    labels = labels_of(record)
    made = _table("MSE, 95 % interval over images", "images", *(NAMES.get(name, name) for name in labels))
    for (dataset, told), points in _rows(record).items():
        count = max(point["images"] for point in points.values())
        cells = [_error(points[name]) if name in points else "-" for name in labels]
        made.add_row(f"{dataset}, {told}", str(count), *cells)
    return made


def _error(point: Mapping[str, Any]) -> str:
    diverged = point["outcomes"].get("diverged", 0)
    return spoken(point["mse"]) + (f", {diverged} diverged" if diverged else "")


def seconds(record: Record) -> Table:
    """Seconds an image, the paper's beside ours."""
    labels = labels_of(record)
    names = [f"{NAMES.get(name, name)}: {who}" for name in labels for who in ("paper", "ours")]
    made = _table("seconds an image", *names)
    for (_, told), points in _rows(record).items():
        made.add_row(told, *(text for name in labels for text in _seconds(record, points.get(name))))
    return made


def _seconds(record: Record, point: Mapping[str, Any] | None) -> tuple[str, str]:
    if point is None:
        return "-", "-"
    printed = number(record, point["setup"], point["label"])
    together = f", {point['at_once']} at once" if point["at_once"] > 1 else ""
    return "-" if printed is None else f"{printed:g}", f"{spoken(point['seconds'])} on {point['device']}{together}"


def number(record: Record, setup: Mapping[str, Any], label: str) -> float | None:
    """The number that the paper prints, None where it prints none."""
    found = (n["value"] for n in record["numbers"] if n["setup"] == setup and n["label"] == label)
    return next(found, None)


def gains(record: Record) -> Table:
    """Percent by which the MSE is lower with learned regularisation, the paper's beside ours."""
    made = _table("percent decrease of the MSE", "images", "paper", "ours, 95 % interval over images")
    for row in record["gains"]:
        printed = number(record, row["setup"], row["label"])
        told = f"m = {row['setup']['m']}, sigma^2 = {row['setup']['variance']:g}"
        made.add_row(told, str(row["images"]), f"{printed:g}", spoken(row["gain"]))
    return made


def counts(record: Record) -> Table:
    """Fourier coefficients of each pattern, the paper's beside ours."""
    made = _table("radial lines", "paper", "ours")
    for row in record["counts"]:
        printed = number(record, row["setup"], "coefficients")
        made.add_row(str(row["setup"]["lines"]), f"{printed:g}", str(row["coefficients"]))
    return made


def tables(record: Record) -> list[Table]:
    """Return the tables that a recipe of this kind has."""
    kinds = {"gains": [gains, errors], "runtimes": [seconds, errors], "pattern": [counts]}
    return [make(record) for make in kinds.get(record["kind"], [errors])]


def sentences(record: Record) -> Iterator[tuple[str, str]]:
    """Yield (style, sentence): the paper's sentences judged, what it is silent on, and what differs here."""
    for statement in record["statements"]:
        told = f"{statement['verdict']:>9}  {statement['says']}: {statement['told']}"
        yield MARKS[statement["verdict"]], told
    for word, what in (("silent", record["silent"]), ("differs", record["differs"])):
        for sentence in what:
            yield "bright_black", f"{word:>9}  {sentence}"


def listing(costs: Sequence[Cost]) -> Table:
    """A row a recipe: what it is, its cells with all images, the hours these take, and whether it is recorded."""
    made = _table("recipe", "cells", "hours")
    made.add_column("not timed yet", overflow="fold")
    made.add_column("record", no_wrap=True)
    made.add_column("what", overflow="fold")
    for cost in costs:
        hours = f"{cost.hours:.1f}" if cost.hours or not cost.untimed else "?"
        made.add_row(
            cost.recipe.name, str(cost.cells), hours, ", ".join(cost.untimed) or "-", cost.recorded or "none",
            f"{cost.recipe.title} ({cost.recipe.source})",
        )  # fmt: skip
    return made
