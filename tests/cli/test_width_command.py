"""`untrained width` and its Python door."""

import json
import math
from fractions import Fraction as F

import numpy as np
import pytest
import torch
from scipy.stats import binom

import untrained as door
from untrained.results import Coverage
from untrained.sims.diagnosis.width_answer import known_widths
from untrained.sims.diagnosis.width_runs import draw_runs
from untrained.sims.dynamics.columns import Regenerated, StoredColumns
from untrained.sims.experiments.studies.common import directions, seeds_of_runs
from untrained.sims.record.store import read_record
from untrained.theory.objects.covered_widths import SharperTheorem


def columns(line):
    return [cell for cell in line.split("  ") if cell]


def row(text, name):
    (line,) = (line for line in text.splitlines() if line.startswith(name))
    return [cell.strip() for cell in columns(line)[1:]]


def test_a_wide_network_is_covered(untrained, tmp_path):
    path = tmp_path / "width.json"
    ended = untrained("width", "--n", 100, "--d", "1e5", "--probability", 0.99, "--json", path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "own.sharper.descent) covers it, but for probability 0.01." in ended.stdout
    assert row(ended.stdout, "0.1 of the proof's step") == ["16667", "167"]
    numbers = json.loads(path.read_text())
    assert (numbers["n"], numbers["d"], numbers["covers"], numbers["probability"]) == (100, 10**5, True, "99/100")
    says = numbers["promise"]
    assert says["pays"] > says["misfit"] > 1
    digits = numbers["steps_per_digit"]
    assert (1 - says["fall"]) ** digits == pytest.approx(0.1)
    assert f"a digit in {math.ceil(digits)} steps" in ended.stdout
    assert {one["step"]: one["d"] for one in numbers["least_widths"]}["1/10"] == 16667
    assert numbers["log_least_failure"] < numbers["log_failure"] == pytest.approx(math.log(0.01))
    assert ended.stdout.splitlines()[-1] == str(path)


def test_a_narrow_network_is_not_covered_though_descents_were_seen_to_converge(untrained):
    ended = untrained("width", "--n", 128, "--d", 4000)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "does not cover it with a failure probability of 8.02e-28." in ended.stdout
    assert row(ended.stdout, "least probability of failure covered") == ["none"]
    assert "sigma_min along it" not in ended.stdout
    halves = [r for r in read_record("study", "phase")["rows"] if r["quantity"] == "half converged" and r["n"] == 128]
    (half,) = (r["value"] for r in halves if r["source"] == "simulation")
    assert row(ended.stdout, "half of the descents seen")[0] == f"from {round(128 * half)}"
    assert row(ended.stdout, "no descent fits")[0] == "up to 508"
    assert row(ended.stdout, "Theorem 4.1") == ["from 5.5e+17", "4.3e15 n", "not covered"]


def test_gradient_flow_and_the_printed_theorem(untrained):
    ended = untrained("width", "--n", 64, "--d", "3e17", "--flow")
    assert "gradient flow" in ended.stdout.splitlines()[0]
    assert "(own.sharper.flow) covers it, but for probability 5.07e-14." in ended.stdout
    assert row(ended.stdout, "Theorem 4.1")[-1] == "covered, but for probability 6.33e-14"
    assert row(ended.stdout, "rate of the misfit's fall")[1] == "||y||^2/n"


REFUSED = {
    "no rows": (("--n", 0, "--d", 5), "--n must be a whole number from 1 to 1e+30, got 0"),
    "a part of a row": (("--n", "5.5", "--d", 5), "--n must be a whole number from 1 to 1e+30, got 5.5"),
    "words": (("--n", 5, "--d", "wide"), "--d must be a whole number from 1 to 1e+30, got wide"),
    "far too wide": (("--n", 5, "--d", "1e999999999"), "--d must be a whole number from 1 to 1e+30, got 1e999999999"),
    "certainty": (
        ("--n", 5, "--d", 5, "--probability", 1),
        "--probability must lie strictly between 0 and 1, got 1",
    ),
    "a probability that is all but none": (
        ("--n", 5, "--d", 5, "--probability", "1e-999999999"),
        "--probability must lie strictly between 0 and 1, got 1e-999999999",
    ),
    "a probability that is none": (
        ("--n", 5, "--d", 5, "--probability", "nan"),
        "--probability must lie strictly between 0 and 1, got nan",
    ),
    "a long step": (("--n", 5, "--d", 5, "--step", 2), "--step must lie strictly between 0 and 2, got 2"),
    "a step of flow": (
        ("--n", 5, "--d", 5, "--step", 1, "--flow"),
        "--step must not be named for gradient flow, got 1",
    ),
    "few rows and no probability": (
        ("--n", 3, "--d", 5),
        "--probability must be named where 5 e^(-n/2) is not below 1, got n = 3 without one",
    ),
    "a folder that is missing": (
        ("--n", 5, "--d", 5, "--json", "/missing/x.json"),
        "--json must name a file in a folder that can be written to, got /missing/x.json",
    ),
    "networks too large": (
        ("--n", 8, "--d", "1e9", "--simulate", 1),
        "--simulate needs n d to be at most 1e+07, got 8e+09",
    ),
    "less than a network": (
        ("--n", 8, "--d", 80, "--simulate", -1),
        "--simulate must be an integer >= 1, got -1",
    ),
    "networks that flow": (
        ("--n", 8, "--d", 80, "--simulate", 1, "--flow"),
        "--simulate is for descent, got 1 with gradient flow",
    ),
    "a negative seed": (
        ("--n", 8, "--d", 80, "--simulate", 1, "--seed", -1),
        "--seed must be an integer >= 0, got -1",
    ),
    "no width": (("--n", 5), "Missing option '--d'."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_sizes_are_one_sentence(untrained, name):
    arguments, sentence = REFUSED[name]
    ended = untrained("width", *arguments)
    assert (ended.returncode, ended.stdout, ended.stderr) == (2, "", f"untrained: {sentence}\n")


def test_the_door_says_what_the_command_says(untrained):
    said = door.width(n=16, d=6400, probability="0.9999999999999999999999999", step=F(1, 2))
    assert isinstance(said, Coverage)
    assert said.answer.theorem.spread > 2
    ended = untrained("width", "--n", 16, "--d", 6400, "--probability", "0.9999999999999999999999999", "--step", "1/2")
    printed = [line.split() for line in ended.stdout.splitlines()]
    assert [line.split() for line in str(said).splitlines()] == printed
    assert "<table>" in said._repr_html_()
    assert said.covers is (said.least_width <= 6400)
    with pytest.raises(ValueError, match=r"^d must be a whole number from 1 to 1e\+30, got 0$"):
        door.width(n=16, d=0)


def descended(n, d, step, seed, runs):
    """The descents of h = Wz that are drawn, step by step in full: steps to 1e-8 ||y|| and ||h - h_0||/sqrt d there."""
    for own, y in zip(seeds_of_runs(seed, runs, "columns", n, d), directions(seed, runs, n).numpy(), strict=True):
        drawn = StoredColumns.draw(Regenerated(n, d, own, dtype=torch.float64))
        (block,) = drawn.blocks()
        V, start = block.V.numpy() / math.sqrt(n * d), block.h0.numpy()
        h, eta, taken = start.copy(), step * n * d / (math.sqrt(d) + 2 * math.sqrt(n)) ** 2, 0
        while np.linalg.norm(r := V @ np.maximum(h, 0) - y) > 1e-8:
            h, taken = h - eta * (h > 0) * (V.T @ r), taken + 1
        yield taken, float(np.linalg.norm(h - start)) / math.sqrt(d)


def test_networks_that_are_drawn_descend_as_they_would_step_by_step(untrained):
    steps, ways = zip(*descended(4, 1600, 0.5, 3, 3), strict=True)
    said = door.width(4, 1600, step=0.5, simulate=3, seed=3).answer.runs
    assert (said.runs, said.converged, said.steps) == (3, 3, sorted(steps)[1])
    assert said.farthest == pytest.approx(max(ways), rel=1e-6)
    assert said.as_promised is None
    ended = untrained("width", "--n", 4, "--d", 1600, "--simulate", 3, "--seed", 3)
    assert row(ended.stdout, "misfit as promised at every step")[0] == "3"
    assert row(ended.stdout, "converged within 10000 steps")[0] == "3"


def test_networks_too_narrow_do_not_converge():
    runs = draw_runs(SharperTheorem(16, F(1), F(1, 2)), 24, 2)
    assert (runs.converged, runs.steps, runs.as_promised) == (0, None, None)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (5, 4), (30, 100), (30, 130), (700, 3000)])
def test_the_share_of_signals_that_can_be_fitted_is_the_binomial_tail(n, d):
    others = known_widths(n, d)
    assert others.fit_exists == pytest.approx(binom.sf(n - 1, d, 0.25), rel=1e-9)
    assert others.cone_width == 4 * n - 4
    assert (others.printed_aspect, others.printed_least) == (43 * 10**14, 4248050856 * 10**6)


def test_very_large_sizes_are_answered():
    said = door.width(n=10**14, d=10**30, probability=0.5)
    assert said.covers
    assert said.least_width < 95 * 10**14
    assert "no descent fits" in str(said)
