"""Descents of `benchmarks/sharper.py` against one that is written from the definition, and what is said of them."""

import json
import math
import sys
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import sharper
from benchmarks.sharper import CLAIMS, Descent, Edge, arc, draw, edge, follow, measure
from untrained.sims.random.streams import stream
from untrained.theory.ledger import ledger

SIZES = {"wide": (4, 1600, 0.1), "narrow": (12, 60, 0.36), "long steps": (6, 40, 1.5), "few rows": (1, 30, 1.0)}


def length(h, a):
    """int_0^1 ||a on {h - ua > 0}|| du over h > 0, piece by piece: between two departures the set stands."""
    ends = sorted({0.0, 1.0, *(float(u) for u in h[a > 0] / a[a > 0] if 0 < u < 1)})
    middles = [(low + high) / 2 for low, high in pairwise(ends)]
    norms = [math.sqrt(sum(a[(h > 0) & (h - u * a > 0)] ** 2)) for u in middles]
    return sum(norm * width for norm, width in zip(norms, np.diff(ends), strict=True))


def by_definition(X, g, y, eta, steps):
    """(V phi(h) - y, path, sum of g^2 over the dead, dead) after each step, in float64 and in full."""
    V, h, path = X.T.astype(float), g.astype(float), 0.0
    for _ in range(steps):
        r = V @ np.maximum(h, 0) - y
        a = eta * (h > 0) * (V.T @ r)
        path += length(h, a)
        h = h - a
        yield V @ np.maximum(h, 0) - y, path, sum(g[h <= 0].astype(float) ** 2), int(sum(h <= 0))


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("seed", range(3))
def test_a_descent_is_that_of_the_definition(name, seed):
    n, d, c = SIZES[name]
    X, g, y = draw(n, d, stream(seed, "drawn"))
    eta = c / (math.sqrt(d) + 2 * math.sqrt(n)) ** 2
    run, size = Descent(X, g, y, eta), np.linalg.norm(y)
    for r, path, paid, dead in by_definition(X, g, y, eta, 60):
        run.advance()
        assert np.linalg.norm(run.r - r) < 1e-5 * size
        assert run.path == pytest.approx(path, rel=1e-5)
        assert run.paid == pytest.approx(paid, rel=1e-5)
        assert int(sum(~run.on)) == dead
    assert dead > 0
    assert run.drift() < 1e-5


def test_neurons_that_nobody_watches_are_told_by_the_drift():
    X, g, y = draw(8, 800, stream(0, "drawn"))
    run = Descent(X, g, y, 0.1 / 1100)
    run.left, run.near, run.h, run.V = 1e9, run.near[:0], run.h[:0], run.V[:0]
    for _ in range(60):
        run.advance()
    assert run.drift() > 1e-3


def test_the_way_of_a_step_counts_a_neuron_until_it_leaves():
    h, moves = np.array([1.0, 3.0]), np.array([4.0, 4.0])
    assert arc(9 + 16 + 16, h, moves) == pytest.approx(math.sqrt(41) / 4 + 5 / 2 + 3 / 4)
    assert arc(25.0, h[:0], moves[:0]) == 5


def test_draws_are_those_of_the_theorem():
    X, g, y = draw(30, 20_000, stream(0, "drawn"))
    assert len(g) == len(X) == pytest.approx(10_000, abs=5 * math.sqrt(5000))
    assert min(g) > 0
    assert np.linalg.norm(y) == pytest.approx(math.sqrt(30 * 20_000))
    largest = np.linalg.svd(X, compute_uv=False)[0]
    assert largest == pytest.approx(math.sqrt(len(g)) + math.sqrt(30), rel=0.03)


@pytest.mark.parametrize("claim", CLAIMS)
def test_bounds_are_those_of_the_claim(claim):
    c, rows = ledger()[claim].values, 100
    at = edge(claim, rows, 0.05)
    assert (at.width, at.misfit) == (c["aspect"] * rows, float(c["misfit"]))
    assert at.length == pytest.approx(float(c["length"]) * math.sqrt(at.width))
    beta = math.sqrt(at.width) + 2 * math.sqrt(rows)
    assert at.eta * beta**2 == pytest.approx(at.step) == pytest.approx(c.get("step", 0.05))
    often = c["failure_factor"] * math.exp(-rows / 2) if "failure_factor" in c else 0.01
    assert at.failure == pytest.approx(float(often))
    if "step" in c:
        assert math.exp(-at.log_fall) == pytest.approx(1 - at.width / (c["rate_divisor"] * beta**2), rel=1e-15)
    else:  # a step takes the time eta n d/||y||^2
        assert at.log_fall == pytest.approx(at.eta * at.width * rows / (c["rate_divisor"] * rows))


def near(**changes):
    numbers = {"claim": "x", "rows": 4, "width": 1600, "step": 0.1, "eta": 0.1 / 44**2}
    bounds = {"misfit": 1.95, "log_fall": 0.0, "length": 0.421 * 40, "failure": 0.5}
    return Edge(**(numbers | bounds | changes))


WRONG = {
    "misfit over bound": {"misfit": 0.5},
    "path over bound": {"length": 0.5},
    "a fall too fast": {"log_fall": 0.06},
}


def test_what_lies_outside_the_bounds_is_counted():
    row = measure(near(), 5, 0, 0.1, lambda: None)
    assert (row["outside the bounds"], row["first outside"], row["granted"], row["converged"]) == (0, [], 2.5, 5)
    for name, change in WRONG.items():
        row = measure(near(**change), 5, 0, 0.1, lambda: None)
        assert (row["outside the bounds"], row["first outside"]) == (5, [0, 1, 2, 3, 4])
        assert row["outside by"][name if name in row["outside by"] else "misfit over bound"] == 5


def test_a_run_does_not_depend_on_those_before():
    calls = []
    rows = [measure(near(), count, 7, 0.1, lambda: calls.append(1)) for count in (1, 3)]
    alone = [follow(near(), stream(7, "sharper", "x", 4, i), 0.1) for i in (2, 1, 0)]
    assert rows[0]["largest path over bound"] == float(f"{alone[2]['path over bound']:.4g}")
    assert rows[1]["largest path over bound"] == float(f"{max(one['path over bound'] for one in alone):.4g}")
    assert len(calls) == 4


def test_shorter_steps_follow_the_flow_nearer():
    """The path of Euler's method differs from the flow's by about its step: half of it by half as much."""
    X, g, y = draw(4, 60, stream(0, "drawn"))
    eta, time, paths = 1 / (math.sqrt(60) + 4) ** 2, 200, []
    for c in (0.2, 0.1, 0.05):
        run = Descent(X, g, y, c * eta)
        for _ in range(round(time / c)):
            run.advance()
        paths.append(run.path)
    first, second = abs(paths[1] - paths[0]), abs(paths[2] - paths[1])
    assert second < 0.7 * first < 0.01 * paths[2]


def test_the_script_prints_a_line_for_each_size(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["sharper.py", "--claim", *CLAIMS[:2], "--rows", "4", "5", "--runs", "2"])
    sharper.main()
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["claim"], row["n"], row["d"]) for row in rows] == [
        (claim, n, aspect * n) for claim, aspect in zip(CLAIMS, (400, 332), strict=False) for n in (4, 5)
    ]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--claim", CLAIMS[2], "--rows", "99"), f"--rows must be at least 100 for {CLAIMS[2]}, got 99"),
        (("--runs", "0"), "--runs must be at least 1"),
        (("--claim", "own.sharper.flow.limit"), "invalid choice: 'own.sharper.flow.limit'"),
    ],
)
def test_bad_input_of_the_script_is_one_sentence(monkeypatch, capsys, words, sentence):
    monkeypatch.setattr(sys, "argv", ["sharper.py", *words])
    with pytest.raises(SystemExit) as ended:
        sharper.main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (2, "")
    assert sentence in said.err.splitlines()[-1]
