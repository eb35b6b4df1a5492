"""What came out of a recipe beside what its paper says: tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from untrained.figures.tables import Parts, Table
from untrained.sims.experiments.recipes.recipe import NAMES, SCORE_NAMES, Score, noise_words

if TYPE_CHECKING:
    from untrained.sims.experiments.recipes.reproduction import Cost

RecipeRecord = Mapping[str, Any]


def spoken(interval: Sequence[float | None] | None, digits: int = 3, score: Score = "mse") -> str:
    """The estimate with its interval, if it has one; "no finite MSE", or what the score is, where there is none."""
    if interval is None:
        return f"no finite {SCORE_NAMES[score].split(',')[0]}"
    middle, low, high = interval
    if low is None or high is None:
        return f"{middle:.{digits}g}" + ("" if low is high else " [unbounded]")
    return f"{middle:.{digits}g} [{low:.{digits}g}, {high:.{digits}g}]"


def labels_of(record: RecipeRecord) -> list[str]:
    """Return the labels of the runs that the record has, in their order."""
    return list(dict.fromkeys(point["label"] for point in record["points"]))


def setup_words(point: Mapping[str, Any]) -> str:
    """How the images of a point were measured, in few words."""
    setup = point["setup"]
    if setup.get("sigma") is not None:
        return noise_words(setup)
    size = f"m = {point['m']}" if setup["lines"] is None else f"{setup['lines']} lines, {point['m']} coefficients"
    return f"{size}, sigma^2 = {setup['variance']:g}" if setup["variance"] else size


def _table(rows: Sequence[Sequence[str]], *columns: str) -> Table:
    return Table(columns, rows, columns[1:])


def _rows(record: RecipeRecord) -> dict[tuple[str, str], dict[str, Mapping[str, Any]]]:
    """Points by (set, setup) and label."""
    rows: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
    for point in record["points"]:
        rows.setdefault((point["dataset"], setup_words(point)), {})[point["label"]] = point
    return rows


def error_table(record: RecipeRecord) -> Table:
    """Mean MSE with its 95 % interval: a row a set and setup, a column a method."""
    labels = labels_of(record)
    rows = []
    for (dataset, setup), points in _rows(record).items():
        counts = sorted({point["images"] for point in points.values()})
        cells = [_error(record, points[name]) if name in points else "-" for name in labels]
        rows.append([f"{dataset}, {setup}", _span(counts), *cells])
    head = f"{SCORE_NAMES[score_of(record)]}, 95 % interval over images"
    return _table(rows, head, "images", *(NAMES.get(name, name) for name in labels))


def score_table(record: RecipeRecord) -> Table:
    """Mean score with its 95 % interval, a row a set, setup and method, beside the paper's number."""
    rows = [
        [
            f"{dataset}, {setup}, {NAMES.get(label, label)}",
            str(point["images"]),
            _printed(record, point["setup"], label),
            spoken(point[score_of(record)], 4, score_of(record)),
            spoken(point["seconds"]),
        ]
        for (dataset, setup), points in _rows(record).items()
        for label, point in points.items()
    ]
    return _table(rows, SCORE_NAMES[score_of(record)], "images", "paper", "ours, 95 % interval", "seconds an image")


def _span(counts: Sequence[int]) -> str:
    """Numbers of images that differ from run to run."""
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _error(record: RecipeRecord, point: Mapping[str, Any]) -> str:
    """The mean with its interval, the paper's number where it has one, and what went wrong, or was covered."""
    place = point["setup"], point["label"]
    printed = [n["value"] for n in record["numbers"] if (n["setup"], n["label"]) == place]
    texts = [spoken(point[score_of(record)], score=score_of(record)), *(f"paper {value:g}" for value in printed)]
    texts += [f"{count} diverged" for count in [point["outcomes"].get("diverged", 0)] if count]
    texts += [f"{point['wrong']} wrong"] if point.get("wrong") else []
    texts += [f"{point['covered']}/{point['bars']} bars hold"] if point.get("bars") else []
    return ", ".join(texts)


def score_of(record: RecipeRecord) -> Score:
    """What the means of a record are of."""
    score: Score = record.get("score", "mse")
    return score


def seconds_table(record: RecipeRecord) -> Table:
    """Seconds an image, the paper's beside ours."""
    labels = labels_of(record)
    names = [f"{NAMES.get(name, name)}: {who}" for name in labels for who in ("paper", "ours")]
    rows = [
        [setup, *(text for name in labels for text in _seconds(record, points.get(name)))]
        for (_, setup), points in _rows(record).items()
    ]
    return _table(rows, "seconds an image", *names)


def _seconds(record: RecipeRecord, point: Mapping[str, Any] | None) -> tuple[str, str]:
    if point is None:
        return "-", "-"
    printed = _printed(record, point["setup"], point["label"])
    together = f", {point['at_once']} at once" if point["at_once"] > 1 else ""
    return printed, f"{spoken(point['seconds'])} on {point['device']}{together}"


def printed_number(record: RecipeRecord, setup: Mapping[str, Any], label: str) -> float | None:
    """The number that the paper prints, None where it prints none."""
    values = (n["value"] for n in record["numbers"] if n["setup"] == setup and n["label"] == label)
    return next(values, None)


def _printed(record: RecipeRecord, setup: Mapping[str, Any], label: str) -> str:
    value = printed_number(record, setup, label)
    return "-" if value is None else f"{value:g}"


def gain_table(record: RecipeRecord) -> Table:
    """Percent by which the MSE is lower with learned regularisation, the paper's beside ours."""
    rows = []
    for row in record["gains"]:
        printed = _printed(record, row["setup"], row["label"])
        setup = f"m = {row['setup']['m']}, sigma^2 = {row['setup']['variance']:g}"
        rows.append([setup, str(row["images"]), printed, spoken(row["gain"])])
    return _table(rows, "percent decrease of the MSE", "images", "paper", "ours, 95 % interval over images")


def count_table(record: RecipeRecord) -> Table:
    """Fourier coefficients of each pattern, the paper's beside ours."""
    rows = []
    for row in record["counts"]:
        printed = _printed(record, row["setup"], "coefficients")
        rows.append([str(row["setup"]["lines"]), printed, str(row["coefficients"])])
    return _table(rows, "radial lines", "paper", "ours")


def recipe_parts(record: RecipeRecord) -> Parts:
    """Title and tables of a record, without the paper's sentences."""
    kinds = {
        "scores": [score_table],
        "gains": [gain_table, error_table],
        "runtimes": [seconds_table, error_table],
        "pattern": [count_table],
    }
    plain = [score_table] if score_of(record) == "psnr" else [error_table]
    tables = [make(record) for make in kinds.get(record["kind"], plain)]
    return [f"{record['name']}: {record['title']} ({record['source']})", *tables]


def sentences(record: RecipeRecord) -> Iterator[tuple[str, str]]:
    """Yield (word, sentence): the paper's sentences, each judged, what it is silent on, and what differs here."""
    for statement in record["statements"]:
        yield statement["verdict"], f"{statement['says']}: {statement['told']}"
    for word in ("silent", "differs"):
        yield from ((word, sentence) for sentence in record[word])


def decision_table(records: Sequence[RecipeRecord]) -> Table:
    """A row a sentence: what it came out as, of how many images, by which interval, in how many hours."""
    rows = [
        [record["name"], one["verdict"], str(one["images"]), one["interval"] or "-", f"{one['hours']:.2g}", one["says"]]
        for record in records
        for one in record["statements"]
    ]
    return Table(("recipe", "verdict", "images", "interval", "hours", "sentence"), rows, ("images", "hours"))


def needs_lines(records: Sequence[RecipeRecord]) -> list[str]:
    """What each undecided sentence would take."""
    return [f"{r['name']}, {one['says']}: {one['needs']}" for r in records for one in r["statements"] if one["needs"]]


def cost_table(costs: Sequence[Cost]) -> Table:
    """A row a recipe: what it is, its cells with all images, the hours these take, and whether it is recorded."""
    rows = []
    for cost in costs:
        hours = f"{cost.hours:.1f}" if cost.hours or not cost.untimed else "?"
        title = f"{cost.recipe.title} ({cost.recipe.source})"
        untimed = ", ".join(cost.untimed) or "-"
        rows.append([cost.recipe.name, str(cost.cells), hours, untimed, cost.recorded or "none", title])
    columns = ("recipe", "cells", "hours", "not timed yet", "record", "what")
    return Table(columns, rows, columns[1:3])
