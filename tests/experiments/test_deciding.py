"""Sentences are decided by the cheapest images that can, and by nothing that depends on the order of computation."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t, ttest_1samp

from untrained.sims.experiments.engine import Summary
from untrained.sims.experiments.recipes import deciding
from untrained.sims.experiments.recipes.cells import cells_of
from untrained.sims.experiments.recipes.comparisons import LOOKS, Levels, MeanDifference, Ratio, judge_by_looks
from untrained.sims.experiments.recipes.deciding import PILOT, Decision
from untrained.sims.experiments.recipes.planning import Outlook, outlook, standing
from untrained.sims.experiments.recipes.recipe import Algorithm, Part, Recipe, Setup
from untrained.sims.experiments.recipes.reproduction import RecipeRun
from untrained.sims.experiments.recipes.statements import Alike, Lower, comparisons_of, levels_of
from untrained.sims.experiments.recipes.summary import judged
from untrained.sims.images.scores import ratio_interval, typical_interval
from untrained.sims.random.streams import stream

AT = Setup(m=5)
BOTH = Lower("a is best", "a", ("b", "c"))
WIGGLE = (1.0, 1.1, 0.95, 1.05, 0.9, 1.0, 1.08, 0.93)


def toy(*statements, count=12, labels="abc"):
    chosen = tuple(Algorithm(label, "tv") for label in labels)
    return Recipe("toy", "curves", "Toy", "nobody", (Part("toys", (AT,), chosen, count),), statements=statements)


@dataclass(frozen=True)
class ToyRun(RecipeRun):
    """Rows out of a table of means and seconds in place of recoveries; `computed` lists what was computed."""

    means: Any = None
    seconds: Any = None
    table: Any = None
    computed: Any = None
    failing: Any = ()

    def run(self, workers=0, scheduler=None, *, follow=None, **options):
        left = [cell for cell in self.keys if cell not in self.table]
        failed = 0
        for i, cell in enumerate(left):
            if (cell.algorithm.label, cell.image) in self.failing:
                failed += 1
            else:
                self.compute(cell)
            if follow is not None:
                follow(Summary(len(left), i + 1 - failed, failed, 0, 1.0))
        return Summary(len(self.keys), len(self.keys) - failed, failed, 0, 1.0)

    def compute(self, cell):
        label = cell.algorithm.label
        wiggle = WIGGLE[(cell.image + ord(label)) % len(WIGGLE)]
        self.computed.append((label, cell.image))
        self.table[cell] = {
            "m": 5, "mse": self.means[label] * wiggle, "psnr": 20.0, "ssim": 0.5, "seconds": self.seconds[label],
            "outcome": "steps ended", "device": "cpu", "at_once": 1, "picture": None,
        }  # fmt: skip

    def rows(self):
        return {cell: self.table[cell] for cell in self.keys if cell in self.table}


@pytest.fixture
def decision(tmp_path, monkeypatch):
    """Make the decision of a toy recipe, with so many images of each run there before."""
    monkeypatch.setattr(deciding, "read_all", lambda kind: {})
    store = tmp_path / "store"
    store.touch()

    def of(recipe, means, seconds=None, there=0, failing=()):
        cells = cells_of(recipe, {})
        keys = {cell: f"{cell.algorithm.label}{cell.image:02d}" for cell in cells}
        seconds = seconds or dict.fromkeys(means, 10.0)
        toys = ToyRun((recipe,), {recipe.name: cells}, keys, {}, {}, Path(store), means, seconds, {}, [], failing)
        for cell in cells:
            if cell.image < there:
                toys.compute(cell)
        toys.computed.clear()
        return Decision(toys)

    return of


def compared(block):
    return block.sentence.stands.looks[block.comparison].comparison.second[0]


def test_one_comparison_that_fails_comes_before_one_of_two_that_hold(decision):
    some = decision(toy(BOTH), {"a": 1.0, "b": 3.0, "c": 0.3}, there=PILOT)
    assert compared(some.next_block()) == "c"
    some.run(1.0)
    assert {label for label, _ in some.chosen.computed} == {"a", "c"}
    assert [s.verdict for s in some.sentences] == ["fails"]


def test_of_two_that_fail_the_cheaper_one_comes_first(decision):
    means = {"a": 1.0, "b": 0.3, "c": 0.3}
    assert compared(decision(toy(BOTH), means, {"a": 1.0, "b": 90.0, "c": 1.0}, PILOT).next_block()) == "c"
    assert compared(decision(toy(BOTH), means, {"a": 1.0, "b": 1.0, "c": 90.0}, PILOT).next_block()) == "b"


def test_a_pilot_comes_before_a_look(decision):
    some = decision(toy(BOTH), {"a": 1.0, "b": 3.0, "c": 3.0})
    blocks = []
    assert some.run(1.0, tell=blocks.append) == "every sentence is decided"
    assert [block.images for block in blocks] == [PILOT, 6, PILOT, 6]
    assert len(some.chosen.computed) == len(set(some.chosen.computed)) == 3 * 6


def test_a_decision_goes_on_from_what_is_stored_and_ends_as_one_in_one_go(decision):
    whole = decision(toy(BOTH), {"a": 1.0, "b": 3.0, "c": 3.0})
    whole.run(1.0)
    parts = decision(toy(BOTH), {"a": 1.0, "b": 3.0, "c": 3.0})
    blocks = []

    def stop(block):
        blocks.append(block)
        if len(blocks) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.run(1.0, tell=stop)
    assert 0 < len(parts.chosen.computed) < len(whole.chosen.computed)
    again = Decision(parts.chosen)
    again.run(1.0)
    assert sorted(parts.chosen.computed) == sorted(whole.chosen.computed)
    assert judged(toy(BOTH), again.rows) == judged(toy(BOTH), whole.rows)


def test_no_block_is_begun_that_does_not_fit_and_no_hours_compute_nothing(decision):
    some = decision(toy(BOTH), {"a": 1.0, "b": 3.0, "c": 3.0}, dict.fromkeys("abc", 3600.0), PILOT)
    assert some.run(5.9).startswith("time is up; next would be toy: a by ")
    assert some.chosen.computed == []
    assert "about 6 h" in some.ending()
    assert some.run(0).startswith("time is up")
    assert some.chosen.computed == []


def test_time_that_is_over_ends_a_block_after_the_cell_at_work(decision, monkeypatch):
    some = decision(toy(BOTH), {"a": 1.0, "b": 3.0, "c": 3.0}, there=PILOT)
    clock = iter([0.0, 0.0, 10.0, 4000.0])
    monkeypatch.setattr(deciding.time, "monotonic", lambda: next(clock))
    assert some.run(1.0).startswith("time is up")
    assert len(some.chosen.computed) == 2
    assert len(some.rows) == 3 * PILOT + 2


def test_a_cell_that_fails_ends_its_run_and_is_not_tried_again(decision):
    some = decision(toy(BOTH), {"a": 1.0, "b": 3.0, "c": 3.0}, failing={("b", 4)})
    assert some.run(1.0) == "no image that there is can decide more"
    assert [one.verdict for one in some.sentences[0].stands.looks] == ["undecided", "holds"]
    assert some.sentences[0].stands.looks[0].images == 4


def test_what_has_no_image_yet_is_told(decision):
    recipe = toy(BOTH)
    rows = decision(recipe, {"a": 1.0, "b": 3.0, "c": 3.0}, there=2).rows
    (whole,), (half,) = (
        judged(recipe, {c: row for c, row in rows.items() if c.algorithm.label in labels}) for labels in ("abc", "ab")
    )
    assert whole["needs"] == "would take 6 images, about 0.033 h more"  # four more of three runs, ten seconds each
    assert half["needs"] == "1 comparisons have no image yet"


@pytest.mark.parametrize(
    ("count", "held", "needs"),
    [
        (12, {"toys": 6}, "would take 6 images, about 0.033 h more"),
        (12, {"toys": 5}, "would take 6 images, more than the 5 there are"),
        (5, {"toys": 9}, "would take 6 images, more than the 5 there are"),
    ],
)
def test_images_that_there_are_not_are_told(decision, count, held, needs):
    recipe = toy(BOTH, count=count)
    rows = decision(recipe, {"a": 1.0, "b": 3.0, "c": 3.0}, there=2).rows
    assert judged(recipe, rows, held)[0]["needs"] == needs


def test_too_few_images_are_never_aimed_at(decision):
    some = decision(toy(BOTH, count=5), {"a": 1.0, "b": 3.0, "c": 3.0})
    assert some.run(1.0) == "no image that there is can decide more"
    assert some.chosen.computed == []


def test_a_verdict_depends_on_no_later_image_nor_on_one_beyond_a_gap(decision):
    recipe = toy(replace(BOTH, than=("b",)))
    rows = decision(recipe, {"a": 1.0, "b": 3.0, "c": 1.0}, there=12).rows
    first = {cell: row for cell, row in rows.items() if cell.image < 6}
    (early,), (late,) = judged(recipe, first), judged(recipe, rows)
    assert early["verdict"] == late["verdict"] == "holds"
    assert early["interval"] == late["interval"]
    against = {c: row | {"mse": 1e6} if c.image > 5 and c.algorithm.label == "a" else row for c, row in rows.items()}
    assert judged(recipe, against)[0]["verdict"] == "holds"
    gap = {cell: row for cell, row in rows.items() if (cell.algorithm.label, cell.image) != ("a", 5)}
    assert judged(recipe, gap)[0]["verdict"] == "undecided"
    assert judged(recipe, dict(reversed(rows.items())))[0]["interval"] == late["interval"]


def test_an_image_without_a_finite_score_is_no_gap(decision):
    recipe = toy(replace(BOTH, than=("b",)))
    rows = decision(recipe, {"a": 1.0, "b": 3.0, "c": 1.0}, there=7).rows
    lost = {c: row | {"mse": None} if (c.algorithm.label, c.image) == ("b", 2) else row for c, row in rows.items()}
    assert judged(recipe, lost)[0]["images"] == 6


def pairs(a, b):
    return {("a", AT): dict(enumerate(a)), ("b", AT): dict(enumerate(b))}


LESS = Ratio(("a", AT), ("b", AT), "<", 1.0)
EACH = Levels(0.05, 0.05)


def test_looks_spend_the_level_once():
    assert sum(LOOKS.values()) == 1
    assert list(LOOKS) == [6, 8, 12, 20, 36, 60, 100]


@pytest.mark.parametrize(("count", "share", "levels"), [
    (1, 1.0, Levels(0.05, 0.05)), (5, 1.0, Levels(0.05, 0.01)), (15, 0.8, Levels(0.0125, 0.05 / 12)),
    (4, 0.5, Levels(0.05 / 3, 0.025)),
])  # fmt: skip
def test_a_sentence_splits_its_level_over_the_comparisons_that_could_mislead_it(count, share, levels):
    setups = [replace(AT, m=m) for m in range(1, count + 1)]
    comparisons = [Ratio(("a", setup), ("b", setup), "<", 1.0) for setup in setups]
    assert levels_of(comparisons, share) == levels


def test_two_bounds_on_the_same_runs_are_judged_by_one_interval_at_the_whole_level():
    alike = Alike("a is b", "a", ("b", "c"), 0.1)
    both = comparisons_of(alike, [(label, AT) for label in "abc"], "m")
    assert len(both) == 4
    assert levels_of(both, 1.0) == Levels(0.05, 0.025)


@pytest.mark.parametrize("share", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("true", range(9))
def test_no_number_of_true_comparisons_makes_a_sentence_err_more_often_than_its_level(true, share):
    # independent comparisons, each judged wrongly as often as it may; Markov's bound covers those that depend
    count, rng = 8, stream(6, "deciding", f"levels {true} {share}")
    comparisons = [Ratio(("a", replace(AT, m=m)), ("b", replace(AT, m=m)), "<", 1.0) for m in range(1, count + 1)]
    levels, least = levels_of(comparisons, share), share * count
    wrong = rng.random((200_000, count)) < np.where(np.arange(count) < true, levels.fails, levels.holds)
    holding = np.where(np.arange(count) < true, ~wrong, wrong).sum(axis=1)
    errs = holding < least if true >= least else holding >= least
    assert errs.mean() <= 0.05 + 3 * (0.05 * 0.95 / 200_000) ** 0.5
    misled, each = (true, levels.fails) if true >= least else (count - true, levels.holds)
    wrongly = misled - (least - 1 if true >= least else count - least)
    assert misled * each / wrongly <= 0.05 + 1e-15


def test_an_interval_decides_for_its_own_side_only():
    a, b = [1.0, 0.9, 1.1, 1.05, 0.95, 1.0], [1.2, 1.3, 1.1, 1.25, 1.15, 1.3]
    strict, lax = Levels(1e-6, 0.05), Levels(0.05, 1e-6)
    assert judge_by_looks(LESS, pairs(a, b), lax).verdict == "holds"
    assert judge_by_looks(LESS, pairs(a, b), strict).verdict == "undecided"
    assert judge_by_looks(LESS, pairs(b, a), strict).verdict == "fails"
    assert judge_by_looks(LESS, pairs(b, a), lax).verdict == "undecided"


def test_the_chance_of_a_look_is_how_often_it_decides():
    # images of known spread about a mean that is drawn as the outlook doubts it, judged as the look does
    rng, levels, images, there, spread = stream(3, "deciding", "chance"), Levels(0.16, 0.02), 12, 4, 0.3
    margins = np.array([0.1, 0.5, 0.2, 0.4])
    view = Outlook(there, margins.mean(), spread, spread / 2)
    means = rng.normal(view.mean, view.doubt, size=(20_000, 1))
    drawn = rng.normal(means, spread, size=(20_000, images - there))
    totals = (margins.sum() + drawn.sum(axis=1)) / images
    far, near = (spread * t.ppf(1 - level / 8 / 2, images - 1) / images**0.5 for level in (0.02, 0.16))
    holds, fails = view.chances(images, levels)
    assert holds == pytest.approx((totals > near).mean(), abs=0.015)
    assert fails == pytest.approx((totals < -far).mean(), abs=0.015)
    assert view.chances(there, levels) == (0.0, 0.0)


@pytest.mark.parametrize("sense", ["<", ">"])
def test_what_is_planned_with_is_what_the_interval_judges(sense):
    rng, verdicts, one = stream(4, "deciding", "margins"), set(), replace(LESS, sense=sense, limit=0.8)
    for _ in range(60):
        a, b = np.exp(0.2 * rng.normal(size=(2, 6)) + [[rng.normal() / 4], [0.2]])
        compared_ = one.compared(list(zip(a, b, strict=True)), 0.025)
        margins = np.array(one.margins(pairs(a, b)))
        p = ttest_1samp(margins, 0).pvalue
        tells = (compared_.high < 0.8 or compared_.low > 0.8) and compared_.high < np.inf
        assert tells == (p < 0.025)
        verdicts.add(tells and margins.mean() > 0)
    assert verdicts == {True, False}


def test_what_it_would_take_is_the_first_look_that_decides_if_nothing_changes():
    a, b = [1.0, 0.6, 1.2, 0.8], [1.2, 1.0, 1.0, 1.2]
    view = outlook(LESS, pairs(a, b))
    needed = view.images_needed(EACH)
    assert needed in LOOKS
    repeated = pairs(a * 25, b * 25)
    (used,) = {judge_by_looks(LESS, repeated, EACH).used}
    assert judge_by_looks(LESS, repeated, EACH).verdict == "holds"
    assert abs(list(LOOKS).index(needed) - list(LOOKS).index(used)) <= 1
    stands = standing([judge_by_looks(LESS, pairs(a, b), EACH)], pairs(a, b), 1.0)
    assert stands.needs() == {0: needed}


def test_what_it_would_take_goes_by_the_interval_that_will_judge():
    a, b = [1.1, 1.2, 9.0, 1.15, 1.3, 1.1, 1.2, 1.15], [1.0] * 8
    view = outlook(LESS, pairs(a, b))
    assert view.images_needed(EACH) == 12
    assert replace(view, margins=()).images_needed(EACH) > 12
    assert judge_by_looks(LESS, pairs(a + a[:4], b + b[:4]), EACH).used == 12


def test_from_twelve_images_on_one_large_error_on_the_same_side_hides_nothing():
    a, b = [1.1, 1.2, 1.15, 1.3, 1.1, 1.2, 1.15, 1.3, 1.1, 1.2, 1.15, 9.0], [1.0] * 12
    look = judge_by_looks(LESS, pairs(a, b), EACH)
    assert (look.verdict, look.used) == ("fails", 6)
    among_the_first = a[:2] + a[-1:] + a[2:-1]
    assert judge_by_looks(LESS, pairs(among_the_first[:11], b[:11]), EACH).verdict == "undecided"
    look = judge_by_looks(LESS, pairs(among_the_first, b), EACH)
    assert (look.verdict, look.used) == ("fails", 12)
    assert (look.compared.low, look.compared.high) == typical_interval(among_the_first, b, 1 - 0.05 / 8)[1:]
    difference = MeanDifference(("a", AT), ("b", AT), 0.05)
    of_means = judge_by_looks(difference, pairs(among_the_first, b), EACH)
    assert (of_means.verdict, of_means.used) == ("holds", 12)


@pytest.mark.parametrize(("second", "level"), [([1.0] * 12, 1e-6), ([0.0] + [1.0] * 11, 0.05)])
def test_where_typical_values_say_nothing_it_is_fieller_s_interval(second, level):
    first = [0.5, 0.7, 0.6] * 4
    one = LESS.compared(list(zip(first, second, strict=True)), level)
    assert (one.estimate, one.low, one.high) == ratio_interval(first, second, 1 - level)


def wrong_verdicts(draw, trials, images=6):
    """How often the ratio of two runs with the same true mean is told from 1, at all looks up to so many images."""
    decided = [judge_by_looks(LESS, pairs(*draw(images)), EACH).verdict for _ in range(trials)]
    return sum(verdict in ("holds", "fails") for verdict in decided) / trials


def lognormal(rng, *sigmas):
    """Draw MSEs of mean 1 for each run: an image's own factor, and one of each run."""

    def draw(images):
        shared = 0.4 * rng.normal(size=images)
        return [np.exp(shared + s * rng.normal(size=images) - s**2 / 2) for s in sigmas]

    return draw


def test_equal_lognormal_errors_are_told_apart_no_more_often_than_the_level():
    rng = stream(5, "deciding", "errors")
    assert wrong_verdicts(lognormal(rng, 0.3, 0.3), 1500) <= 0.05
    assert wrong_verdicts(lognormal(rng, 0.2, 0.6), 1500) <= 0.05
    assert wrong_verdicts(lognormal(rng, 0.3, 0.3), 1500, images=12) <= 0.05


def test_means_of_very_unequal_tails_are_told_apart_more_often_than_the_level():
    # a t interval of six images does not know of the rare large error that makes a mean
    assert 0.05 < wrong_verdicts(lognormal(stream(5, "deciding", "tails"), 0.1, 1.0), 1500) < 0.1
