"""What a recipe's cells say together: means with intervals, gains, and the paper's sentences judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from statistics import median
from types import MappingProxyType
from typing import Any

from untrained.sims.experiments.recipes.cells import ImageCell
from untrained.sims.experiments.recipes.comparisons import LOOKS, OPEN, Arm, Look, Scores, paired
from untrained.sims.experiments.recipes.planning import Standing, standing
from untrained.sims.experiments.recipes.recipe import Recipe, Score, Setup
from untrained.sims.experiments.recipes.statements import (
    SentenceVerdict,
    Statement,
    judge_sentence,
    share_of,
    telling_look,
)
from untrained.sims.images.scores import mean_interval, ratio_interval
from untrained.sims.recovery.reports import json_ready

Done = Mapping[ImageCell, Mapping[str, Any]]
"""The row of each finished cell."""
_Interval = tuple[float, float | None, float | None]
"""An estimate with the ends of its 95 % interval, which a single image does not give."""
DIGITS = 6
WRONG = 0.2
"""nMSE above which a recovery is another image than the truth."""
_WORDS = ("outcome", "device", "at_once")
COLUMNS = ("image", "mse", "psnr", "ssim", "seconds", *_WORDS)
NMSE_COLUMNS = ("image", "nmse", *COLUMNS[1:])
"""What is recorded of every cell, and what of it is the same for most."""


def interval(values: Sequence[float]) -> _Interval:
    """Return the mean with Student's t interval over images."""
    if len(values) < 2:
        return values[0], None, None
    return mean_interval(values)


def points(done: Done, score: Score = "mse") -> list[dict[str, Any]]:
    """Summarise each (set, setup, run): mean score and seconds with intervals, how many images, and how they ended.

    Images whose recovery is not finite have no score; `images` counts all, `scored` those in the mean. Beside an nMSE
    stand its median, how many images are `wrong`, and how many of the error bars that were given hold the MSE.
    """
    groups: dict[tuple[str, Setup, str], list[Mapping[str, Any]]] = {}
    for cell, row in done.items():
        groups.setdefault((cell.dataset, cell.setup, cell.algorithm.label), []).append(row)
    return [_point(*group, rows, score) for group, rows in groups.items()]


def _point(dataset: str, setup: Setup, label: str, rows: Sequence[Mapping[str, Any]], score: Score) -> dict[str, Any]:
    scored = [row[score] for row in rows if row[score] is not None]
    return rounded(
        {
            "dataset": dataset,
            "setup": setup.as_fields(),
            "m": rows[0]["m"],
            "label": label,
            "images": len(rows),
            "scored": len(scored),
            score: interval(scored) if scored else None,
            **(_beside(scored, rows) if score == "nmse" else {}),
            "seconds": interval([row["seconds"] for row in rows]),
            "device": " and ".join(sorted({row["device"] for row in rows})),
            "at_once": max(row["at_once"] for row in rows),
            "outcomes": dict(Counter(outcome(row["outcome"]) for row in rows)),
        }
    )


def _beside(scored: Sequence[float], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    bars = [row for row in rows if row.get("error_high") is not None]
    return {
        "median": median(scored) if scored else None,
        "wrong": sum(value > WRONG for value in scored),
        "bars": len(bars),
        "covered": sum(row["error_low"] <= row["mse"] <= row["error_high"] for row in bars),
    }


def outcome(text: str) -> str:
    """The outcome without the step at which it came."""
    return text.partition(" at step")[0]


def gains(recipe: Recipe, done: Done) -> list[dict[str, Any]]:
    """Percent by which the mean MSE is lower with learned regularisation, by setup, with Fieller's interval."""
    if recipe.kind != "gains":
        return []
    plain, learned = recipe.labels()
    scores = scores_of(done)
    return [
        {"setup": setup.as_fields(), "label": learned, "gain": gain, "images": len(pair[0])}
        for setup in recipe.parts[0].setups
        if (pair := paired(scores, (learned, setup), (plain, setup)))[0]
        for gain in [percent(*pair)]
    ]


def percent(learned: Sequence[float], plain: Sequence[float]) -> list[float | None]:
    """100 (1 - mean(learned)/mean(plain)) with its interval; paired values."""
    if len(plain) < 2:
        return [100 * (1 - learned[0] / plain[0]), None, None]
    ratio, low, high = ratio_interval(learned, plain)
    gain: list[float | None] = rounded([100 * (1 - r) for r in (ratio, high, low)])
    return gain


def scores_of(done: Done, score: Score = "mse") -> Scores:
    """The score by image, for each (label, setup); images without a finite one are left out.

    They have the digits of the record, so that its own rows give the record's verdicts.
    """
    scores: dict[tuple[str, Setup], dict[int, float]] = {}
    for cell, row in done.items():
        if row[score] is not None:
            scores.setdefault((cell.algorithm.label, cell.setup), {})[cell.image] = rounded(row[score])
    return scores


def judged(recipe: Recipe, done: Done, held: Mapping[str, int] = MappingProxyType({})) -> list[dict[str, Any]]:
    """Each sentence of the paper with its verdict, the interval of each comparison, and the hours that these took.

    One that is undecided is told with what it would take, if means and spreads stay as they are, and whether that is
    more than there are of the images `held` of each set.
    """
    done = leading(recipe, done)
    scores, arms = scores_of(done, recipe.score), recipe.arms()
    verdicts = [(statement, judge_sentence(statement, scores, recipe.axis, arms)) for statement in recipe.statements]
    images = _images_there(recipe, held)
    return [_judgement(statement, verdict, scores, done, images) for statement, verdict in verdicts]


def _images_there(recipe: Recipe, held: Mapping[str, int]) -> dict[Arm, int]:
    """How many images each run can have."""
    return {
        (algorithm.label, setup): len(part.images(held.get(part.dataset)))
        for part in recipe.parts
        for setup in part.setups
        for algorithm in part.algorithms
    }


def _judgement(
    statement: Statement, verdict: SentenceVerdict, scores: Scores, done: Done, images: Mapping[Arm, int]
) -> dict[str, Any]:
    looks, telling, needs = verdict.looks, telling_look(verdict), ""
    if verdict.verdict == OPEN:
        needs = needs_in_words(standing(looks, scores, share_of(statement)), done, images)
    return {
        "says": statement.says,
        "verdict": verdict.verdict,
        "told": "; ".join(filter(None, (verdict.numbers, needs))),
        "images": telling.used if telling else max((one.images for one in looks), default=0),
        "interval": telling.interval_in_words() if telling else "",
        "needs": needs,
        "hours": float(f"{_hours(looks, done):.3g}"),
        "comparisons": [rounded(one.as_fields()) for one in looks if one.images],
    }


def leading(recipe: Recipe, done: Done) -> Done:
    """The rows of each run before the first image that it lacks.

    Sentences are judged by these, so that no verdict depends on which of later images happen to be there.
    """
    runs = [
        [ImageCell(part.dataset, image, setup, algorithm) for image in part.images()]
        for part in recipe.parts
        for setup in part.setups
        for algorithm in part.algorithms
    ]
    return {cell: done[cell] for cells in runs for cell in takewhile(done.__contains__, cells)}


def _hours(looks: Sequence[Look], done: Done) -> float:
    """Hours of all cells that the comparisons of a sentence take."""
    arms = {arm for one in looks for arm in one.comparison.arms}
    cells = (cell for cell in done if (cell.algorithm.label, cell.setup) in arms)
    return sum(rounded(done[cell]["seconds"]) for cell in cells) / 3600


def needs_in_words(stands: Standing, done: Done, there: Mapping[Arm, int]) -> str:
    """What it would take to decide a sentence: images, of which each run has so many, and hours."""
    needed = stands.needs()
    if needed is None and (unknown := sum(not stands.outlooks[i].images for i in stands.open)):
        return f"{unknown} comparisons have no image yet"
    if needed is None:
        return f"no number of images up to {max(LOOKS)} is expected to decide"
    images: dict[Arm, int] = {}
    for i, count in needed.items():
        for arm in stands.looks[i].comparison.arms:
            images[arm] = max(count, images.get(arm, 0))
    if lacking := [arm for arm, count in images.items() if count > there[arm]]:
        arm = max(lacking, key=images.__getitem__)
        return f"would take {images[arm]} images, more than the {there[arm]} there are"
    seconds = [_left(arm, count, done) for arm, count in images.items()]
    hours = sum(x or 0.0 for x in seconds) / 3600
    about = "more than" if None in seconds else "about"
    return f"would take {max(needed.values())} images, {about} {hours:.2g} h more"


def _left(arm: Arm, images: int, done: Done) -> float | None:
    """Seconds of the cells that a run lacks of so many, by those it has or its algorithm has elsewhere."""
    own = [row["seconds"] for cell, row in done.items() if (cell.algorithm.label, cell.setup) == arm]
    like = own or [row["seconds"] for cell, row in done.items() if cell.algorithm.label == arm[0]]
    left = max(0, images - len(own))
    return left * sum(like) / len(like) if like else (None if left else 0.0)


def columns_of(score: Score) -> tuple[str, ...]:
    """What is recorded of every cell of a recipe with such a score."""
    return NMSE_COLUMNS if score == "nmse" else COLUMNS


def groups(done: Done, score: Score = "mse") -> list[dict[str, Any]]:
    """Every cell's row, those of one (set, setup, run) as columns; a column of equal words is that word."""
    columns: dict[tuple[str, Setup, str], dict[str, Any]] = {}
    for cell, row in done.items():
        place = (cell.dataset, cell.setup, cell.algorithm.label)
        head = {"dataset": cell.dataset, "setup": cell.setup.as_fields(), "m": row["m"], "label": cell.algorithm.label}
        how = {"method": cell.algorithm.method, "settings": dict(cell.algorithm.settings)}
        group = columns.setdefault(place, {**head, **how, **{name: [] for name in columns_of(score)}})
        for name in columns_of(score):
            group[name].append(cell.image if name == "image" else rounded(row[name]))
    return [_shortened(group) for group in columns.values()]


def _shortened(group: Mapping[str, Any]) -> dict[str, Any]:
    same = {name: group[name][0] for name in _WORDS if len(set(group[name])) == 1}
    return {**group, **same}


def rows(record: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Yield a record's rows, one a cell: set, image, operator, m, noise, method, scores, seconds and outcome."""
    columns = columns_of(record.get("score", "mse"))
    for group in record["groups"]:
        setup = group["setup"]
        head = {"dataset": group["dataset"], "operator": setup["operator"], "m": group["m"], "label": group["label"]}
        for i in range(len(group["image"])):
            own = {name: group[name][i] if isinstance(group[name], list) else group[name] for name in columns}
            noise = {} if setup.get("sigma") is None else {"sigma": setup["sigma"]}
            yield {**head, "variance": setup["variance"], **noise, "method": group["method"], **own}


def rounded(value: Any) -> Any:
    """Numbers to six digits, those that are not finite as null."""
    if isinstance(value, Mapping):
        return {name: rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(json_ready(value), float) else json_ready(value)
