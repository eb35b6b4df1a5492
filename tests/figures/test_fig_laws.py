"""Figures of exact laws: the curves that are drawn are those of the laws, and bounds lie on their sides."""

import math
from fractions import Fraction

import numpy as np
import pytest

from tests.figures.made_figures import made
from untrained.figures.fig_failure_probability import _failure, _proof
from untrained.figures.fig_set_isometry import _bound, _instance
from untrained.sims.record.store import read_record
from untrained.theory.laws.masked import masked_smallest_below


def curves(axes):
    return [np.array(line.get_data(), float) for line in axes.get_lines() if len(line.get_xdata()) > 1]


@pytest.mark.parametrize(("n", "ratio"), [(4, 24), (4, 330), (16, 17), (16, 90)])
def test_the_drawn_failure_is_that_of_the_exact_law(n: int, ratio: int) -> None:
    d = n * ratio
    exact = float(masked_smallest_below(n, d, Fraction(d, 4), relative_width=1e-4))
    assert _failure(n, ratio) == pytest.approx(exact, rel=0.5)
    lines = curves(made("failure_probability").axes[0])
    assert any(np.any((abs(x - ratio) < 1e-9) & (abs(y / exact - 1) < 0.5)) for x, y in lines)


def test_the_proof_s_bound_lies_above_the_law_and_is_the_least_of_its_splits() -> None:
    for n, ratio in ((4, 70), (4, 500), (16, 65), (16, 150)):
        assert _proof(n, ratio) > _failure(n, ratio)
    x, n, ratio = 0.45, 16, 200.0
    d = n * ratio
    few = math.exp(-d * (x * math.log(x / 0.5) + (1 - x) * math.log((1 - x) / 0.5)))
    small = math.exp(-((math.sqrt(x * d) - math.sqrt(n) - math.sqrt(d) / 2) ** 2) / 2)
    assert _proof(n, ratio) <= few + small
    assert _proof(n, 200) <= 2 * math.exp(-n) < _proof(n, 150)


def test_the_law_reaches_the_claim_where_the_record_says_and_1e_28_is_shown() -> None:
    axes = made("failure_probability").axes[0]
    rings = {float(x[0]): float(y[0]) for x, y in (line.get_data() for line in axes.get_lines()) if len(x) == 1}
    thresholds = {
        r["d_over_n"]: r["n"] for r in read_record("study", "sigma_min")["rows"] if r["source"] == "threshold"
    }
    assert rings == {ratio: 2 * math.exp(-n) for ratio, n in thresholds.items() if n in (4, 16, 64)}
    assert min(rings.values()) < 1e-27
    assert axes.get_ylim()[0] < 1e-29


def test_the_isometry_s_bound_is_above_its_exact_law_and_reads_the_claim_s_constants() -> None:
    left, right = made("set_isometry").axes[:2]
    solid, dashed = ([np.array(x.get_data()) for x in left.get_lines() if x.get_linestyle() == s] for s in ("-", "--"))
    assert len(solid) == len(dashed) == 3
    for law, bound in zip(solid, dashed, strict=True):
        failure = dict(law.T)
        assert all(p > failure[n] for n, p in bound.T if n in failure)
    t = math.sqrt(1.5) - 1 - math.sqrt(2 / 1000)
    assert _bound(1000, Fraction(1, 2)) == pytest.approx(8 * math.exp(-1000 * t * t / 2))
    assert right.get_xlabel().startswith("isometry constant")


def test_exact_factors_lie_below_two_alpha_and_one_is_the_recorded_one() -> None:
    for pixel, weight in ((0, 0.0), (1, 0.0), (1, 0.5), (3, 0.0)):
        alpha, factor = _instance(pixel, weight)
        assert factor < 2 * alpha
    quantities = read_record("claim", "own.netpgd.factor")["worst_case"]["enclosed"]
    assert _instance(1, 0.0)[1] == pytest.approx(float(quantities["attained"]), rel=0.01)
    assert _instance(1, 0.0)[1] <= float(quantities["certified"])


def test_the_isometry_constant_of_a_left_out_pixel_is_that_of_drawn_differences() -> None:
    """h = a U relu(Z w) + b U relu(Z v): the largest share of ||h||^2 on the pixel that A leaves out."""
    Z = np.array([[1, 0], [0, 1], [1, 1]])
    U = np.array([[4, 0, 0], [3, 1, 0], [1, 3, 0], [0, 3, 1], [0, 1, 3], [0, 0, 4]])
    rng = np.random.default_rng(0)
    w, sign = rng.standard_normal((2, 200_000, 2)), rng.choice([-1.0, 1.0], (2, 200_000, 1))
    h = (np.maximum(w @ Z.T, 0) @ U.T * sign).sum(0)
    h = h[(h != 0).any(1)]
    share = (h**2 / (h**2).sum(1, keepdims=True)).max(0)
    for pixel in (0, 1, 4):
        alpha = _instance(pixel, 0.0)[0]
        assert 0.97 * alpha < share[pixel] <= alpha * (1 + 1e-9)
